//! The counter's state on the disk.
//!
//! ```text
//! magic 8 | version u32 | reached u64 | sections u32
//! { sealed by u8 (0: the spool's key, 1: a day's or a mailing's) | key id u64 | nonce 12 | length u32 | sealed }*
//! blake3 of all that, 32
//! ```

use std::io;

use super::disk::{Disk, read_if_there, replace};
use super::{Lsn, Section, SpoolError};
use crate::keys::{KeyId, Keys, SealKey};
use crate::telemetry;

pub(super) const NAME: &str = "checkpoint";
const MAGIC: &[u8; 8] = b"HCNTCHK\n";
pub(super) const VERSION: u32 = 1;
const KEY_CONTEXT: &str = "headcount 2026-11 checkpoint key v1";

/// The key of sections that belong to no day: derived from the spool's key file. A checkpoint a
/// minute with random nonces stays far from a nonce met twice for thousands of years.
pub(super) fn key(root: &[u8; 32]) -> SealKey {
    SealKey::from_bytes(&blake3::derive_key(KEY_CONTEXT, root))
}

/// Keeps a checkpoint in place of the last one.
pub(super) fn keep(
    disk: &dyn Disk,
    own: &SealKey,
    keys: &Keys,
    reached: Lsn,
    sections: &[Section],
) -> io::Result<()> {
    let mut out = MAGIC.to_vec();
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&reached.0.to_le_bytes());
    let count_at = out.len();
    out.extend_from_slice(&[0; 4]);
    let mut count = 0_u32;
    for section in sections {
        let of_key = section.key.map(|id| keys.seal_of(id));
        // The key has died: what belongs to it dies with it.
        if matches!(of_key, Some(None)) {
            continue;
        }
        let of_key = of_key.flatten();
        let seal = of_key.as_ref().unwrap_or(own);
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).map_err(|_| io::Error::from(io::ErrorKind::Other))?;
        let mut sealed = section.bytes.clone();
        seal.seal(&nonce, &aad(reached, section.key), &mut sealed);
        let length = u32::try_from(sealed.len())
            .map_err(|_| io::Error::from(io::ErrorKind::FileTooLarge))?;
        out.push(u8::from(section.key.is_some()));
        out.extend_from_slice(&section.key.map_or(0, |key| key.0).to_le_bytes());
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&sealed);
        count += 1;
    }
    out[count_at..count_at + 4].copy_from_slice(&count.to_le_bytes());
    let sum = blake3::hash(&out);
    out.extend_from_slice(sum.as_bytes());
    replace(disk, NAME, &out)
}

/// The last checkpoint, if there is a whole one. One of a newer version is an error: without it
/// the day's uniques would begin anew.
pub(super) fn load(
    disk: &dyn Disk,
    own: &SealKey,
    keys: &Keys,
) -> Result<Option<(Lsn, Vec<Section>)>, SpoolError> {
    let failed = |error| SpoolError::Io("reading the checkpoint", error);
    let Some(bytes) = read_if_there(disk, NAME).map_err(failed)? else { return Ok(None) };
    let Some((version, content)) = verified(&bytes) else {
        telemetry::error("spool", "the checkpoint does not verify and is not used", &[]);
        return Ok(None);
    };
    if version > VERSION {
        return Err(SpoolError::NewerCheckpoint(version));
    }
    let loaded = decode(content, own, keys);
    if loaded.is_none() {
        telemetry::error("spool", "the checkpoint does not decode and is not used", &[]);
    }
    Ok(loaded)
}

/// Whether a checkpoint is as it was written.
pub(super) fn is_whole(bytes: &[u8]) -> bool {
    verified(bytes).is_some()
}

/// Its version, and what stands behind that.
fn verified(bytes: &[u8]) -> Option<(u32, &[u8])> {
    let (content, sum) = bytes.split_last_chunk::<32>()?;
    let mut input = content.strip_prefix(MAGIC)?;
    let version = u32::from_le_bytes(take(&mut input)?);
    (blake3::hash(content) == *sum).then_some((version, input))
}

fn decode(mut input: &[u8], own: &SealKey, keys: &Keys) -> Option<(Lsn, Vec<Section>)> {
    let reached = Lsn(u64::from_le_bytes(take(&mut input)?));
    let count = u32::from_le_bytes(take(&mut input)?);
    let mut sections = Vec::new();
    for _ in 0..count {
        let [of_day] = take(&mut input)?;
        let id = KeyId(u64::from_le_bytes(take(&mut input)?));
        let key = (of_day == 1).then_some(id);
        let nonce: [u8; 12] = take(&mut input)?;
        let length = u32::from_le_bytes(take(&mut input)?) as usize;
        let (sealed, rest) = input.split_at_checked(length)?;
        input = rest;
        let opened = match key {
            None => Some(own.open(&nonce, &aad(reached, None), sealed)?),
            Some(id) => {
                keys.seal_of(id).and_then(|seal| seal.open(&nonce, &aad(reached, key), sealed))
            }
        };
        sections.extend(opened.map(|bytes| Section { key, bytes }));
    }
    input.is_empty().then_some((reached, sections))
}

/// A section of one checkpoint cannot be put into another.
fn aad(reached: Lsn, key: Option<KeyId>) -> Vec<u8> {
    let mut aad = b"headcount checkpoint v1".to_vec();
    aad.extend_from_slice(&reached.0.to_le_bytes());
    aad.extend_from_slice(&key.map_or(0, |key| key.0).to_le_bytes());
    aad
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*taken)
}
