//! The ingest listener over real sockets, with a sink that writes down what it is handed.

mod dialects;
mod hostile;

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use headcount::edge::{
    self, Edge, EdgeConfig, Full, Network, Patience, Pattern, Places, RateLimit, Receipt, Refused,
    ScriptPaths, Signals, Sink, SiteConfig, SiteRules, Sites, Snippet,
};
use headcount::hit::{
    HitKind, ManualClock, Record, RejectReason, Second, SiteName, Text, VisitDims, Visitor,
};
use headcount::keys::Keys;
use tokio::sync::{Notify, watch};

use crate::support::http::{Answer, Client};
use crate::support::{free_port, until};

const FIREFOX: (&str, &str) =
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
const GOOGLEBOT: (&str, &str) =
    ("user-agent", "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)");
const GIF_BYTES: usize = 43;

/// What the sink does with a record.
#[derive(Clone, Copy, Default)]
enum Mood {
    #[default]
    Keeps,
    IsFull,
    Fails,
}

#[derive(Default)]
struct Recorder {
    told: Mutex<Vec<String>>,
    visitors: Mutex<Vec<Option<u64>>>,
    dims: Mutex<Vec<VisitDims>>,
    mood: Mutex<Mood>,
}

impl Sink for Recorder {
    fn submit(&self, records: Vec<Record>) -> Result<Receipt, Full> {
        let mood = *self.mood.lock().expect("no test panics here");
        if matches!(mood, Mood::IsFull) {
            return Err(Full(records));
        }
        for record in &records {
            let line = match record {
                Record::Hit(hit) => {
                    let id = match hit.visitor {
                        Visitor::Known { id, .. } => Some(id.to_raw()),
                        Visitor::Withheld | Visitor::Lost => None,
                    };
                    self.visitors.lock().expect("no test panics here").push(id);
                    self.dims.lock().expect("no test panics here").push((*hit.dims).clone());
                    format!("{} {} {}", hit.site, shown(&hit.kind), hit.page.as_str())
                }
                Record::Drop { site, reason, .. } => format!("{site} dropped {}", reason.label()),
                _ => "another record".to_owned(),
            };
            self.told.lock().expect("no test panics here").push(line);
        }
        let receipt = Receipt::default();
        receipt.settle(if matches!(mood, Mood::Fails) { Err(Refused) } else { Ok(()) });
        Ok(receipt)
    }

    fn flush(&self) {}

    fn bell(&self) -> Arc<Notify> {
        Arc::default()
    }

    fn refuse(&self, site: &SiteName, _: Second, reason: RejectReason) {
        let line = format!("{site} refused {}", reason.label());
        self.told.lock().expect("no test panics here").push(line);
    }

    fn note(&self, _: Record) {}
}

fn shown(kind: &HitKind) -> String {
    match kind {
        HitKind::Pageview => "pageview".to_owned(),
        HitKind::Event { name, .. } => format!("event {}", name.as_str()),
        HitKind::Engagement { engaged_ms, .. } => format!("engagement {engaged_ms}"),
    }
}

/// An edge on a port of its own.
struct Server {
    port: u16,
    recorder: Arc<Recorder>,
    edge: Arc<Edge>,
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<std::io::Result<()>>>,
}

fn config() -> EdgeConfig {
    EdgeConfig {
        trusted_proxies: vec![Network::parse("127.0.0.1").expect("a network")],
        client_ip_header: http::HeaderName::from_static("x-forwarded-for"),
        proxy_protocol: false,
        rate_limit: None,
        paths: ScriptPaths::default(),
        demo: false,
        connections_max: 128,
        patience: Patience::default(),
    }
}

impl Server {
    fn start(config: EdgeConfig) -> Self {
        let now = Second(1_800_000_000);
        let sites = Sites::new(Arc::new(Keys::memory()));
        let site = |name: &str, signals| SiteConfig {
            name: SiteName::parse(name).expect("a domain"),
            aliases: Vec::new(),
            timezone: "Europe/Berlin".to_owned(),
            signals,
            rules: Arc::default(),
        };
        let mut a = site("a.example", Signals::Withhold);
        a.aliases = vec!["blog.example".to_owned(), "g-ab12".to_owned()];
        let mut ruled = site("ruled.example", Signals::Withhold);
        let pattern = |text| Pattern::parse(text).expect("a pattern");
        ruled.rules = Arc::new(SiteRules {
            block_addresses: vec![Network::parse("203.0.113.7").expect("a network")],
            block_pages: vec![pattern("/admin/*")],
            block_hostnames: vec![pattern("*.staging.example")],
            allow_hostnames: vec![pattern("ruled.example"), pattern("*.staging.example")],
            ..SiteRules::default()
        });
        let all = vec![a, site("b.example", Signals::Drop), ruled];
        sites.set(all, now).expect("known zones");
        let recorder = Arc::new(Recorder::default());
        let sink = Arc::clone(&recorder) as Arc<dyn Sink>;
        let clock = Arc::new(ManualClock::at(now));
        let edge = Edge::new(config, Arc::new(sites), Places::default(), sink, clock);
        let port = free_port();
        let listener = edge::bind(&format!("127.0.0.1:{port}"), 1).expect("a port").remove(0);
        let (stop, stopped) = watch::channel(false);
        let thread = std::thread::spawn({
            let edge = Arc::clone(&edge);
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.expect("a runtime");
            move || runtime.block_on(edge::serve(listener, edge, stopped))
        });
        Self { port, recorder, edge, stop, thread: Some(thread) }
    }

    fn client(&self) -> Client {
        Client::new(self.port)
    }

    /// What the sink was told since the last time.
    fn told(&self) -> Vec<String> {
        std::mem::take(&mut *self.recorder.told.lock().expect("no test panics here"))
    }

    fn set(&self, mood: Mood) {
        *self.recorder.mood.lock().expect("no test panics here") = mood;
    }

    fn visitors(&self) -> Vec<Option<u64>> {
        self.recorder.visitors.lock().expect("no test panics here").clone()
    }

    fn post(&self, headers: &[(&str, &str)], body: &str) -> Answer {
        self.client().post("/api/event", headers, body.as_bytes()).expect("an answer")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        let thread = self.thread.take().expect("it is dropped once");
        thread.join().expect("the listener does not panic").expect("it does not fail");
    }
}

fn view(domain: &str) -> String {
    format!(r#"{{"n":"pageview","u":"https://a.example/x","d":"{domain}"}}"#)
}

#[track_caller]
fn check_event(server: &Server, headers: &[(&str, &str)], body: &str, answer: &str, told: &[&str]) {
    let found = server.post(headers, body);
    let dropped = found.header("x-headcount-dropped").unwrap_or("-");
    let text = String::from_utf8_lossy(&found.body);
    assert_eq!(format!("{} {dropped} {}", found.status, text.trim_end()), answer, "{body}");
    assert_eq!(found.header("access-control-allow-origin"), Some("*"));
    assert_eq!(server.told(), told, "{body}");
}

#[test]
fn every_hit_is_told_once_and_its_answer_says_what_became_of_it() {
    let server = Server::start(config());
    let human = &[FIREFOX];
    check_event(&server, human, &view("a.example"), "202 - ok", &["a.example pageview /x"]);
    check_event(&server, human, &view("www.A.example"), "202 - ok", &["a.example pageview /x"]);
    check_event(&server, human, &view(""), "202 - ok", &["a.example pageview /x"]);
    check_event(
        &server,
        human,
        &view("a.example,b.example"),
        "202 - ok",
        &["a.example pageview /x", "b.example pageview /x"],
    );
    check_event(
        &server,
        human,
        &view("c.example"),
        "202 unknown_site ok",
        &["(unknown) dropped unknown_site"],
    );
    check_event(
        &server,
        human,
        &view("c.example, a.example"),
        "202 - ok",
        &["(unknown) dropped unknown_site", "a.example pageview /x"],
    );
    check_event(
        &server,
        &[GOOGLEBOT],
        &view("a.example"),
        "202 bot ok",
        &["a.example dropped bot"],
    );
    check_event(&server, &[], &view("a.example"), "202 bot ok", &["a.example dropped bot"]);
    check_event(
        &server,
        &[FIREFOX, ("sec-purpose", "prefetch;prerender")],
        &view("a.example"),
        "202 prefetch ok",
        &["a.example dropped prefetch"],
    );
    check_event(
        &server,
        &[FIREFOX, ("cookie", "x=y; headcount_opt_out=1")],
        &view("a.example"),
        "202 opt_out ok",
        &["a.example dropped opt_out"],
    );
    check_event(
        &server,
        human,
        r#"{"n":"Sign up","u":"/x","d":"a.example","p":{"k":"v"}}"#,
        "202 - ok",
        &["a.example event Sign up /x"],
    );
    check_event(
        &server,
        human,
        r#"{"n":"engagement","u":"/x","d":"a.example","e":1234}"#,
        "202 - ok",
        &["a.example engagement 1234 /x"],
    );
    check_event(
        &server,
        human,
        r#"{"n":"pageview","u":"javascript:alert(1)","d":"a.example"}"#,
        r#"400 - {"errors":{"url":"must be an http or https address, or a path that begins with a slash"}}"#,
        &["a.example refused malformed"],
    );
    check_event(
        &server,
        human,
        r#"{"n":"pageview","u":"/x"}"#,
        r#"400 - {"errors":{"domain":"must be the site's domain, such as example.com"}}"#,
        &["(unknown) refused malformed"],
    );
    check_event(
        &server,
        human,
        "{",
        r#"400 - {"errors":{"body":"must be one JSON object"}}"#,
        &["(unknown) refused malformed"],
    );
}

#[test]
fn a_visitor_who_asks_not_to_be_tracked_gets_no_id_and_leaves_no_dimensions() {
    let server = Server::start(config());
    for header in [("sec-gpc", "1"), ("dnt", "1")] {
        server.post(&[FIREFOX, header], &view("a.example"));
        assert_eq!(server.told(), ["a.example pageview /x"]);
        assert_eq!(server.visitors().last(), Some(&None));
        let dims = server.recorder.dims.lock().expect("no test panics here").pop();
        assert_eq!(dims, Some(VisitDims::default()));
        server.post(&[FIREFOX, header], &view("b.example"));
        assert_eq!(server.told(), ["b.example dropped opt_out"]);
    }
    server.post(&[FIREFOX, ("dnt", "0")], &view("a.example"));
    assert!(server.visitors().last().expect("a hit").is_some());
}

#[test]
fn hints_and_fingers_say_what_the_agent_does_not() {
    const MAC: (&str, &str) = (
        "user-agent",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/26.1 Chrome/142.0 Safari/605.1.15",
    );
    let server = Server::start(config());
    let check = |hints: &[(&str, &str)], more: &str, expected: [&str; 4]| {
        server.post(&[&[MAC], hints].concat(), &view("a.example").replace('}', more));
        let dims = server.recorder.dims.lock().expect("no test panics here").pop();
        let dims = dims.expect("a page view");
        let found = [dims.browser, dims.os, dims.os_version, dims.device];
        assert_eq!(found.each_ref().map(Text::as_str), expected, "{hints:?} {more}");
    };
    check(&[], "}", ["Chrome", "macOS", "", "Desktop"]);
    check(&[], r#","t":1}"#, ["Chrome", "iPadOS", "", "Tablet"]);
    let platform =
        [("sec-ch-ua-platform", r#""macOS""#), ("sec-ch-ua-platform-version", r#""15.6""#)];
    let brave = ("sec-ch-ua", r#""Chromium";v="142", "Brave";v="142""#);
    check(&[brave, platform[0], platform[1]], "}", ["Brave", "macOS", "15", "Desktop"]);
    server.told();
    server.post(&[MAC, ("sec-ch-ua", r#""HeadlessChrome";v="142""#)], &view("a.example"));
    assert_eq!(server.told(), ["a.example dropped headless"]);
}

#[track_caller]
fn check_pixel(server: &Server, path: &str, headers: &[(&str, &str)], told: &[&str]) {
    let found = server.client().get(path, headers).expect("an answer");
    assert_eq!((found.status, found.body.len()), (200, GIF_BYTES), "{path}");
    assert!(found.body.starts_with(b"GIF89a") && found.body.ends_with(b";"));
    assert_eq!(found.header("content-type"), Some("image/gif"));
    assert!(found.header("cache-control").expect("there").contains("no-store"));
    assert_eq!(server.told(), told, "{path}");
}

#[test]
fn the_pixel_is_always_a_whole_gif_and_counts_as_a_body_does() {
    let server = Server::start(config());
    let page = ("referer", "https://a.example/held");
    check_pixel(&server, "/p.gif?s=a.example&u=/x", &[FIREFOX], &["a.example pageview /x"]);
    check_pixel(&server, "/p.gif?s=a.example", &[FIREFOX, page], &["a.example pageview /held"]);
    check_pixel(&server, "/p.gif", &[FIREFOX, page], &["a.example pageview /held"]);
    check_pixel(
        &server,
        "/p.gif?s=a.example&u=/x&n=Open",
        &[FIREFOX],
        &["a.example event Open /x"],
    );
    check_pixel(&server, "/p.gif?s=a.example", &[FIREFOX], &["(unknown) refused malformed"]);
    check_pixel(&server, "/p.gif?s=%ff%fe&u=%ff", &[FIREFOX], &["(unknown) dropped unknown_site"]);
    let many = format!("/p.gif?{}s=a.example", "k=v&".repeat(2_000));
    check_pixel(&server, &many, &[FIREFOX, page], &["a.example pageview /held"]);
    server.set(Mood::IsFull);
    check_pixel(&server, "/p.gif?s=a.example&u=/x", &[FIREFOX], &["a.example refused shed"]);
    server.set(Mood::Fails);
    check_pixel(&server, "/p.gif?s=a.example&u=/x", &[FIREFOX], &["a.example pageview /x"]);

    let head = server.client().send("HEAD", "/p.gif?s=a.example&u=/x", &[FIREFOX], b"");
    assert_eq!(head.expect("an answer").status, 200);
    assert!(server.told().is_empty(), "nobody saw the image");
}

#[test]
fn a_hit_for_several_sites_is_one_at_each_and_goes_there_whole_or_not_at_all() {
    let server = Server::start(config());
    let told = |domains: &str, url: &str| {
        let body = format!(r#"{{"n":"pageview","u":"{url}","d":"{domains}"}}"#);
        let status = server.post(&[FIREFOX], &body).status;
        (status, server.told())
    };
    let both = vec!["a.example pageview /x".to_owned(), "b.example pageview /x".to_owned()];
    assert_eq!(told("a.example,b.example", "/x"), (202, both.clone()));
    assert_eq!(told("a.example, www.a.example,b.example,A.example", "/x"), (202, both));
    let unknown = "(unknown) dropped unknown_site".to_owned();
    assert_eq!(
        told("a.example,c.example,d.example", "/x"),
        (202, vec!["a.example pageview /x".to_owned(), unknown])
    );
    let refused = "(unknown) refused malformed".to_owned();
    assert_eq!(told("a.example,b.example,", "/x"), (400, vec![refused]));
    server.set(Mood::IsFull);
    let shed = ["a.example refused shed", "b.example refused shed"].map(str::to_owned);
    assert_eq!(told("a.example,b.example", "/x"), (503, shed.to_vec()));
}

#[test]
fn what_cannot_be_kept_is_not_acknowledged() {
    let server = Server::start(config());
    server.set(Mood::IsFull);
    let full = server.post(&[FIREFOX], &view("a.example"));
    assert_eq!((full.status, full.header("retry-after")), (503, Some("5")));
    assert_eq!(server.told(), ["a.example refused shed"]);
    server.set(Mood::Fails);
    let failed = server.post(&[FIREFOX], &view("a.example"));
    assert_eq!(failed.status, 503);
    // The spool itself tells the ledger of a commit that failed.
    assert_eq!(server.told(), ["a.example pageview /x"]);
}

#[test]
fn one_client_is_one_visitor_and_another_address_agent_language_or_device_is_another() {
    let server = Server::start(config());
    let from = |address: &'static str| ("x-forwarded-for", address);
    let hits: Vec<Vec<(&str, &str)>> = vec![
        vec![FIREFOX, from("203.0.113.1")],
        vec![FIREFOX, from("203.0.113.1, 127.0.0.1")],
        vec![FIREFOX, from("6.6.6.6, 203.0.113.1")],
        vec![FIREFOX, from("203.0.113.2")],
        vec![
            (
                "user-agent",
                "Mozilla/5.0 (X11; Linux x86_64; rv:141.0) Gecko/20100101 Firefox/141.0",
            ),
            from("203.0.113.1"),
        ],
        vec![FIREFOX, from("203.0.113.1"), ("accept-language", "de")],
        vec![FIREFOX, from("2001:db8:1:2::1")],
        vec![FIREFOX, from("2001:db8:1:2:ffff::9")],
        vec![FIREFOX, from("2001:db8:1:3::1")],
    ];
    for headers in &hits {
        server.post(headers, &view("a.example"));
    }
    let device = view("a.example").replace('}', r#","device":"d1"}"#);
    server.post(&hits[0], &device);
    let ids = server.visitors();
    assert_eq!((ids[0], ids[0]), (ids[1], ids[2]), "the same client through other hops");
    assert_eq!(ids[6], ids[7], "one /64 is one client");
    let mut others = vec![ids[0], ids[3], ids[4], ids[5], ids[6], ids[8], ids[9]];
    others.sort_unstable();
    others.dedup();
    assert_eq!(others.len(), 7, "all the others differ");
    // The same client on another site.
    server.post(&hits[0], &view("b.example"));
    assert_ne!(server.visitors()[10], ids[0]);
}

#[test]
fn a_network_that_sends_more_than_it_may_is_told_when_to_come_back() {
    let one = |n| NonZeroU32::new(n).expect("not zero");
    let rate_limit = Some(RateLimit { per_second: one(1), burst: one(2) });
    let server = Server::start(EdgeConfig { rate_limit, ..config() });
    let from = |address: &'static str| [FIREFOX, ("x-forwarded-for", address)];
    for address in ["203.0.113.1", "203.0.113.2"] {
        assert_eq!(server.post(&from(address), &view("a.example")).status, 202);
    }
    server.told();
    let limited = server.post(&from("203.0.113.3"), &view("a.example"));
    assert_eq!((limited.status, limited.header("retry-after")), (429, Some("1")));
    assert_eq!(server.told(), ["a.example refused rate_limited"]);
    assert_eq!(server.post(&from("198.51.100.1"), &view("a.example")).status, 202);
}

#[test]
fn a_body_is_bounded_in_bytes_and_in_time() {
    let patience = Patience { body: Duration::from_millis(50), ..Patience::default() };
    let server = Server::start(EdgeConfig { patience, ..config() });
    let large = "x".repeat(65_537);
    assert_eq!(server.post(&[FIREFOX], &large).status, 413);
    assert_eq!(server.told(), ["(unknown) refused too_large"]);
    // One that does not say how long it is.
    let chunk = format!("{:x}\r\n{large}\r\n0\r\n\r\n", large.len());
    let head = "POST /api/event HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let found = server.client().raw(format!("{head}{chunk}").as_bytes(), false);
    assert_eq!(found.expect("an answer").status, 413);
    assert_eq!(server.told(), ["(unknown) refused too_large"]);
    // One that never comes.
    let head = "POST /api/event HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{";
    let found = server.client().raw(head.as_bytes(), false).expect("an answer");
    assert_eq!((found.status, found.header("connection")), (408, Some("close")));
    assert_eq!(server.told(), ["(unknown) refused timeout"]);
}

#[test]
fn a_client_that_goes_away_in_the_middle_has_abandoned_its_request() {
    let server = Server::start(config());
    let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
    stream
        .write_all(b"POST /api/event HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{")
        .expect("sent");
    drop(stream);
    until("it is told", || {
        let told = server.told();
        (!told.is_empty()).then(|| assert_eq!(told, ["(unknown) refused abandoned"]))
    });
}

#[test]
fn a_connection_that_sends_no_head_is_closed() {
    let patience = Patience { head: Duration::from_millis(50), ..Patience::default() };
    let server = Server::start(EdgeConfig { patience, ..config() });
    for begun in ["", "GET /hea"] {
        let mut stream = TcpStream::connect(("127.0.0.1", server.port)).expect("it listens");
        stream.set_read_timeout(Some(Duration::from_secs(30))).expect("a socket");
        stream.write_all(begun.as_bytes()).expect("sent");
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).expect("it is closed, not left");
    }
    until("both are gone", || (server.edge.figures().open_connections == 0).then_some(()));
}

#[test]
fn a_head_that_is_too_large_or_no_http_is_refused_by_the_protocol() {
    let server = Server::start(config());
    let huge = "x".repeat(40_000);
    let found = server.client().get("/p.gif", &[("x-huge", &huge)]).expect("an answer");
    assert_eq!(found.status, 431);
    let found = server.client().raw(b"NOT HTTP\r\n\r\n", false).expect("an answer");
    assert_eq!(found.status, 400);
    assert!(server.told().is_empty(), "no hit came");
}

#[test]
fn the_other_paths_answer_as_they_should() {
    let server = Server::start(config());
    let check = |method: &str, path: &str, status: u16, holds: &str| {
        let found = server.client().send(method, path, &[], b"").expect("an answer");
        let text = String::from_utf8_lossy(&found.body).into_owned();
        assert_eq!(found.status, status, "{method} {path}");
        assert!(text.contains(holds), "{method} {path}: {text}");
        found
    };
    check("GET", "/healthz", 200, "ok");
    check("GET", "/readyz", 503, "not ready");
    server.edge.set_ready(true);
    check("GET", "/readyz", 200, "ready");
    check("GET", "/.well-known/gpc.json", 200, "{\"gpc\":true");
    check("GET", "/robots.txt", 200, "Disallow: /");
    check("GET", "/opt-out", 200, "Do not count this browser");
    check("GET", "/nothing", 404, "nothing here");
    check("GET", "/", 404, "nothing here");
    check("DELETE", "/p.gif", 405, "");
    check("GET", "/api/event", 405, "");
    let preflight = check("OPTIONS", "/api/event", 204, "");
    assert_eq!(
        preflight.header("access-control-allow-headers"),
        Some("content-type, x-umami-cache")
    );
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));

    let script = check("GET", "/s.js", 200, "");
    let tag = script.header("etag").expect("a tag").to_owned();
    let again = server.client().get("/s.js", &[("if-none-match", &tag)]).expect("an answer");
    assert_eq!((again.status, again.body.len()), (304, 0));
    assert!(server.told().is_empty(), "none of it is a hit");
}

#[test]
fn script_and_hits_have_paths_of_ones_own_and_keep_the_usual_ones() {
    let paths = ScriptPaths::default().with_script("/lib/page.js").expect("a path");
    let paths = paths.with_event("/lib/seen").expect("a path");
    let element = paths.element("", "a.example", Snippet { full: false, pinned: true });
    let pinned = element.split("src=\"").nth(1).and_then(|rest| rest.split('"').next());
    let pinned = pinned.expect("a path").to_owned();
    let server = Server::start(EdgeConfig { paths, ..config() });
    let script = |path: &str| {
        let asked = [("accept-encoding", "gzip, br")];
        let answer = server.client().get(path, &asked).expect("an answer");
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some("br")), "{path}");
        assert_eq!(answer.header("access-control-allow-origin"), Some("*"), "{path}");
        let caching = answer.header("cache-control").expect("a rule").to_owned();
        (caching, answer.body)
    };
    let (caching, body) = script("/lib/page.js");
    assert_eq!((caching.as_str(), &body), ("public, max-age=3600", &script("/s.js").1));
    assert!(body.len() <= 1500, "{} bytes on the wire", body.len());
    let (caching, same) = script(&pinned);
    assert_eq!((caching.contains("immutable"), &same), (true, &body));
    assert_ne!(script("/lib/page.full.js").1, body);
    for path in ["/lib/seen", "/api/event"] {
        let answer = server.client().post(path, &[FIREFOX], view("a.example").as_bytes());
        assert_eq!(answer.expect("an answer").status, 202, "{path}");
    }
    let gone = server.client().get("/lib/page.0123456789abcdef.js", &[]).expect("an answer");
    assert_eq!(gone.status, 404);
}

#[test]
fn the_opt_out_is_set_and_unset_without_a_script() {
    let server = Server::start(config());
    let set = server.client().post("/opt-out", &[], b"").expect("an answer");
    let cookie = set.header("set-cookie").expect("a cookie").to_owned();
    assert_eq!((set.status, set.header("location")), (303, Some("/opt-out")));
    let pair = cookie.split(';').next().expect("a pair").to_owned();
    assert_eq!(pair, "headcount_opt_out=1");
    let page = server.client().get("/opt-out", &[("cookie", &pair)]).expect("an answer");
    assert!(String::from_utf8_lossy(&page.body).contains("This browser is not counted"));
    let unset = server.client().post("/opt-out?back", &[], b"").expect("an answer");
    assert!(unset.header("set-cookie").expect("a cookie").contains("Max-Age=0"));
}

#[test]
fn the_proxy_protocol_names_the_client_where_it_is_expected_and_only_there() {
    let server = Server::start(EdgeConfig { proxy_protocol: true, ..config() });
    let body = view("a.example");
    let request = format!(
        "POST /api/event HTTP/1.1\r\nhost: x\r\n{}: {}\r\ncontent-length: {}\r\n\r\n{body}",
        FIREFOX.0,
        FIREFOX.1,
        body.len()
    );
    for source in ["203.0.113.1", "203.0.113.1", "203.0.113.9"] {
        let head = format!("PROXY TCP4 {source} 127.0.0.1 4711 80\r\n");
        let found = server.client().raw(format!("{head}{request}").as_bytes(), false);
        assert_eq!(found.expect("an answer").status, 202);
    }
    let ids = server.visitors();
    assert!(ids[0] == ids[1] && ids[0] != ids[2]);
    assert!(server.client().raw(request.as_bytes(), false).is_err(), "no header, no answer");
    server.told();

    let plain = Server::start(config());
    let head = "PROXY TCP4 203.0.113.1 127.0.0.1 4711 80\r\n";
    let found = plain.client().raw(format!("{head}{request}").as_bytes(), false);
    assert_eq!(found.expect("an answer").status, 400);
    assert!(plain.told().is_empty());
}

#[test]
fn a_port_in_use_is_named() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let _taken = edge::bind(&listen, 2).expect("it is free");
    let error = edge::bind(&listen, 1).expect_err("it is taken").to_string();
    assert_eq!(
        error,
        format!("{listen} is in use by another program: stop it, or listen on another port")
    );
}
