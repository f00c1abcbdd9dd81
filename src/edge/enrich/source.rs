//! Where a visit comes from.

use std::cell::RefCell;
use std::sync::LazyLock;

use hashbrown::HashMap;

use super::campaign::Campaign;
use super::channel::channel_of;
use super::recent::Recent;
use super::{host, name, spam};
use crate::hit::Text;

/// Referrers that a thread remembers, at about 150 bytes each.
const RECENT_MAX: usize = 1024;

thread_local! {
    /// By the origin of the referrer and the page's own host, where there is no campaign.
    static RECENT: RefCell<Recent<Source>> = RefCell::new(Recent::new(RECENT_MAX));
}

/// Where a visit comes from.
#[derive(Clone)]
#[expect(clippy::struct_field_names, reason = "a source is called by its name")]
pub(in crate::edge) struct Source {
    /// Its group: `Organic Search`, `Direct`, …
    pub channel: Text,
    /// Its name: `Google`, `newsletter`, `example.org`; empty: none.
    pub source: Text,
    /// The foreign host that referred, without `www.`; of an Android app its package.
    pub referrer_host: Text,
    /// Whether the referrer is known spam.
    pub spam: bool,
}

/// What a known source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Category {
    Assistant,
    Mail,
    Search,
    Shopping,
    Social,
    Video,
}

/// A source that has a name of its own.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub name: &'static str,
    pub category: Category,
}

/// The source of a visit to a page on `own_hostname`: what the campaign says, in the order
/// `utm_source`, `source`, `ref`; else the referrer; else whose click id there was.
pub(in crate::edge) fn source_of(
    campaign: &Campaign,
    referrer: &str,
    own_hostname: &str,
) -> Source {
    let referrer = referrer.trim();
    // As a rule browsers tell no more of foreign pages than their origin.
    if *campaign == Campaign::default() {
        let told = (origin(referrer), own_hostname);
        RECENT.with_borrow_mut(|recent| recent.get(told, || read(campaign, referrer, own_hostname)))
    } else {
        read(campaign, referrer, own_hostname)
    }
}

/// [`source_of`], looked at anew.
fn read(campaign: &Campaign, referrer: &str, own_hostname: &str) -> Source {
    let referrer = foreign_host(referrer, own_hostname).unwrap_or_default();
    let spam = !referrer.is_empty() && spam::is_spam(&referrer);
    let said = [&campaign.utm_source, &campaign.tag].into_iter().find(|it| !it.is_empty());
    let (source, known) = match (said, referrer.as_str(), campaign.click) {
        (Some(said), _, _) => (said.as_str(), known_word(said.as_str())),
        (None, "", Some(click)) => (click.network, known_word(click.network)),
        (None, "", None) => ("", None),
        (None, host, _) => (host, TABLE.host(host)),
    };
    let label = known.map_or(source, |it| it.name);
    Source {
        channel: name::known(channel_of(campaign, label, known.map(|it| it.category)).name()),
        source: match known {
            Some(known) => name::known(known.name),
            None => name::scrubbed(source),
        },
        referrer_host: name::scrubbed(&referrer),
        spam,
    }
}

/// A URL without its path, query and fragment.
fn origin(url: &str) -> &str {
    let start = url.find("://").map_or(0, |at| at + 3);
    let end = url[start..].find(['/', '?', '#']).unwrap_or(url.len() - start);
    &url[..start + end]
}

/// The host of a referrer that is not the site itself.
fn foreign_host(referrer: &str, own_hostname: &str) -> Option<String> {
    let authority = if let Some(url) = host::split_url(referrer) {
        url.authority
    } else {
        let app = host::strip_scheme(referrer, "android-app://")?;
        app.split(['/', '?', '#']).next().unwrap_or_default()
    };
    let mut found = host::host(authority)?;
    if found.starts_with("www.") {
        found.drain(..4);
    }
    (found != host::without_www(own_hostname)).then_some(found)
}

/// A known source by what a campaign calls it: a name, an abbreviation, a host, a URL.
fn known_word(word: &str) -> Option<Known> {
    let word = word.to_lowercase();
    if let Some(known) = TABLE.words.get(word.as_str()) {
        return Some(*known);
    }
    if !word.contains('.') {
        return None;
    }
    let authority = host::split_url(&word).map_or(word.as_str(), |url| url.authority);
    TABLE.host(host::without_www(&host::host(authority)?))
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::of(include_str!("sources.txt")));

/// The table in `sources.txt`, to look things up in.
#[derive(Default)]
struct Table {
    words: HashMap<String, Known>,
    /// Hosts; true: their subdomains too.
    hosts: HashMap<&'static str, (Known, bool)>,
    /// Hosts without their top-level domain.
    stems: HashMap<&'static str, (Known, bool)>,
}

impl Table {
    fn of(lines: &'static str) -> Self {
        let mut table = Self::default();
        for line in lines.lines() {
            let mut columns = line.split('|');
            let (Some(category), Some(name), Some(hosts)) =
                (columns.next().and_then(category), columns.next(), columns.next())
            else {
                continue;
            };
            let known = Known { name, category };
            let word = name.to_lowercase();
            table.words.insert(word.replace(' ', ""), known);
            table.words.insert(word, known);
            for host in hosts.split(' ') {
                let (host, below) = host.strip_prefix('.').map_or((host, false), |it| (it, true));
                if let Some(stem) = host.strip_suffix(".*") {
                    table.stems.insert(stem, (known, below));
                } else if host.contains('.') {
                    table.hosts.insert(host, (known, below));
                } else {
                    table.words.insert(host.into(), known);
                }
            }
        }
        table
    }

    /// The source of a host: by itself, or by a domain that it is under.
    fn host(&self, host: &str) -> Option<Known> {
        host::parents(host).find_map(|domain| {
            let found = self.hosts.get(domain).or_else(|| self.stems.get(stem(domain)));
            found.filter(|(_, below)| *below || domain.len() == host.len()).map(|(known, _)| *known)
        })
    }
}

fn category(word: &str) -> Option<Category> {
    Some(match word {
        "assistant" => Category::Assistant,
        "mail" => Category::Mail,
        "search" => Category::Search,
        "shopping" => Category::Shopping,
        "social" => Category::Social,
        "video" => Category::Video,
        _ => return None,
    })
}

/// A host without its top-level domain: one label, or two such as `co.uk`.
fn stem(host: &str) -> &str {
    let Some((stem, last)) = host.rsplit_once('.') else { return host };
    match stem.rsplit_once('.') {
        Some((shorter, "co" | "com" | "net" | "ne" | "org" | "or")) if last.len() == 2 => shorter,
        _ => stem,
    }
}
