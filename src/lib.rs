//! Headcount counts the people who visit a website or open a mailing, and keeps none of them.
//!
//! A hit walks through the modules in this order; each uses those that stand before it, and
//! [`app`] alone knows them all:
//!
//! ```text
//! hit, keys   the de-identified hit; the keys that make visitor ids, and die
//! edge        listen → route → client address → decode → enrich → deidentify   raw data lives here
//! spool       append, seal, group commit → the client gets its answer
//! count       visits and firsts in memory → deltas → rows                      pure
//! outbox      rows as bytes, durable with the spool position they reach         ids end here
//! store       marker, send, look; ClickHouse, embedded or not
//! stats       a question → a plan → SQL → an answer
//! release     what a reader may see
//! mailing     a mailing's HTML, its links and its pixel                         pure
//! console     API, sign-in, the dashboard
//! ```

pub mod app;
pub mod config;
pub mod console;
pub mod count;
pub mod edge;
pub mod hit;
pub mod keys;
pub mod limits;
pub mod mailing;
pub mod outbox;
pub mod release;
pub mod spool;
pub mod stats;
pub mod store;
pub mod telemetry;
pub mod terminal;
