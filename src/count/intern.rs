//! Each text and each origin once in memory, however many visitors share it.

use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;
use hashbrown::{HashSet, HashTable};

use super::deltas::Origin;
use crate::hit::{Text, VisitDims};

/// A visit's origin within a day: an index into [`Origins`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct OriginId(pub(super) u32);

/// Texts of an origin, as indices: hostname, entry page, dimensions.
pub(super) type Packed = [u32; 2 + VisitDims::COUNT];

/// The origins of one day's visits: 76 bytes each. They go with the day; a visitor has a new one
/// every half hour at most, so their number is bounded by that of the visitors.
#[derive(Default)]
pub(super) struct Origins {
    texts: Vec<Text>,
    text_ids: HashTable<u32>,
    packed: Vec<Packed>,
    ids: HashTable<u32>,
    /// Seeded at random: clients choose the texts. Ids are given in order, whatever their hashes.
    hashing: RandomState,
}

impl Origins {
    /// The id of an origin.
    pub(super) fn id(&mut self, hostname: &Text, entry_page: &Text, dims: &VisitDims) -> OriginId {
        let mut packed = [0; 2 + VisitDims::COUNT];
        let texts = [hostname, entry_page].into_iter().chain(dims.texts());
        for (place, text) in packed.iter_mut().zip(texts) {
            *place = self.text(text);
        }
        self.keep(packed)
    }

    /// The origin of an id.
    pub(super) fn get(&self, id: OriginId) -> Origin {
        let packed = &self.packed[id.0 as usize];
        let text = |index: u32| self.texts[index as usize].clone();
        let mut dims = VisitDims::default();
        for (dim, index) in dims.texts_mut().into_iter().zip(&packed[2..]) {
            *dim = text(*index);
        }
        Origin { hostname: text(packed[0]), entry_page: text(packed[1]), dims }
    }

    fn text(&mut self, text: &Text) -> u32 {
        let hash = |text: &Text| self.hashing.hash_one(text.as_str());
        let texts = &mut self.texts;
        let found =
            self.text_ids.find(hash(text), |id| texts[*id as usize].as_str() == text.as_str());
        if let Some(id) = found {
            return *id;
        }
        let id = index(texts.len());
        texts.push(text.clone());
        self.text_ids.insert_unique(hash(text), id, |id| hash(&texts[*id as usize]));
        id
    }

    fn keep(&mut self, packed: Packed) -> OriginId {
        let all = &mut self.packed;
        let hash = |packed: &Packed| self.hashing.hash_one(packed);
        if let Some(id) = self.ids.find(hash(&packed), |id| all[*id as usize] == packed) {
            return OriginId(*id);
        }
        let id = index(all.len());
        all.push(packed);
        self.ids.insert_unique(hash(&packed), id, |id| hash(&all[*id as usize]));
        OriginId(id)
    }

    pub(super) fn texts(&self) -> &[Text] {
        &self.texts
    }

    pub(super) fn packed(&self) -> &[Packed] {
        &self.packed
    }

    /// Origins that were kept earlier; none if an index leads nowhere.
    pub(super) fn restore(texts: &[Text], packed: &[Packed]) -> Option<Self> {
        let mut origins = Self::default();
        for text in texts {
            origins.text(text);
        }
        for one in packed {
            if one.iter().any(|text| *text as usize >= origins.texts.len()) {
                return None;
            }
            origins.keep(*one);
        }
        let whole = origins.texts.len() == texts.len() && origins.packed.len() == packed.len();
        whole.then_some(origins)
    }
}

fn index(length: usize) -> u32 {
    u32::try_from(length).expect("fewer than 2^32 origins: visitors are bounded")
}

/// The pages on which visits stand now, each once. Unlike a day's origins they change with every
/// view, so those that no visit holds any more are let go of.
#[derive(Default)]
pub(super) struct Pages {
    held: HashSet<Text, RandomState>,
    sweep_at: usize,
}

/// Pages that are kept without asking who holds them.
const SWEEP_MIN: usize = 4096;

impl Pages {
    /// The same text, shared with whoever holds it already.
    pub(super) fn share(&mut self, text: &Text) -> Text {
        if let Some(held) = self.held.get(text) {
            return held.clone();
        }
        if self.held.len() >= self.sweep_at.max(SWEEP_MIN) {
            self.held.retain(Text::is_shared);
            self.sweep_at = self.held.len() * 2;
        }
        self.held.insert(text.clone());
        text.clone()
    }
}
