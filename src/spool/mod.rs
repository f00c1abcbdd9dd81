//! The encrypted write-ahead log of de-identified hits.
//!
//! *Owns* the order of everything that is counted, group commit, recovery, checkpoints.
//! *In*: records from the edge. *Out*: committed frames for the counter, in order; after a crash,
//! the same records again. *Never* knows what a visit is; never acknowledges what it did not keep.
//!
//! A frame of the log (`log.rs` has its bytes) is one group commit. Its payload:
//!
//! ```text
//! length u32 | records, as hit::encode_record writes them
//! sections u32 | { key id u64 | ids u32 | nonce 12 | length u32 | sealed ids, 8 bytes each }*
//! ```
//!
//! The ids of a key are sealed under that day's key, in the order in which the records ask for
//! them: once the key has died, nobody reads them, and the hits' visitors are `Lost`. Around that,
//! the whole payload is sealed under the spool's key file.
//!
//! **Group commit.** `submit` puts a record into the pending frame. One thread takes the pending
//! frame, writes and syncs it, tells all who wait, and hands the records to the counter. While it
//! syncs, the next frame fills: no timer, and the busier it is the larger the frames.
//!
//! **The listener's own count.** Each `submit` and `refuse` is counted as received, by site, and
//! the counts close the frame in which they happened: a crash takes both or neither.
//!
//! **When a commit fails**, its waiters are told, its hits are counted as shed, and the edge
//! refuses at once until a commit works again.
//!
//! **Checkpoints** replace each other by a rename: there is always one whole. The counter's rows
//! for everything in it are in the outbox, so the segments below it are deleted. It is sealed like
//! the spool: what belongs to a day under that day's key; section by section, so that no second copy
//! of the state is in memory.
//!
//! **After a start** hits are taken before the checkpoint and the records behind it have been read:
//! [`Past`] reads them beside the writer, which begins a segment of its own.

mod backlog;
mod checkpoint;
pub(crate) mod disk;
mod frame;
pub(crate) mod log;
#[cfg(test)]
pub(crate) mod memory;
mod payload;
#[cfg(test)]
mod tests;
pub(crate) mod verify;
mod writer;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use crate::hit::{Clock, Record};
use crate::keys::{KeyId, Keys, SealKey};
use crate::limits;
use crate::telemetry::{self, Value};
use disk::{Disk, RealDisk};
use log::{Log, LogError, Shape};

pub use verify::{Verified, verify};
pub use writer::{SpoolFigures, SpoolWriter};

/// A record's place in the spool: the number of records before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Lsn(pub u64);

/// When a hit is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// When its frame has been synced to the disk.
    Disk,
    /// When its frame has been written, and survives the process.
    Process,
}

/// How the spool is kept.
#[derive(Clone, Debug)]
pub struct SpoolConfig {
    /// Its folder.
    pub dir: PathBuf,
    /// When a hit is acknowledged.
    pub durability: Durability,
    /// Bytes of a segment, after which the next is begun.
    pub segment_bytes: u64,
    /// Bytes that all segments may have before the edge is told that it is full.
    pub max_bytes: u64,
}

/// One committed frame.
pub struct Frame {
    /// The place of its first record.
    pub first: Lsn,
    /// Its records.
    pub records: Vec<Record>,
    /// Given back when the counter is done with it.
    _place: backlog::Place,
}

/// What opening the spool found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// The oldest record that is still kept.
    pub first: Lsn,
    /// Where the next record goes.
    pub next: Lsn,
    /// Bytes cut off the end: a frame that was not whole when the process or machine died.
    pub torn_bytes: u64,
    /// Frames that do not verify, before whole ones: stepped over, and a reason for an alarm.
    pub bad_frames: u64,
}

/// A sealed part of a checkpoint: at most about a megabyte of what belongs to one day's key, and
/// dies with it.
pub struct Section {
    /// The key that it is sealed under; none: the spool's own key.
    pub key: Option<KeyId>,
    /// What the counter wrote.
    pub bytes: Vec<u8>,
}

/// Why the spool cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The system said no.
    #[error("the spool's {0} failed ({1})")]
    Io(&'static str, std::io::Error),
    /// Written by a newer program.
    #[error(
        "the spool was written by a newer headcount (format {0}, this one knows {known}): run \
         that version until it has stopped in order, or use another data folder",
        known = frame::VERSION
    )]
    Newer(u32),
    /// The same of its checkpoint.
    #[error(
        "the spool's checkpoint was written by a newer headcount (format {0}, this one knows \
         {known}): run that version, or use another data folder",
        known = checkpoint::VERSION
    )]
    NewerCheckpoint(u32),
    /// The key file is not 32 bytes, or it cannot be read.
    #[error("the spool's key file is damaged")]
    Key,
    /// Another process has it open.
    #[error("another headcount has this data folder open")]
    Locked,
}

/// The spool, open, not yet written to.
pub struct Spool {
    log: Log,
    next: Lsn,
    config: SpoolConfig,
    keys: Arc<Keys>,
    clock: Arc<dyn Clock>,
    disk: Arc<dyn Disk>,
    checkpoint_key: Arc<SealKey>,
    /// Held for as long as the folder is in use.
    lock: Option<File>,
}

/// Which log this is, in its segments' heads.
const KIND: u32 = 1;

/// Takes the lock of the spool in `dir`: it is let go when the file is.
pub fn lock(dir: &Path) -> Result<File, SpoolError> {
    RealDisk::open(dir.to_owned()).map_err(|e| SpoolError::Io("folder", e))?;
    let lock = File::create(dir.join("lock")).map_err(|e| SpoolError::Io("lock", e))?;
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
        .map_err(|_| SpoolError::Locked)?;
    Ok(lock)
}

impl Spool {
    /// Opens or creates the spool in `config.dir`, cuts a torn tail, and says what it found.
    pub fn open(
        config: SpoolConfig,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, Recovery), SpoolError> {
        let lock = lock(&config.dir)?;
        let disk = RealDisk::open(config.dir.clone()).map_err(|e| SpoolError::Io("folder", e))?;
        Self::open_on(Arc::new(disk), config, keys, clock, Some(lock))
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        config: SpoolConfig,
        keys: Arc<Keys>,
        clock: Arc<dyn Clock>,
        lock: Option<File>,
    ) -> Result<(Self, Recovery), SpoolError> {
        let root = disk::key_file(&*disk, "spool.key")
            .map_err(|error| SpoolError::Io("key file", error))?
            .ok_or(SpoolError::Key)?;
        let checkpoint_key = Arc::new(checkpoint::key(&root));
        let ahead_bytes = limits::SPOOL_AHEAD_BYTES;
        let shape = Shape { kind: KIND, segment_bytes: config.segment_bytes, ahead_bytes };
        let (log, opened) = Log::open(Arc::clone(&disk), root, shape)?;
        let recovery = Recovery {
            first: Lsn(opened.first),
            next: Lsn(opened.next),
            torn_bytes: opened.torn_bytes,
            bad_frames: opened.bad_frames,
        };
        if opened.torn_bytes > 0 {
            telemetry::info(
                "spool",
                "cut the torn tail that a crash left",
                &[("bytes", Value::from(opened.torn_bytes))],
            );
        }
        let next = recovery.next;
        Ok((Self { log, next, config, keys, clock, disk, checkpoint_key, lock }, recovery))
    }

    /// The place that the last checkpoint reaches; the rest of it has not been looked at.
    pub fn checkpoint_reached(&self) -> Result<Option<Lsn>, SpoolError> {
        checkpoint::reached(&*self.disk)
    }

    /// What it holds now, for reading while the writer goes on.
    #[must_use]
    pub fn past(&self) -> Past {
        Past {
            log: self.log.so_far(),
            keys: Arc::clone(&self.keys),
            disk: Arc::clone(&self.disk),
            checkpoint_key: Arc::clone(&self.checkpoint_key),
        }
    }

    /// Starts the writer thread. Committed frames go to `counter`, in order; the first record gets
    /// the place `at_least`, if that is later than the spool's own end: the outbox may have kept
    /// rows of records that the disk of a machine without power forgot.
    pub fn start(
        self,
        at_least: Lsn,
        counter: SyncSender<Frame>,
    ) -> Result<Arc<SpoolWriter>, SpoolError> {
        SpoolWriter::start(self, at_least, counter)
    }
}

/// What a spool held when it was opened. The records in it stay as long as no checkpoint is kept.
pub struct Past {
    log: Log,
    keys: Arc<Keys>,
    disk: Arc<dyn Disk>,
    checkpoint_key: Arc<SealKey>,
}

impl Past {
    /// Reads every record from `from` on, in order.
    pub fn replay(&self, from: Lsn, each: &mut dyn FnMut(Lsn, Record)) -> Result<(), SpoolError> {
        let mut seals = payload::Seals::new(Arc::clone(&self.keys));
        let mut undecoded = 0_u64;
        self.log.each(from.0, |frame| {
            let mut lsn = frame.first;
            let whole = payload::decode(&frame.payload, frame.count, &mut seals, |record| {
                if lsn >= from.0 {
                    each(Lsn(lsn), record);
                }
                lsn += 1;
            });
            undecoded += u64::from(!whole);
        })?;
        if undecoded > 0 {
            telemetry::error(
                "spool",
                "frames hold records that do not decode",
                &[("frames", Value::from(undecoded))],
            );
        }
        Ok(())
    }

    /// Hands the sections of the last checkpoint to `each`, and says which place it reaches: the
    /// records before it are in it. A section whose key has died is left out. A damaged checkpoint
    /// is as if there were none, and logged: what was handed out of it is of no use.
    pub fn load_checkpoint(
        &self,
        each: &mut dyn FnMut(Section),
    ) -> Result<Option<Lsn>, SpoolError> {
        checkpoint::load(&*self.disk, &self.checkpoint_key, &self.keys, each)
    }
}

impl From<LogError> for SpoolError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Io(step, error) => Self::Io(step, error),
            LogError::Newer(version) => Self::Newer(version),
        }
    }
}
