//! The recipients of one mailing with tokens: what each has done, so that firsts are told.
//!
//! A recipient stands once among the openers: under its first open by a person (its own device, or
//! a provider's proxy); until there is one, under its first by a machine. So the classes add up to
//! all who were reached, and those whom only machines opened for are seen beside them. What a first
//! stood under is remembered, to be taken back when it turns out otherwise, or the recipient
//! withdraws.

use hashbrown::HashMap;

use super::super::rows::MailCounters;
use crate::hit::{Bucket, MailAction, MailClass, MailHit, Recipient, Text, VisitorId};
use crate::limits;
use twox_hash::XxHash3_64;

/// What a first stood under.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Origin {
    pub(super) bucket: Bucket,
    pub(super) class: MailClass,
    pub(super) client: Text,
    pub(super) system: Text,
    pub(super) country: Text,
}

/// Its number among the mailing's origins, from 1; 0: it has not happened.
pub(super) type OriginId = u32;

/// A change to the row of an origin and a link.
pub(super) type Change = fn(&mut MailCounters);

/// What one recipient has done.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Done {
    pub(super) withdrawn: bool,
    pub(super) opened: OriginId,
    pub(super) clicked: OriginId,
    pub(super) read: OriginId,
    pub(super) spread: OriginId,
    /// Of the first device that was a person's: its program and system, and its network.
    pub(super) device: Option<(u16, u16)>,
}

/// All of them.
#[derive(Default)]
pub(super) struct Recipients {
    pub(super) done: HashMap<VisitorId, Done>,
    /// First clicks on each link.
    pub(super) links: HashMap<(VisitorId, u16), OriginId>,
    pub(super) origins: Vec<Origin>,
    pub(super) numbers: HashMap<Origin, OriginId>,
}

impl Recipients {
    pub(super) fn len(&self) -> usize {
        self.done.len()
    }

    pub(super) fn has_withdrawn(&self, id: VisitorId) -> bool {
        self.done.get(&id).is_some_and(|done| done.withdrawn)
    }

    /// Sees what a recipient does: the rows that change by it, besides the totals. None: it could
    /// not be remembered.
    pub(super) fn see(
        &mut self,
        hit: &MailHit,
        recipient: &Recipient,
        bound: usize,
    ) -> Option<Vec<(Origin, u16, Change)>> {
        let id = recipient.id;
        if !self.done.contains_key(&id) && self.done.len() >= bound {
            return None;
        }
        let mut done = self.done.get(&id).copied().unwrap_or_default();
        let mut changes: Vec<(Origin, u16, Change)> = Vec::new();
        // It withdrew while this was held.
        if done.withdrawn {
            return Some(changes);
        }
        let MailHit { class, client, system, country, .. } = hit;
        let of_class = Origin {
            bucket: hit.at.bucket(),
            class: *class,
            client: Text::EMPTY,
            system: Text::EMPTY,
            country: Text::EMPTY,
        };
        let origin = Origin {
            client: client.clone(),
            system: system.clone(),
            country: country.clone(),
            ..of_class.clone()
        };
        let here = self.number(&origin);
        let person = class.is_person();
        if hit.action == MailAction::Open {
            let before = self.origin(done.opened).cloned();
            let by_machine = before.as_ref().is_some_and(|it| !it.class.is_person());
            if let (true, true, Some(before)) = (person, by_machine, before.clone()) {
                changes.push((before, 0, |row| row.unique_opens -= 1));
            }
            if before.is_none() || (person && by_machine) {
                changes.push((origin.clone(), 0, |row| row.unique_opens += 1));
                done.opened = here;
            }
        }
        if hit.action == MailAction::Click && person {
            if done.clicked == 0 {
                changes.push((origin.clone(), 0, |row| row.unique_clicks += 1));
                done.clicked = here;
            }
            let of_link = self.number(&of_class);
            self.links.entry((id, hit.link)).or_insert_with(|| {
                changes.push((of_class, hit.link, |row| row.unique_clicks += 1));
                of_link
            });
        }
        if person && done.read == 0 {
            changes.push((origin.clone(), 0, |row| row.readers += 1));
            done.read = here;
        }
        if *class == MailClass::Human {
            let device = (print(hit), low_bits(recipient.network));
            let first = *done.device.get_or_insert(device);
            if done.spread == 0 && first.0 != device.0 && first.1 != device.1 {
                changes.push((origin, 0, |row| row.spread += 1));
                done.spread = here;
            }
        }
        self.done.insert(id, done);
        Some(changes)
    }

    /// Takes back what a recipient has been counted for, and counts it no more.
    pub(super) fn withdraw(&mut self, id: VisitorId, bound: usize) -> Vec<(Origin, u16, Change)> {
        let known = self.done.get(&id).copied();
        if known.is_none() && self.done.len() >= bound {
            return Vec::new();
        }
        let done = known.unwrap_or_default();
        let mut changes: Vec<(OriginId, u16, Change)> = vec![
            (done.opened, 0, |row| row.unique_opens -= 1),
            (done.clicked, 0, |row| row.unique_clicks -= 1),
            (done.read, 0, |row| row.readers -= 1),
            (done.spread, 0, |row| row.spread -= 1),
        ];
        for link in 1..=limits::MAILING_LINKS_MAX {
            if let Some(origin) = self.links.remove(&(id, link)) {
                changes.push((origin, link, |row| row.unique_clicks -= 1));
            }
        }
        self.done.insert(id, Done { withdrawn: true, ..Done::default() });
        let known = changes.into_iter().filter_map(|(origin, link, change)| {
            Some((self.origin(origin)?.clone(), link, change))
        });
        known.collect()
    }

    fn origin(&self, number: OriginId) -> Option<&Origin> {
        self.origins.get(usize::try_from(number).ok()?.checked_sub(1)?)
    }

    pub(super) fn number(&mut self, origin: &Origin) -> OriginId {
        let next = self.origins.len();
        *self.numbers.entry_ref(origin).or_insert_with(|| {
            self.origins.push(origin.clone());
            u32::try_from(next + 1).unwrap_or(u32::MAX)
        })
    }
}

impl From<&Origin> for Origin {
    fn from(origin: &Origin) -> Self {
        origin.clone()
    }
}

/// 16 bits of the program and its system: enough to tell two devices of one recipient.
fn print(hit: &MailHit) -> u16 {
    let seed = XxHash3_64::oneshot(hit.client.as_str().as_bytes());
    let hash = XxHash3_64::oneshot_with_seed(seed, hit.system.as_str().as_bytes());
    u16::from_le_bytes([hash.to_le_bytes()[0], hash.to_le_bytes()[1]])
}

fn low_bits(network: VisitorId) -> u16 {
    let [low, high, ..] = network.to_raw().to_le_bytes();
    u16::from_le_bytes([low, high])
}
