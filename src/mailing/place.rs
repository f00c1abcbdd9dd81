//! What a link's href is.

use url::{ParseError, Url};

/// How fields begin that are filled in for each recipient (merge tags): `{{…}}`, `{%…%}`, `${…}`,
/// `{…}`, `[[…]]`, `[%…%]`, `*|…|*`, `<%…%>`. None may stand in a URL, so that its beginning is
/// enough: a quote inside may have ended the attribute.
const FIELDS: &[&str] = &["{", "[[", "[%", "*|", "<"];

/// Where an href leads.
pub(super) enum Place {
    /// To the web.
    Web(Url),
    /// To a place relative to a page that a mailing does not have.
    Relative,
    /// Nowhere: it is no URL.
    Broken,
    /// Into the mailing, to a program (`mailto:`, `tel:`), or to what a field will be filled with.
    Other,
}

impl Place {
    /// `href`: entities decoded.
    pub(super) fn of(href: &str) -> Self {
        if href.trim_start().starts_with('#') || has_field(href) {
            return Self::Other;
        }
        match Url::parse(href) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => Self::Web(url),
            Ok(_) => Self::Other,
            Err(ParseError::RelativeUrlWithoutBase) => Self::Relative,
            Err(_) => Self::Broken,
        }
    }

    /// The URL, if it leads to the web.
    pub(super) fn url(&self) -> Option<&Url> {
        match self {
            Self::Web(url) => Some(url),
            Self::Relative | Self::Broken | Self::Other => None,
        }
    }
}

/// Besides [`FIELDS`] there are `%%…%%` and `%…%`: somewhere in them a `%` encodes nothing.
fn has_field(href: &str) -> bool {
    let encodes = |rest: &str| rest.bytes().take(2).filter(u8::is_ascii_hexdigit).count() == 2;
    FIELDS.iter().any(|field| href.contains(field)) || !href.split('%').skip(1).all(encodes)
}
