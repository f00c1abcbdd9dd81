//! Referrers that are made up to be looked at.

use std::sync::LazyLock;

use hashbrown::HashSet;

use super::host;

static DOMAINS: LazyLock<HashSet<&str>> = LazyLock::new(|| {
    include_str!("spam.txt").lines().filter(|line| !line.starts_with('#')).collect()
});

/// Whether a host, or a domain that it is under, is on the list.
pub(super) fn is_spam(host: &str) -> bool {
    host::parents(host).any(|domain| DOMAINS.contains(domain))
}
