//! The three questions and answers of exactly-once: which run of ClickHouse, is the marker there,
//! and the insert itself.

use std::fmt::Write as _;
use std::time::Duration;

use super::attempt::{Attempt, Now};
use super::health::number;
use super::rows::{Column, Kind, MARKER_SITE, Marker};
use super::{Param, Store, StoreError, client};
use crate::hit::Second;
use crate::outbox::{NewBatch, Table};

/// ClickHouse's defaults move between versions: what exactly-once rests on is said in the request.
/// One insert is one block of one partition: past that, a token would cover a part of it only.
const INSERT_SETTINGS: &[(&str, &str)] = &[
    ("async_insert", "0"),
    ("insert_deduplicate", "1"),
    ("max_insert_threads", "1"),
    ("max_threads", "1"),
    ("max_block_size", "1048576"),
    ("max_insert_block_size", "1048576"),
    ("min_insert_block_size_rows", "1048576"),
    ("min_insert_block_size_bytes", "0"),
    ("input_format_parallel_parsing", "0"),
    ("max_partitions_per_insert_block", "1"),
    // The counter has summed them: to look for equal keys again doubles what an insert costs.
    ("optimize_on_insert", "0"),
];

impl Store {
    /// The run of the ClickHouse process, as seen by one writer, and its time.
    ///
    /// Its own start time is in whole seconds, and two runs can begin in the same one. So a table in
    /// its memory holds a random value, and loses it with the process.
    pub(super) async fn now(&self, writer: &str) -> Result<Now, StoreError> {
        // The first value stands, should an insert that seemed lost arrive after the next.
        const LOOK: &str = "SELECT argMin(run, at), toUnixTimestamp64Milli(now64(3)) \
            FROM process_runs WHERE outbox = {outbox:String} HAVING count() > 0";
        const DRAW: &str = "INSERT INTO process_runs \
            SELECT {outbox:String}, toString(generateUUIDv4()), now64(6)";
        let client = self.writer();
        let params = [("outbox", Param::Text(writer.into()))];
        for _ in 0..2 {
            let rows = client::ask_soon(&client, LOOK, &params).await?;
            let Some(row) = rows.first() else {
                client::execute(&client, DRAW, &params).await?;
                continue;
            };
            let [run, ms] = row.as_slice() else { return Err(StoreError::Answer) };
            let (Some(run), Some(ms)) = (run.as_str(), number(ms)) else {
                return Err(StoreError::Answer);
            };
            return Ok(Now { run: run.to_owned(), ms });
        }
        Err(StoreError::Away)
    }

    /// How often the batch of `marker` is in `table`: 0 or 1; more betrays that it was doubled.
    pub(super) async fn look(
        &self,
        table: Table,
        counter: &str,
        marker: &Marker,
        within: Duration,
    ) -> Result<i64, StoreError> {
        let sql = format!(
            "SELECT sum({counter}) FROM {} WHERE site = '{MARKER_SITE}' \
             AND bucket = toDateTime({{bucket:UInt32}}, 'UTC') AND batch = {{batch:String}}",
            table.name()
        );
        let params = [
            ("bucket", Param::Number(marker.bucket.0)),
            ("batch", Param::Text(marker.batch.clone())),
        ];
        let rows = client::ask(&self.writer(), &sql, &params, within).await?;
        rows.first().and_then(|row| number(row.first()?)).ok_or(StoreError::Answer)
    }

    /// Sends a batch and its marker. `Ok`: ClickHouse says that it is done. Else nobody knows.
    /// From `refuse_ms` on, by its own clock, ClickHouse refuses it.
    pub(super) async fn insert(
        &self,
        batch: &NewBatch,
        columns: &[Column],
        marker: &Marker,
        attempt: &Attempt,
        refuse_ms: Option<i64>,
        within: Duration,
    ) -> Result<(), StoreError> {
        let client = INSERT_SETTINGS
            .iter()
            .fold(self.writer(), |client, (name, value)| client.with_setting(*name, *value))
            .with_setting("insert_deduplication_token", attempt.token());
        let sql = insert_sql(batch.table, columns, refuse_ms);
        let marker = marker.row(columns, Second(attempt.written_ms.div_euclid(1000)));
        client::insert(client, &sql, &[&marker, &batch.bytes], within).await
    }
}

/// `INSERT … FORMAT RowBinary`; with a time to refuse it, one that is checked when the rows are there.
fn insert_sql(table: Table, columns: &[Column], refuse_ms: Option<i64>) -> String {
    let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
    let names = names.join(", ");
    let mut sql = format!("INSERT INTO {} ({names}) ", table.name());
    if let Some(refuse_ms) = refuse_ms {
        let types: Vec<String> = columns
            .iter()
            .map(|column| match column.kind {
                Kind::Text => format!("{} String", column.name),
                Kind::Time => format!("{} DateTime(\\'UTC\\')", column.name),
                Kind::Count => format!("{} Int64", column.name),
            })
            .collect();
        let seconds = refuse_ms.div_euclid(1000);
        // Not `now()`, which is the time when the statement began: its rows may come much later.
        let written = write!(
            sql,
            "SELECT {names} FROM input('{}') \
             WHERE throwIf(nowInBlock('UTC') >= toDateTime({seconds}, 'UTC')) = 0 ",
            types.join(", ")
        );
        debug_assert!(written.is_ok(), "writing to a String does not fail");
    }
    sql.push_str("FORMAT RowBinary");
    sql
}
