//! Upgrades: whoever started the program holds its sockets, and hands them to the next one.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use command_fds::{CommandFdExt as _, FdMapping};
use headcount::outbox::Table;

use crate::stored;
use crate::support::http::Client;
use crate::support::{command, signal, until};

const SITE: &str = "handover.example";
const RESTARTS: usize = 20;
const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

/// The two sockets, which live as long as the test.
struct Supervisor {
    ingest: TcpListener,
    console: TcpListener,
}

impl Supervisor {
    fn new() -> Self {
        let bind = || TcpListener::bind("127.0.0.1:0").expect("the loopback has a port");
        Self { ingest: bind(), console: bind() }
    }

    fn port(&self) -> u16 {
        self.ingest.local_addr().expect("it is bound").port()
    }

    /// Starts the program as systemd does, with these names for the sockets.
    fn start(&self, data: &Path, names: &str) -> Child {
        let fd = |listener: &TcpListener| OwnedFd::from(listener.try_clone().expect("a socket"));
        let mappings = [(&self.ingest, 3), (&self.console, 4)]
            .map(|(listener, child_fd)| FdMapping { parent_fd: fd(listener), child_fd });
        let mut command = Command::new(env!("CARGO_BIN_EXE_headcount"));
        command
            .arg("serve")
            .env("HEADCOUNT_DATA_DIR", data)
            .env("HEADCOUNT_LOG__LEVEL", "debug")
            // Were these bound, a second program could not be.
            .env("HEADCOUNT_INGEST__LISTEN", "127.0.0.1:1")
            .env("HEADCOUNT_CONSOLE__LISTEN", "127.0.0.1:1")
            .env("LISTEN_FDS", "2")
            .env("LISTEN_FDNAMES", names)
            .current_dir(data.parent().expect("it is in a folder"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .fd_mappings(mappings.into())
            .expect("the numbers differ");
        command.spawn().expect("the program starts")
    }
}

/// What clients saw.
#[derive(Default)]
struct Sent {
    answered: BTreeSet<String>,
    unanswered: BTreeSet<String>,
}

/// Sends hits until `stop`. `anew`: each on a connection of its own, and each must be answered;
/// others are sent again where a kept connection was closed, as browsers do.
fn load(port: u16, anew: bool, next: &AtomicU64, stop: &AtomicBool) -> Sent {
    let mut sent = Sent::default();
    let mut client = Client::new(port);
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let page = format!("/{}", letters(number));
        let body = serde_json::json!({"n": "pageview", "d": SITE,
            "u": format!("https://{SITE}{page}")});
        if anew {
            client = Client::new(port);
        }
        let address = format!("10.2.{}.{}", number / 200 % 200, number % 200 + 1);
        let headers = [("x-forwarded-for", address.as_str()), ("user-agent", AGENT)];
        match client.post("/api/event", &headers, body.to_string().as_bytes()) {
            Ok(answer) => {
                assert_eq!(answer.status, 202, "{page}");
                sent.answered.insert(page);
            }
            Err(error) => {
                assert!(!anew, "a new connection was not served: {error}");
                assert_ne!(error.kind(), ErrorKind::ConnectionRefused, "{error}");
                sent.unanswered.insert(page);
            }
        }
    }
    sent
}

fn letters(mut number: u64) -> String {
    let mut letters = String::from("h");
    loop {
        letters.push(char::from(b'a' + u8::try_from(number % 26).expect("below 26")));
        number /= 26;
        if number == 0 {
            return letters;
        }
    }
}

#[test]
fn twenty_restarts_under_load_refuse_no_connection_and_lose_no_hit() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    assert!(command(&data, &["site", "add", SITE]).status.success());
    let supervisor = Supervisor::new();
    let port = supervisor.port();
    let mut child = supervisor.start(&data, "ingest:console");
    let (next, stop) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let clients: Vec<_> = (0..4)
        .map(|at| {
            let (next, stop) = (Arc::clone(&next), Arc::clone(&stop));
            std::thread::spawn(move || load(port, at % 2 == 0, &next, &stop))
        })
        .collect();
    for _ in 0..RESTARTS {
        let before = next.load(Ordering::Relaxed);
        until("some hits were sent", || {
            (next.load(Ordering::Relaxed) > before + 200).then_some(())
        });
        signal(child.id(), "TERM");
        assert!(child.wait().expect("it was a child").success(), "it stops in order");
        child = supervisor.start(&data, "ingest:console");
    }
    let before = next.load(Ordering::Relaxed);
    until("the last one serves", || (next.load(Ordering::Relaxed) > before + 200).then_some(()));
    stop.store(true, Ordering::Relaxed);
    let mut sent = Sent::default();
    for client in clients {
        let of = client.join().expect("every connection was served");
        sent.answered.extend(of.answered);
        sent.unanswered.extend(of.unanswered);
    }
    signal(child.id(), "TERM");
    assert!(child.wait().expect("it was a child").success());

    let counted = stored::read(&data).by_page(Table::Pages, "pageviews", SITE);
    for (page, views) in &counted {
        assert_eq!(*views, 1, "{page}");
        assert!(sent.answered.contains(page) || sent.unanswered.contains(page), "{page}");
    }
    let lost = sent.answered.iter().filter(|page| !counted.contains_key(*page)).count();
    assert_eq!(lost, 0, "of {} answered hits", sent.answered.len());
}

#[test]
fn a_descriptor_that_is_not_ours_or_is_one_too_many_ends_the_start() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    for names in ["ingest:cheese", "console:console"] {
        let mut child = Supervisor::new().start(&data, names);
        assert_eq!(child.wait().expect("it was a child").code(), Some(1), "{names}");
    }
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let supervisor = Supervisor::new();
    let mut child = supervisor.start(&data, "ingest:console");
    let mut client = Client::new(supervisor.port());
    until("it serves", || client.get("/healthz", &[]).ok());
    // A request that never ends holds the stop up, for a while.
    let mut slow = std::net::TcpStream::connect(("127.0.0.1", supervisor.port())).expect("served");
    std::io::Write::write_all(
        &mut slow,
        b"POST /api/event HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n",
    )
    .expect("it reads");
    until("it is being read", || client.get("/healthz", &[]).ok());
    signal(child.id(), "TERM");
    until("it stops to take connections", || {
        let stopping = client.get("/readyz", &[]).map_or(true, |answer| answer.status != 200);
        stopping.then_some(())
    });
    signal(child.id(), "TERM");
    assert_eq!(child.wait().expect("it was a child").code(), Some(1));
}
