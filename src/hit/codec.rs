//! Records as bytes, for the spool. Visitor ids go apart, so that they can be sealed apart.

use super::{Record, VisitorId};
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

/// Appends `record` to `out`, and its visitor ids to `ids`, in the order in which
/// [`decode_record`] asks for them.
pub fn encode_record(_record: &Record, _out: &mut Vec<u8>, _ids: &mut Vec<(KeyId, VisitorId)>) {
    todo!()
}

/// Takes the next record off `input`. `id` yields the next visitor id of a key, `None` once that
/// key has died: the hit's visitor is then `Lost`, or its `before` none.
pub fn decode_record(
    _input: &mut &[u8],
    _id: &mut dyn FnMut(KeyId) -> Option<VisitorId>,
) -> Result<Record, CodecError> {
    todo!()
}
