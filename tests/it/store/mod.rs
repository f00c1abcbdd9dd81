//! The store against the real engine.

mod exactly_once;
mod harness;
mod lifecycle;
mod lockdown;
mod schema;
