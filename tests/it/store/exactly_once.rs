//! Every batch exactly once, through whatever happens between the collector and ClickHouse.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use headcount::count::{JourneyKey, Rows};
use headcount::hit::SiteName;
use headcount::outbox::NewBatch;
use headcount::store::engine::Engine;
use headcount::store::{SendRules, Store, StoreConfig, encode};
use serde_json::json;
use tokio::time::sleep;

use super::harness::{
    Memory, Sending, ask, assert_exactly_once, brisk, client, config, distinct, engine, run,
    second, signal, text, until,
};
use super::proxy::{Fault, Proxy, port_of};

#[tokio::test]
async fn thirty_kills_of_the_engine_in_the_middle_of_inserts_lose_and_double_nothing() {
    const LIVES: u64 = 6;
    const KILLS: u64 = 5;
    let (first, dir) = engine().await;
    first.stop().await;
    let outbox = Arc::new(Memory::default());
    let mut batches = 0;
    let mut last = None;
    for life in 0..LIVES {
        // The collector starts anew, too: all that it has is the outbox with its notes.
        let engine = Engine::start(config(dir.path())).await.unwrap();
        let store = engine.store();
        let sending = Sending::start(&store, &outbox, brisk(&store));
        for kill in 0..KILLS {
            let inserts = || sending.figures.inserts.load(Ordering::SeqCst);
            let before = inserts();
            outbox.commit((batches..batches + 8).map(distinct));
            batches += 8;
            until("an insert is sent", async || inserts() >= before + 1 + kill % 3).await;
            // Somewhere within the insert, each time elsewhere.
            sleep(Duration::from_micros(700 * ((life * KILLS + kill) % 16))).await;
            signal("-KILL", engine.process().unwrap());
            until("it is back", async || engine.restarts() > kill).await;
        }
        if life + 1 == LIVES {
            outbox.drained().await;
        }
        sending.stop().await;
        last = Some(engine);
        if life + 1 < LIVES {
            last.take().unwrap().stop().await;
        }
    }
    let engine = last.unwrap();
    assert_exactly_once(&client(&engine.store_config()), batches).await;
    assert!(outbox.notes() > batches, "some were in doubt, and had a second token");
    assert_eq!(outbox.aside(), [0; 0]);
    engine.stop().await;
}

#[tokio::test]
async fn a_paused_engine_that_wakes_up_after_the_client_gave_up_doubles_nothing() {
    let (engine, _dir) = engine().await;
    let store = engine.store();
    let outbox = Arc::new(Memory::default());
    let impatient = Duration::from_millis(150);
    let rules = SendRules { insert_timeout: impatient, look_timeout: impatient, ..brisk(&store) };
    let sending = Sending::start(&store, &outbox, rules);
    for pause in 0..20 {
        let figures = &sending.figures;
        let inserts = figures.inserts.load(Ordering::SeqCst);
        outbox.commit((pause * 5..pause * 5 + 5).map(distinct));
        until("an insert is sent", async || {
            figures.inserts.load(Ordering::SeqCst) > inserts + pause % 4
        })
        .await;
        sleep(Duration::from_micros(600 * (pause % 10))).await;
        let process = engine.process().unwrap();
        signal("-STOP", process);
        let failures = figures.failures.load(Ordering::SeqCst);
        let gave_up =
            async || figures.failures.load(Ordering::SeqCst) > failures || outbox.waiting() == 0;
        until("the client gives up", gave_up).await;
        signal("-CONT", process);
        outbox.drained().await;
    }
    assert!(sending.figures.failures.load(Ordering::SeqCst) > 0);
    assert_eq!(sending.figures.doubled.load(Ordering::SeqCst), 0);
    sending.stop().await;
    assert_exactly_once(&client(&engine.store_config()), 100).await;
    engine.stop().await;
}

/// Sends 24 batches through a proxy with these faults, under `rules`, and checks the outcome.
async fn through(plan: &[Fault], deadline: Option<Duration>) -> Vec<String> {
    let (engine, _dir) = engine().await;
    let direct = engine.store_config();
    let proxy = Proxy::start(port_of(&direct.url), plan).await;
    let store = Store::new(StoreConfig { url: proxy.url(&direct.url), ..direct.clone() });
    let outbox = Arc::new(Memory::default());
    outbox.commit((0..24).map(distinct));
    let timeout = Duration::from_millis(400);
    let rules = SendRules { insert_timeout: timeout, deadline, ..brisk(&store) };
    let sending = Sending::start(&store, &outbox, rules);
    outbox.drained().await;
    sending.stop().await;
    let late = async || {
        proxy.release();
        proxy.late_answers().await.len() == proxy.held()
    };
    until("what was held has arrived", late).await;
    assert!(proxy.inserts() >= 24);
    assert_exactly_once(&client(&direct), 24).await;
    engine.stop().await;
    proxy.late_answers().await
}

#[tokio::test]
async fn lost_answers_broken_connections_and_false_errors_lose_and_double_nothing() {
    let plan = [Fault::LoseAnswer, Fault::Pass, Fault::Say500, Fault::Cut, Fault::Cut];
    for deadline in [None, Some(Duration::from_mins(1))] {
        assert_eq!(through(&plan, deadline).await, [""; 0]);
    }
}

#[tokio::test]
async fn an_insert_that_arrives_after_its_resend_is_not_counted_twice() {
    let plan = [Fault::Hold(Duration::ZERO), Fault::Pass, Fault::Pass];
    for deadline in [None, Some(Duration::from_mins(1))] {
        let late = through(&plan, deadline).await;
        assert!(late.len() >= 8, "{}", late.len());
        assert!(late.iter().all(|answer| answer.starts_with("HTTP/1.1 200")), "{late:?}");
    }
}

#[tokio::test]
async fn an_insert_that_arrives_after_its_deadline_refuses_itself() {
    let plan = [Fault::Hold(Duration::from_millis(3_100)), Fault::Pass, Fault::Pass];
    let late = through(&plan, Some(Duration::from_secs(2))).await;
    // 395: `throwIf` threw.
    assert!(late.iter().all(|answer| answer.contains("Code: 395")), "{late:?}");
    assert!(late.len() >= 8, "{}", late.len());
}

#[tokio::test]
async fn a_table_that_waits_for_clickhouse_goes_on_when_another_has_reached_it() {
    let (engine, _dir) = engine().await;
    let direct = engine.store_config();
    let proxy = Proxy::start(port_of(&direct.url), &[Fault::Cut, Fault::Pass]).await;
    let store = Store::new(StoreConfig { url: proxy.url(&direct.url), ..direct });
    let hour = Duration::from_hours(1);
    let rules = SendRules { backoff: (hour, hour), ..brisk(&store) };
    let outbox = Arc::new(Memory::default());
    let sending = Sending::start(&store, &outbox, rules);
    outbox.commit([distinct(0)]);
    let failed = async || sending.figures.failures.load(Ordering::SeqCst) > 0;
    until("the ledger's insert is cut", failed).await;
    // The proxy's faults are for the ledger.
    let mut rows = Rows::default();
    let key = JourneyKey {
        site: SiteName::parse("site.example").unwrap(),
        bucket: second("2026-11-01T10:00:00Z").bucket(),
        from_page: text("/a"),
        to_page: text("/b"),
    };
    rows.journeys.insert(key, 1);
    outbox.commit(encode(&rows, "node"));
    outbox.drained().await;
    sending.stop().await;
    assert_eq!(proxy.inserts(), 2);
    engine.stop().await;
}

#[tokio::test]
async fn a_batch_whose_end_was_not_kept_is_found_by_its_marker() {
    let (engine, _dir) = engine().await;
    let store = engine.store();
    let outbox = Arc::new(Memory::default());
    let sending = Sending::start(&store, &outbox, brisk(&store));
    outbox.commit([distinct(0)]);
    outbox.drained().await;
    outbox.forget_last_done();
    outbox.drained().await;
    assert_eq!(sending.figures.inserts.load(Ordering::SeqCst), 1);
    sending.stop().await;
    assert_exactly_once(&client(&engine.store_config()), 1).await;
    engine.stop().await;
}

/// The rows go, their token stays: what a crash between the two leaves, or a restored backup.
const EMPTY_BUT_FOR_TOKENS: &str = "ALTER TABLE ledger DELETE WHERE 1 SETTINGS mutations_sync = 2";

#[tokio::test]
async fn a_used_up_token_is_replaced_by_a_fresh_one() {
    let (engine, _dir) = engine().await;
    let store = engine.store();
    let collector = client(&engine.store_config());
    let outbox = Arc::new(Memory::default());
    let sending = Sending::start(&store, &outbox, brisk(&store));
    outbox.commit([distinct(0)]);
    outbox.drained().await;
    run(&collector, EMPTY_BUT_FOR_TOKENS).await;
    outbox.forget_last_done();
    outbox.drained().await;
    assert_eq!(outbox.notes(), 2);
    sending.stop().await;
    assert_exactly_once(&collector, 1).await;
    engine.stop().await;
}

/// One insert of one row under a token.
pub(super) async fn insert(
    config: &StoreConfig,
    site: &str,
    token: &str,
) -> Result<(), clickhouse::error::Error> {
    let client = client(config)
        .with_setting("async_insert", "0")
        .with_setting("insert_deduplication_token", token);
    let mut insert = client
        .insert_formatted_with("INSERT INTO ledger (site, bucket, reason, hits) FORMAT CSV")
        .with_timeouts(None, Some(Duration::from_millis(300)));
    insert.send(format!("{site},2026-11-01 10:00:00,received,1\n").into()).await?;
    insert.end().await
}

#[tokio::test]
async fn a_token_alone_would_lose_and_fresh_tokens_alone_would_double() {
    let (engine, _dir) = engine().await;
    let config = engine.store_config();
    let collector = client(&config);
    let hits = async || {
        json!(ask(&collector, "SELECT sum(hits) FROM ledger").await.unwrap())[0][0].clone()
    };

    // The token alone: success is reported, and nothing is there.
    insert(&config, "s", "a").await.unwrap();
    run(&collector, EMPTY_BUT_FOR_TOKENS).await;
    insert(&config, "s", "a").await.unwrap();
    assert_eq!(hits().await, json!(0));

    // Another insert beside one that sits in a socket: dropped under its token, doubled under a
    // fresh one.
    for (first, second, expected) in [("b", "b", 1), ("c", "d", 1 + 2)] {
        let proxy = Proxy::start(port_of(&config.url), &[Fault::Hold(Duration::ZERO)]).await;
        let held = StoreConfig { url: proxy.url(&config.url), ..config.clone() };
        insert(&held, "s", first).await.unwrap_err();
        insert(&config, "s", second).await.unwrap();
        let late = async || {
            proxy.release();
            proxy.late_answers().await.len() == 1
        };
        until("the first one has arrived", late).await;
        assert_eq!(hits().await, json!(expected), "{first} {second}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn a_batch_that_clickhouse_cannot_read_is_set_aside_and_the_next_goes_on() {
    let (engine, _dir) = engine().await;
    let store = engine.store();
    let outbox = Arc::new(Memory::default());
    let whole = distinct(1);
    let torn = NewBatch { bytes: whole.bytes[..whole.bytes.len() - 3].to_vec(), ..distinct(1) };
    let elsewhere = NewBatch { month: 202_613, ..distinct(2) };
    outbox.commit([distinct(0), torn, elsewhere, distinct(3)]);
    let sending = Sending::start(&store, &outbox, brisk(&store));
    outbox.drained().await;
    assert_eq!(outbox.aside(), [2, 3]);
    assert_eq!(sending.figures.set_aside.load(Ordering::SeqCst), 2);
    sending.stop().await;
    assert_exactly_once(&client(&engine.store_config()), 2).await;
    engine.stop().await;
}
