//! Finished rows as bytes, durable together with the spool position that they reach.
//!
//! *Owns* what ClickHouse does not have yet, through any outage, up to a bound in bytes.
//! *In*: batches. *Out*: the same batches, the oldest of a table first, until each is written.
//! *Never* holds an id; never counts again; never keeps an outage's rows in memory.
//!
//! It is a log like the spool's (`spool/log.rs`), sealed under a key file of its own. A frame holds
//! one of:
//!
//! ```text
//! 1 commit  reached u64 | next number u64 | batches u32 |
//!           { number u64 | table u8 | month u32 | rows u32 | schema u32 | length u32 | bytes }*
//! 2 note    number u64 | bytes
//! 3 done    number u64
//! ```
//!
//! Commits and notes are synced, `done` is not: after a crash the marker in ClickHouse answers for
//! it. Every segment begins with a commit, so that `reached` and the numbers survive the segments
//! before it; a segment goes once none of its batches waits and all older ones are gone.

mod content;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::spool::disk::{self, Disk, RealDisk};
use crate::spool::log::{Log, LogError, Place, Shape};
use crate::spool::verify::verify_log;
use crate::spool::{Lsn, Verified};
use crate::telemetry::{self, Value};
use content::Content;

/// A table that rows go to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "a variant per table")]
pub enum Table {
    Visits,
    Pages,
    Events,
    EventProps,
    Journeys,
    Mailings,
    Ledger,
}

impl Table {
    /// Its code in the outbox: never changed, never used again.
    fn code(self) -> u8 {
        match self {
            Self::Visits => 1,
            Self::Pages => 2,
            Self::Events => 3,
            Self::EventProps => 4,
            Self::Journeys => 5,
            Self::Ledger => 6,
            Self::Mailings => 7,
        }
    }

    /// Every table.
    pub const ALL: &[Self] = &[
        Self::Visits,
        Self::Pages,
        Self::Events,
        Self::EventProps,
        Self::Journeys,
        Self::Mailings,
        Self::Ledger,
    ];

    /// Its name in ClickHouse.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Visits => "visits",
            Self::Pages => "pages",
            Self::Events => "events",
            Self::EventProps => "event_props",
            Self::Journeys => "journeys",
            Self::Mailings => "mailings",
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
    #[error(
        "the outbox was written by a newer headcount (format {0}): run that version, or use \
         another data folder"
    )]
    Newer(u32),
    /// A frame that verifies does not hold what the outbox writes.
    #[error("the outbox is damaged in {0} frames")]
    Damaged(u64),
    /// The key file is not 32 bytes.
    #[error("the outbox's key file is damaged")]
    Key,
}

/// What opening the outbox found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reached {
    /// The rows of all records before this place are in the outbox, or were.
    pub lsn: Lsn,
    /// Bytes cut off the end: a frame that was not whole when the process or machine died.
    pub torn_bytes: u64,
    /// Frames that do not verify, before whole ones: their rows are lost. Power that goes may leave
    /// such a `done`, which loses none.
    pub bad_frames: u64,
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

/// Looks whether the outbox in `dir` verifies, and changes nothing; one that was never made is whole.
pub fn verify(dir: &Path) -> std::io::Result<Verified> {
    verify_log(&RealDisk::at(dir.to_owned()), "outbox.key", &["outbox.key"])
}

/// How many batches were set aside in the outbox in `dir`.
pub fn set_aside(dir: &Path) -> std::io::Result<usize> {
    match RealDisk::at(dir.join(ASIDE)).list() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(0),
        names => names.map(|names| names.len()),
    }
}

/// The folder of the batches that were set aside.
const ASIDE: &str = "aside";

/// Which log this is, in its segments' heads.
const KIND: u32 = 2;

/// Bytes of a segment: a few batches of a busy site.
const SEGMENT_BYTES: u64 = 32 * 1024 * 1024;

/// The outbox. Shared by the counter, which commits, and the store, which writes.
pub struct Outbox {
    state: Mutex<State>,
    incarnation: [u8; 16],
    max_bytes: u64,
    changes: watch::Sender<u64>,
}

struct State {
    log: Log,
    aside: Arc<dyn Disk>,
    /// Frames are numbered: the place of the next one in the log.
    next_frame: u64,
    next_number: u64,
    reached: Lsn,
    waiting: BTreeMap<u64, Waiting>,
    waiting_bytes: u64,
    set_aside: usize,
    /// The frame read last: its batches are asked for one after the other.
    last_read: Option<(Place, Arc<[u8]>)>,
}

/// A batch that waits: where it stands, not what it holds.
struct Waiting {
    table: Table,
    length: u64,
    place: Place,
    note: Option<Vec<u8>>,
}

impl Outbox {
    /// Opens or creates the outbox.
    pub fn open(config: &OutboxConfig) -> Result<(Self, Reached), OutboxError> {
        let folder = |path| RealDisk::open(path).map_err(|error| OutboxError::Io("folder", error));
        let disk = Arc::new(folder(config.dir.clone())?);
        let aside = Arc::new(folder(config.dir.join(ASIDE))?);
        Self::open_on(disk, aside, SEGMENT_BYTES, config.max_bytes)
    }

    pub(crate) fn open_on(
        disk: Arc<dyn Disk>,
        aside: Arc<dyn Disk>,
        segment_bytes: u64,
        max_bytes: u64,
    ) -> Result<(Self, Reached), OutboxError> {
        let key_file = |name| {
            disk::key_file(&*disk, name)
                .map_err(|error| OutboxError::Io("key file", error))?
                .ok_or(OutboxError::Key)
        };
        let root = key_file("outbox.key")?;
        // A name, no secret: what is drawn with it only tells one outbox from another.
        let name = key_file("incarnation")?;
        let incarnation = *name.first_chunk().expect("16 of 32 bytes");
        // Its frames are large and seconds apart: room ahead would only be more to write.
        let shape = Shape { kind: KIND, segment_bytes, ahead_bytes: 0 };
        let (log, opened) = Log::open(disk, root, shape)?;
        let set_aside = aside.list().map_err(|error| OutboxError::Io("folder", error))?.len();
        let mut state = State {
            log,
            aside,
            next_frame: opened.next,
            next_number: 0,
            reached: Lsn(0),
            waiting: BTreeMap::new(),
            waiting_bytes: 0,
            set_aside,
            last_read: None,
        };
        state.recover()?;
        if opened.bad_frames > 0 {
            telemetry::error(
                "outbox",
                "frames do not verify: rows may be lost",
                &[("frames", Value::from(opened.bad_frames))],
            );
        }
        let reached = Reached {
            lsn: state.reached,
            torn_bytes: opened.torn_bytes,
            bad_frames: opened.bad_frames,
            waiting: state.waiting.len(),
        };
        let changes = watch::Sender::new(0);
        Ok((Self { state: Mutex::new(state), incarnation, max_bytes, changes }, reached))
    }

    /// The outbox's name for itself: 16 random bytes, drawn when it was created.
    pub fn incarnation(&self) -> [u8; 16] {
        self.incarnation
    }

    /// Keeps `batches`, which hold the rows of all records before `reached` that were not kept
    /// before. Durable on return. Allowed past the bound: the bound tells the edge to stop.
    pub fn commit(&self, reached: Lsn, batches: &[NewBatch]) -> Result<(), OutboxError> {
        self.state().commit(reached, batches)?;
        self.changes.send_modify(|count| *count += 1);
        Ok(())
    }

    /// The oldest waiting batch of a table; of the ledger, once no older batch waits. `None`: there
    /// is none, or the disk cannot be read now.
    pub fn next(&self, table: Table) -> Option<Batch> {
        let mut state = self.state();
        match state.next(table) {
            Ok(batch) => batch,
            Err(error) => {
                let error = match &error {
                    OutboxError::Io(_, error) => Value::Io(error),
                    _ => Value::Word("damaged"),
                };
                telemetry::error("outbox", "a batch cannot be read", &[("error", error)]);
                None
            }
        }
    }

    /// Tells of every change from now on: a commit, or a batch that is done or set aside.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Notes something durably beside a batch, before an attempt to send it.
    pub fn note(&self, number: u64, note: &[u8]) -> Result<(), OutboxError> {
        self.state().note(number, note)
    }

    /// The batch is in ClickHouse. Not durable at once: the marker answers after a crash.
    pub fn done(&self, number: u64) -> Result<(), OutboxError> {
        let done = self.state().done(number);
        self.changes.send_modify(|count| *count += 1);
        done
    }

    /// ClickHouse will never take this batch: keeps it in a file of its own, and goes on.
    pub fn set_aside(&self, number: u64) -> Result<(), OutboxError> {
        self.state().set_aside(number)?;
        self.done(number)
    }

    /// Its figures now.
    pub fn figures(&self) -> OutboxFigures {
        let state = self.state();
        OutboxFigures {
            waiting: state.waiting.len(),
            waiting_bytes: state.waiting_bytes,
            set_aside: state.set_aside,
            full: state.waiting_bytes >= self.max_bytes,
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Reads the log once: what waits, what was noted, how far it reaches.
    fn recover(&mut self) -> Result<(), OutboxError> {
        let mut undecoded = 0;
        let Self { log, waiting, reached, next_number, .. } = self;
        log.each(0, |frame| match Content::decode(&frame.payload) {
            None => undecoded += 1,
            Some(Content::Commit { reached: to, next, batches }) => {
                *reached = (*reached).max(to);
                *next_number = (*next_number).max(next);
                for (number, batch) in batches {
                    let entry = Waiting {
                        table: batch.table,
                        length: batch.bytes.len() as u64,
                        place: frame.place.clone(),
                        note: None,
                    };
                    waiting.insert(number, entry);
                }
            }
            Some(Content::Note { number, note }) => {
                if let Some(entry) = waiting.get_mut(&number) {
                    entry.note = Some(note);
                }
            }
            Some(Content::Done { number }) => drop(waiting.remove(&number)),
        })?;
        self.waiting_bytes = self.waiting.values().map(|entry| entry.length).sum();
        if undecoded > 0 { Err(OutboxError::Damaged(undecoded)) } else { Ok(()) }
    }

    fn commit(&mut self, reached: Lsn, batches: &[NewBatch]) -> Result<(), OutboxError> {
        let reached = self.reached.max(reached);
        let first = self.next_number;
        let next = first + batches.len() as u64;
        let payload = content::encode_commit(reached, next, first, batches);
        let place = self.append(payload, true)?;
        self.reached = reached;
        self.next_number = next;
        for (number, batch) in (first..).zip(batches) {
            let length = batch.bytes.len() as u64;
            self.waiting_bytes += length;
            let entry = Waiting { table: batch.table, length, place: place.clone(), note: None };
            self.waiting.insert(number, entry);
        }
        self.delete_old();
        Ok(())
    }

    fn next(&mut self, table: Table) -> Result<Option<Batch>, OutboxError> {
        let Some((&number, entry)) = self.waiting.iter().find(|(_, entry)| entry.table == table)
        else {
            return Ok(None);
        };
        // The ledger says what is written, so its rows come after all that they tell of.
        if table == Table::Ledger && self.waiting.keys().next() != Some(&number) {
            return Ok(None);
        }
        let (place, note) = (entry.place.clone(), entry.note.clone());
        let payload = self.read(&place)?;
        let Some(Content::Commit { batches, .. }) = Content::decode(&payload) else {
            return Err(OutboxError::Damaged(1));
        };
        let found = batches.into_iter().find(|(other, _)| *other == number);
        let (_, content) = found.ok_or(OutboxError::Damaged(1))?;
        Ok(Some(Batch { number, content: Arc::new(content), note }))
    }

    fn read(&mut self, place: &Place) -> Result<Arc<[u8]>, OutboxError> {
        if let Some((last, payload)) = &self.last_read
            && last == place
        {
            return Ok(Arc::clone(payload));
        }
        let payload: Arc<[u8]> = self.log.read(place)?.ok_or(OutboxError::Damaged(1))?.into();
        self.last_read = Some((place.clone(), Arc::clone(&payload)));
        Ok(payload)
    }

    fn note(&mut self, number: u64, note: &[u8]) -> Result<(), OutboxError> {
        self.append(content::encode_note(number, note), true)?;
        if let Some(entry) = self.waiting.get_mut(&number) {
            entry.note = Some(note.to_vec());
        }
        Ok(())
    }

    fn done(&mut self, number: u64) -> Result<(), OutboxError> {
        if let Some(entry) = self.waiting.remove(&number) {
            self.waiting_bytes -= entry.length;
        }
        if self.waiting.is_empty() {
            self.last_read = None;
        }
        self.append(content::encode_done(number), false)?;
        self.delete_old();
        Ok(())
    }

    fn set_aside(&mut self, number: u64) -> Result<(), OutboxError> {
        let Some(entry) = self.waiting.get(&number) else { return Ok(()) };
        let (table, place) = (entry.table, entry.place.clone());
        let payload = self.read(&place)?;
        let Some(Content::Commit { batches, .. }) = Content::decode(&payload) else {
            return Err(OutboxError::Damaged(1));
        };
        let Some((_, batch)) = batches.into_iter().find(|(other, _)| *other == number) else {
            return Err(OutboxError::Damaged(1));
        };
        let name =
            format!("{}-{}-schema{}-{number}.rowbinary", table.name(), batch.month, batch.schema);
        disk::replace(&*self.aside, &name, &batch.bytes)
            .map_err(|error| OutboxError::Io("setting a batch aside", error))?;
        self.set_aside += 1;
        telemetry::error(
            "outbox",
            "ClickHouse refuses a batch for good; it was set aside",
            &[("table", Value::Word(table.name())), ("batch", Value::from(number))],
        );
        Ok(())
    }

    /// Appends a frame; a segment that begins with it first gets a commit of its own.
    fn append(&mut self, payload: Vec<u8>, sync: bool) -> Result<Place, OutboxError> {
        if self.log.rolls_next() && !content::is_commit(&payload) {
            let standing = content::encode_commit(self.reached, self.next_number, 0, &[]);
            self.log.append(self.next_frame, 1, standing, true)?;
            self.next_frame += 1;
        }
        let place = self.log.append(self.next_frame, 1, payload, sync)?;
        self.next_frame += 1;
        Ok(place)
    }

    /// Lets segments go that nobody waits for. That one cannot be deleted undoes nothing of what
    /// was kept: it is tried again at the next change.
    fn delete_old(&mut self) {
        let waiting = &self.waiting;
        let deleted = self.log.delete_oldest(|segment, _| {
            // Later batches stand in later segments.
            waiting.values().next().is_none_or(|oldest| oldest.place.segment > segment)
        });
        if let Err(LogError::Io(_, error)) = deleted {
            let values = [("error", Value::Io(&error))];
            telemetry::warn("outbox", "an old segment cannot be deleted", &values);
        }
    }
}

impl From<LogError> for OutboxError {
    fn from(error: LogError) -> Self {
        match error {
            LogError::Io(step, error) => Self::Io(step, error),
            LogError::Newer(version) => Self::Newer(version),
        }
    }
}
