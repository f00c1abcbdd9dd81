//! An access log of two million lines: read and counted by `headcount import`, and by GoAccess if
//! that is installed, one after the other, three times each.
//!
//! The lines are those of the test data's real log, two hundred times over on later and later days.
//! `HEADCOUNT_TEST_DATA` says where that is.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_macros,
    clippy::cast_precision_loss,
    reason = "a bench prints its figures"
)]

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use jiff::ToSpan as _;
use jiff::civil::Date;

const COPIES: i64 = 200;
const ROUNDS: usize = 3;
const SITE: &str = "bench.example";

fn main() {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("HEADCOUNT_TEST_DATA").map_or(beside, PathBuf::from);
    let Ok(real) = fs::read_to_string(folder.join("apache_logs")) else {
        println!("import: not run: there is no apache_logs in HEADCOUNT_TEST_DATA");
        return;
    };
    let temporary = tempfile::tempdir().expect("a folder");
    let log = temporary.path().join("access.log");
    let lines = write(&real, &log);
    let headcount = || run_headcount(temporary.path(), &log);
    let goaccess = || run_goaccess(temporary.path(), &log);
    headcount();
    let mut rounds = Vec::new();
    for _ in 0..ROUNDS {
        rounds.push((headcount(), goaccess()));
    }
    let rate = |took: Duration| lines as f64 / took.as_secs_f64();
    let ours = rate(median(rounds.iter().map(|(ours, _)| *ours).collect()));
    println!("import: {lines} lines, median of {ROUNDS}");
    println!("  headcount  {ours:>10.0} lines a second");
    match rounds.iter().map(|(_, theirs)| *theirs).collect::<Option<Vec<_>>>() {
        None => println!("  goaccess   not installed"),
        Some(theirs) => {
            let theirs = rate(median(theirs));
            println!("  goaccess   {theirs:>10.0} lines a second");
            println!("  ratio      {:>10.1}", ours / theirs);
        }
    }
}

/// Writes the log's copies, each four days after the one before; says how many lines.
fn write(real: &str, to: &Path) -> usize {
    let mut out = BufWriter::new(File::create(to).expect("the folder is writable"));
    let mut lines = 0;
    for copy in 0..COPIES {
        let begin = Date::constant(2015, 1, 1).saturating_add((4 * copy).days());
        for line in real.lines() {
            let (head, rest) = line.split_once('[').expect("a date");
            let day: i64 = rest[..2].parse().expect("a day");
            let date = begin.saturating_add((day - 17).days()).strftime("%d/%b/%Y");
            writeln!(out, "{head}[{date}{}", &rest[11..]).expect("the disk has room");
            lines += 1;
        }
    }
    out.flush().expect("the disk has room");
    lines
}

fn run_headcount(folder: &Path, log: &Path) -> Duration {
    let data = folder.join("data");
    let run = |arguments: &[&str]| {
        let status = Command::new(env!("CARGO_BIN_EXE_headcount"))
            .args(arguments)
            .env("HEADCOUNT_DATA_DIR", &data)
            .env("HEADCOUNT_PRIVACY__RETENTION_MONTHS", "0")
            .current_dir(folder)
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("the program runs").success());
    };
    if !data.is_dir() {
        run(&["site", "add", SITE]);
    }
    let log = log.to_str().expect("UTF-8");
    let begun = Instant::now();
    run(&["import", "access-log", log, "--site", SITE, "--dry-run"]);
    begun.elapsed()
}

fn run_goaccess(folder: &Path, log: &Path) -> Option<Duration> {
    let begun = Instant::now();
    let status = Command::new("goaccess")
        .arg(log)
        .args(["--log-format=COMBINED", "--no-progress", "-o"])
        .arg(folder.join("goaccess.json"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .ok()?;
    assert!(status.success(), "goaccess failed");
    Some(begun.elapsed())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
