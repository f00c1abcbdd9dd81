//! The hold: what a sender does within seconds tells whether it reads.
//!
//! Who asks for different links in the same second, or for more than [`limits::MAIL_LINKS_READ`] of
//! them within [`limits::MAIL_HOLD_S`], is a filter: all that it did as a person's device in that
//! time, and does in the ten minutes after it, is a scanner's. Measured elsewhere: gateways fetch
//! every link of a mail within milliseconds, most of them 40 seconds to five minutes after it was
//! sent (craft-campaign#546, 836 bursts), so the time since sending tells nothing.
//!
//! In a mailing with tokens, who does it is the recipient; else the device. A proxy stands for
//! many, and is neither told apart nor folded.

use std::collections::VecDeque;

use hashbrown::HashMap;

use crate::hit::{MailAction, MailClass, MailHit, MailingId, Second, VisitorId};
use crate::keys::KeyId;
use crate::limits;

/// Who does something: a recipient under a mailing's key, or a device under a day's.
pub(super) type Doer = (KeyId, VisitorId);

/// What waits, and what was done lately.
#[derive(Default)]
pub(super) struct Hold {
    pub(super) held: VecDeque<MailHit>,
    pub(super) lately: HashMap<Doer, Lately>,
    /// When each of `lately` may be forgotten, at the earliest; in the order in which they came.
    pub(super) due: VecDeque<(Second, Doer)>,
}

/// What one of them did in the last ten minutes.
#[derive(Default)]
pub(super) struct Lately {
    /// When the last burst was seen.
    pub(super) burst: Option<Second>,
    pub(super) last: Second,
    pub(super) deeds: VecDeque<Deed>,
}

/// One thing that was done, and counted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Deed {
    pub(super) at: Second,
    pub(super) mailing: MailingId,
    pub(super) link: u16,
    pub(super) action: MailAction,
}

/// Whether two times are less than `seconds` apart, whichever was first: clocks step back.
fn within(one: Second, other: Second, seconds: i64) -> bool {
    one.0.abs_diff(other.0) < seconds.unsigned_abs()
}

impl Lately {
    fn has_repeated(&self, new: &Deed) -> bool {
        self.deeds.iter().any(|old| {
            within(old.at, new.at, limits::MAIL_REPEAT_S) && Deed { at: new.at, ..*old } == *new
        })
    }

    /// Whether `new` makes a burst with what was done before it.
    fn bursts(&self, new: &Deed) -> bool {
        let follows = |deed: &Deed| deed.action != MailAction::Open;
        let other =
            |deed: &&Deed| follows(deed) && deed.mailing == new.mailing && deed.link != new.link;
        let others = || self.deeds.iter().filter(other);
        let mut links: Vec<u16> = others()
            .filter(|deed| within(deed.at, new.at, limits::MAIL_HOLD_S))
            .map(|deed| deed.link)
            .collect();
        links.sort_unstable();
        links.dedup();
        follows(new)
            && (links.len() >= limits::MAIL_LINKS_READ || others().any(|deed| deed.at == new.at))
    }

    fn is_filter(&self, at: Second) -> bool {
        self.burst.is_some_and(|burst| {
            at.0 >= burst.0 - limits::MAIL_HOLD_S && at.0 < burst.0 + limits::MAIL_BURST_S
        })
    }
}

/// Who did it, where that is one person's device or one recipient.
fn doer(hit: &MailHit) -> Option<Doer> {
    let recipient = hit.recipient.map(|it| (it.key, it.id));
    let device = matches!(hit.class, MailClass::Human | MailClass::Scanner);
    recipient.or(hit.sender.filter(|_| device))
}

impl Hold {
    /// Holds a hit; false where the same was counted within a minute.
    pub(super) fn take(&mut self, hit: MailHit) -> bool {
        let (at, mailing) = (hit.at, hit.mailing);
        if let Some(doer) = doer(&hit)
            && let Some(lately) = self.lately_of(doer, at)
        {
            let deed = Deed { at, mailing, link: hit.link, action: hit.action };
            lately.last = lately.last.max(at);
            if lately.has_repeated(&deed) {
                return false;
            }
            if lately.bursts(&deed) {
                lately.burst = Some(at);
            }
            if lately.deeds.len() == limits::MAIL_DEEDS_MAX {
                lately.deeds.pop_front();
            }
            lately.deeds.push_back(deed);
        }
        self.held.push_back(hit);
        true
    }

    fn lately_of(&mut self, doer: Doer, at: Second) -> Option<&mut Lately> {
        if !self.lately.contains_key(&doer) {
            if self.lately.len() >= limits::MAIL_DOERS_MAX {
                return None;
            }
            self.due.push_back((Second(at.0 + limits::MAIL_BURST_S), doer));
        }
        Some(self.lately.entry(doer).or_default())
    }

    /// The next hit whose time has come by `now`, under the class that it turned out to have.
    pub(super) fn due(&mut self, now: Second) -> Option<MailHit> {
        let waits = |hit: &MailHit| within(hit.at, now, limits::MAIL_HOLD_S);
        let full = self.held.len() > limits::MAIL_HELD_MAX;
        let Some(mut hit) = self.held.pop_front_if(|hit| full || !waits(hit)) else {
            // Not before: what they did decides over what they are held for.
            self.forget_old(now);
            return None;
        };
        let lately = doer(&hit).and_then(|doer| self.lately.get(&doer));
        if hit.class == MailClass::Human && lately.is_some_and(|it| it.is_filter(hit.at)) {
            hit.class = MailClass::Scanner;
        }
        Some(hit)
    }

    fn forget_old(&mut self, now: Second) {
        while let Some((_, doer)) = self.due.pop_front_if(|(at, _)| *at <= now) {
            let until = self.lately.get(&doer).map(|it| it.last.0 + limits::MAIL_BURST_S);
            match until {
                Some(until) if until > now.0 => self.due.push_back((Second(until), doer)),
                _ => drop(self.lately.remove(&doer)),
            }
        }
    }

    /// Forgets who is known by a key that is destroyed; what they did stays, as nobody's.
    pub(super) fn forget(&mut self, key: KeyId) {
        self.lately.retain(|(of, _), _| *of != key);
        self.due.retain(|(_, (of, _))| *of != key);
        for hit in &mut self.held {
            hit.recipient = hit.recipient.filter(|it| it.key != key);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}
