//! What a visitor has been seen on today: pages, events, properties, as fingerprints of 8 bytes.

use twox_hash::XxHash3_64;

use super::pieces::Pieces;
use crate::hit::{Bucket, Text};

/// 64 bits of a hash (XXH3) of a page, an event's name or a property. The same in every run of the
/// program: it stands in checkpoints. Texts that collide, made up or not, are compared only with
/// what the same visitor has seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Print(pub(super) u64);

impl Print {
    pub(super) fn page(hostname: &Text, page: &Text) -> Self {
        Self::of(b'p', &[hostname, page])
    }

    /// A page on any host but that of the visitor's first visit.
    pub(super) fn elsewhere(page: &Text) -> Self {
        Self::of(b'h', &[page])
    }

    pub(super) fn event(name: &Text) -> Self {
        Self::of(b'e', &[name])
    }

    pub(super) fn prop(name: &Text, key: &Text, value: &Text) -> Self {
        Self::of(b'v', &[name, key, value])
    }

    /// Each part is hashed under the hash of those before it, so that no bytes can move from one
    /// part into another.
    fn of(kind: u8, parts: &[&Text]) -> Self {
        let hash =
            |seed, part: &&Text| XxHash3_64::oneshot_with_seed(seed, part.as_str().as_bytes());
        Self(parts.iter().fold(kind.into(), hash))
    }
}

/// The place of a thing in its day's list; or of none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Link(pub(super) u32);

impl Link {
    pub(super) const NONE: Self = Self(u32::MAX);

    fn get(self) -> Option<u32> {
        (self != Self::NONE).then_some(self.0)
    }
}

/// One thing that a visitor was seen on: 24 bytes.
#[derive(Clone, Copy)]
pub(super) struct Thing {
    pub(super) print: Print,
    /// The thing that the same visitor was seen on before it.
    pub(super) before: Link,
    /// The last hour in which it was.
    pub(super) hour: Bucket,
    /// A page: the bucket of its first view in `visit`.
    pub(super) bucket: Bucket,
    /// The last visit in which it was, by its number in the visitor's day.
    pub(super) visit: u16,
    /// A page: how far it was read in `visit`, in percent; [`Thing::UNREAD`]: nobody said.
    pub(super) scroll: u8,
    /// [`Thing::ENGAGED`], [`Thing::TODAY`].
    pub(super) flags: u8,
}

impl Thing {
    pub(super) const UNREAD: u8 = u8::MAX;

    /// A page: `visit` has reported how it was read.
    pub(super) const ENGAGED: u8 = 1;
    /// It was seen on this day: not so, if only a visit from before midnight has.
    pub(super) const TODAY: u8 = 2;

    pub(super) fn is_of_today(&self) -> bool {
        self.flags & Self::TODAY != 0
    }

    pub(super) fn scroll(&self) -> Option<u8> {
        (self.scroll != Self::UNREAD).then_some(self.scroll)
    }

    /// The visit reports how its page was read: whether for the first time, how many percent
    /// further than before, and whether that was told for the first time.
    pub(super) fn read(&mut self, scroll: Option<u8>) -> (bool, u8, bool) {
        let engaged_first = self.flags & Self::ENGAGED == 0;
        self.flags |= Self::ENGAGED;
        let before = self.scroll();
        let Some(percent) = scroll else { return (engaged_first, 0, false) };
        self.scroll = percent.max(before.unwrap_or(0));
        (engaged_first, percent.saturating_sub(before.unwrap_or(0)), before.is_none())
    }
}

/// What is new about a thing that was just seen.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct Firsts {
    pub(super) day: bool,
    pub(super) hour: bool,
    pub(super) visit: bool,
    /// Nothing could be remembered.
    pub(super) past_bound: bool,
}

/// The things of one visitor, from the last new one on.
pub(super) fn chain(things: &Pieces<Thing>, last: Link) -> impl Iterator<Item = (u32, &Thing)> {
    let at = move |link: Link| link.get().map(|index| (index, things.get(index)));
    std::iter::successors(at(last), move |(_, thing)| at(thing.before))
}

/// A thing's place; or how many others the visitor has been seen on.
pub(super) fn find(things: &Pieces<Thing>, last: Link, print: Print) -> Result<u32, usize> {
    let mut others = 0;
    for (index, thing) in chain(things, last) {
        if thing.print == print {
            return Ok(index);
        }
        others += 1;
    }
    Err(others)
}

/// One visitor's things, few as a rule, among those of its day.
pub(super) struct Seen<'a> {
    pub(super) things: &'a mut Pieces<Thing>,
    pub(super) last: &'a mut Link,
}

impl Seen<'_> {
    pub(super) fn find(&mut self, print: Print) -> Option<&mut Thing> {
        find(self.things, *self.last, print).ok().map(|index| self.things.get_mut(index))
    }

    /// Puts a thing before the others.
    pub(super) fn push(&mut self, thing: Thing) {
        *self.last = Link(self.things.push(Thing { before: *self.last, ..thing }));
    }

    /// Sees a thing at a place in time; says what of that is new.
    pub(super) fn see(
        &mut self,
        print: Print,
        (bucket, hour, visit): (Bucket, Bucket, u16),
        bound: usize,
    ) -> Firsts {
        let index = match find(self.things, *self.last, print) {
            Ok(index) => index,
            Err(others) if others >= bound => {
                return Firsts { past_bound: true, ..Firsts::default() };
            }
            Err(_) => {
                let (before, scroll, flags) = (Link::NONE, Thing::UNREAD, Thing::TODAY);
                self.push(Thing { print, before, hour, bucket, visit, scroll, flags });
                return Firsts { day: true, hour: true, visit: true, past_bound: false };
            }
        };
        let thing = self.things.get_mut(index);
        let firsts = Firsts {
            day: !thing.is_of_today(),
            // A hit of an earlier hour, by a clock that stepped back, is first in nothing.
            hour: thing.hour < hour,
            visit: thing.visit != visit,
            past_bound: false,
        };
        thing.flags |= Thing::TODAY;
        thing.hour = thing.hour.max(hour);
        if firsts.visit {
            (thing.visit, thing.bucket, thing.scroll) = (visit, bucket, Thing::UNREAD);
            thing.flags &= !Thing::ENGAGED;
        }
        firsts
    }
}

const _: () = assert!(size_of::<Thing>() == 24);
