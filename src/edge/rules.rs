//! What an operator lets a site count, and what not.

use super::network::Network;
use super::raw::RawClient;
use crate::hit::{DropReason, Text};

/// What is not counted for a site. By default everything is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SiteRules {
    /// Networks, such as an office's.
    pub block_addresses: Vec<Network>,
    /// ISO 3166 alpha-2 codes, in upper case.
    pub block_countries: Vec<String>,
    /// Pages, as they are stored.
    pub block_pages: Vec<Pattern>,
    /// Host names.
    pub block_hostnames: Vec<Pattern>,
    /// Where there are any: the only host names that are counted.
    pub allow_hostnames: Vec<Pattern>,
    /// Whether hits from data centres are left out.
    pub block_data_centres: bool,
}

impl SiteRules {
    /// Why a client's hits are not counted, as far as its address says.
    pub(super) fn of_client(&self, client: &RawClient<'_>) -> Option<DropReason> {
        let blocked = self.block_addresses.iter().any(|network| client.address.is_in(network));
        blocked.then_some(DropReason::BlockedAddress)
    }

    /// Why a page's hits are not counted.
    pub(super) fn of_page(&self, hostname: &Text, page: &Text) -> Option<DropReason> {
        let any = |patterns: &[Pattern], text: &Text| {
            patterns.iter().any(|pattern| pattern.matches(text.as_str()))
        };
        let allowed = self.allow_hostnames.is_empty() || any(&self.allow_hostnames, hostname);
        if !allowed || any(&self.block_hostnames, hostname) {
            return Some(DropReason::BlockedHostname);
        }
        any(&self.block_pages, page).then_some(DropReason::BlockedPage)
    }

    /// Why hits from a country are not counted.
    pub(super) fn of_country(&self, country: &Text) -> Option<DropReason> {
        let blocked = self.block_countries.iter().any(|code| code == country.as_str());
        blocked.then_some(DropReason::BlockedCountry)
    }
}

/// A text in which `*` stands for anything, such as `/admin/*` or `*.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

/// Stars of a pattern: each may cost another look at the whole text.
const STARS_MAX: usize = 8;

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no pattern: one is /admin/*, another *.example.com; at most 8 stars")]
pub struct BadPattern;

impl Pattern {
    /// A pattern from its text.
    pub fn parse(text: &str) -> Result<Self, BadPattern> {
        let text = text.trim().replace("**", "*");
        let valid = !text.is_empty() && text.matches('*').count() <= STARS_MAX;
        valid.then_some(Self(text)).ok_or(BadPattern)
    }

    pub(super) fn matches(&self, text: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else { return self.0 == text };
        let Some(mut text) = text.strip_prefix(start) else { return false };
        let (middle, end) = rest.rsplit_once('*').unwrap_or(("", rest));
        for part in middle.split('*').filter(|part| !part.is_empty()) {
            let Some(at) = text.find(part) else { return false };
            text = &text[at + part.len()..];
        }
        text.ends_with(end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        let pattern = Pattern::parse(pattern).expect("a pattern");
        assert_eq!(pattern.matches(text), expected, "{pattern:?} {text}");
    }

    #[test]
    fn a_star_stands_for_anything() {
        check("/admin", "/admin", true);
        check("/admin", "/admin/", false);
        check("/admin/*", "/admin/", true);
        check("/admin/*", "/admin/a/b", true);
        check("/admin/**", "/admin/a/b", true);
        check("/admin/*", "/admin", false);
        check("*.example.com", "www.example.com", true);
        check("*.example.com", "example.com", false);
        check("*", "", true);
        check("/*/edit", "/a/b/edit", true);
        check("/*/edit", "/edit", false);
        check("/a*a", "/a", false);
        check("/a*b*c", "/a1b2c", true);
        check("/a*b*c", "/a1c2b", false);
        check("*b*b", "ab", false);
    }

    #[test]
    fn what_is_no_pattern_is_said_to_be_none() {
        assert!(Pattern::parse(" ").is_err());
        assert!(Pattern::parse(&"*a".repeat(9)).is_err());
    }
}
