//! A proxy between collector and ClickHouse that does to inserts what networks do.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Mutex, Notify};
use tokio::time::{Instant, sleep_until};

/// What happens to one insert.
#[derive(Clone, Copy, Debug)]
pub(super) enum Fault {
    /// Nothing.
    Pass,
    /// It arrives, and the answer is lost.
    LoseAnswer,
    /// It arrives, and the client is told that it failed.
    Say500,
    /// The connection breaks in the middle of it.
    Cut,
    /// It arrives when another has passed, and after this time: the client has given up.
    Hold(Duration),
}

pub(super) struct Proxy {
    port: u16,
    state: Arc<State>,
}

struct State {
    origin: u16,
    plan: Vec<Fault>,
    inserts: AtomicUsize,
    held: AtomicUsize,
    passed: Notify,
    answers: Mutex<Vec<String>>,
}

impl Proxy {
    /// Listens before the ClickHouse at `origin`, and treats its inserts after `plan`, over and over.
    pub(super) async fn start(origin: u16, plan: &[Fault]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let state = Arc::new(State {
            origin,
            plan: plan.to_vec(),
            inserts: AtomicUsize::new(0),
            held: AtomicUsize::new(0),
            passed: Notify::new(),
            answers: Mutex::default(),
        });
        let shared = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(connection(client, Arc::clone(&shared)));
            }
        });
        Self { port, state }
    }

    /// The same URL, by way of the proxy.
    pub(super) fn url(&self, url: &str) -> String {
        url.replace(&format!(":{}/", self.state.origin), &format!(":{}/", self.port))
    }

    pub(super) fn inserts(&self) -> usize {
        self.state.inserts.load(Ordering::SeqCst)
    }

    pub(super) fn held(&self) -> usize {
        self.state.held.load(Ordering::SeqCst)
    }

    /// What ClickHouse answered to the inserts that were held.
    pub(super) async fn late_answers(&self) -> Vec<String> {
        self.state.answers.lock().await.clone()
    }

    /// Lets what is held go on, as if another insert had passed.
    pub(super) fn release(&self) {
        self.state.passed.notify_waiters();
    }
}

fn contains(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|window| window == text)
}

/// The port in a URL of the engine.
pub(super) fn port_of(url: &str) -> u16 {
    url.split([':', '/']).find_map(|part| part.parse().ok()).unwrap()
}

async fn connection(mut client: TcpStream, state: Arc<State>) {
    let mut server = TcpStream::connect(("127.0.0.1", state.origin)).await.unwrap();
    let (mut from_client, mut from_server) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    let mut fault = Fault::Pass;
    loop {
        tokio::select! {
            read = client.read(&mut from_client) => {
                let Ok(length @ 1..) = read else { return };
                let bytes = &from_client[..length];
                if contains(bytes, b"query=INSERT+INTO+ledger") {
                    let number = state.inserts.fetch_add(1, Ordering::SeqCst);
                    fault = state.plan[number % state.plan.len()];
                    if let Fault::Hold(time) = fault {
                        return hold(client, bytes.to_vec(), time, &state).await;
                    }
                }
                if matches!(fault, Fault::Cut) {
                    // The head and the body's first half.
                    drop(server.write_all(&bytes[..length - length.min(40)]).await);
                    return;
                }
                if server.write_all(bytes).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut from_server) => {
                let Ok(length @ 1..) = read else { return };
                let answer: &[u8] = match fault {
                    Fault::LoseAnswer => return,
                    Fault::Say500 => b"HTTP/1.1 500 Internal Server Error\r\n\
                        content-length: 0\r\nconnection: close\r\n\r\n",
                    _ => &from_server[..length],
                };
                if client.write_all(answer).await.is_err() || matches!(fault, Fault::Say500) {
                    return;
                }
                if state.inserts.load(Ordering::SeqCst) > 0 {
                    state.passed.notify_waiters();
                }
            }
        }
    }
}

/// Takes the whole insert off the client, waits until another has passed, and delivers it.
async fn hold(mut client: TcpStream, mut bytes: Vec<u8>, time: Duration, state: &State) {
    let ripe = Instant::now() + time;
    let mut buffer = vec![0; 1 << 16];
    state.held.fetch_add(1, Ordering::SeqCst);
    while !bytes.ends_with(b"0\r\n\r\n") {
        match client.read(&mut buffer).await {
            Ok(length @ 1..) => bytes.extend(&buffer[..length]),
            _ => break,
        }
    }
    state.passed.notified().await;
    drop(client);
    sleep_until(ripe).await;
    let mut server = TcpStream::connect(("127.0.0.1", state.origin)).await.unwrap();
    server.write_all(&bytes).await.unwrap();
    // Only what ends the answer is waited for: the connection stays open.
    let mut answer = Vec::new();
    while !answer.ends_with(b"0\r\n\r\n") && !contains(&answer, b"Content-Length: 0") {
        match server.read(&mut buffer).await {
            Ok(length @ 1..) => answer.extend(&buffer[..length]),
            _ => break,
        }
    }
    state.answers.lock().await.push(String::from_utf8_lossy(&answer).into_owned());
}
