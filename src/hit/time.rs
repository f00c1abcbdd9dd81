//! Time, as the counter knows it: whole seconds, buckets of a quarter of an hour, days of a zone.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::UNIX_EPOCH;

/// Seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Second(pub i64);

/// The 15 minutes of UTC that a row belongs to, as quarters of an hour since 1970: every time
/// zone's hours and midnights fall on its edges.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Bucket(pub u32);

/// A date in a site's time zone, as days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Day(pub i32);

impl Second {
    /// The bucket this second falls into. Times before 1970 fall into the first.
    #[must_use]
    pub fn bucket(self) -> Bucket {
        Bucket(u32::try_from(self.0.max(0) / Bucket::LENGTH_S).unwrap_or(u32::MAX))
    }
}

impl Bucket {
    /// Seconds in a bucket.
    pub const LENGTH_S: i64 = 900;

    /// The bucket's first second.
    #[must_use]
    pub fn start(self) -> Second {
        Second(i64::from(self.0) * Self::LENGTH_S)
    }
}

/// Where the time comes from. Stages take it as an argument; tests hold it still.
pub trait Clock: Send + Sync {
    /// The time now, in milliseconds since 1970.
    fn now_ms(&self) -> i64;

    /// The time now, in whole seconds.
    fn now(&self) -> Second {
        Second(self.now_ms().div_euclid(1000))
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    fn now_ms(&self) -> i64 {
        let since = std::time::SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A clock that moves only when told to.
#[derive(Debug, Default)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that stands at `at`.
    #[must_use]
    pub fn at(at: Second) -> Self {
        Self(AtomicI64::new(at.0 * 1000))
    }

    /// Moves the clock to `at`, forward or back.
    pub fn set(&self, at: Second) {
        self.0.store(at.0 * 1000, Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}
