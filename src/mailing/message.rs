//! Whole messages, which are not wrapped.

use super::WrapError;

/// Header fields that messages have. One of them may begin a line of somebody's text; not two.
const FIELDS: &[&str] = &[
    "content-type",
    "date",
    "dkim-signature",
    "from",
    "message-id",
    "mime-version",
    "received",
    "return-path",
    "subject",
    "to",
];

/// Refuses what is not HTML but the message (`.eml`) around it.
///
/// # Errors
///
/// [`WrapError::Signed`], [`WrapError::Message`].
pub(super) fn refuse(text: &str) -> Result<(), WrapError> {
    let lines = text.trim_start_matches('\u{feff}').trim_start().lines();
    let head =
        lines.skip_while(|line| line.starts_with("From ")).take_while(|line| !line.is_empty());
    let mut known = 0;
    let mut signed = false;
    for line in head.filter(|line| !line.starts_with([' ', '\t'])) {
        let Some((name, _)) = line.split_once(':') else { return Ok(()) };
        let name = name.trim_end().to_ascii_lowercase();
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
            return Ok(());
        }
        known += usize::from(FIELDS.contains(&name.as_str()));
        signed |= name == "dkim-signature";
    }
    match known {
        0 | 1 => Ok(()),
        _ if signed => Err(WrapError::Signed),
        _ => Err(WrapError::Message),
    }
}
