//! The mailings that there are. Replaced as a whole when one changes; looked up without a lock.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use hyper::header::HeaderValue;
use url::{Host, Url};

use super::path::Path;
use crate::hit::{DropReason, MailAction, MailingId, Second, SiteName};
use crate::keys::{LinkKey, LinkMac, MailingKey};

/// A mailing, as it was made.
pub struct MailingConfig {
    /// Its id.
    pub id: MailingId,
    /// The site that it belongs to.
    pub site: SiteName,
    /// What makes its URLs.
    pub link_key: LinkKey,
    /// Its links.
    pub links: Vec<MailingLink>,
    /// Hosts that they may lead to: `example.com`, or `*.example.com` for all below it.
    pub hosts: Vec<String>,
    /// When it was first sent.
    pub sent: Option<Second>,
    /// Until when it is counted.
    pub counts_until: Second,
    /// Until when its links lead somewhere.
    pub links_until: Second,
    /// Whether its recipients have tokens.
    pub tokens: MailingTokens,
}

/// Whether a mailing's recipients are told apart.
#[derive(Clone)]
pub enum MailingTokens {
    /// All get the same links.
    None,
    /// By tokens of this key.
    Alive(Arc<MailingKey>),
    /// They were, by a key that is destroyed.
    Destroyed,
}

/// One link of a mailing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailingLink {
    /// Its number, from 1.
    pub number: u16,
    /// Where it leads.
    pub destination: String,
    /// Whether it is for passing the mail on.
    pub share: bool,
}

/// All of them.
#[derive(Default)]
pub(in crate::edge) struct Mailings(ArcSwap<HashMap<MailingId, Arc<Mailing>>>);

pub(super) struct Mailing {
    pub(super) id: MailingId,
    pub(super) site: SiteName,
    pub(super) sent: Option<Second>,
    pub(super) counts_until: Second,
    pub(super) tokens: MailingTokens,
    pixel: LinkMac,
    links: HashMap<u16, Arc<Link>>,
    hosts: Vec<String>,
    links_until: Second,
}

pub(super) struct Link {
    pub(super) number: u16,
    pub(super) location: HeaderValue,
    mac: LinkMac,
    host: String,
    share: bool,
}

/// What a path was found to be.
pub(super) struct Found {
    pub(super) mailing: Arc<Mailing>,
    /// The link that it is of.
    pub(super) link: Option<Arc<Link>>,
    pub(super) token: String,
}

/// Why a path leads nowhere, and the site of its mailing, where that is known.
pub(super) struct Refused {
    pub(super) site: Option<SiteName>,
    pub(super) reason: DropReason,
}

impl Refused {
    pub(super) fn unknown() -> Self {
        Self { site: None, reason: DropReason::UnknownMailing }
    }
}

impl Found {
    /// It is not followed, for that reason.
    pub(super) fn refused(&self, reason: DropReason) -> Refused {
        Refused { site: Some(self.mailing.site.clone()), reason }
    }

    /// What was done.
    pub(super) fn action(&self) -> MailAction {
        match &self.link {
            None => MailAction::Open,
            Some(link) if link.share => MailAction::Forward,
            Some(_) => MailAction::Click,
        }
    }
}

impl Mailings {
    pub(in crate::edge) fn set(&self, mailings: Vec<MailingConfig>) {
        let table = mailings.into_iter().map(|config| (config.id, Arc::new(Mailing::new(config))));
        self.0.store(Arc::new(table.collect()));
    }

    /// The mailing of an id.
    pub(super) fn get(&self, id: MailingId) -> Option<Arc<Mailing>> {
        self.0.load().get(&id).cloned()
    }

    /// The mailing and link of a path, if that was made here.
    pub(super) fn find(&self, path: &Path<'_>) -> Result<Found, Refused> {
        let mailing = self.get(path.mailing()).ok_or_else(Refused::unknown)?;
        let forged = || Refused { site: Some(mailing.site.clone()), reason: DropReason::Forged };
        let link = match path {
            Path::Pixel { mac, .. } => {
                if !mailing.pixel.is(mac) {
                    return Err(forged());
                }
                None
            }
            Path::Link { number, mac, share, .. } => {
                let link =
                    mailing.links.get(number).filter(|it| it.share == *share && it.mac.is(mac));
                Some(Arc::clone(link.ok_or_else(forged)?))
            }
            Path::Stop { .. } => None,
        };
        Ok(Found { mailing, link, token: path.token().to_owned() })
    }
}

impl Mailing {
    fn new(config: MailingConfig) -> Self {
        let MailingConfig {
            id,
            site,
            link_key,
            links,
            hosts,
            sent,
            counts_until,
            links_until,
            tokens,
        } = config;
        let link = |it: &MailingLink| {
            let url = destination(&it.destination)?;
            let host = url.host_str()?.to_owned();
            let location = HeaderValue::from_str(url.as_str()).ok()?;
            let mac = link_key.of_link(id, it.number, &it.destination);
            let link = Link { number: it.number, location, mac, host, share: it.share };
            Some((it.number, Arc::new(link)))
        };
        let links = links.iter().filter_map(link).collect();
        let pixel = link_key.of_pixel(id);
        Self { id, site, sent, counts_until, tokens, pixel, links, hosts, links_until }
    }

    pub(super) fn has_expired(&self, now: Second) -> bool {
        now >= self.links_until
    }

    pub(super) fn allows(&self, link: &Link) -> bool {
        self.hosts.iter().any(|allowed| is_of(&link.host, allowed))
    }
}

/// Whether a link may lead there: on the web, to a named host at its usual port.
#[must_use]
pub fn is_destination(url: &str) -> bool {
    destination(url).is_some()
}

/// Whether one of `hosts` allows what a URL leads to.
#[must_use]
pub fn allowed_host(url: &str, hosts: &[String]) -> bool {
    destination(url).is_some_and(|url| {
        url.host_str().is_some_and(|host| hosts.iter().any(|allowed| is_of(host, allowed)))
    })
}

/// See [`is_destination`].
fn destination(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))?;
    let named = matches!(url.host(), Some(Host::Domain(name)) if name.contains('.'));
    let plain = url.username().is_empty() && url.password().is_none();
    (named && plain && url.port().is_none()).then_some(url)
}

/// Whether a host is the allowed one, or below it where that begins with `*.`.
fn is_of(host: &str, allowed: &str) -> bool {
    match allowed.strip_prefix("*.") {
        Some(parent) => host.strip_suffix(parent).is_some_and(|below| below.ends_with('.')),
        None => host == allowed,
    }
}
