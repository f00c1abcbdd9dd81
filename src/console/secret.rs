//! Secrets: 256 random bits, shown once, kept as their hash.

use super::StateError;

/// A secret's hash: what is kept.
pub(super) type Hash = blake3::Hash;

/// A fresh secret as text: the prefix and 64 hexadecimal digits.
pub(super) fn fresh(prefix: &str) -> Result<String, StateError> {
    let mut bits = [0_u8; 32];
    getrandom::fill(&mut bits).map_err(|_| StateError::Random)?;
    Ok(format!("{prefix}{}", blake3::Hash::from_bytes(bits).to_hex()))
}

/// The hash of a secret. A fast hash will do: there are 256 bits to guess, not a word.
pub(super) fn hash(secret: &str) -> Hash {
    blake3::hash(secret.as_bytes())
}
