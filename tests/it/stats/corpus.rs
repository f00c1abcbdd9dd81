//! Traffic of a few days, counted by the real counter into a real engine.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::path::PathBuf;

use headcount::count::{CountLimits, Counter, Deltas, Rows};
use headcount::hit::{Hit, Record, Second, Text, VisitDims, Visitor, VisitorId};
use headcount::release::Reader;
use headcount::stats::{self, Plan, Query, QueryError, Setting};
use headcount::store::engine::{Engine, EngineConfig, find_library};
use headcount::store::{columns, encode};
use jiff::tz::TimeZone;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::twin::traffic::traffic;

/// The site that is asked about. The others' rows are there to be left out.
pub(super) const SITE: &str = "berlin.example";
pub(super) const ZONE: &str = "Europe/Berlin";

/// The evening before a day of 25 hours, and a fortnight that holds all of the traffic.
const BEGIN_S: i64 = 1_792_875_600;
pub(super) const DATES: [&str; 2] = ["2026-10-23", "2026-11-05"];

/// Strands of traffic, each with visitors of its own.
const STRANDS: u64 = 24;

/// A corpus in an engine.
pub(super) struct Corpus {
    pub(super) records: Vec<Record>,
    engine: Engine,
    _folder: TempDir,
}

impl Corpus {
    pub(super) async fn start() -> Self {
        let records = records();
        let mut deltas = Deltas::default();
        let limits = CountLimits {
            seen_per_visitor: 1000,
            visitors_per_site: 1000,
            visitors: 1000,
            recipients_per_mailing: 1000,
        };
        let mut counter = Counter::new(limits);
        for record in &records {
            counter.apply(record, &mut deltas);
        }
        let folder = tempfile::tempdir().unwrap();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_headcount"));
        let config = EngineConfig {
            dir: folder.path().to_owned(),
            library: find_library(&program).unwrap(),
            program,
            memory_bytes: 1 << 30,
        };
        let engine = Engine::start(config).await.unwrap();
        engine.store().migrate().await.unwrap();
        insert(&engine, &deltas.into_rows()).await;
        Self { records, engine, _folder: folder }
    }

    pub(super) async fn ask(&self, question: &Value) -> Result<Value, QueryError> {
        let query = Query::parse(question)?;
        let zone = TimeZone::get(ZONE).unwrap();
        stats::answer(&query, zone, now(), Reader::OWNER, &self.engine.store()).await
    }

    pub(super) async fn stop(self) {
        self.engine.stop().await;
    }
}

/// A question about all of the traffic.
pub(super) fn question(metrics: &[&str], dimensions: &[&str], filters: &Value) -> Value {
    json!({
        "site_id": SITE,
        "metrics": metrics,
        "date_range": DATES,
        "dimensions": dimensions,
        "filters": filters,
    })
}

/// Whether it would be answered; no engine is asked.
pub(super) fn planned(question: &Value) -> Result<Plan, QueryError> {
    let zone = TimeZone::get(ZONE).unwrap();
    let setting = Setting { zone, now: now(), begun: None, reader: Reader::OWNER };
    stats::plan(&Query::parse(question)?, &setting)
}

fn now() -> Second {
    Second(BEGIN_S + 20 * 86_400)
}

/// The same in every run. No day ends: all are in memory to the last.
fn records() -> Vec<Record> {
    let mut runner = TestRunner::deterministic();
    let strategy = traffic(90);
    let mut records = Vec::new();
    for strand in 0..STRANDS {
        let plan = strategy.new_tree(&mut runner).unwrap().current();
        for record in plan.records() {
            if let Record::Hit(mut hit) = record {
                hit.visitor = of_strand(hit.visitor, strand);
                hit.dims = Box::new(dims(&hit, strand));
                records.push(Record::Hit(hit));
            }
        }
    }
    records.sort_by_key(|record| match record {
        Record::Hit(hit) => hit.at,
        _ => Second(0),
    });
    let of_site =
        |record: &&Record| matches!(record, Record::Hit(hit) if hit.site.as_str() == SITE);
    assert!(records.iter().filter(of_site).count() > 300, "there is traffic to ask about");
    records
}

#[expect(clippy::disallowed_methods, reason = "made up, and nobody's")]
fn of_strand(visitor: Visitor, strand: u64) -> Visitor {
    let own = |id: VisitorId| VisitorId::from_raw(id.to_raw() * STRANDS + strand);
    match visitor {
        Visitor::Known { key, id, before } => {
            Visitor::Known { key, id: own(id), before: before.map(|(key, id)| (key, own(id))) }
        }
        other => other,
    }
}

/// Dimensions that tell little visits apart, each on its own.
fn dims(hit: &Hit, strand: u64) -> VisitDims {
    if matches!(hit.visitor, Visitor::Withheld) {
        return VisitDims::default();
    }
    let one_of = |name: &str, values: &[&'static str]| {
        let mut hasher = DefaultHasher::new();
        (name, strand, hit.at.0 / 2000).hash(&mut hasher);
        let values_count = values.len() as u64;
        text(values[usize::try_from(hasher.finish() % values_count).unwrap()])
    };
    VisitDims {
        channel: one_of("channel", &["Direct", "Organic Search", "Email"]),
        source: one_of("source", &["", "Google", "DuckDuckGo", "Münchner Brief"]),
        referrer_host: one_of("referrer", &["", "google.com", "news.example"]),
        utm_source: one_of("utm_source", &["", "brief"]),
        utm_medium: one_of("utm_medium", &["", "email", "social"]),
        utm_campaign: one_of("utm_campaign", &["", "spring", "Summer's \\ sale"]),
        utm_content: one_of("utm_content", &["", "top"]),
        utm_term: one_of("utm_term", &["", "shoes"]),
        country: one_of("country", &["", "DE", "FR", "IN"]),
        region: one_of("region", &["", "DE-BE"]),
        city: one_of("city", &["", "Berlin"]),
        browser: one_of("browser", &["Firefox", "Chrome", "Safari"]),
        browser_version: one_of("browser_version", &["", "120", "121"]),
        os: one_of("os", &["GNU/Linux", "Windows"]),
        os_version: one_of("os_version", &["", "11"]),
        device: one_of("device", &["Desktop", "Mobile"]),
        language: one_of("language", &["", "de", "en"]),
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own text")]
fn text(text: &str) -> Text {
    Text::from_scrubbed(text)
}

async fn insert(engine: &Engine, rows: &Rows) {
    let config = engine.store_config();
    let mut client = clickhouse::Client::default()
        .with_url(&config.url)
        .with_user(&config.user)
        .with_database(&config.database)
        .with_header("connection", "close");
    if let Some(password) = &config.password {
        client = client.with_password(password);
    }
    for batch in encode(rows, "test") {
        let columns = columns(batch.table, batch.schema).unwrap();
        let names: Vec<&str> = columns.iter().map(|column| column.name).collect();
        let (table, names) = (batch.table.name(), names.join(", "));
        let sql = format!("INSERT INTO {table} ({names}) FORMAT RowBinary");
        let mut insert = client.insert_formatted_with(sql);
        insert.send(batch.bytes.into()).await.unwrap();
        insert.end().await.unwrap();
    }
}
