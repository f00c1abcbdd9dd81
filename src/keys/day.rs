//! A day's key, and the ids that it makes.

use blake3::Hasher;
use zeroize::{Zeroize, Zeroizing};

use super::{KeyId, KeysError, SealKey};
use crate::hit::{Second, SiteName, VisitorId};
use crate::limits;

const SITE_CONTEXT: &str = "headcount 2026-11 visitor key v1";
const SEAL_CONTEXT: &str = "headcount 2026-11 seal key v1";
const ID_CONTEXT: &str = "headcount 2026-11 key id v1";

/// 32 secret bytes at one place in memory: moving it moves a pointer and leaves no copy behind.
pub(super) type Secret = Box<Zeroizing<[u8; 32]>>;

/// One time zone's key for one day. Not `Debug`, not `Clone`; wiped on drop.
pub struct DayKey {
    id: KeyId,
    secret: Secret,
    dies_at: Second,
    found: bool,
}

/// One site's key for one day: makes visitor ids. Not `Debug`, not `Clone`; wiped on drop.
pub struct SiteKey(Secret);

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

impl DayKey {
    /// A fresh key from the system's random source.
    pub(super) fn draw(dies_at: Second) -> Result<Self, KeysError> {
        let mut secret = Secret::new(Zeroizing::new([0; 32]));
        getrandom::fill(&mut secret[..]).map_err(|_| KeysError::Random)?;
        Ok(Self::new(secret, dies_at, false))
    }

    /// A key that an earlier run drew.
    pub(super) fn of_earlier_run(secret: Secret, dies_at: Second) -> Self {
        Self::new(secret, dies_at, true)
    }

    fn new(secret: Secret, dies_at: Second, found: bool) -> Self {
        let id = derive(ID_CONTEXT, &secret, b"");
        let id = KeyId(u64::from_le_bytes(first_8(&id)));
        Self { id, secret, dies_at, found }
    }

    /// Its name.
    #[must_use]
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// When it dies.
    #[must_use]
    pub fn dies_at(&self) -> Second {
        self.dies_at
    }

    /// Whether it comes from an earlier run, through the kernel's keyring.
    #[must_use]
    pub fn was_found(&self) -> bool {
        self.found
    }

    /// Whether it may be used at `now`. One that would outlive the longest life may not: it is
    /// from a future that a clock's step back has taken away.
    pub(super) fn lives(&self, now: Second) -> bool {
        now < self.dies_at && self.dies_at.0.saturating_sub(now.0) <= limits::DAY_KEY_LIFE_S_MAX
    }

    pub(super) fn secret(&self) -> &[u8; 32] {
        &self.secret
    }

    /// The key for one site.
    #[must_use]
    pub fn site_key(&self, site: &SiteName) -> SiteKey {
        SiteKey(derive(SITE_CONTEXT, &self.secret, site.as_str().as_bytes()))
    }

    /// The key that seals what belongs to this day.
    #[must_use]
    pub fn seal_key(&self) -> SealKey {
        SealKey::from_bytes(&derive(SEAL_CONTEXT, &self.secret, b""))
    }
}

impl SiteKey {
    /// The visitor's id: the first 8 bytes of a keyed hash over an injective encoding.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where ids are made")]
    pub fn visitor_id(&self, parts: &VisitorParts<'_>) -> VisitorId {
        let mut hasher = Hasher::new_keyed(&self.0);
        encode(parts, |bytes| {
            hasher.update(bytes);
        });
        let id = VisitorId::from_raw(u64::from_le_bytes(first_8(hasher.finalize().as_bytes())));
        // It holds the key and the address.
        hasher.zeroize();
        id
    }
}

/// Feeds every part behind its length, so that no bytes can move from one part into another. Goes
/// into the hash piece by piece: personal data is copied nowhere.
pub(super) fn encode(parts: &VisitorParts<'_>, mut feed: impl FnMut(&[u8])) {
    let VisitorParts { address, agent, language, device } = parts;
    for part in [address, agent, language, device] {
        feed(&(part.len() as u64).to_le_bytes());
        feed(part);
    }
}

/// A key of 32 bytes from `secret ‖ more`; unambiguous, since every secret has 32 bytes.
#[expect(clippy::unnecessary_box_returns, reason = "a secret stays where it was made")]
pub(super) fn derive(context: &str, secret: &[u8; 32], more: &[u8]) -> Secret {
    let mut hasher = Hasher::new_derive_key(context);
    hasher.update(secret).update(more);
    let mut derived = Secret::new(Zeroizing::new([0; 32]));
    hasher.finalize_xof().fill(&mut derived[..]);
    hasher.zeroize();
    derived
}

fn first_8(bytes: &[u8; 32]) -> [u8; 8] {
    *bytes.first_chunk().expect("32 bytes begin with 8")
}
