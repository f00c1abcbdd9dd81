//! The scrubber: free text in, text without personal data out.
//!
//! Text is percent-decoded, control and invisible characters go, and then every part that may tell
//! one person from another becomes a placeholder: `:email`, `:id`, `:token`, `:number`, `:address`.
//! Scrubbing is a fixed point: what was scrubbed is not changed by scrubbing it again. That is why
//! text is cut between words only, and why what is in front of a cut must not depend on what is
//! behind it.

use std::borrow::Cow;
use std::fmt::Write as _;

use percent_encoding::percent_decode_str;

use super::detect::{self, Placeholder};
use super::host;
use crate::limits;

/// Layers of percent-encoding taken off. Text with more is hiding something, and goes.
const DECODES_MAX: usize = 3;

/// A word is cut only if this much stays: such a word is no part of any pattern that spans words.
const CUT_WORD_CHARS_MIN: usize = 16;

/// Path segments whose neighbour is a secret, where it looks like one.
const SECRET_FOLLOWS: &[&str] = &[
    "activate",
    "activation",
    "confirm",
    "confirmation",
    "invitation",
    "invite",
    "login-link",
    "magic",
    "magic-link",
    "password-reset",
    "reset",
    "reset-password",
    "token",
    "unsubscribe",
    "verification",
    "verify",
    "verify-email",
];

/// A name or value, scrubbed: of a URL host and path stay, of a path itself, of other text
/// everything that is not an identifier. At most `chars_max` characters.
pub(super) fn value(text: &str, chars_max: usize) -> String {
    let mut out = Bounded::new(chars_max);
    match decoded(text) {
        None => out.placeholder(Placeholder::Token),
        Some(text) if text.starts_with('/') => path_into(&text, &mut out),
        Some(text) => match host::split_url(&text) {
            None => words_into(&text, &mut out),
            Some(url) => match host::host(url.authority) {
                None => out.placeholder(Placeholder::Token),
                Some(host) => {
                    let mut start = String::new();
                    // Writing to a string cannot fail.
                    write!(start, "{}://{host}", url.scheme).unwrap_or_default();
                    out.push(&start);
                    path_into(url.path, &mut out);
                }
            },
        },
    }
    out.finish()
}

/// A page's path, scrubbed: at most `limits::PAGE_SEGMENTS_MAX` segments, and
/// `limits::PAGE_CHARS_MAX` characters. Begins with a slash.
pub(super) fn path(path: &str) -> String {
    let mut out = Bounded::new(limits::PAGE_CHARS_MAX);
    match decoded(path) {
        Some(path) => path_into(&path, &mut out),
        None => path_into("/:token", &mut out),
    }
    out.finish()
}

/// Text as it is, scrubbed word by word; at most `chars_max` characters.
pub(super) fn words(text: &str, chars_max: usize) -> String {
    let mut out = Bounded::new(chars_max);
    words_into(text, &mut out);
    out.finish()
}

fn path_into(path: &str, out: &mut Bounded) {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    let segments = path.split('/').map(|it| it.split(';').next().unwrap_or_default().trim());
    let mut segments = segments.filter(|it| !it.is_empty());
    let mut secret = false;
    let mut empty = true;
    for segment in segments.by_ref().take(limits::PAGE_SEGMENTS_MAX) {
        out.push("/");
        if secret && segment.contains(|c: char| c.is_numeric() || c.is_uppercase()) {
            out.placeholder(Placeholder::Token);
        } else {
            words_into(segment, out);
        }
        secret = SECRET_FOLLOWS.iter().any(|it| it.eq_ignore_ascii_case(segment));
        empty = false;
    }
    if empty || (path.ends_with('/') && segments.next().is_none()) {
        out.push("/");
    }
}

/// Copies `text`, identifiers replaced.
fn words_into(text: &str, out: &mut Bounded) {
    let text = detect::without_emails(text);
    let mut at = 0;
    let mut harmless_to = 0;
    while let Some(word) = detect::word_from(&text, at) {
        let found = detect::identifier_at(&text, &word, word.start >= harmless_to);
        out.push(&text[at..word.start]);
        match found {
            detect::Found::Identifier { placeholder, end } => {
                out.placeholder(placeholder);
                at = end;
            }
            detect::Found::Harmless { end } => {
                harmless_to = harmless_to.max(end);
                out.word(&text[word.clone()]);
                at = word.end;
            }
        }
    }
    out.push(&text[at..]);
}

/// Percent-decoded until nothing is left to decode, and tidied. None: too many layers.
fn decoded(text: &str) -> Option<Cow<'_, str>> {
    let mut text = tidy(text);
    for _ in 0..DECODES_MAX {
        if !has_escape(&text) {
            return Some(text);
        }
        let bytes: Vec<u8> = percent_decode_str(&text).collect();
        text = Cow::Owned(tidy(&String::from_utf8_lossy(&bytes)).into_owned());
    }
    (!has_escape(&text)).then_some(text)
}

fn has_escape(text: &str) -> bool {
    text.as_bytes()
        .windows(3)
        .any(|it| it[0] == b'%' && it[1].is_ascii_hexdigit() && it[2].is_ascii_hexdigit())
}

/// Without control and invisible characters, white space folded into single spaces, no space at
/// either end, and one kind of `@`.
fn tidy(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.chars() {
        if c.is_whitespace() {
            space = !out.is_empty();
        } else if !is_invisible(c) {
            if std::mem::take(&mut space) {
                out.push(' ');
            }
            out.push(if matches!(c, '\u{ff20}' | '\u{fe6b}') { '@' } else { c });
        }
    }
    Cow::Owned(out)
}

/// Whether it is seen by a program but not by a reader: it could hide a pattern.
fn is_invisible(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

/// Text with a bound. Once something did not fit, nothing more is taken.
struct Bounded {
    out: String,
    left: usize,
    full: bool,
}

impl Bounded {
    fn new(chars_max: usize) -> Self {
        Self { out: String::new(), left: chars_max, full: false }
    }

    fn push(&mut self, piece: &str) {
        if self.full {
            return;
        }
        let chars = piece.chars().count();
        match self.left.checked_sub(chars) {
            Some(left) => {
                self.out.push_str(piece);
                self.left = left;
            }
            None => self.full = true,
        }
    }

    fn placeholder(&mut self, placeholder: Placeholder) {
        self.push(placeholder.as_str());
    }

    /// A word that is no identifier. One that does not fit is cut, where its start is none either.
    fn word(&mut self, word: &str) {
        let left = self.left;
        let full = self.full;
        self.push(word);
        if full || !self.full || left < CUT_WORD_CHARS_MIN {
            return;
        }
        let end = word.char_indices().nth(left).map_or(word.len(), |(at, _)| at);
        if detect::placeholder_of(&word[..end]).is_none() {
            self.out.push_str(&word[..end]);
        }
    }

    fn finish(mut self) -> String {
        if self.full {
            let end = self.out.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
            // Of a path, the root stays.
            self.out.truncate(end.max(usize::from(self.out.starts_with('/'))));
        }
        self.out
    }
}
