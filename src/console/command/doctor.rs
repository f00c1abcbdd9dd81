//! `headcount doctor`: what is wrong, and what mends it.
//!
//! Facts are gathered into a [`DoctorContext`]; the checks are plain functions over it.

use std::path::Path;

use super::Reply;
use crate::hit::{Clock as _, Second, SystemClock};
use crate::stats::Questions;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// As it should be.
    Ok,
    /// It works, but not as well as it could, or not for long.
    Warning,
    /// It does not work.
    Error,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// What.
    pub subject: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What was found.
    pub found: String,
    /// What mends it; empty if nothing needs to.
    pub mend: &'static str,
}

impl Check {
    fn new(subject: &'static str, level: Level, found: impl Into<String>) -> Self {
        Self { subject, level, found: found.into(), mend: "" }
    }

    fn mended_by(self, mend: &'static str) -> Self {
        Self { mend, ..self }
    }
}

/// What `doctor` looks at: facts, each with why it could not be had.
pub struct DoctorContext {
    /// The configuration's problems; empty if it parses.
    pub config_problems: Vec<String>,
    /// The data folder.
    pub folder: Result<Folder, String>,
    /// Whether visitor keys can live in the kernel's keyring, or why not.
    pub keyring: Result<(), String>,
    /// The time now.
    pub now: Second,
    /// The store, or why it does not answer; none: no program runs that would have one.
    pub store: Option<Result<StoreFacts, String>>,
    /// The ledger's sums over all sites; none: no program runs.
    pub ledger: Option<LedgerFacts>,
    /// Batches that ClickHouse would not take.
    pub batches_set_aside: Option<usize>,
}

/// Facts of the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Bytes that are free on its disk.
    pub free_bytes: u64,
    /// When the newest file in it was written.
    pub newest: Second,
}

/// Facts of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFacts {
    /// ClickHouse's version.
    pub version: String,
    /// Its clock's time.
    pub now: Second,
}

/// Sums of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LedgerFacts {
    /// What the listeners counted.
    pub received: u64,
    /// What was counted, dropped and rejected behind them.
    pub accounted: u64,
}

impl LedgerFacts {
    /// Adds a site's totals, as `count::Counter::ledger` names them.
    pub fn add(&mut self, totals: &[(&'static str, u64)]) {
        for (reason, hits) in totals {
            match *reason {
                "received" => self.received += hits,
                "counted" => self.accounted += hits,
                reason if reason.starts_with("dropped:") || reason.starts_with("rejected:") => {
                    self.accounted += hits;
                }
                _ => {}
            }
        }
    }
}

const CHECKS: &[fn(&DoctorContext) -> Check] =
    &[configuration, folder, space, keyring, clock, store, store_clock, ledger, set_aside];

/// Oldest ClickHouse that the markers were measured with.
const CLICKHOUSE_MIN: u32 = 25;
const GIB: u64 = 1 << 30;
/// Seconds that two clocks may differ: deadlines inside statements are longer.
const CLOCKS_APART_S: i64 = 30;

/// Looks at everything.
#[must_use]
pub fn examine(context: &DoctorContext) -> Vec<Check> {
    CHECKS.iter().map(|check| check(context)).collect()
}

/// What `headcount doctor` prints; it fails on an error.
#[must_use]
pub fn report(context: &DoctorContext) -> Reply {
    let checks = examine(context);
    let mut lines = Vec::new();
    for check in &checks {
        let level = match check.level {
            Level::Ok => "ok     ",
            Level::Warning => "warning",
            Level::Error => "error  ",
        };
        lines.push(format!("{level}  {}: {}", check.subject, check.found));
        if !check.mend.is_empty() {
            lines.push(format!("         mend it: {}", check.mend));
        }
    }
    Reply { ok: checks.iter().all(|check| check.level < Level::Error), lines }
}

fn configuration(context: &DoctorContext) -> Check {
    match context.config_problems.as_slice() {
        [] => Check::new("configuration", Level::Ok, "parses"),
        problems => Check::new("configuration", Level::Error, problems.join("; "))
            .mended_by("correct these lines of headcount.toml or of the environment"),
    }
}

fn folder(context: &DoctorContext) -> Check {
    match &context.folder {
        Ok(_) => Check::new("data folder", Level::Ok, "can be written"),
        Err(why) => Check::new("data folder", Level::Error, why)
            .mended_by("let the user that runs headcount own the folder, on a disk that is sound"),
    }
}

fn space(context: &DoctorContext) -> Check {
    let Ok(folder) = &context.folder else {
        return Check::new("disk space", Level::Warning, "not known");
    };
    let found = format!("{:.1} GiB free", gib(folder.free_bytes));
    let mend = "free some space, or move data_dir to a larger disk";
    match folder.free_bytes {
        ..GIB => Check::new("disk space", Level::Error, found).mended_by(mend),
        free if free < 5 * GIB => Check::new("disk space", Level::Warning, found).mended_by(mend),
        _ => Check::new("disk space", Level::Ok, found),
    }
}

#[expect(clippy::cast_precision_loss, reason = "one decimal is shown")]
fn gib(bytes: u64) -> f64 {
    bytes as f64 / GIB as f64
}

fn keyring(context: &DoctorContext) -> Check {
    match &context.keyring {
        Ok(()) => Check::new("keyring", Level::Ok, "holds visitor keys through a restart"),
        Err(why) => Check::new("keyring", Level::Warning, why).mended_by(
            "keys stay in memory, and a restart begins the day's uniques anew; under systemd set \
             KeyringMode=shared, in a container allow add_key, keyctl and request_key",
        ),
    }
}

fn clock(context: &DoctorContext) -> Check {
    let Ok(folder) = &context.folder else {
        return Check::new("clock", Level::Warning, "not known");
    };
    let behind_s = folder.newest.0 - context.now.0;
    if behind_s <= CLOCKS_APART_S {
        return Check::new("clock", Level::Ok, "not before the newest file of the data folder");
    }
    let found = format!("{behind_s} s before the newest file of the data folder");
    Check::new("clock", Level::Error, found).mended_by("set the clock, and keep it by NTP")
}

fn store(context: &DoctorContext) -> Check {
    match &context.store {
        None => Check::new("ClickHouse", Level::Warning, "not looked at: headcount is not running")
            .mended_by("start it with `headcount serve`"),
        Some(Err(why)) => Check::new("ClickHouse", Level::Error, why).mended_by(
            "counts are kept in the outbox meanwhile; look at [store] in headcount.toml, or at \
             the log for why the embedded engine does not start",
        ),
        Some(Ok(facts)) => {
            let found = format!("version {}", facts.version);
            let major = facts.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
            if major.is_some_and(|major| major >= CLICKHOUSE_MIN) {
                Check::new("ClickHouse", Level::Ok, found)
            } else {
                Check::new("ClickHouse", Level::Warning, found)
                    .mended_by("take a newer ClickHouse: this one was never tried")
            }
        }
    }
}

fn store_clock(context: &DoctorContext) -> Check {
    let Some(Ok(facts)) = &context.store else {
        return Check::new("ClickHouse's clock", Level::Warning, "not known");
    };
    let apart_s = (facts.now.0 - context.now.0).abs();
    let found = format!("{apart_s} s from this machine's");
    if apart_s <= CLOCKS_APART_S {
        Check::new("ClickHouse's clock", Level::Ok, found)
    } else {
        Check::new("ClickHouse's clock", Level::Error, found)
            .mended_by("set both clocks by NTP: inserts carry a deadline")
    }
}

fn ledger(context: &DoctorContext) -> Check {
    let Some(ledger) = context.ledger else {
        return Check::new("ledger", Level::Warning, "not looked at: headcount is not running");
    };
    let LedgerFacts { received, accounted } = ledger;
    if received == accounted {
        let found = format!("balances: {received} hits received and accounted for");
        return Check::new("ledger", Level::Ok, found);
    }
    let found = format!("{received} hits received, {accounted} accounted for");
    if accounted > received {
        return Check::new("ledger", Level::Error, found)
            .mended_by("hits were counted that nobody sent: report this, with the log");
    }
    Check::new("ledger", Level::Warning, found)
        .mended_by("hits in flight make this for a second; if it stays, report it, with the log")
}

fn set_aside(context: &DoctorContext) -> Check {
    match context.batches_set_aside {
        None => Check::new("batches set aside", Level::Warning, "not known"),
        Some(0) => Check::new("batches set aside", Level::Ok, "none"),
        Some(batches) => Check::new("batches set aside", Level::Error, batches.to_string())
            .mended_by("ClickHouse refused them; they wait in the outbox's folder, see the log"),
    }
}

/// Looks at the data folder: whether a file can be written, and what its disk has left.
pub fn probe_folder(dir: &Path) -> Result<Folder, String> {
    let kind = |error: std::io::Error| format!("{}", error.kind());
    let trial = dir.join(".doctor");
    std::fs::write(&trial, b"headcount").map_err(kind)?;
    std::fs::remove_file(&trial).map_err(kind)?;
    let disk = rustix::fs::statvfs(dir).map_err(|error| kind(error.into()))?;
    let mut newest = Second(0);
    for entry in std::fs::read_dir(dir).map_err(kind)? {
        let modified = entry.and_then(|entry| entry.metadata()).and_then(|file| file.modified());
        let since = modified.map_err(kind)?.duration_since(std::time::UNIX_EPOCH);
        let seconds = since.map_or(0, |since| since.as_secs());
        newest = newest.max(Second(i64::try_from(seconds).unwrap_or(i64::MAX)));
    }
    Ok(Folder { free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize), newest })
}

/// Looks whether the kernel's keyring can be used, under a name that nothing else uses.
pub fn probe_keyring() -> Result<(), String> {
    crate::keys::Keys::kernel("doctor", SystemClock.now())
        .map(drop)
        .map_err(|error| error.to_string())
}

/// Asks the store for its version and time.
pub async fn probe_store(questions: &dyn Questions) -> Result<StoreFacts, String> {
    let sql = "SELECT version(), toInt64(toUnixTimestamp(now()))";
    let rows = questions.ask(sql, &[]).await.map_err(|error| error.to_string())?;
    let row = rows.first().map(Vec::as_slice);
    let Some([version, now]) = row else { return Err("it gave no whole answer".to_owned()) };
    match (version.as_str(), now.as_i64()) {
        (Some(version), Some(now)) => {
            Ok(StoreFacts { version: version.to_owned(), now: Second(now) })
        }
        _ => Err("it gave no whole answer".to_owned()),
    }
}
