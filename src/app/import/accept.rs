//! From a counted log to rows in ClickHouse, once.
//!
//! ```text
//! imports/building   while the log is read; nothing of it counts, the next import removes it
//! accept             days are checked, then the console's database keeps that it is to be written
//! imports/ID         its outbox, until all of it is in ClickHouse
//! ```
//!
//! What is kept in the database is the point from which on it counts: whatever dies behind it, the
//! next start goes on.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tokio::sync::watch;

use super::ImportError;
use super::lane::NODE;
use crate::console::{Import, StateDb};
use crate::hit::{Clock, Second};
use crate::outbox::{Outbox, OutboxConfig};
use crate::stats::Questions;
use crate::store::{Param, SendFigures, Store, send};
use crate::telemetry::{self, Value};

/// The folder of imports in the data folder.
pub(super) fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("imports")
}

/// Where an import is counted.
pub(super) fn building(data_dir: &Path) -> PathBuf {
    folder(data_dir).join("building")
}

fn accepted(data_dir: &Path, id: &str) -> PathBuf {
    folder(data_dir).join(id)
}

/// Days of a site that have counts already: of its visitors' own hits, of earlier imports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// By a collector.
    pub live: Vec<Date>,
    /// By an import.
    pub imported: Vec<Date>,
}

/// Takes the import that stands in `building`, unless it is there already or its days are.
pub(crate) async fn accept(
    state: &StateDb,
    questions: &dyn Questions,
    zone: &TimeZone,
    data_dir: &Path,
    import: &Import,
    force: bool,
) -> Result<(), ImportError> {
    if let Some(earlier) = state.import(&import.id)? {
        return Err(ImportError::Again(day_of(zone, earlier.accepted)));
    }
    if !force {
        let counted = counted(questions, zone, import).await?;
        if counted != Counted::default() {
            return Err(ImportError::Counted(counted));
        }
    }
    if !state.accept_import(import)? {
        return Err(ImportError::Again(day_of(zone, import.accepted)));
    }
    settle(data_dir, &import.id).map_err(|error| ImportError::Io("accepting an import", error))
}

/// Says which import stands in `building`, before anybody is asked to accept it.
pub(super) fn name(data_dir: &Path, id: &str) -> io::Result<()> {
    let folder = building(data_dir);
    let mut file = File::create(folder.join(ID))?;
    file.write_all(id.as_bytes())?;
    file.sync_all()?;
    File::open(folder)?.sync_all()
}

/// The file that holds an import's id.
const ID: &str = "id";

/// Gives an accepted import its own name.
fn settle(data_dir: &Path, id: &str) -> io::Result<()> {
    let to = accepted(data_dir, id);
    if !to.try_exists()? {
        let from = building(data_dir);
        if fs::read_to_string(from.join(ID))? != id {
            return Err(io::ErrorKind::NotFound.into());
        }
        fs::rename(from, to)?;
        File::open(folder(data_dir))?.sync_all()?;
    }
    Ok(())
}

/// Gives the import in `building` its own name, if it was accepted before whoever counted it died.
pub(super) fn settle_left(data_dir: &Path, state: &StateDb) -> Result<(), ImportError> {
    let Ok(id) = fs::read_to_string(building(data_dir).join(ID)) else { return Ok(()) };
    match state.import(&id)? {
        Some(import) if import.written.is_none() => {
            settle(data_dir, &id).map_err(|error| ImportError::Io("finding an import", error))
        }
        _ => Ok(()),
    }
}

async fn counted(
    questions: &dyn Questions,
    zone: &TimeZone,
    import: &Import,
) -> Result<Counted, ImportError> {
    const SQL: &str = "SELECT DISTINCT toInt64(toUnixTimestamp(bucket)), node = {import:String} \
                       FROM ledger WHERE site = {site:String} AND reason = 'counted' \
                       AND toUnixTimestamp(bucket) >= {from:Int64} \
                       AND toUnixTimestamp(bucket) < {to:Int64} ORDER BY 1";
    let (first, last) = import.span;
    let start = |day: Date| {
        let midnight = day.to_zoned(zone.clone());
        midnight.map_or(0, |midnight| midnight.timestamp().as_second())
    };
    let (from, to) =
        (start(day_of(zone, first)), start(day_of(zone, last).saturating_add(1.day())));
    let params = [
        ("import", Param::Text(NODE.to_owned())),
        ("site", Param::Text(import.site.as_str().to_owned())),
        ("from", Param::Number(from)),
        ("to", Param::Number(to)),
    ];
    let mut counted = Counted::default();
    for row in questions.ask(SQL, &params).await? {
        let [bucket, imported] = row.as_slice() else { continue };
        let day = day_of(zone, Second(bucket.as_i64().unwrap_or(0)));
        let days = if imported.as_u64() == Some(1) || imported.as_bool() == Some(true) {
            &mut counted.imported
        } else {
            &mut counted.live
        };
        if days.last() != Some(&day) {
            days.push(day);
        }
    }
    Ok(counted)
}

pub(super) fn day_of(zone: &TimeZone, at: Second) -> Date {
    Timestamp::from_second(at.0).unwrap_or_default().to_zoned(zone.clone()).date()
}

/// Writes every accepted import that is not written yet, one after the other. An error is one that
/// may pass.
pub(crate) async fn write_all(
    store: &Store,
    state: &StateDb,
    data_dir: &Path,
    clock: &dyn Clock,
    figures: &Arc<SendFigures>,
) -> Result<(), ImportError> {
    for import in state.imports()? {
        if import.written.is_none() {
            settle(data_dir, &import.id).map_err(|error| ImportError::Io("finding it", error))?;
            let folder = accepted(data_dir, &import.id);
            write(store, &folder, figures).await?;
            state.import_written(&import.id, clock.now())?;
            // The outbox is empty: what is left of it is only in the way.
            fs::remove_dir_all(&folder).map_err(|error| ImportError::Io("tidying up", error))?;
            let pages = Value::from(import.pages);
            telemetry::debug("import", "an import is written", &[("pages", pages)]);
        }
    }
    Ok(())
}

async fn write(store: &Store, dir: &Path, figures: &Arc<SendFigures>) -> Result<(), ImportError> {
    let config = OutboxConfig { dir: dir.to_owned(), max_bytes: u64::MAX };
    let outbox = Arc::new(Outbox::open(&config)?.0);
    let mut changes = outbox.changes();
    let (stop, stopped) = watch::channel(false);
    let sending = send(store.clone(), Arc::clone(&outbox), stopped, Arc::clone(figures));
    let empty = async { while outbox.figures().waiting > 0 && changes.changed().await.is_ok() {} };
    tokio::pin!(sending);
    tokio::select! {
        () = &mut sending => {}
        () = empty => {}
    }
    stop.send_replace(true);
    sending.await;
    // Kept for whoever can find out why.
    if outbox.figures().set_aside > 0 { Err(ImportError::SetAside(dir.to_owned())) } else { Ok(()) }
}
