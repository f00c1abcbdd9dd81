//! What agents were found to be, so that one that comes again is not looked at again.
//!
//! Nothing of an agent is kept: only a hash of what its browser told, under a key that each thread
//! makes for itself, and what of it was found.

use std::cell::RefCell;
use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;

use super::agent::Agent;
use crate::edge::raw::RawHints;
use crate::hit::DropReason;

/// Agents that a thread remembers, at about 100 bytes each. `tests/corpora` has a thousand in all
/// its visits; their places are by chance, so that there are more of these.
const AGENTS_MAX: usize = 4096;

type Found = Result<Agent, DropReason>;

thread_local! {
    static RECENT: RefCell<Recent> = RefCell::new(Recent {
        key: RandomState::default(),
        places: vec![None; AGENTS_MAX].into(),
    });
}

/// Each agent has one place, which the last one that has it too takes.
struct Recent {
    key: RandomState,
    places: Box<[Option<(u64, Found)>]>,
}

/// What `read` found of the same before, or finds now.
pub(super) fn remembered(
    agent: &str,
    hints: &RawHints<'_>,
    touch: bool,
    read: impl FnOnce() -> Found,
) -> Found {
    let RawHints { brands, mobile, platform, platform_version } = hints;
    RECENT.with_borrow_mut(|recent| {
        let told =
            [agent, brands.expose(), mobile.expose(), platform.expose(), platform_version.expose()];
        let hash = recent.key.hash_one((told, touch));
        #[expect(clippy::cast_possible_truncation, reason = "the low bits choose the place")]
        let place = hash as usize % AGENTS_MAX;
        match &recent.places[place] {
            Some((known, found)) if *known == hash => found.clone(),
            _ => {
                let found = read();
                recent.places[place] = Some((hash, found.clone()));
                found
            }
        }
    })
}
