//! What happens to a mailing, de-identified.

use std::fmt;
use std::sync::LazyLock;

use data_encoding::{Encoding, Specification};

use super::field::{Clean, labels};
use super::{Second, SiteName, Text, VisitorId};
use crate::keys::KeyId;

/// Lower case letters and digits that survive whatever a mail program does to a URL. Strict: a text
/// has one value, and a value one text.
pub(crate) static BASE32: LazyLock<Encoding> = LazyLock::new(|| {
    let mut specification = Specification::new();
    specification.symbols.push_str("abcdefghijklmnopqrstuvwxyz234567");
    specification.encoding().expect("32 symbols, each once")
});

/// Names a mailing: 40 random bits, as eight letters and digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailingId([u8; 8]);

impl MailingId {
    /// The id of some random bits.
    #[must_use]
    pub fn from_bits(bits: [u8; 5]) -> Self {
        let mut text = [0; 8];
        BASE32.encode_mut(&bits, &mut text);
        Self(text)
    }

    /// The id that a text is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = text.as_bytes().try_into().ok()?;
        (BASE32.decode_len(text.len()) == Ok(5) && BASE32.decode(text.as_bytes()).is_ok())
            .then_some(Self(id))
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("")
    }

    pub(super) fn bytes(self) -> [u8; 8] {
        self.0
    }
}

impl fmt::Display for MailingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for MailingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A mail was opened, a link in it followed, or its recipient wants to be counted no more.
#[derive(Clone, PartialEq)]
pub struct MailHit {
    /// The site that the mailing belongs to.
    pub site: SiteName,
    /// When it was received.
    pub at: Second,
    /// The mailing.
    pub mailing: MailingId,
    /// The link's number in the mailing; 0 where no link was followed.
    pub link: u16,
    /// What was done.
    pub action: MailAction,
    /// By whom or what, as far as the request alone tells.
    pub class: MailClass,
    /// The mail program or proxy, from a closed list, or the browser.
    pub client: Text,
    /// The system's family; blank behind a proxy.
    pub system: Text,
    /// ISO 3166 alpha-2; blank behind a proxy.
    pub country: Text,
    /// The device on this day, under the key of the site's day: tells a burst from many readers.
    /// None: it asked not to be told apart, or its key has died.
    pub sender: Option<(KeyId, VisitorId)>,
    /// Whose mail it was, in a mailing with tokens. None: the URL carries none, whoever opened it
    /// asked not to be told apart, or the mailing's key is destroyed.
    pub recipient: Option<Recipient>,
}

/// One recipient of one mailing with tokens, under that mailing's key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Recipient {
    /// The mailing's key.
    pub key: KeyId,
    /// Which recipient.
    pub id: VisitorId,
    /// In which network, told apart for this recipient alone.
    pub network: VisitorId,
}

labels! {
    /// What was done with a mail.
    MailAction {
        /// Its pixel was fetched.
        Open = 1 "open",
        /// A link was followed.
        Click = 2 "click",
        /// A link that the mailing offers for passing it on was followed.
        Forward = 3 "forward",
        /// The recipient withdraws: what it did is taken back, and it is counted no more.
        Withdrawal = 4 "withdrawal",
    }
}

labels! {
    /// Who or what did it.
    MailClass {
        /// A person's own device.
        Human = 1 "human",
        /// A provider's proxy, for a person who opened the mail: Gmail, Yahoo.
        Proxied = 2 "proxied",
        /// A proxy that fetches whether the mail is read or not: Apple's.
        PrivacyProxy = 3 "privacy_proxy",
        /// Fetched ahead of anybody's asking.
        Prefetch = 4 "prefetch",
        /// A filter that looks for harm, or another program.
        Scanner = 5 "scanner",
    }
}

impl MailClass {
    /// Whether a person is behind it.
    #[must_use]
    pub fn is_person(self) -> bool {
        matches!(self, Self::Human | Self::Proxied)
    }
}

impl Clean for MailingId {}

/// Does not compile when a field is added that is not listed here or whose type is not `Clean`.
#[expect(dead_code, reason = "its body is a check that the compiler makes")]
fn every_field_is_clean(hit: &MailHit) {
    fn clean<T: Clean>(_: &T) {}
    let MailHit { site, at, mailing, link, action, class, client, system, country, .. } = hit;
    let MailHit { sender, recipient, .. } = hit;
    clean(site);
    clean(at);
    clean(mailing);
    clean(link);
    clean(action);
    clean(class);
    clean(client);
    clean(system);
    clean(country);
    if let Some((_, id)) = sender {
        clean(id);
    }
    if let Some(Recipient { key: _, id, network }) = recipient {
        clean(id);
        clean(network);
    }
}
