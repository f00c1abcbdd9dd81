//! Which links stay as they are, though they lead to the web.
//!
//! A link is for unsubscribing, and is left alone, where
//! - it has `data-unsubscribe`, or `rel="unsubscribe"`;
//! - its text, the alternative text of a picture in it, or its URL says one of [`WORDS`].
//!
//! One too many is a click that is not counted; one too few has somebody's wish pass through a
//! counter. What stands in the `List-Unsubscribe` header the caller knows, and leaves alone too.

use percent_encoding::percent_decode_str;
use url::Url;

use super::scan::Anchor;

/// What links to unsubscribe or to preferences say, in [`plain`] letters, as whole words or parts.
const WORDS: &[&str] = &[
    "unsub",
    "opt out",
    "optout",
    "preferences",
    "remove me",
    "stop receiving",
    "abmeld",
    "abbestell",
    "austragen",
    "désinscri",
    "desinscri",
    "désabonn",
    "desabonn",
    "préférences",
    "de baja",
    "cancelar suscrip",
    "cancelar la suscrip",
    "descadastr",
    "cancelar inscri",
    "cancelar a subscri",
    "disiscri",
    "annulla iscrizione",
    "annulla l iscrizione",
    "afmeld",
    "uitschrij",
    "avmeld",
    "avregistrer",
    "avprenumerer",
    "wypisz",
    "zrezygnuj",
];

/// Whether `anchor`, which leads to `url`, stays as it is. `own`: what the URLs of the listener
/// begin with.
pub(super) fn is_kept(anchor: &Anchor, url: &Url, own: &str) -> bool {
    !anchor.notrack.is_empty()
        || anchor.unsubscribes
        || url.as_str().starts_with(own)
        || says(&anchor.text)
        || says(&percent_decode_str(url.as_str()).decode_utf8_lossy())
}

fn says(text: &str) -> bool {
    let text = plain(text);
    WORDS.iter().any(|word| text.contains(word))
}

/// In lower case, with one space for whatever is neither letter nor digit; characters that only
/// tell where a line may break are nothing.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            '\u{ad}' | '\u{200b}'..='\u{200d}' | '\u{2060}' | '\u{feff}' => {}
            _ if c.is_alphanumeric() => plain.push(c),
            _ if plain.ends_with(' ') => {}
            _ => plain.push(' '),
        }
    }
    plain
}
