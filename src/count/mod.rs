//! Visits and firsts in memory; everything stored is a sum of deltas.
//!
//! *In*: records, in spool order. *Out*: [`Rows`]. Pure and deterministic: the same records give
//! the same rows, in whatever stretches they are cut.
//! *Never* does IO, never asks for the time.

mod rows;

use std::collections::BTreeMap;

use crate::hit::{Record, Second, SiteName};
use crate::keys::KeyId;

pub use rows::{
    EventCounters, EventKey, JourneyKey, LedgerKey, PageCounters, PageKey, PropCounters, PropKey,
    Rows, VisitCounters, VisitKey,
};

/// What bounds the counter's memory.
#[derive(Clone, Copy, Debug)]
pub struct CountLimits {
    /// Pages, events and properties remembered for one visitor of a day.
    pub seen_per_visitor: usize,
    /// Visitors remembered for one site and day.
    pub visitors_per_site: usize,
}

/// One site's day, as bytes, with the key that it must be sealed under.
pub struct DayState {
    /// The key of the day; none: what belongs to no day (the ledger's totals).
    pub key: Option<KeyId>,
    /// The state.
    pub bytes: Vec<u8>,
}

/// The state does not decode: it was written by another version, or it is damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the counter's checkpoint does not decode")]
pub struct BadState;

/// The counter's state.
pub struct Counter {}

impl Counter {
    /// A counter that has seen nothing.
    #[must_use]
    pub fn new(_limits: CountLimits) -> Self {
        todo!()
    }

    /// Counts one record: changes the state, and adds its deltas to `rows`.
    pub fn apply(&mut self, _record: &Record, _rows: &mut Rows) {
        todo!()
    }

    /// The whole state, as parts that are sealed apart.
    #[must_use]
    pub fn encode(&self) -> Vec<DayState> {
        todo!()
    }

    /// The state from the parts that could still be opened.
    pub fn decode(_limits: CountLimits, _parts: &[DayState]) -> Result<Self, BadState> {
        todo!()
    }

    /// Visitors of `site` with a hit in the last `within_s` seconds before `now`.
    #[must_use]
    pub fn current_visitors(&self, _site: &SiteName, _now: Second, _within_s: i64) -> u64 {
        todo!()
    }

    /// The ledger's totals since the spool began: hits by site and reason. The reasons are
    /// `received`, `counted`, `withheld`, `key_lost`, `past_bound`, `dropped:…`, `rejected:…`,
    /// `keys_lost`.
    #[must_use]
    pub fn ledger(&self) -> &BTreeMap<(SiteName, &'static str), u64> {
        todo!()
    }

    /// Visitors in memory, over all sites and days.
    #[must_use]
    pub fn visitors_in_memory(&self) -> usize {
        todo!()
    }
}
