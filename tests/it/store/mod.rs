//! The store against the real engine.
#![expect(clippy::unwrap_used, reason = "a test that fails panics")]

mod exactly_once;
mod harness;
mod kill_points;
mod lifecycle;
mod lockdown;
mod proxy;
mod schema;
