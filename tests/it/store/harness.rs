//! An engine in a temporary folder, an outbox in memory, batches with keys of their own.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use clickhouse::Client;
use headcount::count::{LedgerKey, Rows};
use headcount::hit::{Second, SiteName, Text};
use headcount::outbox::{Batch, NewBatch, OutboxError, Table};
use headcount::store::engine::{Engine, EngineConfig, find_library};
use headcount::store::{Batches, SendFigures, SendRules, Store, StoreConfig, encode, send_with};
use serde_json::Value;
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;

pub(super) fn program() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_headcount"))
}

pub(super) fn config(dir: &Path) -> EngineConfig {
    let program = program();
    EngineConfig {
        dir: dir.to_owned(),
        library: find_library(&program).unwrap(),
        program,
        memory_bytes: 1 << 30,
    }
}

/// An engine with the schema in it.
pub(super) async fn engine() -> (Engine, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let engine = Engine::start(config(dir.path())).await.unwrap();
    engine.store().migrate().await.unwrap();
    (engine, dir)
}

/// A client of the test's own, as the collector.
pub(super) fn client(config: &StoreConfig) -> Client {
    let client = Client::default()
        .with_url(&config.url)
        .with_user(&config.user)
        .with_database(&config.database)
        .with_setting("wait_end_of_query", "1")
        // An engine that is told to stop waits for open connections.
        .with_header("connection", "close");
    match &config.password {
        Some(password) => client.with_password(password),
        None => client,
    }
}

/// Every row, as JSON.
pub(super) async fn ask(client: &Client, sql: &str) -> Result<Vec<Vec<Value>>, String> {
    let mut cursor =
        client.query_raw(sql).fetch_bytes("JSONCompact").map_err(|error| error.to_string())?;
    let bytes = cursor.collect().await.map_err(|error| error.to_string())?;
    let answer: Value = serde_json::from_slice(&bytes).map_err(|error| error.to_string())?;
    serde_json::from_value(answer["data"].clone()).map_err(|error| error.to_string())
}

pub(super) async fn run(client: &Client, sql: &str) {
    client.query_raw(sql).execute().await.unwrap();
}

#[expect(clippy::disallowed_methods, reason = "a test's own text")]
pub(super) fn text(text: &str) -> Text {
    Text::from_scrubbed(text)
}

pub(super) fn second(at: &str) -> Second {
    Second(at.parse::<jiff::Timestamp>().unwrap().as_second())
}

/// One ledger row, of a site that no other batch has: a loss or a doubling shows.
pub(super) fn distinct(number: u64) -> NewBatch {
    let mut rows = Rows::default();
    let key = LedgerKey {
        site: SiteName::parse(&format!("s{number}.example")).unwrap(),
        bucket: second("2026-11-01T10:00:00Z").bucket(),
        reason: "received",
    };
    rows.ledger.insert(key, 1);
    encode(&rows, "node").remove(0)
}

/// An outbox in memory.
#[derive(Default)]
pub(super) struct Memory {
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

#[derive(Default)]
struct State {
    next: u64,
    waiting: BTreeMap<Table, VecDeque<Batch>>,
    aside: Vec<u64>,
    notes: u64,
    last_done: Option<Batch>,
}

impl Memory {
    pub(super) fn commit(&self, batches: impl IntoIterator<Item = NewBatch>) {
        let mut state = self.state.lock().unwrap();
        for batch in batches {
            state.next += 1;
            let number = state.next;
            let queue = state.waiting.entry(batch.table).or_default();
            queue.push_back(Batch { number, content: Arc::new(batch), note: None });
        }
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }

    pub(super) fn waiting(&self) -> usize {
        self.state.lock().unwrap().waiting.values().map(VecDeque::len).sum()
    }

    pub(super) fn aside(&self) -> Vec<u64> {
        self.state.lock().unwrap().aside.clone()
    }

    /// How many tokens were noted.
    pub(super) fn notes(&self) -> u64 {
        self.state.lock().unwrap().notes
    }

    /// Waits until nothing waits.
    pub(super) async fn drained(&self) {
        let drained = async {
            let mut changed = self.changed.subscribe();
            while self.waiting() > 0 {
                changed.changed().await.expect("the outbox is there");
            }
        };
        tokio::time::timeout(Duration::from_mins(2), drained).await.expect("it drains in time");
    }

    /// What a crash after the last batch's insert, and before its `done` is kept, leaves.
    pub(super) fn forget_last_done(&self) {
        let mut state = self.state.lock().unwrap();
        let batch = state.last_done.take().expect("one was done");
        state.waiting.entry(batch.content.table).or_default().push_front(batch);
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }

    fn remove(&self, number: u64) {
        let mut state = self.state.lock().unwrap();
        let mut removed = None;
        for queue in state.waiting.values_mut() {
            removed = removed.or(queue.iter().find(|batch| batch.number == number).cloned());
            queue.retain(|batch| batch.number != number);
        }
        state.last_done = removed;
        drop(state);
        self.changed.send_modify(|count| *count += 1);
    }
}

impl Batches for Memory {
    fn incarnation(&self) -> [u8; 16] {
        *b"an outbox's name"
    }

    fn next(&self, table: Table) -> Option<Batch> {
        self.state.lock().unwrap().waiting.get(&table)?.front().cloned()
    }

    fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn note(&self, number: u64, note: &[u8]) -> Result<(), OutboxError> {
        let mut state = self.state.lock().unwrap();
        state.notes += 1;
        let batch = state.waiting.values_mut().flatten().find(|batch| batch.number == number);
        batch.expect("it waits").note = Some(note.to_vec());
        Ok(())
    }

    fn done(&self, number: u64) -> Result<(), OutboxError> {
        self.remove(number);
        Ok(())
    }

    fn set_aside(&self, number: u64) -> Result<(), OutboxError> {
        self.state.lock().unwrap().aside.push(number);
        self.remove(number);
        Ok(())
    }
}

/// A running sender.
pub(super) struct Sending {
    pub(super) figures: Arc<SendFigures>,
    stop: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Sending {
    pub(super) fn start(store: &Store, outbox: &Arc<Memory>, rules: SendRules) -> Self {
        let (stop, stopped) = watch::channel(false);
        let figures = Arc::new(SendFigures::default());
        let sending =
            send_with(store.clone(), Arc::clone(outbox), rules, stopped, Arc::clone(&figures));
        Self { figures, stop, task: tokio::spawn(sending) }
    }

    pub(super) async fn stop(self) {
        self.stop.send_replace(true);
        self.task.await.unwrap();
    }
}

/// Rules for a test: the same, less patient.
pub(super) fn brisk(store: &Store) -> SendRules {
    SendRules {
        insert_timeout: Duration::from_millis(1_500),
        look_timeout: Duration::from_millis(1_500),
        backoff: (Duration::from_millis(5), Duration::from_millis(200)),
        ..SendRules::of(store)
    }
}

/// Waits for what another process or task does.
pub(super) async fn until(what: &str, mut done: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !done().await {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), waiting).await.expect(what);
}

/// Sends a signal to a process.
pub(super) fn signal(name: &str, process: u32) {
    let status = std::process::Command::new("kill").args([name, &process.to_string()]).status();
    assert!(status.unwrap().success());
}

/// Checks that the ledger has each of the `count` batches of [`distinct`] exactly once, and that no
/// marker is over 1. The bare fact, asked of ClickHouse itself.
pub(super) async fn assert_exactly_once(client: &Client, count: u64) {
    let sites = "SELECT count(), min(n), max(n) FROM \
        (SELECT sum(hits) AS n FROM ledger WHERE site != '(marker)' GROUP BY site)";
    let expected = serde_json::json!([[count, 1, 1]]);
    assert_eq!(serde_json::json!(ask(client, sites).await.unwrap()), expected);
    let markers = "SELECT count(), min(n), max(n) FROM \
        (SELECT sum(hits) AS n FROM ledger WHERE site = '(marker)' GROUP BY batch)";
    assert_eq!(serde_json::json!(ask(client, markers).await.unwrap()), expected);
}
