//! Processes as the kernel sees them.

use std::fs;
use std::process::{Command, Stdio};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, setpriority_process, setrlimit};

use super::{CLIENT_CORE, is_bench};

/// CPU of a process so far, in microseconds.
pub(crate) fn cpu(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    let after = stat.rsplit_once(')').expect("a stat line").1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<f64>().expect("ticks")).sum::<f64>() * 1e4
}

/// Resident bytes of a process.
pub(crate) fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("it runs");
    let line = status.lines().find(|line| line.starts_with("VmRSS")).expect("it is told");
    line.split_whitespace().nth(1).and_then(|kib| kib.parse::<f64>().ok()).expect("KiB") * 1024.0
}

/// A child of a process, of whichever of its threads, whose command line holds `word`.
pub(crate) fn child_of(parent: u32, word: &str) -> Option<u32> {
    let threads = fs::read_dir(format!("/proc/{parent}/task")).ok()?;
    let children =
        threads.filter_map(|thread| fs::read_to_string(thread.ok()?.path().join("children")).ok());
    let children = children.collect::<Vec<_>>().concat();
    let mut pids = children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok());
    pids.find(|pid| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(word)
    })
}

/// Keeps a process, with all its threads, on a core.
pub(crate) fn pin(pid: u32, core: &str) {
    let mut command = Command::new("taskset");
    command.args(["-apc", core, &pid.to_string()]).stdout(Stdio::null());
    assert!(command.status().is_ok_and(|status| status.success()), "a process is moved");
}

/// Lets a process, with all its threads, go before what else this machine does. False: this user may
/// not say so.
pub(crate) fn go_first(pid: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("it runs");
    let mut ids = threads.filter_map(|thread| thread.ok()?.file_name().to_str()?.parse().ok());
    ids.all(|id| setpriority_process(Pid::from_raw(id), -15).is_ok())
}

/// Keeps this process on the clients' core, and its first thread, which times the good traffic,
/// before everything else there: what is measured is the server, not the clients' turns. False: this
/// user may not say what goes first.
pub(crate) fn take_the_clients_core() -> bool {
    // Elsewhere than in a measurement there are no cores to be had.
    if !is_bench() {
        return true;
    }
    pin(std::process::id(), CLIENT_CORE);
    let mut command = Command::new("chrt");
    command.args(["-R", "-f", "-p", "5", &std::process::id().to_string()]);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Lets this process, and those that it starts, open as many files as it may; how many.
pub(crate) fn open_many_files() -> u64 {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).expect("up to the bound");
    maximum.unwrap_or(u64::MAX)
}
