//! A proxy between collector and ClickHouse that does to requests and answers what the driver says.
//!
//! It follows the engine over its restarts: the address, path and password of the run that is there
//! now are put into each request's head.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use headcount::store::StoreConfig;

use crate::support::until;

/// What happens to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// Nothing.
    Pass,
    /// Its connection ends before it is read.
    Refuse,
    /// It is read, and nothing follows, until the mode changes.
    Hang,
    /// It arrives, and the client is told that it failed.
    Say500,
    /// It arrives, and half of the answer comes back.
    HalfAnswer,
    /// It arrives, and no answer comes back.
    LoseAnswer,
    /// Half of it arrives.
    HalfRequest,
    /// It arrives later.
    Delay(Duration),
    /// It arrives later, when the client has given up on it.
    HoldBack(Duration),
}

/// A mode, and whether it is for every request or for inserts alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) mode: Mode,
    pub(super) inserts_only: bool,
}

pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    rule: Mutex<Rule>,
    changed: Condvar,
    /// Connections that are not over.
    open: AtomicUsize,
    closing: AtomicBool,
    /// How the engine is reached now.
    origin: Box<dyn Fn() -> StoreConfig + Send + Sync>,
}

const PASS: Rule = Rule { mode: Mode::Pass, inserts_only: false };

impl Proxy {
    pub(super) fn start(origin: impl Fn() -> StoreConfig + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("the loopback has a port");
        let port = listener.local_addr().expect("it is bound").port();
        let state = Arc::new(State {
            rule: Mutex::new(PASS),
            changed: Condvar::new(),
            open: AtomicUsize::new(0),
            closing: AtomicBool::new(false),
            origin: Box::new(origin),
        });
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                if shared.closing.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(client) = client else { continue };
                let state = Arc::clone(&shared);
                state.open.fetch_add(1, Ordering::SeqCst);
                std::thread::spawn(move || {
                    // A connection that fails is what this proxy is for.
                    drop(state.serve(&client));
                    drop(client);
                    state.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { port, state }
    }

    pub(super) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Treats requests after `rule` from now on; those that hang end.
    pub(super) fn set(&self, rule: Rule) {
        *self.state.rule.lock().expect("no holder panics") = rule;
        self.state.changed.notify_all();
    }

    pub(super) fn pass(&self) {
        self.set(PASS);
    }

    /// Waits until whatever was held back has been delivered. Only while nobody asks.
    pub(super) fn close(self) {
        self.state.closing.store(true, Ordering::SeqCst);
        self.pass();
        drop(TcpStream::connect(("127.0.0.1", self.port)));
        until("the proxy delivered everything", || {
            (self.state.open.load(Ordering::SeqCst) == 0).then_some(())
        });
    }
}

impl State {
    fn rule_for(&self, head: &str) -> Mode {
        let rule = *self.rule.lock().expect("no holder panics");
        let is_insert = head.lines().next().is_some_and(|line| line.contains("query=INSERT"));
        if rule.inserts_only && !is_insert { Mode::Pass } else { rule.mode }
    }

    /// Waits for `time`, or until the rule changes.
    fn linger(&self, time: Duration) {
        let rule = self.rule.lock().expect("no holder panics");
        let before = *rule;
        drop(self.changed.wait_timeout_while(rule, time, |now| *now == before));
    }

    /// One request, and its answer.
    fn serve(&self, mut client: &TcpStream) -> std::io::Result<()> {
        if *self.rule.lock().expect("no holder panics")
            == (Rule { mode: Mode::Refuse, inserts_only: false })
        {
            return client.shutdown(Shutdown::Both);
        }
        let (head, body) = read_request(&mut BufReader::new(client))?;
        let mode = self.rule_for(&head);
        match mode {
            Mode::Refuse => return Ok(()),
            Mode::Hang => {
                self.linger(Duration::from_mins(1));
                return Ok(());
            }
            Mode::Delay(time) => self.linger(time),
            Mode::HoldBack(time) => {
                client.shutdown(Shutdown::Both)?;
                std::thread::sleep(time);
            }
            _ => {}
        }
        let origin = (self.origin)();
        let (address, path) = split(&origin.url);
        let mut request = rewritten(&head, path, &origin).into_bytes();
        request.extend(&body);
        let mut server = TcpStream::connect(address)?;
        server.set_read_timeout(Some(Duration::from_mins(1)))?;
        if mode == Mode::HalfRequest {
            return server.write_all(&request[..request.len() - body.len().div_ceil(2)]);
        }
        server.write_all(&request)?;
        let mut answer = Vec::new();
        server.read_to_end(&mut answer)?;
        match mode {
            Mode::LoseAnswer | Mode::HoldBack(_) => Ok(()),
            Mode::Say500 => client.write_all(
                b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            ),
            Mode::HalfAnswer => client.write_all(&answer[..answer.len() / 2]),
            _ => client.write_all(&answer),
        }
    }
}

/// Head and body of a request, as they came.
fn read_request(client: &mut BufReader<&TcpStream>) -> std::io::Result<(String, Vec<u8>)> {
    let short = || std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if client.read_line(&mut head)? == 0 {
            return Err(short());
        }
    }
    let value = |name: &str| {
        let lines = head.lines().filter_map(|line| line.split_once(':'));
        let mut of = lines.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        of.next().map(|(_, value)| value.trim().to_owned())
    };
    let mut body = Vec::new();
    if let Some(length) = value("content-length").and_then(|text| text.parse().ok()) {
        body.resize(length, 0);
        client.read_exact(&mut body)?;
    } else if value("transfer-encoding").is_some() {
        loop {
            let mut line = String::new();
            client.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim_end(), 16).map_err(|_| short())?;
            let mut chunk = vec![0; size + 2];
            client.read_exact(&mut chunk)?;
            body.extend(line.into_bytes());
            body.extend(chunk);
            if size == 0 {
                break;
            }
        }
    }
    Ok((head, body))
}

/// `host:port`, and the path with its slash.
fn split(url: &str) -> (&str, &str) {
    let rest = url.strip_prefix("http://").expect("an engine's URL");
    let at = rest.find('/').unwrap_or(rest.len());
    rest.split_at(at)
}

/// The head with the engine's path, user and password, and without a connection that is kept.
fn rewritten(head: &str, path: &str, origin: &StoreConfig) -> String {
    let mut lines = head.split("\r\n");
    let first = lines.next().unwrap_or_default().replacen(" /", &format!(" {path}"), 1);
    let ours = ["x-clickhouse-user", "x-clickhouse-key", "connection"];
    let others = lines.filter(|line| !line.is_empty()).filter(|line| {
        let name = line.split(':').next().unwrap_or_default();
        !ours.iter().any(|it| name.eq_ignore_ascii_case(it))
    });
    let mut head = first;
    for line in others {
        head += "\r\n";
        head += line;
    }
    let (user, key) = (&origin.user, origin.password.as_deref().unwrap_or_default());
    format!(
        "{head}\r\nx-clickhouse-user: {user}\r\nx-clickhouse-key: {key}\r\n\
         connection: close\r\n\r\n"
    )
}
