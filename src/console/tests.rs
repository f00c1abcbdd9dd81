//! Tests of the console over HTTP, of its state, its commands and its socket.

mod mailings;
mod users;

use std::fmt::Write as _;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::watch;

use super::command::doctor::{self, Check, DoctorContext, Folder, Keyring, LedgerFacts, Level};
use super::*;
use crate::hit::{ManualClock, Second, SiteName};
use crate::outbox::Table;
use crate::spool::Verified;
use crate::stats::Pending;
use crate::store::{Health, Param, StoreError};

const NOW: Second = Second(1_795_411_020);

/// Stands where ClickHouse does: notes what it is asked, and answers one row.
#[derive(Default)]
struct Notebook {
    asked: Mutex<Vec<String>>,
    away: bool,
}

impl Questions for Notebook {
    fn ask<'a>(&'a self, sql: &'a str, params: &'a [(&'a str, Param)]) -> Pending<'a> {
        self.asked.lock().unwrap().push(format!("{sql} {params:?}"));
        let answer = if self.away { Err(StoreError::Away) } else { Ok(vec![vec![json!(7)]]) };
        Box::pin(std::future::ready(answer))
    }
}

#[derive(Default)]
struct Figures {
    told: Mutex<Vec<Vec<Site>>>,
}

fn setup(folder: &std::path::Path, url: &str) -> Setup {
    let keys = crate::keys::MailingKeys::new(Mailroom::folder_in(folder));
    let mailroom = Mailroom { keys, count_days: 14, link_days: 365 };
    Setup { url: url.to_owned(), mailroom }
}

impl Live for Figures {
    fn caught_up(&self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(std::future::ready(()))
    }

    fn mailings_changed(&self) {}

    fn withdraw<'a>(
        &'a self,
        _: crate::hit::MailingId,
        token: &'a str,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
        Box::pin(async move { Reply::failed(format!("no token: {}", token.len())) })
    }

    fn current_visitors(&self, _: &SiteName) -> u64 {
        3
    }

    fn minutes(&self, _: &SiteName) -> Vec<u32> {
        vec![0; 30]
    }

    fn ledger(&self, site: &SiteName) -> Vec<(&'static str, u64)> {
        if *site == SiteName::unknown() {
            return vec![("received", 2), ("dropped:unknown_site", 2)];
        }
        vec![
            ("received", 14),
            ("counted", 10),
            ("withheld", 1),
            ("dropped:bot", 3),
            ("rejected:too_large", 1),
        ]
    }

    fn metrics(&self, out: &mut String) {
        out.push_str("headcount_hits_total 14\n");
    }

    fn places(&self) -> &'static str {
        "country"
    }

    fn geo_attribution(&self) -> Option<&str> {
        Some("places by somebody")
    }

    fn accept_import<'a>(
        &'a self,
        _: Import,
        _: bool,
    ) -> Pin<Box<dyn Future<Output = Reply> + Send + 'a>> {
        Box::pin(std::future::ready(Reply::done(Vec::new())))
    }

    fn sites_changed(&self, sites: Vec<Site>) {
        self.told.lock().unwrap().push(sites);
    }
}

struct Facts;

impl Examiner for Facts {
    fn examine(&self) -> Pin<Box<dyn Future<Output = DoctorContext> + Send + '_>> {
        Box::pin(std::future::ready(healthy()))
    }
}

fn configured() -> Vec<Site> {
    let name = SiteName::parse("example.org").unwrap();
    vec![Site { name, timezone: "Europe/Berlin".to_owned(), configured: true }]
}

struct Running {
    address: String,
    console: Arc<Console>,
    live: Arc<Figures>,
    notebook: Arc<Notebook>,
    clock: Arc<ManualClock>,
    folder: tempfile::TempDir,
    stop: watch::Sender<bool>,
    runtime: tokio::runtime::Runtime,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.body))
    }

    fn header(&self, name: &str) -> Option<&str> {
        let start = format!("{name}: ");
        self.head.lines().find_map(|line| line.strip_prefix(start.as_str()))
    }
}

impl Running {
    fn start() -> Self {
        Self::with(Notebook::default())
    }

    fn with(notebook: Notebook) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (live, notebook) = (Arc::new(Figures::default()), Arc::new(notebook));
        let clock = Arc::new(ManualClock::at(NOW));
        let console = Arc::new(Console::new(
            Arc::new(StateDb::open(folder.path(), configured()).unwrap()),
            live.clone(),
            notebook.clone(),
            Arc::new(Facts),
            clock.clone(),
            setup(folder.path(), &format!("http://{address}")),
        ));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let (stop, stopped) = watch::channel(false);
        runtime.spawn(serve(listener, console.clone(), stopped.clone()));
        let control = runtime.block_on(async { control::Control::bind(folder.path()) }).unwrap();
        runtime.spawn(control.serve(console.clone(), stopped));
        Self { address, console, live, notebook, clock, folder, stop, runtime }
    }

    fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: {}\r\n",
            self.address,
            body.len()
        );
        for (name, value) in headers {
            write!(request, "{name}: {value}\r\n").unwrap();
        }
        request.push_str("\r\n");
        request.push_str(body);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send("GET", path, headers, "")
    }

    fn key(&self, site: &str) -> String {
        let site = SiteName::parse(site).unwrap();
        let key = self.console.state().create_key(&site, "test", false, NOW).unwrap();
        format!("Bearer {key}")
    }

    /// Signs in with a fresh link, and returns the cookie.
    fn cookie(&self) -> String {
        let token = self.console.state().create_sign_in(self.clock.now()).unwrap();
        let answer = self.get(&format!("/sign-in?token={token}"), &[]);
        assert_eq!(answer.status, 303, "{}", answer.body);
        let cookie = answer.header("set-cookie").unwrap();
        cookie.split(';').next().unwrap().to_owned()
    }

    fn command(&self, command: &Command) -> Reply {
        control::ask(self.folder.path(), command).unwrap().expect("a running program")
    }

    fn stop(self) {
        self.stop.send(true).unwrap();
        self.runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    }
}

const QUESTION: &str = r#"{"site_id":"example.org","metrics":["visitors"],"date_range":"day"}"#;
const JSON: (&str, &str) = ("content-type", "application/json");

#[test]
fn an_api_key_reads_its_own_site_and_no_other() {
    let running = Running::start();
    let key = running.key("example.org");
    let own = running.send("POST", "/api/v2/query", &[("authorization", &key)], QUESTION);
    assert_eq!(
        (own.status, &own.json()["results"]),
        (
            200,
            &json!([{"dimensions": [],
        "metrics": [7]}])
        )
    );
    let asked = running.notebook.asked.lock().unwrap().clone();
    assert!(asked.len() == 1 && asked[0].contains("Text(\"example.org\")"), "{asked:?}");

    let other = QUESTION.replace("example.org", "example.net");
    let other = running.send("POST", "/api/v2/query", &[("authorization", &key)], &other);
    let error = json!({"error": "site_id: this key reads example.org only"});
    assert_eq!((other.status, other.json()), (403, error));
    let ledger = running.get("/api/v1/ledger?site_id=example.net", &[("authorization", &key)]);
    assert_eq!(ledger.status, 403);
    let unknown = running.get("/api/v1/ledger?site_id=(unknown)", &[("authorization", &key)]);
    assert_eq!(unknown.status, 403);
    let session = running.get("/api/v1/session", &[("authorization", &key)]);
    assert_eq!(session.status, 403);
    let body = r#"{"domain":"example.net"}"#;
    let add = running.send("POST", "/api/v1/sites", &[("authorization", &key), JSON], body);
    assert_eq!(add.status, 403);
    running.stop();
}

#[test]
fn nothing_is_told_without_a_key_or_a_session() {
    let running = Running::start();
    let wrong = format!("Bearer hc_{}", "0".repeat(64));
    for (method, path) in [
        ("POST", "/api/v2/query"),
        ("GET", "/api/v2/query/words"),
        ("GET", "/api/v1/ledger?site_id=example.org"),
        ("GET", "/api/v1/live?site_id=example.org"),
        ("GET", "/api/v1/sites"),
        ("POST", "/api/v1/sites"),
        ("DELETE", "/api/v1/sites/example.org"),
        ("GET", "/api/v1/session"),
        ("GET", "/"),
        ("GET", "/index.html"),
        ("GET", "/example.org/pages"),
    ] {
        for headers in [&[][..], &[("authorization", wrong.as_str())], &[("cookie", "a=b")]] {
            let answer = running.send(method, path, headers, QUESTION);
            assert_eq!(answer.status, 401, "{method} {path}: {}", answer.body);
        }
    }
    assert!(running.get("/", &[]).body.contains("headcount sign-in"));
    assert!(running.notebook.asked.lock().unwrap().is_empty());
    running.stop();
}

#[test]
fn a_sign_in_link_works_once_and_not_for_long() {
    let running = Running::start();
    let token = running.console.state().create_sign_in(NOW).unwrap();
    let link = format!("/sign-in?token={token}");
    let first = running.get(&link, &[("x-forwarded-proto", "https")]);
    assert_eq!((first.status, first.header("location")), (303, Some("/")));
    let cookie = first.header("set-cookie").unwrap();
    assert!(cookie.ends_with("; HttpOnly; SameSite=Strict; Secure"), "{cookie}");
    assert_eq!(running.get(&link, &[]).status, 401);

    let late = running.console.state().create_sign_in(NOW).unwrap();
    running.clock.set(Second(NOW.0 + 3600));
    assert_eq!(running.get(&format!("/sign-in?token={late}"), &[]).status, 401);
    running.stop();
}

#[test]
fn a_session_lasts_thirty_days_or_until_sign_out() {
    let running = Running::start();
    let cookie = running.cookie();
    let session = || running.get("/api/v1/session", &[("cookie", &cookie)]).status;
    assert_eq!(session(), 200);
    assert_eq!(running.get("/example.org/pages", &[("cookie", &cookie)]).status, 200);
    running.clock.set(Second(NOW.0 + 30 * 86_400));
    assert_eq!(session(), 401);
    running.clock.set(NOW);
    assert_eq!(session(), 200);
    let out = running.send("POST", "/sign-out", &[("cookie", &cookie), JSON], "");
    assert_eq!(out.status, 204);
    assert_eq!(session(), 401);
    running.stop();
}

#[test]
fn attempts_to_sign_in_are_limited() {
    let running = Running::start();
    let token = "0".repeat(64);
    let attempts = (0..=limits::SIGN_INS_PER_MINUTE + 5)
        .map(|_| running.get(&format!("/sign-in?token={token}"), &[]).status)
        .collect::<Vec<_>>();
    assert_eq!(attempts[0], 401);
    assert!(attempts.contains(&429), "{attempts:?}");
    running.stop();
}

#[test]
fn a_page_of_another_origin_cannot_act_with_the_cookie() {
    let running = Running::start();
    let cookie = running.cookie();
    let here = format!("http://{}", running.address);
    let body = r#"{"domain":"example.net"}"#;
    let post = |headers: &[(&str, &str)]| {
        let mut all = vec![("cookie", cookie.as_str())];
        all.extend_from_slice(headers);
        running.send("POST", "/api/v1/sites", &all, body).status
    };
    assert_eq!(post(&[("content-type", "text/plain")]), 415);
    assert_eq!(post(&[("content-type", "application/x-www-form-urlencoded")]), 415);
    assert_eq!(post(&[JSON, ("origin", "http://evil.example")]), 403);
    assert_eq!(post(&[JSON, ("origin", "null")]), 403);
    assert_eq!(post(&[JSON, ("sec-fetch-site", "cross-site")]), 403);
    assert_eq!(post(&[JSON, ("sec-fetch-site", "same-site"), ("origin", &here)]), 403);
    assert_eq!(post(&[JSON, ("origin", &here)]), 201);
    let again = [("cookie", cookie.as_str()), JSON, ("sec-fetch-site", "same-origin")];
    let again = running.send("POST", "/api/v1/sites", &again, body);
    assert_eq!((again.status, again.json()), (400, json!({"error": "the site is there already"})));
    running.stop();
}

#[test]
fn a_site_that_is_added_is_measured_at_once_and_can_be_removed() {
    let running = Running::start();
    let cookie = running.cookie();
    let headers = [("cookie", cookie.as_str()), JSON];
    let body = r#"{"domain":"Example.NET","timezone":"asia/kolkata"}"#;
    assert_eq!(running.send("POST", "/api/v1/sites", &headers, body).status, 201);
    let sites = json!({"sites": [
        {"domain": "example.net", "timezone": "Asia/Kolkata", "configured": false},
        {"domain": "example.org", "timezone": "Europe/Berlin", "configured": true},
    ]});
    assert_eq!(running.get("/api/v1/sites", &headers).json(), sites);
    let told = running.live.told.lock().unwrap().clone();
    assert_eq!(told, [running.console.state().sites().unwrap()]);

    let key = running.key("example.net");
    let gone = running.send("DELETE", "/api/v1/sites/example.net", &headers, "");
    assert_eq!(gone.status, 200, "{}", gone.body);
    assert_eq!(running.live.told.lock().unwrap().len(), 2);
    assert_eq!(running.get("/api/v1/sites", &[("authorization", &key)]).status, 401);
    let fixed = running.send("DELETE", "/api/v1/sites/example.org", &headers, "");
    assert!(fixed.body.contains("stands in the configuration file"), "{}", fixed.body);
    running.stop();
}

#[test]
fn a_bad_request_is_told_what_is_valid() {
    let running = Running::start();
    let cookie = running.cookie();
    let headers = [("cookie", cookie.as_str()), JSON];
    let post = |path: &str, body: &str| {
        let answer = running.send("POST", path, &headers, body);
        (answer.status, answer.json()["error"].as_str().unwrap().to_owned())
    };
    for (path, body, expected) in [
        ("/api/v2/query", "{", "body: not JSON at line 1, column 1"),
        ("/api/v2/query", "[]", "body: give an object with no other fields than site_id"),
        ("/api/v1/sites", r#"{"name":"a"}"#, "body: valid fields are domain, timezone"),
        ("/api/v1/sites", r#"{"domain":"a","timezone":"Mars/Base"}"#, "for example Europe/Berlin"),
        ("/api/v1/sites", r#"{"domain":"https://a.b/"}"#, "without a scheme"),
        ("/api/v1/sites", r#"{"domain":"a b"}"#, "holds letters, digits, dots, hyphens"),
    ] {
        let (status, error) = post(path, body);
        assert!(status == 400 && error.contains(expected), "{body}: {status} {error}");
    }
    let lost = running.get("/api/v1/goals", &headers);
    assert!(lost.status == 404 && lost.body.contains("POST /api/v2/query"), "{}", lost.body);
    let bare = running.get("/api/v1/ledger", &headers);
    assert_eq!(
        (bare.status, bare.json()["error"].as_str()),
        (400, Some("site_id: give a site's domain as ?site_id="))
    );
    running.stop();
}

#[test]
fn the_ledger_has_the_contracts_shape() {
    let running = Running::start();
    let cookie = running.cookie();
    let ledger = |site: &str| {
        running.get(&format!("/api/v1/ledger?site_id={site}"), &[("cookie", &cookie)]).json()
    };
    assert_eq!(
        ledger("example.org"),
        json!({
            "received": 14, "counted": 10, "dropped": {"bot": 3}, "rejected": {"too_large": 1},
            "withheld": 1, "spooled": 3, "written": 7, "imported": 0,
        })
    );
    assert_eq!(ledger("(unknown)")["dropped"], json!({"unknown_site": 2}));
    let live = running.get("/api/v1/live?site_id=example.org", &[("cookie", &cookie)]).json();
    assert_eq!(live["current_visitors"], 3);
    assert_eq!(live["pageviews_per_minute"].as_array().unwrap().len(), 30);
    assert_eq!(running.get("/metrics", &[]).body, "headcount_hits_total 14\n");
    running.stop();
}

#[test]
fn a_store_that_is_away_is_said_to_be_and_the_rest_goes_on() {
    let running = Running::with(Notebook { away: true, ..Notebook::default() });
    let key = running.key("example.org");
    let headers = [("authorization", key.as_str())];
    let query = running.send("POST", "/api/v2/query", &headers, QUESTION);
    assert_eq!((query.status, query.header("retry-after")), (503, Some("5")));
    assert_eq!(query.json(), json!({"error": "ClickHouse cannot be reached"}));
    assert_eq!(running.get("/api/v1/live?site_id=example.org", &headers).status, 200);
    let words = running.get("/api/v2/query/words", &headers).json();
    assert_eq!(words, crate::stats::words());
    running.stop();
}

#[test]
fn every_answer_forbids_what_the_dashboard_does_not_need() {
    let running = Running::start();
    for path in ["/", "/metrics", "/api/v1/sites", "/assets/none.js", "/sign-in"] {
        let answer = running.get(path, &[]);
        let policy = answer.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("referrer-policy"), Some("same-origin"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    let cookie = running.cookie();
    let page = running.get("/", &[("cookie", &cookie)]);
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    running.stop();
}

#[test]
fn commands_reach_the_running_program_and_work_without_one() {
    let running = Running::start();
    let socket = running.folder.path().join(control::FILE);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&socket), 0o600);
    assert_eq!(mode(&running.folder.path().join("console.db")), 0o600);

    let add = Command::SiteAdd { domain: "shop.example".to_owned(), timezone: None };
    let added = running.command(&add);
    assert_eq!(added.lines, ["added shop.example, whose days are those of UTC"]);
    assert_eq!(running.live.told.lock().unwrap().len(), 1);
    let twice = running.command(&add);
    assert_eq!((twice.ok, twice.lines), (false, vec!["the site is there already".to_owned()]));
    let create =
        Command::KeyCreate { site: "shop.example".to_owned(), name: None, mailings: false };
    let key = running.command(&create).lines.pop().unwrap();
    assert!(key.starts_with("hc_") && key.len() == 67, "{key}");
    let headers = [("authorization", format!("Bearer {key}"))];
    let headers = [(headers[0].0, headers[0].1.as_str())];
    assert_eq!(running.get("/api/v1/sites", &headers).status, 200);
    assert!(running.command(&Command::Status).lines[1].contains("14 received\t10 counted"));
    assert!(running.command(&Command::Doctor).ok);
    let link = running.command(&Command::SignIn).lines.pop().unwrap();
    let path = link.strip_prefix(&format!("http://{}", running.address)).unwrap();
    assert_eq!(running.get(path, &[]).status, 303);

    let Running { folder, console, runtime, stop, .. } = running;
    stop.send(true).unwrap();
    runtime.shutdown_timeout(std::time::Duration::from_secs(5));
    drop(console);
    assert!(control::ask(folder.path(), &Command::SiteList).unwrap().is_none());
    let state = StateDb::open(folder.path(), configured()).unwrap();
    let setup = setup(folder.path(), "http://127.0.0.1:8081");
    let desk = command::Desk { state: &state, setup: &setup, now: NOW };
    let run = |command: &Command| command::run(&desk, None, command);
    let sites = run(&Command::SiteList).lines;
    let expected = ["example.org\tEurope/Berlin\tfrom the configuration file", "shop.example\tUTC"];
    assert_eq!(sites, expected);
    assert_eq!(run(&Command::KeyList).lines, ["1\tshop.example\t2026-11-23\treads"]);
    assert!(run(&Command::KeyRevoke { id: 1 }).ok);
    assert_eq!(
        run(&Command::KeyRevoke { id: 1 }).lines[0],
        "there is no such key: see `headcount key list`"
    );
    assert!(!run(&Command::Status).ok);
    assert_eq!(state.site_of_key(&key).unwrap(), None);
}

#[test]
fn a_line_that_is_no_command_gets_an_answer() {
    let running = Running::start();
    let socket = running.folder.path().join(control::FILE);
    let mut stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
    stream.write_all(b"{\"command\":\"user-add\"}\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.contains("does not know this command"), "{answer}");
    running.stop();
}

#[test]
fn no_secret_is_at_rest() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDb::open(folder.path(), configured()).unwrap();
    let site = SiteName::parse("example.org").unwrap();
    let key = state.create_key(&site, "reports", false, NOW).unwrap();
    let token = state.create_sign_in(NOW).unwrap();
    let session = state.sign_in(&token, NOW).unwrap().unwrap();
    drop(state);
    let mut looked_at = 0;
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        looked_at += bytes.len();
        for secret in [&key[3..], &token, &session] {
            let raw = blake3::Hash::from_hex(secret).unwrap();
            let found = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
            assert!(!found(secret.as_bytes()) && !found(raw.as_bytes()));
        }
        assert!(bytes.windows(7).any(|window| window == b"reports"));
    }
    assert!(looked_at > 0);
}

#[test]
fn a_folder_of_a_newer_version_is_refused_with_a_sentence() {
    let folder = tempfile::tempdir().unwrap();
    drop(StateDb::open(folder.path(), Vec::new()).unwrap());
    let file = rusqlite::Connection::open(folder.path().join("console.db")).unwrap();
    file.pragma_update(None, "user_version", 1_000).unwrap();
    drop(file);
    let Err(error) = StateDb::open(folder.path(), Vec::new()) else { panic!("it was opened") };
    assert!(error.to_string().contains("written by a newer headcount"), "{error}");
}

#[test]
fn a_configured_site_wins_over_an_added_one() {
    let folder = tempfile::tempdir().unwrap();
    let state = StateDb::open(folder.path(), Vec::new()).unwrap();
    let site = SiteName::parse("example.org").unwrap();
    state.add_site(&site, "Asia/Tokyo", NOW).unwrap();
    drop(state);
    let state = StateDb::open(folder.path(), configured()).unwrap();
    assert_eq!(state.sites().unwrap(), configured());
    assert!(matches!(state.add_site(&site, "UTC", NOW), Err(StateError::SiteExists)));
}

fn healthy() -> DoctorContext {
    let ledger = Some(LedgerFacts { received: 14, accounted: 14 });
    DoctorContext {
        folder: Ok(Folder { free_bytes: 100 << 30, newest: Second(NOW.0 - 60) }),
        spool: Ok(Verified::default()),
        outbox: Ok(Verified::default()),
        keyring: Ok(Keyring::Machine),
        now: NOW,
        store: Some(Ok(health("26.7.3.1", 0))),
        ledger,
        stored_ledger: ledger,
        batches_set_aside: Ok(0),
    }
}

fn health(version: &str, clock_ahead_ms: i64) -> Health {
    Health { version: version.to_owned(), clock_ahead_ms, embedded: false, wrong: Vec::new() }
}

fn diagnosed(change: impl FnOnce(&mut DoctorContext), subject: &str, expected: Level) {
    let mut context = healthy();
    change(&mut context);
    let checks = doctor::examine(&context);
    let check: &Check = checks.iter().find(|check| check.subject == subject).unwrap();
    assert_eq!(check.level, expected, "{subject}: {}", check.found);
    let mended = expected == Level::Ok || !check.mend.is_empty();
    assert!(mended || check.found.starts_with("not "), "{subject}: {}", check.found);
    let failed = checks.iter().any(|check| check.level == Level::Error);
    assert_eq!(doctor::report(&context).ok, !failed);
}

#[test]
fn a_healthy_installation_gets_no_warning() {
    let checks = doctor::examine(&healthy());
    let levels: Vec<Level> = checks.iter().map(|check| check.level).collect();
    assert_eq!(levels, vec![Level::Ok; 12]);
}

#[test]
fn the_doctor_finds_each_illness() {
    use Level::{Error, Warning};
    let wrong = |why: &str| Err(why.to_owned());
    diagnosed(|c| c.folder = Err("read-only".to_owned()), "data folder", Error);
    diagnosed(|c| c.folder = Err("read-only".to_owned()), "disk space", Warning);
    let folder = |free_bytes, newest| Ok(Folder { free_bytes, newest });
    diagnosed(|c| c.folder = folder(1 << 20, NOW), "disk space", Error);
    diagnosed(|c| c.folder = folder(3 << 30, NOW), "disk space", Warning);
    diagnosed(|c| c.folder = folder(1 << 40, Second(NOW.0 + 900)), "clock", Error);
    diagnosed(|c| c.folder = folder(1 << 40, Second(NOW.0 + 20)), "clock", Level::Ok);
    diagnosed(|c| c.keyring = Err("forbidden".to_owned()), "keyring", Error);
    diagnosed(|c| c.keyring = Ok(Keyring::Namespace), "keyring", Warning);
    diagnosed(|c| c.store = Some(wrong("away").map(|_: u8| unreachable!())), "ClickHouse", Error);
    diagnosed(|c| c.store = None, "ClickHouse", Warning);
    let store = |version: &str, ahead_ms| Some(Ok(health(version, ahead_ms)));
    diagnosed(|c| c.store = store("22.3.1", 0), "ClickHouse", Error);
    diagnosed(|c| c.store = store("26.7", -90_000), "ClickHouse's clock", Error);
    let bare =
        Health { wrong: vec![(Table::Pages, "fsync_after_insert = 1")], ..health("26.7", 0) };
    diagnosed(|c| c.store = Some(Ok(bare)), "ClickHouse's tables", Error);
    let ledger = |received, accounted| Some(LedgerFacts { received, accounted });
    diagnosed(|c| c.ledger = ledger(10, 11), "ledger", Error);
    diagnosed(|c| c.ledger = ledger(11, 10), "ledger", Error);
    diagnosed(|c| c.ledger = None, "ledger", Warning);
    diagnosed(|c| c.stored_ledger = ledger(11, 10), "ledger in ClickHouse", Error);
    diagnosed(|c| c.stored_ledger = None, "ledger in ClickHouse", Warning);
    let bent = Verified { bad_frames: 1, ..Verified::default() };
    diagnosed(|c| c.spool = Ok(bent), "spool", Error);
    diagnosed(|c| c.outbox = Ok(bent), "outbox", Error);
    diagnosed(|c| c.batches_set_aside = Ok(2), "batches set aside", Error);
    diagnosed(|c| c.batches_set_aside = Err("no".to_owned()), "batches set aside", Error);
}

#[test]
fn the_doctor_sums_the_ledger_as_the_contract_does() {
    let mut facts = LedgerFacts::default();
    facts.add([("received", 14), ("counted", 10), ("withheld", 1), ("key_lost", 1)]);
    facts.add([("dropped:bot", 3), ("rejected:shed", 1)]);
    assert_eq!(facts, LedgerFacts { received: 14, accounted: 14 });
}

#[test]
fn the_doctor_writes_to_the_folder_that_it_calls_writable() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), b"x").unwrap();
    let found = doctor::probe_folder(folder.path()).unwrap();
    assert!(found.free_bytes > 0 && found.newest.0 > 1_600_000_000);
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    assert_eq!(files, 1, "the trial is taken away again");
    assert!(doctor::probe_folder(&folder.path().join("none")).is_err());
}
