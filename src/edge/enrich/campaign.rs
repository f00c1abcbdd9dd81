//! The seven keys that are kept of a query.

use super::click::Click;
use super::{name, scrub};
use crate::hit::Text;
use crate::limits;

/// What a page's query says about where the visit comes from. Values are scrubbed, and have at
/// most `limits::CAMPAIGN_CHARS_MAX` characters.
#[derive(Default, PartialEq, Eq)]
#[expect(clippy::struct_field_names, reason = "utm_campaign is what it is called everywhere")]
pub(in crate::edge) struct Campaign {
    /// `utm_source`.
    pub utm_source: Text,
    /// `utm_medium`.
    pub utm_medium: Text,
    /// `utm_campaign`.
    pub utm_campaign: Text,
    /// `utm_content`.
    pub utm_content: Text,
    /// `utm_term`.
    pub utm_term: Text,
    /// `source`, else `ref`.
    pub tag: Text,
    /// Whose click id there was. The id itself is never read.
    pub click: Option<Click>,
}

impl Campaign {
    /// Reads the query of a URL, without its question mark. Of a key that comes twice, the first
    /// value that is not blank stands.
    pub(super) fn of_query(query: &str) -> Self {
        let mut it = Self::default();
        let mut referrer = Text::EMPTY;
        for pair in query.split('&').take(limits::QUERY_PARAMS_MAX) {
            let Some((key, value)) = pair.split_once('=') else { continue };
            let field = match key.to_ascii_lowercase().as_str() {
                "utm_source" => &mut it.utm_source,
                "utm_medium" => &mut it.utm_medium,
                "utm_campaign" => &mut it.utm_campaign,
                "utm_content" => &mut it.utm_content,
                "utm_term" => &mut it.utm_term,
                "source" => &mut it.tag,
                "ref" => &mut referrer,
                _ => {
                    let click = Click::of_key(key).filter(|_| !value.is_empty());
                    it.click = it.click.or(click);
                    continue;
                }
            };
            if field.is_empty() {
                let value = value.replace('+', " ");
                *field = name::scrubbed(&scrub::value(&value, limits::CAMPAIGN_CHARS_MAX));
            }
        }
        if it.tag.is_empty() {
            it.tag = referrer;
        }
        it
    }
}
