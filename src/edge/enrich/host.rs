//! Hosts: the one of a page, and the one of a referrer.

#![expect(clippy::disallowed_types, reason = "an address in place of a host is looked for here")]

use std::net::Ipv6Addr;

use super::detect::Placeholder;
use super::scrub;
use crate::limits;

/// An absolute http(s) URL, split and otherwise as it was.
pub(super) struct SplitUrl<'a> {
    pub scheme: &'static str,
    pub authority: &'a str,
    /// With its query and fragment; empty: the root.
    pub path: &'a str,
}

/// Splits an absolute http(s) URL; None for anything else.
pub(super) fn split_url(url: &str) -> Option<SplitUrl<'_>> {
    let (scheme, rest) = match strip_scheme(url, "https://") {
        Some(rest) => ("https", rest),
        None => ("http", strip_scheme(url, "http://")?),
    };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    Some(SplitUrl { scheme, authority, path })
}

/// What follows `scheme` (which ends in `://`), in whatever case it is written.
pub(super) fn strip_scheme<'a>(url: &'a str, scheme: &str) -> Option<&'a str> {
    let start = url.get(..scheme.len())?;
    start.eq_ignore_ascii_case(scheme).then(|| &url[scheme.len()..])
}

/// The host of an authority: without user and port, in lower case, an address as `:address`,
/// made-up labels scrubbed. None: no host.
pub(super) fn host(authority: &str) -> Option<String> {
    let host = authority.rsplit('@').next().unwrap_or_default();
    if let Some(bracketed) = host.strip_prefix('[') {
        let address = bracketed.split([']', '%']).next().unwrap_or_default();
        return address.parse::<Ipv6Addr>().ok().map(|_| ":address".into());
    }
    let digits = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    let host = match host.rsplit_once(':') {
        Some((host, port)) if digits(port) => host,
        _ => host,
    };
    let host = host.trim_end_matches('.').to_lowercase();
    let fits = !host.is_empty() && host.len() <= limits::SITE_NAME_BYTES_MAX;
    if !fits || host.starts_with('.') || host.contains("..") || !is_host(&host) {
        return None;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    // As browsers have it: a host that ends in a number is an IPv4 address.
    let number = digits(last)
        || last.strip_prefix("0x").is_some_and(|it| it.bytes().all(|b| b.is_ascii_hexdigit()));
    if number {
        return Some(":address".into());
    }
    Some(without_made_up_labels(host))
}

/// A registered name is public; what stands in front of it may be made for one person.
fn without_made_up_labels(host: String) -> String {
    let Some((at, _)) = host.rmatch_indices('.').nth(1) else { return host };
    let (labels, registered) = host.split_at(at);
    let labels = scrub::words(labels, limits::SITE_NAME_BYTES_MAX - registered.len());
    if labels.is_empty() { registered[1..].into() } else { labels + registered }
}

/// Letters, digits, `-`, `_`, dots, and placeholders where it was scrubbed before.
fn is_host(host: &str) -> bool {
    let mut parts = host.split(':');
    let first = parts.next().unwrap_or_default();
    first.chars().all(is_host_char)
        && parts.all(|part| {
            let word = part.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(part.len());
            let (word, rest) = part.split_at(word);
            Placeholder::is_name(word) && rest.chars().all(is_host_char)
        })
}

fn is_host_char(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '-' | '_' | '.')
}

/// A host without its `www.`.
pub(super) fn without_www(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}

/// The host, and every domain that it is under, down to a name with one dot.
pub(super) fn parents(host: &str) -> impl Iterator<Item = &str> {
    let all = std::iter::successors(Some(host), |host| Some(host.split_once('.')?.1));
    all.filter(|it| it.contains('.'))
}
