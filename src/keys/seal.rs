//! Sealing: authenticated encryption under a key that dies.
//!
//! Sealed bytes are `ciphertext ‖ tag (16) ‖ algorithm (1)`. The algorithm is written beside them so
//! that a spool can move to a machine that prefers another; each algorithm has a key of its own, so
//! a changed algorithm byte opens nothing.

use aes_gcm::aead::{AeadInOut, KeyInit, inout::InOutBuf};
use aes_gcm::{Aes256Gcm, Tag};
use chacha20poly1305::ChaCha20Poly1305;

use super::day::derive;

const AES_CONTEXT: &str = "headcount 2026-11 seal aes-256-gcm v1";
const CHACHA_CONTEXT: &str = "headcount 2026-11 seal chacha20-poly1305 v1";

const TAG_BYTES: usize = 16;

/// Bytes that sealing adds.
pub const SEAL_BYTES: usize = TAG_BYTES + 1;

/// Its code stands behind what it sealed: never changed, never used again.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Algorithm {
    Aes256Gcm = 1,
    ChaCha20Poly1305 = 2,
}

/// What seals the visitor ids of a day in spool and checkpoint: dies with the day key. Not `Debug`,
/// not `Clone`; wiped on drop. Holds the ciphers ready for use: keep it rather than make it again.
pub struct SealKey {
    seals_with: Algorithm,
    aes: Box<Aes256Gcm>,
    chacha: Box<ChaCha20Poly1305>,
}

impl SealKey {
    /// A seal key from 32 bytes that are not a day's: the spool's own key file.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        let seals_with = if has_aes() { Algorithm::Aes256Gcm } else { Algorithm::ChaCha20Poly1305 };
        Self::with(seals_with, bytes)
    }

    pub(super) fn with(seals_with: Algorithm, bytes: &[u8; 32]) -> Self {
        let aes = derive(AES_CONTEXT, bytes, b"");
        let chacha = derive(CHACHA_CONTEXT, bytes, b"");
        Self {
            seals_with,
            aes: Box::new(Aes256Gcm::new((&**aes).into())),
            chacha: Box::new(ChaCha20Poly1305::new((&**chacha).into())),
        }
    }

    /// Seals `plain` in place, and appends [`SEAL_BYTES`]. `nonce` must never be used twice with one
    /// key: 12 random bytes.
    pub fn seal(&self, nonce: &[u8; 12], aad: &[u8], plain: &mut Vec<u8>) {
        let buffer = InOutBuf::from(plain.as_mut_slice());
        let tag = match self.seals_with {
            Algorithm::Aes256Gcm => self.aes.encrypt_inout_detached(nonce.into(), aad, buffer),
            Algorithm::ChaCha20Poly1305 => {
                self.chacha.encrypt_inout_detached(nonce.into(), aad, buffer)
            }
        };
        plain.extend_from_slice(&tag.expect("a frame is far below the ciphers' 64 GiB"));
        plain.push(self.seals_with as u8);
    }

    /// Opens what [`SealKey::seal`] made; `None` if it was changed or sealed under another key.
    #[must_use]
    pub fn open(&self, nonce: &[u8; 12], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (algorithm, sealed) = sealed.split_last()?;
        let (ciphertext, tag) = sealed.split_last_chunk::<TAG_BYTES>()?;
        let tag = Tag::from(*tag);
        let mut plain = ciphertext.to_vec();
        let buffer = InOutBuf::from(plain.as_mut_slice());
        match *algorithm {
            a if a == Algorithm::Aes256Gcm as u8 => {
                self.aes.decrypt_inout_detached(nonce.into(), aad, buffer, &tag).ok()?;
            }
            a if a == Algorithm::ChaCha20Poly1305 as u8 => {
                self.chacha.decrypt_inout_detached(nonce.into(), aad, buffer, &tag).ok()?;
            }
            _ => return None,
        }
        Some(plain)
    }
}

/// Whether the processor computes AES and GCM's multiplication itself.
#[cfg(target_arch = "x86_64")]
fn has_aes() -> bool {
    std::arch::is_x86_feature_detected!("aes") && std::arch::is_x86_feature_detected!("pclmulqdq")
}

/// Whether the processor computes AES and GCM's multiplication itself.
#[cfg(target_arch = "aarch64")]
fn has_aes() -> bool {
    std::arch::is_aarch64_feature_detected!("aes")
        && std::arch::is_aarch64_feature_detected!("pmull")
}

/// On other processors nobody has looked; ChaCha20 is fast on all of them.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn has_aes() -> bool {
    false
}
