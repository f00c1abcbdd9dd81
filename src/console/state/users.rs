//! Who may sign in with a password, and what they may see.

use rusqlite::{OptionalExtension as _, params};

use super::{StateDb, StateError};
use crate::console::secret;
use crate::hit::{Second, SiteName};
use crate::limits;

/// What a user may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Everything.
    Owner,
    /// Reads, and adds and removes sites.
    Editor,
    /// Reads.
    Viewer,
}

impl Role {
    /// The role of a name: `owner`, `editor`, `viewer`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "owner" => Self::Owner,
            "editor" => Self::Editor,
            "viewer" => Self::Viewer,
            _ => return None,
        })
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Editor => "editor",
            Self::Viewer => "viewer",
        }
    }
}

/// What somebody who is signed in may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Who it is; none: whoever opened a sign-in link.
    pub email: Option<String>,
    /// The role.
    pub role: Role,
    /// The only sites that may be read; none: all.
    pub sites: Option<Vec<SiteName>>,
}

impl Access {
    /// Whether the site may be read.
    #[must_use]
    pub fn may_read(&self, domain: &str) -> bool {
        self.sites.as_ref().is_none_or(|sites| sites.iter().any(|site| site.as_str() == domain))
    }

    /// Whether sites may be added and removed.
    #[must_use]
    pub fn may_change_sites(&self) -> bool {
        self.sites.is_none() && self.role != Role::Viewer
    }
}

/// A user, as it can be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its e-mail address, in lower case.
    pub email: String,
    /// What it may do.
    pub role: Role,
    /// The only sites that it may read; none: all.
    pub sites: Vec<SiteName>,
}

impl StateDb {
    /// Adds a user, or gives one that is there another role, other sites and another password; its
    /// sessions end then.
    pub fn set_user(&self, user: &User, password: &str, now: Second) -> Result<(), StateError> {
        let mut connection = self.connection();
        let change = connection.transaction()?;
        change.execute("DELETE FROM sessions WHERE email = ?1", [&user.email])?;
        change.execute("DELETE FROM user_sites WHERE email = ?1", [&user.email])?;
        change.execute(
            "INSERT OR REPLACE INTO users (email, role, password, added_at) VALUES (?1, ?2, ?3, ?4)",
            params![user.email, user.role.name(), password, now.0],
        )?;
        for site in &user.sites {
            let both = params![user.email, site.as_str()];
            change
                .execute("INSERT OR IGNORE INTO user_sites (email, site) VALUES (?1, ?2)", both)?;
        }
        Ok(change.commit()?)
    }

    /// Takes a user out, with its sessions.
    pub fn remove_user(&self, email: &str) -> Result<(), StateError> {
        let mut connection = self.connection();
        let change = connection.transaction()?;
        change.execute("DELETE FROM sessions WHERE email = ?1", [email])?;
        change.execute("DELETE FROM user_sites WHERE email = ?1", [email])?;
        let removed = change.execute("DELETE FROM users WHERE email = ?1", [email])?;
        change.commit()?;
        if removed == 1 { Ok(()) } else { Err(StateError::NoUser) }
    }

    /// Every user.
    pub fn users(&self) -> Result<Vec<User>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT email FROM users ORDER BY email")?;
        let emails = statement.query_map([], |row| row.get(0))?;
        let emails: Vec<String> = emails.collect::<Result<_, _>>()?;
        drop(statement);
        drop(connection);
        let of = |email: String| {
            let access = self.access_of(&email)?.ok_or(StateError::NoUser)?;
            let sites = access.sites.unwrap_or_default();
            Ok(User { email, role: access.role, sites })
        };
        emails.into_iter().map(of).collect()
    }

    /// The hash of a user's password.
    pub fn password_of(&self, email: &str) -> Result<Option<String>, StateError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT password FROM users WHERE email = ?1")?;
        Ok(statement.query_row([email], |row| row.get(0)).optional()?)
    }

    /// Begins a session of a user whose password fitted.
    pub fn begin_session(&self, email: &str, now: Second) -> Result<String, StateError> {
        let session = secret::fresh("")?;
        let expires_at = now.0 + limits::SESSION_LIFE_S;
        let connection = self.connection();
        connection.execute("DELETE FROM sessions WHERE expires_at <= ?1", [now.0])?;
        connection.execute(
            "INSERT INTO sessions (hash, expires_at, email) VALUES (?1, ?2, ?3)",
            params![secret::hash(&session).as_bytes(), expires_at, email],
        )?;
        Ok(session)
    }

    /// What whoever holds a session's secret may do; none if it is none that lasts.
    pub fn access(&self, session: &str, now: Second) -> Result<Option<Access>, StateError> {
        let found: Option<Option<String>> = {
            let connection = self.connection();
            let mut statement = connection
                .prepare_cached("SELECT email FROM sessions WHERE hash = ?1 AND expires_at > ?2")?;
            let hash = secret::hash(session);
            let by = params![hash.as_bytes(), now.0];
            statement.query_row(by, |row| row.get(0)).optional()?
        };
        match found {
            None => Ok(None),
            Some(None) => Ok(Some(Access { email: None, role: Role::Owner, sites: None })),
            Some(Some(email)) => self.access_of(&email),
        }
    }

    fn access_of(&self, email: &str) -> Result<Option<Access>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT role FROM users WHERE email = ?1")?;
        let role: Option<String> = statement.query_row([email], |row| row.get(0)).optional()?;
        let Some(role) = role.as_deref().and_then(Role::parse) else { return Ok(None) };
        let mut statement = connection
            .prepare_cached("SELECT site FROM user_sites WHERE email = ?1 ORDER BY site")?;
        let sites = statement.query_map([email], |row| row.get(0))?;
        let sites: Vec<String> = sites.collect::<Result<_, _>>()?;
        let sites: Vec<SiteName> = sites.iter().map(|it| SiteName::from_stored(it)).collect();
        let sites = (!sites.is_empty()).then_some(sites);
        Ok(Some(Access { email: Some(email.to_owned()), role, sites }))
    }
}
