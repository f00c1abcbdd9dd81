//! Nothing acknowledged is lost when the power goes, and nothing is counted twice.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use super::machine::{ClickHouse, Collector, Machine, Sums, sums};
use crate::app::recover::count_limits;
use crate::count::{Counter, Deltas};
use crate::hit::{Hit, Record};
use crate::outbox::Table;
use crate::spool::Lsn;
use crate::spool::memory::{Chance, Life};

/// Cases, unless HEADCOUNT_POWER_LOSSES says how many.
const CASES: u64 = 10_000;

/// One machine through a few lives of its collector.
struct Case {
    chance: Chance,
    keys_die: bool,
    machine: Machine,
    clickhouse: ClickHouse,
    pages: u64,
    acknowledged: BTreeSet<String>,
    /// Every record that was ever counted.
    counted: BTreeMap<Lsn, Record>,
}

impl Case {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        Self {
            keys_die: chance.below(2) == 0,
            chance,
            machine: Machine::default(),
            clickhouse: ClickHouse::default(),
            pages: 0,
            acknowledged: BTreeSet::new(),
            counted: BTreeMap::new(),
        }
    }

    async fn run(mut self) {
        for _ in 0..=self.chance.below(3) {
            let changes = 1 + self.chance.below(60);
            self.live(&Life::of(changes)).await;
            // One in four is a kill: what was not synced is still in the kernel.
            if self.chance.below(4) > 0 {
                let seed = self.chance.below(u64::MAX);
                self.machine = self.machine.without_power(seed, self.keys_die);
            }
        }
        self.settle();
        self.check();
    }

    /// A life of the collector, which ends where its changes do.
    async fn live(&mut self, life: &Life) {
        let Some(mut collector) = self.start(life) else { return };
        for _ in 0..3 + self.chance.below(9) {
            match self.chance.below(10) {
                0..5 => self.submit(&collector).await,
                5 => drop(collector.cut()),
                6 => collector.checkpoint(),
                _ => {
                    let tables = &[Table::Visits, Table::Pages, Table::Journeys, Table::Ledger];
                    let table = tables[usize::try_from(self.chance.below(4)).expect("small")];
                    self.clickhouse.take(&collector.outbox, table);
                }
            }
            collector.count(&mut |lsn, record| tell(&mut self.counted, self.keys_die, lsn, record));
        }
        // One in four stops cleanly, as far as its life lets it.
        let clean = self.chance.below(4) == 0;
        collector.stop();
        if clean {
            collector.count(&mut |lsn, record| tell(&mut self.counted, self.keys_die, lsn, record));
            collector.checkpoint();
        }
    }

    fn start(&mut self, life: &Life) -> Option<Collector> {
        let mut found = Vec::new();
        let started = Collector::start(self.machine.found(life), &mut |lsn, it| {
            found.push((lsn, it.clone()));
        });
        // What was read by a start that did not come to an end may be lost by the next one.
        if started.is_some() {
            for (lsn, record) in &found {
                tell(&mut self.counted, self.keys_die, *lsn, record);
            }
        }
        started
    }

    async fn submit(&mut self, collector: &Collector) {
        let pages: Vec<String> =
            (0..=self.chance.below(2)).map(|at| format!("/{}", self.pages + at)).collect();
        self.pages += pages.len() as u64;
        let hits = pages.iter().map(|page| self.machine.hit(self.chance.below(5), page)).collect();
        if collector.submit(hits).await {
            self.acknowledged.extend(pages);
        }
    }

    /// The last start, and everything written.
    fn settle(&mut self) {
        let mut collector = self.start(&Life::default()).expect("it starts");
        collector.checkpoint();
        while Table::ALL.iter().any(|table| self.clickhouse.take(&collector.outbox, *table)) {}
        assert_eq!(collector.outbox.figures().waiting, 0);
        collector.stop();
    }

    fn check(&self) {
        let mut of_page: BTreeMap<&str, u64> = BTreeMap::new();
        for record in self.counted.values() {
            if let Record::Hit(Hit { page, .. }) = record {
                *of_page.entry(page.as_str()).or_default() += 1;
            }
        }
        assert!(of_page.values().all(|times| *times == 1), "a hit has two places in the spool");
        for page in &self.acknowledged {
            assert!(of_page.contains_key(page.as_str()), "{page} was acknowledged, and is lost");
        }
        let stored = self.clickhouse.sums();
        let expected = self.recounted();
        if self.keys_die {
            assert_equal(&without_visitors(&stored), &without_visitors(&expected), "");
        } else {
            assert_equal(&stored, &expected, "");
        }
    }

    /// What all records make that were ever counted, counted once, in their order.
    fn recounted(&self) -> Sums {
        let (mut counter, mut deltas) = (Counter::new(count_limits()), Deltas::default());
        for record in self.counted.values() {
            counter.apply(record, &mut deltas);
        }
        sums(&crate::store::encode(&deltas.into_rows(), "n"))
    }
}

/// Notes a record that was counted. One that was counted before is the same; without its key, its
/// visitor is not known any more.
fn tell(counted: &mut BTreeMap<Lsn, Record>, keys_die: bool, lsn: Lsn, record: &Record) {
    if let Some(before) = counted.get(&lsn) {
        let same = match (before, record) {
            (Record::Hit(before), Record::Hit(again)) if keys_die => before.page == again.page,
            _ => before == record,
        };
        assert!(same, "record {} is another one now", lsn.0);
    } else {
        counted.insert(lsn, record.clone());
    }
}

/// Fails with what differs, and no more.
pub(super) fn assert_equal<K: Ord + std::fmt::Debug, V: PartialEq + std::fmt::Debug>(
    stored: &BTreeMap<K, V>,
    expected: &BTreeMap<K, V>,
    after: &str,
) {
    for key in stored.keys().chain(expected.keys()) {
        assert_eq!(stored.get(key), expected.get(key), "stored, and expected, of {key:?} {after}");
    }
}

/// The page views of each page, and the ledger: what does not need to know who it was.
fn without_visitors(all: &Sums) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for ((table, key), counters) in all {
        let (of, counter) = match *table {
            "pages" => (key.iter().find(|text| text.starts_with('/')), "pageviews"),
            "ledger" => (key.iter().find(|it| *it == "received" || *it == "counted"), "hits"),
            _ => continue,
        };
        if let Some(of) = of {
            *sums.entry(format!("{table} {of}")).or_default() += counters[counter];
        }
    }
    sums
}

#[test]
#[expect(clippy::disallowed_macros, clippy::print_stderr, reason = "the seeds, to run one again")]
fn nothing_acknowledged_is_lost_or_doubled_when_the_power_goes() {
    let number = |name| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let mut random = [0; 4];
    getrandom::fill(&mut random).expect("random bytes");
    let first = number("HEADCOUNT_SEED").unwrap_or(u32::from_le_bytes(random).into());
    let cases = number("HEADCOUNT_POWER_LOSSES").unwrap_or(CASES);
    eprintln!("{cases} power losses, HEADCOUNT_SEED={first} and those after it");
    let next = AtomicU64::new(first);
    std::thread::scope(|scope| {
        for _ in 0..std::thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                let runtime = runtime.expect("a runtime");
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= first + cases {
                        return;
                    }
                    let told = TellSeed(seed);
                    runtime.block_on(Case::new(seed).run());
                    drop(told);
                }
            });
        }
    });
}

/// Says which seed it was, when a case fails.
struct TellSeed(u64);

impl Drop for TellSeed {
    #[expect(clippy::disallowed_macros, clippy::print_stderr, reason = "the seed, to run it again")]
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("HEADCOUNT_SEED={} HEADCOUNT_POWER_LOSSES=1 fails", self.0);
        }
    }
}
