//! The kernel's user keyring: keys that survive the process, not the machine, and time out by
//! themselves.
//!
//! A key is called `headcount:<installation>:<zone>:<day>` and holds its 32 bytes and, in 8 more,
//! the second at which it dies. Keys are looked up by their names, never listed: the user's other
//! keys are none of our business.

use std::sync::LazyLock;

use linux_keyutils::{
    Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, Permission,
};
use zeroize::Zeroizing;

use super::day::Secret;
use super::{DayKey, KeysError};
use crate::hit::{Day, Second};
use crate::limits;
use crate::telemetry::{self, Value};

const PAYLOAD_BYTES: usize = 32 + 8;

/// `ENOSYS`: the kernel was built without keyrings, or a seccomp profile says so.
const NO_SUCH_CALL: i32 = 38;

pub(super) struct Keyring {
    installation: String,
    user: KeyRing,
}

/// A key's place in the keyring.
pub(super) struct Kept(Key);

impl Keyring {
    /// Opens the user's keyring.
    pub(super) fn open(installation: &str) -> Result<Self, KeysError> {
        let user = KeyRing::from_special_id(KeyRingIdentifier::User, true)
            .map_err(|error| KeysError::NoKeyring(reason(error)))?;
        Ok(Self { installation: installation.to_owned(), user })
    }

    /// Tries the keyring out with a key of no worth. One that is full is of use if it holds keys
    /// of ours; fresh ones then live in memory.
    pub(super) fn check(&self, holds_ours: bool) -> Result<(), KeysError> {
        match self.try_out() {
            Err(KeyError::QuotaExceeded) if holds_ours => Ok(()),
            tried => tried.map_err(|error| KeysError::NoKeyring(reason(error))),
        }
    }

    /// Puts a key into the kernel until it dies. The error is why that cannot be.
    pub(super) fn keep(
        &self,
        zone: &str,
        day: Day,
        now: Second,
        key: &DayKey,
    ) -> Result<Kept, &'static str> {
        let mut payload = Zeroizing::new([0; PAYLOAD_BYTES]);
        payload[..32].copy_from_slice(key.secret());
        payload[32..].copy_from_slice(&key.dies_at().0.to_le_bytes());
        let left_s = (key.dies_at().0 - now.0).clamp(1, limits::DAY_KEY_LIFE_S_MAX);
        self.put(&self.name(zone, day), &*payload, left_s).map(Kept).map_err(reason)
    }

    /// The key that an earlier run kept, if the kernel still has it.
    pub(super) fn load(&self, zone: &str, day: Day) -> Option<(DayKey, Kept)> {
        let key = self.user.search(&self.name(zone, day)).ok()?;
        let mut payload = Zeroizing::new([0; PAYLOAD_BYTES]);
        if key.read(&mut *payload).ok()? != PAYLOAD_BYTES {
            return None;
        }
        let (bytes, dies_at) = payload.split_at(32);
        let mut secret = Secret::new(Zeroizing::new([0; 32]));
        secret.copy_from_slice(bytes);
        let dies_at = Second(i64::from_le_bytes(dies_at.try_into().ok()?));
        Some((DayKey::of_earlier_run(secret, dies_at), Kept(key)))
    }

    fn name(&self, zone: &str, day: Day) -> String {
        format!("headcount:{}:{zone}:{}", self.installation, day.0)
    }

    /// A key waits in a keyring that dies with the process until it has its timeout, so that none
    /// can ever stand in the user's keyring without one.
    fn put(&self, name: &str, payload: &[u8], left_s: i64) -> Result<Key, KeyError> {
        // Asked for each time: a thread that is older than the last answer has another.
        let process = KeyRing::from_special_id(KeyRingIdentifier::Process, true)?;
        let key = process.add_key(name, payload)?;
        let whole = (|| {
            // The user's next process does not possess the key, and must still find and end it.
            let permissions = KeyPermissionsBuilder::builder()
                .posessor(Permission::ALL)
                .user(Permission::ALL)
                .build();
            key.set_perms(permissions)?;
            key.set_timeout(usize::try_from(left_s).unwrap_or(1))?;
            self.user.link_key(key)
        })();
        match whole.and_then(|()| process.unlink_key(key)) {
            Ok(()) => Ok(key),
            Err(error) => {
                Kept(key).destroy();
                Err(error)
            }
        }
    }

    fn try_out(&self) -> Result<(), KeyError> {
        let name = format!("headcount:{}:trial", self.installation);
        let key = self.put(&name, b"trial", 1)?;
        let found = self.user.search(&name)?;
        let mut payload = [0; 5];
        let read = found.read(&mut payload)?;
        key.invalidate()?;
        if (read, &payload) == (5, b"trial") { Ok(()) } else { Err(KeyError::WriteError) }
    }
}

impl Kept {
    /// Ends the key in every keyring at once.
    pub(super) fn destroy(self) {
        use KeyError::{KeyDoesNotExist, KeyExpired, KeyRevoked};
        match self.0.invalidate() {
            Ok(()) | Err(KeyDoesNotExist | KeyExpired | KeyRevoked) => {}
            Err(error) => telemetry::warn(
                "keys",
                "a day key could not be taken out of the kernel's keyring; its timeout will do it",
                &[("why", Value::Word(reason(error)))],
            ),
        }
    }
}

/// Every zone, on every day that may be today or yesterday somewhere at `now`.
pub(super) fn candidates(now: Second) -> impl Iterator<Item = (&'static str, Day)> {
    static ZONES: LazyLock<Vec<String>> =
        LazyLock::new(|| jiff::tz::db().available().map(|name| name.to_string()).collect());
    let utc = i32::try_from(now.0.div_euclid(86_400)).unwrap_or(0);
    ZONES.iter().flat_map(move |zone| (-2..=1).map(move |n| (zone.as_str(), Day(utc + n))))
}

fn reason(error: KeyError) -> &'static str {
    match error {
        KeyError::AccessDenied | KeyError::PermissionDenied => {
            "permission denied: a container's seccomp profile, or a security module"
        }
        KeyError::QuotaExceeded => "this user's quota of kernel keys is used up",
        KeyError::OperationNotSupported | KeyError::Unknown(NO_SUCH_CALL) => {
            "this kernel has no keyrings"
        }
        _ => "it does not do as a keyring does",
    }
}
