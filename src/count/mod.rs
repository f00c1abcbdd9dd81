//! Visits and firsts in memory; everything stored is a sum of deltas.
//!
//! *Owns* the visits that are going on, who has been seen today and on what, the ledger's totals.
//! *In*: records, in spool order. *Out*: [`Rows`]. Pure and deterministic: the same records give
//! the same rows, in whatever stretches they are cut.
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

mod attributed;
mod codec;
mod day;
mod deltas;
mod intern;
mod mail;
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
use intern::Pages;
use mail::{Mail, Taken};
use recent::Recent;

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
    /// Recipients remembered for one mailing.
    pub recipients_per_mailing: usize,
}

/// One site's day, as bytes, with the key that it must be sealed under.
pub struct DayState {
    /// The key of the day; none: what belongs to no day (the ledger's totals).
    pub key: Option<KeyId>,
    /// The state.
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
    /// Pages on which visits stand now.
    pages: Pages,
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
    /// Forgets the visitors of `day` and of those before it.
    fn end(&mut self, day: Day) {
        while let Some(first) = self.days.first_entry() {
            let (of, key) = *first.key();
            if of > day {
                break;
            }
            first.remove();
            if self.ended.len() == ENDED_KEYS {
                self.ended.pop_front();
            }
            self.ended.push_back(key);
        }
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
            pages: Pages::default(),
            mail: Mail::default(),
        }
    }

    /// Counts one record: changes the state, and adds its deltas to `rows`.
    pub fn apply(&mut self, record: &Record, rows: &mut Rows) {
        match record {
            Record::Hit(hit) => self.hit(hit, rows),
            Record::Drop { site, at, reason } => {
                self.note(site, *at, reason.ledger_label(), 1, rows);
            }
            Record::Reject { site, at, reason, hits } => {
                self.note(site, *at, reason.ledger_label(), *hits, rows);
            }
            Record::Received { site, at, hits } => {
                self.note(site, *at, reason::RECEIVED, *hits, rows);
            }
            Record::KeysLost { site, at } => self.note(site, *at, reason::KEYS_LOST, 1, rows),
            Record::DayEnd { site, at: _, day } => self.end(site, *day),
            Record::Mail(hit) => self.mail(hit, rows),
            Record::MailingOver { site: _, at: _, key } => self.mail.end(*key),
            Record::Passed { site: _, at } => self.pass(*at, rows),
        }
    }

    fn mail(&mut self, hit: &MailHit, rows: &mut Rows) {
        self.pass(hit.at, rows);
        let reason = match self.mail.take(hit, self.limits.recipients_per_mailing, rows) {
            Taken::Held => reason::COUNTED,
            Taken::Repeated => DropReason::Repeated.ledger_label(),
            Taken::Withdrawn => DropReason::Withdrawn.ledger_label(),
        };
        self.note(&hit.site, hit.at, reason, 1, rows);
    }

    /// Counts what was held until now.
    fn pass(&mut self, now: Second, rows: &mut Rows) {
        while let Some(hit) = self.mail.due(now) {
            if !self.mail.count(&hit, self.limits.recipients_per_mailing, rows) {
                self.note(&hit.site, hit.at, reason::PAST_BOUND, 1, rows);
            }
        }
    }

    /// Whether something waits for time to pass: for a [`Record::Passed`], where nothing else
    /// comes.
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.mail.is_holding()
    }

    fn hit(&mut self, hit: &Hit, rows: &mut Rows) {
        let state = self.sites.entry_ref(&hit.site).or_default();
        let outcome = match &hit.visitor {
            Visitor::Known { key, .. } if state.ended.contains(key) => {
                unattributed::count(hit, reason::KEY_LOST, rows)
            }
            Visitor::Known { key, id, before } => {
                let visitor = (*key, *id, *before);
                attributed::count(hit, visitor, state, self.limits, &mut self.pages, rows)
            }
            Visitor::Withheld => unattributed::count(hit, reason::WITHHELD, rows),
            Visitor::Lost => unattributed::count(hit, reason::KEY_LOST, rows),
        };
        match outcome {
            Outcome::NoVisit => {
                let label = DropReason::NoVisit.ledger_label();
                self.note(&hit.site, hit.at, label, 1, rows);
            }
            Outcome::Counted(besides) => {
                state.recent.hit(hit);
                self.note(&hit.site, hit.at, reason::COUNTED, 1, rows);
                if let Some(reason) = besides {
                    self.note(&hit.site, hit.at, reason, 1, rows);
                }
            }
        }
    }

    /// Adds to the ledger, here and in the rows.
    fn note(
        &mut self,
        site: &SiteName,
        at: Second,
        reason: &'static str,
        hits: u64,
        rows: &mut Rows,
    ) {
        if hits == 0 {
            return;
        }
        *self.ledger.entry((site.clone(), reason)).or_default() += hits;
        let key = LedgerKey { site: site.clone(), bucket: at.bucket(), reason };
        let hits = i64::try_from(hits).unwrap_or(i64::MAX);
        deltas::add(&mut rows.ledger, &mut rows.text_bytes, key, |sum| *sum += hits);
    }

    /// The day is over at `site`. No place on earth is more than a day behind another: the days
    /// two before it are over everywhere, also at sites that are measured no more and say nothing.
    fn end(&mut self, site: &SiteName, day: Day) {
        for (name, state) in &mut self.sites {
            state.end(if name == site { day } else { Day(day.0 - 2) });
        }
    }

    /// The whole state, as parts that are sealed apart.
    #[must_use]
    pub fn encode(&self) -> Vec<DayState> {
        codec::encode(self)
    }

    /// The state from the parts that could still be opened.
    pub fn decode(limits: CountLimits, parts: &[DayState]) -> Result<Self, BadState> {
        codec::decode(limits, parts)
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
        self.sites.values().flat_map(|state| state.days.values()).map(DayVisitors::len).sum()
    }

    /// Recipients in memory, over all mailings.
    #[must_use]
    pub fn recipients_in_memory(&self) -> usize {
        self.mail.recipients()
    }
}
