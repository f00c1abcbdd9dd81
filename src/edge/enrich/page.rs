//! A page's URL: host, path and campaign.

use super::campaign::Campaign;
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

/// `url`: an absolute http(s) URL, or a path (then the host is `fallback_host`). None: neither.
pub(in crate::edge) fn page_url(url: &str, fallback_host: &str) -> Option<PageUrl> {
    let url = url.trim();
    let (authority, path) = if let Some(url) = host::split_url(url) {
        (url.authority, url.path)
    } else if url.starts_with('/') {
        (fallback_host, url)
    } else {
        return None;
    };
    let hostname = host::host(authority)?;
    let path = path.split('#').next().unwrap_or_default();
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    Some(PageUrl {
        hostname: name::scrubbed(&hostname),
        page: name::scrubbed(&scrub::path(path)),
        campaign: Campaign::of_query(query),
    })
}
