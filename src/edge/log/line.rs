//! One line of a log, taken apart in place.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::net::IpAddr;

use memchr::memchr;

use super::time::Dates;
use crate::hit::Second;

/// How a server writes its lines.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogFormat {
    /// nginx's and Apache's `combined`: with referrer and agent.
    #[default]
    Combined,
    /// Apache's `common`: without.
    Common,
    /// Apache's `vhost_combined`: with the host and port in front.
    VhostCombined,
}

impl LogFormat {
    /// The format of a name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "combined" => Self::Combined,
            "common" => Self::Common,
            "vhost_combined" => Self::VhostCombined,
            _ => return None,
        })
    }
}

/// A line. Holds a client's text: no `Debug`, no `Clone`.
pub(super) struct Line<'a> {
    pub(super) text: &'a [u8],
    address: &'a [u8],
    pub(super) at: Second,
    pub(super) method: &'a [u8],
    pub(super) url: &'a [u8],
    pub(super) status: u16,
    pub(super) referrer: &'a [u8],
    pub(super) agent: &'a [u8],
}

impl<'a> Line<'a> {
    /// `ADDRESS IDENT USER [TIME] "METHOD URL PROTOCOL" STATUS BYTES "REFERRER" "AGENT"`; what
    /// stands behind that is not looked at.
    pub(super) fn parse(text: &'a [u8], format: LogFormat, dates: &mut Dates) -> Option<Self> {
        let mut rest = text;
        if format == LogFormat::VhostCombined {
            until(&mut rest, b' ')?;
        }
        let address = until(&mut rest, b' ')?;
        // A user's name may hold anything but a bracket in front of a date.
        until(&mut rest, b'[')?;
        let at = dates.parse(until(&mut rest, b']')?)?;
        let request = quoted(&mut rest)?;
        let (method, request) = request.split_at(memchr(b' ', request)?);
        let url = request[1..].split(|byte| *byte == b' ').next()?;
        rest = rest.strip_prefix(b" ")?;
        let status = number(until(&mut rest, b' ').unwrap_or(rest))?;
        let (mut referrer, mut agent) = (&b""[..], &b""[..]);
        if format != LogFormat::Common {
            // The bytes of the answer: digits, or a dash.
            rest = &rest[memchr(b' ', rest)?..];
            referrer = given(quoted(&mut rest)?);
            agent = given(quoted(&mut rest)?);
        }
        Some(Self { text, address, at, method, url, status, referrer, agent })
    }

    /// The client's address, if it is one: some servers write names.
    pub(super) fn address(&self) -> Option<IpAddr> {
        std::str::from_utf8(self.address).ok()?.parse().ok()
    }

    /// The URL's path.
    pub(super) fn path(&self) -> &'a [u8] {
        self.url.split(|byte| matches!(byte, b'?' | b'#')).next().unwrap_or_default()
    }
}

/// What stands before the next `end`, which goes too.
fn until<'a>(rest: &mut &'a [u8], end: u8) -> Option<&'a [u8]> {
    let at = memchr(end, rest)?;
    let found = &rest[..at];
    *rest = &rest[at + 1..];
    Some(found)
}

/// The text in quotes behind one space. A quote within it is written with a backslash by Apache,
/// as `\x22` by nginx.
fn quoted<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let text = rest.strip_prefix(b" \"")?;
    let mut end = memchr(b'"', text)?;
    while is_escaped(&text[..end]) {
        end += 1 + memchr(b'"', &text[end + 1..])?;
    }
    *rest = &text[end + 1..];
    Some(&text[..end])
}

fn is_escaped(before: &[u8]) -> bool {
    let backslashes = before.iter().rev().take_while(|byte| **byte == b'\\').count();
    backslashes % 2 == 1
}

/// A dash stands for nothing.
fn given(text: &[u8]) -> &[u8] {
    if text == b"-" { b"" } else { text }
}

fn number(digits: &[u8]) -> Option<u16> {
    let three = digits.len() == 3 && digits.iter().all(u8::is_ascii_digit);
    three.then(|| digits.iter().fold(0, |sum, digit| sum * 10 + u16::from(digit - b'0')))
}
