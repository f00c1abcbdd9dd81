//! A page's URL: host, path and campaign.

use std::cell::RefCell;

use super::campaign::Campaign;
use super::recent::Recent;
use super::{host, name, scrub};
use crate::hit::Text;

/// What is kept of a page's URL.
pub(in crate::edge) struct PageUrl {
    /// The host, without port; `:address` in place of an address.
    pub hostname: Text,
    /// The path, scrubbed; no query, no fragment.
    pub page: Text,
    /// What its query says about where the visit comes from.
    pub campaign: Campaign,
}

/// Pages that a thread remembers, at about 150 bytes each.
const RECENT_MAX: usize = 4096;

thread_local! {
    /// By the host and path that was sent: the host's and the page's names.
    static RECENT: RefCell<Recent<Option<(Text, Text)>>> = RefCell::new(Recent::new(RECENT_MAX));
}

/// `url`: an absolute http(s) URL, or a path (then the host is `fallback_host`). None: neither.
pub(in crate::edge) fn page_url(url: &str, fallback_host: &str) -> Option<PageUrl> {
    let url = url.trim();
    let url = url.split('#').next().unwrap_or_default();
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let told = (place, if place.starts_with('/') { fallback_host } else { "" });
    let (hostname, page) =
        RECENT.with_borrow_mut(|recent| recent.get(told, || names(place, fallback_host)))?;
    let campaign = if query.is_empty() { Campaign::default() } else { Campaign::of_query(query) };
    Some(PageUrl { hostname, page, campaign })
}

/// The names of the host and the page.
fn names(place: &str, fallback_host: &str) -> Option<(Text, Text)> {
    let (authority, path) = if let Some(url) = host::split_url(place) {
        (url.authority, url.path)
    } else if place.starts_with('/') {
        (fallback_host, place)
    } else {
        return None;
    };
    let hostname = host::host(authority)?;
    Some((name::scrubbed(&hostname), name::scrubbed(&scrub::path(path))))
}
