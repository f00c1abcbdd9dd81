//! The encrypted write-ahead log of de-identified hits.
//!
//! *In*: records from the edge. *Out*: committed frames for the counter, in order; after a crash,
//! the same records again. *Never* knows what a visit is.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;

use crate::edge::{Full, Receipt, Sink};
use crate::hit::{Clock, Record, RejectReason, Second, SiteName};
use crate::keys::{KeyId, Keys};

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

/// A sealed part of a checkpoint: what belongs to one day's key, and dies with it.
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
    #[error("the spool was written by a newer headcount (format {0})")]
    Newer(u32),
    /// The key file is not 32 bytes, or it cannot be read.
    #[error("the spool's key file is damaged")]
    Key,
    /// Another process has it open.
    #[error("another headcount has this data folder open")]
    Locked,
}

/// The spool, open, not yet written to.
pub struct Spool {}

impl Spool {
    /// Opens or creates the spool in `config.dir`, cuts a torn tail, and says what it found.
    pub fn open(
        _config: SpoolConfig,
        _keys: Arc<Keys>,
        _clock: Arc<dyn Clock>,
    ) -> Result<(Self, Recovery), SpoolError> {
        todo!()
    }

    /// Reads every record from `from` on, in order.
    pub fn replay(&self, _from: Lsn, _each: &mut dyn FnMut(Lsn, Record)) -> Result<(), SpoolError> {
        todo!()
    }

    /// The last whole checkpoint, and the place that it reaches: the records before it are in it.
    /// A section whose key has died is left out.
    pub fn load_checkpoint(&self) -> Result<Option<(Lsn, Vec<Section>)>, SpoolError> {
        todo!()
    }

    /// Starts the writer thread. Committed frames go to `counter`, in order.
    pub fn start(self, _counter: SyncSender<Frame>) -> Result<Arc<SpoolWriter>, SpoolError> {
        todo!()
    }
}

/// The running spool.
pub struct SpoolWriter {}

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
}

impl SpoolWriter {
    /// Says whether the outbox has room; if not, the edge is told that the spool is full.
    pub fn set_outbox_full(&self, _full: bool) {
        todo!()
    }

    /// Keeps a checkpoint of the counter's state after the records before `reached`, then deletes
    /// the segments that hold nothing later.
    pub fn checkpoint(&self, _reached: Lsn, _sections: &[Section]) -> Result<(), SpoolError> {
        todo!()
    }

    /// Its figures now.
    pub fn figures(&self) -> SpoolFigures {
        todo!()
    }

    /// Commits what waits, tells all who wait, closes the counter's channel and ends the writer.
    pub fn stop(&self) {
        todo!()
    }
}

impl Sink for SpoolWriter {
    fn submit(&self, _record: Record) -> Result<Receipt, Full> {
        todo!()
    }

    fn refuse(&self, _site: &SiteName, _at: Second, _reason: RejectReason) {
        todo!()
    }

    fn note(&self, _record: Record) {
        todo!()
    }
}
