//! The counter's state on the disk, in sections that are sealed and opened one by one.
//!
//! ```text
//! magic 8 | version u32 | reached u64 | crc32c u32 of all that
//! { sealed by u8 (0: the spool's key, 1: a day's or a mailing's) | key id u64 | nonce 12 |
//!   length u32 | sealed }*
//! 2 | blake3 of all that, 32
//! ```

use std::io;

use super::disk::{Disk, replace_by};
use super::{Lsn, Section, SpoolError};
use crate::keys::{KeyId, Keys, SealKey};
use crate::{limits, telemetry};

pub(super) const NAME: &str = "checkpoint";
const MAGIC: &[u8; 8] = b"HCNTCHK\n";
pub(super) const VERSION: u32 = 2;
const KEY_CONTEXT: &str = "headcount 2026-11 checkpoint key v1";

const HEAD_BYTES: usize = 24;
const SECTION_HEAD_BYTES: usize = 25;
const SUM_BYTES: usize = 32;
const OWN: u8 = 0;
const DAYS: u8 = 1;
const END: u8 = 2;

/// Bytes that are gathered before they are written.
const WRITE_BYTES: usize = 1 << 20;

/// The key of sections that belong to no day: derived from the spool's key file. A checkpoint a
/// minute with random nonces stays far from a nonce met twice for thousands of years.
pub(super) fn key(root: &[u8; 32]) -> SealKey {
    SealKey::from_bytes(&blake3::derive_key(KEY_CONTEXT, root))
}

/// Keeps a checkpoint in place of the last one. Only a section or two are in memory at once.
pub(super) fn keep(
    disk: &dyn Disk,
    own: &SealKey,
    keys: &Keys,
    reached: Lsn,
    sections: impl IntoIterator<Item = Section>,
) -> io::Result<()> {
    let mut sections = sections.into_iter();
    let mut sum = blake3::Hasher::new();
    let mut pending = head(reached);
    let (mut number, mut ended) = (0, false);
    let pieces = std::iter::from_fn(|| {
        while !ended && pending.len() < WRITE_BYTES {
            let Some(section) = sections.next() else {
                pending.push(END);
                ended = true;
                break;
            };
            match seal(section, number, (own, keys, reached), &mut pending) {
                Ok(sealed) => number += u32::from(sealed),
                Err(error) => return Some(Err(error)),
            }
        }
        let mut piece = std::mem::take(&mut pending);
        if piece.is_empty() {
            return None;
        }
        sum.update(&piece);
        if ended {
            piece.extend_from_slice(sum.finalize().as_bytes());
        }
        Some(Ok(piece))
    });
    replace_by(disk, NAME, pieces)
}

fn head(reached: Lsn) -> Vec<u8> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&reached.0.to_le_bytes());
    head.extend_from_slice(&crc32c::crc32c(&head).to_le_bytes());
    head
}

/// Appends a section, sealed. False: its key has died, and what belongs to it dies with it.
fn seal(
    section: Section,
    number: u32,
    (own, keys, reached): (&SealKey, &Keys, Lsn),
    out: &mut Vec<u8>,
) -> io::Result<bool> {
    let Section { key, bytes: mut sealed } = section;
    let of_key = match key.map(|id| keys.seal_of(id)) {
        None => None,
        Some(Some(seal)) => Some(seal),
        Some(None) => return Ok(false),
    };
    let mut nonce = [0; 12];
    getrandom::fill(&mut nonce).map_err(|_| io::Error::from(io::ErrorKind::Other))?;
    of_key.as_ref().unwrap_or(own).seal(&nonce, &aad(reached, key, number), &mut sealed);
    let length = u32::try_from(sealed.len())
        .ok()
        .filter(|length| *length as usize <= limits::FRAME_BYTES_MAX)
        .ok_or(io::ErrorKind::FileTooLarge)?;
    out.push(if key.is_some() { DAYS } else { OWN });
    out.extend_from_slice(&key.map_or(0, |key| key.0).to_le_bytes());
    out.extend_from_slice(&nonce);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(&sealed);
    Ok(true)
}

/// A section as it stands in the file.
struct Sealed {
    number: u32,
    key: Option<KeyId>,
    nonce: [u8; 12],
    bytes: Vec<u8>,
}

/// The place that the last checkpoint reaches, by its head alone. One of a newer version is an
/// error: without it the day's uniques would begin anew.
pub(super) fn reached(disk: &dyn Disk) -> Result<Option<Lsn>, SpoolError> {
    let failed = |error| SpoolError::Io("reading the checkpoint", error);
    let Some(head) = part(disk, 0, HEAD_BYTES).map_err(failed)? else { return Ok(None) };
    let Some((content, crc)) = head.split_last_chunk() else { return Ok(None) };
    let Some(mut input) = content.strip_prefix(MAGIC) else { return Ok(None) };
    let version = take(&mut input).map(u32::from_le_bytes);
    if version.is_some_and(|version| version > VERSION) && has_its_sum(disk).map_err(failed)? {
        return Err(SpoolError::NewerCheckpoint(version.unwrap_or_default()));
    }
    let is_ours = version == Some(VERSION) && u32::from_le_bytes(*crc) == crc32c::crc32c(content);
    Ok(take(&mut input).filter(|_| is_ours).map(|reached| Lsn(u64::from_le_bytes(reached))))
}

/// Hands each section of the last checkpoint to `each`; those of keys that have died are left out.
/// The place that it reaches; none: there is no checkpoint, or it turned out not to be whole, which
/// is logged, and what was handed out is of no use.
pub(super) fn load(
    disk: &dyn Disk,
    own: &SealKey,
    keys: &Keys,
    each: &mut dyn FnMut(Section),
) -> Result<Option<Lsn>, SpoolError> {
    let failed = |error| SpoolError::Io("reading the checkpoint", error);
    let Some(reached) = reached(disk)? else {
        if part(disk, 0, 0).map_err(failed)?.is_some() {
            telemetry::error("spool", "the checkpoint does not verify and is not used", &[]);
        }
        return Ok(None);
    };
    let mut opens = true;
    let whole = walk(disk, &mut |section| {
        let Sealed { number, key, nonce, bytes } = section;
        let aad = aad(reached, key, number);
        let opened = match key {
            None => own.open(&nonce, &aad, &bytes),
            Some(id) => keys.seal_of(id).and_then(|seal| seal.open(&nonce, &aad, &bytes)),
        };
        opens &= opened.is_some() || key.is_some();
        if let Some(bytes) = opened {
            each(Section { key, bytes });
        }
    })
    .map_err(failed)?;
    if whole && opens {
        return Ok(Some(reached));
    }
    telemetry::error("spool", "the checkpoint does not verify and is not used", &[]);
    Ok(None)
}

/// Whether the checkpoint is as it was written; one that was never made is.
pub(super) fn is_whole(disk: &dyn Disk) -> io::Result<bool> {
    if part(disk, 0, 0)?.is_none() {
        return Ok(true);
    }
    match reached(disk) {
        Ok(Some(_)) => walk(disk, &mut |_| {}),
        Ok(None) => Ok(false),
        Err(SpoolError::Io(_, error)) => Err(error),
        // Of a newer version, with the sum that every version has at its end.
        Err(_) => Ok(true),
    }
}

/// Reads section by section. Whether the sum at the end is that of all before it.
fn walk(disk: &dyn Disk, each: &mut dyn FnMut(Sealed)) -> io::Result<bool> {
    let mut sum = blake3::Hasher::new();
    let mut at = 0;
    let mut read = |length: usize| {
        let bytes = part(disk, at, length)?;
        at += length as u64;
        io::Result::Ok(bytes)
    };
    let Some(head) = read(HEAD_BYTES)? else { return Ok(false) };
    sum.update(&head);
    for number in 0.. {
        let Some(sealed_by) = read(1)? else { return Ok(false) };
        sum.update(&sealed_by);
        if sealed_by == [END] {
            break;
        }
        let Some(head) = read(SECTION_HEAD_BYTES - 1)? else { return Ok(false) };
        sum.update(&head);
        let Some((key, nonce, length)) = section_head(&head) else { return Ok(false) };
        if length > limits::FRAME_BYTES_MAX {
            return Ok(false);
        }
        let Some(bytes) = read(length)? else { return Ok(false) };
        sum.update(&bytes);
        each(Sealed { number, key: (sealed_by == [DAYS]).then_some(key), nonce, bytes });
    }
    Ok(read(SUM_BYTES)?.is_some_and(|expected| *sum.finalize().as_bytes() == *expected))
}

fn section_head(mut head: &[u8]) -> Option<(KeyId, [u8; 12], usize)> {
    let key = KeyId(u64::from_le_bytes(take(&mut head)?));
    Some((key, take(&mut head)?, u32::from_le_bytes(take(&mut head)?) as usize))
}

/// Whether the file ends with the sum of all before it, as those of every version do.
fn has_its_sum(disk: &dyn Disk) -> io::Result<bool> {
    let bytes = disk.read(NAME)?;
    Ok(bytes.split_last_chunk().is_some_and(|(content, sum)| blake3::hash(content) == *sum))
}

/// A part of the file; none where it is not there or ends before.
fn part(disk: &dyn Disk, offset: u64, length: usize) -> io::Result<Option<Vec<u8>>> {
    match disk.read_at(NAME, offset, length) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) => match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::UnexpectedEof => Ok(None),
            _ => Err(error),
        },
    }
}

/// A section cannot be put into another checkpoint, nor to another place in its own.
fn aad(reached: Lsn, key: Option<KeyId>, number: u32) -> Vec<u8> {
    let mut aad = b"headcount checkpoint v2".to_vec();
    aad.extend_from_slice(&reached.0.to_le_bytes());
    aad.extend_from_slice(&key.map_or(0, |key| key.0).to_le_bytes());
    aad.extend_from_slice(&number.to_le_bytes());
    aad
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*taken)
}
