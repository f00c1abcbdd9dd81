//! The commands that change or show what the console keeps. They run in the running program when
//! there is one, else on the data folder itself.

pub mod doctor;
pub(super) mod mailing;
mod site;
mod user;

use serde::{Deserialize, Serialize};

use super::Setup;
use super::live::Live;
use super::mailings::made::NewMailing;
use super::mailings::wrapped::WrapRequest;
use super::state::{StateDb, StateError};
use crate::hit::Second;

/// A command, as it travels over the control socket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Command {
    /// `headcount site add`.
    SiteAdd {
        /// Its domain.
        domain: String,
        /// Its time zone; UTC if none.
        timezone: Option<String>,
    },
    /// `headcount site list`.
    SiteList,
    /// `headcount site remove`.
    SiteRemove {
        /// Its domain.
        domain: String,
    },
    /// `headcount key create`.
    KeyCreate {
        /// The site that it reads.
        site: String,
        /// A name to know it by.
        name: Option<String>,
        /// Whether it may make mailings of the site, too.
        #[serde(default)]
        mailings: bool,
    },
    /// `headcount key list`.
    KeyList,
    /// `headcount key revoke`.
    KeyRevoke {
        /// Its number in the list.
        id: i64,
    },
    /// `headcount user add`.
    UserAdd {
        /// The e-mail address.
        email: String,
        /// `owner`, `editor` or `viewer`.
        role: String,
        /// The only sites that it may read; none: all.
        sites: Vec<String>,
        /// The hash of the password: the password itself stays where it was typed.
        password: String,
    },
    /// `headcount user list`.
    UserList,
    /// `headcount user remove`.
    UserRemove {
        /// The e-mail address.
        email: String,
    },
    /// `headcount mailing create`.
    MailingCreate(NewMailing),
    /// `headcount mailing list`.
    MailingList {
        /// Of one site; none: of all.
        site: Option<String>,
    },
    /// `headcount mailing wrap`.
    MailingWrap {
        /// Which.
        id: String,
        /// What.
        #[serde(flatten)]
        request: WrapRequest,
    },
    /// `headcount mailing sent`.
    MailingSent {
        /// Which.
        id: String,
        /// To how many.
        count: u64,
        /// When; none: now.
        at: Option<String>,
    },
    /// `headcount mailing report`.
    MailingReport {
        /// Which.
        id: String,
    },
    /// `headcount mailing revoke`.
    MailingRevoke {
        /// Which.
        id: String,
        /// Whose.
        token: String,
    },
    /// `headcount mailing shred`.
    MailingShred {
        /// Which.
        id: String,
    },
    /// `headcount import` has counted a log: it is to be written.
    ImportAccept {
        /// Of its content and of how it was read.
        id: String,
        /// The site.
        site: String,
        /// The times of its first and last hit, in seconds since 1970.
        span: (i64, i64),
        /// Its page views.
        pages: u64,
        /// Whether its days may have counts already.
        force: bool,
    },
    /// Whether an import is written.
    ImportState {
        /// Which.
        id: String,
    },
    /// `headcount sign-in`.
    SignIn,
    /// `headcount status`.
    Status,
    /// `headcount doctor`.
    Doctor,
}

impl Command {
    /// Whether the measured sites are others afterwards.
    #[must_use]
    pub fn changes_sites(&self) -> bool {
        matches!(self, Self::SiteAdd { .. } | Self::SiteRemove { .. })
    }

    /// Whether the mailings are others afterwards.
    #[must_use]
    pub fn changes_mailings(&self) -> bool {
        matches!(
            self,
            Self::MailingCreate(_)
                | Self::MailingWrap { .. }
                | Self::MailingSent { .. }
                | Self::MailingShred { .. }
        )
    }
}

/// What a command says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// Whether it did what was asked; if not, the program ends with code 1.
    pub ok: bool,
    /// Lines for the terminal.
    pub lines: Vec<String>,
    /// A document that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
}

impl Reply {
    pub(crate) fn done(lines: Vec<String>) -> Self {
        Self { ok: true, lines, document: None }
    }

    pub(crate) fn failed(why: impl Into<String>) -> Self {
        Self { ok: false, lines: vec![why.into()], document: None }
    }
}

impl From<StateError> for Reply {
    fn from(error: StateError) -> Self {
        Self::failed(error.to_string())
    }
}

/// What commands work on.
pub struct Desk<'a> {
    /// What the console keeps.
    pub state: &'a StateDb,
    /// Where things are.
    pub setup: &'a Setup,
    /// The time now.
    pub now: Second,
}

/// Runs a command. `live` is there in the running program only. [`Command::Doctor`] needs facts
/// that are gathered elsewhere: see [`doctor::report`].
#[must_use]
pub fn run(desk: &Desk<'_>, live: Option<&dyn Live>, command: &Command) -> Reply {
    let reply = match command {
        Command::SiteAdd { domain, timezone } => site::add(desk, domain, timezone.as_deref()),
        Command::SiteList => site::list(desk),
        Command::SiteRemove { domain } => site::remove(desk, domain),
        Command::KeyCreate { site, name, mailings } => {
            key_create(desk, site, name.as_deref().unwrap_or_default(), *mailings)
        }
        Command::KeyList => key_list(desk),
        Command::KeyRevoke { id } => {
            desk.state.revoke_key(*id).map(|()| Reply::done(vec![format!("revoked key {id}")]))
        }
        Command::UserAdd { email, role, sites, password } => {
            user::add(desk, email, role, sites, password)
        }
        Command::UserList => user::list(desk),
        Command::UserRemove { email } => user::remove(desk, email),
        Command::MailingCreate(new) => {
            return mailing::create(desk, new).unwrap_or_else(Reply::from);
        }
        Command::MailingList { site } => {
            return mailing::list(desk, site.as_deref()).unwrap_or_else(Reply::from);
        }
        Command::MailingWrap { id, request } => {
            return mailing::wrap(desk, id, request).unwrap_or_else(Reply::from);
        }
        Command::MailingSent { id, count, at } => {
            return mailing::sent(desk, id, *count, at.as_deref()).unwrap_or_else(Reply::from);
        }
        Command::MailingShred { id } => {
            return mailing::shred(desk, id, live.is_some()).unwrap_or_else(Reply::from);
        }
        Command::MailingReport { .. } | Command::MailingRevoke { .. } => {
            Ok(Reply::failed("not running: start it with `headcount serve`"))
        }
        Command::ImportAccept { .. } | Command::ImportState { .. } => {
            Ok(Reply::failed("imports are written by the running program"))
        }
        Command::SignIn => sign_in(desk),
        Command::Status => status(desk, live),
        Command::Doctor => Ok(Reply::failed("doctor looks at more than the console's state")),
    };
    reply.unwrap_or_else(Reply::from)
}

fn key_create(
    desk: &Desk<'_>,
    site: &str,
    name: &str,
    mailings: bool,
) -> Result<Reply, StateError> {
    if name.chars().count() > 100 || name.chars().any(char::is_control) {
        return Ok(Reply::failed("a key's name has at most 100 characters, on one line"));
    }
    let site = site.trim().to_lowercase();
    let site = desk.state.site(&site)?.ok_or(StateError::NoSite)?;
    let key = desk.state.create_key(&site.name, name, mailings, desk.now)?;
    let and = if mailings { " and makes its mailings" } else { "" };
    let what = format!("API key that reads {}{and}; it is shown this once:", site.name);
    Ok(Reply::done(vec![what, key]))
}

fn key_list(desk: &Desk<'_>) -> Result<Reply, StateError> {
    let keys = desk.state.keys()?;
    let line = |key: &super::ApiKey| {
        let created = jiff::Timestamp::from_second(key.created.0).unwrap_or_default();
        let may = if key.mailings { "reads, makes mailings" } else { "reads" };
        format!("{}\t{}\t{}\t{may}\t{}", key.id, key.site, created.strftime("%F"), key.name)
            .trim_end()
            .to_owned()
    };
    Ok(Reply::done(keys.iter().map(line).collect()))
}

fn sign_in(desk: &Desk<'_>) -> Result<Reply, StateError> {
    let token = desk.state.create_sign_in(desk.now)?;
    let what = "open this once, within an hour, to sign in:".to_owned();
    Ok(Reply::done(vec![what, format!("{}/sign-in?token={token}", desk.setup.url)]))
}

fn status(desk: &Desk<'_>, live: Option<&dyn Live>) -> Result<Reply, StateError> {
    let Some(live) = live else {
        return Ok(Reply::failed("not running: start it with `headcount serve`"));
    };
    let mut lines = vec![format!("running; the dashboard is at {}", desk.setup.url)];
    for site in desk.state.sites()? {
        let ledger = live.ledger(&site.name);
        let count =
            |reason: &str| ledger.iter().find(|(name, _)| *name == reason).map_or(0, |one| one.1);
        lines.push(format!(
            "{}\t{} now\t{} received\t{} counted",
            site.name,
            live.current_visitors(&site.name),
            count("received"),
            count("counted"),
        ));
    }
    Ok(Reply::done(lines))
}
