//! The keys that make visitor ids, and die.
//!
//! *Owns* one random key per time zone and day, in the kernel's user keyring (with a timeout, so
//! that the kernel forgets it by itself) or in memory, and what is derived from it.
//! *In*: a zone, a day. *Out*: [`DayKey`], [`SiteKey`], [`SealKey`].
//! *Never* writes a key to a file, an environment variable or a database; never derives a key from
//! anything that lasts.

use std::sync::Arc;

use crate::hit::{Day, Second, SiteName, VisitorId};

/// Names a day key without telling anything about it. Random like the key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId(pub u64);

/// Where the keys live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Backend {
    /// The kernel's user keyring: a restart keeps the day's uniques.
    Kernel,
    /// This process: a restart begins the day's uniques anew.
    Memory,
}

/// One time zone's key for one day. Not `Debug`, not `Clone`; wiped on drop.
pub struct DayKey {}

/// One site's key for one day: makes visitor ids.
pub struct SiteKey {}

/// What seals the visitor ids of a day in spool and checkpoint: dies with the day key.
pub struct SealKey {}

/// What a visitor id is made of. Borrowed for one call.
pub struct VisitorParts<'a> {
    /// IPv4: its 4 bytes; IPv6: its /64, 8 bytes; unknown: none.
    pub address: &'a [u8],
    /// The user agent's text.
    pub agent: &'a [u8],
    /// The language header's text.
    pub language: &'a [u8],
    /// A device identifier that the site sent on purpose.
    pub device: &'a [u8],
}

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// No kernel keyring that can be used.
    #[error("the kernel's keyring cannot be used here ({0})")]
    NoKeyring(&'static str),
    /// The system's random source failed.
    #[error("the system's random source failed")]
    Random,
}

/// The day keys of this installation.
pub struct Keys {}

impl Keys {
    /// Keys in the kernel's keyring, under this installation's name. Finds those of an earlier run.
    pub fn kernel(_installation: &str) -> Result<Self, KeysError> {
        todo!()
    }

    /// Keys in this process only.
    #[must_use]
    pub fn memory() -> Self {
        todo!()
    }

    /// Where they live.
    #[must_use]
    pub fn backend(&self) -> Backend {
        todo!()
    }

    /// The key of `zone` on `day`: the one there is, or a fresh one that dies at `dies_at`, and in
    /// any case `limits::DAY_KEY_LIFE_S_MAX` after now.
    pub fn day_key(
        &self,
        _zone: &str,
        _day: Day,
        _now: Second,
        _dies_at: Second,
    ) -> Result<Arc<DayKey>, KeysError> {
        todo!()
    }

    /// The living key of that id.
    #[must_use]
    pub fn find(&self, _id: KeyId) -> Option<Arc<DayKey>> {
        todo!()
    }

    /// Destroys every key that is due. Returns their ids.
    pub fn destroy_due(&self, _now: Second) -> Vec<KeyId> {
        todo!()
    }
}

impl DayKey {
    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        todo!()
    }

    /// The key for one site.
    #[must_use]
    pub fn site_key(&self, _site: &SiteName) -> SiteKey {
        todo!()
    }

    /// The key that seals what belongs to this day.
    #[must_use]
    pub fn seal_key(&self) -> SealKey {
        todo!()
    }
}

impl SiteKey {
    /// The visitor's id: the first 8 bytes of a keyed hash over an injective encoding.
    #[must_use]
    pub fn visitor_id(&self, _parts: &VisitorParts<'_>) -> VisitorId {
        todo!()
    }
}

impl SealKey {
    /// Seals `plain` in place, and appends the tag. `nonce` must never be used twice with one key:
    /// 12 random bytes.
    pub fn seal(&self, _nonce: &[u8; 12], _aad: &[u8], _plain: &mut Vec<u8>) {
        todo!()
    }

    /// Opens what [`SealKey::seal`] made; `None` if it was changed or sealed under another key.
    #[must_use]
    pub fn open(&self, _nonce: &[u8; 12], _aad: &[u8], _sealed: &[u8]) -> Option<Vec<u8>> {
        todo!()
    }

    /// A seal key from 32 bytes that are not a day's: the spool's own key file.
    #[must_use]
    pub fn from_bytes(_bytes: &[u8; 32]) -> Self {
        todo!()
    }
}
