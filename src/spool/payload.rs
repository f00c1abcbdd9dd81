//! A frame's payload: records, and their visitor ids sealed apart.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::hit::{Record, VisitorId, decode_record};
use crate::keys::{KeyId, Keys, SealKey};

/// What the ids are sealed for: a section cannot be passed off as anything else.
const PURPOSE: &[u8] = b"headcount spool ids v1";

/// The seal keys of living days and mailings. A key that has died is let go of.
pub(super) struct Seals {
    keys: Arc<Keys>,
    seals: HashMap<KeyId, SealKey>,
}

impl Seals {
    pub(super) fn new(keys: Arc<Keys>) -> Self {
        Self { keys, seals: HashMap::new() }
    }

    /// The seal of a key; `None` once the key has died.
    pub(super) fn of(&mut self, id: KeyId) -> Option<&SealKey> {
        if !self.keys.is_alive(id) {
            self.seals.remove(&id);
            return None;
        }
        match self.seals.entry(id) {
            Entry::Occupied(seal) => Some(seal.into_mut()),
            Entry::Vacant(place) => Some(place.insert(self.keys.seal_of(id)?)),
        }
    }

    /// Lets go of the seals of keys that have died.
    pub(super) fn let_go(&mut self) {
        let keys = &self.keys;
        self.seals.retain(|id, _| keys.is_alive(*id));
    }
}

/// The payload of `records`, already encoded, whose ids are `ids`. `None`: no random nonce.
pub(super) fn encode(
    records: &[u8],
    ids: &mut [(KeyId, VisitorId)],
    seals: &mut Seals,
) -> Option<Vec<u8>> {
    let mut payload = Vec::with_capacity(records.len() + ids.len() * 8 + 128);
    payload.extend_from_slice(&length_of(records));
    payload.extend_from_slice(records);
    // Stable: within a key, ids stay in the order in which the records ask for them.
    ids.sort_by_key(|(key, _)| *key);
    let sections_at = payload.len();
    payload.extend_from_slice(&[0; 4]);
    let mut sections = 0_u32;
    for section in ids.chunk_by(|a, b| a.0 == b.0) {
        let key = section[0].0;
        // The key died between the hit and its commit: nobody may read these ids any more.
        let Some(seal) = seals.of(key) else { continue };
        let mut sealed: Vec<u8> =
            section.iter().flat_map(|(_, id)| id.to_raw().to_le_bytes()).collect();
        let mut nonce = [0; 12];
        getrandom::fill(&mut nonce).ok()?;
        seal.seal(&nonce, PURPOSE, &mut sealed);
        payload.extend_from_slice(&key.0.to_le_bytes());
        payload.extend_from_slice(&length_of(section));
        payload.extend_from_slice(&nonce);
        payload.extend_from_slice(&length_of(&sealed));
        payload.extend_from_slice(&sealed);
        sections += 1;
    }
    payload[sections_at..sections_at + 4].copy_from_slice(&sections.to_le_bytes());
    Some(payload)
}

fn length_of<T>(items: &[T]) -> [u8; 4] {
    u32::try_from(items.len()).expect("a frame is bounded far below 4 GiB").to_le_bytes()
}

/// Yields the payload's `count` records. False if it does not decode to the end.
pub(super) fn decode(
    payload: &[u8],
    count: u32,
    seals: &mut Seals,
    mut each: impl FnMut(Record),
) -> bool {
    let Some((mut records, sections)) = split(payload) else { return false };
    let Some(mut ids) = open_sections(sections, seals) else { return false };
    for _ in 0..count {
        let record = decode_record(&mut records, &mut |key| ids.get_mut(&key)?.next());
        match record {
            Ok(record) => each(record),
            Err(_) => return false,
        }
    }
    records.is_empty()
}

fn split(payload: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = payload.split_first_chunk()?;
    rest.split_at_checked(u32::from_le_bytes(*length) as usize)
}

type Ids = HashMap<KeyId, std::vec::IntoIter<VisitorId>>;

/// The ids of every section whose key lives. `None`: this is not a list of sections.
fn open_sections(mut input: &[u8], seals: &mut Seals) -> Option<Ids> {
    let mut ids = Ids::new();
    let sections = u32::from_le_bytes(take(&mut input)?);
    for _ in 0..sections {
        let key = KeyId(u64::from_le_bytes(take(&mut input)?));
        let count = u32::from_le_bytes(take(&mut input)?) as usize;
        let nonce: [u8; 12] = take(&mut input)?;
        let length = u32::from_le_bytes(take(&mut input)?) as usize;
        let (sealed, rest) = input.split_at_checked(length)?;
        input = rest;
        let Some(plain) = seals.of(key).and_then(|seal| seal.open(&nonce, PURPOSE, sealed)) else {
            continue;
        };
        let (chunks, []) = plain.as_chunks::<8>() else { return None };
        if chunks.len() != count {
            return None;
        }
        ids.insert(key, chunks.iter().copied().map(id).collect::<Vec<_>>().into_iter());
    }
    input.is_empty().then_some(ids)
}

#[expect(clippy::disallowed_methods, reason = "read back from a sealed field")]
fn id(bytes: [u8; 8]) -> VisitorId {
    VisitorId::from_raw(u64::from_le_bytes(bytes))
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*taken)
}
