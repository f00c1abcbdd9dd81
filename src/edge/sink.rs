//! Where the edge's records go. The spool implements it; the edge knows no more of the spool.
//!
//! Requests wait for their commit by the hundred, on the thread of their connection. Each would be
//! woken from the committing thread by a system call of its own; so that thread rings once, and a
//! thread wakes those that wait on it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::hit::{Record, RejectReason, Second, SiteName};

/// Keeps records. Everything handed over here is counted as received: a record, or a refusal.
pub trait Sink: Send + Sync + 'static {
    /// Queues a request's records, each a [`Record::Hit`] or [`Record::Drop`], for a group commit:
    /// all of them or none. The client may be told that they count once the receipt is kept.
    fn submit(&self, records: Vec<Record>) -> Result<Receipt, Full>;

    /// What was submitted need not wait for more: the caller has nothing left to do. Until then it
    /// may wait, so that one commit takes all that has arrived.
    fn flush(&self);

    /// Rings whenever a commit was settled.
    fn bell(&self) -> Arc<Notify>;

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

/// See [`wake_waiting`].
const TICK: Duration = Duration::from_secs(1);

thread_local! {
    /// Who waits on this thread, in the order of the commits; none: nobody rings here.
    static WAITING: RefCell<Option<VecDeque<(Receipt, Waker)>>> = const { RefCell::new(None) };
}

impl Commit {
    fn outcome(&self) -> Poll<Result<(), Refused>> {
        match self.outcome.load(Ordering::Acquire) {
            OPEN => Poll::Pending,
            KEPT => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(Refused)),
        }
    }

    /// Waits until the commit is durable, or has failed. Dropping the future changes nothing: the
    /// record stays in its frame.
    pub async fn kept(self: &Arc<Self>) -> Result<(), Refused> {
        if WAITING.with_borrow(Option::is_none) {
            return self.kept_elsewhere().await;
        }
        let mut told: Option<Waker> = None;
        poll_fn(|context| {
            let outcome = self.outcome();
            let waker = context.waker();
            if outcome.is_pending() && !told.as_ref().is_some_and(|told| told.will_wake(waker)) {
                told = Some(waker.clone());
                WAITING.with_borrow_mut(|waiting| {
                    waiting.get_or_insert_default().push_back((Arc::clone(self), waker.clone()));
                });
            }
            outcome
        })
        .await
    }

    /// On a thread where nobody rings.
    async fn kept_elsewhere(&self) -> Result<(), Refused> {
        loop {
            let settled = self.settled.notified();
            tokio::pin!(settled);
            settled.as_mut().enable();
            match self.outcome() {
                Poll::Pending => settled.await,
                Poll::Ready(outcome) => return outcome,
            }
        }
    }

    /// Says how it ended. Called once, by who commits, and before the bell rings.
    pub fn settle(&self, outcome: Result<(), Refused>) {
        let outcome = if outcome.is_ok() { KEPT } else { REFUSED };
        let before = self.outcome.swap(outcome, Ordering::AcqRel);
        debug_assert_eq!(before, OPEN, "a commit is settled once");
        self.settled.notify_waiters();
    }
}

/// Wakes those that wait on this thread whenever the bell rings. Never ends.
pub(super) async fn wake_waiting(bell: Arc<Notify>) {
    WAITING.with_borrow_mut(|waiting| *waiting = Some(VecDeque::new()));
    loop {
        let rung = bell.notified();
        tokio::pin!(rung);
        // From here on no ring is missed.
        rung.as_mut().enable();
        while let Some(waker) = next_settled() {
            waker.wake();
        }
        // A timer that is always near spares tokio a system call for each of the far ones that
        // connections set while none is: it would wake the thread that sets it.
        drop(timeout(TICK, rung).await);
    }
}

/// Commits are settled in their order: behind one that is open, all are.
fn next_settled() -> Option<Waker> {
    WAITING.with_borrow_mut(|waiting| {
        let waiting = waiting.as_mut()?;
        let (commit, _) = waiting.front()?;
        if commit.outcome().is_pending() {
            return None;
        }
        waiting.pop_front().map(|(_, waker)| waker)
    })
}
