//! Click ids: what a network writes onto the address of a page when somebody clicks there.
//!
//! The id is never read. That it is there says whose it is and, for most, that the click was paid
//! for.

/// A click that a network marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::edge) struct Click {
    /// The source's name.
    pub(super) network: &'static str,
    pub(super) kind: ClickKind,
}

/// What a click id says besides its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClickKind {
    /// An advertisement was clicked.
    Ad,
    /// An advertisement on another site than the network's was clicked.
    Display,
    /// A partner is paid by the sale.
    Affiliate,
    /// Nothing: the network marks every link, or those that are shared.
    Any,
}

/// The parameters that click ids come in, as the networks document them.
const KEYS: &[(&str, &str, ClickKind)] = &[
    ("awc", "Awin", ClickKind::Affiliate),
    ("bd_vid", "Baidu", ClickKind::Ad),
    ("cjevent", "CJ", ClickKind::Affiliate),
    ("dclid", "Google", ClickKind::Display),
    ("dicbo", "Outbrain", ClickKind::Ad),
    ("epik", "Pinterest", ClickKind::Ad),
    ("fbclid", "Facebook", ClickKind::Any),
    ("gad_source", "Google", ClickKind::Ad),
    ("gbraid", "Google", ClickKind::Ad),
    ("gclid", "Google", ClickKind::Ad),
    ("igsh", "Instagram", ClickKind::Any),
    ("igshid", "Instagram", ClickKind::Any),
    ("irclickid", "Impact", ClickKind::Affiliate),
    ("li_fat_id", "LinkedIn", ClickKind::Ad),
    ("msclkid", "Bing", ClickKind::Ad),
    ("ndclid", "Nextdoor", ClickKind::Ad),
    ("qclid", "Quora", ClickKind::Ad),
    ("rdt_cid", "Reddit", ClickKind::Ad),
    ("sccid", "Snapchat", ClickKind::Ad),
    ("srsltid", "Google", ClickKind::Any),
    ("sscid", "ShareASale", ClickKind::Affiliate),
    ("tblci", "Taboola", ClickKind::Ad),
    ("ttclid", "TikTok", ClickKind::Ad),
    ("twclid", "X", ClickKind::Ad),
    ("wbraid", "Google", ClickKind::Ad),
    ("yclid", "Yandex", ClickKind::Ad),
    ("ysclid", "Yandex", ClickKind::Any),
];

impl Click {
    /// The click whose id comes in a parameter of this name, in whatever case.
    pub(super) fn of_key(key: &str) -> Option<Self> {
        let (_, network, kind) = KEYS.iter().find(|(it, _, _)| it.eq_ignore_ascii_case(key))?;
        Some(Self { network, kind: *kind })
    }
}
