//! The collector beside nginx, which answers the same requests with its own GIF and a buffered
//! access log: on one core, with the same client on the other, taking turns.
//!
//! `wrk` and `nginx` come from Debian; without them this says so and ends. CPU is the process's own
//! (the engine's apart), as the kernel counts it. Throughput is what a closed loop of 256
//! connections gets; latency is that of an open loop at half of it: requests leave at times that
//! were fixed beforehand, and are timed from then on.

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

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rig::process::{child_of, cpu, resident};
use rig::traffic::{self, CONNECTIONS};
use rig::{SERVER_CORE, median, steady};
use support::{Collector, free_port, until};

/// A server on its core.
struct Server {
    name: &'static str,
    /// The process that takes the requests, and the engine beside it.
    pid: u32,
    engine: Option<u32>,
    port: u16,
    runs: Runs,
}

/// What ends with the server.
enum Runs {
    Nginx(Child),
    Headcount(Collector),
}

impl Drop for Server {
    fn drop(&mut self) {
        match &mut self.runs {
            Runs::Nginx(child) => {
                support::signal(child.id(), "TERM");
                drop(child.wait());
            }
            Runs::Headcount(collector) => drop(collector.stop()),
        }
    }
}

fn nginx(folder: &Path) -> Server {
    let port = free_port();
    let at = folder.display();
    let config = format!(
        "worker_processes 1; daemon off; pid {at}/nginx.pid; error_log {at}/nginx.err;\n\
         events {{ worker_connections 8192; }}\n\
         http {{ access_log {at}/access.log combined buffer=64k flush=1s; \
         keepalive_requests 100000000;\n\
         server {{ listen 127.0.0.1:{port} backlog=4096; location / {{ empty_gif; }} }} }}\n"
    );
    let path = folder.join("nginx.conf");
    fs::write(&path, config).expect("the folder is writable");
    let child = Command::new("taskset")
        .args(["-c", SERVER_CORE, "nginx", "-c"])
        .arg(&path)
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx starts");
    let pid = until("nginx has a worker", || child_of(child.id(), "worker"));
    Server { name: "nginx, buffered log", pid, engine: None, port, runs: Runs::Nginx(child) }
}

fn headcount(folder: &Path, name: &'static str, durability: &str) -> Server {
    let settings = [("HEADCOUNT_SPOOL__DURABILITY", durability)];
    let collector = rig::collector(&folder.join(durability), &settings);
    Server {
        name,
        pid: collector.pid(),
        engine: collector.engine_pid(),
        port: collector.ingest_port(),
        runs: Runs::Headcount(collector),
    }
}

/// What a turn under full load showed.
#[derive(Clone, Copy)]
struct Turn {
    requests_s: f64,
    cpu_us: f64,
    engine_us: f64,
}

/// A turn under full load, by wrk.
fn turn(server: &Server, script: &Path, seconds: u64) -> Turn {
    let engine = || server.engine.map_or(0.0, cpu);
    let (before, engine_before) = (cpu(server.pid), engine());
    let requests = traffic::saturate(server.port, script, seconds);
    let (after, engine_after) = (cpu(server.pid), engine());
    Turn {
        requests_s: requests / seconds as f64,
        cpu_us: (after - before) / requests,
        engine_us: (engine_after - engine_before) / requests,
    }
}

/// Bytes of a connection that does nothing, over `count` of them.
fn idle_bytes(server: &Server, count: usize) -> f64 {
    let before = resident(server.pid);
    let mut open = Vec::new();
    for _ in 0..count {
        open.push(std::net::TcpStream::connect(("127.0.0.1", server.port)).expect("it listens"));
    }
    std::thread::sleep(Duration::from_millis(500));
    (resident(server.pid) - before) / count as f64
}

fn main() {
    if rig::lacks("side by side", &["nginx", "wrk", "taskset"]) {
        return;
    }
    let bench = rig::is_bench();
    rig::process::take_the_clients_core();
    let (rounds, seconds, steady_s) = if bench { (7, 3, 10) } else { (1, 1, 1) };
    let folder = tempfile::tempdir().expect("a folder");
    let script_path = folder.path().join("requests.lua");
    fs::write(&script_path, traffic::script()).expect("the folder is writable");
    let servers = [
        nginx(folder.path()),
        headcount(folder.path(), "headcount, disk", "disk"),
        headcount(folder.path(), "headcount, process", "process"),
    ];
    let fresh = resident(servers[1].pid);
    let mut turns: [Vec<Turn>; 3] = Default::default();
    for _ in 0..rounds {
        for (server, turns) in servers.iter().zip(&mut turns) {
            turns.push(turn(server, &script_path, seconds));
        }
    }
    let of = |at: usize, what: fn(&Turn) -> f64| median(turns[at].iter().map(what).collect());
    // Turns that follow each other see the same machine: ratios are of those.
    let ratio = |at: usize, to: usize, what: fn(&Turn) -> f64| {
        median(turns[at].iter().zip(&turns[to]).map(|(a, b)| what(a) / what(b)).collect())
    };
    println!("{CONNECTIONS} connections, one core, {rounds} turns of {seconds} s each, medians");
    println!(
        "{:<22} {:>12} {:>11} {:>12} {:>10}",
        "", "requests/s", "CPU us/hit", "against nginx", "engine us"
    );
    for (at, server) in servers.iter().enumerate() {
        println!(
            "{:<22} {:>12.0} {:>11.2} {:>12.2}x {:>10.2}",
            server.name,
            of(at, |turn| turn.requests_s),
            of(at, |turn| turn.cpu_us),
            ratio(at, 0, |turn| turn.cpu_us),
            of(at, |turn| turn.engine_us),
        );
    }
    println!(
        "disk against process: {:.2}x the throughput, {:.2}x the CPU",
        ratio(1, 2, |turn| turn.requests_s),
        ratio(1, 2, |turn| turn.cpu_us)
    );
    let rate = of(1, |turn| turn.requests_s) / 2.0;
    println!("\nopen loop, {rate:.0} requests a second for {steady_s} s, in microseconds");
    println!("{:<22} {:>9} {:>9} {:>9} {:>9}", "", "requests", "p50", "p99", "p99.9");
    for server in &servers {
        let taken = steady::for_a_while(server.port, rate, Duration::from_secs(steady_s));
        println!(
            "{:<22} {:>9} {:>9.0} {:>9.0} {:>9.0}",
            server.name,
            taken.count(),
            taken.at(0.5),
            taken.at(0.99),
            taken.at(0.999)
        );
    }
    let connections = if bench { 900 } else { 50 };
    println!("\nmemory");
    println!("headcount, fresh, without the engine: {:.1} MiB", fresh / 1_048_576.0);
    for server in &servers[..2] {
        let bytes = idle_bytes(server, connections) / 1024.0;
        println!("{}: an idle connection {bytes:.1} KiB, of {connections}", server.name);
    }
}
