//! What a request's head tells of its client, gathered in one walk over its headers.

#![expect(clippy::disallowed_types, reason = "src/edge is where headers are")]

use std::borrow::Cow;

use hyper::HeaderMap;
use hyper::header::{self, HeaderName};

use super::opt_out;
use super::raw::{RawHints, RawText, Wishes};

const SEC_GPC: HeaderName = HeaderName::from_static("sec-gpc");
const SEC_CH_UA: HeaderName = HeaderName::from_static("sec-ch-ua");
const SEC_CH_UA_MOBILE: HeaderName = HeaderName::from_static("sec-ch-ua-mobile");
const SEC_CH_UA_PLATFORM: HeaderName = HeaderName::from_static("sec-ch-ua-platform");
const SEC_CH_UA_PLATFORM_VERSION: HeaderName =
    HeaderName::from_static("sec-ch-ua-platform-version");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
const X_MOZ: HeaderName = HeaderName::from_static("x-moz");

/// The texts of headers, each the first of its name; what is not UTF-8 in them is replaced.
#[derive(Default)]
pub(super) struct Head<'a> {
    agent: Cow<'a, str>,
    language: Cow<'a, str>,
    brands: Cow<'a, str>,
    mobile: Cow<'a, str>,
    platform: Cow<'a, str>,
    platform_version: Cow<'a, str>,
    opted_out: bool,
    no_tracking: bool,
    prefetch: bool,
}

impl<'a> Head<'a> {
    pub(super) fn of(headers: &'a HeaderMap) -> Self {
        let mut head = Self::default();
        for (name, value) in headers {
            let value = value.as_bytes();
            let text = match name {
                it if *it == header::USER_AGENT => &mut head.agent,
                it if *it == header::ACCEPT_LANGUAGE => &mut head.language,
                it if *it == header::COOKIE => {
                    head.opted_out |= opt_out::is_in(value);
                    continue;
                }
                it if *it == header::DNT || *it == SEC_GPC => {
                    head.no_tracking |= value.trim_ascii() == b"1";
                    continue;
                }
                it if *it == SEC_CH_UA => &mut head.brands,
                it if *it == SEC_CH_UA_MOBILE => &mut head.mobile,
                it if *it == SEC_CH_UA_PLATFORM => &mut head.platform,
                it if *it == SEC_CH_UA_PLATFORM_VERSION => &mut head.platform_version,
                it if [SEC_PURPOSE, PURPOSE, X_PURPOSE, X_MOZ].contains(it) => {
                    head.prefetch |= is_prefetch(value);
                    continue;
                }
                _ => continue,
            };
            if text.is_empty() {
                *text = lossy(value);
            }
        }
        head
    }

    pub(super) fn agent(&self) -> RawText<'_> {
        RawText::new(&self.agent)
    }

    pub(super) fn language(&self) -> RawText<'_> {
        RawText::new(&self.language)
    }

    pub(super) fn hints(&self) -> RawHints<'_> {
        RawHints {
            brands: RawText::new(&self.brands),
            mobile: RawText::new(&self.mobile),
            platform: RawText::new(&self.platform),
            platform_version: RawText::new(&self.platform_version),
        }
    }

    pub(super) fn wishes(&self) -> Wishes {
        Wishes { opted_out: self.opted_out, no_tracking: self.no_tracking }
    }

    /// Whether nobody has asked to see the page yet, as the browser says.
    pub(super) fn is_prefetch(&self) -> bool {
        self.prefetch
    }
}

/// A header's text.
pub(super) fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Cow<'a, str> {
    headers.get(name).map_or(Cow::Borrowed(""), |value| lossy(value.as_bytes()))
}

/// Nearly all are UTF-8, and that is checked faster than it is mended.
fn lossy(bytes: &[u8]) -> Cow<'_, str> {
    str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed)
}

fn is_prefetch(value: &[u8]) -> bool {
    let value = value.trim_ascii();
    let begins =
        |word: &[u8]| value.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    begins(b"prefetch") || begins(b"prerender") || value.eq_ignore_ascii_case(b"preview")
}
