//! How the store is, for `doctor`.

use crate::hit::Clock;
use crate::outbox::Table;

use super::migrate::Tables;
use super::{Store, StoreError, client};

/// How the store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// ClickHouse's version.
    pub version: String,
    /// The store's clock less ours, in milliseconds; the time of the question is in it.
    pub clock_ahead_ms: i64,
    /// Whether it is the embedded engine.
    pub embedded: bool,
    /// Tables that are missing, or lack a setting that exactly-once needs, with that setting.
    pub wrong: Vec<(Table, &'static str)>,
}

/// What every table must have, as `system.tables` shows it.
const NEEDED: &[&str] = &[
    "non_replicated_deduplication_window",
    "fsync_after_insert = 1",
    "fsync_part_directory = 1",
    "min_rows_to_fsync_after_merge = 1",
    "old_parts_lifetime",
];

pub(super) async fn health(store: &Store, clock: &dyn Clock) -> Result<Health, StoreError> {
    let before = clock.now_ms();
    let writer = store.writer();
    let sql = "SELECT version(), toUnixTimestamp64Milli(now64(3))";
    let rows = client::ask_soon(&writer.clone().with_database("system"), sql, &[]).await?;
    let after = clock.now_ms();
    let Some([version, there]) = rows.first().map(Vec::as_slice) else {
        return Err(StoreError::Answer);
    };
    let (Some(version), Some(there)) = (version.as_str(), number(there)) else {
        return Err(StoreError::Answer);
    };
    let tables = Tables::read(store).await?;
    let wrong = Table::ALL
        .iter()
        .filter_map(|&table| match tables.engine_of(table) {
            None => Some((table, "the table")),
            Some(engine) => {
                NEEDED.iter().find(|need| !engine.contains(**need)).map(|need| (table, *need))
            }
        })
        .collect();
    Ok(Health {
        version: version.to_owned(),
        clock_ahead_ms: there - i64::midpoint(before, after),
        embedded: store.embedded,
        wrong,
    })
}

/// A 64-bit number, quoted or not: older versions quote them.
pub(super) fn number(value: &serde_json::Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}
