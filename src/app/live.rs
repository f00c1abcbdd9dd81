//! What the console reads from the running stages: current visitors, the ledger, metrics.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::console::Live;
use crate::count::Counter;
use crate::edge::{Edge, Sites};
use crate::hit::{Clock, SiteName};
use crate::outbox::Outbox;
use crate::spool::SpoolWriter;

/// Seconds in which a visitor is a current one, as Plausible has it.
const CURRENT_S: i64 = 5 * 60;

/// The running stages, for reading.
pub(super) struct Running {
    pub(super) counter: Arc<Mutex<Counter>>,
    pub(super) edge: Arc<Edge>,
    pub(super) sites: Arc<Sites>,
    pub(super) spool: Arc<SpoolWriter>,
    pub(super) outbox: Arc<Outbox>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Running {
    fn counter(&self) -> MutexGuard<'_, Counter> {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
