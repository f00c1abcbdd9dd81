//! A million hits of 100,000 visitors through the listener of a real collector: CPU per hit,
//! memory, rows and bytes in ClickHouse, and how long the page lags behind the last hit.
//!
//! `cargo bench --bench million`, or with other figures:
//! `HITS=100000 VISITORS=10000 CONNECTIONS=256 cargo bench --bench million`.

#![allow(
    clippy::disallowed_types,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_macros,
    clippy::print_stdout,
    dead_code,
    missing_docs,
    reason = "a bench prints, and shares the support of the tests"
)]

mod rig;
#[path = "../tests/it/stored.rs"]
mod stored;
#[path = "../tests/it/support/mod.rs"]
mod support;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rig::process::{cpu, resident};
use rig::traffic::{AGENTS, REFERRERS};
use serde_json::json;
use support::{Collector, until};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SITE: &str = "million.example";

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// The request of one hit: a visitor comes back every `visitors` hits, and pages follow a rough
/// Zipf's law over 500.
fn request(number: u64, visitors: u64) -> Vec<u8> {
    let visitor = number % visitors;
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40;
    let page = 500 / (1 + mixed % 500);
    let agent = AGENTS[(visitor % 4) as usize];
    let referrer = REFERRERS[(visitor % 5) as usize];
    let body = format!(
        "{{\"n\":\"pageview\",\"d\":\"{SITE}\",\"u\":\"https://{SITE}/blog/post-{page}\",\"r\":\"{referrer}\"}}"
    );
    format!(
        "POST /api/event HTTP/1.1\r\nhost: localhost\r\nx-forwarded-for: {}.{}.{}.{}\r\n\
         user-agent: {agent}\r\naccept-language: en-GB,en;q=0.9\r\ncontent-type: text/plain\r\n\
         content-length: {}\r\n\r\n{body}",
        11 + visitor / 16_777_216,
        visitor / 65_536 % 256,
        visitor / 256 % 256,
        visitor % 256,
        body.len()
    )
    .into_bytes()
}

/// Sends hits over one connection until all are taken. Every one must be answered 202.
async fn client(port: u16, next: Arc<AtomicU64>, hits: u64, visitors: u64) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.expect("it listens");
    stream.set_nodelay(true).expect("a socket");
    let mut answer = [0; 1024];
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        if number >= hits {
            return;
        }
        stream.write_all(&request(number, visitors)).await.expect("it reads");
        let read = stream.read(&mut answer).await.expect("it answers");
        assert!(answer[..read].starts_with(b"HTTP/1.1 202"), "hit {number} was refused");
        assert!(answer[..read].ends_with(b"ok"), "an answer came in parts");
    }
}

fn main() {
    let bench = rig::is_bench();
    let hits = setting("HITS", if bench { 1_000_000 } else { 2_000 });
    let visitors = setting("VISITORS", if bench { 100_000 } else { 200 });
    let connections = setting("CONNECTIONS", 256);
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let mut collector = Collector::start(&data, &[("HEADCOUNT_LOG__LEVEL", "warn")]);
    let key = collector.site(SITE, "UTC");
    let engine = until("the engine runs", || collector.engine_pid());
    let question =
        json!({"site_id": SITE, "metrics": ["pageviews", "visitors"], "date_range": "day"});
    until("the first answer", || collector.query(&key, &question).ok());

    let (cpu_before, memory_before) = (cpu(collector.pid()), resident(collector.pid()));
    let engine_before = cpu(engine);
    let begun = Instant::now();
    let next = Arc::new(AtomicU64::new(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let port = collector.ingest_port();
        let tasks: Vec<_> = (0..connections)
            .map(|_| tokio::spawn(client(port, Arc::clone(&next), hits, visitors)))
            .collect();
        for task in tasks {
            task.await.expect("the client ends");
        }
    });
    let sent_s = begun.elapsed().as_secs_f64();
    let last = Instant::now();
    let answer = until("the page shows the last hit", || {
        let answer = collector.query(&key, &question).ok()?;
        (answer["results"][0]["metrics"][0] == hits).then_some(answer)
    });
    let lag_s = last.elapsed().as_secs_f64();
    let (cpu_after, memory) = (cpu(collector.pid()), resident(collector.pid()));
    let (engine_after, engine_memory) = (cpu(engine), resident(engine));
    assert_eq!(answer["results"][0]["metrics"][1], visitors, "every visitor counts once");
    let ledger = collector.settled_ledger(&key, SITE);
    assert_eq!(ledger["counted"], hits);

    let per_hit = |us: f64| us / hits as f64;
    let mib = |bytes: f64| bytes / 1_048_576.0;
    println!("{hits} hits of {visitors} visitors over {connections} connections");
    println!("  hits a second                      {:>10.0}", hits as f64 / sent_s);
    println!("  collector, CPU us a hit            {:>10.2}", per_hit(cpu_after - cpu_before));
    println!(
        "  engine, CPU us a hit               {:>10.2}",
        per_hit(engine_after - engine_before)
    );
    println!("  collector, MiB before              {:>10.1}", mib(memory_before));
    println!("  collector, MiB after               {:>10.1}", mib(memory));
    println!(
        "  collector, bytes a visitor         {:>10.0}",
        (memory - memory_before) / visitors as f64
    );
    println!("  engine, MiB after                  {:>10.1}", mib(engine_memory));
    println!("  seconds until the page shows all   {lag_s:>10.2}");
    assert!(collector.stop().success());
    let (mut rows, mut bytes) = (0, 0);
    for (table, of_table, on_disk) in stored::sizes(&data) {
        let kib = on_disk as f64 / 1024.0;
        println!("  ClickHouse, {table:<12} rows {of_table:>8}, KiB  {kib:>10.1}");
        rows += of_table;
        bytes += on_disk;
    }
    println!(
        "  ClickHouse, rows and bytes a hit   {:>10.3}, {:.2}",
        rows as f64 / hits as f64,
        bytes as f64 / hits as f64
    );
}
