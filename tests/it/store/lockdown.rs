//! What other local processes, and a question's user, can reach.

use clickhouse::Client;

use super::harness::{ask, client, engine};

const ATTEMPTS: &[&str] = &[
    "SELECT 1",
    "SELECT * FROM headcount.visits",
    "SELECT * FROM file('/etc/passwd', 'LineAsString')",
    "SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')",
    "SELECT * FROM executable('id', 'LineAsString', 'a String')",
    "SELECT * FROM merge('headcount', '.*')",
    "SELECT * FROM remote('127.0.0.1', 'system.one')",
    "SELECT * FROM system.processes",
    "SELECT * FROM system.users",
    "SELECT count() FROM system.tables",
    "SELECT * FROM system.settings",
    "SHOW DATABASES",
    "SHOW TABLES FROM headcount",
    "SYSTEM STOP LISTEN HTTP",
    "SYSTEM SHUTDOWN",
];

#[tokio::test]
async fn another_local_process_can_ask_the_engine_nothing() {
    let (engine, _dir) = engine().await;
    let config = engine.store_config();
    let (origin, path) = config.url.rsplit_once('/').unwrap();
    assert_eq!(path.len(), 32);
    let elsewhere = ["", "/ping", "/play", "/dashboard", "/replicas_status", "/metrics", "/query"];
    for path in elsewhere {
        for sql in ATTEMPTS {
            let anonymous = Client::default().with_url(format!("{origin}{path}"));
            let error = ask(&anonymous, sql).await.unwrap_err();
            assert!(error.contains("There is no handle"), "{path} {sql}: {error}");
        }
    }
    engine.stop().await;
}

#[tokio::test]
async fn even_who_knows_the_path_finds_that_default_may_do_nothing() {
    let (engine, _dir) = engine().await;
    let default = Client::default().with_url(engine.store_config().url);
    let harmless = ["SELECT 1", "SYSTEM STOP LISTEN HTTP", "SELECT * FROM system.settings"];
    for sql in ATTEMPTS.iter().filter(|sql| !harmless.contains(sql)) {
        match ask(&default, sql).await {
            // `merge` finds no table that it may see.
            Err(error) => assert!(
                ["ACCESS_DENIED", "CANNOT_EXTRACT_TABLE_STRUCTURE"]
                    .iter()
                    .any(|e| error.contains(e)),
                "{sql}: {error}"
            ),
            // These two answer with what the user may see.
            Ok(rows) if sql.starts_with("SHOW") => assert!(rows.is_empty(), "{sql}: {rows:?}"),
            Ok(rows) => {
                assert_eq!(*sql, "SELECT count() FROM system.tables");
                let system = "SELECT count() FROM system.tables WHERE database != 'system'";
                assert_eq!(ask(&default, system).await.unwrap(), [[0]], "{rows:?}");
            }
        }
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_question_may_read_its_database_within_bounds_and_nothing_else() {
    let (engine, _dir) = engine().await;
    let store = engine.store();
    assert_eq!(store.query("SELECT count() FROM visits", &[]).await.unwrap(), [[0]]);
    let refused = [
        ("INSERT INTO ledger (site) VALUES ('x')", &[164, 497][..]),
        ("CREATE TABLE headcount.x (a Int8) ENGINE = Memory", &[164, 497]),
        ("DROP TABLE headcount.visits", &[164, 497]),
        ("SELECT * FROM file('/etc/passwd', 'LineAsString')", &[497]),
        ("SELECT * FROM url('http://127.0.0.1:1/', 'LineAsString')", &[497]),
        ("SELECT * FROM system.processes", &[497]),
        ("SELECT * FROM system.parts", &[497]),
        ("SELECT number FROM numbers(2000000) SETTINGS max_result_rows = 0", &[164]),
        ("SELECT number FROM numbers(2000000)", &[396]),
        ("SELECT sum(number) FROM numbers(3000000000)", &[158]),
    ];
    for (sql, codes) in refused {
        match store.query(sql, &[]).await {
            Err(headcount::store::StoreError::Refused(code)) if codes.contains(&code) => {}
            other => panic!("{sql}: {other:?}"),
        }
    }
    // The collector cannot read files either.
    let collector = client(&engine.store_config());
    let error = ask(&collector, "SELECT * FROM file('/etc/passwd', 'LineAsString')").await;
    assert!(error.unwrap_err().contains("ACCESS_DENIED"));
    engine.stop().await;
}

#[tokio::test]
async fn the_engines_secrets_are_the_owners_alone_and_nothing_is_logged() {
    use std::os::unix::fs::PermissionsExt as _;
    let (engine, dir) = engine().await;
    engine.store().query("SELECT 'a text of a question'", &[]).await.unwrap();
    engine.stop().await;
    for file in ["config.xml", "users.xml"] {
        let mode = dir.path().join(file).metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let mut folders = vec![dir.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                let found = bytes.windows(20).any(|window| window == b"a text of a question");
                assert!(!found, "{path:?}");
            }
        }
    }
}
