//! The running spool: the pending frame, and the thread that commits it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs::File;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Notify;

use super::backlog::Backlog;
use super::disk::Disk;
use super::log::Log;
use super::payload::{self, Seals};
use super::{Durability, Frame, Lsn, Section, Spool, SpoolError, checkpoint};
use crate::edge::{Full, Receipt, Refused, Sink};
use crate::hit::{Clock, Record, RejectReason, Second, SiteName, VisitorId, encode_record};
use crate::keys::{KeyId, Keys, SealKey};
use crate::limits;
use crate::telemetry::{self, Value};

/// How long refusals wait for hits to travel with.
const REFUSALS_WAIT: Duration = Duration::from_secs(1);

/// Records that are committed without waiting for a flush: a thread that always finds more to do
/// never flushes.
const FLUSH_AT: usize = 256;

/// How long after a failed commit the disk is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(250);

/// The running spool.
pub struct SpoolWriter {
    shared: Arc<Shared>,
    log: Arc<Mutex<Log>>,
    disk: Arc<dyn Disk>,
    keys: Arc<Keys>,
    checkpoint_key: Arc<SealKey>,
    thread: Mutex<Option<JoinHandle<()>>>,
    _lock: Option<File>,
}

/// Figures of the running spool, for metrics and `doctor`.
#[derive(Clone, Copy, Debug, Default)]
pub struct SpoolFigures {
    /// Where the next record goes.
    pub next: Lsn,
    /// Bytes on the disk.
    pub bytes: u64,
    /// Group commits since the start.
    pub commits: u64,
    /// Commits that failed.
    pub failed_commits: u64,
    /// Whether hits are being refused.
    pub refusing: bool,
}

struct Shared {
    pending: Mutex<Pending>,
    wake: Condvar,
    /// Records wait that the writer does not know of.
    unflushed: AtomicBool,
    /// Rings after each commit.
    bell: Arc<Notify>,
    max_bytes: u64,
    outbox_full: AtomicBool,
    failing: AtomicBool,
    next: AtomicU64,
    bytes: AtomicU64,
    commits: AtomicU64,
    failed_commits: AtomicU64,
}

/// The frame that fills while the one before it is synced.
#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    ids: Vec<(KeyId, VisitorId)>,
    records: Vec<Record>,
    commit: Receipt,
    /// Requests that arrived since the last frame, counted by themselves.
    received: BTreeMap<SiteName, (Second, u64)>,
    refused: BTreeMap<(SiteName, RejectReason), (Second, u64)>,
    closing: bool,
}

/// Records, and how they are written.
struct Encoded<'a> {
    records: Vec<Record>,
    bytes: &'a [u8],
    ids: &'a [(KeyId, VisitorId)],
}

/// Encodes records where this thread always does, and hands both on.
fn encoded<T>(records: Vec<Record>, then: impl FnOnce(Encoded<'_>) -> T) -> T {
    SCRATCH.with_borrow_mut(|(bytes, ids)| {
        bytes.clear();
        ids.clear();
        for record in &records {
            encode_record(record, bytes, ids);
        }
        then(Encoded { records, bytes, ids })
    })
}

/// Records' bytes, and their ids.
type Scratch = (Vec<u8>, Vec<(KeyId, VisitorId)>);

thread_local! {
    /// Where a thread encodes.
    static SCRATCH: RefCell<Scratch> = const { RefCell::new((Vec::new(), Vec::new())) };
}

impl Pending {
    fn push(&mut self, record: Record) {
        encoded(vec![record], |encoded| self.take(encoded));
    }

    fn take(&mut self, encoded: Encoded<'_>) {
        self.bytes.extend_from_slice(encoded.bytes);
        self.ids.extend_from_slice(encoded.ids);
        self.records.extend(encoded.records);
    }

    /// Looked up by reference: a site is cloned once a frame, not once a hit.
    fn receive(&mut self, site: &SiteName, at: Second) {
        match self.received.get_mut(site) {
            Some((last, hits)) => {
                *last = (*last).max(at);
                *hits += 1;
            }
            None => drop(self.received.insert(site.clone(), (at, 1))),
        }
    }

    /// Whether no more hits fit into its frame.
    fn is_full(&self) -> bool {
        self.records.len() >= limits::COMMIT_RECORDS_MAX
            || self.bytes.len() >= limits::COMMIT_BYTES_MAX
    }

    /// Whether there is something that must not wait.
    fn is_urgent(&self) -> bool {
        !self.records.is_empty() || self.closing
    }

    fn is_empty(&self) -> bool {
        self.records.is_empty() && self.refused.is_empty()
    }
}

fn add<K: Ord>(counts: &mut BTreeMap<K, (Second, u64)>, key: K, at: Second, hits: u64) {
    let entry = counts.entry(key).or_insert((at, 0));
    entry.0 = entry.0.max(at);
    entry.1 += hits;
}

impl SpoolWriter {
    pub(super) fn start(
        spool: Spool,
        at_least: Lsn,
        counter: SyncSender<Frame>,
    ) -> Result<Arc<Self>, SpoolError> {
        let Spool { log, next, config, keys, clock, disk, checkpoint_key, lock } = spool;
        let next = next.max(at_least);
        let shared = Arc::new(Shared {
            pending: Mutex::default(),
            wake: Condvar::new(),
            unflushed: AtomicBool::new(false),
            bell: Arc::default(),
            max_bytes: config.max_bytes,
            outbox_full: AtomicBool::new(false),
            failing: AtomicBool::new(false),
            next: AtomicU64::new(next.0),
            bytes: AtomicU64::new(log.bytes()),
            commits: AtomicU64::new(0),
            failed_commits: AtomicU64::new(0),
        });
        let log = Arc::new(Mutex::new(log));
        let committer = Committer {
            shared: Arc::clone(&shared),
            log: Arc::clone(&log),
            next,
            sync: config.durability == Durability::Disk,
            seals: Seals::new(Arc::clone(&keys)),
            clock,
            counter,
            backlog: Backlog::new(limits::RECORDS_QUEUED_MAX),
        };
        let thread = std::thread::Builder::new()
            .name("spool".to_owned())
            .spawn(move || committer.run())
            .map_err(|error| SpoolError::Io("thread", error))?;
        let thread = Mutex::new(Some(thread));
        Ok(Arc::new(Self { shared, log, disk, keys, checkpoint_key, thread, _lock: lock }))
    }

    /// Says whether the outbox has room; if not, the edge is told that the spool is full.
    pub fn set_outbox_full(&self, full: bool) {
        self.shared.outbox_full.store(full, Ordering::Relaxed);
    }

    /// Keeps a checkpoint of the counter's state after the records before `reached`, then deletes
    /// the segments that hold nothing later. Takes the sections as it writes them.
    pub fn checkpoint(
        &self,
        reached: Lsn,
        sections: impl IntoIterator<Item = Section>,
    ) -> Result<(), SpoolError> {
        checkpoint::keep(&*self.disk, &self.checkpoint_key, &self.keys, reached, sections)
            .map_err(|error| SpoolError::Io("checkpoint", error))?;
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.delete_oldest(|_, next| next <= reached.0)?;
        self.shared.bytes.store(log.bytes(), Ordering::Relaxed);
        Ok(())
    }

    /// Its figures now.
    pub fn figures(&self) -> SpoolFigures {
        let shared = &self.shared;
        SpoolFigures {
            next: Lsn(shared.next.load(Ordering::Relaxed)),
            bytes: shared.bytes.load(Ordering::Relaxed),
            commits: shared.commits.load(Ordering::Relaxed),
            failed_commits: shared.failed_commits.load(Ordering::Relaxed),
            refusing: shared.is_refusing(),
        }
    }

    /// Commits what waits, tells all who wait, closes the counter's channel and ends the writer.
    pub fn stop(&self) {
        self.shared.pending().closing = true;
        self.shared.wake.notify_one();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            telemetry::error("spool", "the writer thread panicked", &[]);
        }
    }
}

impl Sink for SpoolWriter {
    fn submit(&self, records: Vec<Record>) -> Result<Receipt, Full> {
        if self.shared.is_refusing() {
            return Err(Full(records));
        }
        // Encoded before the lock is taken: all listener threads share it.
        encoded(records, |encoded| {
            let mut pending = self.shared.pending();
            if pending.closing || pending.is_full() {
                return Err(Full(encoded.records));
            }
            for (site, at) in encoded.records.iter().filter_map(arrival) {
                pending.receive(site, at);
            }
            let before = pending.records.len();
            pending.take(encoded);
            let is_due = before < FLUSH_AT && pending.records.len() >= FLUSH_AT;
            let receipt = Arc::clone(&pending.commit);
            drop(pending);
            self.shared.unflushed.store(true, Ordering::Release);
            if is_due {
                self.flush();
            }
            Ok(receipt)
        })
    }

    fn flush(&self) {
        if self.shared.unflushed.swap(false, Ordering::AcqRel) {
            self.shared.wake.notify_one();
        }
    }

    fn bell(&self) -> Arc<Notify> {
        Arc::clone(&self.shared.bell)
    }

    fn refuse(&self, site: &SiteName, at: Second, reason: RejectReason) {
        let mut pending = self.shared.pending();
        pending.receive(site, at);
        add(&mut pending.refused, (site.clone(), reason), at, 1);
    }

    fn note(&self, record: Record) {
        let mut pending = self.shared.pending();
        if !pending.closing {
            pending.push(record);
            drop(pending);
            self.shared.wake.notify_one();
        }
    }
}

impl Shared {
    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_refusing(&self) -> bool {
        self.outbox_full.load(Ordering::Relaxed)
            || self.failing.load(Ordering::Relaxed)
            || self.bytes.load(Ordering::Relaxed) >= self.max_bytes
    }
}

/// The site and time of a record that a client waits for.
fn arrival(record: &Record) -> Option<(&SiteName, Second)> {
    match record {
        Record::Hit(_) | Record::Mail(_) | Record::Drop { .. } => {
            Some((record.site(), record.at()))
        }
        Record::Reject { .. }
        | Record::Received { .. }
        | Record::DayEnd { .. }
        | Record::KeysLost { .. }
        | Record::MailingOver { .. }
        | Record::Passed { .. } => None,
    }
}

/// The writer thread's own.
struct Committer {
    shared: Arc<Shared>,
    log: Arc<Mutex<Log>>,
    next: Lsn,
    sync: bool,
    seals: Seals,
    clock: Arc<dyn Clock>,
    counter: SyncSender<Frame>,
    backlog: Arc<Backlog>,
}

impl Committer {
    fn run(mut self) {
        loop {
            let pending = self.wait();
            let closing = pending.closing;
            if !pending.is_empty() {
                self.commit(pending);
            }
            if closing && self.shared.pending().is_empty() {
                return;
            }
            if closing && self.shared.failing.load(Ordering::Relaxed) {
                telemetry::error("spool", "the last refusals could not be kept", &[]);
                let commit = Arc::clone(&self.shared.pending().commit);
                self.settle(&commit, Err(Refused));
                return;
            }
        }
    }

    /// Takes the pending frame once there is one: records at once, refusals within a second.
    fn wait(&self) -> Pending {
        let mut pending = self.shared.pending();
        if self.shared.failing.load(Ordering::Relaxed) && !pending.closing {
            let until = |p: &mut Pending| !p.closing;
            pending = self
                .shared
                .wake
                .wait_timeout_while(pending, RETRY_AFTER, until)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        } else {
            while !pending.is_urgent() {
                let (again, timeout) = self
                    .shared
                    .wake
                    .wait_timeout(pending, REFUSALS_WAIT)
                    .unwrap_or_else(PoisonError::into_inner);
                pending = again;
                if timeout.timed_out() && !pending.is_empty() {
                    break;
                }
            }
        }
        let closing = pending.closing;
        let taken = std::mem::take(&mut *pending);
        pending.closing = closing;
        taken
    }

    fn commit(&mut self, mut pending: Pending) {
        let asked = pending.records.len();
        let now = self.clock.now();
        for ((site, reason), (at, hits)) in pending.refused.clone() {
            pending.push(Record::Reject { site, at, reason, hits });
        }
        for (site, (_, hits)) in pending.received.clone() {
            pending.push(Record::Received { site, at: now, hits });
        }
        let count = pending.records.len();
        self.seals.let_go();
        let kept = match payload::encode(&pending.bytes, &mut pending.ids, &mut self.seals) {
            None => Err("no random bytes"),
            Some(payload) => self.append(count, payload),
        };
        match kept {
            Ok(()) => {
                // Before the answer: who has it may send the next hit at once.
                if self.shared.failing.swap(false, Ordering::Relaxed) {
                    telemetry::info("spool", "commits work again", &[]);
                }
                self.settle(&pending.commit, Ok(()));
                self.shared.commits.fetch_add(1, Ordering::Relaxed);
                let first = self.next;
                self.next = Lsn(first.0 + count as u64);
                self.shared.next.store(self.next.0, Ordering::Relaxed);
                let place = self.backlog.place(count);
                let frame = Frame { first, records: pending.records, _place: place };
                if self.counter.send(frame).is_err() {
                    telemetry::error("spool", "the counter is gone; a restart counts again", &[]);
                }
            }
            Err(why) => {
                self.shared.failed_commits.fetch_add(1, Ordering::Relaxed);
                if !self.shared.failing.swap(true, Ordering::Relaxed) {
                    let values = [("why", Value::Word(why)), ("records", Value::from(asked))];
                    telemetry::error("spool", "a commit failed; hits are refused", &values);
                }
                pending.records.truncate(asked);
                let commit = Arc::clone(&pending.commit);
                self.take_back(pending);
                self.settle(&commit, Err(Refused));
            }
        }
    }

    fn settle(&self, commit: &Receipt, outcome: Result<(), Refused>) {
        commit.settle(outcome);
        self.shared.bell.notify_waiters();
    }

    fn append(&self, count: usize, payload: Vec<u8>) -> Result<(), &'static str> {
        let count = u32::try_from(count).map_err(|_| "too many records")?;
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let appended = log.append(self.next.0, count, payload, self.sync);
        self.shared.bytes.store(log.bytes(), Ordering::Relaxed);
        appended.map(|_| ()).map_err(|_| "the disk")
    }

    /// What a failed commit leaves for the next one: its hits are refusals now, and what nobody
    /// waits for comes again.
    fn take_back(&self, failed: Pending) {
        let mut pending = self.shared.pending();
        let newer = std::mem::take(&mut *pending);
        pending.closing = newer.closing;
        pending.commit = newer.commit;
        for (site, (at, hits)) in failed.received.into_iter().chain(newer.received) {
            add(&mut pending.received, site, at, hits);
        }
        for (key, (at, hits)) in failed.refused.into_iter().chain(newer.refused) {
            add(&mut pending.refused, key, at, hits);
        }
        for record in failed.records {
            match arrival(&record) {
                Some((site, at)) => {
                    let key = (site.clone(), RejectReason::Shed);
                    add(&mut pending.refused, key, at, 1);
                }
                None => pending.push(record),
            }
        }
        for record in newer.records {
            pending.push(record);
        }
    }
}
