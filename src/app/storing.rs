//! The store's side of a running program: the engine if it is ours, the schema, the sender.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::sleep;

use super::folder::DataFolder;
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
    let Some(external) = &config.store else {
        let program = std::env::current_exe()
            .map_err(|error| ServeError::Io("finding this program's own file", error))?;
        return Ok(Target::Engine(EngineConfig {
            dir: folder.path().join("engine"),
            library: find_library(&program)?,
            program,
            memory_bytes: config.engine_memory_bytes,
        }));
    };
    let password = match &external.password_file {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path)
                .map_err(|error| ServeError::Password(path.clone(), error))?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        }
    };
    Ok(Target::External(StoreConfig {
        url: external.url.clone(),
        user: external.user.clone(),
        password,
        database: config.database.clone(),
    }))
}

/// Starts the engine if it is ours, makes the schema ready, and sends until `stopped`.
pub(super) async fn run(
    target: Target,
    running: Arc<Running>,
    retention_months: u32,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), ServeError> {
    let (engine, store) = match target {
        Target::External(config) => (None, Store::new(config)),
        Target::Engine(config) => {
            let engine = tokio::select! {
                engine = start_engine(config) => engine?,
                _ = stopped.wait_for(|stopped| *stopped) => return Ok(()),
            };
            let store = engine.store();
            (Some(engine), store)
        }
    };
    let made_ready = tokio::select! {
        made = make_ready(&store, retention_months) => made,
        _ = stopped.wait_for(|stopped| *stopped) => Ok(()),
    };
    if made_ready.is_ok() {
        running.store.set(store.clone());
        telemetry::info("store", "ready", &[]);
        send(store, Arc::clone(&running.outbox), stopped, Arc::clone(&running.sent)).await;
    }
    if let Some(engine) = engine {
        engine.stop().await;
    }
    Ok(made_ready?)
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
