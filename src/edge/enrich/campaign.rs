//! The seven keys that are kept of a query, and the networks behind click ids.

use super::{name, scrub};
use crate::hit::Text;
use crate::limits;

/// What a page's query says about where the visit comes from. Values are scrubbed, and have at
/// most `limits::CAMPAIGN_CHARS_MAX` characters.
#[derive(Default)]
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
    pub click: Option<ClickNetwork>,
}

/// An advertising network that marks its clicks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) enum ClickNetwork {
    Bing,
    Facebook,
    Google,
    Instagram,
    LinkedIn,
    Pinterest,
    Quora,
    Reddit,
    Snapchat,
    TikTok,
    X,
    Yandex,
}

/// The parameter that a network's click id comes in.
const CLICK_KEYS: &[(&str, ClickNetwork)] = &[
    ("dclid", ClickNetwork::Google),
    ("epik", ClickNetwork::Pinterest),
    ("fbclid", ClickNetwork::Facebook),
    ("gbraid", ClickNetwork::Google),
    ("gclid", ClickNetwork::Google),
    ("igsh", ClickNetwork::Instagram),
    ("igshid", ClickNetwork::Instagram),
    ("li_fat_id", ClickNetwork::LinkedIn),
    ("msclkid", ClickNetwork::Bing),
    ("qclid", ClickNetwork::Quora),
    ("rdt_cid", ClickNetwork::Reddit),
    ("sccid", ClickNetwork::Snapchat),
    ("ttclid", ClickNetwork::TikTok),
    ("twclid", ClickNetwork::X),
    ("wbraid", ClickNetwork::Google),
    ("yclid", ClickNetwork::Yandex),
];

impl ClickNetwork {
    /// The source's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Bing => "Bing",
            Self::Facebook => "Facebook",
            Self::Google => "Google",
            Self::Instagram => "Instagram",
            Self::LinkedIn => "LinkedIn",
            Self::Pinterest => "Pinterest",
            Self::Quora => "Quora",
            Self::Reddit => "Reddit",
            Self::Snapchat => "Snapchat",
            Self::TikTok => "TikTok",
            Self::X => "X",
            Self::Yandex => "Yandex",
        }
    }

    fn of_key(key: &str) -> Option<Self> {
        let found = CLICK_KEYS.iter().find(|(it, _)| it.eq_ignore_ascii_case(key));
        found.map(|(_, network)| *network)
    }
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
                    let network = ClickNetwork::of_key(key).filter(|_| !value.is_empty());
                    it.click = it.click.or(network);
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
