//! Where requests arrive, and where personal data lives and dies.
//!
//! *Owns* listeners, routes, the client's address, decoding, enrichment, [`deidentify`].
//! *In*: bytes of browsers and mail clients. *Out*: [`crate::hit::Record`]s into a [`Sink`].
//! *Never* lets a raw value out; never waits for the store.

mod calendar;
mod sink;
mod sites;

pub use sink::{Commit, Full, Receipt, Refused, Sink};
pub use sites::{Signals, SiteConfig, Sites, SitesError};
