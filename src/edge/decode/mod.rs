//! Two dialects, one form: what a request says, field by field, before anything is known of it.
//!
//! Decoding looks at form only: it neither cleans nor judges. Errors name the field and what is
//! valid there, and carry nothing of what came.

mod json;
mod money;
#[cfg(test)]
mod tests;

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
    /// The domains that it is for, with commas between them.
    domains: Cow<'a, str>,
    kind: Kind<'a>,
    url: Cow<'a, str>,
    referrer: Cow<'a, str>,
    device: Cow<'a, str>,
}

enum Kind<'a> {
    Pageview,
    Event { name: Cow<'a, str>, interactive: bool, props: Props<'a>, revenue: Option<Revenue> },
    Engagement { engaged_ms: u32, scroll_percent: Option<u8> },
}

type Props<'a> = Vec<(Cow<'a, str>, Cow<'a, str>)>;

const URL: Malformed = Malformed {
    field: "url",
    why: "must be the page's address, such as https://example.com/pricing, of at most 2000 bytes",
};

/// Bytes of a device identifier that are hashed.
const DEVICE_BYTES_MAX: usize = 256;

/// The body of `POST /api/event`: Plausible's fields, by their short or long names.
pub(super) fn event(body: &[u8]) -> Result<Said<'_>, Malformed> {
    let wrong = |why| Malformed { field: "body", why };
    let text = std::str::from_utf8(body).map_err(|_| wrong("must be UTF-8"))?;
    let Some(Json::Object(fields)) = json::parse(text) else {
        return Err(wrong("must be one JSON object"));
    };
    let mut fields = Fields(fields);
    let name = match fields.take(&["n", "name"]) {
        Some(Json::Text(name)) if !name.trim().is_empty() => name,
        Some(Json::Number(number)) => Cow::Owned(number),
        _ => {
            return Err(Malformed {
                field: "name",
                why: "must be pageview, engagement or the event's name",
            });
        }
    };
    let Some(Json::Text(url)) = fields.take(&["u", "url"]) else { return Err(URL) };
    let domains = fields.text(&["d", "domain"]).ok_or(Malformed {
        field: "domain",
        why: "must be the site's domain, or several with commas between them",
    })?;
    let referrer = fields.text(&["r", "referrer"]).unwrap_or_default();
    let device = fields.text(&["device"]).unwrap_or_default();
    let kind = match &*name {
        "pageview" => Kind::Pageview,
        "engagement" => engagement(&mut fields)?,
        _ => Kind::Event {
            interactive: !matches!(fields.take(&["i", "interactive"]), Some(Json::Bool(false))),
            props: props(fields.take(&["p", "props", "m", "meta"]))?,
            revenue: fields.take(&["$", "revenue"]).map(revenue).transpose()?.flatten(),
            name,
        },
    };
    Said { domains, kind, url, referrer, device }.checked()
}

/// The query of `GET /p.gif`; `page` is the page that holds the image, as far as the browser says.
pub(super) fn pixel<'a>(query: &'a str, page: Option<&'a str>) -> Result<Said<'a>, Malformed> {
    let mut said = Said {
        domains: Cow::Borrowed(""),
        kind: Kind::Pageview,
        url: Cow::Borrowed(page.unwrap_or_default()),
        referrer: Cow::Borrowed(""),
        device: Cow::Borrowed(""),
    };
    let pairs = form_urlencoded::parse(query.as_bytes()).take(limits::QUERY_PARAMS_MAX);
    for (key, value) in pairs {
        match &*key {
            "s" => said.domains = value,
            "u" => said.url = value,
            "r" => said.referrer = value,
            "device" => said.device = value,
            "n" if !value.trim().is_empty() && value != "pageview" => {
                said.kind = Kind::Event {
                    name: value,
                    interactive: true,
                    props: Vec::new(),
                    revenue: None,
                };
            }
            _ => {}
        }
    }
    said.checked()
}

impl Said<'_> {
    fn checked(self) -> Result<Self, Malformed> {
        if self.url.is_empty() || self.url.len() > limits::URL_BYTES_MAX {
            return Err(URL);
        }
        Ok(self)
    }

    /// The domains that it is for; one empty one if it names none.
    pub(super) fn domains(&self) -> impl Iterator<Item = &str> {
        self.domains.split(',').map(str::trim).take(limits::DOMAINS_MAX)
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
        };
        RawHit {
            client,
            kind,
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

    /// A text; nothing, an empty text or `null` are an empty one. `None`: something else.
    fn text(&mut self, names: &[&str]) -> Option<Cow<'a, str>> {
        match self.take(names) {
            None => Some(Cow::Borrowed("")),
            Some(Json::Text(text)) => Some(text),
            Some(_) => None,
        }
    }
}

fn engagement<'a>(fields: &mut Fields<'a>) -> Result<Kind<'a>, Malformed> {
    let wrong = |field, why| Malformed { field, why };
    let engaged_ms = match fields.take(&["e"]) {
        None => None,
        Some(Json::Number(number)) => Some(
            whole(&number)
                .and_then(|ms| u64::try_from(ms).ok())
                .ok_or(wrong("e", "must be a whole number of milliseconds, not below 0"))?,
        ),
        Some(_) => return Err(wrong("e", "must be a whole number of milliseconds, not below 0")),
    };
    let scroll_percent = match fields.take(&["sd"]) {
        None => None,
        // Plausible's scripts say 255 where they do not know.
        Some(Json::Number(number)) => match whole(&number) {
            Some(255) => None,
            Some(percent @ 0..) => Some(u8::try_from(percent.min(100)).unwrap_or(100)),
            _ => return Err(wrong("sd", "must be a percentage from 0 to 100")),
        },
        Some(_) => return Err(wrong("sd", "must be a percentage from 0 to 100")),
    };
    if engaged_ms.is_none() && scroll_percent.is_none() {
        return Err(wrong("e", "must be there, or sd: an engagement says how long or how far"));
    }
    let engaged_ms = u32::try_from(engaged_ms.unwrap_or(0)).unwrap_or(u32::MAX);
    Ok(Kind::Engagement { engaged_ms: engaged_ms.min(limits::ENGAGED_MS_MAX), scroll_percent })
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

/// `{"amount": "9.99", "currency": "EUR"}`, or the same as text.
fn revenue(value: Json<'_>) -> Result<Option<Revenue>, Malformed> {
    let wrong = |why| Malformed { field: "revenue", why };
    let form = "must be an object with amount and currency";
    let members = match value {
        Json::Object(members) => members,
        Json::Text(text) => match json::parse(&text).map(Json::into_owned) {
            Some(Json::Object(members)) => members,
            _ => return Err(wrong(form)),
        },
        _ => return Err(wrong(form)),
    };
    let mut fields = Fields(members);
    let amount = fields.take(&["amount"]).and_then(Json::scalar).ok_or(wrong(form))?;
    let currency = fields.take(&["currency"]).and_then(Json::scalar).ok_or(wrong(form))?;
    money::revenue(&amount, &currency).map(Some).map_err(wrong)
}

/// At most `most` bytes of it, whole characters.
fn cut(text: &str, most: usize) -> &str {
    &text[..text.floor_char_boundary(most)]
}
