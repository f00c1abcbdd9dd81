//! Clients that send hits and write down what became of each. Every page view has a path of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::http::{Answer, Client};

/// The sites, each with its number in what follows.
pub(super) const SITES: [&str; 2] = ["one.example", "two.example"];

const CLIENTS: u64 = 4;
const VISITORS: u64 = 150;

/// A page view's site and path.
type View = (usize, String);

/// What the clients saw of their page views.
#[derive(Default)]
pub(super) struct Sent {
    /// Acknowledged.
    pub(super) answered: BTreeSet<View>,
    /// Acknowledged as one that is not counted.
    pub(super) dropped: BTreeSet<View>,
    /// Refused, or without an answer.
    pub(super) unanswered: BTreeSet<View>,
    /// How many hits of any kind were refused because nothing more can be kept.
    pub(super) shed: u64,
}

pub(super) struct Load {
    /// Hits of any kind that were acknowledged so far.
    pub(super) acknowledged: Arc<AtomicU64>,
    stop: Arc<AtomicBool>,
    clients: Vec<JoinHandle<Sent>>,
}

impl Load {
    /// Begins to send; each client waits for `pace` between two hits.
    pub(super) fn start(port: u16, pace: Duration) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::new(AtomicU64::new(0));
        let next = Arc::new(AtomicU64::new(0));
        let client = |_| {
            let (next, stop) = (Arc::clone(&next), Arc::clone(&stop));
            let acknowledged = Arc::clone(&acknowledged);
            std::thread::spawn(move || send(port, pace, &next, &stop, &acknowledged))
        };
        let clients = (0..CLIENTS).map(client).collect();
        Self { acknowledged, stop, clients }
    }

    pub(super) fn stop(self) -> Sent {
        self.stop.store(true, Ordering::Relaxed);
        let mut sent = Sent::default();
        for client in self.clients {
            let of = client.join().expect("the client goes on");
            sent.answered.extend(of.answered);
            sent.dropped.extend(of.dropped);
            sent.unanswered.extend(of.unanswered);
            sent.shed += of.shed;
        }
        sent
    }
}

/// The hit's own word: letters, so that the scrubber has no reason to look twice.
fn word(mut number: u64) -> String {
    let mut letters = vec![b'k'];
    loop {
        letters.push(b'a' + u8::try_from(number % 26).expect("below 26"));
        number /= 26;
        if number == 0 {
            return String::from_utf8(letters).expect("ASCII");
        }
    }
}

/// A hit that is to be sent.
struct Hit {
    site: usize,
    visitor: u64,
    path: String,
    is_view: bool,
    body: Value,
}

/// The hits of one client: three in four are page views, the others events and engagements.
#[derive(Default)]
struct Script {
    last_views: BTreeMap<(usize, u64), String>,
}

impl Script {
    fn hit(&self, number: u64) -> Hit {
        let visitor = number * 7919 % VISITORS;
        let site = usize::from(number % 5 < 2);
        let domain = SITES[site];
        let folder = if number.is_multiple_of(11) { "/off" } else { "" };
        let path = format!("{folder}/{}", word(number));
        let url = |path: &str| format!("https://{domain}{path}");
        let (body, is_view) = match (number % 8, self.last_views.get(&(site, visitor))) {
            (3, _) => (
                json!({"n": "Signup", "d": domain, "u": url(&path),
                    "p": {"plan": word(number % 5)}, "$": {"amount": "9.90", "currency": "EUR"}}),
                false,
            ),
            (5, Some(last)) => (
                json!({"n": "engagement", "d": domain, "u": url(last),
                    "e": 1000 + number % 5000, "sd": number % 101}),
                false,
            ),
            _ => (json!({"n": "pageview", "d": domain, "u": url(&path)}), true),
        };
        Hit { site, visitor, path, is_view, body }
    }
}

fn post(client: &mut Client, hit: &Hit) -> std::io::Result<Answer> {
    let address = format!("10.1.{}.{}", hit.visitor / 100, hit.visitor % 100 + 1);
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let headers = [("x-forwarded-for", address.as_str()), ("user-agent", agent)];
    client.post("/api/event", &headers, hit.body.to_string().as_bytes())
}

/// Sends hits until `stop`.
fn send(
    port: u16,
    pace: Duration,
    next: &AtomicU64,
    stop: &AtomicBool,
    acknowledged: &AtomicU64,
) -> Sent {
    let mut client = Client::new(port);
    let mut sent = Sent::default();
    let mut script = Script::default();
    while !stop.load(Ordering::Relaxed) {
        let hit = script.hit(next.fetch_add(1, Ordering::Relaxed));
        let answer = post(&mut client, &hit);
        if let Some(refusal) = answer.as_ref().ok().filter(|answer| answer.status == 503) {
            assert!(refusal.header("retry-after").is_some(), "a refusal says when to come again");
            sent.shed += 1;
        }
        let taken = answer.ok().filter(|answer| answer.status == 202);
        acknowledged.fetch_add(u64::from(taken.is_some()), Ordering::Relaxed);
        if hit.is_view {
            let view = (hit.site, hit.path.clone());
            match &taken {
                None => sent.unanswered.insert(view),
                Some(answer) if answer.header("x-headcount-dropped").is_some() => {
                    sent.dropped.insert(view)
                }
                Some(_) => {
                    script.last_views.insert((hit.site, hit.visitor), hit.path);
                    sent.answered.insert(view)
                }
            };
        }
        // What is refused is not sent again at once.
        std::thread::sleep(if taken.is_some() { pace } else { Duration::from_millis(10) });
    }
    sent
}
