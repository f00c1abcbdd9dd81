//! Finished rows as bytes, durable together with the spool position that they reach.
//!
//! *In*: batches. *Out*: the same batches, one after the other per table, until each is written.
//! *Never* holds an id; never counts again.

use std::path::PathBuf;
use std::sync::Arc;

use crate::spool::Lsn;

/// A table that rows go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "a variant per table")]
pub enum Table {
    Visits,
    Pages,
    Events,
    EventProps,
    Journeys,
    Ledger,
}

impl Table {
    /// Every table.
    pub const ALL: &[Self] =
        &[Self::Visits, Self::Pages, Self::Events, Self::EventProps, Self::Journeys, Self::Ledger];

    /// Its name in ClickHouse.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::Pages => "pages",
            Self::Events => "events",
            Self::EventProps => "event_props",
            Self::Journeys => "journeys",
            Self::Ledger => "ledger",
        }
    }
}

/// Rows for one table and one partition: one insert. Without the marker row, which the store adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBatch {
    /// The table.
    pub table: Table,
    /// The partition: the year and month of the buckets in UTC, as 202611.
    pub month: u32,
    /// How many rows.
    pub rows: u32,
    /// Version of the row format that `bytes` are in: the number of the last migration.
    pub schema: u32,
    /// The rows as RowBinary.
    pub bytes: Vec<u8>,
}

/// A batch that waits to be written.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Its number, unique within the outbox's incarnation.
    pub number: u64,
    /// What it holds.
    pub content: Arc<NewBatch>,
    /// What the store noted about its last attempt, if there was one.
    pub note: Option<Vec<u8>>,
}

/// How the outbox is kept.
#[derive(Clone, Debug)]
pub struct OutboxConfig {
    /// Its folder.
    pub dir: PathBuf,
    /// Bytes that may wait before the edge is told to refuse.
    pub max_bytes: u64,
}

/// Why the outbox cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The system said no.
    #[error("the outbox's {0} failed ({1})")]
    Io(&'static str, std::io::Error),
    /// Written by a newer program.
    #[error("the outbox was written by a newer headcount (format {0})")]
    Newer(u32),
    /// A frame that was whole once does not verify.
    #[error("the outbox is damaged in {0} frames")]
    Damaged(u64),
}

/// What opening the outbox found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The rows of all records before this place are in the outbox, or were.
    pub lsn: Lsn,
    /// Bytes cut off the end.
    pub torn_bytes: u64,
    /// Batches that wait.
    pub waiting: usize,
}

/// Figures, for metrics and `doctor`.
#[derive(Clone, Copy, Debug, Default)]
pub struct OutboxFigures {
    /// Batches that wait.
    pub waiting: usize,
    /// Their bytes.
    pub waiting_bytes: u64,
    /// Batches set aside.
    pub set_aside: usize,
    /// Whether the bound is reached.
    pub full: bool,
}

/// The outbox. Shared by the counter, which commits, and the store, which writes.
pub struct Outbox {}

impl Outbox {
    /// Opens or creates the outbox.
    pub fn open(_config: OutboxConfig) -> Result<(Self, Reached), OutboxError> {
        todo!()
    }

    /// The outbox's name for itself: 16 random bytes, drawn when it was created.
    pub fn incarnation(&self) -> [u8; 16] {
        todo!()
    }

    /// Keeps `batches`, which hold the rows of all records before `reached` that were not kept
    /// before. Durable on return. Allowed past the bound: the bound tells the edge to stop.
    pub fn commit(&self, _reached: Lsn, _batches: Vec<NewBatch>) -> Result<(), OutboxError> {
        todo!()
    }

    /// The oldest waiting batch of a table.
    pub fn next(&self, _table: Table) -> Option<Batch> {
        todo!()
    }

    /// Waits until a commit has happened after this call, or `next` may answer otherwise.
    pub async fn changed(&self) {
        todo!()
    }

    /// Notes something durably beside a batch, before an attempt to send it.
    pub fn note(&self, _number: u64, _note: &[u8]) -> Result<(), OutboxError> {
        todo!()
    }

    /// The batch is in ClickHouse. Need not be durable: the marker answers after a crash.
    pub fn done(&self, _number: u64) -> Result<(), OutboxError> {
        todo!()
    }

    /// ClickHouse will never take this batch: keeps it in a file of its own, and goes on.
    pub fn set_aside(&self, _number: u64) -> Result<(), OutboxError> {
        todo!()
    }

    /// Its figures now.
    pub fn figures(&self) -> OutboxFigures {
        todo!()
    }
}
