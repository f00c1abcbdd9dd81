//! `headcount import access-log`, with the real program, a real log and the real engine.

mod exports;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;
use headcount::count::Rows;
use headcount::edge::{Geo, LogEdge, LogFormat, LogRules, PageLines, Places, Signals, SiteConfig};
use headcount::hit::{Record, Second, SiteName};
use headcount::outbox::Table;
use serde_json::json;

use crate::stored;
use crate::support::{Collector, PATIENCE, balance, command, prepared, until};
use crate::twin;

const SITE: &str = "log.example";
const ZONE: &str = "America/New_York";
const NODE: &str = "import";
const KEEP_ALL: (&str, &str) = ("HEADCOUNT_PRIVACY__RETENTION_MONTHS", "0");

/// The real log; none where the test data is not there, which is said by name.
fn real_log(test: &str) -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    let folder = std::env::var_os("HEADCOUNT_TEST_DATA").map_or(beside, PathBuf::from);
    let path = folder.join("apache_logs");
    if path.is_file() {
        return Some(path);
    }
    say(&format!("not run: {test}: there is no apache_logs in HEADCOUNT_TEST_DATA"));
    None
}

#[expect(clippy::disallowed_macros, clippy::print_stderr, reason = "what a test did not run")]
fn say(line: &str) {
    eprintln!("{line}");
}

/// What comes through the door of a log.
fn records(log: &[u8]) -> Vec<Record> {
    let site = SiteConfig {
        name: SiteName::parse(SITE).expect("a domain"),
        aliases: Vec::new(),
        timezone: ZONE.to_owned(),
        signals: Signals::Withhold,
        rules: Arc::default(),
    };
    let geo = Geo::default_database().expect("a country database beside the program");
    let places = Places {
        geo: Some(Arc::new(Geo::open(&geo).expect("a country database"))),
        ..Places::default()
    };
    let rules = LogRules {
        format: LogFormat::Combined,
        pages: PageLines::default(),
        oldest: Second(0),
        newest: Second(i64::MAX),
    };
    let mut edge = LogEdge::new(site, places, rules).expect("a known zone");
    let mut records = Vec::new();
    edge.read(log, true, &mut records);
    records
}

/// What the twin makes of a log.
fn recounted(log: &[u8]) -> Rows {
    twin::recount(&records(log))
}

struct Folder {
    _temporary: tempfile::TempDir,
    data: PathBuf,
}

impl Folder {
    /// A data folder with the site.
    fn new() -> Self {
        let temporary = tempfile::tempdir().expect("a folder");
        let data = temporary.path().join("data");
        let added = command(&data, &["site", "add", SITE, "--timezone", ZONE]);
        assert!(added.status.success());
        Self { _temporary: temporary, data }
    }

    fn file(&self, name: &str, content: &[u8]) -> String {
        let path = self.data.with_file_name(name);
        fs::write(&path, content).expect("it is written");
        path.to_str().expect("UTF-8").to_owned()
    }

    fn import(&self, arguments: &[&str]) -> Output {
        let mut all = vec!["import", "access-log", "--site", SITE];
        all.extend(arguments);
        let mut command = prepared(&self.data, &all);
        command.env(KEEP_ALL.0, KEEP_ALL.1).stdin(Stdio::null());
        command.output().expect("the program runs")
    }
}

#[track_caller]
fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

#[track_caller]
fn refused(output: &Output, why: &str) {
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains(why), "{said}");
}

fn packed(content: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(content).expect("memory");
    encoder.finish().expect("memory")
}

#[test]
fn the_real_log_counts_as_the_twin_counts_it_and_once() {
    let Some(path) = real_log("the_real_log_counts_as_the_twin_counts_it_and_once") else { return };
    let log = fs::read(&path).expect("it is read");
    let path = path.to_str().expect("UTF-8");
    let folder = Folder::new();
    let said = told(&folder.import(&[path, "--dry-run"]));
    assert!(said.contains("would count"), "{said}");
    let said = told(&folder.import(&[path]));
    assert!(said.contains("10000 lines: 3770 page views, 6229 other requests, 1 that"), "{said}");
    assert!(said.contains("line 8899"), "{said}");
    let rows = recounted(&log);
    stored::read(&folder.data).assert_equals_of(&rows, NODE);

    refused(&folder.import(&[path]), "was imported on");
    let half = folder.file("half.log", &log[..log.len() / 2]);
    refused(&folder.import(&[&half]), "were imported before");
    stored::read(&folder.data).assert_equals_of(&rows, NODE);
    let left = fs::read_dir(folder.data.join("imports")).expect("a folder");
    assert_eq!(left.count(), 1, "the lock alone");
}

#[test]
fn several_files_packed_or_not_are_one_log() {
    let Some(path) = real_log("several_files_packed_or_not_are_one_log") else { return };
    let log = fs::read(&path).expect("it is read");
    let lines: Vec<&[u8]> = log.split_inclusive(|byte| *byte == b'\n').collect();
    let (early, late) = lines.split_at(lines.len() / 3);
    // Two servers that wrote at the same time, and a part from before.
    let of = |rest: usize| -> Vec<u8> {
        late.iter()
            .enumerate()
            .filter(|(at, _)| at % 2 == rest)
            .flat_map(|(_, it)| it.to_vec())
            .collect()
    };
    let folder = Folder::new();
    let (one, other) = (folder.file("one.gz", &packed(&of(0))), folder.file("two.log", &of(1)));
    let mut twice_packed = packed(&early[..100].concat());
    twice_packed.extend(packed(&early[100..].concat()));
    let before = folder.file("before.log.1.gz", &twice_packed);
    let said = told(&folder.import(&[&one, &other, &before]));
    assert!(said.contains("10000 lines: 3770 page views"), "{said}");
    let by_page = |rows: &stored::Stored| rows.by_page(Table::Pages, "pageviews", SITE);
    let found = stored::read(&folder.data);
    let whole = stored::expected(&recounted(&log), NODE);
    assert_eq!(by_page(&found), by_page(&whole));
}

#[test]
fn a_log_from_standard_input_counts_and_the_places_of_its_faults_are_told() {
    let folder = Folder::new();
    let line = |time: &str, page: &str| {
        format!(
            "192.0.2.7 - - [{time}] \"GET {page} HTTP/1.1\" 200 5 \"-\" \"Mozilla/5.0 (X11; \
                 Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0\"\n"
        )
    };
    let log = line("17/May/2015:10:05:03 +0000", "/a")
        + "\nsecret nonsense\n"
        + &line("17/May/2015:10:06:03 +0000", "/b");
    let all = ["import", "access-log", "-", "--site", SITE];
    let mut child = prepared(&folder.data, &all)
        .env(KEEP_ALL.0, KEEP_ALL.1)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program runs");
    child.stdin.take().expect("piped").write_all(log.as_bytes()).expect("it reads");
    let output = child.wait_with_output().expect("it ends");
    let said = told(&output);
    assert!(
        said.contains("3 lines: 2 page views, 0 other requests, 1 that cannot be read"),
        "{said}"
    );
    assert!(said.contains("cannot be read: -, line 3") && !said.contains("secret"), "{said}");
    stored::read(&folder.data).assert_equals_of(&recounted(log.as_bytes()), NODE);
}

#[test]
fn bad_input_is_refused_by_what_is_wrong() {
    let folder = Folder::new();
    let log = folder.file("x.log", b"nonsense\n");
    refused(&folder.import(&[&log]), "there is no page view in it");
    refused(&folder.import(&["missing.log"]), "missing.log cannot be read");
    let broken = folder.file("broken.gz", &[0x1f, 0x8b, 1, 2, 3]);
    refused(&folder.import(&[&broken]), "broken.gz cannot be read");
    let other = command(&folder.data, &["import", "access-log", &log, "--site", "other.example"]);
    refused(&other, "there is no such site");
    let format = folder.import(&[&log, "--format", "apache"]);
    assert_eq!(format.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&format.stderr).contains("combined, common or vhost_combined"));
    let pattern = folder.import(&[&log, "--only", " "]);
    assert_eq!(pattern.status.code(), Some(2));
}

#[test]
fn an_import_that_is_killed_anywhere_counts_once_when_it_is_run_again() {
    let Some(path) = real_log("an_import_that_is_killed_anywhere_counts_once_when_it_is_run_again")
    else {
        return;
    };
    let log = fs::read(&path).expect("it is read");
    let path = path.to_str().expect("UTF-8");
    let folder = Folder::new();
    // From reading, over accepting, to writing: the moments are spread over its life.
    for moment in [20, 60, 150, 300, 450, 600, 750, 900, 1200] {
        let all = ["import", "access-log", path, "--site", SITE];
        let mut child = prepared(&folder.data, &all)
            .env(KEEP_ALL.0, KEEP_ALL.1)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        std::thread::sleep(Duration::from_millis(moment));
        drop(child.kill());
        child.wait().expect("it was a child");
    }
    let last = folder.import(&[path]);
    if !last.status.success() {
        refused(&last, "was imported on");
        // What was accepted and not written yet is written by the next program that runs.
        let mut collector = Collector::start(&folder.data, &[KEEP_ALL]);
        until("nothing waits", || {
            let left = fs::read_dir(folder.data.join("imports")).expect("a folder");
            (left.count() == 1).then_some(())
        });
        collector.stop();
    }
    stored::read(&folder.data).assert_equals_of(&recounted(&log), NODE);
}

#[test]
fn a_running_program_takes_an_import_and_goes_on_with_it_after_a_kill() {
    let Some(path) = real_log("a_running_program_takes_an_import_and_goes_on_with_it_after_a_kill")
    else {
        return;
    };
    let log = fs::read(&path).expect("it is read");
    let path = path.to_str().expect("UTF-8");
    let folder = Folder::new();
    let mut collector = Collector::start(&folder.data, &[KEEP_ALL]);
    let key = collector.key(SITE);
    let live = format!(r#"{{"n":"pageview","u":"https://{SITE}/live","d":"{SITE}"}}"#);
    let agent =
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");
    let answer = collector.ingest().post("/api/event", &[agent], live.as_bytes());
    assert_eq!(answer.expect("an answer").status, 202);
    collector.settled_ledger(&key, SITE);

    // Today was counted live.
    let now = jiff::Zoned::now().strftime("%d/%b/%Y:%H:%M:%S %z").to_string();
    let today = format!("192.0.2.7 - - [{now}] \"GET /x HTTP/1.1\" 200 5 \"-\" \"{}\"\n", agent.1);
    let today = folder.file("today.log", today.as_bytes());
    refused(&folder.import(&[&today]), "counted live");

    let all = ["import", "access-log", path, "--site", SITE];
    let mut importing = prepared(&folder.data, &all)
        .env(KEEP_ALL.0, KEEP_ALL.1)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program runs");
    // Somewhere about where it is accepted.
    std::thread::sleep(Duration::from_millis(350));
    collector.kill();
    importing.wait().expect("it was a child");
    collector.restart();
    let again = folder.import(&[path]);
    if !again.status.success() {
        refused(&again, "was imported on");
    }
    let begun = std::time::Instant::now();
    let question = json!({"site_id": SITE, "metrics": ["pageviews"],
        "date_range": ["2015-05-01", "2015-05-31"]});
    let expected: i64 = recounted(&log).visits.values().map(|it| it.pageviews).sum();
    until("the import is written", || {
        assert!(begun.elapsed() < PATIENCE);
        let answer = collector.query(&key, &question).ok()?;
        (answer["results"][0]["metrics"][0] == expected).then_some(())
    });
    // What was imported is no part of what came through the listener.
    let ledger = until("the import's ledger is written", || {
        collector.ledger(&key, SITE).filter(|ledger| ledger["imported"] == expected)
    });
    assert_eq!((&ledger["received"], &ledger["counted"]), (&json!(1), &json!(1)), "{ledger}");
    assert_eq!(balance(&ledger), 1);
    collector.stop();

    // And --force adds.
    told(&folder.import(&[&today, "--force"]));
    let pages = stored::read(&folder.data).by_page(Table::Pages, "pageviews", SITE);
    assert_eq!((pages.get("/live"), pages.get("/x")), (Some(&1), Some(&1)));
}
