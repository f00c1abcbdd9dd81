//! Commands from a terminal: the running program does them, or else the data folder is opened.

use super::folder::{DataFolder, FolderError};
use super::sites;
use super::welcome::url_of;
use crate::config::Config;
use crate::console::command::doctor::{self, DoctorContext};
use crate::console::command::{self, Command, Desk, Reply};
use crate::console::{StateDb, StateError, control};
use crate::hit::{Clock as _, SystemClock};

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
        return Ok(doctor::report(&DoctorContext {
            config_problems: Vec::new(),
            folder: doctor::probe_folder(folder.path()),
            keyring: doctor::probe_keyring(),
            now,
            store: None,
            ledger: None,
            batches_set_aside: None,
        }));
    }
    let state = StateDb::open(folder.path(), sites::configured(config))?;
    let url = url_of(&config.console_listen);
    Ok(command::run(&Desk { state: &state, url: &url, now }, None, command))
}
