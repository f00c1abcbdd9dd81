//! What was found out of the agents that came lately: few of them are many of the hits.
//!
//! A slot holds a hash under a seed of this thread and run, and what is kept of the agent anyway:
//! no agent's text is remembered.

use std::cell::RefCell;
use std::hash::BuildHasher as _;

use foldhash::quality::RandomState;

use super::agent::{Agent, parsed};

/// Agents remembered by a thread. A site's weekly visitors have about a thousand.
const SLOTS: usize = 4096;

struct Known {
    hashing: RandomState,
    /// Each in the place that its hash says, until another takes it.
    slots: Vec<Option<(u64, Agent)>>,
}

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::new(Known {
        hashing: RandomState::default(),
        slots: vec![None; SLOTS],
    });
}

/// What is known of a `User-Agent` header.
pub(in crate::edge) fn agent_of(user_agent: &str) -> Agent {
    KNOWN.with_borrow_mut(|Known { hashing, slots }| {
        let hash = hashing.hash_one(user_agent);
        // The low bits: as many as there are slots.
        let slot = usize::try_from(hash % SLOTS as u64).unwrap_or_default();
        match &slots[slot] {
            Some((known, agent)) if *known == hash => agent.clone(),
            _ => slots[slot].insert((hash, parsed(user_agent))).1.clone(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_agent_is_the_one_that_was_parsed() {
        let agent = |version: usize| {
            format!(
                "Mozilla/5.0 (X11; Linux x86_64; rv:{version}.0) Gecko/20100101 Firefox/{version}.0"
            )
        };
        for version in (1..SLOTS * 2).chain(1..100) {
            let (known, fresh) = (agent_of(&agent(version)), parsed(&agent(version)));
            assert_eq!(known.browser_version.as_str(), fresh.browser_version.as_str());
            assert_eq!(known.browser.as_str(), "Firefox");
        }
    }
}
