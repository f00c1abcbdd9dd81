//! Clients that mean no good. They live on a thread that everything else on its core goes before,
//! and write down what they were answered.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::process::setpriority_process;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::Notify;
use tokio::time::sleep;

use crate::support::until;

/// What one client does, over and over; where its connection ends, on another.
#[derive(Clone)]
pub(crate) enum Act {
    /// Sends this, and then a byte a second.
    Drip(Vec<u8>),
    /// Sends this, and then nothing.
    Wait(Vec<u8>),
    /// Sends this at once, and waits for so many answers.
    Ask(Vec<u8>, usize),
    /// Sends the first, and then the second without end.
    Flood(Vec<u8>, Vec<u8>),
    /// Sends this without end, and reads nothing.
    Ignore(Vec<u8>),
}

/// How often the clients saw what: a status, or the end of a connection.
pub(crate) type Seen = BTreeMap<String, u64>;

/// Clients at work.
pub(crate) struct Clients {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

struct Shared {
    port: u16,
    act: Act,
    /// Clients that have begun.
    begun: AtomicUsize,
    seen: Mutex<Seen>,
    stopping: AtomicBool,
    stop: Notify,
}

impl Clients {
    /// Starts so many, and waits until all have sent something.
    pub(crate) fn start(port: u16, count: usize, act: &Act) -> Self {
        let shared = Arc::new(Shared {
            port,
            act: act.clone(),
            begun: AtomicUsize::new(0),
            seen: Mutex::default(),
            stopping: AtomicBool::new(false),
            stop: Notify::new(),
        });
        let theirs = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            setpriority_process(None, 19).expect("anybody may stand back");
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(async {
                for _ in 0..count {
                    tokio::spawn(client(Arc::clone(&theirs)));
                }
                while !theirs.stopping.load(Ordering::Acquire) {
                    theirs.stop.notified().await;
                }
            });
        });
        until("the clients have begun", || {
            (shared.begun.load(Ordering::Relaxed) >= count).then_some(())
        });
        Self { shared, thread }
    }

    /// Ends them, and all their connections; what they saw.
    pub(crate) fn stop(self) -> Seen {
        self.shared.stopping.store(true, Ordering::Release);
        self.shared.stop.notify_one();
        self.thread.join().expect("they end");
        std::mem::take(&mut *self.shared.seen.lock().expect("no holder panics"))
    }
}

impl Shared {
    fn saw(&self, what: &str) {
        let mut seen = self.seen.lock().expect("no holder panics");
        *seen.entry(what.to_owned()).or_default() += 1;
    }
}

async fn client(shared: Arc<Shared>) {
    let mut is_first = true;
    loop {
        let Ok(stream) = connect(&shared).await else {
            shared.saw("no connection");
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        if std::mem::take(&mut is_first) {
            shared.begun.fetch_add(1, Ordering::Relaxed);
        }
        // That a connection ends is what is looked for.
        drop(talk(&shared, stream).await);
    }
}

async fn connect(shared: &Shared) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    if matches!(shared.act, Act::Ignore(_)) {
        // Little of the answers finds room.
        socket.set_recv_buffer_size(4096)?;
    }
    let stream = socket.connect(([127, 0, 0, 1], shared.port).into()).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// One connection, to its end.
async fn talk(shared: &Shared, mut stream: TcpStream) -> std::io::Result<()> {
    let (mut read, mut write) = stream.split();
    let sending = async {
        match &shared.act {
            Act::Drip(start) => {
                write.write_all(start).await?;
                loop {
                    sleep(Duration::from_secs(1)).await;
                    write.write_all(b"a").await?;
                }
            }
            Act::Wait(start) => write.write_all(start).await,
            Act::Ask(request, _) => write.write_all(request).await,
            Act::Flood(start, more) => {
                write.write_all(start).await?;
                loop {
                    write.write_all(more).await?;
                }
            }
            Act::Ignore(request) => loop {
                write.write_all(request).await?;
            },
        }
    };
    if let Act::Ignore(_) = shared.act {
        let ended = sending.await;
        shared.saw("cut");
        return ended;
    }
    let expected = if let Act::Ask(_, answers) = shared.act { answers } else { usize::MAX };
    // The server is heard out, whether or not it still listens.
    let (sent, ()) = tokio::join!(sending, listen(shared, &mut read, expected));
    sent
}

/// Reads so many answers, or until the end.
async fn listen(shared: &Shared, from: &mut (impl AsyncRead + Unpin), expected: usize) {
    const MARK: &[u8] = b"HTTP/1.1 ";
    let (mut text, mut looked, mut answers) = (Vec::new(), 0, 0);
    while answers < expected {
        let end = match from.read_buf(&mut text).await {
            Ok(0) => Some("closed"),
            Ok(_) => None,
            Err(_) => Some("reset"),
        };
        while let Some(at) = memchr::memmem::find(&text[looked..], MARK) {
            let from = looked + at + MARK.len();
            let Some(status) = text.get(from..from + 3) else { break };
            shared.saw(&String::from_utf8_lossy(status));
            (looked, answers) = (from + 3, answers + 1);
        }
        if let Some(end) = end {
            return shared.saw(end);
        }
    }
}
