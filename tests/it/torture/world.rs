//! A collector with its store, clock and disk; what a fault does to them, and how it is undone.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use headcount::hit::{Clock as _, Record, Second, SystemClock};
use headcount::store::engine::Engine;
use tempfile::TempDir;

use super::clock::{FakeClock, ZONES};
use super::disk::{Disk, Keeper};
use super::fault::{Fault, Setup};
use super::load::SITES;
use super::mail::{Doubt, Mailings};
use super::proxy::Proxy;
use crate::stored;
use crate::support::{Collector, signal, try_signal, until};

/// Where the store is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// The collector's own child.
    Embedded,
    /// By itself, behind a proxy, as a ClickHouse of somebody else is.
    Apart,
}

/// Seconds for one insert of a store that is apart: what may be held back is waited out for twice
/// this.
const INSERT_TIMEOUT_S: &str = "3";

/// How long a collector may try to start on a full disk, before it is killed.
const START_ON_A_FULL_DISK: Duration = Duration::from_millis(700);

/// Seconds, longer than mails are held.
const HELD_S: i64 = 20;

/// Longer than refusals wait for hits, and their rows for a cut.
const REFUSALS_ARRIVE: Duration = Duration::from_secs(4);

pub(super) struct World {
    // In the order in which they go.
    pub(super) collector: Collector,
    apart: Option<Apart>,
    keeper: Keeper,
    disk: Option<Disk>,
    clock: Option<FakeClock>,
    keys: Vec<String>,
    /// Whether hits may be refused.
    pub(super) doubt: Doubt,
    down: Option<Down>,
    starts: u32,
    paused: Vec<u32>,
    data: PathBuf,
    folder: TempDir,
}

/// Why the collector is not up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Down {
    Ended,
    Asked,
}

/// The store that is apart.
struct Apart {
    proxy: Proxy,
    engine: Arc<Engine>,
    runtime: tokio::runtime::Runtime,
}

impl Apart {
    fn start(data: &Path) -> Self {
        let (runtime, engine) = stored::engine(data);
        let engine = Arc::new(engine);
        let of = Arc::clone(&engine);
        Self { proxy: Proxy::start(move || of.store_config()), engine, runtime }
    }

    /// Ends once what was held back has arrived. Only while no collector runs.
    fn stop(self) {
        self.proxy.close();
        until("nobody asks the engine's address", || {
            (Arc::strong_count(&self.engine) == 1).then_some(())
        });
        let engine = Arc::into_inner(self.engine).expect("the last one");
        self.runtime.block_on(engine.stop());
    }
}

impl World {
    /// Starts it; `more`: further environment of the collector.
    pub(super) fn start(home: Home, means: &super::Means, more: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let data = folder.path().join("data");
        fs::create_dir(&data).expect("the folder is writable");
        let disk = means.tmpfs.then(|| Disk::mount(&data).expect("a tmpfs as before"));
        // The engine's disk is not the one that gets full.
        fs::create_dir(folder.path().join("engine")).expect("the folder is writable");
        symlink(folder.path().join("engine"), data.join("engine")).expect("a name for it");
        let clock = means.faketime.clone().map(|library| FakeClock::start(library, folder.path()));
        let apart = (home == Home::Apart).then(|| Apart::start(&data));
        let mut settings = environment(Setup::FIRST);
        settings.extend(clock.iter().flat_map(FakeClock::environment));
        if let Some(apart) = &apart {
            settings.push(("HEADCOUNT_STORE__URL".to_owned(), apart.proxy.url()));
            let timeout = INSERT_TIMEOUT_S.to_owned();
            settings.push(("HEADCOUNT_STORE__INSERT_TIMEOUT_S".to_owned(), timeout));
        }
        configure(folder.path(), Setup::FIRST);
        let settings = settings.iter().map(|(k, v)| (k.as_str(), v.as_str()));
        let settings: Vec<_> = settings.chain(more.iter().copied()).collect();
        let collector = Collector::start(&data, &settings);
        let keys = SITES.iter().map(|site| collector.key(site)).collect();
        let keeper = Keeper::start(&data);
        let (doubt, down, starts, paused) = (Doubt::default(), None, 0, Vec::new());
        Self {
            collector,
            apart,
            keeper,
            disk,
            clock,
            keys,
            doubt,
            down,
            starts,
            paused,
            data,
            folder,
        }
    }

    /// Does it. False: it cannot be done now.
    pub(super) fn apply(&mut self, fault: Fault) -> bool {
        match fault {
            Fault::KillCollector => return self.kill_collector(),
            Fault::KillEngine => {
                return self.engine().is_some_and(|pid| try_signal(pid, "KILL"));
            }
            Fault::KillBoth => {
                let engine = self.engine();
                return self.down.is_none()
                    && engine.is_some_and(|pid| try_signal(pid, "KILL"))
                    && self.kill_collector();
            }
            Fault::Terminate => return self.ask_collector(),
            Fault::PauseCollector => {
                return self.down.is_none() && self.pause(Some(self.collector.pid()));
            }
            Fault::PauseEngine => return self.pause(self.engine()),
            Fault::Store(rule) => match &self.apart {
                Some(apart) => apart.proxy.set(rule),
                None => return false,
            },
            Fault::FullDisk(spare) => match &self.disk {
                Some(disk) => {
                    self.doubt.raise();
                    disk.fill(spare);
                }
                None => return false,
            },
            Fault::ClockStep(seconds) => {
                let Some(clock) = &self.clock else { return false };
                let to = clock.after_step(seconds);
                if clock.kills_a_key(to) {
                    self.undo();
                    self.set_clock_while_down(to, false);
                } else {
                    self.clock_to(to);
                }
            }
            Fault::Midnight(seconds, kill) => {
                let Some(clock) = &self.clock else { return false };
                let to = clock.after_midnight(seconds);
                self.undo();
                self.set_clock_while_down(to, kill);
            }
            Fault::KeyDeath => {
                let Some(clock) = &self.clock else { return false };
                let to = clock.after_death();
                self.undo();
                self.go_down(true);
                self.harvest();
                self.clock_to(to);
                self.come_up();
            }
            Fault::Configure(setup, kill) => {
                self.undo();
                self.go_down(kill);
                configure(self.folder.path(), setup);
                for (name, value) in environment(setup) {
                    self.collector.set(&name, &value);
                }
                self.come_up();
            }
        }
        true
    }

    /// Makes the world well again: nothing paused, the store reachable, room on the disk, the
    /// collector up. Every other start finds what the store and the disk were like before.
    pub(super) fn undo(&mut self) {
        for pid in self.paused.drain(..) {
            // It may have been killed.
            try_signal(pid, "CONT");
        }
        let hard = self.down.is_some() && self.starts.is_multiple_of(2);
        if hard && self.disk.as_ref().is_some_and(Disk::is_full) {
            self.harvest();
            self.collector.start_for(START_ON_A_FULL_DISK);
        }
        if let Some(disk) = self.disk.as_ref().filter(|disk| disk.is_full()) {
            disk.empty();
            self.doubt.lift();
        }
        if hard {
            self.come_up();
        }
        if let Some(apart) = &self.apart {
            apart.proxy.pass();
        }
        if self.down.is_some() {
            self.come_up();
        }
        assert!(!self.collector.has_ended(), "the collector ended by itself");
    }

    /// Has what is held of mails counted: its time passes, and a record comes behind it.
    pub(super) fn count_held(&mut self, mailings: &Mailings) {
        if !self.apply(Fault::ClockStep(HELD_S)) {
            std::thread::sleep(Duration::from_secs(HELD_S.unsigned_abs()));
        }
        mailings.withdraw(&self.collector);
    }

    /// What each site's ledger says once everything is written: refusals, too, which wait a second
    /// for hits to travel with, and no ledger knows of them before.
    pub(super) fn settled_ledgers(&self) -> Vec<serde_json::Value> {
        let ledger = |(site, key): (&&str, &String)| self.collector.settled_ledger(key, site);
        let ledgers = || -> Vec<_> { SITES.iter().zip(&self.keys).map(ledger).collect() };
        let mut before = ledgers();
        loop {
            std::thread::sleep(REFUSALS_ARRIVE);
            let now = ledgers();
            if now == before {
                return now;
            }
            before = now;
        }
    }

    /// Ends all of it: every record, and what ClickHouse holds.
    pub(super) fn end(mut self, kill: bool) -> (Vec<Record>, stored::Stored, String) {
        self.go_down(kill);
        self.harvest();
        if let Some(apart) = self.apart.take() {
            apart.stop();
        }
        let Self { collector, keeper, data, .. } = self;
        (keeper.records(), stored::read(&data), collector.log())
    }

    fn engine(&self) -> Option<u32> {
        match &self.apart {
            Some(apart) => apart.engine.process(),
            None => self.collector.engine_pid(),
        }
    }

    fn pause(&mut self, process: Option<u32>) -> bool {
        let Some(pid) = process.filter(|pid| try_signal(*pid, "STOP")) else { return false };
        self.paused.push(pid);
        true
    }

    fn kill_collector(&mut self) -> bool {
        if self.down == Some(Down::Ended) {
            return false;
        }
        self.collector.kill();
        self.down = Some(Down::Ended);
        true
    }

    fn ask_collector(&mut self) -> bool {
        if self.down.is_some() {
            return false;
        }
        signal(self.collector.pid(), "TERM");
        self.down = Some(Down::Asked);
        true
    }

    fn go_down(&mut self, kill: bool) {
        if kill {
            self.kill_collector();
        } else {
            self.ask_collector();
            self.wait_until_down();
        }
    }

    fn wait_until_down(&mut self) {
        if self.down == Some(Down::Asked) {
            let status = self.collector.stopped();
            assert!(status.success(), "asked to stop, it ended with {status}");
            self.down = Some(Down::Ended);
        }
    }

    fn harvest(&mut self) {
        self.wait_until_down();
        self.keeper.harvest(self.now());
    }

    fn come_up(&mut self) {
        self.harvest();
        self.collector.restart();
        self.down = None;
        self.starts += 1;
    }

    fn set_clock_while_down(&mut self, to: i64, kill: bool) {
        // What a dead key sealed must be counted by then: after a kill, some of it is not.
        let dies = self.clock.as_ref().is_some_and(|clock| clock.kills_a_key(to));
        self.go_down(kill && !dies);
        self.harvest();
        self.clock_to(to);
        self.come_up();
    }

    fn clock_to(&mut self, to: i64) {
        if let Some(clock) = &mut self.clock {
            clock.set(to);
        }
    }

    /// The collector's time.
    fn now(&self) -> Second {
        self.clock.as_ref().map_or_else(|| SystemClock.now(), |clock| Second(clock.now()))
    }
}

/// The sites, in the file that the collector finds where it is started.
fn configure(folder: &Path, setup: Setup) {
    let blocked = if setup.blocks { "block_pages = [\"/off/*\"]\n" } else { "" };
    let site = |(at, site): (usize, &&str)| {
        let zone = ZONES[if setup.same_zone { 0 } else { at }];
        format!("[[site]]\ndomain = \"{site}\"\ntimezone = \"{zone}\"\n{blocked}")
    };
    let file: String = SITES.iter().enumerate().map(site).collect();
    fs::write(folder.join("headcount.toml"), file).expect("the folder is writable");
}

fn environment(setup: Setup) -> Vec<(String, String)> {
    let durability = if setup.syncs { "disk" } else { "process" };
    [
        ("SPOOL__CHECKPOINT_INTERVAL_S", setup.checkpoint_s.to_string()),
        ("SPOOL__SEGMENT_BYTES", setup.segment_bytes.to_string()),
        ("SPOOL__DURABILITY", durability.to_owned()),
        ("INGEST__THREADS", setup.threads.to_string()),
    ]
    .map(|(name, value)| (format!("HEADCOUNT_{name}"), value))
    .into()
}
