//! Good traffic while hostile clients are at work: its latency beside its quiet one.
//!
//! Page views come at a quarter of what the collector can take, a twentieth of them on new
//! connections, and are timed from when they were to leave. Each hostility stands between two quiet
//! turns, and its ratio is to their mean. The collector has one core, all clients the other, where
//! the good ones go first.

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

#[path = "hostile/clients.rs"]
mod clients;
mod rig;
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::fs;
use std::time::{Duration, Instant};

use clients::{Act, Clients, Seen};
use rig::process::{cpu, go_first, open_many_files, resident, take_the_clients_core};
use rig::traffic::{SITE, request, saturate, script};
use rig::{median, metric, steady};
use support::{Collector, until};

/// So many clients that do the same.
struct Hostility {
    name: &'static str,
    clients: usize,
    act: Act,
}

/// The head of a `POST` with these further headers.
fn post(headers: &str) -> String {
    format!("POST /api/event HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

fn hostilities() -> Vec<Hostility> {
    let get = format!("GET /p.gif?s={SITE}&u=/ HTTP/1.1\r\nHost: localhost\r\n");
    let long = "a".repeat(1000);
    let chunked = post("Transfer-Encoding: chunked\r\n");
    let of = |name, clients, act| Hostility { name, clients, act };
    let ask = |text: String, answers| Act::Ask(text.into_bytes(), answers);
    vec![
        of("heads, a byte a second", 2_000, Act::Drip(format!("{get}X-Slow: ").into())),
        of("bodies, a byte a second", 2_000, Act::Drip(post("Content-Length: 60000\r\n").into())),
        of("connections that say nothing", 10_000, Act::Wait(Vec::new())),
        of("heads of 100 kB", 32, ask(format!("{get}X-Long: {}\r\n\r\n", "a".repeat(100_000)), 1)),
        of("100 requests at once", 16, ask(request(1).repeat(100), 100)),
        of("answers that nobody reads", 200, Act::Ignore(request(2).repeat(100).into())),
        of("HTTP/2 in clear text", 32, ask(format!("{H2_PREFACE}{H2_SETTINGS}"), 1)),
        of(
            "trailers without end",
            32,
            Act::Flood(format!("{chunked}0\r\n").into(), format!("X-T: {long}\r\n").into()),
        ),
        of(
            "chunk extensions without end",
            32,
            Act::Flood(format!("{chunked}1;").into(), long.clone().into()),
        ),
        of(
            "Expect: 100-continue, and no body",
            500,
            Act::Wait(post("Expect: 100-continue\r\nContent-Length: 100\r\n").into()),
        ),
        of("two lengths", 32, ask(post("Content-Length: 2\r\nContent-Length: 3\r\n") + "{} ", 1)),
        of(
            "a length, and chunks",
            32,
            ask(post("Content-Length: 2\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n", 1),
        ),
    ]
}

/// How a client begins that knows that the server speaks HTTP/2 (RFC 9113, section 3.4), and its
/// settings.
const H2_PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const H2_SETTINGS: &str = "\0\0\0\u{4}\0\0\0\0\0";

/// What good traffic saw in one turn.
#[derive(Clone, Copy)]
struct Turn {
    p50: f64,
    p99: f64,
    p999: f64,
}

fn turn(collector: &Collector, rate: f64, length: Duration) -> Turn {
    let taken = steady::for_a_while(collector.ingest_port(), rate, length);
    Turn { p50: taken.at(0.5), p99: taken.at(0.99), p999: taken.at(0.999) }
}

/// The same hostility over all rounds.
#[derive(Default)]
struct Rounds {
    turns: Vec<Turn>,
    ratios: Vec<f64>,
    bytes: Vec<f64>,
    cores: Vec<f64>,
    seen: Seen,
}

impl Rounds {
    fn line(&self, name: &str) -> String {
        let of = |what: fn(&Turn) -> f64| median(self.turns.iter().map(what).collect());
        let turns = format!(
            "{name:<40} {:>7.0} {:>7.0} {:>7.0}",
            of(|turn| turn.p50),
            of(|turn| turn.p99),
            of(|turn| turn.p999)
        );
        if self.ratios.is_empty() {
            return turns;
        }
        let seen = self.seen.iter().map(|(what, times)| format!("{what}: {times}"));
        format!(
            "{turns} {:>6.2}x {:>5.0} {:>5.0}  {}",
            median(self.ratios.clone()),
            median(self.cores.clone()),
            median(self.bytes.clone()) / 1_048_576.0,
            seen.collect::<Vec<_>>().join(", ")
        )
    }
}

fn main() {
    if rig::lacks("hostile", &["wrk", "taskset", "chrt"]) {
        return;
    }
    let bench = rig::is_bench();
    let files = open_many_files();
    if !take_the_clients_core() {
        println!(
            "this user may not say who goes first: latencies have the clients' own turns in them"
        );
    }
    let (rounds, share) = if bench { (7, 1) } else { (1, 100) };
    let length = Duration::from_millis(if bench { 1_000 } else { 100 });
    let only = std::env::var("HOSTILITY").unwrap_or_default();
    let mut hostilities = hostilities();
    hostilities.retain(|it| it.name.contains(&only));
    for hostility in &mut hostilities {
        hostility.clients = hostility.clients.div_ceil(share);
        assert!(
            files > hostility.clients as u64 + 1_000,
            "raise the bound of open files (ulimit -n)"
        );
    }
    let under_which = std::env::var("DURABILITY").unwrap_or_default();
    for durability in ["process", "disk"].into_iter().filter(|it| it.contains(&under_which)) {
        under(durability, &hostilities, rounds, length);
    }
}

fn under(durability: &str, hostilities: &[Hostility], rounds: usize, length: Duration) {
    let folder = tempfile::tempdir().expect("a folder");
    let script_path = folder.path().join("requests.lua");
    fs::write(&script_path, script()).expect("the folder is writable");
    let settings = [("HEADCOUNT_SPOOL__DURABILITY", durability)];
    let mut collector = rig::collector(&folder.path().join("data"), &settings);
    let port = collector.ingest_port();
    let seconds = if rounds > 1 { 3 } else { 1 };
    let rate = saturate(port, &script_path, seconds) / seconds as f64 / 4.0;
    // What full load left in its memory is of no interest here.
    assert!(collector.stop().success());
    collector.restart();
    rig::place(&collector);
    if !go_first(collector.pid()) {
        println!(
            "this user may not say who goes first: latencies have other programs' turns in them"
        );
    }

    let mut quiet = Rounds::default();
    let mut all: Vec<Rounds> = hostilities.iter().map(|_| Rounds::default()).collect();
    let mut before = turn(&collector, rate, length);
    for _ in 0..rounds {
        for (hostility, rounds) in hostilities.iter().zip(&mut all) {
            let clients = Clients::start(port, hostility.clients, &hostility.act);
            let (begun, used) = (Instant::now(), cpu(collector.pid()));
            let during = turn(&collector, rate, length);
            let used = cpu(collector.pid()) - used;
            rounds.cores.push(used / begun.elapsed().as_secs_f64() / 1e4);
            rounds.bytes.push(resident(collector.pid()));
            for (what, times) in clients.stop() {
                *rounds.seen.entry(what).or_default() += times;
            }
            until("their connections are gone", || {
                (metric(&collector, "http_open_connections") < 64.0).then_some(())
            });
            let after = turn(&collector, rate, length);
            rounds.ratios.push(during.p99 / f64::midpoint(before.p99, after.p99));
            rounds.turns.push(during);
            quiet.turns.push(after);
            before = after;
        }
    }
    println!(
        "durability = \"{durability}\", {rate:.0} page views a second, {rounds} turns of {} s, \
         medians; microseconds",
        length.as_secs_f64()
    );
    println!(
        "{:<40} {:>7} {:>7} {:>7} {:>7} {:>5} {:>5}  they saw, over all turns",
        "", "p50", "p99", "p99.9", "p99", "CPU %", "MiB"
    );
    println!("{}", quiet.line("quiet"));
    for (hostility, rounds) in hostilities.iter().zip(&all) {
        let name = format!("{} {}", hostility.clients, hostility.name);
        println!("{}", rounds.line(&name));
    }
    println!();
    assert!(collector.stop().success());
}
