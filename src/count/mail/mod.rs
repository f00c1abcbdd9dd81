//! What happens to mailings: held for a few seconds, told from filters, counted.
//!
//! ```text
//! mail hit ─► hold: the same again? a burst of links? ─► 15 seconds later
//!          ─► recipients: firsts, under the mailing's key ─► rows
//! ```
//!
//! Time passes by the records alone, so that a replay holds and folds as it was done first.
//!
//! Rows without a link hold opens, and all clicks and forwards, by client, system and country. Rows
//! of a link hold its clicks by class alone: who uses a rare program in a small country cannot be
//! followed to what they read.

mod codec;
mod hold;
mod recipients;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use hashbrown::HashMap;

use super::rows::{MailCounters, MailKey};
use super::{Rows, deltas};
use crate::hit::{Bucket, MailAction, MailClass, MailHit, Second, Text};
use crate::keys::KeyId;

pub(super) use codec::{IDS, RECIPIENTS, REST, decode, encode};
use hold::Hold;
use recipients::{Origin, Recipients};

/// Ended keys that are remembered: what comes under them late is nobody's.
const ENDED_KEYS: usize = 64;

/// The state of all mailings.
#[derive(Default)]
pub(super) struct Mail {
    hold: Hold,
    recipients: HashMap<KeyId, Recipients>,
    ended: VecDeque<KeyId>,
}

/// What becomes of a mail hit when it arrives.
pub(super) enum Taken {
    /// It is held, and will be counted.
    Held,
    /// The same was counted within a minute.
    Repeated,
    /// Its recipient withdrew, now or before.
    Withdrawn,
}

impl Mail {
    /// Takes a hit; what is due must have been taken out before.
    pub(super) fn take(&mut self, hit: &MailHit, bound: usize, rows: &mut Rows) -> Taken {
        let mut hit = hit.clone();
        hit.recipient = hit.recipient.filter(|it| !self.ended.contains(&it.key));
        if let Some(recipient) = &hit.recipient {
            let of = self.recipients.entry(recipient.key).or_default();
            if hit.action == MailAction::Withdrawal {
                for (origin, link, change) in of.withdraw(recipient.id, bound) {
                    add(&hit, (origin.bucket, link), Under::of_origin(&origin), rows, change);
                }
            }
            if of.has_withdrawn(recipient.id) {
                return Taken::Withdrawn;
            }
        }
        match hit.action {
            // Of nobody who is known.
            MailAction::Withdrawal => Taken::Withdrawn,
            _ if self.hold.take(hit) => Taken::Held,
            _ => Taken::Repeated,
        }
    }

    /// The next hit whose time has come by `now`.
    pub(super) fn due(&mut self, now: Second) -> Option<MailHit> {
        self.hold.due(now)
    }

    /// Whether hits wait.
    pub(super) fn is_holding(&self) -> bool {
        !self.hold.is_empty()
    }

    /// Counts a hit that was held. False: its recipient could not be remembered.
    pub(super) fn count(&mut self, hit: &MailHit, bound: usize, rows: &mut Rows) -> bool {
        let bucket = hit.at.bucket();
        let total = |row: &mut MailCounters| match hit.action {
            MailAction::Open => row.opens += 1,
            MailAction::Click => row.clicks += 1,
            MailAction::Forward => row.forwards += 1,
            MailAction::Withdrawal => {}
        };
        add(hit, (bucket, 0), Under::of(hit), rows, total);
        if hit.link != 0 {
            add(hit, (bucket, hit.link), Under::class_of(hit), rows, total);
        }
        let known = hit.recipient.filter(|it| !self.ended.contains(&it.key));
        let Some(recipient) = known else { return true };
        let of = self.recipients.entry(recipient.key).or_default();
        let Some(changes) = of.see(hit, &recipient, bound) else { return false };
        for (origin, link, change) in changes {
            add(hit, (origin.bucket, link), Under::of_origin(&origin), rows, change);
        }
        true
    }

    /// Forgets the recipients of a key that is destroyed.
    pub(super) fn end(&mut self, key: KeyId) {
        self.recipients.remove(&key);
        self.hold.forget(key);
        if self.ended.len() == ENDED_KEYS {
            self.ended.pop_front();
        }
        self.ended.push_back(key);
    }

    /// Recipients in memory.
    pub(super) fn recipients(&self) -> usize {
        self.recipients.values().map(Recipients::len).sum()
    }
}

/// What a row stands under, besides site, time, mailing and link.
#[derive(Clone)]
struct Under {
    class: MailClass,
    client: Text,
    system: Text,
    country: Text,
}

impl Under {
    fn of(hit: &MailHit) -> Self {
        let MailHit { class, client, system, country, .. } = hit;
        let (client, system, country) = (client.clone(), system.clone(), country.clone());
        Self { class: *class, client, system, country }
    }

    fn class_of(hit: &MailHit) -> Self {
        Self { class: hit.class, client: Text::EMPTY, system: Text::EMPTY, country: Text::EMPTY }
    }

    fn of_origin(origin: &Origin) -> Self {
        let Origin { bucket: _, class, client, system, country } = origin.clone();
        Self { class, client, system, country }
    }
}

fn add(
    hit: &MailHit,
    (bucket, link): (Bucket, u16),
    under: Under,
    rows: &mut Rows,
    change: impl FnOnce(&mut MailCounters),
) {
    let Under { class, client, system, country } = under;
    let (site, mailing) = (hit.site.clone(), hit.mailing);
    let key = MailKey { site, bucket, mailing, link, class, client, system, country };
    deltas::add(&mut rows.mailings, &mut rows.text_bytes, key, change);
}
