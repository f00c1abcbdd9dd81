//! The host that an anchor's text shows: filters compare it with the one that the link leads to.

use url::Url;

/// Whether `text` shows a URL or a host, and not of the host of `url`.
///
/// Shown are words that begin with `http://`, `https://` or `www.`, and a text that is nothing but
/// a host and perhaps a path. `www.` in front makes no difference. `Node.js` is taken for a host,
/// as filters take it.
pub(super) fn shows_other_host(text: &str, url: &Url) -> bool {
    let host = url.host_str().map(without_www);
    let only = text.split_whitespace().nth(1).is_none();
    let mut hosts = text.split_whitespace().filter_map(|word| host_of(word, only));
    hosts.any(|shown| Some(without_www(&shown)) != host)
}

/// The host of a word; `only`: there is no other.
fn host_of(word: &str, only: bool) -> Option<String> {
    let word = word.trim_matches(|c: char| !c.is_alphanumeric() && c != '/');
    let lower = word.to_lowercase();
    let url = if lower.starts_with("http://") || lower.starts_with("https://") {
        Url::parse(word)
    } else if lower.starts_with("www.") || (only && is_host_and_path(&lower)) {
        Url::parse(&format!("https://{word}"))
    } else {
        return None;
    };
    url.ok()?.host_str().map(str::to_owned)
}

fn is_host_and_path(word: &str) -> bool {
    let host = word.split(['/', '?', '#']).next().unwrap_or_default();
    let end = host.rsplit_once('.').filter(|(name, _)| !name.is_empty()).map(|(_, end)| end);
    !word.contains('@') && end.is_some_and(|it| it.len() > 1 && it.chars().all(char::is_alphabetic))
}

fn without_www(host: &str) -> &str {
    host.strip_prefix("www.").unwrap_or(host)
}
