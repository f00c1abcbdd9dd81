//! Where rows end up: ClickHouse, embedded by default.
//!
//! *Owns* the row format, the marker, the migrations, the HTTP client and the engine child.
//! *In*: batches of the outbox; questions of `stats`. *Out*: rows in ClickHouse, each batch exactly
//! once; answers. *Never* invents or repeats a row.

mod attempt;
mod client;
pub mod engine;
mod health;
mod insert;
mod migrate;
mod rows;
mod send;

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use clickhouse::Client;

pub use health::Health;
pub use migrate::{MIGRATIONS, Migration, SCHEMA};
pub use rows::{Column, Kind, MARKER_SITE, columns, encode};
pub use send::{Batches, SendFigures, SendRules, send, send_with};

/// Which ClickHouse, and as whom.
#[derive(Clone)]
pub struct StoreConfig {
    /// `http://host:port`.
    pub url: String,
    /// User.
    pub user: String,
    /// Password.
    pub password: Option<String>,
    /// Database, created if it is not there.
    pub database: String,
    /// Time for one insert.
    pub insert_timeout: Duration,
}

/// Why ClickHouse did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or gave no whole answer: try again.
    #[error("ClickHouse cannot be reached")]
    Away,
    /// It said no, with this code: trying again gives the same.
    #[error("ClickHouse refused (code {0})")]
    Refused(i32),
    /// Its schema is newer than this program.
    #[error(
        "the database was migrated by a newer headcount (migration {0}): run that version, or use \
         another database"
    )]
    Newer(u32),
    /// A migration that was applied is not the one of this program.
    #[error("the database's migration {0} is not this program's: it was changed after its release")]
    Changed(u32),
    /// Its answer is not of the form that was asked for.
    #[error("ClickHouse's answer is not of the expected form")]
    Answer,
}

/// Time for one insert, unless it is configured.
pub const INSERT_TIMEOUT: Duration = Duration::from_mins(1);

/// A bound parameter of a query: `{name:Type}` in the SQL.
#[derive(Clone, Debug)]
pub enum Param {
    /// `String`.
    Text(String),
    /// `Int64`, `UInt32`, …
    Number(i64),
    /// `Array(String)`.
    Texts(Vec<String>),
}

/// A ClickHouse, embedded or not. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    way: Arc<ArcSwap<Way>>,
    /// Whether the engine is our own: nothing stands between it and us that could hold bytes back.
    embedded: bool,
    /// Time for one insert.
    insert_timeout: Duration,
}

/// How ClickHouse is reached now. A restart of the embedded engine changes it.
struct Way {
    config: StoreConfig,
    writer: Client,
    reader: Client,
}

/// The users of an embedded engine.
struct Logins {
    database: String,
    writer: (String, Option<String>),
    reader: Option<(String, String)>,
}

impl Store {
    /// A store that is not yet connected.
    #[must_use]
    pub fn new(config: StoreConfig) -> Self {
        let logins = Logins {
            database: config.database,
            writer: (config.user, config.password),
            reader: None,
        };
        Self {
            way: Arc::new(ArcSwap::from_pointee(Way::new(&config.url, &logins))),
            embedded: false,
            insert_timeout: config.insert_timeout,
        }
    }

    fn embedded(url: &str, logins: &Logins) -> Self {
        Self {
            way: Arc::new(ArcSwap::from_pointee(Way::new(url, logins))),
            embedded: true,
            insert_timeout: INSERT_TIMEOUT,
        }
    }

    /// The engine was restarted: goes on with the new one.
    fn follow(&self, url: &str, logins: &Logins) {
        self.way.store(Arc::new(Way::new(url, logins)));
    }

    fn config(&self) -> StoreConfig {
        self.way.load().config.clone()
    }

    fn writer(&self) -> Client {
        self.way.load().writer.clone()
    }

    /// Runs a reader's query, read-only and bounded, with server-side parameters. Each row as
    /// JSON values in the order of the columns (Int64 as numbers).
    pub async fn query(
        &self,
        sql: &str,
        params: &[(&str, Param)],
    ) -> Result<Vec<Vec<serde_json::Value>>, StoreError> {
        let reader = self.way.load().reader.clone();
        client::ask_soon(&reader, sql, params).await
    }

    /// Brings the schema up to this program's: numbered migrations, in order, recorded. Returns the
    /// number of the last.
    pub async fn migrate(&self) -> Result<u32, StoreError> {
        migrate::migrate(self).await
    }

    /// Lets rows go when they are `months` old; 0 keeps them. The ledger stays for ever. Cheap when
    /// nothing changes; else ClickHouse rewrites what it must, in the background.
    pub async fn set_retention(&self, months: u32) -> Result<(), StoreError> {
        migrate::set_retention(self, months).await
    }

    /// How the store is, for `doctor`. `now_ms`: the time here, when asked.
    pub async fn health(&self, clock: &dyn crate::hit::Clock) -> Result<Health, StoreError> {
        health::health(self, clock).await
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        const TIMEOUT: Duration = Duration::from_secs(5);
        // Without a database: it may not be there yet.
        let writer = self.writer().with_database("system");
        client::ask(&writer, "SELECT 1", &[], TIMEOUT).await.map(drop)
    }

    /// Ends the start-up query of the embedded engine, and the engine with it. Closes every idle
    /// connection: the engine would wait five seconds for them.
    async fn end_engine(&self) -> Result<(), StoreError> {
        const SQL: &str = "KILL QUERY WHERE query LIKE 'SELECT sleepEachRow%' ASYNC";
        let last = self.writer().with_database("system").with_header("connection", "close");
        let killed = client::execute(&last, SQL, &[]).await;
        drop(last);
        let fresh = self.way.load().again();
        self.way.store(Arc::new(fresh));
        killed
    }
}

impl Way {
    fn new(url: &str, logins: &Logins) -> Self {
        let (user, password) = &logins.writer;
        let writer = client::client(url, user, password.as_deref(), &logins.database);
        let reader = match &logins.reader {
            // The user's own profile holds the bounds: it is read-only, and may set nothing.
            Some((user, password)) => client::client(url, user, Some(password), &logins.database),
            None => client::READ_BOUNDS
                .iter()
                .fold(writer.clone(), |client, (name, value)| client.with_setting(*name, *value))
                .with_setting("readonly", "1"),
        };
        let config = StoreConfig {
            url: url.to_owned(),
            user: user.clone(),
            password: password.clone(),
            database: logins.database.clone(),
            insert_timeout: INSERT_TIMEOUT,
        };
        Self { config, writer, reader }
    }

    /// The same, without a connection.
    fn again(&self) -> Self {
        Self::new(
            &self.config.url,
            &Logins {
                database: self.config.database.clone(),
                writer: (self.config.user.clone(), self.config.password.clone()),
                reader: None,
            },
        )
    }
}
