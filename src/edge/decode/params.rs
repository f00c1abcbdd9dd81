//! Parameters of a query or form: each key once, the last one counts.

use std::borrow::Cow;

use memchr::memchr2;

use crate::limits;

/// The pairs of `key=value&…`, decoded.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decoded(key), decoded(value))
    })
}

/// `%41` and `+`, as forms are written (<https://url.spec.whatwg.org/#concept-urlencoded-parser>).
/// Stretches between them are copied whole: this runs for every pixel.
fn decoded(text: &str) -> Cow<'_, str> {
    let Some(first) = memchr2(b'%', b'+', text.as_bytes()) else { return Cow::Borrowed(text) };
    let mut bytes = Vec::with_capacity(text.len());
    let (start, mut rest) = text.as_bytes().split_at(first);
    bytes.extend_from_slice(start);
    loop {
        match rest {
            [b'%', high, low, after @ ..] if hex(*high).zip(hex(*low)).is_some() => {
                bytes.extend(hex(*high).zip(hex(*low)).map(|(high, low)| high << 4 | low));
                rest = after;
            }
            [b'+', after @ ..] => {
                bytes.push(b' ');
                rest = after;
            }
            [percent, after @ ..] => {
                bytes.push(*percent);
                rest = after;
            }
            [] => break,
        }
        let (plain, after) = rest.split_at(memchr2(b'%', b'+', rest).unwrap_or(rest.len()));
        bytes.extend_from_slice(plain);
        rest = after;
    }
    let text = String::from_utf8(bytes);
    Cow::Owned(text.unwrap_or_else(|it| String::from_utf8_lossy(it.as_bytes()).into_owned()))
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

pub(super) struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Params<'a> {
    /// Those of the texts, each `key=value&…`; past `limits::QUERY_PARAMS_MAX` they are not read.
    pub(super) fn of(texts: &[&'a str]) -> Self {
        let all = texts.iter().flat_map(|text| pairs(text.trim_start_matches('?')));
        Self(all.take(limits::QUERY_PARAMS_MAX).collect())
    }

    /// What stands under a key; an empty text if nothing does.
    pub(super) fn get(&self, key: &str) -> &str {
        self.0.iter().rfind(|(found, _)| found == key).map_or("", |(_, value)| value)
    }

    /// The same, taken out.
    pub(super) fn take(&mut self, key: &str) -> Cow<'a, str> {
        let at = self.0.iter().rposition(|(found, _)| found == key);
        at.map_or(Cow::Borrowed(""), |at| self.0.swap_remove(at).1)
    }

    /// Whether one of the keys has something.
    pub(super) fn has(&self, keys: &[&str]) -> bool {
        self.0.iter().any(|(key, value)| !value.is_empty() && keys.contains(&&**key))
    }

    /// All pairs, in the order in which they came.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pairs_are_what_the_standard_s_parser_finds(text in "([a-z%+=&0-9A-F]|\\PC){0,60}") {
            let expected: Vec<_> = form_urlencoded::parse(text.as_bytes()).collect();
            prop_assert_eq!(pairs(&text).collect::<Vec<_>>(), expected);
        }
    }
}
