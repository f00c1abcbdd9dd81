//! What texts were found to be, so that one that comes again is not looked at again.
//!
//! Nothing of a text is kept: only a hash of it, under a key that each thread makes for itself, and
//! what of it was found, which may leave the edge anyway.

use std::hash::{BuildHasher as _, Hash};

use foldhash::quality::RandomState;

/// A bounded memory of one thread. Each text has one place, which the last one that has it too
/// takes.
pub(super) struct Recent<V> {
    key: RandomState,
    places: Box<[Option<(u64, V)>]>,
}

impl<V: Clone> Recent<V> {
    /// With so many places.
    pub(super) fn new(places: usize) -> Self {
        Self { key: RandomState::default(), places: vec![None; places].into() }
    }

    /// What `read` found of the same before, or finds now.
    pub(super) fn get(&mut self, told: impl Hash, read: impl FnOnce() -> V) -> V {
        let hash = self.key.hash_one(told);
        #[expect(clippy::cast_possible_truncation, reason = "the low bits choose the place")]
        let place = hash as usize % self.places.len();
        match &self.places[place] {
            Some((known, found)) if *known == hash => found.clone(),
            _ => {
                let found = read();
                self.places[place] = Some((hash, found.clone()));
                found
            }
        }
    }
}
