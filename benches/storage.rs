//! What counting costs: bytes and questions in ClickHouse, against the same hits as Plausible keeps
//! them, a row an event and a row a session, in the same engine.
//!
//! `cargo bench --bench storage`, or with another number: `HEADCOUNT_BENCH_HITS=100000000`
//! (`make bench-large`).
//!
//! The traffic: 30 days from 16 October 2026; five sites with 50, 25, 13, 8 and 4 percent of the
//! visits and 4,000 to 400 pages, visited by Zipf's law or along their links. Visits come by the
//! hour and weekday as people do, from 48 countries (Zipf), on 168 kinds of device (12 pairs of
//! browser and system in their versions), in 30 languages; 42 percent directly, else by one of 6
//! search engines, 8 networks, 400 referring sites (Zipf) or 30 campaigns with 4 contents each, the
//! paid searches with 6 terms. One visitor in eight comes again the same day. A visit has 3 page
//! views on average, 45 percent have one; 70 percent of page views report an engagement, 11 percent
//! have an event with a property, one event in 20 has revenue. A visit ends at midnight at the
//! latest. Regions and cities are off on both sides, as by default here.
//!
//! Both sides get the same stretches of hits, one insert a table each. Ours go through the counter,
//! an outbox and the sender, into the schema of the migrations; the questions are the planner's SQL.
//! Visitors differ by what they mean: ours are of the first visit's dimensions of the day, theirs of
//! any; and `uniq` is an estimate. Visits and page views must be equal.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a bench prints figures, and makes up pages and visitors"
)]

#[path = "storage/engine.rs"]
mod engine;
#[path = "storage/plausible.rs"]
mod plausible;
#[path = "storage/questions.rs"]
mod questions;
#[path = "storage/traffic.rs"]
mod traffic;

use std::path::Path;
use std::sync::Arc;

use headcount::count::{CountLimits, Counter, Deltas};
use headcount::edge::Sink as _;
use headcount::hit::{self, Bucket, Hit, HitKind, ManualClock, Record, Second, Visitor, VisitorId};
use headcount::keys::{KeyId, Keys};
use headcount::limits;
use headcount::outbox::{Outbox, OutboxConfig, Table};
use headcount::spool::{Durability, Lsn, Spool, SpoolConfig};
use headcount::store::{SendFigures, encode, send};
use tokio::sync::watch;

use engine::{Answer, Engine};
use plausible::Buffers;
use questions::Question;
use traffic::{DAYS, Day, Moment, Said, Traffic};

/// Hits of one insert. Live ones are of seconds: merges make of them the same rows.
const STRETCH: usize = 100_000;
/// How often each question is asked.
const RUNS: usize = 5;

/// The record of a moment.
fn record(traffic: &Traffic, day: &Day, moment: &Moment, key: KeyId) -> Record {
    let visit = &day.visits[moment.visit as usize];
    let site = &traffic.sites[visit.site];
    let at = Second(day.first_second + i64::from(moment.second));
    let kind = match moment.said {
        Said::Pageview => HitKind::Pageview,
        Said::Engagement { ms, scroll } => {
            HitKind::Engagement { engaged_ms: ms, scroll_percent: Some(scroll) }
        }
        Said::Event { event, value, cents } => {
            let event = &traffic.events[event];
            HitKind::Event {
                name: event.name.clone(),
                interactive: true,
                props: vec![(event.key.clone(), event.values[value].clone())],
                revenue: cents.map(traffic::revenue),
            }
        }
    };
    Record::Hit(Hit {
        site: site.name.clone(),
        at,
        day: the_day(day),
        hour: Bucket(Second(at.0 / 3600 * 3600).bucket().0),
        visitor: Visitor::Known { key, id: VisitorId::from_raw(visit.visitor), before: None },
        kind,
        hostname: site.host.clone(),
        page: site.pages[moment.page as usize].clone(),
        dims: Box::new(traffic.dims(visit)),
    })
}

fn the_day(day: &Day) -> hit::Day {
    hit::Day((day.first_second / traffic::DAY_S) as i32)
}

/// Writes all hits to both sides; how many there were.
async fn load(engine: &Engine, traffic: &Traffic, dir: &Path) -> usize {
    let config = OutboxConfig { dir: dir.join("outbox"), max_bytes: 1 << 32 };
    let (outbox, _) = Outbox::open(&config).expect("an outbox");
    let outbox = Arc::new(outbox);
    let (stop, stopped) = watch::channel(false);
    let figures = Arc::new(SendFigures::default());
    let sending = tokio::spawn(send(engine.store(), Arc::clone(&outbox), stopped, figures));
    let limits = CountLimits {
        seen_per_visitor: limits::SEEN_PER_VISITOR_MAX,
        visitors_per_site: limits::VISITORS_PER_SITE_MAX,
        visitors: limits::VISITORS_MAX,
        recipients_per_mailing: limits::RECIPIENTS_PER_MAILING_MAX,
    };
    let (mut counter, mut buffers, mut hits) = (Counter::new(limits), Buffers::default(), 0);
    for number in 0..DAYS {
        let day = traffic.day(number);
        buffers.begin_day(day.visits.len());
        for stretch in day.moments.chunks(STRETCH) {
            let mut deltas = Deltas::default();
            for moment in stretch {
                let record = record(traffic, &day, moment, KeyId(number as u64 + 1));
                counter.apply(&record, &mut deltas);
                let Record::Hit(hit) = &record else { continue };
                let visit = &day.visits[moment.visit as usize];
                buffers.add(traffic, visit, &hit.dims, moment, day.first_second);
            }
            hits += stretch.len();
            outbox
                .commit(Lsn(hits as u64), &encode(&deltas.into_rows(), "main"))
                .expect("it is kept");
            drained(&outbox).await;
            for (into, rows) in buffers.take() {
                engine.insert(&into, &rows);
            }
        }
        let at = Second(day.first_second + traffic::DAY_S + limits::VISIT_GAP_S);
        for site in &traffic.sites {
            let end = Record::DayEnd { site: site.name.clone(), at, day: the_day(&day) };
            counter.apply(&end, &mut Deltas::default());
        }
    }
    stop.send_replace(true);
    sending.await.expect("the sender ends");
    assert_eq!(outbox.figures().set_aside, 0, "every batch was taken");
    hits
}

/// Waits until ClickHouse has every batch.
async fn drained(outbox: &Outbox) {
    let mut changes = outbox.changes();
    while outbox.figures().waiting > 0 {
        changes.changed().await.expect("the outbox is there");
    }
}

/// Bytes of a hit in the spool, where every frame has `together` of them.
async fn spool_bytes(traffic: &Traffic, hits: usize, together: usize) -> f64 {
    let dir = tempfile::tempdir().expect("a folder");
    let day = traffic.day(0);
    let now = Second(day.first_second);
    let keys = Arc::new(Keys::memory());
    let dies_at = Second(now.0 + limits::DAY_KEY_LIFE_S_MAX);
    let key = keys.day_key("UTC", the_day(&day), now, dies_at).expect("a key").id();
    let config = SpoolConfig {
        dir: dir.path().to_owned(),
        durability: Durability::Process,
        segment_bytes: 1 << 30,
        max_bytes: 1 << 32,
    };
    let (spool, _) =
        Spool::open(config, keys, Arc::new(ManualClock::at(now))).expect("an empty spool");
    let (frames, counter) = std::sync::mpsc::sync_channel(1);
    let counting = std::thread::spawn(move || counter.into_iter().for_each(drop));
    let writer = spool.start(Lsn(0), frames).expect("a writer");
    let empty = writer.figures().bytes;
    let hits = hits.min(day.moments.len());
    for stretch in day.moments[..hits].chunks(together) {
        let mut receipt = None;
        for moment in stretch {
            let submitted = writer.submit(vec![record(traffic, &day, moment, key)]);
            receipt = submitted.ok();
            assert!(receipt.is_some(), "the spool has room");
        }
        writer.flush();
        receipt.expect("a hit").kept().await.expect("it is kept");
    }
    let bytes = writer.figures().bytes - empty;
    writer.stop();
    counting.join().expect("the frames end");
    bytes as f64 / hits as f64
}

fn ask(engine: &Engine, database: &str, sql: &str, question: &Question) -> Answer {
    let params = if database == "headcount" { &question.params[..] } else { &[] };
    engine.ask(database, sql, params)
}

/// Milliseconds (the median), rows and bytes read, and the first row of the last answer.
struct Asked {
    ms: f64,
    rows: u64,
    bytes: u64,
    first: Vec<serde_json::Value>,
}

fn asked(engine: &Engine, question: &Question, ours: bool) -> Asked {
    let mut times = Vec::new();
    let mut last = None;
    for _ in 0..=RUNS {
        let answers: Vec<Answer> = if ours {
            vec![ask(engine, "headcount", &question.sql, question)]
        } else {
            let theirs = question.theirs.iter();
            theirs.map(|sql| ask(engine, plausible::DATABASE, sql, question)).collect()
        };
        times.push(answers.iter().map(|answer| answer.ms).sum());
        last = Some(answers);
    }
    // The first warms the page cache.
    times.remove(0);
    times.sort_by(f64::total_cmp);
    let answers = last.expect("an answer");
    Asked {
        ms: times[RUNS / 2],
        rows: answers.iter().map(|answer| answer.read_rows).sum(),
        bytes: answers.iter().map(|answer| answer.read_bytes).sum(),
        first: answers[0].rows[0].clone(),
    }
}

fn line(label: &str, ours: &str, theirs: &str, ratio: f64) {
    println!("| {label} | {ours} | {theirs} | {ratio:.2} |");
}

/// Rows and bytes of both sides, for a million hits.
fn print_sizes(engine: &Engine, state: &str, hits: usize) {
    let tables: Vec<&str> = Table::ALL.iter().map(|table| table.name()).collect();
    let ours = engine.size("headcount", &tables);
    let theirs = engine.size(plausible::DATABASE, &plausible::TABLES);
    let million = |figure: f64| figure / hits as f64;
    line(
        &format!("rows a million hits, {state}"),
        &format!("{:.0}", million(ours.0) * 1e6),
        &format!("{:.0}", million(theirs.0) * 1e6),
        ours.0 / theirs.0,
    );
    line(
        &format!("MB a million hits, {state}"),
        &format!("{:.2}", million(ours.1)),
        &format!("{:.2}", million(theirs.1)),
        ours.1 / theirs.1,
    );
}

fn print_tables(engine: &Engine, hits: usize) {
    let ours = Table::ALL.iter().map(|table| ("headcount", table.name()));
    let theirs = plausible::TABLES.iter().map(|table| (plausible::DATABASE, *table));
    for (database, table) in ours.chain(theirs) {
        let (rows, bytes) = engine.size(database, &[table]);
        let cell = format!("{:.2} MB, {:.0} rows", bytes / hits as f64, rows / hits as f64 * 1e6);
        if database == "headcount" {
            println!("| … of it `{table}` | {cell} | | |");
        } else {
            println!("| … of it `{table}` | | {cell} | |");
        }
    }
}

fn print_questions(engine: &Engine) {
    let (mut sum, mut sum_of_theirs) = (0.0, 0.0);
    let cell = |one: &Asked| {
        let (rows, bytes) = (one.rows as f64 / 1e3, one.bytes as f64 / 1e6);
        format!("{:.1} ms, {rows:.0}k rows, {bytes:.1} MB", one.ms)
    };
    for (number, question) in questions::all().iter().enumerate() {
        let (ours, theirs) = (asked(engine, question, true), asked(engine, question, false));
        if number == 0 {
            let figures = |asked: &Asked| {
                [0, 1, 2].map(|place: usize| asked.first[place].as_f64().expect("a number"))
            };
            let ([visitors, visits, views], [estimate, sessions, pageviews]) =
                (figures(&ours), figures(&theirs));
            assert!(visits > 0.0 && (visits, views) == (sessions, pageviews), "the same hits");
            assert!((visitors / estimate - 1.0).abs() < 0.03, "{visitors} and about {estimate}");
        }
        line(question.label, &cell(&ours), &cell(&theirs), ours.ms / theirs.ms);
        sum += ours.ms;
        sum_of_theirs += theirs.ms;
    }
    let ms = |sum: f64| format!("{sum:.1} ms");
    line("**all questions**", &ms(sum), &ms(sum_of_theirs), sum / sum_of_theirs);
}

#[tokio::main]
async fn main() {
    // `cargo test --benches` runs this too: small, so that it cannot rot.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let wanted = std::env::var("HEADCOUNT_BENCH_HITS").ok().and_then(|text| text.parse().ok());
    let traffic = Traffic::new(wanted.unwrap_or(if bench { 10_000_000 } else { 30_000 }));
    let dir = tempfile::tempdir().expect("a folder");
    let engine = Engine::start(dir.path());
    engine.store().migrate().await.expect("a schema");
    for statement in plausible::schema() {
        engine.run(&statement);
    }
    let hits = load(&engine, &traffic, dir.path()).await;
    println!("{hits} hits; times are medians of {RUNS} runs, after OPTIMIZE FINAL\n");
    println!("| | Headcount | Plausible-shaped rows | ratio |\n|---|---|---|---|");
    for together in [1, 256] {
        let bytes = spool_bytes(&traffic, 2_000.max(together * 100), together).await;
        println!("| bytes a hit in the spool, {together} a commit | {bytes:.0} | | |");
    }
    while engine.ask("system", "SELECT count() FROM system.merges", &[]).rows[0][0] != 0 {
        tokio::task::yield_now().await;
    }
    print_sizes(&engine, "as merges left them", hits);
    for table in Table::ALL {
        engine.run(&format!("OPTIMIZE TABLE headcount.{} FINAL", table.name()));
    }
    for table in plausible::TABLES {
        engine.run(&format!("OPTIMIZE TABLE {}.{table} FINAL", plausible::DATABASE));
    }
    print_sizes(&engine, "after OPTIMIZE FINAL", hits);
    print_tables(&engine, hits);
    print_questions(&engine);
}
