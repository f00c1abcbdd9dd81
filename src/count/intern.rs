//! Each text, origin and page once in memory, however many visitors share it.

use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};

use foldhash::fast::RandomState;
use hashbrown::HashTable;

use super::pieces::Pieces;
use crate::hit::{Text, VisitDims};

/// A visit's origin within a day: an index into [`Origins`].
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct OriginId(pub(super) u32);

/// What a visit's rows stand under: where it was entered, and the dimensions of the hit that opened
/// it.
#[derive(Clone, PartialEq, Eq, Default)]
pub(super) struct Origin {
    pub(super) hostname: Text,
    pub(super) entry_page: Text,
    pub(super) dims: VisitDims,
}

/// Texts of an origin, as indices: hostname, entry page, dimensions.
pub(super) type Packed = [u32; 2 + VisitDims::COUNT];

/// The origins of one day's visits: 76 bytes each. They go with the day; a visitor has a new one
/// every half hour at most, so their number is bounded by that of the visitors.
pub(super) struct Origins {
    /// Tells its ids from those of any other day while this program runs.
    pub(super) space: u64,
    pub(super) texts: Pieces<Text>,
    text_ids: HashTable<u32>,
    pub(super) packed: Pieces<Packed>,
    ids: HashTable<u32>,
    /// Seeded at random: clients choose the texts. Ids are given in order, whatever their hashes.
    hashing: RandomState,
}

impl Default for Origins {
    fn default() -> Self {
        static SPACES: AtomicU64 = AtomicU64::new(0);
        Self {
            space: SPACES.fetch_add(1, Ordering::Relaxed),
            texts: Pieces::default(),
            text_ids: HashTable::new(),
            packed: Pieces::default(),
            ids: HashTable::new(),
            hashing: RandomState::default(),
        }
    }
}

impl Origins {
    /// The id of an origin.
    pub(super) fn id(&mut self, hostname: &Text, entry_page: &Text, dims: &VisitDims) -> OriginId {
        let mut packed = [0; 2 + VisitDims::COUNT];
        let texts = [hostname, entry_page].into_iter().chain(dims.texts());
        for (place, text) in packed.iter_mut().zip(texts) {
            *place = self.text(text);
        }
        OriginId(self.keep(packed))
    }

    /// The origin of an id.
    pub(super) fn get(&self, id: OriginId) -> Origin {
        let packed = self.packed.get(id.0);
        let text = |index: u32| self.texts.get(index).clone();
        let mut dims = VisitDims::default();
        for (dim, index) in dims.texts_mut().into_iter().zip(&packed[2..]) {
            *dim = text(*index);
        }
        Origin { hostname: text(packed[0]), entry_page: text(packed[1]), dims }
    }

    /// The host on which an origin's visit began.
    pub(super) fn hostname(&self, id: OriginId) -> &Text {
        self.texts.get(self.packed.get(id.0)[0])
    }

    /// The index of a text.
    pub(super) fn text(&mut self, text: &Text) -> u32 {
        let hash = |text: &Text| self.hashing.hash_one(text.as_str());
        let texts = &mut self.texts;
        let found = self.text_ids.find(hash(text), |id| texts.get(*id) == text);
        if let Some(id) = found {
            return *id;
        }
        let id = texts.push(text.clone());
        self.text_ids.insert_unique(hash(text), id, |id| hash(texts.get(*id)));
        id
    }

    /// The index of an origin whose texts are there.
    pub(super) fn keep(&mut self, packed: Packed) -> u32 {
        let all = &mut self.packed;
        let hash = |packed: &Packed| self.hashing.hash_one(packed);
        if let Some(id) = self.ids.find(hash(&packed), |id| *all.get(*id) == packed) {
            return *id;
        }
        let id = all.push(packed);
        self.ids.insert_unique(hash(&packed), id, |id| hash(all.get(*id)));
        id
    }
}

/// A page on a host, with the hash of both.
#[derive(Clone, Copy)]
pub(super) struct PageName<'a> {
    pub(super) hostname: &'a Text,
    pub(super) page: &'a Text,
    pub(super) hash: u64,
}

/// A page on which visits stand: an index into [`Views`], or none.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct ViewId(pub(super) u32);

impl ViewId {
    pub(super) const NONE: Self = Self(u32::MAX);
}

/// A page, and how many visits of the day would be left by it. Held by none: its place is free.
#[derive(Clone, Default)]
pub(super) struct Held {
    pub(super) hostname: Text,
    pub(super) page: Text,
    hash: u64,
    holds: u32,
}

/// The pages on which the visits of one day stand now, each once. Unlike origins they change with
/// every view, so those that no visit holds any more are let go of.
#[derive(Default)]
pub(super) struct Views {
    pub(super) held: Pieces<Held>,
    free: Vec<u32>,
    ids: HashTable<u32>,
    /// Seeded at random, as that of [`Origins`].
    hashing: RandomState,
}

impl Views {
    /// A page, hashed.
    pub(super) fn name<'a>(&self, hostname: &'a Text, page: &'a Text) -> PageName<'a> {
        let hash = self.hashing.hash_one((hostname.as_str(), page.as_str()));
        PageName { hostname, page, hash }
    }

    /// The page of an id.
    pub(super) fn get(&self, id: ViewId) -> Option<PageName<'_>> {
        if id == ViewId::NONE {
            return None;
        }
        let Held { hostname, page, hash, holds: _ } = self.held.get(id.0);
        Some(PageName { hostname, page, hash: *hash })
    }

    /// A visit stands on that page now.
    pub(super) fn hold(&mut self, name: PageName<'_>) -> ViewId {
        let PageName { hostname, page, hash } = name;
        let Self { held, free, ids, .. } = self;
        let same = |id: &u32| {
            let other = held.get(*id);
            other.page == *page && other.hostname == *hostname
        };
        if let Some(id) = ids.find(hash, same).copied() {
            held.get_mut(id).holds += 1;
            return ViewId(id);
        }
        let fresh = Held { hostname: hostname.clone(), page: page.clone(), hash, holds: 1 };
        let id = match free.pop() {
            None => held.push(fresh),
            Some(id) => {
                *held.get_mut(id) = fresh;
                id
            }
        };
        ids.insert_unique(hash, id, |id| held.get(*id).hash);
        ViewId(id)
    }

    /// A visit stands there no more.
    pub(super) fn release(&mut self, id: ViewId) {
        if id == ViewId::NONE {
            return;
        }
        let held = self.held.get_mut(id.0);
        held.holds -= 1;
        if held.holds == 0 {
            let Held { hash, .. } = std::mem::take(held);
            if let Ok(place) = self.ids.find_entry(hash, |other| *other == id.0) {
                place.remove();
            }
            self.free.push(id.0);
        }
    }

    /// Puts back a page that was kept earlier, at the next index.
    pub(super) fn restore(&mut self, hostname: Text, page: Text) {
        let hash = self.name(&hostname, &page).hash;
        self.held.push(Held { hostname, page, hash, holds: 0 });
    }

    /// One more visit stands on a page that was put back. False: there is none of that index.
    pub(super) fn hold_restored(&mut self, id: ViewId) -> bool {
        if id == ViewId::NONE {
            return true;
        }
        let there = (id.0 as usize) < self.held.len();
        if there {
            self.held.get_mut(id.0).holds += 1;
        }
        there
    }

    /// Finds the pages that were put back and are held, and lets go of the others.
    pub(super) fn index(&mut self) {
        let Self { held, free, ids, hashing: _ } = self;
        for (id, it) in (0..).zip(held.iter()) {
            if it.holds == 0 {
                free.push(id);
            } else {
                ids.insert_unique(it.hash, id, |id| held.get(*id).hash);
            }
        }
    }
}
