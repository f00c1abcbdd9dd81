//! Many dialects, one form: what a request says, field by field, before anything is known of it.
//!
//! Decoding looks at form only: it neither cleans nor judges. Errors name the field and what is
//! valid there, and carry nothing of what came.
//!
//! What other systems' scripts send along of identifiers, addresses, agents and times ends here: it
//! is noted that it came ([`Discarded`]), and nothing else.

pub(super) mod ga4;
pub(super) mod goatcounter;
mod json;
pub(super) mod matomo;
mod money;
mod params;
pub(super) mod pixel;
pub(super) mod plausible;
#[cfg(test)]
mod tests;
pub(super) mod umami;

use std::borrow::Cow;

use super::raw::{RawClient, RawHit, RawKind, RawText};
use crate::hit::Revenue;
use crate::limits;
use json::Json;

/// A request that is not of the form: the field at fault, and what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed {
    pub(super) field: &'static str,
    pub(super) why: &'static str,
}

/// What a request says. Holds the client's text: no `Debug`, no `Clone`.
pub(super) struct Said<'a> {
    naming: Naming<'a>,
    kind: Kind<'a>,
    url: Cow<'a, str>,
    referrer: Cow<'a, str>,
    device: Cow<'a, str>,
    besides: Besides,
}

/// How a request names the sites that it is for.
enum Naming<'a> {
    /// By their domains, with commas between them; empty: by its page's host.
    Domains(Cow<'a, str>),
    /// By what another system calls the site. Where no site has that as an alias: by its page's
    /// host.
    Id(Cow<'a, str>),
}

/// What some dialects say besides.
#[derive(Clone, Copy, Default)]
struct Besides {
    /// Its script says that a machine drives the browser.
    automated: bool,
    /// Its consent manager says that this visitor is not to be measured.
    denied: bool,
    /// Its script says that the screen takes more than one finger.
    touch: bool,
    discarded: Discarded,
}

/// What came along and was let go of at once.
#[expect(clippy::struct_excessive_bools, reason = "four things that each came or did not")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Discarded {
    pub(super) identifiers: bool,
    pub(super) addresses: bool,
    pub(super) agents: bool,
    pub(super) times: bool,
}

enum Kind<'a> {
    Pageview,
    Event {
        name: Cow<'a, str>,
        interactive: bool,
        props: Props<'a>,
        revenue: Option<Revenue>,
    },
    Engagement {
        engaged_ms: u32,
        scroll_percent: Option<u8>,
    },
    /// Well-formed, and nothing that is counted here.
    Unsupported,
}

type Props<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

const URL: Malformed = Malformed {
    field: "url",
    why: "must be the page's address, such as https://example.com/pricing, of at most 2000 bytes",
};

/// Bytes of a device identifier that are hashed.
const DEVICE_BYTES_MAX: usize = 256;

impl Said<'_> {
    fn checked(self) -> Result<Self, Malformed> {
        if self.url.is_empty() || self.url.len() > limits::URL_BYTES_MAX {
            return Err(URL);
        }
        Ok(self)
    }

    /// The same, borrowing nothing.
    fn into_owned(self) -> Said<'static> {
        let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
        let Self { naming, kind, url, referrer, device, besides } = self;
        Said {
            naming: match naming {
                Naming::Domains(text) => Naming::Domains(owned(text)),
                Naming::Id(text) => Naming::Id(owned(text)),
            },
            kind: match kind {
                Kind::Pageview => Kind::Pageview,
                Kind::Event { name, interactive, props, revenue } => Kind::Event {
                    name: owned(name),
                    interactive,
                    props: props.into_iter().map(|(k, v)| (owned(k), owned(v))).collect(),
                    revenue,
                },
                Kind::Engagement { engaged_ms, scroll_percent } => {
                    Kind::Engagement { engaged_ms, scroll_percent }
                }
                Kind::Unsupported => Kind::Unsupported,
            },
            url: owned(url),
            referrer: owned(referrer),
            device: owned(device),
            besides,
        }
    }

    /// The names of the sites that it is for; an empty one: the page's host.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let text = match &self.naming {
            Naming::Domains(text) | Naming::Id(text) => text,
        };
        text.split(',').map(str::trim).take(limits::DOMAINS_MAX)
    }

    /// Whether its page's host says where a name of it does not.
    pub(super) fn host_stands_in(&self) -> bool {
        matches!(self.naming, Naming::Id(_))
    }

    /// What came along and is not here any more.
    pub(super) fn discarded(&self) -> Discarded {
        self.besides.discarded
    }

    /// The host that the page's address names, where it names one.
    pub(super) fn host(&self) -> Option<&str> {
        let rest = self.url.split_once("://")?.1;
        let authority = rest.split(['/', '?', '#']).next()?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let host = host.split_once(':').map_or(host, |(host, _)| host);
        (!host.is_empty()).then_some(host)
    }

    /// It as a hit of `client`.
    pub(super) fn raw<'b>(&'b self, client: &'b RawClient<'b>) -> RawHit<'b> {
        let kind = match &self.kind {
            Kind::Pageview => RawKind::Pageview,
            Kind::Event { name, interactive, props, revenue } => RawKind::Event {
                name: RawText::new(name),
                interactive: *interactive,
                props: props.iter().map(|(k, v)| (RawText::new(k), RawText::new(v))).collect(),
                revenue: *revenue,
            },
            Kind::Engagement { engaged_ms, scroll_percent } => {
                RawKind::Engagement { engaged_ms: *engaged_ms, scroll_percent: *scroll_percent }
            }
            Kind::Unsupported => RawKind::Unsupported,
        };
        RawHit {
            client,
            kind,
            automated: self.besides.automated,
            denied: self.besides.denied,
            touch: self.besides.touch,
            url: RawText::new(&self.url),
            referrer: RawText::new(cut(&self.referrer, limits::URL_BYTES_MAX)),
            device: RawText::new(cut(&self.device, DEVICE_BYTES_MAX)),
        }
    }
}

/// The members of the body's object. Of a key that comes twice the last one counts.
struct Fields<'a>(Vec<(Cow<'a, str>, Json<'a>)>);

impl<'a> Fields<'a> {
    /// The value under the first of `names` that has one.
    fn take(&mut self, names: &[&str]) -> Option<Json<'a>> {
        names.iter().find_map(|name| {
            let at = self.0.iter().rposition(|(key, _)| key == name)?;
            match self.0.swap_remove(at).1 {
                Json::Null => None,
                value => Some(value),
            }
        })
    }

    /// Whether one of the names has something.
    fn has(&self, names: &[&str]) -> bool {
        self.0.iter().any(|(key, value)| names.contains(&&**key) && !matches!(value, Json::Null))
    }

    /// A text; nothing, an empty text or `null` are an empty one. `None`: something else.
    fn text(&mut self, names: &[&str]) -> Option<Cow<'a, str>> {
        match self.take(names) {
            None => Some(Cow::Borrowed("")),
            Some(Json::Text(text)) => Some(text),
            Some(_) => None,
        }
    }
}

/// A number's whole part; numbers like `1234.0` and `1.2e3` come from scripts that measure.
fn whole(number: &str) -> Option<i64> {
    if let Ok(whole) = number.parse() {
        return Some(whole);
    }
    let float: f64 = number.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    (float.abs() < 9e15).then_some(float as i64)
}

fn props(value: Option<Json<'_>>) -> Result<Props<'_>, Malformed> {
    let wrong =
        Malformed { field: "props", why: "must be an object of texts, numbers or booleans" };
    let members = match value {
        None => return Ok(Vec::new()),
        Some(Json::Object(members)) => members,
        // The object as text inside the text, as older scripts send it.
        Some(Json::Text(text)) => match json::parse(&text) {
            Some(Json::Object(members)) => {
                let owned = |text: Cow<'_, str>| Cow::Owned(text.into_owned());
                members.into_iter().map(|(key, value)| (owned(key), value.into_owned())).collect()
            }
            _ => return Err(wrong),
        },
        Some(_) => return Err(wrong),
    };
    let scalars = members.into_iter().filter_map(|(key, value)| Some((key, value.scalar()?)));
    Ok(scalars.take(limits::PROPS_MAX).collect())
}

/// At most `most` bytes of it, whole characters.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
