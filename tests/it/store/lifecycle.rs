//! The engine's life: restarts, its end, a parent that is killed, a store by URL.

use std::process::{Command, Stdio};

use headcount::hit::SystemClock;
use headcount::store::engine::{Engine, EngineError, find_library};
use headcount::store::{SCHEMA, Store};

use super::harness::{
    Memory, Sending, assert_exactly_once, brisk, client, config, distinct, engine, signal, until,
};

fn lives(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat"))
        .is_ok_and(|stat| !stat.contains(") Z "))
}

#[tokio::test]
async fn a_killed_engine_comes_back_with_its_data_under_the_same_handle() {
    let (engine, dir) = engine().await;
    let store = engine.store();
    let outbox = std::sync::Arc::new(Memory::default());
    let sending = Sending::start(&store, &outbox, brisk(&store));
    let before = engine.store_config();
    for number in 0..3 {
        outbox.commit([distinct(number)]);
        outbox.drained().await;
        signal("-KILL", engine.process().unwrap());
        until("the engine is back", async || engine.restarts() > number).await;
        until("it answers", async || store.ping().await.is_ok()).await;
    }
    let after = engine.store_config();
    assert_ne!(before.password, after.password, "every start draws its passwords");
    assert_exactly_once(&client(&after), 3).await;
    sending.stop().await;
    let process = engine.process().unwrap();
    engine.stop().await;
    assert!(!lives(process));

    let again = Engine::start(config(dir.path())).await.unwrap();
    assert_exactly_once(&client(&again.store_config()), 3).await;
    again.stop().await;
}

#[tokio::test]
async fn the_engine_does_not_outlive_a_parent_that_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let library = find_library(&super::harness::program()).unwrap();
    std::fs::write(dir.path().join("config.xml"), "<clickhouse/>").unwrap();
    // A shell is the parent: it holds the child's standard input, says its number, and waits.
    let script = r#"mkfifo in; "$1" engine "$2" lock --config-file config.xml --path data \
        --query "SELECT sleepEachRow(1) FROM numbers(1000) SETTINGS max_block_size = 1 FORMAT Null" \
        <in >out & exec 3>in; echo >&3; echo $!; read -r forever"#;
    let mut parent = Command::new("sh")
        .args(["-c", script, "sh"])
        .arg(super::harness::program())
        .arg(library)
        .current_dir(dir.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(parent.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    let child: u32 = line.trim().parse().unwrap();
    let began = dir.path().join("data/status");
    until("the engine has opened its data", async || began.try_exists().unwrap()).await;
    assert!(lives(child));
    parent.kill().unwrap();
    parent.wait().unwrap();
    until("the engine is gone", async || !lives(child)).await;
}

#[tokio::test]
async fn a_missing_or_broken_library_is_said_in_one_sentence() {
    let dir = tempfile::tempdir().unwrap();
    let nowhere = dir.path().join("bin/headcount");
    let error = find_library(&nowhere).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the engine's library is not here: run `make setup`, or set [store] url"
    );
    let mut broken = config(dir.path());
    broken.library = dir.path().join("libchdb.so");
    std::fs::write(&broken.library, "no library").unwrap();
    assert!(matches!(Engine::start(broken).await, Err(EngineError::BadLibrary)));
}

#[tokio::test]
async fn an_older_engine_than_the_datas_is_refused() {
    let (engine, dir) = engine().await;
    engine.stop().await;
    std::fs::write(dir.path().join("engine.version"), "99.1.1\n").unwrap();
    let error = Engine::start(config(dir.path())).await.err().unwrap();
    assert!(matches!(error, EngineError::Older { .. }), "{error}");
}

#[tokio::test]
async fn a_store_by_url_is_the_same_store() {
    let (engine, _dir) = engine().await;
    let store = Store::new(engine.store_config());
    assert_eq!(store.migrate().await.unwrap(), SCHEMA);
    let outbox = std::sync::Arc::new(Memory::default());
    outbox.commit((0..5).map(distinct));
    let sending = Sending::start(&store, &outbox, brisk(&store));
    outbox.drained().await;
    sending.stop().await;
    assert_exactly_once(&client(&engine.store_config()), 5).await;
    let rows = store.query("SELECT sum(hits) FROM ledger WHERE site != '(marker)'", &[]).await;
    assert_eq!(rows.unwrap(), [[5]]);
    let written = store.query("INSERT INTO ledger (site) VALUES ('x')", &[]).await;
    assert!(matches!(written, Err(headcount::store::StoreError::Refused(164))), "{written:?}");

    let health = store.health(&SystemClock).await.unwrap();
    assert!(health.version.starts_with("26."), "{health:?}");
    assert_eq!((health.wrong, health.embedded), (vec![], false));
    assert!(health.clock_ahead_ms.abs() < 1_000);
    engine.stop().await;
}
