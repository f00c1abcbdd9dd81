//! Numbers and texts as bytes: what records and checkpoints are written in.
//!
//! ```text
//! number   LEB128, at most 64 bits; signed ones zigzag
//! text     number of bytes, then UTF-8
//! key id   8 bytes, little endian
//! ```

use super::{Day, Text};
use crate::keys::KeyId;

/// Why bytes are no record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CodecError {
    /// They end too early.
    #[error("the record ends too early")]
    Short,
    /// They say something that no version of this program writes.
    #[error("the record holds a value that is not known")]
    Unknown,
}

/// Appends a number as LEB128.
pub(crate) fn write_number(mut number: u64, out: &mut Vec<u8>) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push((number & 0x7f) as u8);
}

/// Takes a number of at most 64 bits.
pub(crate) fn read_number(input: &mut &[u8]) -> Result<u64, CodecError> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let byte = read_byte(input)?;
        let bits = u64::from(byte & 0x7f);
        if bits << shift >> shift != bits {
            return Err(CodecError::Unknown);
        }
        number |= bits << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(CodecError::Unknown)
}

/// Appends a signed number, zigzag.
pub(crate) fn write_signed(number: i64, out: &mut Vec<u8>) {
    write_number(((number << 1) ^ (number >> 63)).cast_unsigned(), out);
}

/// Takes a signed number.
pub(crate) fn read_signed(input: &mut &[u8]) -> Result<i64, CodecError> {
    let zigzag = read_number(input)?;
    Ok((zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed())
}

/// Takes a number of at most 32 bits.
pub(crate) fn read_u32(input: &mut &[u8]) -> Result<u32, CodecError> {
    u32::try_from(read_number(input)?).map_err(|_| CodecError::Unknown)
}

/// Takes a day.
pub(crate) fn read_day(input: &mut &[u8]) -> Result<Day, CodecError> {
    i32::try_from(read_signed(input)?).map(Day).map_err(|_| CodecError::Unknown)
}

/// Appends a text behind its length.
pub(crate) fn write_str(text: &str, out: &mut Vec<u8>) {
    write_number(text.len() as u64, out);
    out.extend_from_slice(text.as_bytes());
}

/// Takes a text.
pub(crate) fn read_str<'a>(input: &mut &'a [u8]) -> Result<&'a str, CodecError> {
    let length = usize::try_from(read_number(input)?).map_err(|_| CodecError::Short)?;
    let bytes = input.split_off(..length).ok_or(CodecError::Short)?;
    std::str::from_utf8(bytes).map_err(|_| CodecError::Unknown)
}

/// Takes a text that was scrubbed before it was written.
#[expect(clippy::disallowed_methods, reason = "it was scrubbed before it was written")]
pub(crate) fn read_text(input: &mut &[u8]) -> Result<Text, CodecError> {
    read_str(input).map(Text::from_scrubbed)
}

/// Takes a key's id.
pub(crate) fn read_key_id(input: &mut &[u8]) -> Result<KeyId, CodecError> {
    let (bytes, rest) = input.split_first_chunk().ok_or(CodecError::Short)?;
    *input = rest;
    Ok(KeyId(u64::from_le_bytes(*bytes)))
}

/// Takes a byte.
pub(crate) fn read_byte(input: &mut &[u8]) -> Result<u8, CodecError> {
    input.split_off_first().copied().ok_or(CodecError::Short)
}
