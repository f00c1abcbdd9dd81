//! Commands from a terminal: the running program does them, or else the data folder is opened.

use std::path::Path;

use tokio::runtime;

use super::folder::{DataFolder, FolderError};
use super::sites;
use super::storing::external;
use super::welcome::url_of;
use crate::config::Config;
use crate::console::command::doctor::{self, DoctorContext};
use crate::console::command::{self, Command, Desk, Reply};
use crate::console::{StateDb, StateError, control};
use crate::hit::{Clock as _, SystemClock};
use crate::store::Store;

/// Why a command could not be tried.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The data folder cannot be used.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The console's state cannot be used.
    #[error(transparent)]
    State(#[from] StateError),
    /// The running program does not answer.
    #[error("the running headcount does not answer ({0})")]
    Control(std::io::Error),
}

/// Runs a command, and says what came of it.
pub fn command(config: &Config, command: &Command) -> Result<Reply, CommandError> {
    if let Some(reply) = control::ask(&config.data_dir, command).map_err(CommandError::Control)? {
        return Ok(reply);
    }
    let now = SystemClock.now();
    let folder = DataFolder::open(&config.data_dir)?;
    if *command == Command::Doctor {
        return Ok(doctor::report(&examine(config, folder.path())));
    }
    let state = StateDb::open(folder.path(), sites::configured(config))?;
    let url = url_of(&config.console_listen);
    Ok(command::run(&Desk { state: &state, url: &url, now }, None, command))
}

/// What can be known while no program runs. A ClickHouse of the operator's own does.
fn examine(config: &Config, folder: &Path) -> DoctorContext {
    let mut context = doctor::probe(folder, &SystemClock);
    match external(config) {
        Ok(None) => {}
        Err(error) => context.store = Some(Err(error.to_string())),
        Ok(Some(store)) => match runtime::Builder::new_current_thread().enable_all().build() {
            Ok(runtime) => {
                let store = Store::new(store);
                runtime.block_on(doctor::probe_store(&mut context, &store, &SystemClock));
            }
            Err(error) => context.store = Some(Err(error.kind().to_string())),
        },
    }
    context
}
