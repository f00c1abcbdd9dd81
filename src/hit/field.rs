//! The types that a hit's fields may have. Each is closed, bounded or scrubbed.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use crate::limits;

/// A field type that carries nothing personal. Sealed: implemented in this folder only.
pub(super) trait Clean {}

/// A closed list of words, each with the code that stands for it in the spool.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident {
        $($(#[$vdoc:meta])* $variant:ident = $code:literal $label:literal,)*
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every one there is.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Its word, in rows, in headers and metrics.
            #[must_use]
            pub fn label(self) -> &'static str {
                match self { $(Self::$variant => $label,)* }
            }

            /// Its code in the spool: never changed, never used again.
            #[must_use]
            pub fn code(self) -> u8 {
                match self { $(Self::$variant => $code,)* }
            }

            /// What a code stands for.
            #[must_use]
            pub fn from_code(code: u8) -> Option<Self> {
                match code { $($code => Some(Self::$variant),)* _ => None }
            }
        }

        impl Clean for $name {}
    };
}

pub(super) use labels;

/// A measured domain, as the operator wrote it (lower case), or [`SiteName::unknown`].
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SiteName(Arc<str>);

/// Why a text is no site name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HitSiteError {
    /// Empty, or longer than a domain can be.
    #[error("a site's domain has 1 to 253 characters")]
    Length,
    /// A character that no domain has.
    #[error(
        "a site's domain holds letters, digits, dots, hyphens, and at most one path after a slash"
    )]
    Character,
}

impl SiteName {
    /// The name under which hits of no known site stand in the ledger.
    pub const UNKNOWN: &str = "(unknown)";

    /// A site name from an operator's text; upper case is folded, a leading `www.` stays.
    pub fn parse(text: &str) -> Result<Self, HitSiteError> {
        let text = text.trim().to_lowercase();
        if text.is_empty() || text.len() > limits::SITE_NAME_BYTES_MAX {
            return Err(HitSiteError::Length);
        }
        let ok = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':');
        if text.chars().all(ok) { Ok(Self(text.into())) } else { Err(HitSiteError::Character) }
    }

    /// The site of hits that name none that is measured here.
    #[must_use]
    pub fn unknown() -> Self {
        Self(Self::UNKNOWN.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A name that the codec or the store wrote earlier.
    pub(crate) fn from_stored(text: &str) -> Self {
        Self(text.into())
    }
}

impl Borrow<str> for SiteName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// 64 bits of a keyed hash: one device, on one site, on one day. Only in memory and in sealed
/// fields. It has no `Debug`, `Display` or `Serialize`, so that it cannot be printed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct VisitorId(u64);

impl VisitorId {
    /// The id from a keyed hash's first eight bytes. Called where a visitor key is at hand and by
    /// the spool's and checkpoint's sealed fields; clippy keeps it from anywhere else.
    #[must_use]
    pub fn from_raw(bits: u64) -> Self {
        Self(bits)
    }

    /// The bits, for the sealed fields of spool and checkpoint.
    #[must_use]
    pub fn to_raw(self) -> u64 {
        self.0
    }
}

/// The order of two texts. The same one in memory, as in most rows' keys, is not read.
fn order(one: &Arc<str>, other: &Arc<str>) -> Ordering {
    if Arc::ptr_eq(one, other) { Ordering::Equal } else { one.cmp(other) }
}

impl Ord for SiteName {
    fn cmp(&self, other: &Self) -> Ordering {
        order(&self.0, &other.0)
    }
}

impl PartialOrd for SiteName {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Text {
    fn cmp(&self, other: &Self) -> Ordering {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => order(one, other),
            (one, other) => one.is_some().cmp(&other.is_some()),
        }
    }
}

impl PartialOrd for Text {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Short text that was scrubbed: a path, a host, a campaign's name. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub struct Text(Option<Arc<str>>);

impl Text {
    /// No text.
    pub const EMPTY: Self = Self(None);

    /// Text that has been through `edge::scrub`, comes from one of the program's own tables, or
    /// was read back from where such text was kept. Clippy keeps this from any other place.
    #[must_use]
    pub fn from_scrubbed(text: &str) -> Self {
        if text.is_empty() { Self(None) } else { Self(Some(text.into())) }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_deref().unwrap_or("")
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// An ISO 4217 code, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Currency([u8; 3]);

/// Currencies whose minor unit is not a hundredth. Source: ISO 4217, list one, 2024.
const EXPONENTS: &[(u32, &[&str])] = &[
    (
        0,
        &[
            "BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI",
            "VND", "VUV", "XAF", "XOF", "XPF",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

impl Currency {
    /// No currency: the hit has no revenue.
    pub const NONE: Self = Self([0; 3]);

    /// Three ASCII letters, folded to upper case; anything else is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        bytes
            .iter()
            .all(u8::is_ascii_alphabetic)
            .then(|| Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// The code, or an empty text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        if self.0[0] == 0 { "" } else { std::str::from_utf8(&self.0).unwrap_or("") }
    }

    /// Decimals of an amount: its minor unit is `10^-decimals`.
    #[must_use]
    pub fn decimals(self) -> u32 {
        let code = self.as_str();
        let known = EXPONENTS.iter().find(|(_, codes)| codes.contains(&code));
        known.map_or(2, |(decimals, _)| *decimals)
    }
}

/// What an event brought in, in the currency's minor units (cents of a euro, whole yen).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Revenue {
    /// Minor units; may be negative (a refund). Within ± `limits::REVENUE_MINOR_MAX`.
    pub minor: i64,
    /// The currency; never [`Currency::NONE`].
    pub currency: Currency,
}

impl Clean for SiteName {}
impl Clean for VisitorId {}
impl Clean for Text {}
impl Clean for Currency {}
impl Clean for Revenue {}
impl Clean for bool {}
impl Clean for u8 {}
impl Clean for u16 {}
impl Clean for u32 {}
impl Clean for u64 {}
impl Clean for super::Second {}
impl Clean for super::Bucket {}
impl Clean for super::Day {}
impl<T: Clean> Clean for Option<T> {}
impl<T: Clean> Clean for Vec<T> {}
impl<T: Clean> Clean for Box<T> {}
impl<A: Clean, B: Clean> Clean for (A, B) {}
