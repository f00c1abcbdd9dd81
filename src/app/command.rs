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
use crate::console::{self, MailingError, Mailroom, Setup, StateDb, StateError, control};
use crate::hit::{Clock as _, SystemClock};
use crate::keys::MailingKeys;
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
    /// A mailing is not of the form.
    #[error(transparent)]
    Mailing(#[from] MailingError),
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
    let setup = setup(config, folder.path());
    Ok(command::run(&Desk { state: &state, setup: &setup, now }, None, command))
}

/// Where things are that commands name or use.
pub(super) fn setup(config: &Config, folder: &Path) -> Setup {
    let keys = config.mailing_keys.clone().unwrap_or_else(|| Mailroom::folder_in(folder));
    let mailroom = Mailroom {
        keys: MailingKeys::new(keys),
        count_days: config.mailing_days,
        link_days: config.mailing_link_days,
    };
    Setup { url: url_of(&config.console_listen), mailroom }
}

/// `headcount mailing tokens`: makes tokens as lines of CSV, here, with the mailing's key.
pub fn mint_tokens(
    config: &Config,
    id: &str,
    count: u64,
    each: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<(), CommandError> {
    let folder = DataFolder::open(&config.data_dir)?;
    let state = StateDb::open(folder.path(), sites::configured(config))?;
    let room = setup(config, folder.path()).mailroom;
    Ok(console::mint(&state, &room, id, count, SystemClock.now(), each)?)
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
