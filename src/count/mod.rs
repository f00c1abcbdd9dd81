//! Visits and firsts in memory; everything stored is a sum of deltas.
//!
//! *Owns* the visits that are going on, who has been seen today and on what, the ledger's totals.
//! *In*: records, in spool order. *Out*: [`Deltas`], which become [`Rows`]. Pure and deterministic:
//! the same records give the same rows, in whatever stretches they are cut.
//! *Never* does IO, never asks for the time; never lets an id out but into a checkpoint's section
//! that is sealed under its day's key.
//!
//! ```text
//! record ─► hit of a known visitor ─► day (a site, a key) ─► visitor ─► visit   attributed.rs
//!        ─► hit of nobody in particular                                         unattributed.rs
//!        ─► mail ─► held ─► mailing, recipient                                    mail/
//!        ─► drop, refusal, arrival, loss of keys ─► ledger
//!        ─► end of a day ─► its visitors are forgotten
//! ```
//!
//! **A visit** goes on while the gaps between its hits are at most `limits::VISIT_GAP_S` and it is
//! younger than `limits::VISIT_LENGTH_S_MAX`. A clock that steps back makes a gap of nothing. A
//! visit that is open at midnight goes on in the next day's state, under the next day's id; its own
//! counters stay where it began.
//!
//! **Firsts**: of the day, of the hour (never of an hour before one that has begun for the same
//! visitor), of the visit. What is past a bound of [`CountLimits`] is counted and is not a first.
//!
//! **An engagement** belongs to the visit's first view of its page, and is written on that view's
//! row. Without a visit that has viewed the page it is dropped, and changes nothing.
//!
//! **Memory.** A day's visitors are entries of 48 bytes, found by a table of indices; what they were
//! seen on are entries of 24 bytes, each leading to the one before it. Both are lists in pieces
//! that a [`Picture`] shares: taking one costs a count of references a piece, and whoever has it
//! encodes it while counting goes on.

mod attributed;
mod codec;
mod day;
mod deltas;
mod intern;
mod mail;
mod pending;
mod picture;
mod pieces;
mod recent;
mod rows;
mod seen;
#[cfg(test)]
mod tests;
mod unattributed;

use std::collections::{BTreeMap, VecDeque};

use hashbrown::HashMap;

use crate::hit::{Day, DropReason, Hit, MailHit, Record, Second, SiteName, Visitor};
use crate::keys::KeyId;

use attributed::Outcome;
use day::DayVisitors;
use mail::{Mail, Taken};
use recent::Recent;

pub use deltas::Deltas;
pub use picture::{Picture, Restoring};
pub use recent::MINUTES;
pub use rows::{
    EventCounters, EventKey, JourneyKey, LedgerKey, MailCounters, MailKey, PageCounters, PageKey,
    PropCounters, PropKey, Rows, VisitCounters, VisitKey,
};

/// What bounds the counter's memory.
#[derive(Clone, Copy, Debug)]
pub struct CountLimits {
    /// Pages, events and properties remembered for one visitor of a day.
    pub seen_per_visitor: usize,
    /// Visitors remembered for one site and day.
    pub visitors_per_site: usize,
    /// Visitors remembered at all.
    pub visitors: usize,
    /// Recipients remembered for one mailing.
    pub recipients_per_mailing: usize,
}

/// A part of the state, as bytes, with the key that it must be sealed under.
pub struct DayState {
    /// The key of the day; none: what belongs to no day (the ledger's totals).
    pub key: Option<KeyId>,
    /// The part: about a megabyte at most.
    pub bytes: Vec<u8>,
}

/// The state does not decode: it was written by another version, or it is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the counter's checkpoint does not decode")]
pub struct BadState;

/// The ledger's reasons that are not of a drop or a refusal.
pub(crate) mod reason {
    pub(crate) const RECEIVED: &str = "received";
    pub(crate) const COUNTED: &str = "counted";
    /// Counted, without a visitor: it asked for that.
    pub(super) const WITHHELD: &str = "withheld";
    /// Counted, without a visitor: its day's key is gone.
    pub(super) const KEY_LOST: &str = "key_lost";
    /// Counted, and not as a first: a bound was reached.
    pub(super) const PAST_BOUND: &str = "past_bound";
    /// A day's uniques began anew. Counts days, not hits.
    pub(super) const KEYS_LOST: &str = "keys_lost";
}

/// Ended keys that are remembered: hits under them come late, and are nobody's. A site has one a
/// day.
const ENDED_KEYS: usize = 8;

/// The counter's state.
pub struct Counter {
    limits: CountLimits,
    sites: HashMap<SiteName, SiteState>,
    ledger: BTreeMap<(SiteName, &'static str), u64>,
    /// Visitors at all sites, on all days.
    visitors: usize,
    mail: Mail,
}

#[derive(Default)]
struct SiteState {
    /// Two at most, as a rule: yesterday's until half an hour after midnight.
    days: BTreeMap<(Day, KeyId), DayVisitors>,
    ended: VecDeque<KeyId>,
    recent: Recent,
}

impl SiteState {
    /// Forgets the visitors of `day` and of those before it; says how many those are.
    fn end(&mut self, day: Day) -> usize {
        let mut visitors = 0;
        while let Some(first) = self.days.first_entry() {
            let (of, key) = *first.key();
            if of > day {
                break;
            }
            visitors += first.remove().len();
            if self.ended.len() == ENDED_KEYS {
                self.ended.pop_front();
            }
            self.ended.push_back(key);
        }
        visitors
    }
}

impl Counter {
    /// A counter that has seen nothing.
    #[must_use]
    pub fn new(limits: CountLimits) -> Self {
        Self {
            limits,
            sites: HashMap::new(),
            ledger: BTreeMap::new(),
            visitors: 0,
            mail: Mail::default(),
        }
    }

    /// Counts one record: changes the state, and adds what that makes to `deltas`.
    pub fn apply(&mut self, record: &Record, deltas: &mut Deltas) {
        match record {
            Record::Hit(hit) => self.hit(hit, deltas),
            Record::Drop { site, at, reason } => {
                self.note(site, *at, reason.ledger_label(), 1, deltas);
            }
            Record::Reject { site, at, reason, hits } => {
                self.note(site, *at, reason.ledger_label(), *hits, deltas);
            }
            Record::Received { site, at, hits } => {
                self.note(site, *at, reason::RECEIVED, *hits, deltas);
            }
            Record::KeysLost { site, at } => self.note(site, *at, reason::KEYS_LOST, 1, deltas),
            Record::DayEnd { site, at: _, day } => self.end(site, *day),
            Record::Mail(hit) => self.mail(hit, deltas),
            Record::MailingOver { site: _, at: _, key } => self.mail.end(*key),
            Record::Passed { site: _, at } => self.pass(*at, deltas),
        }
    }

    fn mail(&mut self, hit: &MailHit, deltas: &mut Deltas) {
        self.pass(hit.at, deltas);
        let recipients = self.limits.recipients_per_mailing;
        let reason = match self.mail.take(hit, recipients, &mut deltas.rows) {
            Taken::Held => reason::COUNTED,
            Taken::Repeated => DropReason::Repeated.ledger_label(),
            Taken::Withdrawn => DropReason::Withdrawn.ledger_label(),
        };
        self.note(&hit.site, hit.at, reason, 1, deltas);
    }

    /// Counts what was held until now.
    fn pass(&mut self, now: Second, deltas: &mut Deltas) {
        while let Some(hit) = self.mail.due(now) {
            if !self.mail.count(&hit, self.limits.recipients_per_mailing, &mut deltas.rows) {
                self.note(&hit.site, hit.at, reason::PAST_BOUND, 1, deltas);
            }
        }
    }

    /// Whether something waits for time to pass: for a [`Record::Passed`], where nothing else
    /// comes.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.mail.is_holding()
    }

    fn hit(&mut self, hit: &Hit, deltas: &mut Deltas) {
        let state = self.sites.entry_ref(&hit.site).or_default();
        let outcome = match &hit.visitor {
            Visitor::Known { key, .. } if state.ended.contains(key) => {
                unattributed::count(hit, reason::KEY_LOST, deltas)
            }
            Visitor::Known { key, id, before } => {
                let visitor = (*key, *id, *before);
                let room = (&mut self.visitors, self.limits);
                attributed::count(hit, visitor, state, room, deltas)
            }
            Visitor::Withheld => unattributed::count(hit, reason::WITHHELD, deltas),
            Visitor::Lost => unattributed::count(hit, reason::KEY_LOST, deltas),
        };
        match outcome {
            Outcome::NoVisit => {
                let label = DropReason::NoVisit.ledger_label();
                self.note(&hit.site, hit.at, label, 1, deltas);
            }
            Outcome::Counted(besides) => {
                state.recent.hit(hit);
                self.note(&hit.site, hit.at, reason::COUNTED, 1, deltas);
                if let Some(reason) = besides {
                    self.note(&hit.site, hit.at, reason, 1, deltas);
                }
            }
        }
    }

    /// Adds to the ledger, here and in the deltas.
    fn note(
        &mut self,
        site: &SiteName,
        at: Second,
        reason: &'static str,
        hits: u64,
        deltas: &mut Deltas,
    ) {
        if hits == 0 {
            return;
        }
        *self.ledger.entry((site.clone(), reason)).or_default() += hits;
        let key = LedgerKey { site: site.clone(), bucket: at.bucket(), reason };
        let hits = i64::try_from(hits).unwrap_or(i64::MAX);
        let rows = &mut deltas.rows;
        deltas::add(&mut rows.ledger, &mut rows.text_bytes, key, |sum| *sum += hits);
    }

    /// The day is over at `site`. No place on earth is more than a day behind another: the days
    /// two before it are over everywhere, also at sites that are measured no more and say nothing.
    fn end(&mut self, site: &SiteName, day: Day) {
        for (name, state) in &mut self.sites {
            self.visitors -= state.end(if name == site { day } else { Day(day.0 - 2) });
        }
    }

    /// The whole state as it is now.
    #[must_use]
    pub fn picture(&self) -> Picture {
        Picture::of(self)
    }

    /// The whole state, as parts that are sealed apart.
    #[must_use]
    pub fn encode(&self) -> Vec<DayState> {
        self.picture().into_parts().collect()
    }

    /// The state from the parts that could still be opened, in their order.
    pub fn decode(limits: CountLimits, parts: &[DayState]) -> Result<Self, BadState> {
        let mut restoring = Restoring::new(limits);
        for part in parts {
            restoring.take(part)?;
        }
        restoring.finish()
    }

    /// Visitors of `site` with a hit in the last `within_s` seconds before `now`, exactly; at most
    /// `recent::SECONDS` of them.
    #[must_use]
    pub fn current_visitors(&self, site: &SiteName, now: Second, within_s: i64) -> u64 {
        self.sites.get(site).map_or(0, |state| state.recent.visitors(now, within_s))
    }

    /// Page views of `site` in each of the last [`MINUTES`] minutes, the oldest first; the last one
    /// is under way.
    #[must_use]
    pub fn live_minutes(&self, site: &SiteName, now: Second) -> [u32; MINUTES] {
        self.sites.get(site).map_or([0; MINUTES], |state| state.recent.minutes(now))
    }

    /// The ledger's totals since the spool began: hits by site and reason. The reasons are
    /// `received`, `counted`, `withheld`, `key_lost`, `past_bound`, `dropped:…`, `rejected:…`,
    /// `keys_lost`.
    #[must_use]
    pub fn ledger(&self) -> &BTreeMap<(SiteName, &'static str), u64> {
        &self.ledger
    }

    /// Visitors in memory, over all sites and days.
    #[must_use]
    pub fn visitors_in_memory(&self) -> usize {
        self.visitors
    }

    /// Recipients in memory, over all mailings.
    #[must_use]
    pub fn recipients_in_memory(&self) -> usize {
        self.mail.recipients()
    }
}
