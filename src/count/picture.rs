//! The state as it was at a moment, on its way into a checkpoint; and the way back.

use super::codec::{self, Kind};
use super::day::VisitorState;
use super::intern::{Held, Packed};
use super::pieces::Pieces;
use super::seen::Thing;
use super::{BadState, CountLimits, Counter, DayState, mail};
use crate::hit::{Day, SiteName, Text};
use crate::keys::KeyId;

/// The state as it was at a moment. It shares its memory with the counter that goes on: what that
/// changes is copied first.
pub struct Picture {
    rest: Vec<u8>,
    mail: Vec<DayState>,
    days: Vec<DayPicture>,
}

struct DayPicture {
    site: SiteName,
    day: Day,
    key: KeyId,
    texts: Pieces<Text>,
    packed: Pieces<Packed>,
    held: Pieces<Held>,
    things: Pieces<Thing>,
    visitors: Pieces<VisitorState>,
}

impl Picture {
    pub(super) fn of(counter: &Counter) -> Self {
        let mut days = Vec::new();
        for (site, state) in &counter.sites {
            for ((day, key), of) in &state.days {
                days.push(DayPicture {
                    site: site.clone(),
                    day: *day,
                    key: *key,
                    texts: of.origins.texts.clone(),
                    packed: of.origins.packed.clone(),
                    held: of.views.held.clone(),
                    things: of.things.clone(),
                    visitors: of.visitors.clone(),
                });
            }
        }
        let mut of_mail = Vec::new();
        mail::encode(&counter.mail, &mut of_mail);
        Self { rest: codec::rest(counter), mail: of_mail, days }
    }

    /// Its parts, in the order in which they are read back; encoded one by one, and what has been
    /// encoded is let go of.
    pub fn into_parts(self) -> impl Iterator<Item = DayState> {
        let rest = DayState { key: None, bytes: self.rest };
        let of_days = self.days.into_iter().flat_map(DayPicture::into_parts);
        std::iter::once(rest).chain(self.mail).chain(of_days)
    }
}

impl DayPicture {
    fn into_parts(self) -> impl Iterator<Item = DayState> {
        let Self { site, day, key, texts, packed, held, things, visitors } = self;
        let texts = texts.into_parts().map(|part| (Kind::Texts, part.len(), codec::texts(&part)));
        let packed =
            packed.into_parts().map(|part| (Kind::Origins, part.len(), codec::origins(&part)));
        let held = held.into_parts().map(|part| (Kind::Views, part.len(), codec::views(&part)));
        let things =
            things.into_parts().map(|part| (Kind::Things, part.len(), codec::things(&part)));
        let visitors =
            visitors.into_parts().map(|part| (Kind::Visitors, part.len(), codec::visitors(&part)));
        let parts = texts.chain(packed).chain(held).chain(things).chain(visitors);
        parts.map(move |(kind, items, content)| {
            let mut bytes = codec::head(kind, &site, day, items);
            bytes.extend_from_slice(&content);
            DayState { key: Some(key), bytes }
        })
    }
}

/// A counter on its way back from the parts of its picture.
pub struct Restoring {
    counter: Counter,
    /// Parts of mailings: kind, key, content. They are read when all are there.
    mail: Vec<(u8, Option<KeyId>, Vec<u8>)>,
}

impl Restoring {
    /// Nothing yet.
    #[must_use]
    pub fn new(limits: CountLimits) -> Self {
        Self { counter: Counter::new(limits), mail: Vec::new() }
    }

    /// Takes the next part; those of a key that has died are left out.
    pub fn take(&mut self, part: &DayState) -> Result<(), BadState> {
        if let [codec::VERSION, kind @ (mail::REST | mail::IDS | mail::RECIPIENTS), content @ ..] =
            part.bytes.as_slice()
        {
            self.mail.push((*kind, part.key, content.to_vec()));
            return Ok(());
        }
        codec::read(&part.bytes, part.key, &mut self.counter)
    }

    /// The counter, when all parts have been taken.
    pub fn finish(self) -> Result<Counter, BadState> {
        let Self { mut counter, mail: of_mail } = self;
        let of_mail: Vec<_> =
            of_mail.iter().map(|(kind, key, content)| (*kind, *key, content.as_slice())).collect();
        counter.mail = mail::decode(&of_mail)?;
        for state in counter.sites.values_mut() {
            for day in state.days.values_mut() {
                if !day.is_whole() {
                    return Err(BadState);
                }
                for visitor in day.visitors.iter() {
                    // The views count who stands on them.
                    if !day.views.hold_restored(visitor.visit.exit) {
                        return Err(BadState);
                    }
                    if let Some(last) = visitor.visit.last() {
                        state.recent.moved(None, last);
                    }
                }
                day.index();
                day.views.index();
                counter.visitors += day.len();
            }
        }
        Ok(counter)
    }
}
