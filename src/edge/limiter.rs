//! The rate limit: so many hits a second from one network.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock as _, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use super::raw::Prefix;
use crate::limits;

/// Hits that one network (IPv4 /24, IPv6 /48) may send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// In the long run, a second.
    pub per_second: NonZeroU32,
    /// At once, after a rest.
    pub burst: NonZeroU32,
}

/// A cell per network, found by a hash that another run of the program does not repeat.
///
/// Networks share `limits::LIMITER_KEYS_MAX` cells, so that a flood of made-up ones cannot fill
/// the memory. Two of ten thousand active networks share one with a probability of 1 %.
pub(super) struct Limiter {
    cells: DefaultKeyedRateLimiter<u32>,
    hasher: RandomState,
    clock: DefaultClock,
}

impl Limiter {
    pub(super) fn new(limit: RateLimit) -> Self {
        let quota = Quota::per_second(limit.per_second).allow_burst(limit.burst);
        Self {
            cells: RateLimiter::keyed(quota),
            hasher: RandomState::new(),
            clock: DefaultClock::default(),
        }
    }

    /// Whether one more hit may come; if not, after how long.
    pub(super) fn check(&self, network: &Prefix) -> Result<(), Duration> {
        let hash = self.hasher.hash_one(network.address());
        let cell = u32::try_from(hash % limits::LIMITER_KEYS_MAX as u64).unwrap_or_default();
        self.cells.check_key(&cell).map_err(|not_until| not_until.wait_time_from(self.clock.now()))
    }

    /// Forgets the networks that have rested.
    pub(super) fn sweep(&self) {
        self.cells.retain_recent();
        self.cells.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::super::raw::RawAddress;
    use super::*;

    fn network(text: &str) -> Prefix {
        RawAddress::split(text.parse().ok()).1
    }

    #[test]
    fn a_network_is_limited_as_one_and_others_are_not() {
        let one = |n| NonZeroU32::new(n).expect("not zero");
        let limiter = Limiter::new(RateLimit { per_second: one(1), burst: one(3) });
        for host in ["203.0.113.1", "203.0.113.2", "203.0.113.200"] {
            assert!(limiter.check(&network(host)).is_ok());
        }
        let wait = limiter.check(&network("203.0.113.1")).expect_err("the fourth");
        assert!(wait <= Duration::from_secs(1));
        // One of these shares the cell by chance with a probability of one in a million.
        assert!(limiter.check(&network("198.51.100.1")).is_ok());
        limiter.sweep();
        assert!(limiter.check(&network("203.0.113.77")).is_err(), "it is remembered");
    }
}
