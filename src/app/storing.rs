//! The store's side of a running program: the engine if it is ours, the schema, the sender.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::folder::DataFolder;
use super::import::write_all;
use super::live::Running;
use super::serve::ServeError;
use crate::config::Config;
use crate::store::engine::{Engine, EngineConfig, EngineError, find_library};
use crate::store::{Store, StoreConfig, StoreError, send};
use crate::telemetry::{self, Value};

/// The longest wait before a store that is away is asked again.
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Where rows go.
pub(super) enum Target {
    Engine(EngineConfig),
    External(StoreConfig),
}

/// Where rows go by the configuration; the engine's library is looked for here.
pub(super) fn target(config: &Config, folder: &DataFolder) -> Result<Target, ServeError> {
    if let Some(external) = external(config)? {
        return Ok(Target::External(external));
    }
    let program = std::env::current_exe()
        .map_err(|error| ServeError::Io("finding this program's own file", error))?;
    Ok(Target::Engine(EngineConfig {
        dir: folder.path().join("engine"),
        library: find_library(&program)?,
        program,
        memory_bytes: config.engine_memory_bytes,
    }))
}

/// The ClickHouse that somebody else runs, if there is one.
pub(super) fn external(config: &Config) -> Result<Option<StoreConfig>, ServeError> {
    let Some(external) = &config.store else { return Ok(None) };
    let password = match &external.password_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| ServeError::Password(path.clone(), error))?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
    };
    Ok(Some(StoreConfig {
        url: external.url.clone(),
        user: external.user.clone(),
        password,
        database: config.database.clone(),
        insert_timeout: external.insert_timeout,
    }))
}

/// Starts the engine if it is ours, makes the schema ready, and sends until `stopped`.
pub(super) async fn run(
    target: Target,
    running: Arc<Running>,
    retention_months: u32,
    stopped: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let opened = open(target, retention_months, stopped.clone()).await?;
    let Some((engine, store)) = opened else { return Ok(()) };
    running.store.set(store.clone());
    telemetry::info("store", "ready", &[]);
    send(store, Arc::clone(&running.outbox), stopped, Arc::clone(&running.sent)).await;
    if let Some(engine) = engine {
        engine.stop().await;
    }
    Ok(())
}

/// The store, with the engine if it is ours, and its schema ready. None: `stopped` turned true.
pub(super) async fn open(
    target: Target,
    retention_months: u32,
    mut stopped: watch::Receiver<bool>,
) -> Result<Option<(Option<Engine>, Store)>, ServeError> {
    let (engine, store) = match target {
        Target::External(config) => (None, Store::new(config)),
        Target::Engine(config) => {
            let engine = tokio::select! {
                engine = start_engine(config) => engine?,
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(None),
            };
            let store = engine.store();
            (Some(engine), store)
        }
    };
    let made_ready = tokio::select! {
        made = make_ready(&store, retention_months) => made.map(|()| true),
        _ = stopped.wait_for(|stopped| *stopped) => Ok(false),
    };
    if matches!(made_ready, Ok(true)) {
        return Ok(Some((engine, store)));
    }
    if let Some(engine) = engine {
        engine.stop().await;
    }
    made_ready?;
    Ok(None)
}

/// Writes the imports that were accepted, those of an earlier run first, until `stopped`.
pub(super) async fn write_imports(running: Arc<Running>, mut stopped: watch::Receiver<bool>) {
    let written = async {
        let store = running.store.wait().await;
        loop {
            let accepted = running.imports.notified();
            let (state, dir) = (&running.state, &running.data_dir);
            if let Err(error) = write_all(store, state, dir, &*running.clock, &running.sent).await {
                let why = error.to_string();
                let values = [("why", Value::Operator(&why))];
                telemetry::error("import", "an import cannot be written", &values);
            }
            accepted.await;
        }
    };
    tokio::select! {
        () = written => {}
        _ = stopped.wait_for(|stopped| *stopped) => {}
    }
}

/// Starts the engine; what may pass is tried again.
async fn start_engine(config: EngineConfig) -> Result<Engine, EngineError> {
    let mut wait = Duration::from_millis(200);
    loop {
        match Engine::start(config.clone()).await {
            Ok(engine) => return Ok(engine),
            Err(
                fatal @ (EngineError::NoLibrary
                | EngineError::BadLibrary
                | EngineError::Older { .. }),
            ) => return Err(fatal),
            Err(EngineError::Io(..) | EngineError::Ended(_) | EngineError::Silent) => {
                telemetry::error("engine", "the engine did not start; it is tried again", &[]);
            }
        }
        sleep(wait).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
}

/// Migrates and sets the retention; a store that is away is waited for.
async fn make_ready(store: &Store, retention_months: u32) -> Result<(), StoreError> {
    let mut wait = Duration::from_millis(200);
    loop {
        let made = async {
            store.migrate().await?;
            store.set_retention(retention_months).await
        };
        match made.await {
            Ok(()) => return Ok(()),
            Err(fatal @ (StoreError::Newer(_) | StoreError::Changed(_))) => return Err(fatal),
            Err(StoreError::Refused(code)) => telemetry::error(
                "store",
                "ClickHouse refuses to make the tables ready; it is asked again",
                &[("code", Value::Number(code.into()))],
            ),
            Err(StoreError::Away | StoreError::Answer) => {
                telemetry::warn("store", "ClickHouse is away; rows wait in the outbox", &[]);
            }
        }
        sleep(wait).await;
        wait = (wait * 2).min(RETRY_MAX);
    }
}
