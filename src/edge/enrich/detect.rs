//! Which parts of a text may tell one person from another.
//!
//! A word is a run of letters and digits. Some patterns are one word (a token, a long number), some
//! span words (a UUID, an address, a phone number). Doubt goes against the text: what is lost is a
//! page's name, what would be kept is a person's.

use std::borrow::Cow;
use std::ops::Range;

/// Digits in a row that are a number of someone or something: post codes and up. Years are shorter.
const RUN_DIGITS_MAX: usize = 4;

/// Digits of a spaced number (a phone, a card, an account) that are too many.
const SPACED_DIGITS_MAX: usize = 6;

/// Characters of a hexadecimal word with both digits and letters.
const HEX_CHARS_MAX: usize = 7;

/// Characters that no word of a language has.
const WORD_CHARS_MAX: usize = 40;

/// What an identifier is replaced by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Placeholder {
    Address,
    Id,
    Number,
    Token,
}

impl Placeholder {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Address => ":address",
            Self::Id => ":id",
            Self::Number => ":number",
            Self::Token => ":token",
        }
    }

    /// Whether `word` is one without its colon.
    pub(super) fn is_name(word: &str) -> bool {
        matches!(word, "address" | "email" | "id" | "number" | "token")
    }
}

/// What was found at a word.
pub(super) enum Found {
    /// The text up to `end` is an identifier.
    Identifier { placeholder: Placeholder, end: usize },
    /// The word is none, and no spaced number begins before `end`.
    Harmless { end: usize },
}

/// The next word at or after `from`.
pub(super) fn word_from(text: &str, from: usize) -> Option<Range<usize>> {
    let start = from + letters_until(&text[from..], true);
    let end = start + letters_until(&text[start..], false);
    (start < end).then_some(start..end)
}

/// Bytes before the first character that is a letter or digit (or, if not `wanted`, is none).
fn letters_until(text: &str, wanted: bool) -> usize {
    let ascii = |byte: &u8| byte.is_ascii() && byte.is_ascii_alphanumeric() != wanted;
    let plain = text.bytes().take_while(ascii).count();
    let rest = &text[plain..];
    // Nearly all text is ASCII: the tables of Unicode are for what is not.
    if rest.as_bytes().first().is_none_or(u8::is_ascii) {
        return plain;
    }
    plain + rest.find(|c: char| c.is_alphanumeric() == wanted).unwrap_or(rest.len())
}

/// Whether an identifier begins with `word`. `may_begin`: whether the word is not inside a run of
/// numbers that was found harmless.
pub(super) fn identifier_at(text: &str, word: &Range<usize>, may_begin: bool) -> Found {
    let letters = &text[word.clone()];
    let found = |placeholder, end| Found::Identifier { placeholder, end };
    if let Some(end) = uuid_end(text, word) {
        return found(Placeholder::Id, end);
    }
    if let Some(end) = hex_address_end(text, word) {
        return found(Placeholder::Address, end);
    }
    let mut end = word.end;
    if may_begin && letters.ends_with(char::is_numeric) {
        let numbers = Numbers::at(text, word);
        end = numbers.end;
        if numbers.has_address() {
            return found(Placeholder::Address, end);
        }
        if numbers.are_too_many() {
            return found(Placeholder::Number, end);
        }
    }
    match placeholder_of(letters) {
        Some(placeholder) => found(placeholder, word.end),
        None => Found::Harmless { end },
    }
}

/// What a single word must be replaced by.
pub(super) fn placeholder_of(word: &str) -> Option<Placeholder> {
    let plain = word.len() < WORD_CHARS_MAX && word.bytes().all(|it| it.is_ascii_lowercase());
    if plain || word.len() <= RUN_DIGITS_MAX {
        return None;
    }
    let shape = Shape::of(word);
    let token = Some(Placeholder::Token);
    if shape.digits == shape.chars {
        return (shape.digits > RUN_DIGITS_MAX).then_some(Placeholder::Number);
    }
    if shape.is_id(word) {
        return Some(Placeholder::Id);
    }
    if shape.digits_in_a_row > RUN_DIGITS_MAX || shape.chars >= WORD_CHARS_MAX && word.is_ascii() {
        return token;
    }
    if shape.hex == shape.chars && shape.chars > HEX_CHARS_MAX && shape.digits > 0 {
        return token;
    }
    // The mean length of its runs of one kind: four and more in words, under three in random text.
    let (chars, runs) = (shape.chars, shape.runs);
    let random = if shape.digits > 0 {
        chars >= 8 && 2 * chars < 5 * runs || chars >= 16 && chars < 4 * runs
    } else {
        chars >= 8 && chars < 2 * runs
            || chars >= 16 && chars < 3 * runs
            || chars >= 24 && chars < 4 * runs
    };
    (random || hides_email(word, &shape)).then_some(Placeholder::Token)
}

/// What a word is made of.
struct Shape {
    chars: usize,
    digits: usize,
    digits_in_a_row: usize,
    hex: usize,
    upper: usize,
    /// Runs of one kind; a capital and the small letters after it are one.
    runs: usize,
}

impl Shape {
    fn of(word: &str) -> Self {
        #[derive(Clone, Copy, PartialEq)]
        enum Kind {
            Digit,
            Upper,
            Lower,
        }
        let mut it = Self { chars: 0, digits: 0, digits_in_a_row: 0, hex: 0, upper: 0, runs: 0 };
        let mut row = 0;
        let mut before = None;
        for c in word.chars() {
            let kind = if c.is_numeric() {
                Kind::Digit
            } else if c.is_uppercase() {
                Kind::Upper
            } else {
                Kind::Lower
            };
            it.chars += 1;
            it.digits += usize::from(kind == Kind::Digit);
            it.upper += usize::from(kind == Kind::Upper);
            it.hex += usize::from(c.is_ascii_hexdigit());
            row = if kind == Kind::Digit { row + 1 } else { 0 };
            it.digits_in_a_row = it.digits_in_a_row.max(row);
            let goes_on =
                before == Some(kind) || (before == Some(Kind::Upper) && kind == Kind::Lower);
            it.runs += usize::from(!goes_on);
            before = Some(kind);
        }
        it
    }

    /// A UUID without its dashes, or a ULID.
    fn is_id(&self, word: &str) -> bool {
        let dashless = self.chars == 32 && self.hex == 32 && self.digits > 0;
        let ulid = self.chars == 26
            && self.digits > 1
            && word.starts_with(|c| matches!(c, '0'..='7'))
            && word.bytes().all(|b| b.is_ascii_alphanumeric() && !b"ILOUilou".contains(&b));
        dashless || ulid
    }
}

/// Whether the word is an e-mail address in base64, wherever in a group of four it begins.
fn hides_email(word: &str, shape: &Shape) -> bool {
    // The encoding of an `@` always has a capital.
    if shape.chars < 8 || shape.upper == 0 || shape.chars != word.len() {
        return false;
    }
    (0..4).any(|from| {
        let mut at = false;
        let mut bits = 0_u32;
        let printable = word.bytes().skip(from).enumerate().all(|(nth, byte)| {
            let Some(sextet) = sextet(byte) else { return false };
            bits = bits << 6 | sextet;
            // The bits that are new, behind a whole number of bytes.
            let spare = [6, 4, 2, 0][nth % 4];
            if spare == 6 {
                return true;
            }
            let byte = (bits >> spare) & 0xff;
            at |= byte == u32::from(b'@');
            (0x21..0x7f).contains(&byte)
        });
        printable && at
    })
}

fn sextet(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        _ => return None,
    }))
}

fn is_hex(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// The end of a UUID that begins with `word`.
fn uuid_end(text: &str, word: &Range<usize>) -> Option<usize> {
    if word.len() != 8 || !is_hex(&text[word.clone()]) {
        return None;
    }
    let mut end = word.end;
    for chars in [4, 4, 4, 12] {
        let next = word_from(text, end)?;
        let joined = &text[end..next.start] == "-";
        if !joined || next.len() != chars || !is_hex(&text[next.clone()]) {
            return None;
        }
        end = next.end;
    }
    Some(end)
}

/// The end of an IPv6 or hardware address that begins with `word`: short hexadecimal words with
/// colons, six or more, or fewer around a double colon; or six pairs with dashes.
fn hex_address_end(text: &str, word: &Range<usize>) -> Option<usize> {
    let short = |it: &Range<usize>| it.len() <= 4 && is_hex(&text[it.clone()]);
    if !short(word) {
        return None;
    }
    let dashed = word.len() == 2 && text[word.end..].starts_with('-');
    let before = text[..word.start].strip_suffix("::");
    let mut double = before.is_some_and(|it| !it.ends_with(char::is_alphanumeric));
    let mut words = 1;
    let mut end = word.end;
    while let Some(next) = word_from(text, end) {
        let joiner = &text[end..next.start];
        let goes_on =
            if dashed { joiner == "-" && next.len() == 2 } else { matches!(joiner, ":" | "::") };
        if !goes_on || !short(&next) {
            break;
        }
        double |= joiner == "::";
        words += 1;
        end = next.end;
    }
    let after = text[end..].strip_prefix("::");
    double |= after.is_some_and(|it| !it.starts_with(|c: char| c.is_alphanumeric() || c == ':'));
    if words < 6 && !double {
        return None;
    }
    // The old address that some new ones end with.
    while let Some(next) = word_from(text, end) {
        let digits = text[next.clone()].bytes().all(|byte| byte.is_ascii_digit());
        if &text[end..next.start] != "." || !digits {
            break;
        }
        end = next.end;
    }
    Some(end)
}

/// Groups of digits with little between them: an IPv4 address, a phone number, a date.
struct Numbers<'a> {
    /// The group, whether it is a word of its own, and what stands before it.
    groups: Vec<(&'a str, bool, &'a str)>,
    end: usize,
}

impl<'a> Numbers<'a> {
    /// Those that begin with the digits at the end of `word`.
    fn at(text: &'a str, word: &Range<usize>) -> Self {
        let first = &text[word.clone()];
        let letters = first.trim_end_matches(char::is_numeric).len();
        let mut it = Self { groups: vec![(&first[letters..], letters == 0, "")], end: word.end };
        while let Some(next) = word_from(text, it.end) {
            let joiner = &text[it.end..next.start];
            let group = &text[next.clone()];
            if !is_joiner(joiner) || !group.chars().all(char::is_numeric) {
                break;
            }
            it.groups.push((group, true, joiner));
            it.end = next.end;
        }
        it
    }

    /// Four octets with dots, dashes or underscores.
    fn has_address(&self) -> bool {
        let is_octet = |digits: &str| digits.len() <= 3 && digits.parse::<u8>().is_ok();
        self.groups.windows(4).any(|it| {
            let joiner = it[1].2;
            matches!(joiner, "." | "-" | "_")
                && it[1..].iter().all(|(_, _, it)| *it == joiner)
                && it.iter().all(|(digits, _, _)| is_octet(digits))
        })
    }

    /// Whether they are more than dates and a few small numbers.
    fn are_too_many(&self) -> bool {
        let chars = |it: &str| it.chars().count();
        let total: usize = self.groups.iter().map(|(digits, _, _)| chars(digits)).sum();
        if self.groups.len() == 1 || total <= SPACED_DIGITS_MAX {
            return false;
        }
        let mut rest = 0;
        let mut groups = self.groups.iter().peekable();
        while let Some((digits, whole, _)) = groups.next() {
            let year =
                *whole && digits.len() == 4 && matches!(&digits.as_bytes()[..2], b"19" | b"20");
            if year {
                // Its month and day.
                for _ in 0..2 {
                    groups.next_if(|(digits, _, _)| digits.len() <= 2);
                }
            } else if chars(digits) > 2 {
                return true;
            } else {
                rest += chars(digits);
            }
        }
        rest > RUN_DIGITS_MAX
    }
}

/// Whether a number goes on behind it.
fn is_joiner(gap: &str) -> bool {
    let joins = |c: char| {
        c.is_whitespace()
            || matches!(c, '-' | '.' | '_' | '+' | '(' | ')' | '~' | '\u{2010}'..='\u{2015}')
    };
    gap.chars().count() <= 3 && gap.chars().all(joins)
}

/// Text whose e-mail addresses are `:email`, with all that is written onto them.
pub(super) fn without_emails(text: &str) -> Cow<'_, str> {
    if !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(ends_email) {
        let end = piece.strip_suffix(ends_email).map_or(piece.len(), str::len);
        let (run, stop) = piece.split_at(end);
        out.push_str(if is_email(run) { ":email" } else { run });
        out.push_str(stop);
    }
    Cow::Owned(out)
}

fn ends_email(c: char) -> bool {
    c.is_whitespace() || "/,:;<>()[]{}\"|&?#!\\".contains(c)
}

/// Something, an `@`, and something that is no version number (`react@18.2.0` is a package).
///
/// Looks at every character once: a run may be as long as a body, and all of it `@`.
fn is_email(run: &str) -> bool {
    let name = run.find(char::is_alphanumeric).unwrap_or(run.len());
    let Some(at) = run[name..].find('@') else { return false };
    let behind = &run[name + at..];
    let labels = behind[1..].split('.').filter(|it| !it.is_empty()).count();
    let begins = behind.chars().zip(behind.chars().skip(1));
    labels > 3
        || begins.into_iter().any(|(before, first)| {
            matches!(before, '@' | '.') && first != '.' && !first.is_ascii_digit()
        })
}
