//! The program as its operator meets it: configuration, commands, first run, stop, outages.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::stored;
use crate::support::{Collector, command, free_port, signal, until};

const SITE: &str = "program.example";
const FIREFOX: (&str, &str) =
    ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");

fn view(collector: &Collector, address: &str, page: &str) -> u16 {
    let body = json!({"n": "pageview", "d": SITE, "u": format!("https://{SITE}{page}")});
    let headers = [FIREFOX, ("x-forwarded-for", address)];
    let answer = collector.ingest().post("/api/event", &headers, body.to_string().as_bytes());
    answer.expect("an answer").status
}

/// Today's figures.
fn figures(collector: &Collector, key: &str) -> Value {
    let question = json!({
        "site_id": SITE,
        "metrics": ["visitors", "visits", "pageviews"],
        "date_range": "day",
    });
    let answer = collector.query(key, &question).expect("an answer");
    answer["results"][0]["metrics"].clone()
}

fn serve(folder: &Path, config: &str, ports: (u16, u16)) -> Output {
    let file = folder.join("headcount.toml");
    std::fs::write(&file, config).expect("writable");
    Command::new(env!("CARGO_BIN_EXE_headcount"))
        .args(["serve", "--config"])
        .arg(&file)
        .env("HEADCOUNT_DATA_DIR", folder.join("data"))
        .env("HEADCOUNT_INGEST__LISTEN", format!("127.0.0.1:{}", ports.0))
        .env("HEADCOUNT_CONSOLE__LISTEN", format!("127.0.0.1:{}", ports.1))
        .output()
        .expect("the program runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn five_errors_of_a_configuration_are_told_at_once_and_before_anything_begins() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = "colour = 1\n[ingest]\ntrusted_proxies = [\"nowhere\"]\nrate_limit_per_second = -1\n\
                  [spool]\ndurability = \"hope\"\n[[site]]\ndomain = \"a b\"\ntimezone = \"Mars/Base\"\n";
    let output = serve(folder.path(), config, (free_port(), free_port()));
    let said = said(&output);
    assert_eq!(output.status.code(), Some(2), "{said}");
    for problem in [
        "colour is not a setting",
        "[ingest] trusted_proxies: \"nowhere\": is no IP network",
        "[ingest] rate_limit_per_second must be a whole number",
        "[spool] durability must be disk or process",
        "[[site]] 1: timezone \"Mars/Base\" is not known",
        "[[site]] 1: domain",
    ] {
        assert!(said.contains(problem), "no {problem:?} in:\n{said}");
    }
    assert!(!folder.path().join("data").try_exists().expect("a folder"), "nothing was made");
}

#[test]
fn a_port_in_use_or_a_newer_data_folder_is_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("it is bound").port();
    for ports in [(port, free_port()), (free_port(), port)] {
        let output = serve(folder.path(), "", ports);
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("headcount: 127.0.0.1:{port} is in use by another program");
        assert!(said(&output).contains(&expected), "{}", said(&output));
    }
    std::fs::create_dir_all(folder.path().join("data")).expect("writable");
    std::fs::write(folder.path().join("data/format"), "9\n").expect("writable");
    let output = serve(folder.path(), "", (free_port(), free_port()));
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("written by a newer headcount (format 9, this one knows 1)"));
}

#[test]
fn commands_do_the_same_with_a_running_program_and_without_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let run = |arguments: &[&str]| {
        let output = command(&data, arguments);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (output.status.code(), text + &said(&output))
    };
    assert_eq!(run(&["site", "add", "first.example", "--timezone", "Asia/Kolkata"]).0, Some(0));
    assert_eq!(run(&["status"]).0, Some(1));
    let mut collector = Collector::start(&data, &[]);
    assert_eq!(run(&["site", "add", SITE]).0, Some(0));
    let (code, text) = run(&["site", "add", SITE]);
    assert_eq!((code, text.as_str()), (Some(1), "headcount: the site is there already\n"));
    let (code, text) = run(&["site", "add", "x.example", "--timezone", "Mars/Base"]);
    assert!(code == Some(1) && text.contains("for example Europe/Berlin"), "{text}");
    assert_eq!(run(&["site", "list"]).1, format!("first.example\tAsia/Kolkata\n{SITE}\tUTC\n"));

    // A site that was just added is measured at once.
    let key = collector.key(SITE);
    assert_eq!(view(&collector, "203.0.113.1", "/"), 202);
    assert_eq!(collector.settled_ledger(&key, SITE)["counted"], 1);
    let (code, text) = run(&["status"]);
    assert!(
        code == Some(0) && text.contains("program.example\t1 now\t1 received\t1 counted"),
        "{text}"
    );
    let (code, text) = run(&["doctor"]);
    assert!(code == Some(0) && text.contains("ok       ledger: balances"), "{text}");

    assert_eq!(run(&["key", "revoke", "1"]).0, Some(0));
    assert!(collector.ledger(&key, SITE).is_none(), "the key is revoked");
    assert_eq!(run(&["key", "revoke", "1"]).0, Some(1));
    assert_eq!(run(&["site", "remove", "first.example"]).0, Some(0));
    assert!(collector.stop().success());
    assert_eq!(run(&["site", "list"]).1, format!("{SITE}\tUTC\n"));
    let (code, text) = run(&["doctor"]);
    assert!(code == Some(0) && text.contains("headcount is not running"), "{text}");
}

#[test]
fn the_first_run_prints_a_link_that_signs_in_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collector::start(&folder.path().join("data"), &[]);
    let printed = until("the link is printed", || {
        let printed = collector.printed();
        printed.contains("/sign-in?token=").then_some(printed)
    });
    assert!(printed.contains("<script defer data-domain="), "{printed}");
    let link =
        printed.lines().find(|line| line.contains("/sign-in?token=")).expect("a link").trim();
    let path = &link[link.find("/sign-in").expect("a path")..];
    let signed_in = collector.console().get(path, &[]).expect("an answer");
    let cookie = signed_in.header("set-cookie").expect("a session").split(';').next();
    let cookie = cookie.expect("a pair").to_owned();
    let session = collector.console().get("/api/v1/session", &[("cookie", &cookie)]);
    assert_eq!((signed_in.status, session.expect("an answer").status), (303, 200));
    let again = collector.console().get(path, &[]).expect("an answer");
    assert_eq!(again.status, 401, "it works once");
    assert_eq!(collector.console().get("/api/v1/session", &[]).expect("an answer").status, 401);
}

#[test]
fn a_clean_stop_loses_nothing_and_a_restart_knows_the_days_visitors() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut collector = Collector::start(&folder.path().join("data"), &[]);
    let key = collector.site(SITE, "UTC");
    assert_eq!(view(&collector, "203.0.113.1", "/a"), 202);
    assert_eq!(view(&collector, "203.0.113.2", "/a"), 202);
    assert!(collector.stop().success());
    collector.restart();
    assert_eq!(view(&collector, "203.0.113.1", "/b"), 202);
    collector.settled_ledger(&key, SITE);
    assert_eq!(figures(&collector, &key), json!([2, 2, 3]));
    // And after a kill.
    collector.kill();
    collector.restart();
    assert_eq!(view(&collector, "203.0.113.2", "/b"), 202);
    collector.settled_ledger(&key, SITE);
    assert_eq!(figures(&collector, &key), json!([2, 2, 4]));
    let log = collector.log();
    assert!(!log.contains(" error "), "{log}");
}

#[test]
fn hits_are_taken_while_clickhouse_is_away_and_written_when_it_is_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let collector = Collector::start(&folder.path().join("data"), &[]);
    let key = collector.site(SITE, "UTC");
    let engine = until("the engine runs", || collector.engine_pid());
    until("the first answer", || collector.ledger(&key, SITE));
    signal(engine, "STOP");
    for host in 1..50 {
        assert_eq!(view(&collector, &format!("203.0.113.{host}"), "/a"), 202);
    }
    signal(engine, "CONT");
    let ledger = collector.settled_ledger(&key, SITE);
    assert_eq!((&ledger["counted"], &ledger["written"]), (&json!(49), &json!(49)));
    assert_eq!(figures(&collector, &key), json!([49, 49, 49]));
}

#[test]
fn a_clickhouse_of_ones_own_is_used_instead_of_the_engine() {
    let folder = tempfile::tempdir().expect("a folder");
    let (runtime, engine) = stored::engine(&folder.path().join("elsewhere"));
    let own = engine.store_config();
    let password = folder.path().join("password");
    std::fs::write(&password, own.password.expect("it has one") + "\n").expect("writable");
    let settings = [
        ("HEADCOUNT_STORE__URL", own.url.as_str()),
        ("HEADCOUNT_STORE__USER", own.user.as_str()),
        ("HEADCOUNT_STORE__PASSWORD_FILE", password.to_str().expect("UTF-8")),
    ];
    let mut collector = Collector::start(&folder.path().join("data"), &settings);
    let key = collector.site(SITE, "UTC");
    assert_eq!(view(&collector, "203.0.113.1", "/"), 202);
    assert_eq!(collector.settled_ledger(&key, SITE)["written"], 1);
    assert_eq!(figures(&collector, &key), json!([1, 1, 1]));
    assert_eq!(collector.engine_pid(), None);
    assert!(collector.stop().success());
    runtime.block_on(engine.stop());
}
