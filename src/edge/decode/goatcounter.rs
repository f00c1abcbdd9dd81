//! GoatCounter's dialect: everything in the query of `/count`.
//!
//! It says the page's path and not its host: that is the host of the page that sent it.

use std::borrow::Cow;

use super::params::Params;
use super::{Besides, Kind, Malformed, Naming, Said};

/// From here on the client's own sign is that of a driven browser; below, it is GoatCounter's
/// server's, which no client may send.
const DRIVEN_FROM: u32 = 150;

/// The query; `page` is the page that sent it, as far as the browser says.
pub(in crate::edge) fn count<'a>(
    query: &'a str,
    page: Option<&str>,
) -> Result<Said<'a>, Malformed> {
    let wrong = |field, why| Err(Malformed { field, why });
    let mut params = Params::of(&[query]);
    let path = params.take("p");
    if path.trim().is_empty() {
        return wrong("p", "must be the page's path, or the event's name");
    }
    let automated = match params.get("b") {
        "" | "0" => false,
        sign => match sign.parse::<u32>() {
            Ok(sign) if sign >= DRIVEN_FROM => true,
            _ => return wrong("b", "must be 0, or 150 and above for a driven browser"),
        },
    };
    let origin = page.and_then(origin).unwrap_or_default();
    let is_event = matches!(params.get("e"), "true" | "1");
    let (kind, url) = if is_event {
        let kind = Kind::Event { name: path, interactive: true, props: Vec::new(), revenue: None };
        (kind, Cow::Owned(page.unwrap_or_default().to_owned()))
    } else if path.contains("://") {
        (Kind::Pageview, path)
    } else {
        let slash = if path.starts_with('/') { "" } else { "/" };
        let query = params.take("q");
        let mark = if query.is_empty() || query.starts_with('?') { "" } else { "?" };
        let joined = if path.contains('?') { String::new() } else { format!("{mark}{query}") };
        (Kind::Pageview, Cow::Owned(format!("{origin}{slash}{path}{joined}")))
    };
    let besides = Besides { automated, ..Besides::default() };
    let naming = Naming::Domains(Cow::Borrowed(""));
    Said { naming, kind, url, referrer: params.take("r"), device: Cow::Borrowed(""), besides }
        .checked()
}

/// Scheme and host of an address.
fn origin(url: &str) -> Option<&str> {
    let host = url.find("://")? + 3;
    let end = url[host..].find(['/', '?', '#']).map_or(url.len(), |at| host + at);
    Some(&url[..end])
}
