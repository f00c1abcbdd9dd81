//! Good traffic at a fixed rate: requests leave at times that were fixed beforehand, and are timed
//! from then on, so that a server that stands still is seen by all who would have come meanwhile.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::traffic::{REQUESTS, request};

/// Connections that the requests take in turn.
const LANES: usize = 128;

/// A lane opens a new connection every so many requests, as browsers do more often than proxies.
const REQUESTS_PER_CONNECTION: usize = 20;

/// How far behind its time a request may leave, and an answer be seen: the thread sleeps as long.
/// tokio's own timers are good for a millisecond.
const TICK: Duration = Duration::from_micros(50);

/// Requests of one lane that may wait for those before them.
const QUEUED_MAX: usize = 65_536;

/// Latencies in microseconds, in order.
pub(crate) struct Latencies(Vec<f64>);

impl Latencies {
    /// The latency that this share of the requests was answered within.
    pub(crate) fn at(&self, share: f64) -> f64 {
        self.0[((self.0.len() - 1) as f64 * share) as usize]
    }

    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}

/// Page views at `rate` a second for `length`.
pub(crate) fn for_a_while(port: u16, rate: f64, length: Duration) -> Latencies {
    let until = Instant::now() + length;
    run(port, rate, &|number| request(number % REQUESTS), &|| Instant::now() >= until)
}

/// What `request` makes, at `rate` a second, until `stop` is set.
pub(crate) fn until_stopped(
    port: u16,
    rate: f64,
    request: &dyn Fn(usize) -> String,
    stop: &AtomicBool,
) -> Latencies {
    run(port, rate, request, &|| stop.load(Ordering::Relaxed))
}

fn run(
    port: u16,
    rate: f64,
    request: &dyn Fn(usize) -> String,
    is_over: &dyn Fn() -> bool,
) -> Latencies {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let mut all = runtime.expect("a runtime").block_on(async {
        let lanes = (0..LANES).map(|_| {
            let (sender, receiver) = mpsc::channel(QUEUED_MAX);
            (sender, tokio::spawn(lane(port, receiver)))
        });
        let (senders, lanes): (Vec<_>, Vec<_>) = lanes.collect();
        pace(rate, request, is_over, &senders).await;
        drop(senders);
        let mut all = Vec::new();
        for lane in lanes {
            all.extend(lane.await.expect("it ends"));
        }
        all
    });
    all.sort_by(f64::total_cmp);
    Latencies(all)
}

/// A request, and when it is to leave.
type Due = (Instant, String);

/// Hands the requests to the lanes in turn, each at its time.
async fn pace(
    rate: f64,
    request: &dyn Fn(usize) -> String,
    is_over: &dyn Fn() -> bool,
    lanes: &[mpsc::Sender<Due>],
) {
    let begun = Instant::now();
    let mut number = 0;
    while !is_over() {
        loop {
            let due = begun + Duration::from_secs_f64(number as f64 / rate);
            if due > Instant::now() {
                break;
            }
            let sent = lanes[number % lanes.len()].try_send((due, request(number)));
            sent.expect("the server answers within seconds");
            number += 1;
        }
        // The lanes' turn.
        yield_now().await;
        std::thread::sleep(TICK);
    }
}

/// Sends what is due, one after the other.
async fn lane(port: u16, mut due: mpsc::Receiver<Due>) -> Vec<f64> {
    let mut taken = Vec::new();
    let mut connection = None;
    let mut answer = [0; 2048];
    while let Some((at, request)) = due.recv().await {
        if taken.len() % REQUESTS_PER_CONNECTION == 0 {
            connection = None;
        }
        let stream = match &mut connection {
            Some(stream) => stream,
            none => none.insert(connect(port).await),
        };
        stream.write_all(request.as_bytes()).await.expect("it reads");
        let mut got = 0;
        // All servers answer a whole GIF, which ends in a semicolon.
        while got == 0 || answer[got - 1] != b';' {
            let read = timeout(Duration::from_mins(1), stream.read(&mut answer[got..])).await;
            got += read.expect("it answers").expect("it answers");
        }
        taken.push(at.elapsed().as_secs_f64() * 1e6);
    }
    taken
}

async fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    stream
}
