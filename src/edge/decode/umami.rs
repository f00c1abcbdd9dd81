//! Umami's dialect: `{"type": …, "payload": {…}}`, or a list of them.
//!
//! Its server takes a client's word for its address, agent and time, and so lets anybody make up
//! visitors anywhere. Here they are let go of, as is the identity that a site may give.

use std::borrow::Cow;

use super::json::{self, Json};
use super::{Besides, Discarded, Fields, Kind, Malformed, Naming, Props, Said, money};
use crate::hit::Revenue;
use crate::limits;

const BODY: Malformed =
    Malformed { field: "body", why: "must be a JSON object with type and payload" };

const BATCH: Malformed = Malformed {
    field: "body",
    why: "must be a JSON list of 1 to 100 objects with type and payload",
};

const TYPE: Malformed = Malformed { field: "type", why: "must be event, identify or performance" };

/// The body of `POST /api/send`.
pub(in crate::edge) fn send(body: &[u8]) -> Result<Said<'_>, Malformed> {
    let text = std::str::from_utf8(body).map_err(|_| BODY)?;
    said(json::parse(text).ok_or(BODY)?)
}

/// The body of `POST /api/batch`.
pub(in crate::edge) fn batch(body: &[u8]) -> Vec<Result<Said<'_>, Malformed>> {
    let text = std::str::from_utf8(body).ok();
    match text.and_then(json::parse) {
        Some(Json::List(items)) if (1..=limits::BATCH_HITS_MAX).contains(&items.len()) => {
            items.into_iter().map(said).collect()
        }
        _ => vec![Err(BATCH)],
    }
}

fn said(json: Json<'_>) -> Result<Said<'_>, Malformed> {
    let Json::Object(fields) = json else { return Err(BODY) };
    let mut fields = Fields(fields);
    let of_type = fields.text(&["type"]).ok_or(TYPE)?;
    let Some(Json::Object(payload)) = fields.take(&["payload"]) else {
        return Err(Malformed { field: "payload", why: "must be an object" });
    };
    let mut payload = Fields(payload);
    let discarded = Discarded {
        identifiers: payload.has(&["id"]),
        addresses: payload.has(&["ip"]),
        agents: payload.has(&["userAgent", "browser", "os", "device"]),
        times: payload.has(&["timestamp"]),
    };
    let text =
        |payload: &mut Fields<'_>, name| payload.text(&[name]).unwrap_or_default().into_owned();
    let url = url(payload.text(&["url"]).unwrap_or_default(), &text(&mut payload, "hostname"));
    let referrer = payload.text(&["referrer"]).unwrap_or_default();
    // A page of the site itself comes as its path.
    let referrer = if referrer.starts_with('/') { Cow::Borrowed("") } else { referrer };
    let id = payload.text(&["website", "link", "pixel"]).unwrap_or_default();
    let kind = match &*of_type {
        "event" => event(&mut payload),
        "identify" | "performance" => Kind::Unsupported,
        _ => return Err(TYPE),
    };
    let besides = Besides { discarded, ..Besides::default() };
    let device = Cow::Borrowed("");
    Said { naming: Naming::Id(id), kind, url, referrer, device, besides }.checked()
}

/// The page's address: a path comes with its host beside it.
fn url<'a>(url: Cow<'a, str>, hostname: &str) -> Cow<'a, str> {
    match (&*url, hostname) {
        ("", "") => url,
        ("", _) => Cow::Owned(format!("https://{hostname}/")),
        (path, _) if path.starts_with('/') && !hostname.is_empty() => {
            Cow::Owned(format!("https://{hostname}{path}"))
        }
        _ => url,
    }
}

fn event<'a>(payload: &mut Fields<'a>) -> Kind<'a> {
    let name = payload.text(&["name"]).unwrap_or_default();
    if name.trim().is_empty() {
        return Kind::Pageview;
    }
    let mut props: Props<'a> = match payload.take(&["data"]) {
        Some(Json::Object(members)) => {
            let scalars = members.into_iter().filter_map(|(key, it)| Some((key, it.scalar()?)));
            scalars.take(limits::PROPS_MAX).collect()
        }
        _ => Props::new(),
    };
    let revenue = revenue(&mut props);
    Kind::Event { name, interactive: true, props, revenue }
}

/// Umami's reports take an event's `revenue` and `currency` for money. What is none stays a
/// property.
fn revenue(props: &mut Props<'_>) -> Option<Revenue> {
    let find = |key: &str| props.iter().find(|(found, _)| found == key).map(|(_, value)| value);
    let revenue = money::revenue(find("revenue")?, find("currency")?).ok()?;
    props.retain(|(key, _)| key != "revenue" && key != "currency");
    Some(revenue)
}
