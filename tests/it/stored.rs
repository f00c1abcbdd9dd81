//! What a stopped collector left behind: the records of its spool, the rows in ClickHouse.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clickhouse::Client;
use headcount::app::DataFolder;
use headcount::count::Rows;
use headcount::hit::{Record, Second, SystemClock};
use headcount::keys::{Keys, MailingKeys};
use headcount::outbox::{NewBatch, Table};
use headcount::spool::{Durability, Lsn, Spool, SpoolConfig};
use headcount::store::engine::{Engine, EngineConfig, find_library};
use headcount::store::{Column, Kind, MARKER_SITE, SCHEMA, Store, columns, encode};
use serde_json::Value;

/// The collector's name in the ledger, by default.
const NODE: &str = "main";

/// Every record that a spool in `dir` holds, read by the keys that live at `now`: a copy of a
/// collector's, which is opened as a start would.
pub(crate) fn spool_records_at(data: &Path, dir: &Path, now: Second) -> BTreeMap<Lsn, Record> {
    let folder = DataFolder::open(data).expect("a data folder");
    let keys = Keys::kernel(folder.installation(), now).expect("the keyring");
    let of_mailings = MailingKeys::new(data.join("mailing-keys"));
    let kept = of_mailings.kept().expect("a readable folder").into_iter();
    let kept = kept.filter_map(|id| of_mailings.load(id).expect("a whole key").map(Arc::new));
    keys.set_mailings(kept.collect());
    let config = SpoolConfig {
        dir: dir.to_owned(),
        durability: Durability::Process,
        segment_bytes: 1 << 25,
        max_bytes: 1 << 32,
    };
    let (spool, recovery) =
        Spool::open(config, Arc::new(keys), Arc::new(SystemClock)).expect("a spool");
    assert_eq!(recovery.bad_frames, 0, "kill -9 damages nothing");
    let mut records = BTreeMap::new();
    spool
        .past()
        .replay(recovery.first, &mut |lsn, record| {
            records.insert(lsn, record);
        })
        .expect("it replays");
    records
}

/// The sums of one table: the counters under each key, as texts.
type Sums = BTreeMap<Vec<String>, Vec<i64>>;

/// The sums of every table.
#[derive(PartialEq)]
pub(crate) struct Stored(BTreeMap<&'static str, Sums>);

/// What ClickHouse holds. Only while no collector runs.
pub(crate) fn read(data: &Path) -> Stored {
    with_store(data, async |store| {
        let mut tables = BTreeMap::new();
        for &table in Table::ALL {
            tables.insert(table.name(), sums(&store, table).await);
        }
        Stored(tables)
    })
}

/// What these rows would be in ClickHouse.
pub(crate) fn expected(rows: &Rows, node: &str) -> Stored {
    let mut tables: BTreeMap<_, Sums> =
        Table::ALL.iter().map(|table| (table.name(), Sums::new())).collect();
    for batch in encode(rows, node) {
        add_batch(&batch, tables.get_mut(batch.table.name()).expect("every table"));
    }
    Stored(tables)
}

impl Stored {
    /// Fails with the first rows that differ.
    #[track_caller]
    pub(crate) fn assert_equals(&self, rows: &Rows) {
        self.assert_equals_of(rows, NODE);
    }

    /// The same, where they stand under another node.
    #[track_caller]
    pub(crate) fn assert_equals_of(&self, rows: &Rows, node: &str) {
        let expected = expected(rows, node);
        for (table, sums) in &self.0 {
            let others = &expected.0[table];
            for (key, counts) in sums {
                assert_eq!(Some(counts), others.get(key), "{table}: stored, and expected, {key:?}");
            }
            for (key, counts) in others {
                assert!(sums.contains_key(key), "{table}: {key:?} is not stored: {counts:?}");
            }
        }
    }

    /// The counters of a site's mailings, by link.
    pub(crate) fn sums_of(
        &self,
        table: Table,
        site: &str,
    ) -> BTreeMap<String, BTreeMap<&'static str, i64>> {
        let mut links: BTreeMap<String, BTreeMap<&'static str, i64>> = BTreeMap::new();
        let place = |name| key_columns(table).position(|column| column.name == name);
        let (of_site, of_link) = (place("site").expect("a site"), place("link").expect("a link"));
        for (key, counts) in &self.0[table.name()] {
            if key[of_site] == site {
                let link = links.entry(key[of_link].clone()).or_default();
                for (column, count) in counters(table).zip(counts) {
                    *link.entry(column.name).or_default() += count;
                }
            }
        }
        links
    }

    /// A counter's sums by page.
    pub(crate) fn by_page(&self, table: Table, counter: &str, site: &str) -> BTreeMap<String, i64> {
        let mut pages = BTreeMap::new();
        let place = |name| key_columns(table).position(|column| column.name == name);
        let (of_site, of_page) = (place("site").expect("a site"), place("page").expect("a page"));
        let at = counters(table).position(|column| column.name == counter).expect("a counter");
        for (key, counts) in &self.0[table.name()] {
            if key[of_site] == site {
                *pages.entry(key[of_page].clone()).or_default() += counts[at];
            }
        }
        pages
    }
}

/// Every value of every text column of every table, and of what else the database holds.
pub(crate) fn every_text(data: &Path) -> Vec<String> {
    with_store(data, async |store| {
        let sql = "SELECT table, name FROM system.columns WHERE database = currentDatabase() \
                   AND type LIKE '%String%'";
        let mut texts = Vec::new();
        for row in store.query(sql, &[]).await.expect("an answer") {
            let (table, column) = (word(&row[0]), word(&row[1]));
            let sql = format!("SELECT DISTINCT toString({column}) FROM {table}");
            let found = store.query(&sql, &[]).await.expect("an answer");
            texts.extend(found.iter().map(|row| word(&row[0])));
        }
        texts
    })
}

/// Each table's rows and bytes on the disk, as ClickHouse itself counts them.
pub(crate) fn sizes(data: &Path) -> Vec<(String, u64, u64)> {
    with_client(data, async |client| {
        let sql = "SELECT table, toUInt64(sum(rows)), toUInt64(sum(bytes_on_disk)) FROM system.parts \
                   WHERE active AND database = currentDatabase() GROUP BY table ORDER BY table";
        let mut cursor = client
            .with_setting("output_format_json_quote_64bit_integers", "0")
            .query_raw(sql)
            .fetch_bytes("JSONCompact")
            .expect("a question");
        let bytes = cursor.collect().await.expect("an answer");
        let answer: Value = serde_json::from_slice(&bytes).expect("JSON");
        let number = |value: &Value| value.as_u64().expect("a number");
        let rows = answer["data"].as_array().expect("rows");
        rows.iter().map(|row| (word(&row[0]), number(&row[1]), number(&row[2]))).collect()
    })
}

/// Writes a text into a table, past everything.
pub(crate) fn plant(data: &Path, text: &str) {
    with_client(data, async |client| {
        let sql = "INSERT INTO journeys (site, bucket, from_page, transitions) \
                   SELECT 'planted', now(), {t:String}, 1";
        client.query_raw(sql).param("t", text).execute().await.expect("it is written");
    });
}

/// Asks as the collector does.
fn with_client<T>(data: &Path, ask: impl AsyncFnOnce(Client) -> T) -> T {
    let (runtime, engine) = engine(data);
    runtime.block_on(async {
        let config = engine.store_config();
        let client = Client::default()
            .with_url(&config.url)
            .with_user(&config.user)
            .with_password(config.password.as_deref().unwrap_or_default())
            .with_database(&config.database)
            // An engine that is told to stop waits for open connections.
            .with_header("connection", "close");
        let answer = ask(client).await;
        engine.stop().await;
        answer
    })
}

fn word(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

/// The engine of a data folder, without a collector.
pub(crate) fn engine(data: &Path) -> (tokio::runtime::Runtime, Engine) {
    let program = PathBuf::from(env!("CARGO_BIN_EXE_headcount"));
    let config = EngineConfig {
        dir: data.join("engine"),
        library: find_library(&program).expect("the engine's library: run `make setup`"),
        program,
        memory_bytes: 1 << 30,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let engine = runtime.block_on(Engine::start(config)).expect("the engine starts");
    (runtime, engine)
}

fn with_store<T>(data: &Path, ask: impl AsyncFnOnce(Store) -> T) -> T {
    let (runtime, engine) = engine(data);
    runtime.block_on(async {
        let answer = ask(engine.store()).await;
        engine.stop().await;
        answer
    })
}

/// The columns that key a table, without those of the marker.
fn key_columns(table: Table) -> impl Iterator<Item = &'static Column> {
    let all = columns(table, SCHEMA).expect("the schema of now").iter();
    all.filter(|it| it.kind != Kind::Count && it.name != "batch" && it.name != "written")
}

fn counters(table: Table) -> impl Iterator<Item = &'static Column> {
    columns(table, SCHEMA).expect("the schema of now").iter().filter(|it| it.kind == Kind::Count)
}

async fn sums(store: &Store, table: Table) -> Sums {
    let keys: Vec<String> = key_columns(table)
        .map(|column| match column.kind {
            Kind::Time => format!("toString(toUnixTimestamp({}))", column.name),
            Kind::Text | Kind::Count => column.name.to_owned(),
        })
        .collect();
    let sums: Vec<String> =
        counters(table).map(|it| format!("toInt64(sum({}))", it.name)).collect();
    let places = (1..=keys.len()).map(|n| n.to_string()).collect::<Vec<_>>().join(", ");
    let sql = format!(
        "SELECT {}, {} FROM {} WHERE site != '{MARKER_SITE}' GROUP BY {places}",
        keys.join(", "),
        sums.join(", "),
        table.name()
    );
    let rows = store.query(&sql, &[]).await.expect("an answer");
    let split = |row: Vec<Value>| {
        let (key, counts) = row.split_at(keys.len());
        let counts: Vec<i64> = counts.iter().map(|n| n.as_i64().expect("a number")).collect();
        (key.iter().map(word).collect::<Vec<_>>(), counts)
    };
    // A row whose deltas came in several batches may add up to nothing.
    rows.into_iter().map(split).filter(|(_, counts)| counts.iter().any(|n| *n != 0)).collect()
}

/// Reads RowBinary.
fn add_batch(batch: &NewBatch, sums: &mut Sums) {
    let mut input = batch.bytes.as_slice();
    while !input.is_empty() {
        let (mut key, mut counts) = (Vec::new(), Vec::new());
        for column in columns(batch.table, batch.schema).expect("a schema") {
            let text = match column.kind {
                Kind::Text => Some(take_text(&mut input)),
                Kind::Time => Some(u32::from_le_bytes(take(&mut input)).to_string()),
                Kind::Count => {
                    counts.push(i64::from_le_bytes(take(&mut input)));
                    None
                }
            };
            let of_marker = column.name == "batch" || column.name == "written";
            key.extend(text.filter(|_| !of_marker));
        }
        let sum = sums.entry(key).or_insert_with(|| vec![0; counts.len()]);
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
}

fn take<const N: usize>(input: &mut &[u8]) -> [u8; N] {
    let (bytes, rest) = input.split_first_chunk().expect("a whole row");
    *input = rest;
    *bytes
}

fn take_text(input: &mut &[u8]) -> String {
    let mut length = 0;
    for shift in (0..).step_by(7) {
        let [byte] = take(input);
        length |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let text = input.split_off(..length).expect("a whole text");
    String::from_utf8(text.to_vec()).expect("UTF-8")
}
