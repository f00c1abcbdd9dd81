//! `kill -9` of the collector, of the engine, and of both, under load.
//!
//! Each hit has a path of its own. Answered: counted exactly once. Unanswered: at most once.
//! Nothing else is there. And every counter of every table is what the twin makes of the hits that
//! the spool kept.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use headcount::hit::Record;
use headcount::outbox::Table;
use headcount::spool::Lsn;

use crate::stored;
use crate::support::{Collector, signal, until};
use crate::twin;

const SITE: &str = "kill.example";
const KILLS: u64 = 20;
const VISITORS: u64 = 150;

/// What the clients saw.
#[derive(Default)]
struct Sent {
    answered: BTreeSet<String>,
    unanswered: BTreeSet<String>,
}

/// The hit's own path: letters, so that the scrubber has no reason to look twice.
fn word(mut number: u64) -> String {
    let mut letters = vec![b'k'];
    loop {
        letters.push(b'a' + u8::try_from(number % 26).expect("below 26"));
        number /= 26;
        if number == 0 {
            return String::from_utf8(letters).expect("ASCII");
        }
    }
}

/// Sends hits until `stop`: three in four are page views, the others events and engagements.
fn load(collector_port: u16, next: &AtomicU64, stop: &AtomicBool) -> Sent {
    let mut client = crate::support::http::Client::new(collector_port);
    let mut sent = Sent::default();
    let mut last_page: BTreeMap<u64, String> = BTreeMap::new();
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let visitor = number * 7919 % VISITORS;
        let address = format!("10.1.{}.{}", visitor / 100, visitor % 100 + 1);
        let path = format!("/{}", word(number));
        let url = |page: &str| format!("https://{SITE}{page}");
        let (body, counts) = match (number % 8, last_page.get(&visitor)) {
            (3, _) => (
                serde_json::json!({"n": "Signup", "d": SITE, "u": url(&path),
                    "p": {"plan": word(number % 5)}, "$": {"amount": "9.90", "currency": "EUR"}}),
                false,
            ),
            (5, Some(page)) => (
                serde_json::json!({"n": "engagement", "d": SITE, "u": url(page),
                    "e": 1000 + number % 5000, "sd": number % 101}),
                false,
            ),
            _ => (serde_json::json!({"n": "pageview", "d": SITE, "u": url(&path)}), true),
        };
        let headers = [
            ("x-forwarded-for", address.as_str()),
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
            ),
        ];
        let answer = client.post("/api/event", &headers, body.to_string().as_bytes());
        let answered =
            answer.is_ok_and(|a| a.status == 202 && a.header("x-headcount-dropped").is_none());
        if counts {
            if answered {
                last_page.insert(visitor, path.clone());
                sent.answered.insert(path);
            } else {
                sent.unanswered.insert(path);
            }
        }
        if !answered {
            std::thread::sleep(Duration::from_millis(5));
        }
    }
    sent
}

/// Adds what the spool holds to what it held before. Only while no collector runs.
fn harvest(data: &Path, records: &mut BTreeMap<Lsn, Record>) {
    for (lsn, record) in stored::spool_records(data) {
        if let Some(before) = records.insert(lsn, record) {
            assert!(before == records[&lsn], "record {} changed", lsn.0);
        }
    }
}

#[test]
fn nothing_answered_is_lost_or_doubled_by_twenty_kills_of_collector_and_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let settings = [("HEADCOUNT_SPOOL__CHECKPOINT_INTERVAL_S", "1")];
    let mut collector = Collector::start(&data, &settings);
    let key = collector.site(SITE, "Europe/Berlin");
    let port = collector.ingest_port();

    let next = Arc::new(AtomicU64::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..4)
        .map(|_| {
            let (next, stop) = (Arc::clone(&next), Arc::clone(&stop));
            std::thread::spawn(move || load(port, &next, &stop))
        })
        .collect();

    let mut records = BTreeMap::new();
    for kill in 0..KILLS {
        // Somewhere in the life of a batch: the moments are spread over it, not drawn.
        let moment = Duration::from_millis(300 + kill * 137 % 1_500);
        let begun = Instant::now();
        until("the load went on for a while", || (begun.elapsed() > moment).then_some(()));
        let engine = collector.engine_pid();
        match kill % 3 {
            0 => {
                collector.kill();
                harvest(&data, &mut records);
                collector.restart();
            }
            1 => {
                if let Some(engine) = engine {
                    signal(engine, "KILL");
                }
            }
            _ => {
                if let Some(engine) = engine {
                    signal(engine, "KILL");
                }
                collector.kill();
                harvest(&data, &mut records);
                collector.restart();
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    let mut sent = Sent::default();
    for client in clients {
        let of = client.join().expect("the client goes on");
        sent.answered.extend(of.answered);
        sent.unanswered.extend(of.unanswered);
    }
    let ledger = collector.settled_ledger(&key, SITE);
    collector.kill();
    harvest(&data, &mut records);

    assert!(sent.answered.len() > 1_000, "the load was too small: {}", sent.answered.len());
    let stored = stored::read(&data);
    for (page, views) in stored.by_page(Table::Pages, "pageviews", SITE) {
        assert_eq!(views, 1, "{page} was counted {views} times");
        assert!(
            sent.answered.contains(&page) || sent.unanswered.contains(&page),
            "{page} was never sent"
        );
    }
    let counted: BTreeSet<String> =
        stored.by_page(Table::Pages, "pageviews", SITE).into_keys().collect();
    let lost: Vec<_> = sent.answered.difference(&counted).collect();
    let few = &lost[..lost.len().min(5)];
    assert!(
        lost.is_empty(),
        "{} of {} answered hits are lost, such as {few:?}; {} were counted, ledger {ledger}",
        lost.len(),
        sent.answered.len(),
        counted.len()
    );

    let lsns: Vec<u64> = records.keys().map(|lsn| lsn.0).collect();
    assert_eq!(lsns.first(), Some(&0), "the first record was harvested");
    assert!(lsns.windows(2).all(|pair| pair[0] + 1 == pair[1]), "no record is missing");
    let records: Vec<Record> = records.into_values().collect();
    stored.assert_equals(&twin::recount(&records));
    eprintln_summary(&sent, &ledger);
}

#[expect(clippy::disallowed_macros, clippy::print_stderr, reason = "the test's own summary")]
fn eprintln_summary(sent: &Sent, ledger: &serde_json::Value) {
    eprintln!(
        "{KILLS} kills, {} page views answered, {} not; ledger {ledger}",
        sent.answered.len(),
        sent.unanswered.len()
    );
}
