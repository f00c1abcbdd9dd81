//! `headcount serve`: starts the stages in the order of a hit's way, and stops them in the same
//! order.

use std::collections::VecDeque;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, oneshot, watch};
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::command::setup;
use super::counting::Counting;
use super::files;
use super::folder::{DataFolder, FolderError, last_written};
use super::inherited::{Inherited, InheritedError, spread};
use super::live::{Connected, Running};
use super::mailings::Mailings;
use super::recover::{Found, RecoverError, count_limits, find};
use super::sites::{self, Measured};
use super::storing::{self, Target};
use super::welcome::{url_of, welcome};
use crate::config::Config;
use crate::console::control::Control;
use crate::console::{self, Console, StateDb, StateError};
use crate::count::{Counter, Deltas};
use crate::edge::{
    self, BindError, DataCentres, DataCentresError, Detail, Edge, EdgeConfig, Geo, GeoError,
    MailNetworks, MailNetworksError, Patience, Places, Sink, Sites, SitesError,
};
use crate::hit::{Clock, Record, SiteName, SystemClock};
use crate::keys::{Backend, Keys};
use crate::limits;
use crate::outbox::{Outbox, OutboxConfig, OutboxError};
use crate::spool::{Spool, SpoolConfig, SpoolError, SpoolWriter};
use crate::store::engine::EngineError;
use crate::store::{SendFigures, StoreError};
use crate::telemetry::{self, Value};

/// How often, in seconds, what mails did is looked at that waits to be counted.
const HELD_EVERY_S: u64 = 5;

/// How long the store is waited for before the program says where it is.
const STORE_START: Duration = Duration::from_secs(10);

/// Why `serve` ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// A port cannot be had.
    #[error(transparent)]
    Bind(#[from] BindError),
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The console's state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// A socket that was handed over is of no use.
    #[error(transparent)]
    Inherited(#[from] InheritedError),
    /// A site cannot be measured.
    #[error(transparent)]
    Sites(#[from] SitesError),
    /// The spool cannot be used.
    #[error(transparent)]
    Spool(#[from] SpoolError),
    /// The outbox cannot be used.
    #[error(transparent)]
    Outbox(#[from] OutboxError),
    /// The embedded engine cannot run here.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The database is not for this program.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The password's file cannot be read.
    #[error("[store] password_file {0} cannot be read ({1})")]
    Password(PathBuf, std::io::Error),
    /// A database of places cannot be used.
    #[error("[geo] {0}")]
    Geo(#[from] GeoError),
    /// The list of data centres cannot be used.
    #[error(transparent)]
    DataCentres(#[from] DataCentresError),
    /// The list of mail filters' networks cannot be used.
    #[error(transparent)]
    MailNetworks(#[from] MailNetworksError),
    /// A site drops data centres' hits, and nothing says which networks those are.
    #[error(
        "a [[site]] has block_data_centres, and there is no list of them: give [geo] data_centres"
    )]
    NoDataCentres,
    /// The system said no.
    #[error("{0} failed ({1})")]
    Io(&'static str, std::io::Error),
}

impl From<RecoverError> for ServeError {
    fn from(error: RecoverError) -> Self {
        match error {
            RecoverError::Spool(error) => Self::Spool(error),
            RecoverError::Outbox(error) => Self::Outbox(error),
        }
    }
}

/// Runs until the program is asked to stop.
pub fn serve(config: Config, demo: bool) -> Result<(), ServeError> {
    let inherited = Inherited::take()?;
    forbid_dumps();
    let mut config = if demo { sites::with_demo(config) } else { config };
    // Everything that can be wrong with what was configured is found before a hit is taken.
    // Where a socket was handed over, it says what is listened to.
    let address = |of: Option<&TcpListener>| Some(of?.local_addr().ok()?.to_string());
    let ingest = if let Some(handed) = address(inherited.ingest.first()) {
        config.ingest.listen = handed;
        spread(inherited.ingest, config.ingest.threads)?
    } else {
        edge::bind(&config.ingest.listen, config.ingest.threads)?
    };
    config.console_listen = address(inherited.console.as_ref()).unwrap_or(config.console_listen);
    let console = match inherited.console {
        Some(handed) => handed,
        None => edge::bind(&config.console_listen, 1)?.swap_remove(0),
    };
    let folder = DataFolder::open(&config.data_dir)?;
    let target = storing::target(&config, &folder)?;
    let places = places(&config)?;
    let stages = Stages::start(&config, &folder, places, demo)?;
    let (stop_edge, edge_stopped) = watch::channel(false);
    let edge_threads = edge_threads(ingest, &stages.running.edge, &edge_stopped)?;

    let runtime = runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .thread_name("console")
        .enable_all()
        .build()
        .map_err(|error| ServeError::Io("starting the runtime", error))?;
    let front = Front { listener: console, edge_threads, stop_edge };
    runtime.block_on(run(config, folder, target, stages, front, demo))
}

/// A core dump would hold ids and keys, and outlive both.
fn forbid_dumps() {
    let behavior = rustix::process::DumpableBehavior::NotDumpable;
    if rustix::process::set_dumpable_behavior(behavior).is_err() {
        telemetry::warn("app", "core dumps could not be forbidden", &[]);
    }
}

/// What is known of networks.
pub(super) fn places(config: &Config) -> Result<Places, ServeError> {
    let (geo, data_centres) = (geo(config)?, data_centres(config)?);
    let mail_networks = config.mail_networks.as_deref().map(MailNetworks::open).transpose()?;
    let mail_networks = mail_networks.map(Arc::new);
    Ok(Places { geo, detail: config.places, data_centres, mail_networks })
}

/// The configured database, or the one beside the program; without one, countries are unknown.
fn geo(config: &Config) -> Result<Option<Arc<Geo>>, ServeError> {
    let mut paths = config.city_databases.clone();
    paths.extend(config.geo_database.clone().or_else(Geo::default_database));
    if paths.is_empty() {
        telemetry::warn("app", "there is no country database: countries are not told", &[]);
        return Ok(None);
    }
    if config.places > Detail::Country && config.city_databases.is_empty() {
        telemetry::warn("app", "regions and cities need [geo] city_databases", &[]);
    }
    Ok(Some(Arc::new(Geo::open_all(&paths)?)))
}

/// The configured list, or the one beside the program. Sites that drop data centres' hits need one.
fn data_centres(config: &Config) -> Result<Option<Arc<DataCentres>>, ServeError> {
    let path = config.data_centres.clone().or_else(DataCentres::default_list);
    let list = path.map(|path| DataCentres::open(&path)).transpose()?;
    if list.is_none() && config.sites.iter().any(|site| site.rules.block_data_centres) {
        return Err(ServeError::NoDataCentres);
    }
    Ok(list.map(Arc::new))
}

/// The stages from the edge to the outbox, running.
struct Stages {
    running: Arc<Running>,
    state: Arc<StateDb>,
    counting: JoinHandle<()>,
    /// Told once counting has caught up with what was spooled before the start, or cannot.
    recovered: oneshot::Receiver<Result<(), RecoverError>>,
}

impl Stages {
    fn start(
        config: &Config,
        folder: &DataFolder,
        places: Places,
        demo: bool,
    ) -> Result<Self, ServeError> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let now = clock.now();
        let keys = Arc::new(keys(folder.installation(), now));
        let state = Arc::new(StateDb::open(folder.path(), sites::configured(config))?);
        let measured = Measured::new(Arc::new(Sites::new(Arc::clone(&keys))), config);
        measured.set(&state.sites()?, now)?;
        let mailings = Mailings {
            state: Arc::clone(&state),
            room: setup(config, folder.path()).mailroom,
            keys: Arc::clone(&keys),
            changing: Mutex::default(),
        };
        // Before the spool is read: what is sealed under them is opened there.
        mailings.open_keys()?;

        let spool_dir = folder.path().join("spool");
        let last_ran = last_written(&spool_dir);
        let spool_config = SpoolConfig {
            dir: spool_dir,
            durability: config.durability,
            segment_bytes: config.spool_segment_bytes,
            max_bytes: config.spool_max_bytes,
        };
        let (spool, recovery) = Spool::open(spool_config, Arc::clone(&keys), Arc::clone(&clock))?;
        let outbox_config =
            OutboxConfig { dir: folder.path().join("outbox"), max_bytes: config.outbox_max_bytes };
        let (outbox, reached) = Outbox::open(&outbox_config)?;
        let outbox = Arc::new(outbox);
        let past = find(&spool, recovery, reached)?;
        let (frames, committed) = sync_channel(limits::FRAMES_QUEUED_MAX);
        let spool = spool.start(past.next, frames)?;
        if let Some(last_ran) = last_ran {
            measured.sites.keys_lost(last_ran, now).into_iter().for_each(|it| spool.note(it));
        }
        let counter = Arc::new(Mutex::new(Counter::new(count_limits())));
        let counting = Counting {
            counter: Arc::clone(&counter),
            deltas: Deltas::default(),
            unkept: VecDeque::new(),
            applied: past.next,
            outbox: Arc::clone(&outbox),
            spool: Arc::clone(&spool),
            node: config.node.clone(),
            checkpoint_interval: config.checkpoint_interval,
            keeping: None,
        };
        let (caught_up, is_caught_up) = watch::channel(false);
        let (tell, recovered) = oneshot::channel();
        let counting = thread("count", move || match catch_up(counting, past) {
            Ok(counting) => {
                caught_up.send_replace(true);
                drop(tell.send(Ok(())));
                counting.run(&committed);
            }
            Err(error) => drop(tell.send(Err(error))),
        })?;
        let edge = Edge::new(
            EdgeConfig {
                trusted_proxies: config.ingest.trusted_proxies.clone(),
                client_ip_header: config.ingest.client_ip_header.clone(),
                proxy_protocol: config.ingest.proxy_protocol,
                rate_limit: config.ingest.rate_limit,
                paths: config.ingest.paths.clone(),
                demo,
                connections_max: files::connections_max(config.ingest.threads),
                patience: Patience::default(),
            },
            Arc::clone(&measured.sites),
            places,
            Arc::clone(&spool) as Arc<dyn Sink>,
            Arc::clone(&clock),
        );
        let running = Arc::new(Running {
            data_dir: folder.path().to_owned(),
            counter,
            caught_up: is_caught_up,
            edge,
            measured,
            mailings,
            state: Arc::clone(&state),
            imports: Notify::new(),
            spool,
            outbox,
            sent: Arc::new(SendFigures::default()),
            store: Arc::new(Connected::default()),
            keyring: keys.backend() == Backend::Kernel,
            places: config.places,
            geo_attribution: config.geo_attribution.clone(),
            clock,
        });
        running.mailings.apply(&running.edge, &running.spool, now, false);
        Ok(Self { running, state, counting, recovered })
    }
}

/// Counts again what was spooled before the start. Hits are taken meanwhile, and wait.
fn catch_up(mut counting: Counting, past: Found) -> Result<Counting, RecoverError> {
    let recovered = past.recover(|reached, rows| {
        counting.outbox.commit(reached, &crate::store::encode(rows, &counting.node))
    })?;
    *counting.counter.lock().unwrap_or_else(PoisonError::into_inner) = recovered.counter;
    counting.deltas = recovered.deltas;
    Ok(counting)
}

/// Keys in the kernel where it lets us, else in memory.
fn keys(installation: &str, now: crate::hit::Second) -> Keys {
    Keys::kernel(installation, now).unwrap_or_else(|_| {
        telemetry::warn(
            "keys",
            "the kernel's keyring cannot be used: a restart begins the day's uniques anew \
             (see headcount doctor)",
            &[],
        );
        Keys::memory()
    })
}

fn thread(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, ServeError> {
    let named = std::thread::Builder::new().name(name.to_owned());
    named.spawn(body).map_err(|error| ServeError::Io("starting a thread", error))
}

/// One thread, runtime and listener per core: a connection stays where it was accepted.
fn edge_threads(
    listeners: Vec<TcpListener>,
    edge: &Arc<Edge>,
    stopped: &watch::Receiver<bool>,
) -> Result<Vec<JoinHandle<()>>, ServeError> {
    let start = |listener: TcpListener| {
        let idle = Arc::clone(edge);
        let runtime = runtime::Builder::new_current_thread()
            .on_thread_park(move || idle.idle())
            .enable_all()
            .build()
            .map_err(|error| ServeError::Io("starting a runtime", error))?;
        let (edge, stopped) = (Arc::clone(edge), stopped.clone());
        thread("edge", move || {
            if let Err(error) = runtime.block_on(edge::serve(listener, edge, stopped)) {
                telemetry::error("edge", "a listener failed", &[("error", Value::Io(&error))]);
            }
        })
    };
    listeners.into_iter().map(start).collect()
}

/// What stands towards the outside.
struct Front {
    listener: TcpListener,
    edge_threads: Vec<JoinHandle<()>>,
    stop_edge: watch::Sender<bool>,
}

async fn run(
    config: Config,
    folder: DataFolder,
    target: Target,
    stages: Stages,
    front: Front,
    demo: bool,
) -> Result<(), ServeError> {
    let Stages { running, state, counting, recovered } = stages;
    let Front { listener, edge_threads, stop_edge } = front;
    let mut asked = asked_to_stop()?;
    let (stop, stopped) = watch::channel(false);
    let url = url_of(&config.console_listen);
    let console = Arc::new(Console::new(
        Arc::clone(&state),
        Arc::clone(&running) as Arc<dyn console::Live>,
        Arc::clone(&running.store) as Arc<dyn crate::stats::Questions>,
        Arc::clone(&running) as Arc<dyn console::Examiner>,
        Arc::clone(&running.clock),
        setup(&config, folder.path()),
    ));
    let control = Control::bind(folder.path())
        .map_err(|error| ServeError::Io("opening the control socket", error))?;
    let console_task =
        tokio::spawn(console::serve(listener, Arc::clone(&console), stopped.clone()));
    let control_task = tokio::spawn(control.serve(console, stopped.clone()));
    let ticking = tokio::spawn(tick(Arc::clone(&running)));
    let months = config.retention_months;
    let mut store_task =
        tokio::spawn(storing::run(target, Arc::clone(&running), months, stopped.clone()));

    running.edge.set_ready(true);
    // Hits are taken already; whoever opens the dashboard finds it able to answer, as a rule.
    tokio::select! {
        _ = asked.wait_for(|asked| *asked) => {}
        _ = timeout(STORE_START, running.store.wait()) => {}
    }
    // Hits are taken by now: what cannot be said, as on a full disk, must not end that.
    if let Err(error) = welcome(&config, &state, &url, demo, running.clock.now()) {
        let why = error.to_string();
        let values = [("why", Value::Operator(&why))];
        telemetry::warn("app", "no sign-in link could be made: see headcount sign-in", &values);
    }

    let imports_task = tokio::spawn(storing::write_imports(Arc::clone(&running), stopped.clone()));
    // Until a signal, or until the store or the spool turns out to be unusable.
    let mut unrecovered = None;
    let ended = tokio::select! {
        _ = asked.wait_for(|asked| *asked) => None,
        ended = &mut store_task => Some(ended),
        error = why_not(recovered) => {
            unrecovered = Some(error);
            None
        }
    };
    telemetry::info("app", "stopping", &[]);
    running.edge.set_ready(false);
    stop_edge.send_replace(true);
    ticking.abort();
    let spool = Arc::clone(&running.spool);
    let drained = tokio::task::spawn_blocking(move || drain(edge_threads, &spool, counting)).await;
    if drained.is_err() {
        telemetry::error("app", "a stage failed while it stopped", &[]);
    }
    if ended.is_none() {
        wait_until_sent(&running.outbox).await;
    }
    stop.send_replace(true);
    drop(control_task.await);
    drop(imports_task.await);
    drop(timeout(limits::CONSOLE_STOP_TIMEOUT, console_task).await);
    let result = match ended {
        Some(result) => result,
        None => store_task.await,
    };
    telemetry::info("app", "stopped", &[]);
    if let Some(error) = unrecovered {
        return Err(error);
    }
    result.unwrap_or_else(|error| {
        Err(ServeError::Io("the store's task", std::io::Error::other(error)))
    })
}

/// Why counting cannot go on where it ended; where it can, there is no end to this.
async fn why_not(recovered: oneshot::Receiver<Result<(), RecoverError>>) -> ServeError {
    match recovered.await {
        Ok(Ok(())) => std::future::pending().await,
        Ok(Err(error)) => error.into(),
        // Its thread has panicked.
        Err(error) => ServeError::Io("recovering", std::io::Error::other(error)),
    }
}

/// Turns true at the first SIGTERM or SIGINT; the second ends the program at once.
fn asked_to_stop() -> Result<watch::Receiver<bool>, ServeError> {
    let failed = |error| ServeError::Io("listening to signals", error);
    let mut term = signal(SignalKind::terminate()).map_err(failed)?;
    let mut int = signal(SignalKind::interrupt()).map_err(failed)?;
    let (asked, receiver) = watch::channel(false);
    tokio::spawn(async move {
        for first in [true, false] {
            tokio::select! {
                _ = term.recv() => {}
                _ = int.recv() => {}
            }
            if first {
                asked.send_replace(true);
            } else {
                std::process::exit(1);
            }
        }
    });
    Ok(receiver)
}

/// Tells day ends, destroys keys and forgets networks, while the program runs.
async fn tick(running: Arc<Running>) {
    let mut second = interval(Duration::from_secs(1));
    second.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for seconds in 1_u64.. {
        second.tick().await;
        let now = running.clock.now();
        // A key must not end before what was spooled under it has been read.
        if !running.is_caught_up() {
            continue;
        }
        for record in running.measured.sites.due(now) {
            running.spool.note(record);
        }
        if seconds.is_multiple_of(HELD_EVERY_S) && running.is_holding() {
            running.spool.note(Record::Passed { site: SiteName::unknown(), at: now });
        }
        if running.mailings.has_due(now) {
            running.mailings.apply(&running.edge, &running.spool, now, true);
        }
        if seconds.is_multiple_of(60) {
            running.edge.sweep();
        }
    }
}

/// Waits for the listeners, commits what they took, and counts it: what was acknowledged is in the
/// outbox then, and the state in a checkpoint.
fn drain(edge_threads: Vec<JoinHandle<()>>, spool: &SpoolWriter, counting: JoinHandle<()>) {
    for thread in edge_threads {
        if thread.join().is_err() {
            telemetry::error("edge", "a listener thread panicked", &[]);
        }
    }
    spool.stop();
    if counting.join().is_err() {
        telemetry::error("count", "the counting thread panicked; a restart counts again", &[]);
    }
}

async fn wait_until_sent(outbox: &Outbox) {
    let mut changes = outbox.changes();
    let sent = async {
        while outbox.figures().waiting > 0 {
            if changes.changed().await.is_err() {
                return;
            }
        }
    };
    if timeout(limits::DRAIN_TIMEOUT, sent).await.is_err() {
        let waiting = Value::from(outbox.figures().waiting);
        telemetry::warn("app", "batches wait for the next start", &[("batches", waiting)]);
    }
}
