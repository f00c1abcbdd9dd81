//! What the benches share: the collector on a core of its own, requests, senders that keep to their
//! times, and what the kernel says of a process. The tests' support brings the rest.
//!
//! The server has one core and its clients the other, with the engine, which is no part of what is
//! measured.

#![allow(dead_code, reason = "no bench uses all of it")]

pub(crate) mod process;
pub(crate) mod steady;
pub(crate) mod traffic;

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::{Collector, until};
use process::pin;
use traffic::SITE;

/// The server's core, and the clients'.
pub(crate) const SERVER_CORE: &str = "0";
pub(crate) const CLIENT_CORE: &str = "1";

/// Whether this is a measurement. `cargo test --benches` runs it too: short, so that it cannot rot.
pub(crate) fn is_bench() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// Says so, and answers true, where a program is missing that `name` needs.
pub(crate) fn lacks(name: &str, programs: &[&str]) -> bool {
    let is_there = |program: &&str| {
        let mut command = Command::new(program);
        command.arg("-v").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().is_ok()
    };
    let missing: Vec<_> = programs.iter().copied().filter(|it| !is_there(it)).collect();
    if missing.is_empty() {
        return false;
    }
    println!("{name}: not run: install {} (Debian has them)", missing.join(", "));
    true
}

/// A collector with one listener thread, all of it on the server's core, that measures [`SITE`].
pub(crate) fn collector(data: &Path, more: &[(&str, &str)]) -> Collector {
    let mut settings = vec![("HEADCOUNT_LOG__LEVEL", "warn"), ("HEADCOUNT_INGEST__THREADS", "1")];
    settings.extend(more);
    let collector = Collector::start(data, &settings);
    collector.command(&["site", "add", SITE]);
    place(&collector);
    collector
}

/// Puts a collector that was just started on the server's core, and its engine on the clients'.
pub(crate) fn place(collector: &Collector) {
    let engine = until("the engine runs", || collector.engine_pid());
    pin(collector.pid(), SERVER_CORE);
    pin(engine, CLIENT_CORE);
}

/// A figure of the collector's metrics.
pub(crate) fn metric(collector: &Collector, name: &str) -> f64 {
    find(collector, name).expect("it is among the metrics")
}

/// Hits by one of the ledger's reasons, over all sites.
pub(crate) fn hits(collector: &Collector, reason: &str) -> f64 {
    // A reason that there was none of is not told.
    find(collector, &format!("hits_total{{reason=\"{reason}\"}}")).unwrap_or(0.0)
}

fn find(collector: &Collector, name: &str) -> Option<f64> {
    let answer = collector.console().get("/metrics", &[]).expect("an answer");
    let text = String::from_utf8(answer.body).expect("UTF-8");
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("headcount_{name} ")));
    line.map(|value| value.parse().expect("a number"))
}

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
