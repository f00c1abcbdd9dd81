//! Passwords: kept as argon2id hashes, compared where nobody waits for anybody else.

use argon2::Argon2;
use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};

/// Characters of a password: shorter ones are guessed, longer ones only cost time.
const CHARS: std::ops::RangeInclusive<usize> = 10..=256;

/// Why a password cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PasswordError {
    /// Too short or too long.
    #[error("a password has 10 to 256 characters")]
    Length,
    /// The system's random source failed.
    #[error("the system's random source failed")]
    Random,
}

/// The hash of a password, with its salt and its costs in it: argon2id at its defaults, 19 MiB and
/// two passes, as OWASP advises.
pub fn hash(password: &str) -> Result<String, PasswordError> {
    if !CHARS.contains(&password.chars().count()) {
        return Err(PasswordError::Length);
    }
    let mut salt = [0_u8; 16];
    getrandom::fill(&mut salt).map_err(|_| PasswordError::Random)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| PasswordError::Random)?;
    let hashed = Argon2::default().hash_password(password.as_bytes(), &salt);
    hashed.map(|hash| hash.to_string()).map_err(|_| PasswordError::Length)
}

/// A hash at the same costs, of a password that was thrown away.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$aGVhZGNvdW50LW5vYm9keQ$\
                       OvWhUg9V1VQ3t/kZm9BTFIiY4TlSAkEH4G2ymuI2RbI";

/// Whether a password is the one of a hash. Without a hash it is not, and takes as long to say so:
/// the time must not tell which users there are.
#[must_use]
pub fn fits(password: &str, hash: Option<&str>) -> bool {
    let kept = hash.and_then(|hash| PasswordHash::new(hash).ok());
    let nobodys = PasswordHash::new(NOBODYS).ok();
    let Some(compared) = kept.as_ref().or(nobodys.as_ref()) else { return false };
    let fits = Argon2::default().verify_password(password.as_bytes(), compared).is_ok();
    fits && kept.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_fits_its_own_hash_and_no_other() {
        let kept = hash("correct horse").expect("a hash");
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(fits("correct horse", Some(&kept)));
        assert!(!fits("correct horsf", Some(&kept)));
        assert!(!fits("correct horse", None));
        assert!(!fits("correct horse", Some("nonsense")));
        assert_ne!(hash("correct horse").expect("a hash"), kept, "salted");
    }

    #[test]
    fn short_and_endless_passwords_are_refused() {
        assert_eq!(hash("too short"), Err(PasswordError::Length));
        assert_eq!(hash(&"x".repeat(257)), Err(PasswordError::Length));
    }
}
