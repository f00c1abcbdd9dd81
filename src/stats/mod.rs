//! A question, a plan, SQL with bound parameters, an answer.
//!
//! *Owns* the words of the Stats API, the table of what counts can answer ([`answerable`]), the
//! plan and the form of the answer.
//! *In*: a question in the shape of Plausible's Stats API v2, a site's time zone, the time, a
//! reader. *Out*: an answer in the same API's shape, or an error that says what is valid.
//! *Never* builds SQL from a reader's text: it is made of this folder's own words, and every value
//! is bound; never answers with an estimate what counts cannot answer.

pub mod answerable;
mod asked;
mod compare;
mod described;
mod filter;
mod money;
mod period;
mod plan;
mod query;
mod result;
mod sql;
#[cfg(test)]
mod tests;
mod words;

use std::future::Future;
use std::pin::Pin;

use jiff::tz::TimeZone;
use serde_json::Value;

pub use compare::{Comparison, Mode};
pub use described::{markdown, words};
pub use filter::{Filter, Leaf, Operator};
pub use period::{DateRange, Period};
pub use plan::{Plan, plan};
pub use query::{Include, Names, Order, Query, TimeOr};
pub use words::{Dimension, Grain, Metric, Unit};

use crate::hit::Second;
use crate::release::Reader;
use crate::store::{Param, Store, StoreError};

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    /// The question is not of the form, or counts cannot answer it: the field at fault, and what
    /// is wrong with it or valid in it. Holds the program's own words only.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field at fault.
        field: &'static str,
        /// What is wrong, and what is valid.
        problem: String,
    },
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl QueryError {
    pub(super) fn invalid(field: &'static str, problem: impl Into<String>) -> Self {
        Self::Invalid { field, problem: problem.into() }
    }
}

/// An answer to come: rows of JSON values, in the order of the columns.
pub type Pending<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<Vec<Value>>, StoreError>> + Send + 'a>>;

/// What can be asked in SQL. The store is one; the console's tests have another.
pub trait Questions: Send + Sync + 'static {
    /// Runs a reader's query with its bound parameters.
    fn ask<'a>(&'a self, sql: &'a str, params: &'a [(&'a str, Param)]) -> Pending<'a>;
}

impl Questions for Store {
    fn ask<'a>(&'a self, sql: &'a str, params: &'a [(&'a str, Param)]) -> Pending<'a> {
        Box::pin(self.query(sql, params))
    }
}

/// What a question is planned in.
#[derive(Clone)]
pub struct Setting {
    /// The site's time zone.
    pub zone: TimeZone,
    /// The time now.
    pub now: Second,
    /// The first second of which the site has a count; none: it has none.
    pub begun: Option<Second>,
    /// Who asks.
    pub reader: Reader,
}

/// Answers `query`, as JSON in the shape of Plausible's v2. `zone` is the site's.
pub async fn answer(
    query: &Query,
    zone: TimeZone,
    now: Second,
    reader: Reader,
    store: &dyn Questions,
) -> Result<Value, QueryError> {
    let begun = if query.date_range == DateRange::All { begun(query, store).await? } else { None };
    let plan = plan(query, &Setting { zone, now, begun, reader })?;
    let params: Vec<_> =
        plan.params.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    let rows = store.ask(&plan.sql, &params).await?;
    plan.answer(query, rows)
}

async fn begun(query: &Query, store: &dyn Questions) -> Result<Option<Second>, StoreError> {
    let sql = "SELECT toInt64(toUnixTimestamp(min(bucket))) FROM visits WHERE site = {site:String}";
    let rows = store.ask(sql, &[("site", Param::Text(query.site_id.clone()))]).await?;
    let first = rows.first().and_then(|row| row.first()).and_then(Value::as_i64);
    Ok(first.filter(|second| *second > 0).map(Second))
}
