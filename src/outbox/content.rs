//! What a frame of the outbox holds. The layout stands in `mod.rs`.

use super::{NewBatch, Table};
use crate::spool::Lsn;

const COMMIT: u8 = 1;
const NOTE: u8 = 2;
const DONE: u8 = 3;

/// A frame's content.
pub(super) enum Content {
    Commit { reached: Lsn, next: u64, batches: Vec<(u64, NewBatch)> },
    Note { number: u64, note: Vec<u8> },
    Done { number: u64 },
}

pub(super) fn is_commit(payload: &[u8]) -> bool {
    payload.first() == Some(&COMMIT)
}

/// A commit of `batches`, numbered from `first` on.
pub(super) fn encode_commit(reached: Lsn, next: u64, first: u64, batches: &[NewBatch]) -> Vec<u8> {
    let length: usize = batches.iter().map(|batch| batch.bytes.len() + 32).sum();
    let mut out = Vec::with_capacity(length + 64);
    out.push(COMMIT);
    out.extend_from_slice(&reached.0.to_le_bytes());
    out.extend_from_slice(&next.to_le_bytes());
    out.extend_from_slice(&length_of(batches));
    for (number, batch) in (first..).zip(batches) {
        let NewBatch { table, month, rows, schema, bytes } = batch;
        out.extend_from_slice(&number.to_le_bytes());
        out.push(table.code());
        out.extend_from_slice(&month.to_le_bytes());
        out.extend_from_slice(&rows.to_le_bytes());
        out.extend_from_slice(&schema.to_le_bytes());
        out.extend_from_slice(&length_of(bytes));
        out.extend_from_slice(bytes);
    }
    out
}

pub(super) fn encode_note(number: u64, note: &[u8]) -> Vec<u8> {
    [&[NOTE], number.to_le_bytes().as_slice(), note].concat()
}

pub(super) fn encode_done(number: u64) -> Vec<u8> {
    [&[DONE], number.to_le_bytes().as_slice()].concat()
}

fn length_of<T>(items: &[T]) -> [u8; 4] {
    u32::try_from(items.len()).expect("a frame is bounded far below 4 GiB").to_le_bytes()
}

impl Content {
    /// The content of a payload; `None` if it is nothing that the outbox writes.
    pub(super) fn decode(payload: &[u8]) -> Option<Self> {
        let mut input = payload;
        let content = match take(&mut input)? {
            [COMMIT] => Self::commit(&mut input)?,
            [NOTE] => {
                let number = u64::from_le_bytes(take(&mut input)?);
                Self::Note { number, note: std::mem::take(&mut input).to_vec() }
            }
            [DONE] => Self::Done { number: u64::from_le_bytes(take(&mut input)?) },
            _ => return None,
        };
        input.is_empty().then_some(content)
    }

    fn commit(input: &mut &[u8]) -> Option<Self> {
        let reached = Lsn(u64::from_le_bytes(take(input)?));
        let next = u64::from_le_bytes(take(input)?);
        let count = u32::from_le_bytes(take(input)?);
        let mut batches = Vec::new();
        for _ in 0..count {
            let number = u64::from_le_bytes(take(input)?);
            let [code] = take(input)?;
            let table = *Table::ALL.iter().find(|table| table.code() == code)?;
            let month = u32::from_le_bytes(take(input)?);
            let rows = u32::from_le_bytes(take(input)?);
            let schema = u32::from_le_bytes(take(input)?);
            let length = u32::from_le_bytes(take(input)?) as usize;
            let (bytes, rest) = input.split_at_checked(length)?;
            *input = rest;
            let bytes = bytes.to_vec();
            batches.push((number, NewBatch { table, month, rows, schema, bytes }));
        }
        Some(Self::Commit { reached, next, batches })
    }
}

fn take<const N: usize>(input: &mut &[u8]) -> Option<[u8; N]> {
    let (taken, rest) = input.split_first_chunk()?;
    *input = rest;
    Some(*taken)
}
