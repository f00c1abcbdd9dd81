//! One frame's bytes, and one segment's head. The layout stands in `log.rs`.

use crate::limits;

pub(super) const SEGMENT_HEAD_BYTES: usize = 48;
pub(super) const FRAME_HEAD_BYTES: usize = 32;

const SEGMENT_MAGIC: [u8; 8] = *b"HCNTLOG\n";
const FRAME_MAGIC: [u8; 4] = *b"\xF5HcF";

/// The version that this program writes.
pub(super) const VERSION: u32 = 1;

/// A segment's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SegmentHead {
    pub(super) version: u32,
    /// Which log it belongs to.
    pub(super) kind: u32,
    /// The place of its first item.
    pub(super) first: u64,
    /// What the segment's key is derived with.
    pub(super) salt: [u8; 16],
}

/// A frame's head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FrameHead {
    /// Bytes of the sealed payload behind it.
    pub(super) length: u32,
    /// Its number in the segment: the nonce.
    pub(super) number: u32,
    /// The place of its first item.
    pub(super) first: u64,
    /// How many items.
    pub(super) count: u32,
}

impl SegmentHead {
    pub(super) fn encode(&self) -> [u8; SEGMENT_HEAD_BYTES] {
        let mut out = [0; SEGMENT_HEAD_BYTES];
        out[..8].copy_from_slice(&SEGMENT_MAGIC);
        out[8..12].copy_from_slice(&self.version.to_le_bytes());
        out[12..16].copy_from_slice(&self.kind.to_le_bytes());
        out[16..24].copy_from_slice(&self.first.to_le_bytes());
        out[24..40].copy_from_slice(&self.salt);
        let crc = crc32c::crc32c(&out[..40]);
        out[40..44].copy_from_slice(&crc.to_le_bytes());
        out
    }

    /// The head at the start of a segment; `None` if it is not whole.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let head: &[u8; SEGMENT_HEAD_BYTES] = bytes.first_chunk()?;
        let whole = head[..8] == SEGMENT_MAGIC && u32_at(head, 40) == crc32c::crc32c(&head[..40]);
        whole.then(|| Self {
            version: u32_at(head, 8),
            kind: u32_at(head, 12),
            first: u64_at(head, 16),
            salt: *head[24..].first_chunk().expect("24 of 48 bytes are left"),
        })
    }
}

impl FrameHead {
    /// The head as bytes. It is the seal's additional data but for its last four bytes, the
    /// checksum, which [`FrameHead::finish`] fills in.
    pub(super) fn encode(&self) -> [u8; FRAME_HEAD_BYTES] {
        let mut out = [0; FRAME_HEAD_BYTES];
        out[..4].copy_from_slice(&FRAME_MAGIC);
        out[4..8].copy_from_slice(&self.length.to_le_bytes());
        out[8..16].copy_from_slice(&self.first.to_le_bytes());
        out[16..20].copy_from_slice(&self.count.to_le_bytes());
        out[20..24].copy_from_slice(&self.number.to_le_bytes());
        out
    }

    /// Puts the checksum over head and payload into the head.
    pub(super) fn finish(head: &mut [u8; FRAME_HEAD_BYTES], payload: &[u8]) {
        let crc = checksum(head, payload);
        head[28..].copy_from_slice(&crc.to_le_bytes());
    }

    /// The frame at the start of `bytes`, and its sealed payload; `None` if it is not whole.
    pub(super) fn decode(bytes: &[u8]) -> Option<(Self, &[u8; FRAME_HEAD_BYTES], &[u8])> {
        let head: &[u8; FRAME_HEAD_BYTES] = bytes.first_chunk()?;
        if head[..4] != FRAME_MAGIC {
            return None;
        }
        let length = u32_at(head, 4);
        if length as usize > limits::FRAME_BYTES_MAX {
            return None;
        }
        let payload = bytes.get(FRAME_HEAD_BYTES..FRAME_HEAD_BYTES + length as usize)?;
        if u32_at(head, 28) != checksum(head, payload) {
            return None;
        }
        let first = u64_at(head, 8);
        let decoded = Self { length, first, count: u32_at(head, 16), number: u32_at(head, 20) };
        Some((decoded, head, payload))
    }

    /// What the seal covers beside the payload: everything but the checksum.
    pub(super) fn sealed_part(head: &[u8; FRAME_HEAD_BYTES]) -> &[u8] {
        &head[..28]
    }

    /// The seal's nonce: never used twice under a segment's key, since numbers rise.
    pub(super) fn nonce(&self) -> [u8; 12] {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&self.number.to_le_bytes());
        nonce
    }

    /// Bytes of head and payload.
    pub(super) fn bytes(&self) -> u64 {
        FRAME_HEAD_BYTES as u64 + u64::from(self.length)
    }
}

fn checksum(head: &[u8; FRAME_HEAD_BYTES], payload: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&head[..28]), payload)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("heads have a fixed size"))
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(*bytes[at..].first_chunk().expect("heads have a fixed size"))
}
