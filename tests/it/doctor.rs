//! `headcount doctor` names each illness, says what mends it, and fails: beside a running program and
//! without one. Each illness is a real one.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, UNIX_EPOCH};

use headcount::app::DataFolder;
use headcount::edge::Sink as _;
use headcount::hit::{Clock as _, Record, SiteName, SystemClock};
use headcount::keys::Keys;
use headcount::outbox::{NewBatch, Outbox, OutboxConfig, Table};
use headcount::spool::{Durability, Lsn, Spool, SpoolConfig};
use serde_json::json;

use crate::stored;
use crate::support::{Collector, prepared};

const SITE: &str = "doctor.example";

/// Settings in the environment.
type Settings<'a> = &'a [(&'a str, &'a str)];

/// What `doctor` says, and that it fails just when something is wrong.
fn doctor(data: &Path, settings: Settings<'_>) -> String {
    said(&prepared(data, &["doctor"]).envs(settings.iter().copied()).output().expect("it runs"))
}

fn said(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let wrong = text.lines().any(|line| line.starts_with("error "));
    assert_eq!(output.status.code(), Some(i32::from(wrong)), "{text}");
    text
}

/// Checks that nothing else is wrong than `illness`, and that the next line says what mends it.
#[track_caller]
fn assert_named(text: &str, illness: &str, mend: &str) {
    let mut lines = text.lines().skip_while(|line| !line.starts_with("error "));
    let found = lines.next().unwrap_or_default();
    assert!(found.starts_with("error ") && found.contains(illness), "{illness}: {text}");
    let mended = lines.next().unwrap_or_default();
    assert!(mended.contains("mend it: ") && mended.contains(mend), "{mend}: {text}");
    assert!(!lines.any(|line| line.starts_with("error ")), "{text}");
}

/// A program that has counted a little, is made ill while it runs, and is killed.
fn check(before: impl Fn(&Path), during: impl Fn(&Path), illness: &str, mend: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    before(&data);
    let mut collector = Collector::start(&data, &[]);
    let key = collector.site(SITE, "UTC");
    for page in ["a", "b", "c"] {
        view(&collector, page);
    }
    collector.settled_ledger(&key, SITE);
    during(&data);
    assert_named(&doctor(&data, &[]), illness, mend);
    collector.kill();
    let text = doctor(&data, &[]);
    assert!(text.contains("headcount is not running"), "{text}");
    assert_named(&text, illness, mend);
}

fn view(collector: &Collector, page: &str) {
    let body = json!({"n": "pageview", "d": SITE, "u": format!("https://{SITE}/{page}")});
    let agent = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let headers = [("user-agent", agent), ("x-forwarded-for", "203.0.113.1")];
    let answer = collector.ingest().post("/api/event", &headers, body.to_string().as_bytes());
    assert_eq!(answer.expect("an answer").status, 202);
}

fn nothing(_: &Path) {}

/// Bends a byte of the first frame of the last segment.
fn bend(log: &Path) {
    let entries = std::fs::read_dir(log).expect("a folder").map(|entry| entry.expect("it").path());
    let mut segments: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|it| it == "seg")).collect();
    segments.sort();
    let segment = segments.pop().expect("a segment");
    let mut bytes = std::fs::read(&segment).expect("readable");
    bytes[48 + 32] ^= 1;
    std::fs::write(&segment, bytes).expect("writable");
}

#[test]
fn a_bent_byte_in_the_spool_is_named() {
    let spool = |data: &Path| bend(&data.join("spool"));
    check(nothing, spool, "spool: places that do not verify: 1", "look at the disk");
}

#[test]
fn a_bent_byte_in_the_outbox_is_named() {
    let outbox = |data: &Path| bend(&data.join("outbox"));
    check(nothing, outbox, "outbox: places that do not verify: 1", "look at the disk");
}

#[test]
fn a_spool_without_its_key_is_named() {
    let lose = |data: &Path| std::fs::remove_file(data.join("spool/spool.key")).expect("it goes");
    check(nothing, lose, "spool: spool.key is missing or damaged", "from a backup");
}

#[test]
fn a_clock_that_is_off_is_named() {
    let later = |data: &Path| {
        let file = std::fs::File::open(data.join("format")).expect("a file");
        let now = u64::try_from(SystemClock.now().0).expect("after 1970");
        let in_an_hour = UNIX_EPOCH + Duration::from_secs(now + 3600);
        file.set_modified(in_an_hour).expect("it is ours");
    };
    check(nothing, later, "clock: 3", "NTP");
}

#[test]
fn a_batch_set_aside_is_named() {
    let set_aside = |data: &Path| {
        let config = OutboxConfig { dir: data.join("outbox"), max_bytes: 1 << 20 };
        let (outbox, _) = Outbox::open(&config).expect("an outbox");
        let bytes = b"no row".to_vec();
        let batch = NewBatch { table: Table::Pages, month: 202_611, rows: 1, schema: 1, bytes };
        outbox.commit(Lsn(0), &[batch]).expect("it is kept");
        outbox.set_aside(0).expect("it is kept");
    };
    check(set_aside, nothing, "batches set aside: 1", "outbox/aside");
}

#[test]
fn a_ledger_that_does_not_balance_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    // Arrivals that nothing came of: no program of ours writes that.
    let installed = DataFolder::open(&data).expect("a data folder");
    let keys = Keys::kernel(installed.installation(), SystemClock.now()).expect("the keyring");
    let config = SpoolConfig {
        dir: data.join("spool"),
        durability: Durability::Disk,
        segment_bytes: 1 << 25,
        max_bytes: 1 << 32,
    };
    let (spool, _) = Spool::open(config, Arc::new(keys), Arc::new(SystemClock)).expect("a spool");
    let (frames, _committed) = sync_channel(8);
    let writer = spool.start(Lsn(0), frames).expect("a thread");
    let site = SiteName::parse(SITE).expect("a domain");
    writer.note(Record::Received { site, at: SystemClock.now(), hits: 5 });
    writer.stop();
    drop(writer);

    let collector = Collector::start(&data, &[]);
    let text = doctor(collector.data(), &[]);
    let illness = "error    ledger: does not balance: 5 hits received, 0 accounted for";
    assert!(
        text.contains(illness) && text.contains("mend it: hits were counted wrongly"),
        "{text}"
    );
}

/// A program on a ClickHouse of its operator's, that is made ill by a statement.
fn check_store(statement: &str, illness: &str, mend: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, engine) = stored::engine(&folder.path().join("elsewhere"));
    let own = engine.store_config();
    let password = folder.path().join("password");
    std::fs::write(&password, own.password.clone().expect("it has one")).expect("writable");
    let settings = [
        ("HEADCOUNT_STORE__URL", own.url.as_str()),
        ("HEADCOUNT_STORE__USER", own.user.as_str()),
        ("HEADCOUNT_STORE__PASSWORD_FILE", password.to_str().expect("UTF-8")),
    ];
    let data = folder.path().join("data");
    let mut collector = Collector::start(&data, &settings);
    let key = collector.site(SITE, "UTC");
    view(&collector, "a");
    collector.settled_ledger(&key, SITE);
    runtime.block_on(async {
        let client = clickhouse::Client::default()
            .with_url(&own.url)
            .with_user(&own.user)
            .with_password(own.password.clone().unwrap_or_default())
            .with_database(&own.database)
            .with_header("connection", "close");
        client.query_raw(statement).execute().await.expect("it is done");
    });
    assert_named(&doctor(&data, &settings), illness, mend);
    collector.kill();
    assert_named(&doctor(&data, &settings), illness, mend);
    runtime.block_on(engine.stop());
    let away = doctor(&data, &settings);
    assert_named(&away, "ClickHouse: ClickHouse cannot be reached", "[store]");
}

#[test]
fn a_clickhouse_that_is_wrongly_set_or_away_is_named() {
    check_store(
        "ALTER TABLE pages MODIFY SETTING fsync_after_insert = 0",
        "ClickHouse's tables: pages lacks fsync_after_insert = 1",
        "MODIFY SETTING",
    );
}

#[test]
fn a_ledger_in_clickhouse_that_does_not_balance_is_named() {
    check_store(
        "INSERT INTO ledger (site, bucket, reason, hits) VALUES ('s', now(), 'received', 5)",
        "ledger in ClickHouse: does not balance: 6 hits received, 1 accounted for",
        "who else writes to the database",
    );
}

/// Stands where an old ClickHouse does: gives its version, its time, and no tables.
fn old_clickhouse() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("it is bound"));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a connection");
            let mut request = vec![0; 16 * 1024];
            let read = stream.read(&mut request).expect("a request");
            let asked = String::from_utf8_lossy(&request[..read]).into_owned();
            let data = if asked.contains("version") {
                json!([["24.3.1.1", SystemClock.now_ms()]])
            } else {
                json!([])
            };
            let body = json!({ "data": data }).to_string();
            let length = body.len();
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\nconnection: close");
            stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).expect("it is asked");
        }
    });
    url
}

#[test]
fn a_clickhouse_that_is_too_old_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let url = old_clickhouse();
    let text = doctor(&folder.path().join("data"), &[("HEADCOUNT_STORE__URL", url.as_str())]);
    assert!(text.contains("error    ClickHouse: version 24.3.1.1\n"), "{text}");
    assert!(text.contains("mend it: take ClickHouse 25 or newer"), "{text}");
}

#[test]
fn a_keyring_that_a_container_forbids_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("strace")
        .args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=add_key,keyctl,request_key"])
        .args(["-e", "inject=add_key,keyctl,request_key:error=EPERM"])
        .args([env!("CARGO_BIN_EXE_headcount"), "doctor"])
        .env("HEADCOUNT_DATA_DIR", folder.path().join("data"))
        .output()
        .expect("strace is needed: `make tools` installs it");
    let text = said(&output);
    assert_named(&text, "keyring: the kernel's keyring cannot be used", "KeyringMode=shared");
}

#[test]
fn a_keyring_that_ends_with_its_container_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new("unshare")
        .args(["--user", "--map-root-user", env!("CARGO_BIN_EXE_headcount"), "doctor"])
        .env("HEADCOUNT_DATA_DIR", folder.path().join("data"))
        .output()
        .expect("unshare is there");
    let text = said(&output);
    assert!(text.contains("warning  keyring: is private to this user namespace"), "{text}");
    assert!(text.contains("share the machine's user namespace"), "{text}");
}

/// A small disk of its own; goes with the test.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mount = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=64m", "tmpfs"])
            .arg(folder.path())
            .status();
        assert!(mount.expect("mount is there").success(), "a tmpfs needs root to be mounted");
        Self(folder)
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg(self.0.path()).status());
    }
}

#[test]
fn a_disk_that_is_nearly_full_is_named() {
    let disk = SmallDisk::mount();
    let text = doctor(&disk.0.path().join("data"), &[]);
    assert_named(&text, "disk space: 0.1 GiB free", "larger disk");
}
