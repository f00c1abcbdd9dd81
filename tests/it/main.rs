//! The integration tests: one binary.

#![expect(clippy::disallowed_types, reason = "tests speak to addresses that they choose")]

mod canary;
mod doctor;
mod edge;
mod fences;
mod handover;
mod import;
mod mailings;
mod program;
mod stats;
mod store;
mod stored;
mod support;
mod tidy;
mod torture;
mod twin;
