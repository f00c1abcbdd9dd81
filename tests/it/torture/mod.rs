//! Everything that can go wrong, under load, by a seed: and the counts are exact.
//!
//! Clients send hits while a driver draws faults, does them and undoes them, now and then several at
//! once. Each page view has a path of its own. Answered: counted exactly once. Unanswered: at most
//! once. Nothing else is there. So with mails that are opened and links in them that are followed,
//! each after its hold. The ledgers balance. And every counter of every table is what the
//! twin makes of the records that the spool ever kept.
//!
//! `make torture` runs as long as it is told to; a seed that fails becomes a test of its own here.

mod clock;
mod disk;
mod fault;
mod load;
mod mail;
mod pressure;
mod proxy;
mod world;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use headcount::outbox::Table;

use crate::stored::Stored;
use crate::support::until;
use crate::twin;
use fault::{Draw, Fault, Kind};
use load::{Load, SITES, Sent};
use mail::Mailings;
use world::{Home, World};

/// Faults of one life of a world: then it is judged, and another begins.
const ROUND: u64 = 40;

/// Faults where nothing else is said.
const FAULTS: u64 = 12;

/// How long a client waits between two hits: it leaves room for the faults.
const PACE: Duration = Duration::from_millis(2);

/// What the machine lets us do.
struct Means {
    tmpfs: bool,
    faketime: Option<PathBuf>,
}

impl Means {
    /// Where something is missing, it is said, and fails where tests must be whole.
    fn find() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let tmpfs = disk::Disk::mount(folder.path()).is_some();
        let faketime = clock::library();
        let needed = std::env::var_os("CI").is_some();
        if !tmpfs {
            say("NO FULL DISKS are tried: mounting a tmpfs needs root");
            assert!(!needed, "no tmpfs can be mounted");
        }
        if faketime.is_none() {
            say("NO CLOCKS are moved: libfaketime is missing (Debian: apt-get install faketime)");
            assert!(!needed, "libfaketime is missing");
        }
        Self { tmpfs, faketime }
    }

    fn allow(&self, kind: Kind) -> bool {
        match kind {
            Kind::FullDisk => self.tmpfs,
            Kind::ClockStep | Kind::Midnight | Kind::KeyDeath => self.faketime.is_some(),
            _ => true,
        }
    }
}

/// What was done, and what came of it.
#[derive(Default)]
struct Tally {
    faults: BTreeMap<Kind, usize>,
    answered: usize,
    unanswered: usize,
    counted: usize,
    mails: i64,
}

/// One life of a world: so many faults of these kinds, drawn by the seed; then everything is judged.
fn round(home: Home, kinds: &[Kind], faults: u64, seed: u64, tally: &mut Tally) {
    say(&format!("torture: {home:?}, seed {seed}, {faults} faults"));
    let means = Means::find();
    let kinds: Vec<Kind> = kinds.iter().copied().filter(|kind| means.allow(*kind)).collect();
    let mut draw = Draw::of(seed);
    let mut world = World::start(home, &means, &[]);
    let mailings = Arc::new(Mailings::make(&world.collector));
    let load = Load::start(world.collector.ingest_port(), PACE);
    let readers = mailings.read(world.collector.ingest_port(), world.doubt.clone());
    torment(&mut world, &kinds, faults, &mut draw, tally);
    let read = readers.stop();
    world.count_held(&mailings);
    // Once a hit behind them is in the ledger that ClickHouse has, all rows of mails are there.
    let before = load.acknowledged.load(Ordering::Relaxed);
    until("hits go on", || {
        (load.acknowledged.load(Ordering::Relaxed) > before + 100).then_some(())
    });
    let sent = load.stop();
    let ledgers = world.settled_ledgers();
    say(&format!("ledgers {ledgers:?}"));
    let (records, stored, log) = world.end(draw.one_in(2));
    for word in ["panicked", "more than once", "set aside", "do not verify"] {
        let line = log.lines().find(|line| line.contains(word));
        assert!(line.is_none(), "seed {seed}: the log says {line:?}");
    }
    judge(&sent, &stored, seed, tally);
    tally.mails += read.judge(&stored, seed);
    if !kinds.contains(&Kind::KeyDeath) {
        stored.assert_equals(&twin::recount(&records));
    }
}

/// Does so many faults, one after the other; one in three goes on while the next is done.
fn torment(world: &mut World, kinds: &[Kind], faults: u64, draw: &mut Draw, tally: &mut Tally) {
    let is_told = std::env::var_os("HEADCOUNT_TORTURE_VERBOSE").is_some();
    let mut done = 0;
    while done < faults {
        let kind = draw.one_of(kinds);
        let fault = Fault::draw(kind, draw);
        let moment = draw.millis(100, fault.longest_ms());
        let goes_on = draw.one_in(3);
        if is_told {
            say(&format!("{fault:?} for {moment:?}"));
        }
        if world.apply(fault) {
            done += 1;
            *tally.faults.entry(kind).or_default() += 1;
        }
        wait(moment);
        if !goes_on {
            world.undo();
            wait(draw.millis(100, 1_400));
        }
    }
    world.undo();
}

/// Lets the load go on: how long is what a seed draws.
fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// Holds what the clients saw against what is stored.
fn judge(sent: &Sent, stored: &Stored, seed: u64, tally: &mut Tally) {
    assert!(sent.answered.len() > 100, "the load was too small: {}", sent.answered.len());
    let mut counted = BTreeSet::new();
    for (place, site) in SITES.iter().enumerate() {
        for (page, views) in stored.by_page(Table::Pages, "pageviews", site) {
            let view = (place, page);
            assert_eq!(views, 1, "seed {seed}: {view:?} was counted {views} times");
            let may = sent.answered.contains(&view) || sent.unanswered.contains(&view);
            assert!(may, "seed {seed}: {view:?} was never sent, or dropped");
            counted.insert(view);
        }
    }
    let lost: Vec<_> = sent.answered.difference(&counted).collect();
    let (all, few) = (sent.answered.len(), &lost[..lost.len().min(5)]);
    assert!(lost.is_empty(), "seed {seed}: {} of {all} are lost, such as {few:?}", lost.len());
    tally.answered += all;
    tally.unanswered += sent.unanswered.len();
    tally.counted += counted.len();
}

impl Tally {
    fn report(&self) {
        let of: Vec<_> =
            self.faults.iter().map(|(kind, times)| format!("{kind:?} {times}")).collect();
        say(&format!(
            "torture: {} faults ({}); {} page views answered, {} not; {} counted, and \
             {} deeds of mails; lost 0, doubled 0",
            self.faults.values().sum::<usize>(),
            of.join(", "),
            self.answered,
            self.unanswered,
            self.counted,
            self.mails
        ));
    }
}

#[expect(clippy::disallowed_macros, clippy::print_stderr, reason = "the tests' own report")]
fn say(what: &str) {
    eprintln!("{what}");
}

fn check(home: Home, kinds: &[Kind], faults: u64, seed: u64) {
    let mut tally = Tally::default();
    round(home, kinds, faults, seed, &mut tally);
    tally.report();
}

#[test]
fn nothing_answered_is_lost_or_doubled_by_twenty_kills_of_collector_and_engine() {
    check(Home::Embedded, Kind::KILLS, 20, 1);
}

#[test]
fn hits_whose_key_died_while_the_collector_was_down_are_counted_once_too() {
    check(Home::Embedded, Kind::MORTAL, 5, 3);
}

#[test]
fn requests_and_answers_that_are_lost_late_or_cut_change_no_count() {
    check(Home::Apart, Kind::NETWORK, 10, 11);
}

#[test]
fn counts_are_exact_under_the_faults_of_a_fixed_seed() {
    check(Home::Apart, Kind::ALL, FAULTS, 7);
}

#[test]
fn a_disk_that_is_full_at_any_write_and_start_costs_no_count() {
    check(Home::Embedded, Kind::DISK, 8, 5);
}

#[test]
fn a_disk_that_fills_while_the_program_starts_does_not_end_it() {
    check(Home::Apart, Kind::ALL, 1, 1004);
}

/// `HEADCOUNT_TORTURE_FAULTS` and `HEADCOUNT_TORTURE_SEED` say how many, and which: `make torture`.
#[test]
fn counts_are_exact_under_faults_that_are_drawn_anew() {
    // Short enough to be typed.
    let seed = asked("HEADCOUNT_TORTURE_SEED").unwrap_or_else(|| random() % 1_000_000);
    let mut left = asked("HEADCOUNT_TORTURE_FAULTS").unwrap_or(FAULTS);
    let mut tally = Tally::default();
    for seed in seed.. {
        // Every third world has the engine of its own.
        let embedded = seed.is_multiple_of(3);
        let (home, kinds) =
            if embedded { (Home::Embedded, Kind::EMBEDDED) } else { (Home::Apart, Kind::ALL) };
        let faults = left.min(ROUND);
        round(home, kinds, faults, seed, &mut tally);
        tally.report();
        left -= faults;
        if left == 0 {
            return;
        }
    }
}

/// A number from the environment.
fn asked(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is a whole number")))
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).expect("the system's random source");
    u64::from_le_bytes(bytes)
}
