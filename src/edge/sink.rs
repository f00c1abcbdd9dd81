//! Where the edge's records go. The spool implements it; the edge knows no more of the spool.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use tokio::sync::Notify;

use crate::hit::{Record, RejectReason, Second, SiteName};

/// Keeps records. Everything handed over here is counted as received: a record, or a refusal.
pub trait Sink: Send + Sync + 'static {
    /// Queues a request's records, each a [`Record::Hit`] or [`Record::Drop`], for the next group
    /// commit: all of them or none. The client may be told that they count once the receipt is
    /// kept.
    fn submit(&self, records: Vec<Record>) -> Result<Receipt, Full>;

    /// Counts a hit that was refused. Nothing waits for it; it travels with the next frame.
    fn refuse(&self, site: &SiteName, at: Second, reason: RejectReason);

    /// Queues a record that no client waits for: the end of a day, the loss of keys.
    fn note(&self, record: Record);
}

/// The queue, the spool or the outbox is full. Nothing was taken: here it is.
pub struct Full(pub Vec<Record>);

/// The commit failed: the record is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// One group commit, shared by all who wait for it.
pub type Receipt = Arc<Commit>;

/// A group commit's outcome, once there is one.
#[derive(Debug, Default)]
pub struct Commit {
    outcome: AtomicU8,
    settled: Notify,
}

const OPEN: u8 = 0;
const KEPT: u8 = 1;
const REFUSED: u8 = 2;

impl Commit {
    /// Waits until the commit is durable, or has failed. Dropping the future changes nothing: the
    /// record stays in its frame.
    pub async fn kept(&self) -> Result<(), Refused> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            match self.outcome.load(Ordering::Acquire) {
                OPEN => settled.await,
                KEPT => return Ok(()),
                _ => return Err(Refused),
            }
        }
    }

    /// Tells all who wait. Called once, by who commits.
    pub fn settle(&self, outcome: Result<(), Refused>) {
        let outcome = if outcome.is_ok() { KEPT } else { REFUSED };
        let before = self.outcome.swap(outcome, Ordering::AcqRel);
        debug_assert_eq!(before, OPEN, "a commit is settled once");
        self.settled.notify_waiters();
    }
}
