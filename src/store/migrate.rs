//! The schema: numbered migrations, applied in order and recorded; retention.

use std::collections::BTreeMap;

use super::{MARKER_SITE, Param, Store, StoreError, client};
use crate::outbox::Table;

/// A numbered step of the schema. Never changed once released.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its number, from 1.
    pub number: u32,
    /// Its name.
    pub name: &'static str,
    /// Its statements, each ended by `;` at a line's end. Each can be run again.
    pub sql: &'static str,
}

/// All of them, in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration { number: 1, name: "tables", sql: include_str!("../../schema/0001_tables.sql") },
    Migration { number: 2, name: "mailings", sql: include_str!("../../schema/0002_mailings.sql") },
];

/// The number of the last migration: the version of the row format.
pub const SCHEMA: u32 = MIGRATIONS[MIGRATIONS.len() - 1].number;

/// Days that a marker is kept. A batch whose last attempt is older can no longer be looked for.
pub(super) const MARKER_DAYS: i64 = 35;

impl Migration {
    /// Its statements, without comments.
    pub fn statements(&self) -> impl Iterator<Item = String> {
        self.sql.split(";\n").filter_map(|statement| {
            let lines = statement.lines().filter(|line| !line.trim_start().starts_with("--"));
            let text = lines.collect::<Vec<_>>().join("\n").trim().to_owned();
            (!text.is_empty()).then_some(text)
        })
    }

    /// What is kept of it, so that a change after its release is seen.
    fn checksum(&self) -> String {
        blake3::hash(self.sql.as_bytes()).to_hex().to_string()
    }
}

const RECORD: &str = "CREATE TABLE IF NOT EXISTS schema_migrations (
    number UInt32, name String, checksum String, applied_at DateTime('UTC')
) ENGINE = MergeTree ORDER BY number
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1";

pub(super) async fn migrate(store: &Store) -> Result<u32, StoreError> {
    let database = store.config().database;
    // A name cannot be a parameter here; the operator's is quoted.
    let create = format!("CREATE DATABASE IF NOT EXISTS {}", quoted(&database));
    let writer = store.writer();
    client::execute(&writer.clone().with_database("system"), &create, &[]).await?;
    client::execute(&writer, RECORD, &[]).await?;
    let applied = applied(store).await?;
    if let Some((&newest, _)) = applied.last_key_value()
        && newest > SCHEMA
    {
        return Err(StoreError::Newer(newest));
    }
    for migration in MIGRATIONS {
        match applied.get(&migration.number) {
            Some(checksum) if *checksum == migration.checksum() => {}
            Some(_) => return Err(StoreError::Changed(migration.number)),
            None => apply(store, migration).await?,
        }
    }
    Ok(SCHEMA)
}

/// A crash anywhere in here leaves statements that are run again next time.
async fn apply(store: &Store, migration: &Migration) -> Result<(), StoreError> {
    let writer = store.writer();
    for statement in migration.statements() {
        client::execute(&writer, &statement, &[]).await?;
    }
    let sql = "INSERT INTO schema_migrations \
        SELECT {number:UInt32}, {name:String}, {checksum:String}, now()";
    let params = [
        ("number", Param::Number(i64::from(migration.number))),
        ("name", Param::Text(migration.name.into())),
        ("checksum", Param::Text(migration.checksum())),
    ];
    client::execute(&writer, sql, &params).await
}

async fn applied(store: &Store) -> Result<BTreeMap<u32, String>, StoreError> {
    let sql = "SELECT number, any(checksum) FROM schema_migrations GROUP BY number";
    let rows = client::ask_soon(&store.writer(), sql, &[]).await?;
    let row = |row: Vec<serde_json::Value>| {
        let [number, checksum] = row.as_slice() else { return None };
        Some((u32::try_from(number.as_u64()?).ok()?, checksum.as_str()?.to_owned()))
    };
    rows.into_iter().map(row).collect::<Option<_>>().ok_or(StoreError::Answer)
}

fn quoted(name: &str) -> String {
    format!("`{}`", name.replace('\\', "\\\\").replace('`', "\\`"))
}

/// The tables as ClickHouse describes them.
pub(super) struct Tables(BTreeMap<String, String>);

impl Tables {
    pub(super) async fn read(store: &Store) -> Result<Self, StoreError> {
        let sql = "SELECT name, engine_full FROM system.tables WHERE database = currentDatabase()";
        let rows = client::ask_soon(&store.writer(), sql, &[]).await?;
        let row = |row: Vec<serde_json::Value>| {
            let [name, engine] = row.as_slice() else { return None };
            Some((name.as_str()?.to_owned(), engine.as_str()?.to_owned()))
        };
        rows.into_iter().map(row).collect::<Option<_>>().map(Self).ok_or(StoreError::Answer)
    }

    /// A table's engine, keys, TTL and settings.
    pub(super) fn engine_of(&self, table: Table) -> Option<&str> {
        self.0.get(table.name()).map(String::as_str)
    }
}

pub(super) async fn set_retention(store: &Store, months: u32) -> Result<(), StoreError> {
    let tables = Tables::read(store).await?;
    for &table in Table::ALL.iter().filter(|&&table| table != Table::Ledger) {
        let now = tables.engine_of(table).and_then(retention_of);
        if now == Some(months) {
            continue;
        }
        let rows = match months {
            0 => String::new(),
            _ => {
                format!("bucket + toIntervalMonth({months}) DELETE WHERE site != '{MARKER_SITE}', ")
            }
        };
        let sql = format!(
            "ALTER TABLE {} MODIFY TTL {rows}\
             written + toIntervalDay({MARKER_DAYS}) DELETE WHERE site = '{MARKER_SITE}'",
            table.name()
        );
        client::execute(&store.writer(), &sql, &[]).await?;
    }
    Ok(())
}

/// The months after which a table's rows go, read from its engine as ClickHouse prints it.
fn retention_of(engine: &str) -> Option<u32> {
    let ttl = engine.split_once(" TTL ")?.1;
    match ttl.split_once("bucket + toIntervalMonth(") {
        None => Some(0),
        Some((_, months)) => months.split_once(')')?.0.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_from_one_and_every_statement_can_be_run_again() {
        for (migration, number) in MIGRATIONS.iter().zip(1..) {
            assert_eq!(migration.number, number);
            for statement in migration.statements() {
                assert!(statement.contains("IF NOT EXISTS"), "{statement}");
            }
        }
    }

    #[test]
    fn a_tables_retention_is_read_back_from_its_engine() {
        let check = |ttl: &str, expected| {
            let engine = format!("SummingMergeTree((a)) ORDER BY a TTL {ttl} SETTINGS b = 1");
            assert_eq!(retention_of(&engine), expected);
        };
        check("written + toIntervalDay(35) WHERE site = '(marker)'", Some(0));
        check("bucket + toIntervalMonth(25) WHERE site != '(marker)', written + …", Some(25));
        assert_eq!(retention_of("MergeTree ORDER BY a"), None);
    }
}
