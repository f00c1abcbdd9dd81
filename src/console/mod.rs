//! API, sign-in, the dashboard, and the commands that change what the console keeps.
//!
//! *Owns* the console's listener and its answers, who may read ([`StateDb`]: sites, API keys,
//! users, sessions, sign-in links), the control socket, the commands `site`, `key`, `user`,
//! `sign-in`, `status` and `doctor`.
//! *In*: requests of readers, lines on the control socket. *Out*: answers of `stats`, figures of
//! the running program ([`Live`]), the embedded dashboard.
//! *Never* touches a raw hit; never keeps a secret but as its hash.
//!
//! `/metrics` needs no sign-in, as Prometheus expects: it holds totals of the program and no
//! figures of a site. The listener is on the loopback interface unless the operator moves it.

pub mod command;
pub mod control;
mod http;
mod live;
mod mailings;
pub mod password;
mod secret;
mod state;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, DefaultKeyedRateLimiter, Quota, RateLimiter};
use tokio::sync::watch;

pub use command::{Command, Reply};
pub use live::{Examiner, Live};
pub use mailings::made::NewMailing;
pub use mailings::wrapped::WrapRequest;
pub use mailings::{Due, MailingError, Mailroom, destroy, due, mint};
pub use state::{
    Access, ApiKey, Import, KeyState, Mailing, NewLink, Role, Site, StateDb, StateError, User,
};

use crate::hit::{Clock, MailingId, Second, SiteName};
use crate::limits;
use crate::stats::Questions;

/// How the console is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsoleConfig {
    /// `address:port` of its listener.
    pub listen: String,
}

/// Where things are that commands name or use.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Where a browser finds the console, without a slash at the end.
    pub url: String,
    /// The keys of mailings.
    pub mailroom: Mailroom,
}

/// Everything that the console answers from.
pub struct Console {
    state: Arc<StateDb>,
    live: Arc<dyn Live>,
    questions: Arc<dyn Questions>,
    examiner: Arc<dyn Examiner>,
    clock: Arc<dyn Clock>,
    setup: Setup,
    sign_ins: DefaultDirectRateLimiter,
    /// By a part of the address's hash: so many cells, whoever tries what.
    passwords: DefaultKeyedRateLimiter<u8>,
}

impl Console {
    /// A console.
    #[must_use]
    pub fn new(
        state: Arc<StateDb>,
        live: Arc<dyn Live>,
        questions: Arc<dyn Questions>,
        examiner: Arc<dyn Examiner>,
        clock: Arc<dyn Clock>,
        setup: Setup,
    ) -> Self {
        let per_minute =
            |times: u32| Quota::per_minute(NonZeroU32::new(times).unwrap_or(NonZeroU32::MIN));
        let sign_ins = RateLimiter::direct(per_minute(limits::SIGN_INS_PER_MINUTE));
        let passwords = RateLimiter::keyed(per_minute(limits::PASSWORDS_PER_MINUTE));
        Self { state, live, questions, examiner, clock, setup, sign_ins, passwords }
    }

    /// What the console keeps.
    #[must_use]
    pub fn state(&self) -> &Arc<StateDb> {
        &self.state
    }

    /// Runs a command in the running program, where it takes effect at once.
    pub async fn run(&self, command: &Command) -> Reply {
        if matches!(command, Command::Doctor) {
            return command::doctor::report(&self.examiner.examine().await);
        }
        match command {
            Command::ImportAccept { id, site, span: (first, last), pages, force } => {
                let import = Import {
                    id: id.clone(),
                    site: SiteName::from_stored(site),
                    span: (Second(*first), Second(*last)),
                    pages: *pages,
                    accepted: self.clock.now(),
                    written: None,
                };
                return self.live.accept_import(import, *force).await;
            }
            Command::ImportState { id } => return self.import_written(id),
            Command::Status => self.live.caught_up().await,
            Command::MailingReport { id } => {
                let report = self.mailing_report(id).await;
                return report.map_or_else(Reply::from, |report| {
                    Reply::done(command::mailing::told(&report))
                });
            }
            Command::MailingRevoke { id, token } => {
                return match MailingId::parse(id.trim()) {
                    None => StateError::NoMailing.into(),
                    Some(id) => self.live.withdraw(id, token).await,
                };
            }
            _ => {}
        }
        let desk = command::Desk { state: &self.state, setup: &self.setup, now: self.clock.now() };
        let reply = command::run(&desk, Some(self.live.as_ref()), command);
        if reply.ok && command.changes_sites() {
            self.tell_sites();
        }
        if reply.ok && command.changes_mailings() {
            self.live.mailings_changed();
            if let Command::MailingShred { id } = command {
                return match mailings::find(&self.state, id) {
                    Ok(mailing) => Reply::done(vec![command::mailing::receipt(&mailing)]),
                    Err(error) => error.into(),
                };
            }
        }
        reply
    }

    /// The figures of a mailing, as the API tells them.
    async fn mailing_report(&self, id: &str) -> Result<serde_json::Value, MailingError> {
        let mailing = mailings::find(&self.state, id)?;
        let questions = self.questions.as_ref();
        Ok(mailings::report::Report::of(&mailing, &self.state, questions).await?.json())
    }

    fn import_written(&self, id: &str) -> Reply {
        match self.state.import(id) {
            Ok(Some(import)) if import.written.is_some() => Reply::done(Vec::new()),
            Ok(_) => Reply::failed("the import is being written"),
            Err(error) => error.into(),
        }
    }

    fn tell_sites(&self) {
        match self.state.sites() {
            Ok(sites) => self.live.sites_changed(sites),
            Err(_) => crate::telemetry::error("console", "could not read the sites", &[]),
        }
    }
}

/// Serves the console on `listener` until `stop` turns true; requests that are under way end.
pub async fn serve(
    listener: std::net::TcpListener,
    console: Arc<Console>,
    mut stop: watch::Receiver<bool>,
) -> std::io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = tokio::net::TcpListener::from_std(listener)?;
    let stopped = async move {
        // Its sender's end is a stop as well.
        drop(stop.wait_for(|stop| *stop).await);
    };
    axum::serve(listener, http::router(console)).with_graceful_shutdown(stopped).await
}
