//! The counter alone: time of a hit, bytes of a visitor, and a checkpoint beside which counting goes
//! on.
//!
//! `cargo bench --bench count`, or with other figures: `HITS=… VISITORS=… cargo bench --bench count`.

#![expect(
    clippy::disallowed_macros,
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a bench prints figures, and makes up pages and visitors"
)]

use std::fs;
use std::process::Command;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use headcount::count::{CountLimits, Counter, DayState, Deltas, Restoring};
use headcount::hit::{
    Bucket, Day, Hit, HitKind, ManualClock, Record, Second, SiteName, Text, VisitDims, Visitor,
    VisitorId,
};
use headcount::keys::{KeyId, Keys};
use headcount::limits;
use headcount::spool::{Durability, Lsn, Section, Spool, SpoolConfig};

/// Eight in the morning of a day in UTC.
const BEGIN: i64 = 1_800_000_000;
/// Hits whose rows leave together.
const STRETCH: u64 = 10_000;

const LIMITS: CountLimits = CountLimits {
    seen_per_visitor: limits::SEEN_PER_VISITOR_MAX,
    visitors_per_site: limits::VISITORS_PER_SITE_MAX,
    visitors: limits::VISITORS_MAX,
    recipients_per_mailing: limits::RECIPIENTS_PER_MAILING_MAX,
};

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// A hit's texts, each made once, as the edge's tables hold them.
struct Texts {
    site: SiteName,
    host: Text,
    pages: Vec<Text>,
    sources: Vec<Text>,
    countries: Vec<Text>,
    browsers: Vec<Text>,
    devices: Vec<Text>,
}

impl Texts {
    fn new() -> Self {
        let numbered = |what: &str, most: u32| {
            (0..most).map(|number| Text::from_scrubbed(&format!("{what}{number}"))).collect()
        };
        Self {
            site: SiteName::parse("count.example").expect("a domain"),
            host: Text::from_scrubbed("count.example"),
            pages: numbered("/blog/post-", 500),
            sources: numbered("source ", 8),
            countries: numbered("C", 20),
            browsers: numbered("browser ", 5),
            devices: numbered("device ", 3),
        }
    }

    /// The hit of that number: each visitor comes back every `visitors` hits, all of them within
    /// `span_s` seconds; of eight hits two are engagements and one is an event.
    fn hit(&self, number: u64, hits: u64, visitors: u64, span_s: u64) -> Record {
        let visitor = number % visitors;
        let after = (u128::from(number) * u128::from(span_s) / u128::from(hits)) as i64;
        let at = Second(BEGIN + after);
        let pick = |texts: &[Text], bits: u64| texts[(bits % texts.len() as u64) as usize].clone();
        let mixed = visitor.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 20;
        let again = number / visitors;
        // A visitor reads on from page to page, and stays on one for its engagements.
        let (step, phase) = (again / 4, again % 4);
        let kind = match phase {
            0 | 2 => HitKind::Pageview,
            1 if step % 2 == 1 => HitKind::Event {
                name: Text::from_scrubbed("Download"),
                interactive: true,
                props: Vec::new(),
                revenue: None,
            },
            _ => HitKind::Engagement { engaged_ms: 4000, scroll_percent: Some(60) },
        };
        Record::Hit(Hit {
            site: self.site.clone(),
            at,
            day: day(at.0),
            hour: Bucket(Second(at.0 / 3600 * 3600).bucket().0),
            visitor: Visitor::Known {
                key: KeyId(1),
                id: VisitorId::from_raw(visitor.wrapping_mul(0xD6E8_FEB8_6659_FD93)),
                before: None,
            },
            kind,
            hostname: self.host.clone(),
            page: pick(&self.pages, 500 / (1 + (mixed + step * 2 + phase / 2) % 500)),
            dims: Box::new(VisitDims {
                channel: pick(&self.sources, mixed),
                source: pick(&self.sources, mixed),
                country: pick(&self.countries, mixed >> 3),
                browser: pick(&self.browsers, mixed >> 8),
                device: pick(&self.devices, mixed >> 12),
                ..VisitDims::default()
            }),
        })
    }
}

/// Resident bytes of this process.
fn resident() -> f64 {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux");
    let pages = statm.split_whitespace().nth(1).and_then(|pages| pages.parse::<f64>().ok());
    pages.expect("resident pages") * 4096.0
}

/// Time that this thread has had a processor: what else the machine does is no part of it.
fn on_cpu() -> Duration {
    let stat = fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
    let ns = stat.split_whitespace().next().and_then(|ns| ns.parse().ok());
    Duration::from_nanos(ns.expect("nanoseconds"))
}

/// Counts the hits, in stretches whose rows are dropped; the time of counting alone, and rows.
fn count(hits: u64, visitors: u64, span_s: u64) -> (Counter, Duration, usize) {
    let (texts, mut counter) = (Texts::new(), Counter::new(LIMITS));
    let (mut time, mut row_count) = (Duration::ZERO, 0);
    for first in (0..hits).step_by(STRETCH as usize) {
        let last = (first + STRETCH).min(hits);
        let records: Vec<Record> =
            (first..last).map(|number| texts.hit(number, hits, visitors, span_s)).collect();
        let mut deltas = Deltas::default();
        let begun = on_cpu();
        for record in &records {
            counter.apply(record, &mut deltas);
        }
        let rows = deltas.into_rows();
        time += on_cpu().saturating_sub(begun);
        row_count += rows.len();
    }
    (counter, time, row_count)
}

/// A day with that many visitors, in a process of its own: memory, and its checkpoint.
fn visitors(visitors: u64) {
    let before = resident();
    let (mut counter, _, _) = count(visitors, visitors, 1800);
    let bytes = (resident() - before) / visitors as f64;
    assert_eq!(counter.visitors_in_memory() as u64, visitors, "every visitor is one");
    println!("{visitors} visitors with one page view each");
    println!("  bytes a visitor                    {bytes:>10.0}");
    let begun = Instant::now();
    let picture = counter.picture();
    println!("  counting stands still, ms          {:>10.1}", ms(begun));

    let keys = Arc::new(Keys::memory());
    let now = Second(BEGIN + 1800);
    let key = keys.day_key("UTC", day(BEGIN), now, Second(now.0 + 3600)).expect("a key").id();
    let folder = tempfile::tempdir().expect("a folder");
    let spool = || {
        let config = SpoolConfig {
            dir: folder.path().to_owned(),
            durability: Durability::Disk,
            segment_bytes: 1 << 25,
            max_bytes: 1 << 32,
        };
        let clock = Arc::new(ManualClock::at(now));
        Spool::open(config, Arc::clone(&keys), clock).expect("a spool").0
    };
    let (frames, _committed) = sync_channel(1);
    let writer = spool().start(Lsn(0), frames).expect("a thread");
    let held = resident();
    let begun = Instant::now();
    let (took, more) = std::thread::scope(|scope| {
        let keeping = scope.spawn(|| {
            let sections = picture
                .into_parts()
                .map(|part| Section { key: part.key.map(|_| key), bytes: part.bytes });
            writer.checkpoint(Lsn(0), sections).expect("it is kept");
            ms(begun)
        });
        // Meanwhile visitors come back, all over the day.
        let (texts, mut deltas) = (Texts::new(), Deltas::default());
        let (mut hits, mut longest, mut more) = (0, 0.0_f64, 0.0_f64);
        while !keeping.is_finished() {
            let records: Vec<Record> = (0..1000)
                .map(|at| {
                    let visitor = (hits + at) * 7_919 % visitors;
                    texts.hit(visitors + visitor, 2 * visitors, visitors, 3600)
                })
                .collect();
            let begun = Instant::now();
            for record in &records {
                counter.apply(record, &mut deltas);
            }
            longest = longest.max(ms(begun));
            more = more.max(resident() - held);
            hits += 1000;
        }
        println!("  meanwhile, hits                    {hits:>10}");
        println!("  longest for 1,000 of them, ms      {longest:>10.1}");
        (keeping.join().expect("it does not panic"), more)
    });
    println!("  checkpoint written in, ms          {took:>10.1}");
    println!("  more memory meanwhile, MB          {:>10.1}", more / 1e6);
    let size = fs::metadata(folder.path().join("checkpoint")).expect("a file").len();
    println!("  checkpoint, bytes a visitor        {:>10.1}", size as f64 / visitors as f64);
    writer.stop();
    drop((writer, counter));

    let begun = Instant::now();
    let mut restoring = Restoring::new(LIMITS);
    let spool = spool();
    let read = spool.past().load_checkpoint(&mut |section| {
        let part = DayState { key: section.key, bytes: section.bytes };
        restoring.take(&part).expect("its own state");
    });
    assert_eq!(read.expect("it can be read"), Some(Lsn(0)));
    let counter = restoring.finish().expect("its own state");
    println!("  read back in, ms                   {:>10.1}", ms(begun));
    assert_eq!(counter.visitors_in_memory() as u64, visitors, "they are all there");
}

fn main() {
    if let Some(of) = std::env::var("VISITORS_OF").ok().and_then(|text| text.parse().ok()) {
        return visitors(of);
    }
    // `cargo test --benches` runs this too: small, so that it cannot rot.
    let bench = std::env::args().any(|argument| argument == "--bench");
    let sizes: &[u64] = if bench { &[100_000, 1_000_000, 10_000_000] } else { &[2_000] };
    for size in sizes {
        let this = std::env::current_exe().expect("this program");
        let ran = Command::new(this).env("VISITORS_OF", size.to_string()).status();
        assert!(ran.expect("it starts").success(), "{size} visitors");
    }
    let hits = setting("HITS", if bench { 1_000_000 } else { 2_000 });
    let visitors = setting("VISITORS", if bench { 100_000 } else { 200 });
    let (counter, time, rows) = count(hits, visitors, 3600);
    assert_eq!(counter.visitors_in_memory() as u64, visitors, "every visitor is one");
    println!("{hits} hits of {visitors} visitors, cut every {STRETCH}");
    println!("  ns of CPU a hit                    {:>10.0}", time.as_nanos() as f64 / hits as f64);
    println!("  rows a hit                         {:>10.2}", rows as f64 / hits as f64);
}

fn ms(begun: Instant) -> f64 {
    begun.elapsed().as_secs_f64() * 1000.0
}

/// The day in UTC of a second.
fn day(at: i64) -> Day {
    Day(i32::try_from(at / 86_400).expect("a day"))
}
