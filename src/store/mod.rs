//! Where rows end up: ClickHouse, embedded by default.
//!
//! *In*: batches of the outbox; questions of `stats`. *Out*: rows in ClickHouse, each batch exactly
//! once; answers. *Never* invents or repeats a row.

use crate::count::Rows;
use crate::outbox::NewBatch;

/// Which ClickHouse, and as whom.
pub struct StoreConfig {
    /// `http://host:port`.
    pub url: String,
    /// User.
    pub user: String,
    /// Password.
    pub password: Option<String>,
    /// Database, created if it is not there.
    pub database: String,
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
    #[error("the database was migrated by a newer headcount (migration {0})")]
    Newer(u32),
    /// Its answer is not of the form that was asked for.
    #[error("ClickHouse's answer is not of the expected form")]
    Answer,
}

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
pub struct Store {}

impl Store {
    /// A store that is not yet connected.
    #[must_use]
    pub fn new(_config: StoreConfig) -> Self {
        todo!()
    }

    /// Runs a reader's query, read-only and bounded, with server-side parameters. Each row as
    /// JSON values in the order of the columns (Int64 as numbers).
    pub async fn query(
        &self,
        _sql: &str,
        _params: &[(&str, Param)],
    ) -> Result<Vec<Vec<serde_json::Value>>, StoreError> {
        todo!()
    }

    /// Brings the schema up to this program's: numbered migrations, in order, recorded.
    pub async fn migrate(&self) -> Result<u32, StoreError> {
        todo!()
    }
}

/// Rows as RowBinary, a batch per table and month, in the order of their keys.
#[must_use]
pub fn encode(_rows: &Rows, _node: &str) -> Vec<NewBatch> {
    todo!()
}
