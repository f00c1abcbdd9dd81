//! ClickHouse stands still under load until hits are refused, and goes on: how far memory grows, how
//! fast the backlog goes beside how fast it came, and what clients see meanwhile.
//!
//! Every page view is of a page of its own, so that it makes rows of its own, and they come at a
//! fixed rate all the time. The engine is stopped by a signal: it takes what is sent, and answers
//! nothing.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    dead_code,
    missing_docs,
    reason = "a bench prints its figures, and shares the support of the tests"
)]

mod rig;
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::cell::Cell;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rig::process::{go_first, resident, take_the_clients_core};
use rig::steady::Latencies;
use rig::traffic::{request_of, saturate, script};
use rig::{hits, median, metric, steady};
use support::{Collector, signal, until};

const MIB: f64 = 1_048_576.0;

/// One outage, from before it to after it.
struct Outage {
    /// Bytes of rows a second: as they came, and as they went.
    came: f64,
    went: f64,
    drained_s: f64,
    refused: f64,
    /// Bytes that waited at most, and resident ones before, at most and after.
    waited: f64,
    resident: [f64; 3],
    /// What clients saw before it, in it and while it drained.
    latencies: [Latencies; 3],
}

/// The collector, and the traffic that it gets.
struct Load<'a> {
    collector: &'a Collector,
    rate: f64,
    sent: Cell<usize>,
}

/// Sets it when it goes, however that comes.
struct SetAtLast<'a>(&'a AtomicBool);

impl Drop for SetAtLast<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Load<'_> {
    /// Good traffic for as long as `work` takes.
    fn during<T: Send>(&self, work: impl FnOnce() -> T + Send) -> (Latencies, T) {
        let stop = AtomicBool::new(false);
        let request = |_| {
            let number = self.sent.replace(self.sent.get() + 1);
            request_of(number, &page(number))
        };
        std::thread::scope(|scope| {
            let working = scope.spawn(|| {
                let _at_last = SetAtLast(&stop);
                work()
            });
            let port = self.collector.ingest_port();
            let latencies = steady::until_stopped(port, self.rate, &request, &stop);
            (latencies, working.join().expect("it does its work"))
        })
    }
}

/// A page's path: letters, so that the scrubber has no reason to look twice.
fn page(mut number: usize) -> String {
    let mut path = "/p".to_owned();
    loop {
        path.push(char::from(b'a' + (number % 26) as u8));
        number /= 26;
        if number == 0 {
            return path;
        }
    }
}

fn waiting(collector: &Collector) -> f64 {
    metric(collector, "outbox_waiting_bytes")
}

/// The outage, with `bound` bytes of outbox.
fn outage(load: &Load<'_>, usual: Duration, bound: f64) -> Outage {
    let collector = load.collector;
    let (pid, engine) = (collector.pid(), collector.engine_pid().expect("it runs"));
    let resident_before = resident(pid);
    let (before, ()) = load.during(|| std::thread::sleep(usual));

    signal(engine, "STOP");
    let mut peak = 0.0_f64;
    let (away, (came, per_hit, waited)) = load.during(|| {
        let (begun, bytes, first) =
            (Instant::now(), waiting(collector), hits(collector, "counted"));
        until("hits are refused", || {
            peak = peak.max(resident(pid));
            (metric(collector, "spool_refusing") > 0.0).then_some(())
        });
        let (grown, more) = (waiting(collector) - bytes, hits(collector, "counted") - first);
        let came = grown / begun.elapsed().as_secs_f64();
        let begun = Instant::now();
        until("the outage goes on", || {
            peak = peak.max(resident(pid));
            (begun.elapsed() > usual).then_some(())
        });
        (came, grown / more, waiting(collector))
    });
    let refused = hits(collector, "rejected:shed");

    let (drain, (went, drained_s)) = load.during(|| {
        let (begun, first) = (Instant::now(), hits(collector, "counted"));
        signal(engine, "CONT");
        let left = until("the backlog is written", || {
            peak = peak.max(resident(pid));
            Some(waiting(collector)).filter(|bytes| *bytes < bound / 8.0)
        });
        let took = begun.elapsed().as_secs_f64();
        let more = (hits(collector, "counted") - first) * per_hit;
        ((waited - left + more) / took, took)
    });
    let resident = [resident_before, peak, resident(pid)];
    Outage { came, went, drained_s, refused, waited, resident, latencies: [before, away, drain] }
}

fn main() {
    if rig::lacks("backlog", &["wrk", "taskset", "chrt"]) {
        return;
    }
    let bench = rig::is_bench();
    take_the_clients_core();
    let (rounds, bound, usual) = if bench { (3, 8.0 * MIB, 5) } else { (1, 4.0 * MIB, 1) };
    let folder = tempfile::tempdir().expect("a folder");
    let script_path = folder.path().join("requests.lua");
    fs::write(&script_path, script()).expect("the folder is writable");
    let bytes = format!("{bound}");
    let settings = [("HEADCOUNT_OUTBOX__MAX_BYTES", bytes.as_str())];
    let mut collector = rig::collector(&folder.path().join("data"), &settings);
    let rate = saturate(collector.ingest_port(), &script_path, 2) / 2.0 / 4.0;
    assert!(collector.stop().success());
    collector.restart();
    rig::place(&collector);
    let engine = collector.engine_pid().expect("it runs");
    if !go_first(collector.pid()) || !go_first(engine) {
        println!(
            "this user may not say who goes first: latencies have other programs' turns in them"
        );
    }
    let load = Load { collector: &collector, rate, sent: Cell::new(0) };
    println!(
        "{rate:.0} page views a second, each with rows of its own; an outbox of {:.0} MiB",
        bound / MIB
    );
    println!(
        "{:>8} {:>8} {:>7} {:>7} {:>8} {:>8} {:>6} {:>15} {:>21} {:>7}",
        "came",
        "went",
        "went /",
        "drained",
        "refused",
        "waited",
        "",
        "resident, MiB",
        "p99, us",
        ""
    );
    println!(
        "{:>8} {:>8} {:>7} {:>7} {:>8} {:>8} {:>6} {:>7} {:>7} {:>7} {:>6} {:>6} {:>7}",
        "KiB/s",
        "KiB/s",
        "came",
        "s",
        "hits",
        "MiB",
        "before",
        "at most",
        "after",
        "usual",
        "away",
        "drain",
        "/ usual"
    );
    let mut all = Vec::new();
    for _ in 0..rounds {
        let it = outage(&load, Duration::from_secs(usual), bound);
        let p99 = it.latencies.each_ref().map(|of| of.at(0.99));
        let resident = it.resident.map(|bytes| bytes / MIB);
        println!(
            "{:>8.0} {:>8.0} {:>6.1}x {:>7.2} {:>8.0} {:>8.1} {:>6.0} {:>7.0} {:>7.0} {:>7.0} {:>6.0} {:>6.0} {:>6.2}x",
            it.came / 1024.0,
            it.went / 1024.0,
            it.went / it.came,
            it.drained_s,
            it.refused,
            it.waited / MIB,
            resident[0],
            resident[1],
            resident[2],
            p99[0],
            p99[1],
            p99[2],
            p99[2] / p99[0]
        );
        all.push((it.went / it.came, p99[2] / p99[0]));
    }
    println!(
        "medians: drained {:.1} times as fast as it came, p99 {:.2} times the usual",
        median(all.iter().map(|(rate, _)| *rate).collect()),
        median(all.iter().map(|(_, p99)| *p99).collect())
    );
    assert!(collector.stop().success());
}
