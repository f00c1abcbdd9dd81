//! The keys that make visitor ids, and die.
//!
//! *Owns* one random key per time zone and day, in the kernel's user keyring (with a timeout, so
//! that the kernel forgets it by itself) or in memory, and what is derived from it.
//! *In*: a zone, a day. *Out*: [`DayKey`], [`SiteKey`], [`SealKey`].
//! *Never* writes a day's key to a file, an environment variable or a database; never derives a key
//! from anything that lasts. A mailing's key, which must outlive a reboot, is in a file of its own
//! until it is destroyed: see `mailing.rs`.
//!
//! ```text
//! day key     = 32 bytes from the system's random source
//! key id      = first 8 bytes of derive_key("… key id …", day key)
//! site key    = derive_key("… visitor key …", day key ‖ site)
//! seal key    = derive_key("… seal key …", day key)
//! visitor id  = first 8 bytes of keyed_hash(site key, every part behind its length)
//! ```
//!
//! A key is wiped when its last holder lets go. [`Keys`] lets go in [`Keys::destroy_due`]; whoever
//! keeps a key, or one derived from it, lets go when [`Keys::find`] knows its id no more.

mod day;
mod keyring;
mod mailing;
mod seal;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use day::{DayKey, SiteKey, VisitorParts};
pub use mailing::{LinkKey, LinkMac, MailingKey, MailingKeyError, MailingKeys, TOKEN_CHARS};
pub use seal::{SEAL_BYTES, SealKey};

use crate::hit::{Day, Second};
use crate::limits;
use crate::telemetry::{self, Value};
use keyring::{Kept, Keyring};

/// Names a key without telling anything about it. Random like the key.
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

/// The keys of this installation that live.
pub struct Keys {
    keyring: Option<Keyring>,
    /// A few at a time: two for each time zone at most.
    living: Mutex<Vec<Living>>,
    mailings: Mutex<Vec<Arc<MailingKey>>>,
    found: usize,
}

/// A key, what it is for, and its place in the keyring.
struct Living {
    zone: Box<str>,
    day: Day,
    key: Arc<DayKey>,
    kept: Option<Kept>,
}

impl Keys {
    /// Keys in the kernel's keyring, under this installation's name. Finds those of an earlier run
    /// that are alive `now`.
    pub fn kernel(installation: &str, now: Second) -> Result<Self, KeysError> {
        let keyring = Keyring::open(installation)?;
        let mut living = Vec::new();
        for (zone, day) in keyring::candidates(now) {
            let Some((key, kept)) = keyring.load(zone, day) else { continue };
            if key.lives(now) {
                living.push(Living {
                    zone: zone.into(),
                    day,
                    key: Arc::new(key),
                    kept: Some(kept),
                });
            } else {
                kept.destroy();
            }
        }
        let found = living.len();
        keyring.check(found > 0)?;
        let living = Mutex::new(living);
        Ok(Self { keyring: Some(keyring), living, mailings: Mutex::default(), found })
    }

    /// Keys in this process only.
    #[must_use]
    pub fn memory() -> Self {
        Self { keyring: None, living: Mutex::default(), mailings: Mutex::default(), found: 0 }
    }

    /// Where they live.
    #[must_use]
    pub fn backend(&self) -> Backend {
        if self.keyring.is_some() { Backend::Kernel } else { Backend::Memory }
    }

    /// How many living keys of an earlier run were found at the start.
    #[must_use]
    pub fn found(&self) -> usize {
        self.found
    }

    /// The key of `zone` on `day`: the one there is, or a fresh one that dies at `dies_at`, and in
    /// any case `limits::DAY_KEY_LIFE_S_MAX` after now.
    pub fn day_key(
        &self,
        zone: &str,
        day: Day,
        now: Second,
        dies_at: Second,
    ) -> Result<Arc<DayKey>, KeysError> {
        let mut living = self.living();
        if let Some(at) = position(&living, zone, day) {
            if living[at].key.lives(now) {
                return Ok(Arc::clone(&living[at].key));
            }
            forget(living.swap_remove(at));
        }
        let dies_at = dies_at.min(Second(now.0 + limits::DAY_KEY_LIFE_S_MAX));
        let key = Arc::new(DayKey::draw(dies_at)?);
        let kept = self.keep(zone, day, now, &key);
        living.push(Living { zone: zone.into(), day, key: Arc::clone(&key), kept });
        Ok(key)
    }

    /// The living key of `zone` on `day`, if there is one.
    #[must_use]
    pub fn living_key(&self, zone: &str, day: Day, now: Second) -> Option<Arc<DayKey>> {
        let living = self.living();
        let key = &living[position(&living, zone, day)?].key;
        key.lives(now).then(|| Arc::clone(key))
    }

    /// The living day key of that id.
    #[must_use]
    pub fn find(&self, id: KeyId) -> Option<Arc<DayKey>> {
        self.living().iter().find(|it| it.key.id() == id).map(|it| Arc::clone(&it.key))
    }

    /// The keys of mailings are these from now on.
    pub fn set_mailings(&self, keys: Vec<Arc<MailingKey>>) {
        *self.mailings.lock().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// The seal of what belongs to a living key: a day's or a mailing's.
    #[must_use]
    pub fn seal_of(&self, id: KeyId) -> Option<SealKey> {
        let mailing = || {
            let mailings = self.mailings.lock().unwrap_or_else(PoisonError::into_inner);
            mailings.iter().find(|key| key.id() == id).map(|key| key.seal_key())
        };
        self.find(id).map(|key| key.seal_key()).or_else(mailing)
    }

    /// Whether a key of that id lives.
    #[must_use]
    pub fn is_alive(&self, id: KeyId) -> bool {
        let mailing = || {
            let mailings = self.mailings.lock().unwrap_or_else(PoisonError::into_inner);
            mailings.iter().any(|key| key.id() == id)
        };
        self.living().iter().any(|it| it.key.id() == id) || mailing()
    }

    /// Destroys every day key that is due, here and in the kernel. Returns their ids.
    ///
    /// A key that has longer to live than any key may is due too: the clock has stepped back, and
    /// would let it live on.
    pub fn destroy_due(&self, now: Second) -> Vec<KeyId> {
        let due = self.living().extract_if(.., |it| !it.key.lives(now)).collect::<Vec<_>>();
        let ids = due.iter().map(|it| it.key.id()).collect();
        due.into_iter().for_each(forget);
        ids
    }

    fn keep(&self, zone: &str, day: Day, now: Second, key: &DayKey) -> Option<Kept> {
        match self.keyring.as_ref()?.keep(zone, day, now, key) {
            Ok(kept) => Some(kept),
            Err(why) => {
                telemetry::warn(
                    "keys",
                    "a day key could not be put into the kernel's keyring and lives in memory: a \
                     restart would begin its day's uniques anew",
                    &[("zone", Value::Operator(zone)), ("why", Value::Word(why))],
                );
                None
            }
        }
    }

    fn living(&self) -> MutexGuard<'_, Vec<Living>> {
        // A panic elsewhere leaves whole entries: the list is changed in single steps.
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn position(living: &[Living], zone: &str, day: Day) -> Option<usize> {
    living.iter().position(|it| it.day == day && *it.zone == *zone)
}

fn forget(dead: Living) {
    if let Some(kept) = dead.kept {
        kept.destroy();
    }
}

/// Does not compile once a key can be printed or copied: the call is ambiguous then.
macro_rules! never_printed_or_copied {
    ($($key:ty),*) => {
        const _: () = {
            trait Never<Why> {
                fn holds() {}
            }
            impl<T> Never<()> for T {}
            impl<T: std::fmt::Debug> Never<u8> for T {}
            impl<T: Clone> Never<u16> for T {}
            $(let _ = <$key as Never<_>>::holds;)*
        };
    };
}

never_printed_or_copied!(Keys, DayKey, LinkKey, MailingKey, SiteKey, SealKey);
