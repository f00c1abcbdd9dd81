//! What a visitor has been seen on today: pages, events, properties, as fingerprints of 8 bytes.

use twox_hash::XxHash3_64;

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

/// One thing that a visitor was seen on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) print: Print,
    /// The last hour in which it was.
    pub(super) hour: Bucket,
    /// A page: the bucket of its first view in `visit`.
    pub(super) bucket: Bucket,
    /// The last visit in which it was, by its number in the visitor's day.
    pub(super) visit: u16,
    /// A page: how far it was read in `visit`, in percent.
    pub(super) scroll: Option<u8>,
    /// A page: whether `visit` has reported how it was read.
    pub(super) engaged: bool,
    /// Whether it was seen on this day: not so, if only a visit from before midnight has.
    pub(super) today: bool,
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

/// A visitor's things, few as a rule.
#[derive(Default)]
pub(super) struct Seen(pub(super) Vec<Entry>);

impl Seen {
    pub(super) fn find(&mut self, print: Print) -> Option<&mut Entry> {
        self.0.iter_mut().find(|entry| entry.print == print)
    }

    /// Sees a thing at a place in time; says what of that is new.
    pub(super) fn see(
        &mut self,
        print: Print,
        (bucket, hour, visit): (Bucket, Bucket, u16),
        bound: usize,
    ) -> Firsts {
        let Some(entry) = self.find(print) else {
            if self.0.len() >= bound {
                return Firsts { past_bound: true, ..Firsts::default() };
            }
            // One page is what most visitors see: room for exactly that, then twice as much.
            if self.0.is_empty() {
                self.0.reserve_exact(1);
            }
            let fresh =
                Entry { print, hour, bucket, visit, scroll: None, engaged: false, today: true };
            self.0.push(fresh);
            return Firsts { day: true, hour: true, visit: true, past_bound: false };
        };
        let firsts = Firsts {
            day: !entry.today,
            // A hit of an earlier hour, by a clock that stepped back, is first in nothing.
            hour: entry.hour < hour,
            visit: entry.visit != visit,
            past_bound: false,
        };
        entry.today = true;
        entry.hour = entry.hour.max(hour);
        if firsts.visit {
            (entry.visit, entry.bucket, entry.scroll, entry.engaged) = (visit, bucket, None, false);
        }
        firsts
    }
}
