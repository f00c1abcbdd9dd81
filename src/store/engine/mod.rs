//! The embedded ClickHouse: a child process of our own binary that loads the engine's library.
//!
//! *Owns* the engine's folder (`data/`, its configuration, the version that last opened it), the
//! child, its supervision, its users and their passwords.
//! *In*: a folder and a library. *Out*: a [`Store`] that stays good across restarts.
//! *Never* lets the child outlive this process; never lets another local process ask it anything.

mod child;
mod files;
mod version;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{Store, StoreConfig};
use crate::limits;
use crate::telemetry::{self, Value};

pub use child::run_child;
use files::Secrets;

/// The database that the collector may write.
pub(super) const DATABASE: &str = "headcount";

/// The library's name beside the executable.
const LIBRARY: &str = "libchdb.so";

/// Time for the child to have the lock, load the library and say its version.
const HELLO_TIMEOUT: Duration = Duration::from_mins(1);
/// Time for the engine to answer its first query; it loads its tables before.
const READY_TIMEOUT: Duration = Duration::from_mins(2);
/// The longest wait between two restarts.
const BACKOFF_MAX: Duration = Duration::from_secs(30);

/// How the engine is run.
#[derive(Clone, Debug)]
pub struct EngineConfig {
    /// Its folder.
    pub dir: PathBuf,
    /// Its library: see [`find_library`].
    pub library: PathBuf,
    /// The program that has the `engine` subcommand: our own executable.
    pub program: PathBuf,
    /// Memory that the engine may use, in bytes.
    pub memory_bytes: u64,
}

/// Why the engine does not run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// There is no library.
    #[error("the engine's library is not here: run `make setup`, or set [store] url")]
    NoLibrary,
    /// The library does not load.
    #[error("the engine's library does not load: run `make setup` for this platform's")]
    BadLibrary,
    /// The data was written by a newer engine.
    #[error(
        "the data was last opened by engine {last}, and this is the older {found}: \
         install {last} or newer"
    )]
    Older {
        /// The version that last opened the data.
        last: String,
        /// The library's version.
        found: String,
    },
    /// The system said no.
    #[error("the engine's {0} failed ({1})")]
    Io(&'static str, std::io::Error),
    /// It ended while it started; the code is the child's.
    #[error("the engine ended while it started (code {0:?})")]
    Ended(Option<i32>),
    /// It does not answer.
    #[error("the engine does not answer")]
    Silent,
}

/// The library: at `HEADCOUNT_ENGINE_LIBRARY`, beside `program`, or in the folder above.
pub fn find_library(program: &Path) -> Result<PathBuf, EngineError> {
    if let Some(path) = std::env::var_os("HEADCOUNT_ENGINE_LIBRARY") {
        return present(PathBuf::from(path)).ok_or(EngineError::NoLibrary);
    }
    program
        .ancestors()
        .skip(1)
        .take(2)
        .find_map(|dir| present(dir.join(LIBRARY)))
        .ok_or(EngineError::NoLibrary)
}

fn present(path: PathBuf) -> Option<PathBuf> {
    matches!(path.try_exists(), Ok(true)).then_some(path)
}

/// The running engine. Dropped without [`Engine::stop`], it is told to stop, and not waited for.
pub struct Engine {
    store: Store,
    seen: Arc<Seen>,
    stop: watch::Sender<bool>,
    supervisor: JoinHandle<()>,
}

/// What the supervisor lets others see.
#[derive(Default)]
struct Seen {
    restarts: AtomicU64,
    process: AtomicU32,
}

/// One run of the child. Its standard input is what keeps it alive.
struct Run {
    child: Child,
    stdin: ChildStdin,
    _stdout: BufReader<ChildStdout>,
    secrets: Secrets,
}

impl Engine {
    /// Starts the engine, and waits until it answers.
    pub async fn start(mut config: EngineConfig) -> Result<Self, EngineError> {
        let data = config.dir.join("data");
        std::fs::create_dir_all(&data).map_err(|error| EngineError::Io("folder", error))?;
        config.dir = config.dir.canonicalize().map_err(|error| EngineError::Io("folder", error))?;
        let mut run = launch(&config).await?;
        let store = Store::embedded(&run.secrets.url(), &run.secrets.logins());
        tokio::select! {
            answered = ready(&store, READY_TIMEOUT) => answered?,
            ended = ended(&mut run.child) => return Err(ended),
        }
        let seen = Arc::new(Seen::default());
        seen.process.store(run.child.id().unwrap_or(0), Ordering::Relaxed);
        let (stop, stopped) = watch::channel(false);
        let supervisor =
            tokio::spawn(supervise(config, run, store.clone(), Arc::clone(&seen), stopped));
        Ok(Self { store, seen, stop, supervisor })
    }

    /// The store behind this engine: reads as the bounded reader, and follows every restart.
    #[must_use]
    pub fn store(&self) -> Store {
        self.store.clone()
    }

    /// How the collector reaches this run of the engine. A restart changes all of it.
    #[must_use]
    pub fn store_config(&self) -> StoreConfig {
        self.store.config()
    }

    /// How often it was restarted.
    #[must_use]
    pub fn restarts(&self) -> u64 {
        self.seen.restarts.load(Ordering::Relaxed)
    }

    /// The child's process, while there is one.
    #[must_use]
    pub fn process(&self) -> Option<u32> {
        Some(self.seen.process.load(Ordering::Relaxed)).filter(|&process| process != 0)
    }

    /// Asks it to end, waits for seconds, then ends it.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if self.supervisor.await.is_err() {
            telemetry::error("engine", "the supervisor failed", &[]);
        }
    }
}

impl Secrets {
    fn logins(&self) -> super::Logins {
        super::Logins {
            database: DATABASE.into(),
            writer: ("collector".into(), Some(self.collector.clone())),
            reader: Some(("reader".into(), self.reader.clone())),
        }
    }
}

/// Keeps the engine running until told to stop.
async fn supervise(
    config: EngineConfig,
    run: Run,
    store: Store,
    seen: Arc<Seen>,
    mut stopped: watch::Receiver<bool>,
) {
    let mut running = Some(run);
    let mut backoff = Backoff::new();
    loop {
        if let Some(mut run) = running.take() {
            let stop = tokio::select! {
                told = stopped.wait_for(|&stop| stop) => { drop(told); true }
                _ = run.child.wait() => false,
            };
            if stop {
                return end(run, &store).await;
            }
            seen.process.store(0, Ordering::Relaxed);
            telemetry::error("engine", "the engine ended by itself; it is started again", &[]);
        }
        tokio::select! {
            _ = stopped.wait_for(|&stop| stop) => return,
            () = sleep(backoff.next()) => {}
        }
        match launch(&config).await {
            Ok(run) => {
                store.follow(&run.secrets.url(), &run.secrets.logins());
                seen.process.store(run.child.id().unwrap_or(0), Ordering::Relaxed);
                seen.restarts.fetch_add(1, Ordering::Relaxed);
                running = Some(run);
            }
            Err(error) => telemetry::error("engine", error.label(), &[]),
        }
    }
}

impl EngineError {
    fn label(&self) -> &'static str {
        match self {
            Self::NoLibrary => "the engine's library is not here",
            Self::BadLibrary => "the engine's library does not load",
            Self::Older { .. } => "the engine is older than its data",
            Self::Io(..) => "the engine's folder or process could not be made ready",
            Self::Ended(_) => "the engine ended while it started",
            Self::Silent => "the engine does not answer",
        }
    }
}

/// Waits longer after each restart, and forgets them after a quiet minute.
struct Backoff {
    wait: Duration,
    last: Instant,
}

impl Backoff {
    fn new() -> Self {
        Self { wait: Duration::ZERO, last: Instant::now() }
    }

    fn next(&mut self) -> Duration {
        let quiet = self.last.elapsed() > Duration::from_mins(1);
        let wait = if quiet { Duration::ZERO } else { self.wait };
        self.wait = (wait * 2).clamp(Duration::from_millis(50), BACKOFF_MAX);
        self.last = Instant::now() + wait;
        wait
    }
}

/// Starts a child: reads its version, makes the folder ready for it, and lets it begin.
async fn launch(config: &EngineConfig) -> Result<Run, EngineError> {
    let secrets = Secrets::draw()?;
    let mut child =
        command(config, &secrets).spawn().map_err(|error| EngineError::Io("process", error))?;
    let pipes = child.stdin.take().zip(child.stdout.take());
    let Some((mut stdin, stdout)) = pipes else {
        return Err(EngineError::Io("process", std::io::ErrorKind::BrokenPipe.into()));
    };
    let mut stdout = BufReader::new(stdout);
    let mut version = String::new();
    match timeout(HELLO_TIMEOUT, stdout.read_line(&mut version)).await {
        Ok(Ok(1..)) => {}
        Ok(_) => return Err(ended(&mut child).await),
        Err(_) => return Err(EngineError::Silent),
    }
    // The child has the lock on the folder, and waits.
    let dir = config.dir.clone();
    let memory_bytes = config.memory_bytes;
    let prepared = tokio::task::spawn_blocking(move || {
        version::prepare(&dir, version.trim())?;
        files::write(&dir, &secrets, memory_bytes)?;
        Ok::<_, EngineError>(secrets)
    });
    let secrets = prepared
        .await
        .map_err(|error| EngineError::Io("folder", std::io::Error::other(error)))??;
    stdin.write_all(b"\n").await.map_err(|error| EngineError::Io("process", error))?;
    Ok(Run { child, stdin, _stdout: stdout, secrets })
}

/// Why a child ended before it was ready.
async fn ended(child: &mut Child) -> EngineError {
    match child.wait().await {
        Ok(status) => match status.code() {
            Some(code) if code == i32::from(child::EXIT_LIBRARY) => EngineError::BadLibrary,
            code => EngineError::Ended(code),
        },
        Err(error) => EngineError::Io("process", error),
    }
}

fn command(config: &EngineConfig, secrets: &Secrets) -> Command {
    // The start-up query holds the process: the engine ends with it. 20 ms a row, so that it ends
    // promptly when it is killed.
    const QUERY: &str = "SYSTEM START LISTEN HTTP; SELECT sleepEachRow(0.02) \
         FROM numbers(1000000000000) SETTINGS max_block_size = 10 FORMAT Null";
    let mut command = Command::new(&config.program);
    command
        .arg("engine")
        .arg(&config.library)
        .arg(config.dir.join("engine.lock"))
        .arg("--config-file")
        .arg(config.dir.join("config.xml"))
        .arg("--path")
        .arg(config.dir.join("data"))
        .args(["--http_port", &secrets.port.to_string()])
        .args(["--listen_host", "127.0.0.1"])
        .args(["--query", QUERY])
        .current_dir(&config.dir)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        // Its own texts may quote what was asked.
        .stderr(Stdio::null())
        // Ctrl-C is for the collector, which stops the engine last.
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Waits until the engine answers a query.
async fn ready(store: &Store, within: Duration) -> Result<(), EngineError> {
    let answered = async {
        while store.ping().await.is_err() {
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(within, answered).await.map_err(|_| EngineError::Silent)
}

/// Kills the start-up query, which ends the engine in order; after seconds, ends it anyhow.
async fn end(run: Run, store: &Store) {
    let Run { mut child, stdin, _stdout, secrets: _ } = run;
    let in_order = async { store.end_engine().await.is_ok() && child.wait().await.is_ok() };
    if timeout(limits::ENGINE_STOP_TIMEOUT, in_order).await == Ok(true) {
        return;
    }
    // Its rows are synced: nothing is lost.
    telemetry::warn("engine", "the engine did not end in time, and is killed", &[]);
    drop(stdin);
    if let Err(error) = child.kill().await {
        telemetry::warn(
            "engine",
            "the engine could not be killed",
            &[("error", Value::Io(&error))],
        );
    }
}
