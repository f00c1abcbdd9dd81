//! ClickHouse over HTTP: statements, answers, inserts of ready bytes.
//!
//! Errors keep ClickHouse's code and nothing of its text, which may quote values.

use std::time::Duration;

use bytes::Bytes;
use clickhouse::{Client, Compression};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::time::timeout;

use super::{Param, StoreError};

/// What bounds a reader's query, wherever it runs.
pub(super) const READ_BOUNDS: &[(&str, &str)] = &[
    ("max_execution_time", "30"),
    ("timeout_overflow_mode", "throw"),
    ("max_rows_to_read", "2000000000"),
    ("max_bytes_to_read", "200000000000"),
    ("read_overflow_mode", "throw"),
    ("max_result_rows", "1000000"),
    ("max_result_bytes", "268435456"),
    ("result_overflow_mode", "throw"),
    ("max_threads", "4"),
    ("output_format_json_quote_64bit_integers", "0"),
    ("output_format_json_quote_64bit_floats", "0"),
    ("output_format_json_quote_denormals", "0"),
    ("use_query_cache", "0"),
];

/// Time for an answer. A reader's query has ended by `max_execution_time` before.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Bytes handed over at once: one LZ4 block each.
const CHUNK_BYTES: usize = 1 << 20;

/// An HTTP client for one user.
pub(super) fn client(url: &str, user: &str, password: Option<&str>, database: &str) -> Client {
    let client = Client::default()
        .with_url(url)
        .with_user(user)
        .with_database(database)
        .with_compression(Compression::Lz4)
        // The answer begins when the work is done, so no error arrives after a 200.
        .with_setting("wait_end_of_query", "1");
    match password {
        Some(password) => client.with_password(password),
        None => client,
    }
}

/// Runs a statement that has no answer.
pub(super) async fn execute(
    client: &Client,
    sql: &str,
    params: &[(&str, Param)],
) -> Result<(), StoreError> {
    let query = with_params(client.query_raw(sql), params);
    timeout(ANSWER_TIMEOUT, query.execute()).await.map_err(|_| StoreError::Away)?.map_err(refusal)
}

/// Asks, and takes each row as JSON values in the order of the columns.
pub(super) async fn ask(
    client: &Client,
    sql: &str,
    params: &[(&str, Param)],
    within: Duration,
) -> Result<Vec<Vec<Json>>, StoreError> {
    #[derive(Deserialize)]
    struct Answer {
        data: Vec<Vec<Json>>,
    }
    let query = with_params(client.query_raw(sql), params);
    let mut cursor = query.fetch_bytes("JSONCompact").map_err(refusal)?;
    let bytes =
        timeout(within, cursor.collect()).await.map_err(|_| StoreError::Away)?.map_err(refusal)?;
    let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| StoreError::Answer)?;
    Ok(answer.data)
}

/// [`ask`], with the collector's usual patience.
pub(super) async fn ask_soon(
    client: &Client,
    sql: &str,
    params: &[(&str, Param)],
) -> Result<Vec<Vec<Json>>, StoreError> {
    ask(client, sql, params, ANSWER_TIMEOUT).await
}

fn with_params(
    query: clickhouse::query::Query,
    params: &[(&str, Param)],
) -> clickhouse::query::Query {
    params.iter().fold(query, |query, (name, value)| match value {
        Param::Text(text) => query.param(name, text),
        Param::Number(number) => query.param(name, number),
        Param::Texts(texts) => query.param(name, texts),
    })
}

/// Sends `parts`, one after the other, as the data of an `INSERT … FORMAT RowBinary`. `Ok` means
/// that ClickHouse said it is done; any error leaves it open whether it is.
pub(super) async fn insert(
    client: Client,
    sql: &str,
    parts: &[&[u8]],
    within: Duration,
) -> Result<(), StoreError> {
    let sending = async {
        let mut insert = client.insert_formatted_with(sql);
        for chunk in parts.iter().flat_map(|part| part.chunks(CHUNK_BYTES)) {
            insert.send(Bytes::copy_from_slice(chunk)).await?;
        }
        insert.end().await
    };
    timeout(within, sending).await.map_err(|_| StoreError::Away)?.map_err(refusal)
}

/// The code at the start of ClickHouse's text; an answer without one is a proxy's.
pub(super) fn refusal(error: clickhouse::error::Error) -> StoreError {
    let clickhouse::error::Error::BadResponse(text) = error else { return StoreError::Away };
    code(&text).map_or(StoreError::Away, StoreError::Refused)
}

fn code(text: &str) -> Option<i32> {
    let digits = text.trim_start().strip_prefix("Code: ")?;
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    digits[..end].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_code_and_loses_its_text() {
        let check = |text: &str, expected: StoreError| {
            let error = clickhouse::error::Error::BadResponse(text.into());
            assert_eq!(refusal(error).to_string(), expected.to_string(), "{text}");
        };
        check("Code: 60. DB::Exception: Table x does not exist", StoreError::Refused(60));
        check("Code: 241", StoreError::Refused(241));
        check("502 Bad Gateway", StoreError::Away);
        check("Code: x", StoreError::Away);
        let cut = clickhouse::error::Error::Network("reset".into());
        assert!(matches!(refusal(cut), StoreError::Away));
    }
}
