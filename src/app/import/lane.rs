//! Reads a log, counts it, and keeps the rows in an outbox of their own.
//!
//! ```text
//! this thread   reads and unpacks blocks of lines, and takes the content's fingerprint
//! edge          parses, enriches, de-identifies: records
//! count         visits and firsts → rows → the lane's outbox
//! ```

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::source::{Block, Source};
use super::{ImportError, Ledger, Progress};
use crate::app::counting::is_enough;
use crate::app::recover::count_limits;
use crate::count::{Counter, Deltas, Rows};
use crate::edge::{LogEdge, LogFigures};
use crate::hit::Record;
use crate::outbox::Outbox;
use crate::spool::Lsn;
use crate::store;

/// The collector's name in the ledger that imported hits stand under.
pub(crate) const NODE: &str = "import";

/// Blocks, and lists of records, that may wait for the next thread.
const QUEUED: usize = 4;

/// Where a line that cannot be read stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unread {
    /// The file's name.
    pub file: String,
    /// Its line, from 1 on.
    pub line: u64,
}

/// What came of reading a log.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) figures: LogFigures,
    pub(super) unread: Vec<Unread>,
    /// Hits by the ledger's reasons.
    pub(super) ledger: Ledger,
    /// Of the content.
    pub(super) fingerprint: blake3::Hash,
}

/// Reads `source` through `edge` into `outbox`; without one, only counts.
pub(super) fn read(
    mut source: Source,
    (mut clock, edge): (LogEdge, LogEdge),
    outbox: Option<Outbox>,
    mut hasher: blake3::Hasher,
    progress: &mut Progress<'_>,
) -> Result<Read, ImportError> {
    let failed = |(file, error): (String, io::Error)| ImportError::Read(file, error);
    source.begin(&mut clock).map_err(failed)?;
    thread::scope(|scope| {
        let (blocks, of_edge) = sync_channel::<Block>(QUEUED);
        let (records, of_count) = sync_channel::<Vec<Record>>(QUEUED);
        let named = |name: &str| thread::Builder::new().name(name.to_owned());
        let io = |error| ImportError::Io("starting a thread", error);
        let edge = named("edge").spawn_scoped(scope, move || parse(edge, &of_edge, &records));
        let edge = edge.map_err(io)?;
        let counting = named("count")
            .spawn_scoped(scope, move || count(of_count.into_iter(), outbox.as_ref()));
        let counting = counting.map_err(io)?;
        let mut read = Ok(());
        loop {
            match source.next(&mut clock).map_err(failed) {
                Ok(Some(block)) => {
                    hasher.update(&block.text);
                    // A thread that ended early has an error to tell.
                    if blocks.send(block).is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    read = Err(error);
                    break;
                }
            }
            let (done, all) = source.progress();
            progress(done, all);
        }
        drop(blocks);
        let (figures, unread) = edge.join().map_err(|_| ImportError::Panicked)?;
        let ledger = counting.join().map_err(|_| ImportError::Panicked)??;
        read?;
        let named =
            |(file, line): (usize, u64)| Unread { file: source.name(file).to_owned(), line };
        let unread = unread.into_iter().map(named).collect();
        Ok(Read { figures, unread, ledger, fingerprint: hasher.finalize() })
    })
}

fn parse(
    mut edge: LogEdge,
    blocks: &Receiver<Block>,
    records: &SyncSender<Vec<Record>>,
) -> (LogFigures, Vec<(usize, u64)>) {
    let mut unread = Vec::new();
    let mut lines_before = 0;
    loop {
        let block = blocks.recv().ok();
        let mut out = Vec::new();
        match &block {
            None => edge.read(b"", true, &mut out),
            Some(block) => {
                edge.read(&block.text, false, &mut out);
                for number in edge.figures().first_malformed.iter().skip(unread.len()) {
                    unread.extend(place(&block.runs, number - lines_before));
                }
                lines_before += block.runs.iter().map(|(_, _, lines)| lines).sum::<u64>();
            }
        }
        if records.send(out).is_err() || block.is_none() {
            return (edge.figures().clone(), unread);
        }
    }
}

/// The file and line of a block's line, which are all numbered from 1 on.
fn place(runs: &[(usize, u64, u64)], mut number: u64) -> Option<(usize, u64)> {
    for (file, first, lines) in runs {
        if number <= *lines {
            return Some((*file, first + number - 1));
        }
        number -= lines;
    }
    None
}

/// Counts lists of records into `outbox`; their hits by the ledger's reasons.
pub(super) fn count(
    records: impl Iterator<Item = Vec<Record>>,
    outbox: Option<&Outbox>,
) -> Result<Ledger, ImportError> {
    let mut counter = Counter::new(count_limits());
    let mut deltas = Deltas::default();
    let mut reached = Lsn(0);
    for records in records {
        for record in &records {
            counter.apply(record, &mut deltas);
            reached.0 += 1;
            if is_enough(&deltas) {
                keep(outbox, reached, &std::mem::take(&mut deltas).into_rows())?;
            }
        }
    }
    keep(outbox, reached, &std::mem::take(&mut deltas).into_rows())?;
    let ledger = counter.ledger().iter().map(|((_, reason), hits)| (*reason, *hits));
    Ok(ledger.collect())
}

/// Keeps `rows` in `outbox`, if there is one.
pub(super) fn keep(outbox: Option<&Outbox>, reached: Lsn, rows: &Rows) -> Result<(), ImportError> {
    if let Some(outbox) = outbox
        && !rows.is_empty()
    {
        outbox.commit(reached, &store::encode(rows, NODE))?;
    }
    Ok(())
}
