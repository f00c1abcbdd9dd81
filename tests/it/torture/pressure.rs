//! ClickHouse is away under load: memory stays flat, the outbox grows to its bound, hits are refused
//! past it; and when ClickHouse is back, the backlog goes faster than it came.

use std::fs;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use headcount::count::Rows;

use super::fault::Fault;
use super::load::{Load, SITES};
use super::proxy::{Mode, Rule};
use super::world::{Home, World};
use super::{Means, Tally, judge, say};
use crate::support::{Collector, until};
use crate::twin;

/// The least that can be configured.
const OUTBOX_BYTES: u64 = 4 * 1024 * 1024;

/// What memory may grow by while nothing can be written: far less than a queue without a bound
/// would take, far more than an allocator's whims.
const GROWTH_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Resident memory of a process, in bytes.
fn resident(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("Linux says it");
    let kib = line.split_whitespace().nth(1).and_then(|text| text.parse::<u64>().ok());
    kib.expect("a number") * 1024
}

/// A gauge or counter of the program's own metrics.
fn metric(collector: &Collector, name: &str) -> u64 {
    let answer = collector.console().get("/metrics", &[]).expect("an answer");
    let text = String::from_utf8(answer.body).expect("UTF-8");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("headcount_{name} ")));
    line.and_then(|value| value.parse().ok()).expect("it is among the metrics")
}

#[test]
fn an_outage_fills_the_outbox_to_its_bound_and_no_memory_and_drains_faster_than_it_came() {
    let means = Means { tmpfs: false, faketime: None };
    let bound = OUTBOX_BYTES.to_string();
    let more = [
        ("HEADCOUNT_OUTBOX__MAX_BYTES", bound.as_str()),
        ("HEADCOUNT_STORE__INSERT_TIMEOUT_S", "60"),
    ];
    let mut world = World::start(Home::Apart, &means, &more);
    let waiting = |world: &World| metric(&world.collector, "outbox_waiting_bytes");
    let load = Load::start(world.collector.ingest_port(), Duration::ZERO);
    until("rows are written", || {
        (metric(&world.collector, "store_batches_total") > 5).then_some(())
    });
    let pid = world.collector.pid();
    let before = resident(pid);

    let (begun, acknowledged) = (Instant::now(), load.acknowledged.load(Ordering::Relaxed));
    world.apply(Fault::Store(Rule { mode: Mode::Refuse, inserts_only: false }));
    let mut peak = before;
    until("hits are refused", || {
        peak = peak.max(resident(pid));
        (metric(&world.collector, "spool_refusing") == 1).then_some(())
    });
    let took = begun.elapsed();
    let arrived = load.acknowledged.load(Ordering::Relaxed) - acknowledged;
    let backlog = waiting(&world);
    assert!(backlog >= OUTBOX_BYTES, "refused at {backlog} bytes");

    // It stays so: the outbox grows by what was counted already, and no further.
    let begun = Instant::now();
    let standing = until("the outage goes on", || {
        peak = peak.max(resident(pid));
        (begun.elapsed() > Duration::from_secs(3)).then(|| waiting(&world))
    });
    let query = format!("/p.gif?s={}&u=/late", SITES[0]);
    let gif = world.collector.ingest().get(&query, &[]).expect("an answer");
    assert_eq!((gif.status, gif.body.len()), (200, 43), "the pixel is answered all the same");
    assert!(standing < 2 * OUTBOX_BYTES + backlog, "the outbox grew to {standing} bytes");
    assert!(peak < before + GROWTH_BYTES_MAX, "memory grew from {before} to {peak} bytes");

    // The load goes on while it drains.
    let batches = metric(&world.collector, "store_batches_total");
    world.undo();
    until("ClickHouse is found again", || {
        (metric(&world.collector, "store_batches_total") > batches).then_some(())
    });
    let (begun, acknowledged) = (Instant::now(), load.acknowledged.load(Ordering::Relaxed));
    let before_it = waiting(&world);
    let left = until("the backlog is written", || {
        Some(waiting(&world)).filter(|bytes| *bytes < OUTBOX_BYTES / 8)
    });
    let drained = begun.elapsed();
    let more = load.acknowledged.load(Ordering::Relaxed) - acknowledged;
    let written = before_it - left + more * backlog / arrived;
    let after = resident(pid);
    let sent = load.stop();
    world.settled_ledgers();
    assert!(sent.shed > 0, "clients were told");

    let rate = |bytes: u64, time: Duration| u128::from(bytes) / time.as_millis().max(1);
    let (came, went) = (rate(backlog, took), rate(written, drained));
    let mib = |bytes: u64| bytes / (1024 * 1024);
    say(&format!(
        "pressure: {arrived} hits filled the outbox in {took:.1?} ({came} KB/s), {} were refused; \
         it drained in {drained:.1?}, with {more} hits more ({went} KB/s, {}.{} times as fast); \
         resident {} MiB before, {} at most, {} after",
        sent.shed,
        went / came,
        went * 10 / came % 10,
        mib(before),
        mib(peak),
        mib(after),
    ));

    let (records, stored, _) = world.end(false);
    judge(&sent, &stored, 0, &mut Tally::default());
    let rows: Rows = twin::recount(&records);
    stored.assert_equals(&rows);
}
