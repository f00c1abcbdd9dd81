//! What the driver does to a collector, its store and its machine.

use std::time::Duration;

use super::proxy::{Mode, Rule};

/// A small generator of numbers that only look random (SplitMix64): the same seed, the same faults.
pub(super) struct Draw(u64);

impl Draw {
    pub(super) fn of(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.number() % bound
    }

    pub(super) fn within(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }

    pub(super) fn one_in(&mut self, of: u64) -> bool {
        self.below(of) == 0
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        let at = usize::try_from(self.below(all.len() as u64)).expect("it is a place");
        all[at]
    }

    pub(super) fn millis(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.within(least, most))
    }
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    KillCollector,
    KillEngine,
    KillBoth,
    Terminate,
    PauseCollector,
    PauseEngine,
    StoreRefuses,
    StoreHangs,
    StoreSays500,
    HalfAnswer,
    LostAnswer,
    HalfRequest,
    Delay,
    HoldBack,
    FullDisk,
    ClockStep,
    Midnight,
    Configure,
    KeyDeath,
}

impl Kind {
    /// Deaths of processes, and of the keys that they need. What was not counted by then is counted
    /// without a visitor: the twin, which saw the visitors, does not agree.
    pub(super) const MORTAL: &[Self] = &[Self::KillCollector, Self::KeyDeath, Self::KeyDeath];

    /// The deaths of processes.
    pub(super) const KILLS: &[Self] = &[Self::KillCollector, Self::KillEngine, Self::KillBoth];

    /// A disk that is full while the collector runs, ends and starts.
    pub(super) const DISK: &[Self] =
        &[Self::FullDisk, Self::FullDisk, Self::KillCollector, Self::Terminate];

    /// What a network and what stands in it do.
    pub(super) const NETWORK: &[Self] = &[
        Self::StoreRefuses,
        Self::StoreHangs,
        Self::StoreSays500,
        Self::HalfAnswer,
        Self::LostAnswer,
        Self::HalfRequest,
        Self::Delay,
        Self::HoldBack,
        Self::HoldBack,
    ];

    /// Everything that can be done to the engine of our own.
    pub(super) const EMBEDDED: &[Self] = &[
        Self::KillCollector,
        Self::KillEngine,
        Self::KillBoth,
        Self::Terminate,
        Self::PauseCollector,
        Self::PauseEngine,
        Self::FullDisk,
        Self::ClockStep,
        Self::Midnight,
        Self::Configure,
    ];

    /// Everything, with a store behind a proxy.
    pub(super) const ALL: &[Self] = &[
        Self::KillCollector,
        Self::KillEngine,
        Self::KillBoth,
        Self::Terminate,
        Self::PauseCollector,
        Self::PauseEngine,
        Self::StoreRefuses,
        Self::StoreHangs,
        Self::StoreSays500,
        Self::HalfAnswer,
        Self::LostAnswer,
        Self::HalfRequest,
        Self::Delay,
        Self::HoldBack,
        Self::FullDisk,
        Self::ClockStep,
        Self::Midnight,
        Self::Configure,
    ];
}

/// A fault, with its figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    KillCollector,
    KillEngine,
    KillBoth,
    Terminate,
    PauseCollector,
    PauseEngine,
    Store(Rule),
    /// All but so many bytes are taken.
    FullDisk(u64),
    /// So many seconds, forward or back.
    ClockStep(i64),
    /// The collector is down over a midnight, and starts so many seconds after it; whether it was
    /// killed.
    Midnight(i64, bool),
    /// A restart under another configuration; whether it was killed.
    Configure(Setup, bool),
    /// The collector is killed, and a day's key dies before it is back.
    KeyDeath,
}

/// What a configuration may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Setup {
    pub(super) checkpoint_s: u64,
    pub(super) segment_bytes: u64,
    pub(super) threads: u64,
    pub(super) syncs: bool,
    /// Whether the second site stands in the first one's time zone.
    pub(super) same_zone: bool,
    /// Whether the pages under `/off` are not counted.
    pub(super) blocks: bool,
}

impl Setup {
    pub(super) const FIRST: Self = Self {
        checkpoint_s: 1,
        segment_bytes: 1 << 20,
        threads: 2,
        syncs: true,
        same_zone: false,
        blocks: false,
    };

    fn draw(draw: &mut Draw) -> Self {
        Self {
            checkpoint_s: draw.within(1, 4),
            segment_bytes: draw.one_of(&[1 << 20, 1 << 21, 1 << 25]),
            threads: draw.within(1, 3),
            syncs: !draw.one_in(4),
            same_zone: draw.one_in(2),
            blocks: draw.one_in(2),
        }
    }
}

impl Fault {
    pub(super) fn draw(kind: Kind, draw: &mut Draw) -> Self {
        let inserts_only = draw.one_in(2);
        let store = |mode| Self::Store(Rule { mode, inserts_only });
        match kind {
            Kind::KillCollector => Self::KillCollector,
            Kind::KillEngine => Self::KillEngine,
            Kind::KillBoth => Self::KillBoth,
            Kind::Terminate => Self::Terminate,
            Kind::PauseCollector => Self::PauseCollector,
            Kind::PauseEngine => Self::PauseEngine,
            Kind::StoreRefuses => store(Mode::Refuse),
            Kind::StoreHangs => store(Mode::Hang),
            // For all requests, the collector would never come to an insert.
            Kind::StoreSays500 => insert(Mode::Say500),
            Kind::HalfAnswer => insert(Mode::HalfAnswer),
            Kind::LostAnswer => insert(Mode::LoseAnswer),
            Kind::HalfRequest => insert(Mode::HalfRequest),
            Kind::Delay => store(Mode::Delay(draw.millis(50, 3_000))),
            Kind::HoldBack => insert(Mode::HoldBack(draw.millis(50, 8_000))),
            Kind::FullDisk => Self::FullDisk(draw.below(64 * 1024)),
            Kind::ClockStep => {
                let seconds = i64::try_from(draw.within(1, 1_500)).expect("small");
                Self::ClockStep(if draw.one_in(2) { -seconds } else { seconds })
            }
            Kind::Midnight => {
                let seconds = i64::try_from(draw.below(500)).expect("small");
                Self::Midnight(seconds, draw.one_in(2))
            }
            Kind::KeyDeath => Self::KeyDeath,
            Kind::Configure => Self::Configure(Setup::draw(draw), draw.one_in(2)),
        }
    }

    /// How long it may last. Batches are cut every two seconds: what hinders them lasts until one
    /// has come.
    pub(super) fn longest_ms(self) -> u64 {
        match self {
            Self::Store(_) | Self::PauseCollector | Self::PauseEngine => 3_500,
            _ => 1_400,
        }
    }
}

fn insert(mode: Mode) -> Fault {
    Fault::Store(Rule { mode, inserts_only: true })
}
