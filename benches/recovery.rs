//! A collector with many visitors of the day, killed: how long until it takes hits again, and until
//! it has caught up. Its state is made with the library, and not by as many requests.
//!
//! `cargo bench --bench recovery`, or with other figures:
//! `VISITORS=1000000 BEHIND=100000 cargo bench --bench recovery`.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    dead_code,
    missing_docs,
    reason = "a bench prints, makes up visitors, and shares the support of the tests"
)]

#[path = "../tests/it/support/mod.rs"]
mod support;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::Instant;

use headcount::app::DataFolder;
use headcount::count::{CountLimits, Counter, Deltas};
use headcount::edge::Sink as _;
use headcount::hit::{
    Clock as _, Day, Hit, HitKind, Record, Second, SiteName, SystemClock, Text, VisitDims, Visitor,
    VisitorId,
};
use headcount::keys::{KeyId, Keys};
use headcount::limits;
use headcount::spool::{Durability, Section, Spool, SpoolConfig};
use support::Collector;

/// Records of one request: they are committed together.
const TOGETHER: u64 = 1_000;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A page view of a visitor.
fn hit(visitor: u64, now: Second, key: KeyId) -> Record {
    let id = visitor.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    Record::Hit(Hit {
        site: SiteName::parse("recovery.example").expect("a domain"),
        at: now,
        day: today(now),
        hour: Second(now.0 / 3600 * 3600).bucket(),
        visitor: Visitor::Known { key, id: VisitorId::from_raw(id), before: None },
        kind: HitKind::Pageview,
        hostname: Text::from_scrubbed("recovery.example"),
        page: Text::from_scrubbed(&format!("/blog/post-{}", id % 500)),
        dims: Box::new(VisitDims {
            source: Text::from_scrubbed(&format!("source {}", (id >> 20) % 50)),
            ..VisitDims::default()
        }),
    })
}

fn today(now: Second) -> Day {
    Day(i32::try_from(now.0 / 86_400).expect("a day"))
}

/// Leaves a day with that many visitors in the checkpoint, and `behind` more in the spool.
fn prepare(data: &Path, visitors: u64, behind: u64) {
    let folder = DataFolder::open(data).expect("a folder");
    let now = SystemClock.now();
    let keys = Arc::new(Keys::kernel(folder.installation(), now).expect("the kernel's keyring"));
    let dies_at = Second((now.0 / 86_400 + 1) * 86_400 + 1800);
    let key = keys.day_key("UTC", today(now), now, dies_at).expect("a key").id();
    let mut counter = Counter::new(CountLimits {
        seen_per_visitor: limits::SEEN_PER_VISITOR_MAX,
        visitors_per_site: limits::VISITORS_PER_SITE_MAX,
        visitors: limits::VISITORS_MAX,
        recipients_per_mailing: limits::RECIPIENTS_PER_MAILING_MAX,
    });
    let mut deltas = Deltas::default();
    for visitor in 0..visitors {
        counter.apply(&hit(visitor, now, key), &mut deltas);
    }
    let config = SpoolConfig {
        dir: data.join("spool"),
        durability: Durability::Disk,
        segment_bytes: 1 << 26,
        max_bytes: 1 << 34,
    };
    let (spool, recovery) = Spool::open(config, keys, Arc::new(SystemClock)).expect("a spool");
    let (frames, committed) = sync_channel(limits::FRAMES_QUEUED_MAX);
    let writer = spool.start(recovery.next, frames).expect("a thread");
    let sections =
        counter.picture().into_parts().map(|part| Section { key: part.key, bytes: part.bytes });
    writer.checkpoint(recovery.next, sections).expect("it is kept");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    for first in (0..behind / TOGETHER).map(|request| request * TOGETHER) {
        let records = (first..first + TOGETHER).map(|at| hit(visitors + at, now, key)).collect();
        let Ok(receipt) = writer.submit(records) else { panic!("the spool has room") };
        writer.flush();
        assert!(runtime.block_on(receipt.kept()).is_ok(), "it is kept");
        while committed.try_recv().is_ok() {}
    }
    writer.stop();
}

fn main() {
    // `cargo test --benches` runs this too: small, so that it cannot rot.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let visitors = setting("VISITORS", if bench { 10_000_000 } else { 10_000 });
    let behind = setting("BEHIND", if bench { 100_000 } else { 1_000 }) / TOGETHER * TOGETHER;
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    prepare(&data, visitors, behind);
    // No checkpoint of its own: each start reads the same.
    let settings = [("HEADCOUNT_SPOOL__CHECKPOINT_INTERVAL_S", "3600")];
    let mut collector = Collector::start(&data, &settings);
    collector.kill();

    let begun = Instant::now();
    collector.restart();
    let listens = begun.elapsed();
    // It answers when the counter has caught up.
    let answer = collector.console().get("/metrics", &[]).expect("it answers");
    let whole = begun.elapsed();
    let metrics = String::from_utf8(answer.body).expect("text");
    let there = metrics.lines().find_map(|line| line.strip_prefix("headcount_visitors_in_memory "));
    assert_eq!(there, Some((visitors + behind).to_string().as_str()), "they are all there");
    println!("{visitors} visitors of the day, and {behind} hits behind the checkpoint");
    println!("  seconds until it takes hits        {:>10.2}", listens.as_secs_f64());
    println!("  seconds until it has caught up     {:>10.2}", whole.as_secs_f64());
    collector.kill();
}
