//! Readers of two mailings, one in each mode, who write down what became of what they did.
//!
//! Each opens once and clicks once, from networks of its own, so that nothing folds and every deed
//! is counted after its hold. A pixel's answer says that the opening is kept, unless hits may have
//! been refused; a link's says nothing, until something behind it on the same connection is kept.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use headcount::outbox::Table;

use super::load::SITES;
use crate::stored::Stored;
use crate::support::http::{Answer, Client};
use crate::support::{Collector, command, until};

const LINKS: u16 = 200;

/// Readers of one world at most: half of them have a token.
const READERS: usize = 8_000;

/// How long a reader waits for the one before it.
const PACE: Duration = Duration::from_millis(40);

/// For so long after a full disk hits may still be refused: longer than the outbox waits for its
/// next cut.
const DOUBT: Duration = Duration::from_secs(5);

const BROWSER: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 \
                       Firefox/140.0";

/// What mails are opened with: two of people, a proxy that stands for people, one that does not.
const OPENERS: [&str; 4] = [
    BROWSER,
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Thunderbird/140.0",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "Mozilla/5.0",
];

/// Whether hits may be refused just now: a pixel is answered all the same.
#[derive(Clone, Default)]
pub(super) struct Doubt(Arc<Mutex<Option<Instant>>>);

impl Doubt {
    /// From now on, until it is lifted.
    pub(super) fn raise(&self) {
        self.set(Duration::from_hours(1));
    }

    /// What refused them is gone.
    pub(super) fn lift(&self) {
        self.set(DOUBT);
    }

    fn set(&self, time: Duration) {
        *self.0.lock().expect("no holder panics") = Some(Instant::now() + time);
    }

    fn is_on(&self) -> bool {
        self.0.lock().expect("no holder panics").is_some_and(|until| Instant::now() < until)
    }
}

/// A mailing's pixel and links, each without a token and with a place for one.
struct Mailing {
    id: String,
    pixel: String,
    links: Vec<String>,
}

impl Mailing {
    fn make(collector: &Collector, site: &str, mode: &[&str]) -> Self {
        let create = ["mailing", "create", "News", "--site", site, "--sent", "500"];
        let said = collector.command(&[&create, mode].concat());
        let id = said.lines().last().expect("an id").to_owned();
        let link = |n| format!("<a href=\"https://{site}/to/{n}\">{n}</a>\n");
        let links: String = (1..=LINKS).map(link).collect();
        let file = collector.data().with_extension("html");
        fs::write(&file, format!("<html><body>{links}</body></html>")).expect("writable");
        let file = file.to_str().expect("UTF-8");
        let url = "https://stats.example";
        let html = collector.command(&["mailing", "wrap", &id, file, "--url", url]);
        let paths = |kind: &str| -> Vec<String> {
            let begin = format!("\"{url}/e/{kind}/");
            let urls = html.match_indices(&begin).map(|(at, _)| &html[at + 1 + url.len()..]);
            urls.map(|rest| rest[..rest.find('"').expect("a quote")].to_owned()).collect()
        };
        let links = paths("c");
        assert_eq!(links.len(), usize::from(LINKS), "every link is wrapped");
        Self { id, pixel: paths("o").pop().expect("a pixel"), links }
    }
}

/// Two mailings: aggregate at the first site, with tokens at the second.
pub(super) struct Mailings {
    of_sites: [Mailing; 2],
    tokens: Vec<String>,
}

impl Mailings {
    pub(super) fn make(collector: &Collector) -> Self {
        let token = ["--mode", "token", "--consent", "an opt-in, form 3"];
        let of_sites =
            [Mailing::make(collector, SITES[0], &[]), Mailing::make(collector, SITES[1], &token)];
        let count = (READERS / 2 + 1).to_string();
        let csv = collector.command(&["mailing", "tokens", &of_sites[1].id, "--count", &count]);
        let tokens = csv.lines().skip(1).map(str::to_owned).collect();
        Self { of_sites, tokens }
    }

    /// A recipient withdraws who did nothing. Its record changes no count, but what was held until
    /// then is counted before it. A disk that was full a moment ago refuses it: it is tried again.
    pub(super) fn withdraw(&self, collector: &Collector) {
        let token = self.tokens.last().expect("one more than readers");
        let revoke = ["mailing", "revoke", &self.of_sites[1].id, "--token", token];
        until("a withdrawal is kept", || {
            let output = command(collector.data(), &revoke);
            let said = String::from_utf8_lossy(&output.stderr);
            let refused = said.contains("nothing can be kept just now: try again");
            assert!(output.status.success() || refused, "{revoke:?}: {said}");
            output.status.success().then_some(())
        });
    }

    /// Begins to read.
    pub(super) fn read(self: &Arc<Self>, port: u16, doubt: Doubt) -> Readers {
        let stop = Arc::new(AtomicBool::new(false));
        let (mailings, stopped) = (Arc::clone(self), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            let mut reader =
                Reader { client: Client::new(port), doubt, followed: None, read: Read::default() };
            for number in 0..READERS {
                if stopped.load(Ordering::Relaxed) {
                    break;
                }
                mailings.read_one(number, &mut reader);
                std::thread::sleep(PACE);
            }
            reader.end()
        });
        Readers { stop, thread }
    }

    fn read_one(&self, number: usize, reader: &mut Reader) {
        let site = number % 2;
        let mailing = &self.of_sites[site];
        let token = &self.tokens[number / 2];
        let path = |path: &str| path.replace("{{token}}", token);
        reader.open(site, &path(&mailing.pixel), number);
        let link = number / 2 % mailing.links.len();
        let place = u16::try_from(link + 1).expect("few links");
        reader.click((site, place), &path(&mailing.links[link]), number);
    }
}

/// What was done: at which site's mailing, and on which link; 0: it was opened.
type Deed = (usize, u16);

/// How often each deed was done.
#[derive(Default)]
pub(super) struct Read {
    /// And is kept.
    pub(super) kept: BTreeMap<Deed, i64>,
    /// And may be kept.
    pub(super) unsure: BTreeMap<Deed, i64>,
}

pub(super) struct Readers {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Read>,
}

impl Readers {
    pub(super) fn stop(self) -> Read {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("the readers go on")
    }
}

struct Reader {
    client: Client,
    doubt: Doubt,
    /// A click on this connection of which nobody knows yet whether it is kept.
    followed: Option<Deed>,
    read: Read,
}

impl Reader {
    /// Opens a mail. What was clicked before it is kept if this is.
    fn open(&mut self, site: usize, path: &str, number: usize) {
        let agent = OPENERS[number / 2 % OPENERS.len()];
        let answer = self.ask(path, agent, 2 * number);
        if let Some(answer) = &answer {
            assert_eq!((answer.status, answer.body.len()), (200, 43), "a pixel is a pixel");
        }
        let kept = answer.is_some() && !self.doubt.is_on();
        self.followed.take().into_iter().for_each(|click| self.note(click, kept));
        self.note((site, 0), kept);
    }

    fn click(&mut self, deed: Deed, path: &str, number: usize) {
        let answer = self.ask(path, BROWSER, 2 * number + 1);
        if let Some(answer) = &answer {
            assert_eq!(answer.status, 302, "a link leads on");
        }
        let goes_on = answer.is_some_and(|it| it.header("connection") != Some("close"));
        if goes_on {
            self.followed = Some(deed);
        } else {
            self.note(deed, false);
        }
    }

    /// The answer, if there is one and nothing may have been refused before it.
    fn ask(&mut self, path: &str, agent: &str, device: usize) -> Option<Answer> {
        let certain = !self.doubt.is_on();
        let address = format!("203.{}.{}.7", device / 256, device % 256);
        let headers = [("x-forwarded-for", address.as_str()), ("user-agent", agent)];
        self.client.get(path, &headers).ok().filter(|_| certain)
    }

    fn note(&mut self, deed: Deed, kept: bool) {
        let of = if kept { &mut self.read.kept } else { &mut self.read.unsure };
        *of.entry(deed).or_default() += 1;
    }

    fn end(mut self) -> Read {
        self.followed.take().into_iter().for_each(|click| self.note(click, false));
        self.read
    }
}

impl Read {
    /// Holds it against what is stored; says how many deeds are counted.
    pub(super) fn judge(&self, stored: &Stored, seed: u64) -> i64 {
        let mut all = 0;
        for (site, name) in SITES.iter().enumerate() {
            let sums = stored.sums_of(Table::Mailings, name);
            let count = |link: &str, counter| sums.get(link).map_or(0, |of| of[counter]);
            for link in 0..=LINKS {
                let times = |of: &BTreeMap<Deed, i64>| of.get(&(site, link)).copied().unwrap_or(0);
                let counted = match link {
                    0 => count("", "opens"),
                    _ => count(&link.to_string(), "clicks"),
                };
                let (kept, unsure) = (times(&self.kept), times(&self.unsure));
                assert!(
                    (kept..=kept + unsure).contains(&counted),
                    "seed {seed}: {name}, link {link}: {kept} deeds are kept, {unsure} may be, \
                     {counted} are counted"
                );
                all += counted;
            }
            let clicks: i64 = (1..=LINKS).map(|link| count(&link.to_string(), "clicks")).sum();
            assert_eq!(count("", "clicks"), clicks, "seed {seed}: {name}: links and their sum");
            // No token opened twice.
            let people = if site == 1 { count("", "opens") } else { 0 };
            assert_eq!(count("", "unique_opens"), people, "seed {seed}: {name}: openers");
        }
        all
    }
}
