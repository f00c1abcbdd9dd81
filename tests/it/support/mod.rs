//! A real collector in a process of its own, and a client that speaks HTTP to it.

pub(crate) mod http;
pub(crate) mod search;

use std::fs::{self, File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use http::Client;

/// How long a condition may take before a test gives up on it. Far above what it takes.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Waits until `condition` gives a value.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(begun.elapsed() < PATIENCE, "gave up waiting until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A free port of the loopback address.
pub(crate) fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("the loopback has a port");
    listener.local_addr().expect("it is bound").port()
}

/// A running `headcount serve`.
pub(crate) struct Collector {
    child: Child,
    data: PathBuf,
    ingest: u16,
    console: u16,
    settings: Vec<(String, String)>,
}

impl Collector {
    /// Starts a collector on `data` and waits until it takes hits.
    pub(crate) fn start(data: &Path, settings: &[(&str, &str)]) -> Self {
        let settings = settings.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let (ingest, console) = (free_port(), free_port());
        let child = spawn(data, ingest, console, &settings);
        let collector = Self { child, data: data.to_owned(), ingest, console, settings };
        collector.wait_until_ready();
        collector
    }

    /// Starts it again, on the same folder and ports.
    pub(crate) fn restart(&mut self) {
        let ended = self.child.try_wait().expect("it was a child");
        assert!(ended.is_some(), "the collector still runs");
        self.child = spawn(&self.data, self.ingest, self.console, &self.settings);
        self.wait_until_ready();
    }

    /// Starts it again, and kills it after `time` if it has not ended by then.
    pub(crate) fn start_for(&mut self, time: Duration) {
        self.child = spawn(&self.data, self.ingest, self.console, &self.settings);
        let begun = Instant::now();
        until("it has ended, or had its time", || {
            (begun.elapsed() > time || self.has_ended()).then_some(())
        });
        self.kill();
    }

    fn wait_until_ready(&self) {
        until("the collector takes hits", || {
            let answer = Client::new(self.ingest).get("/readyz", &[]).ok()?;
            (answer.status == 200).then_some(())
        });
    }

    /// Kills the collector as `kill -9` does.
    pub(crate) fn kill(&mut self) {
        self.child.kill().expect("it runs");
        self.child.wait().expect("it was a child");
    }

    /// Whether it has ended by itself, or was asked to.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().expect("it was a child").is_some()
    }

    /// Sets an environment variable of the next start.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.settings.retain(|(other, _)| other != name);
        self.settings.push((name.to_owned(), value.to_owned()));
    }

    /// Asks it to stop, and waits until it has.
    pub(crate) fn stop(&mut self) -> std::process::ExitStatus {
        signal(self.pid(), "TERM");
        self.stopped()
    }

    /// Waits until it has stopped, after it was asked to.
    pub(crate) fn stopped(&mut self) -> std::process::ExitStatus {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it was a child") {
                return status;
            }
            assert!(begun.elapsed() < PATIENCE, "the collector does not stop");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The process id of its engine, if that runs.
    pub(crate) fn engine_pid(&self) -> Option<u32> {
        children(self.child.id()).into_iter().find(|pid| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|b| *b == 0).any(|argument| argument == b"engine")
        })
    }

    /// Its data folder.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The collector's process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// A client of the ingest listener.
    pub(crate) fn ingest(&self) -> Client {
        Client::new(self.ingest)
    }

    /// The port of the ingest listener.
    pub(crate) fn ingest_port(&self) -> u16 {
        self.ingest
    }

    /// A client of the console.
    pub(crate) fn console(&self) -> Client {
        Client::new(self.console)
    }

    /// Runs a command on the same data folder; its standard output.
    pub(crate) fn command(&self, arguments: &[&str]) -> String {
        let output = command(&self.data, arguments);
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    /// Adds a site, and makes an API key for it.
    pub(crate) fn site(&self, domain: &str, timezone: &str) -> String {
        self.command(&["site", "add", domain, "--timezone", timezone]);
        self.key(domain)
    }

    /// Makes an API key for a site.
    pub(crate) fn key(&self, domain: &str) -> String {
        let said = self.command(&["key", "create", "--site", domain]);
        said.lines().last().expect("a key").to_owned()
    }

    /// Asks the stats API.
    pub(crate) fn query(&self, key: &str, question: &Value) -> Result<Value, (u16, Value)> {
        let bearer = format!("Bearer {key}");
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let answer = self
            .console()
            .post("/api/v2/query", &headers, question.to_string().as_bytes())
            .map_err(|_| (0, json!(null)))?;
        let body = serde_json::from_slice(&answer.body).unwrap_or(json!(null));
        if answer.status == 200 { Ok(body) } else { Err((answer.status, body)) }
    }

    /// The ledger of a site.
    pub(crate) fn ledger(&self, key: &str, site: &str) -> Option<Value> {
        let bearer = format!("Bearer {key}");
        let path =
            format!("/api/v1/ledger?site_id={}", site.replace('(', "%28").replace(')', "%29"));
        let answer = self.console().get(&path, &[("authorization", &bearer)]).ok()?;
        (answer.status == 200).then(|| serde_json::from_slice(&answer.body).expect("JSON"))
    }

    /// Waits until everything that was counted is in ClickHouse; the ledger then.
    pub(crate) fn settled_ledger(&self, key: &str, site: &str) -> Value {
        let begun = Instant::now();
        loop {
            let ledger = self.ledger(key, site);
            let is_settled = |it: &&Value| it["spooled"] == 0 && it["received"] == balance(it);
            if let Some(settled) = ledger.as_ref().filter(is_settled) {
                return settled.clone();
            }
            // What failed may be waited out before it is sent again.
            assert!(begun.elapsed() < 3 * PATIENCE, "not everything is written: {ledger:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// What it logged, over all its lives.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(log_of(&self.data)).expect("it logged")
    }

    /// What it printed, over all its lives.
    pub(crate) fn printed(&self) -> String {
        fs::read_to_string(log_of(&self.data).with_extension("out")).expect("it printed")
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// What should equal `received`.
pub(crate) fn balance(ledger: &Value) -> u64 {
    let sum = |part: &str| -> u64 {
        let reasons = ledger[part].as_object();
        reasons.into_iter().flatten().map(|(_, hits)| hits.as_u64().expect("a count")).sum()
    };
    ledger["counted"].as_u64().expect("a count") + sum("dropped") + sum("rejected")
}

/// Runs `headcount` with a data folder.
pub(crate) fn command(data: &Path, arguments: &[&str]) -> std::process::Output {
    prepared(data, arguments).stdin(Stdio::null()).output().expect("the program runs")
}

/// `headcount` with a data folder, to be run.
pub(crate) fn prepared(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command
        .args(arguments)
        .env("HEADCOUNT_DATA_DIR", data)
        .current_dir(data.parent().expect("it is in a folder"));
    command
}

/// Sends a signal by name.
pub(crate) fn signal(pid: u32, name: &str) {
    assert!(try_signal(pid, name), "no process {pid} to signal");
}

/// Sends a signal by name. False: there is no such process any more.
pub(crate) fn try_signal(pid: u32, name: &str) -> bool {
    let output = Command::new("kill").args([&format!("-{name}"), &pid.to_string()]).output();
    output.expect("kill is there").status.success()
}

fn log_of(data: &Path) -> PathBuf {
    data.with_extension("log")
}

fn spawn(data: &Path, ingest: u16, console: u16, settings: &Vec<(String, String)>) -> Child {
    let append = |path: PathBuf| -> File {
        OpenOptions::new().create(true).append(true).open(path).expect("the folder is writable")
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
    command
        .arg("serve")
        .env("HEADCOUNT_DATA_DIR", data)
        .env("HEADCOUNT_INGEST__LISTEN", format!("127.0.0.1:{ingest}"))
        .env("HEADCOUNT_CONSOLE__LISTEN", format!("127.0.0.1:{console}"))
        .env("HEADCOUNT_LOG__LEVEL", "debug")
        .current_dir(data.parent().expect("it is in a folder"))
        .stdin(Stdio::null())
        .stdout(append(log_of(data).with_extension("out")))
        .stderr(append(log_of(data)));
    for (name, value) in settings {
        command.env(name, value);
    }
    command.spawn().expect("the program starts")
}

fn children(parent: u32) -> Vec<u32> {
    let entries = fs::read_dir("/proc").expect("Linux");
    let pids = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // The name is in brackets, and may hold blanks; the parent is the second field after it.
        let after = stat.rsplit_once(')').map_or("", |(_, after)| after);
        after.split_whitespace().nth(1).and_then(|text| text.parse().ok()) == Some(parent)
    })
    .collect()
}
