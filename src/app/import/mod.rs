//! `headcount import`: a log's hits, through the door, counted in a lane and by a clock of their
//! own; or what another system counted.
//!
//! *Owns* reading the files, the lane's counter and outbox, and that each import is written once.
//! *In*: the files of a log or an export. *Out*: rows in ClickHouse, under the node `import` in the ledger.
//! *Never* touches the live spool, its keys or its counter.

mod accept;
mod export;
mod lane;
mod source;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tokio::sync::watch;

pub use accept::Counted;
pub(super) use accept::{accept, write_all};
pub use export::{ExportImport, ExportImported, import_export};
pub use lane::Unread;

use super::folder::{DataFolder, FolderError};
use super::serve::{self, ServeError};
use super::{sites, storing};
use crate::config::Config;
use crate::console::{Command, Import, StateDb, StateError, control};
use crate::edge::{
    ExportError, LogEdge, LogFigures, LogFormat, LogRules, PageLines, Places, SiteConfig,
    SitesError,
};
use crate::hit::{Clock as _, Second, SystemClock};
use crate::outbox::{Outbox, OutboxConfig, OutboxError};
use crate::spool::{self, SpoolError};
use crate::store::{SendFigures, StoreError};
use accept::{building, day_of, folder, name, settle_left};
use lane::Read;
use source::Source;

/// Told of the bytes that were read so far, and of all of them if that is known.
pub type Progress<'a> = dyn FnMut(u64, Option<u64>) + 'a;

/// Hits by the ledger's reasons.
pub type Ledger = Vec<(&'static str, u64)>;

/// What to import.
#[derive(Clone, Debug)]
pub struct LogImport {
    /// The files of one log; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// The site's domain.
    pub site: String,
    /// The files' format.
    pub format: LogFormat,
    /// Which lines are page views.
    pub pages: PageLines,
    /// Whether days are imported that have counts already.
    pub force: bool,
    /// Whether it is only read and counted.
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct Imported {
    /// What was found in the log.
    pub figures: LogFigures,
    /// The first few lines that cannot be read.
    pub unread: Vec<Unread>,
    /// Its hits by the ledger's reasons.
    pub ledger: Ledger,
    /// Its first and last day, in the site's time zone.
    pub days: Option<(Date, Date)>,
}

/// Why a log was not imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// No such site.
    #[error("there is no such site: see `headcount site list`")]
    NoSite,
    /// A file cannot be read.
    #[error("{0} cannot be read ({1})")]
    Read(String, std::io::Error),
    /// It holds no page views.
    #[error("there is no page view in it: nothing was imported")]
    Empty,
    /// It tells of days to come.
    #[error("it has numbers of {0}, which has not begun: nothing was imported")]
    Future(Date),
    /// It cannot be read.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// It was imported before.
    #[error("this was imported on {0}: nothing was done")]
    Again(Date),
    /// Its days have counts already.
    #[error("{}", days_are_counted(.0))]
    Counted(Counted),
    /// Another one is under way.
    #[error("another import is under way")]
    Locked,
    /// The running program said no.
    #[error("{0}")]
    Refused(String),
    /// The running program does not answer.
    #[error("the running headcount does not answer ({0})")]
    Control(std::io::Error),
    /// Some of it was refused by ClickHouse for good.
    #[error("ClickHouse refuses a part of it for good; that is kept in {0}")]
    SetAside(PathBuf),
    /// The system said no.
    #[error("{0} failed ({1})")]
    Io(&'static str, std::io::Error),
    /// A fault of ours.
    #[error("a thread panicked: this is a fault of headcount's, please report it")]
    Panicked,
    /// See there.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// See there.
    #[error(transparent)]
    State(#[from] StateError),
    /// See there.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// See there.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// See there.
    #[error(transparent)]
    Serve(#[from] ServeError),
    /// See there.
    #[error(transparent)]
    Sites(#[from] SitesError),
    /// See there.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

fn days_are_counted(counted: &Counted) -> String {
    let list = |days: &[Date]| match days {
        [first, .., last] => format!("{} days from {first} to {last}", days.len()),
        days => days.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    let Counted { live, imported } = counted;
    let what = match (live.is_empty(), imported.is_empty()) {
        (false, _) => format!("{} were counted live", list(live)),
        (true, _) => format!("{} were imported before", list(imported)),
    };
    format!("{what}: nothing was imported; --force adds to what is there")
}

/// Reads a log, counts it, and has it written; returns when all of it is in ClickHouse.
pub fn import(
    config: &Config,
    log: &LogImport,
    progress: &mut Progress<'_>,
) -> Result<Imported, ImportError> {
    let job = Job::begin(config, &log.site, log.dry_run)?;
    let Read { figures, unread, ledger, fingerprint } = read(&job, log, progress)?;
    let span = figures.span.ok_or(ImportError::Empty)?;
    job.finish(fingerprint, span, figures.pages, log.force)?;
    let days = Some((day_of(&job.zone, span.0), day_of(&job.zone, span.1)));
    Ok(Imported { figures, unread, ledger, days })
}

/// An import of a site, from its first line to the last row in ClickHouse.
struct Job<'a> {
    config: &'a Config,
    folder: DataFolder,
    state: StateDb,
    site: SiteConfig,
    zone: TimeZone,
    now: Second,
    /// None: nothing is kept.
    building: Option<Building>,
}

impl<'a> Job<'a> {
    fn begin(config: &'a Config, site: &str, dry_run: bool) -> Result<Self, ImportError> {
        let folder = DataFolder::open(&config.data_dir)?;
        let state = StateDb::open(folder.path(), sites::configured(config))?;
        let domain = site.trim().to_lowercase();
        let site = state.site(&domain)?.ok_or(ImportError::NoSite)?;
        let site = sites::of(config, &site);
        let zone = TimeZone::get(&site.timezone).unwrap_or(TimeZone::UTC);
        let building = (!dry_run).then(|| Building::begin(folder.path(), &state)).transpose()?;
        Ok(Self { config, folder, state, site, zone, now: SystemClock.now(), building })
    }

    /// Where its rows are kept.
    fn outbox(&self) -> Result<Option<Outbox>, ImportError> {
        let open = |building: &Building| {
            Outbox::open(&OutboxConfig { dir: building.path.clone(), max_bytes: u64::MAX })
        };
        Ok(self.building.as_ref().map(open).transpose()?.map(|(outbox, _)| outbox))
    }

    /// For its fingerprint: of this installation and site, and of `how` it is read.
    fn hasher(&self, how: &str) -> blake3::Hasher {
        let mut hasher = blake3::Hasher::new_derive_key("headcount 2026-11 import fingerprint v1");
        let Self { folder, site, .. } = self;
        hasher.update(format!("{}\n{}\n{how}\n", folder.installation(), site.name).as_bytes());
        hasher
    }

    /// The rows are kept: has them written.
    fn finish(
        &self,
        fingerprint: blake3::Hash,
        span: (Second, Second),
        pages: u64,
        force: bool,
    ) -> Result<(), ImportError> {
        let Self { config, folder, state, site, zone, now, building } = self;
        if building.is_none() {
            return Ok(());
        }
        let id = fingerprint.to_hex()[..32].to_owned();
        let import =
            Import { id, site: site.name.clone(), span, pages, accepted: *now, written: None };
        name(folder.path(), &import.id).map_err(|error| ImportError::Io("keeping it", error))?;
        hand_over(config, state, zone, &import, force)
    }
}

/// An import that is being counted: one at a time. What is left of it when it is over, or was left
/// by one that died, does not count and goes.
struct Building {
    path: PathBuf,
    _lock: File,
}

impl Building {
    fn begin(data_dir: &Path, state: &StateDb) -> Result<Self, ImportError> {
        let io = |error| ImportError::Io("making the folder of imports", error);
        fs::create_dir_all(folder(data_dir)).map_err(io)?;
        let lock = File::create(folder(data_dir).join("lock")).map_err(io)?;
        rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| ImportError::Locked)?;
        settle_left(data_dir, state)?;
        let path = building(data_dir);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(io(error)),
            _ => Ok(Self { path, _lock: lock }),
        }
    }
}

impl Drop for Building {
    fn drop(&mut self) {
        // An import that was accepted has its own name by now.
        drop(fs::remove_dir_all(&self.path));
    }
}

fn read(job: &Job<'_>, log: &LogImport, progress: &mut Progress<'_>) -> Result<Read, ImportError> {
    let rules = LogRules {
        format: log.format,
        pages: log.pages.clone(),
        oldest: oldest(job.now, job.config.retention_months),
        // A server's clock may be a little ahead of ours.
        newest: Second(job.now.0 + 300),
    };
    let hasher = job.hasher(&format!("{:?}\n{:?}", log.format, log.pages));
    let source =
        Source::open(&log.files).map_err(|(file, error)| ImportError::Read(file, error))?;
    let clock = LogEdge::new(job.site.clone(), Places::default(), rules.clone())?;
    let edge = LogEdge::new(job.site.clone(), serve::places(job.config)?, rules)?;
    lane::read(source, (clock, edge), job.outbox()?, hasher, progress)
}

/// The start of what is kept; everything, if all is kept.
fn oldest(now: Second, months: u32) -> Second {
    if months == 0 {
        return Second(0);
    }
    let now = Timestamp::from_second(now.0).unwrap_or_default().to_zoned(TimeZone::UTC);
    let oldest = now.checked_sub(i64::from(months).months());
    oldest.map_or(Second(0), |oldest| Second(oldest.timestamp().as_second()))
}

/// Gives the import to the running program, or writes it here if there is none.
fn hand_over(
    config: &Config,
    state: &StateDb,
    zone: &TimeZone,
    import: &Import,
    force: bool,
) -> Result<(), ImportError> {
    let (first, last) = import.span;
    let asked = Command::ImportAccept {
        id: import.id.clone(),
        site: import.site.as_str().to_owned(),
        span: (first.0, last.0),
        pages: import.pages,
        force,
    };
    let ask =
        |command: &Command| control::ask(&config.data_dir, command).map_err(ImportError::Control);
    match ask(&asked)? {
        None => write_here(config, state, zone, import, force),
        Some(reply) if !reply.ok => Err(ImportError::Refused(reply.lines.concat())),
        Some(_) => {
            let done = Command::ImportState { id: import.id.clone() };
            loop {
                match ask(&done)? {
                    Some(reply) if reply.ok => return Ok(()),
                    Some(_) => thread::sleep(Duration::from_millis(100)),
                    None => return Err(ImportError::Refused(STOPPED.to_owned())),
                }
            }
        }
    }
}

const STOPPED: &str =
    "headcount was stopped while it wrote the import: it goes on at its next start";

/// Writes the import without a running program, on a store of its own.
fn write_here(
    config: &Config,
    state: &StateDb,
    zone: &TimeZone,
    import: &Import,
    force: bool,
) -> Result<(), ImportError> {
    let folder = DataFolder::open(&config.data_dir)?;
    // No program may start on this folder meanwhile.
    let _lock = spool::lock(&folder.path().join("spool"))?;
    let target = storing::target(config, &folder)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    let runtime = runtime.map_err(|error| ImportError::Io("starting a runtime", error))?;
    runtime.block_on(async {
        let (_stop, stopped) = watch::channel(false);
        let opened = storing::open(target, config.retention_months, stopped).await?;
        let Some((engine, store)) = opened else { return Ok(()) };
        let figures = Arc::new(SendFigures::default());
        let written = async {
            accept(state, &store, zone, folder.path(), import, force).await?;
            write_all(&store, state, folder.path(), &SystemClock, &figures).await
        };
        let written = written.await;
        if let Some(engine) = engine {
            engine.stop().await;
        }
        written
    })
}
