//! The integration tests: one binary.

#![expect(clippy::disallowed_types, reason = "tests speak to addresses that they choose")]

mod stats;
mod store;
mod support;
mod tidy;
