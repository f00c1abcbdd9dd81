//! Mailings: made, wrapped, ended, reported.
//!
//! *Owns* what senders do with mailings, and what is said of them ([`report`]).
//! *In*: commands and the API's requests. *Out*: rows of the console's state, keys' files, HTML,
//! figures above the threshold.
//! *Never* learns who the recipients are; never lets a cell of fewer than `limits::MAILING_K` out.

pub(super) mod made;
pub(super) mod report;
pub(super) mod wrapped;

use std::path::Path;

use super::state::{Mailing, StateDb, StateError};
use crate::hit::{MailingId, Second, SiteName};
use crate::keys::{KeyId, MailingKey, MailingKeyError, MailingKeys};
use crate::limits;
use crate::store::StoreError;

/// Where the keys of mailings are, and how long they are kept.
#[derive(Clone, Debug)]
pub struct Mailroom {
    /// The keys.
    pub keys: MailingKeys,
    /// Days that a mailing is counted, from its first sending.
    pub count_days: u32,
    /// Days that its links lead somewhere.
    pub link_days: u32,
}

impl Mailroom {
    /// The keys' folder, where the operator names none.
    #[must_use]
    pub fn folder_in(data_dir: &Path) -> std::path::PathBuf {
        data_dir.join("mailing-keys")
    }
}

/// Why something cannot be done with a mailing.
#[derive(Debug, thiserror::Error)]
pub enum MailingError {
    /// The console's state failed, or there is no such mailing.
    #[error(transparent)]
    State(#[from] StateError),
    /// Its key cannot be kept, read or destroyed.
    #[error(transparent)]
    Key(#[from] MailingKeyError),
    /// ClickHouse does not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for is not of the form: what is wrong, and what is valid.
    #[error("{0}")]
    Invalid(String),
}

impl MailingError {
    pub(super) fn invalid(what: impl Into<String>) -> Self {
        Self::Invalid(what.into())
    }
}

/// The mailing of an id, as somebody wrote it.
pub(super) fn find(state: &StateDb, id: &str) -> Result<Mailing, StateError> {
    let id = MailingId::parse(id.trim()).ok_or(StateError::NoMailing)?;
    state.mailing(id)?.ok_or(StateError::NoMailing)
}

/// A mailing's key, as long as it lives.
pub(super) fn living_key(
    room: &Mailroom,
    mailing: &Mailing,
    now: Second,
) -> Result<MailingKey, MailingError> {
    let over = || {
        MailingError::invalid(if mailing.has_tokens() {
            "the mailing's time is over, and its key destroyed"
        } else {
            "this mailing is in aggregate mode: all recipients get the same links"
        })
    };
    let alive = mailing.has_tokens() && now < mailing.counts_until;
    let key = if alive { room.keys.load(mailing.id)? } else { None };
    key.ok_or_else(over)
}

/// Tokens as lines of CSV, for a mail merge.
pub fn mint(
    state: &StateDb,
    room: &Mailroom,
    id: &str,
    count: u64,
    now: Second,
    mut each: impl FnMut(&str) -> std::io::Result<()>,
) -> Result<(), MailingError> {
    if !(1..=limits::TOKENS_MAX).contains(&count) {
        return Err(MailingError::invalid(format!("--count: 1 to {}", limits::TOKENS_MAX)));
    }
    let key = living_key(room, &find(state, id)?, now)?;
    let unwritten = |error: std::io::Error| MailingError::Invalid(error.to_string());
    each("token\n").map_err(unwritten)?;
    for _ in 0..count {
        let mut token = key.token().map_err(|_| StateError::Random)?;
        token.push('\n');
        each(&token).map_err(unwritten)?;
    }
    Ok(())
}

/// A mailing whose key is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The mailing.
    pub mailing: MailingId,
    /// Its site.
    pub site: SiteName,
    /// The key's name.
    pub key: KeyId,
}

/// The mailings whose keys are to be destroyed by `now`.
pub fn due(state: &StateDb, now: Second) -> Result<Vec<Due>, StateError> {
    let due = |it: Mailing| {
        let key = it.key.filter(|key| key.destroyed.is_none() && it.counts_until <= now)?;
        Some(Due { mailing: it.id, site: it.site, key: key.id })
    };
    Ok(state.mailings()?.into_iter().filter_map(due).collect())
}

/// Destroys a key that is due, and writes its receipt. Cut short, it can be done again.
pub fn destroy(
    state: &StateDb,
    room: &Mailroom,
    due: &Due,
    now: Second,
) -> Result<(), MailingError> {
    room.keys.destroy(due.mailing)?;
    Ok(state.mailing_key_destroyed(due.mailing, now)?)
}
