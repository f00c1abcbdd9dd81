//! The URLs of a mailing. All of it is in the path, in lower case letters, digits and dots: mail
//! programs fold case, strip queries and cut trailing signs off.
//!
//! ```text
//! pixel   /e/o/{mailing}.{mac}.gif            /e/o/{mailing}.{mac}/{token}.gif
//! link    /e/c/{mailing}.{number}.{mac}       /e/c/{mailing}.{number}.{mac}/{token}
//! share   /e/s/…                              as a link
//! stop    /e/x/{mailing}/{token}
//! ```

use crate::hit::MailingId;
use crate::keys::LinkMac;

/// What a path says. None of it is believed yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Path<'a> {
    Pixel { mailing: MailingId, mac: &'a str, token: &'a str },
    Link { mailing: MailingId, number: u16, mac: &'a str, token: &'a str, share: bool },
    Stop { mailing: MailingId, token: &'a str },
}

impl<'a> Path<'a> {
    pub(super) fn parse(path: &'a str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix(super::ROOT)?.split_once('/')?;
        let (first, token) = rest.split_once('/').unwrap_or((rest, ""));
        match kind {
            "o" => {
                let (first, token) = match token {
                    "" => (first.strip_suffix(".gif")?, ""),
                    token => (first, token.strip_suffix(".gif")?),
                };
                let (mailing, mac) = first.split_once('.')?;
                Some(Self::Pixel { mailing: MailingId::parse(mailing)?, mac, token })
            }
            "c" | "s" => {
                let (mailing, rest) = first.split_once('.')?;
                let (number, mac) = rest.split_once('.')?;
                let number = number_of(number)?;
                let (mailing, share) = (MailingId::parse(mailing)?, kind == "s");
                Some(Self::Link { mailing, number, mac, token, share })
            }
            "x" => Some(Self::Stop { mailing: MailingId::parse(first)?, token }),
            _ => None,
        }
    }

    pub(super) fn mailing(&self) -> MailingId {
        match self {
            Self::Pixel { mailing, .. }
            | Self::Link { mailing, .. }
            | Self::Stop { mailing, .. } => *mailing,
        }
    }

    pub(super) fn token(&self) -> &'a str {
        match self {
            Self::Pixel { token, .. } | Self::Link { token, .. } | Self::Stop { token, .. } => {
                token
            }
        }
    }
}

/// A link's number, written in one way.
fn number_of(text: &str) -> Option<u16> {
    let number: u16 = text.parse().ok()?;
    (number > 0 && !text.starts_with(['0', '+'])).then_some(number)
}

/// Whether a token is what a sender's mail merge should have put one for: a field such as
/// `{{token}}`, as it stands or percent-encoded.
pub(super) fn is_unmerged(token: &str) -> bool {
    let marks = ["{", "%7b", "%7B", "*|", "*%7C", "*%7c", "%%", "%25%25", "[[", "%5B%5B", "%5b%5b"];
    marks.iter().any(|mark| token.starts_with(mark))
        || token.starts_with('<')
        || token.starts_with("%3C")
}

/// Makes the URLs of one mailing.
#[derive(Clone, Debug)]
pub struct MailingUrls<'a> {
    /// What they begin with, without a slash at the end.
    pub base: &'a str,
    /// The mailing.
    pub mailing: MailingId,
    /// What stands for a recipient's token: a merge field, or a token. Empty: none.
    pub token: &'a str,
}

impl MailingUrls<'_> {
    /// The pixel's.
    #[must_use]
    pub fn pixel(&self, mac: LinkMac) -> String {
        let Self { base, mailing, token } = self;
        let mac = mac.text();
        let slash = if token.is_empty() { "" } else { "/" };
        format!("{base}/e/o/{mailing}.{mac}{slash}{token}.gif")
    }

    /// A link's; `share`: it is for passing the mail on.
    #[must_use]
    pub fn link(&self, number: u16, mac: LinkMac, share: bool) -> String {
        let Self { base, mailing, token } = self;
        let (kind, mac) = (if share { 's' } else { 'c' }, mac.text());
        let slash = if token.is_empty() { "" } else { "/" };
        format!("{base}/e/{kind}/{mailing}.{number}.{mac}{slash}{token}")
    }

    /// The page on which a recipient withdraws; none without a token.
    #[must_use]
    pub fn stop(&self) -> Option<String> {
        let Self { base, mailing, token } = self;
        (!token.is_empty()).then(|| format!("{base}/e/x/{mailing}/{token}"))
    }
}
