//! The language that a client asks for first.

use super::name;
use crate::hit::Text;

/// The primary subtag of the first language of an `Accept-Language` header, in lower case: two or
/// three letters, as ISO 639 has them; empty for anything else.
pub(in crate::edge) fn language_of(accept_language: &str) -> Text {
    let first = accept_language.split([',', ';']).next().unwrap_or_default().trim();
    let subtag = first.split(['-', '_']).next().unwrap_or_default();
    let shaped = matches!(subtag.len(), 2 | 3) && subtag.bytes().all(|it| it.is_ascii_alphabetic());
    if shaped { name::known(&subtag.to_ascii_lowercase()) } else { Text::EMPTY }
}
