//! Instructions a hit, by thread, as callgrind counts them: unlike times they say the same on a
//! machine that has neighbours, so that a regression shows.
//!
//! The corpus: 8,192 page views of 4,096 visitors of one site (500 pages, four agents, five
//! referrers), over 32 connections, of which each has sent its request before the first answer is
//! read. As many are sent before, and not counted. Times are not those of a real run: the thread that
//! counts cuts its batches by the clock, and its share varies with how many cuts fall into the run.

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

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use rig::median;
use rig::traffic::{SITE, request};
use support::http::Client;
use support::{free_port, signal, until};

const CONNECTIONS: usize = 32;

/// What marks a thread's work among the names of its functions; the first that is found.
const THREADS: [(&str, &str); 3] = [
    ("headcount::edge::hits::", "listener"),
    ("headcount::count::", "counter"),
    ("headcount::spool::", "writer"),
];

/// A collector under callgrind, which counts once it is told to.
struct Counted {
    child: Child,
    port: u16,
}

impl Counted {
    fn start(folder: &Path) -> Self {
        let (port, console) = (free_port(), free_port());
        let data = folder.join("data");
        let child = Command::new("valgrind")
            .args(["--tool=callgrind", "--instr-atstart=no", "--separate-threads=yes", "-q"])
            .arg(format!("--callgrind-out-file={}/out", folder.display()))
            .arg(format!("--log-file={}/log", folder.display()))
            .args([env!("CARGO_BIN_EXE_headcount"), "serve"])
            .env("HEADCOUNT_DATA_DIR", &data)
            .env("HEADCOUNT_LOG__LEVEL", "warn")
            .env("HEADCOUNT_INGEST__THREADS", "1")
            .env("HEADCOUNT_INGEST__LISTEN", format!("127.0.0.1:{port}"))
            .env("HEADCOUNT_CONSOLE__LISTEN", format!("127.0.0.1:{console}"))
            .current_dir(folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("valgrind starts");
        let counted = Self { child, port };
        until("the collector takes hits", || {
            let answer = Client::new(port).get("/readyz", &[]).ok()?;
            (answer.status == 200).then_some(())
        });
        let added = support::command(&data, &["site", "add", SITE]);
        assert!(added.status.success(), "a site is added");
        counted
    }

    fn control(&self, arguments: &[&str]) {
        let output = Command::new("callgrind_control")
            .args(arguments)
            .arg(self.child.id().to_string())
            .output()
            .expect("callgrind_control runs");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !said.contains("Error"), "{said}");
    }

    /// Sends the requests from `first` on, a round of all connections at a time.
    fn send(&self, first: usize, count: usize) {
        let connect = |_| TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let mut streams: Vec<_> = (0..CONNECTIONS).map(connect).collect();
        for round in (first..first + count).step_by(CONNECTIONS) {
            for (stream, number) in streams.iter_mut().zip(round..) {
                stream.write_all(request(number).as_bytes()).expect("it reads");
            }
            for stream in &mut streams {
                let mut answer = [0; 2048];
                let mut got = 0;
                while got == 0 || answer[got - 1] != b';' {
                    let read = stream.read(&mut answer[got..]).expect("it answers");
                    assert!(read > 0, "it answers");
                    got += read;
                }
            }
        }
    }

    fn stop(mut self) {
        signal(self.child.id(), "TERM");
        assert!(self.child.wait().expect("it was a child").success());
    }
}

/// Instructions of each thread, by its name, over all that was dumped into `folder`.
fn instructions(folder: &Path) -> BTreeMap<&'static str, f64> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("it is there") {
        let path = entry.expect("it is listed").path();
        if !path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("out")) {
            continue;
        }
        let text = fs::read_to_string(&path).expect("callgrind writes text");
        let totals = text.lines().filter_map(|line| line.strip_prefix("totals: "));
        let count: f64 = totals.filter_map(|total| total.trim().parse::<f64>().ok()).sum();
        let names =
            || text.lines().filter(|line| line.starts_with("fn=") || line.starts_with("cfn="));
        let found = THREADS.iter().find(|(mark, _)| names().any(|line| line.contains(mark)));
        *all.entry(found.map_or("others", |(_, name)| name)).or_default() += count;
    }
    all
}

/// One run; instructions a hit, by thread.
fn run(hits: usize) -> BTreeMap<&'static str, f64> {
    let folder = tempfile::tempdir().expect("a folder");
    let counted = Counted::start(folder.path());
    counted.send(0, hits);
    counted.control(&["-i", "on"]);
    counted.send(hits, hits);
    counted.control(&["-i", "off"]);
    counted.stop();
    let all = instructions(folder.path());
    for (_, name) in THREADS {
        assert!(all.contains_key(name), "the {name} thread was found");
    }
    all.into_iter().map(|(name, count)| (name, count / hits as f64)).collect()
}

fn main() {
    if rig::lacks("instructions", &["valgrind", "callgrind_control"]) {
        return;
    }
    let (hits, runs) = if rig::is_bench() { (8192, 3) } else { (256, 1) };
    let runs: Vec<_> = (0..runs).map(|_| run(hits)).collect();
    println!(
        "{hits} page views over {CONNECTIONS} connections; instructions a hit, of {} runs",
        runs.len()
    );
    println!("{:<10} {:>9} {:>9} {:>9}", "thread", "least", "median", "most");
    let line = |name: &str, values: Vec<f64>| {
        let least = values.iter().copied().fold(f64::INFINITY, f64::min);
        let most = values.iter().copied().fold(0.0, f64::max);
        println!("{name:<10} {least:>9.0} {:>9.0} {most:>9.0}", median(values));
    };
    for name in ["listener", "writer", "counter", "others"] {
        line(name, runs.iter().map(|run| run.get(name).copied().unwrap_or(0.0)).collect());
    }
    line("all", runs.iter().map(|run| run.values().sum()).collect());
}
