//! `headcount doctor`: what is wrong, and what mends it.
//!
//! Facts are gathered into a [`DoctorContext`]; the checks are plain functions over it.

use std::path::Path;

use super::Reply;
use crate::hit::{Clock, Second, SystemClock};
use crate::outbox::{self, Table};
use crate::spool::{self, Verified};
use crate::store::{Health, Store};

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

    fn mended_by_if_bad(self, mend: &'static str) -> Self {
        if self.level == Level::Ok { self } else { self.mended_by(mend) }
    }
}

/// What `doctor` looks at: facts, each with why it could not be had.
pub struct DoctorContext {
    /// The data folder.
    pub folder: Result<Folder, String>,
    /// The spool's files.
    pub spool: Result<Verified, String>,
    /// The outbox's files.
    pub outbox: Result<Verified, String>,
    /// Whose keyring visitor keys can live in, or why in none.
    pub keyring: Result<Keyring, String>,
    /// The time now.
    pub now: Second,
    /// The store, or why it does not answer; none: it is the engine of a program that does not run.
    pub store: Option<Result<Health, String>>,
    /// The sums over all sites of the ledger that is in memory; none: no program runs.
    pub ledger: Option<LedgerFacts>,
    /// The same of the ledger in ClickHouse; none: it does not answer.
    pub stored_ledger: Option<LedgerFacts>,
    /// Batches that ClickHouse would not take.
    pub batches_set_aside: Result<usize, String>,
}

/// Whose the kernel's keyring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keyring {
    /// The machine's user's: it is there after a restart.
    Machine,
    /// A user namespace's of its own, as a container has: it ends with that.
    Namespace,
}

/// Facts of the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Folder {
    /// Bytes that are free on its disk.
    pub free_bytes: u64,
    /// When the newest file in it was written.
    pub newest: Second,
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
    /// Adds totals, as `count::Counter::ledger` names them.
    pub fn add<'a>(&mut self, totals: impl IntoIterator<Item = (&'a str, u64)>) {
        for (reason, hits) in totals {
            match reason {
                "received" => self.received += hits,
                "counted" => self.accounted += hits,
                reason if reason.starts_with("dropped:") || reason.starts_with("rejected:") => {
                    self.accounted += hits;
                }
                _ => {}
            }
        }
    }

    /// Whether every hit is accounted for.
    #[must_use]
    pub fn balances(&self) -> bool {
        self.received == self.accounted
    }
}

const CHECKS: &[fn(&DoctorContext) -> Check] = &[
    folder,
    space,
    spool,
    outbox,
    set_aside,
    keyring,
    clock,
    store,
    store_tables,
    store_clock,
    ledger,
    stored_ledger,
];

/// Oldest ClickHouse that the markers were measured with.
const CLICKHOUSE_MIN: u32 = 25;
const GIB: u64 = 1 << 30;
const NOT_RUNNING: &str = "not looked at: headcount is not running";
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
    Reply { ok: checks.iter().all(|check| check.level < Level::Error), ..Reply::done(lines) }
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

fn spool(context: &DoctorContext) -> Check {
    files("spool", &context.spool).mended_by_if_bad(
        "keep a copy of its folder, look at the disk (dmesg, smartctl), then restart headcount: it \
         steps over what it cannot read and counts the rest; a key file comes from a backup",
    )
}

fn outbox(context: &DoctorContext) -> Check {
    files("outbox", &context.outbox).mended_by_if_bad(
        "a loss of power may leave a place that costs no row, and goes with its segment; else keep \
         a copy of its folder, look at the disk (dmesg, smartctl), then restart headcount: it \
         steps over what it cannot read and writes the rest; a key file comes from a backup",
    )
}

/// Whether a log's files verify.
fn files(subject: &'static str, verified: &Result<Verified, String>) -> Check {
    match verified {
        Err(why) => Check::new(subject, Level::Error, why),
        Ok(verified) if verified.is_whole() => Check::new(subject, Level::Ok, "verifies"),
        Ok(Verified { bad_frames, bad_segments, bad_files }) => {
            let mut found = Vec::new();
            if *bad_frames > 0 {
                found.push(format!("places that do not verify: {bad_frames}"));
            }
            if *bad_segments > 0 {
                found.push(format!("segments that cannot be read: {bad_segments}"));
            }
            found.extend(bad_files.iter().map(|file| format!("{file} is missing or damaged")));
            Check::new(subject, Level::Error, found.join("; "))
        }
    }
}

fn keyring(context: &DoctorContext) -> Check {
    let check = match &context.keyring {
        Ok(Keyring::Machine) => {
            Check::new("keyring", Level::Ok, "holds visitor keys through a restart")
        }
        Ok(Keyring::Namespace) => {
            let found = "is private to this user namespace, and ends with it";
            Check::new("keyring", Level::Warning, found)
        }
        Err(why) => Check::new("keyring", Level::Error, why),
    };
    check.mended_by_if_bad(
        "without the machine's, a restart begins the day's uniques anew; under systemd set \
         KeyringMode=shared, in a container allow add_key, keyctl and request_key, and share the \
         machine's user namespace",
    )
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
        None => Check::new("ClickHouse", Level::Warning, NOT_RUNNING)
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
                Check::new("ClickHouse", Level::Error, found).mended_by(
                    "take ClickHouse 25 or newer: with an older one nobody has tried whether rows \
                     are written once",
                )
            }
        }
    }
}

fn store_tables(context: &DoctorContext) -> Check {
    let subject = "ClickHouse's tables";
    let Some(Ok(facts)) = &context.store else {
        return Check::new(subject, Level::Warning, "not looked at: ClickHouse does not answer");
    };
    if facts.wrong.is_empty() {
        return Check::new(subject, Level::Ok, "are set as exactly-once needs them");
    }
    let lacks = |(table, what): &(Table, &str)| format!("{} lacks {what}", table.name());
    let found: Vec<String> = facts.wrong.iter().map(lacks).collect();
    Check::new(subject, Level::Error, found.join("; ")).mended_by(
        "set it as schema/ has it, with ALTER TABLE … MODIFY SETTING; a table that is missing is \
         made when headcount starts",
    )
}

fn store_clock(context: &DoctorContext) -> Check {
    let subject = "ClickHouse's clock";
    let Some(Ok(facts)) = &context.store else {
        return Check::new(subject, Level::Warning, "not looked at: ClickHouse does not answer");
    };
    let apart_s = facts.clock_ahead_ms.abs() / 1000;
    let found = format!("{apart_s} s from this machine's");
    if apart_s <= CLOCKS_APART_S {
        Check::new(subject, Level::Ok, found)
    } else {
        Check::new(subject, Level::Error, found)
            .mended_by("set both clocks by NTP: inserts carry a deadline")
    }
}

fn ledger(context: &DoctorContext) -> Check {
    let Some(ledger) = context.ledger else {
        return Check::new("ledger", Level::Warning, NOT_RUNNING);
    };
    balance("ledger", ledger)
        .mended_by_if_bad("hits were counted wrongly since this start: report it, with the log")
}

fn stored_ledger(context: &DoctorContext) -> Check {
    let subject = "ledger in ClickHouse";
    let Some(ledger) = context.stored_ledger else {
        return Check::new(subject, Level::Warning, "not looked at: ClickHouse does not answer");
    };
    balance(subject, ledger).mended_by_if_bad(
        "rows of its table are missing or doubled: look for batches set aside, and at who else \
         writes to the database; then restore it from a backup, or report it, with the log",
    )
}

fn balance(subject: &'static str, ledger: LedgerFacts) -> Check {
    let LedgerFacts { received, accounted } = ledger;
    if ledger.balances() {
        let found = format!("balances: {received} hits received and accounted for");
        return Check::new(subject, Level::Ok, found);
    }
    let found = format!("does not balance: {received} hits received, {accounted} accounted for");
    Check::new(subject, Level::Error, found)
}

fn set_aside(context: &DoctorContext) -> Check {
    let subject = "batches set aside";
    match &context.batches_set_aside {
        Err(why) => Check::new(subject, Level::Error, why)
            .mended_by("let the user that runs headcount read outbox/aside in the data folder"),
        Ok(0) => Check::new(subject, Level::Ok, "none"),
        Ok(batches) => Check::new(subject, Level::Error, batches.to_string()).mended_by(
            "ClickHouse refused their rows, and the log says why; they are in outbox/aside in the \
             data folder, as RowBinary, named by table, month and schema: insert or delete them",
        ),
    }
}

/// Looks at the data folder: whether a file can be written, and what its disk has left.
pub fn probe_folder(dir: &Path) -> Result<Folder, String> {
    let kind = |error: std::io::Error| format!("{}", error.kind());
    let trial = dir.join(".doctor");
    std::fs::write(&trial, b"headcount").map_err(kind)?;
    std::fs::remove_file(&trial).map_err(kind)?;
    let disk = rustix::fs::statvfs(dir).map_err(|error| kind(error.into()))?;
    let folders = [dir.to_owned(), dir.join(SPOOL), dir.join(OUTBOX)];
    let newest = folders.iter().filter_map(|folder| newest(folder)).max().unwrap_or(Second(0));
    Ok(Folder { free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize), newest })
}

/// When the newest file of a folder was written. A running program takes files away meanwhile.
fn newest(folder: &Path) -> Option<Second> {
    let files = std::fs::read_dir(folder).ok()?.filter_map(Result::ok);
    let modified = files.filter_map(|entry| entry.metadata().ok()?.modified().ok()).max()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Some(Second(i64::try_from(since).unwrap_or(i64::MAX)))
}

/// Looks at everything that needs no running program: files, keyring, clock.
#[must_use]
pub fn probe(dir: &Path, clock: &dyn Clock) -> DoctorContext {
    let kind = |error: std::io::Error| format!("cannot be read: {}", error.kind());
    DoctorContext {
        folder: probe_folder(dir),
        spool: spool::verify(&dir.join(SPOOL)).map_err(kind),
        outbox: outbox::verify(&dir.join(OUTBOX)).map_err(kind),
        keyring: probe_keyring(),
        now: clock.now(),
        store: None,
        ledger: None,
        stored_ledger: None,
        batches_set_aside: outbox::set_aside(&dir.join(OUTBOX)).map_err(kind),
    }
}

/// Where the data folder has its logs.
const SPOOL: &str = "spool";
const OUTBOX: &str = "outbox";

/// Looks whether the kernel's keyring can be used, under a name that nothing else uses, and whose it
/// is: Linux gives each user namespace keyrings of its own.
pub fn probe_keyring() -> Result<Keyring, String> {
    crate::keys::Keys::kernel("doctor", SystemClock.now()).map_err(|error| error.to_string())?;
    // The machine's own namespace gives every user its own number.
    let users = std::fs::read_to_string("/proc/self/uid_map").unwrap_or_default();
    let own = users.split_whitespace().eq(["0", "0", "4294967295"]) || users.is_empty();
    Ok(if own { Keyring::Machine } else { Keyring::Namespace })
}

/// Asks the store how it is, and for the ledger that it holds.
pub async fn probe_store(context: &mut DoctorContext, store: &Store, clock: &dyn Clock) {
    let health = store.health(clock).await;
    let ledger = store.query(LEDGER, &[]).await;
    context.store = Some(health.map_err(|error| error.to_string()));
    context.stored_ledger = ledger.ok().map(|rows| {
        let mut facts = LedgerFacts::default();
        facts.add(rows.iter().filter_map(|row| {
            let [reason, hits] = row.as_slice() else { return None };
            Some((reason.as_str()?, u64::try_from(hits.as_i64()?).unwrap_or(0)))
        }));
        facts
    });
}

/// The markers' site is in brackets, as no domain is; the unknown sites' stands for hits.
const LEDGER: &str = "SELECT reason, toInt64(sum(hits)) FROM ledger WHERE site != '(marker)' \
    GROUP BY reason";
