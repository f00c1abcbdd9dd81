//! The counting thread: takes committed frames in order, cuts what was counted into batches for
//! the outbox, and has a checkpoint kept every so often: of a picture, by a thread of its own, while
//! counting goes on.

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::count::{Counter, Deltas, Picture};
use crate::hit::Record;
use crate::limits;
use crate::outbox::{NewBatch, Outbox};
use crate::spool::{Frame, Lsn, Section, SpoolWriter};
use crate::store;
use crate::telemetry::{self, Value};

/// How long rows add up before they leave as a batch. One insert a table and cut: ClickHouse likes
/// few and large ones, and a reader likes to see the last ten seconds.
const CUT_INTERVAL: Duration = Duration::from_secs(2);

/// What the counting thread works with.
pub(super) struct Counting {
    /// Shared with the console, which reads current visitors and the ledger.
    pub(super) counter: Arc<Mutex<Counter>>,
    pub(super) deltas: Deltas,
    /// Batches that were cut, with the place that they reach, and that the outbox could not keep.
    pub(super) unkept: VecDeque<(Lsn, Vec<NewBatch>)>,
    /// The records before this place are counted.
    pub(super) applied: Lsn,
    pub(super) outbox: Arc<Outbox>,
    pub(super) spool: Arc<SpoolWriter>,
    pub(super) node: String,
    pub(super) checkpoint_interval: Duration,
    /// The thread that keeps a checkpoint, or kept the last one.
    pub(super) keeping: Option<JoinHandle<()>>,
}

impl Counting {
    /// Counts until the spool closes the channel; then cuts, keeps a checkpoint, and ends.
    pub(super) fn run(mut self, frames: &Receiver<Frame>) {
        let mut cut_at = Instant::now() + CUT_INTERVAL;
        let mut checkpoint_at = Instant::now() + self.checkpoint_interval;
        loop {
            let wait = cut_at.saturating_duration_since(Instant::now());
            match frames.recv_timeout(wait) {
                Ok(frame) => self.take(&frame),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    if self.cut() {
                        self.checkpoint();
                    }
                    return;
                }
            }
            let now = Instant::now();
            if now >= cut_at {
                let cut = self.cut();
                cut_at = now + CUT_INTERVAL;
                if cut && now >= checkpoint_at {
                    self.checkpoint_behind();
                    checkpoint_at = now + self.checkpoint_interval;
                }
            }
        }
    }

    /// Counts a frame; cuts on the way where it makes more rows than a batch should have.
    pub(super) fn take(&mut self, frame: &Frame) {
        debug_assert!(frame.first >= self.applied, "a frame is counted once");
        self.applied = frame.first;
        let mut records = frame.records.as_slice();
        while !records.is_empty() {
            let counted = self.apply(records);
            records = &records[counted..];
            self.applied.0 += counted as u64;
            if is_enough(&self.deltas) {
                self.cut();
            }
        }
    }

    /// Counts records until there are enough rows for a batch; says how many.
    fn apply(&mut self, records: &[Record]) -> usize {
        let mut counter = self.counter.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, record) in records.iter().enumerate() {
            counter.apply(record, &mut self.deltas);
            if is_enough(&self.deltas) {
                return at + 1;
            }
        }
        records.len()
    }

    /// Hands the rows to the outbox. False: it could not keep them; they stay here, the edge is
    /// told to refuse, and the next cut tries again. Each cut is a commit of its own, so that what
    /// waits for a disk never grows past what one frame of the outbox can hold.
    pub(super) fn cut(&mut self) -> bool {
        if !self.deltas.is_empty() {
            let rows = std::mem::take(&mut self.deltas).into_rows();
            self.unkept.push_back((self.applied, store::encode(&rows, &self.node)));
        }
        while let Some((reached, batches)) = self.unkept.front() {
            if self.outbox.commit(*reached, batches).is_err() {
                telemetry::error(
                    "outbox",
                    "rows cannot be kept; hits are refused until they can",
                    &[("batches", Value::from(batches.len()))],
                );
                self.spool.set_outbox_full(true);
                return false;
            }
            self.unkept.pop_front();
        }
        self.spool.set_outbox_full(self.outbox.figures().full);
        true
    }

    /// Keeps the state after the records before `applied`: all their rows are in the outbox.
    pub(super) fn checkpoint(&mut self) {
        if self.keeping.take().is_some_and(|thread| thread.join().is_err()) {
            telemetry::error("count", "a checkpoint's thread panicked", &[]);
        }
        keep(&self.spool, self.applied, self.picture());
    }

    /// The same, while counting goes on; unless the last one is still being written.
    fn checkpoint_behind(&mut self) {
        if self.keeping.as_ref().is_some_and(|thread| !thread.is_finished()) {
            return;
        }
        let (spool, reached, picture) = (Arc::clone(&self.spool), self.applied, self.picture());
        let thread = thread::Builder::new().name("checkpoint".to_owned());
        match thread.spawn(move || keep(&spool, reached, picture)) {
            Ok(thread) => self.keeping = Some(thread),
            Err(error) => telemetry::error(
                "count",
                "a checkpoint's thread cannot be started",
                &[("error", Value::Io(&error))],
            ),
        }
    }

    fn picture(&self) -> Picture {
        self.counter.lock().unwrap_or_else(PoisonError::into_inner).picture()
    }
}

/// Keeps a picture of the state after the records before `reached`.
fn keep(spool: &SpoolWriter, reached: Lsn, picture: Picture) {
    let parts = picture.into_parts();
    let sections = parts.map(|part| Section { key: part.key, bytes: part.bytes });
    let values = [("reached", Value::from(reached.0))];
    if spool.checkpoint(reached, sections).is_ok() {
        telemetry::debug("count", "kept a checkpoint", &values);
    } else {
        let what = "no checkpoint could be kept; the spool grows until one can";
        telemetry::error("count", what, &values);
    }
}

/// Whether rows should leave now.
pub(super) fn is_enough(deltas: &Deltas) -> bool {
    deltas.len() >= limits::BATCH_ROWS_MAX || deltas.bytes() >= limits::CUT_BYTES_MAX
}
