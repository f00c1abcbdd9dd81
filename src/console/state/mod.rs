//! What the console keeps: sites, mailings, API keys, sessions and sign-in links, in SQLite.
//!
//! It is no analytics: nothing in it is about a visitor. Secrets are kept as hashes.

mod imports;
mod mailings;
mod migrations;
mod users;

use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, params};

pub use imports::Import;
pub use mailings::{KeyState, Mailing, NewLink};
pub use users::{Access, Role, User};

use super::secret;
use crate::hit::{Second, SiteName};
use crate::limits;

/// A measured site.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Its domain.
    pub name: SiteName,
    /// Its time zone's IANA name.
    pub timezone: String,
    /// Whether it stands in the configuration file, which wins over what was added.
    pub configured: bool,
}

/// An API key, as it can be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiKey {
    /// Its number.
    pub id: i64,
    /// The site that it reads.
    pub site: SiteName,
    /// What it was named.
    pub name: String,
    /// Whether it may make mailings of the site, too.
    pub mailings: bool,
    /// When it was made.
    pub created: Second,
}

/// Why the console's state cannot be used, or a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// SQLite failed.
    #[error("the console's database failed ({0})")]
    Sqlite(&'static str),
    /// The system said no.
    #[error("the console's database cannot be opened ({0})")]
    Io(std::io::Error),
    /// Written by a newer program.
    #[error(
        "the data folder was written by a newer headcount (console database version {0}): run \
         that version, or restore an older backup"
    )]
    Newer(i64),
    /// The system's random source failed.
    #[error("the system's random source failed")]
    Random,
    /// There is such a site.
    #[error("the site is there already")]
    SiteExists,
    /// There is no such site.
    #[error("there is no such site: see `headcount site list`")]
    NoSite,
    /// The site stands in the configuration file.
    #[error("the site stands in the configuration file: take it out there")]
    SiteConfigured,
    /// There is no such user.
    #[error("there is no such user: see `headcount user list`")]
    NoUser,
    /// There is no such key.
    #[error("there is no such key: see `headcount key list`")]
    NoKey,
    /// There is no such mailing.
    #[error("there is no such mailing: see `headcount mailing list`")]
    NoMailing,
}

impl From<rusqlite::Error> for StateError {
    fn from(error: rusqlite::Error) -> Self {
        // Its text may hold values: only its kind is told.
        Self::Sqlite(match error.sqlite_error_code() {
            Some(rusqlite::ErrorCode::DiskFull) => "the disk is full",
            Some(rusqlite::ErrorCode::DatabaseBusy | rusqlite::ErrorCode::DatabaseLocked) => {
                "another process holds it"
            }
            Some(rusqlite::ErrorCode::ReadOnly) => "it cannot be written",
            Some(rusqlite::ErrorCode::CannotOpen) => "it cannot be opened",
            Some(rusqlite::ErrorCode::DatabaseCorrupt | rusqlite::ErrorCode::NotADatabase) => {
                "it is damaged"
            }
            _ => "a statement failed",
        })
    }
}

/// The console's state, and the sites of the configuration file.
pub struct StateDb {
    connection: Mutex<Connection>,
    configured: Vec<Site>,
}

/// The file's name in the data folder.
const FILE: &str = "console.db";

impl StateDb {
    /// Opens or creates the state in `data_dir`, readable by its owner only. `configured` are the
    /// sites of the configuration file.
    pub fn open(data_dir: &Path, configured: Vec<Site>) -> Result<Self, StateError> {
        let path = data_dir.join(FILE);
        create_private(&path).map_err(StateError::Io)?;
        let mut connection = Connection::open(&path)?;
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")?;
        connection.pragma_update(None, "foreign_keys", true)?;
        migrations::run(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection), configured })
    }

    fn connection(&self) -> MutexGuard<'_, Connection> {
        // A panic between statements leaves no half-done change: SQLite rolls it back.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Every site, by domain. Those of the configuration file win.
    pub fn sites(&self) -> Result<Vec<Site>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached("SELECT domain, timezone FROM sites")?;
        let added = statement.query_map([], |row| {
            let domain: String = row.get(0)?;
            let name = SiteName::from_stored(&domain);
            Ok(Site { name, timezone: row.get(1)?, configured: false })
        })?;
        let mut sites = self.configured.clone();
        for site in added {
            let site = site?;
            if !self.is_configured(&site.name) {
                sites.push(site);
            }
        }
        sites.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(sites)
    }

    /// The site of that domain.
    pub fn site(&self, domain: &str) -> Result<Option<Site>, StateError> {
        Ok(self.sites()?.into_iter().find(|site| site.name.as_str() == domain))
    }

    fn is_configured(&self, name: &SiteName) -> bool {
        self.configured.iter().any(|site| site.name == *name)
    }

    /// Adds a site. `timezone` was checked.
    pub fn add_site(&self, name: &SiteName, timezone: &str, now: Second) -> Result<(), StateError> {
        if self.is_configured(name) {
            return Err(StateError::SiteExists);
        }
        let added = self.connection().execute(
            "INSERT OR IGNORE INTO sites (domain, timezone, added_at) VALUES (?1, ?2, ?3)",
            params![name.as_str(), timezone, now.0],
        )?;
        if added == 1 { Ok(()) } else { Err(StateError::SiteExists) }
    }

    /// Takes a site out, with its keys and with the users that could read no other. Its counts stay.
    pub fn remove_site(&self, domain: &str) -> Result<(), StateError> {
        if self.configured.iter().any(|site| site.name.as_str() == domain) {
            return Err(StateError::SiteConfigured);
        }
        let mut connection = self.connection();
        let change = connection.transaction()?;
        let removed = change.execute("DELETE FROM sites WHERE domain = ?1", [domain])?;
        change.execute("DELETE FROM api_keys WHERE site = ?1", [domain])?;
        // Whoever could read nothing else must not read everything now.
        change.execute(
            "DELETE FROM users WHERE email IN (SELECT email FROM user_sites GROUP BY email
                HAVING count() = 1 AND max(site) = ?1)",
            [domain],
        )?;
        change.execute("DELETE FROM user_sites WHERE site = ?1", [domain])?;
        change.commit()?;
        if removed == 1 { Ok(()) } else { Err(StateError::NoSite) }
    }

    /// Makes an API key for a site, and returns it: the one time that it is seen.
    pub fn create_key(
        &self,
        site: &SiteName,
        name: &str,
        mailings: bool,
        now: Second,
    ) -> Result<String, StateError> {
        let key = secret::fresh("hc_")?;
        self.connection().execute(
            "INSERT INTO api_keys (site, name, hash, created_at, mailings)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![site.as_str(), name, secret::hash(&key).as_bytes(), now.0, mailings],
        )?;
        Ok(key)
    }

    /// Every API key.
    pub fn keys(&self) -> Result<Vec<ApiKey>, StateError> {
        let connection = self.connection();
        let mut statement = connection.prepare_cached(
            "SELECT id, site, name, created_at, mailings FROM api_keys ORDER BY id",
        )?;
        let keys = statement.query_map([], |row| {
            let site: String = row.get(1)?;
            Ok(ApiKey {
                id: row.get(0)?,
                site: SiteName::from_stored(&site),
                name: row.get(2)?,
                created: Second(row.get(3)?),
                mailings: row.get(4)?,
            })
        })?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// Revokes an API key.
    pub fn revoke_key(&self, id: i64) -> Result<(), StateError> {
        let revoked = self.connection().execute("DELETE FROM api_keys WHERE id = ?1", [id])?;
        if revoked == 1 { Ok(()) } else { Err(StateError::NoKey) }
    }

    /// The site that an API key reads, and whether it makes its mailings, if it is one. It is found by its hash, which tells nobody
    /// who measures the time how much of a guess was right; `blake3::Hash` compares in constant
    /// time all the same.
    pub fn site_of_key(&self, key: &str) -> Result<Option<(SiteName, bool)>, StateError> {
        let hash = secret::hash(key);
        let connection = self.connection();
        let mut statement = connection
            .prepare_cached("SELECT site, hash, mailings FROM api_keys WHERE hash = ?1")?;
        let found: Option<(String, [u8; 32], bool)> = statement
            .query_row([hash.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .optional()?;
        let site = found.filter(|(_, kept, _)| secret::Hash::from_bytes(*kept) == hash);
        Ok(site.map(|(site, _, mailings)| (SiteName::from_stored(&site), mailings)))
    }

    /// Makes a sign-in link's token: it works once, for an hour. Earlier ones end.
    pub fn create_sign_in(&self, now: Second) -> Result<String, StateError> {
        let token = secret::fresh("")?;
        let mut connection = self.connection();
        let change = connection.transaction()?;
        change.execute("DELETE FROM sign_ins", [])?;
        change.execute(
            "INSERT INTO sign_ins (hash, expires_at) VALUES (?1, ?2)",
            params![secret::hash(&token).as_bytes(), now.0 + limits::SIGN_IN_LINK_LIFE_S],
        )?;
        change.commit()?;
        Ok(token)
    }

    /// Trades a sign-in token for a session's secret; none if it is not one, or no longer.
    pub fn sign_in(&self, token: &str, now: Second) -> Result<Option<String>, StateError> {
        let mut connection = self.connection();
        let change = connection.transaction()?;
        let used = change.execute(
            "DELETE FROM sign_ins WHERE hash = ?1 AND expires_at > ?2",
            params![secret::hash(token).as_bytes(), now.0],
        )?;
        if used == 0 {
            return Ok(None);
        }
        let session = secret::fresh("")?;
        change.execute("DELETE FROM sessions WHERE expires_at <= ?1", [now.0])?;
        change.execute(
            "INSERT INTO sessions (hash, expires_at) VALUES (?1, ?2)",
            params![secret::hash(&session).as_bytes(), now.0 + limits::SESSION_LIFE_S],
        )?;
        change.commit()?;
        Ok(Some(session))
    }

    /// Ends a session.
    pub fn sign_out(&self, session: &str) -> Result<(), StateError> {
        let hash = secret::hash(session);
        self.connection().execute("DELETE FROM sessions WHERE hash = ?1", [hash.as_bytes()])?;
        Ok(())
    }

    /// Whether anybody has ever signed in: if not, the program prints a link when it starts.
    pub fn has_session(&self, now: Second) -> Result<bool, StateError> {
        let connection = self.connection();
        let mut statement =
            connection.prepare_cached("SELECT 1 FROM sessions WHERE expires_at > ?1")?;
        Ok(statement.exists([now.0])?)
    }
}

/// SQLite gives its journal files the database's permissions, so the file is made first.
fn create_private(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let file = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(0o600))
}
