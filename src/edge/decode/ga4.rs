//! Google Analytics' dialects: the browser's `/g/collect`, and the measurement protocol's
//! `/mp/collect`.
//!
//! The first is not documented by Google; it is read as its own script sends it.

use std::borrow::Cow;

use super::json::{self, Json};
use super::params::Params;
use super::{Besides, Discarded, Fields, Kind, Malformed, Naming, Props, Said, money, whole};
use crate::hit::Revenue;
use crate::limits;

const LINES: Malformed =
    Malformed { field: "body", why: "must be UTF-8, an event a line, 100 of them at most" };

const NAME: Malformed = Malformed { field: "en", why: "must be the event's name" };

const BODY: Malformed = Malformed { field: "body", why: "must be a JSON object with events" };

const EVENTS: Malformed = Malformed {
    field: "events",
    why: "must be a list of 1 to 25 objects, each with name and params",
};

/// Events of one request, as Google has it.
const EVENTS_MAX: usize = 25;

/// What Google's script derives from what it has sent, as the counter does by itself.
const DERIVED: &[&str] = &["session_start", "first_visit"];

/// What it sends when a page was looked at for a while, or read to the end.
const ENGAGEMENTS: &[&str] = &["user_engagement", "scroll"];

/// A browser's request: a query, and, where there are several events, a line of the body for each.
pub(in crate::edge) fn collect<'a>(
    query: &'a str,
    body: &'a [u8],
) -> Vec<Result<Said<'a>, Malformed>> {
    let Ok(body) = std::str::from_utf8(body) else { return vec![Err(LINES)] };
    let lines: Vec<&str> = body.lines().filter(|line| !line.trim().is_empty()).collect();
    match lines.len() {
        0 => vec![beacon(Params::of(&[query]))],
        1..=limits::BATCH_HITS_MAX => {
            lines.iter().map(|line| beacon(Params::of(&[query, line]))).collect()
        }
        _ => vec![Err(LINES)],
    }
}

fn beacon(mut params: Params<'_>) -> Result<Said<'_>, Malformed> {
    let name = params.take("en");
    if name.trim().is_empty() {
        return Err(NAME);
    }
    let discarded = Discarded {
        identifiers: params.has(&["cid", "uid", "sid", "_fid"]),
        addresses: params.has(&["uip", "_uip"]),
        agents: params.has(&["uaa", "uafvl", "uap", "uapv"]),
        times: false,
    };
    // G1, then a digit for advertising's storage and one for analytics'.
    let denied = params.get("gcs").as_bytes().get(3) == Some(&b'0');
    let mut props: Props<'_> = Vec::new();
    for (key, value) in params.pairs() {
        let key = key.strip_prefix("ep.").or_else(|| key.strip_prefix("epn."));
        if let Some(key) = key {
            props.push((Cow::Owned(key.to_owned()), Cow::Owned(value.to_owned())));
        }
    }
    let currency = params.take("cu");
    let kind = kind(name, props, params.get("_et"), &currency);
    Said {
        naming: Naming::Id(params.take("tid")),
        kind,
        url: params.take("dl"),
        referrer: params.take("dr"),
        device: Cow::Borrowed(""),
        besides: Besides { denied, discarded, ..Besides::default() },
    }
    .checked()
}

/// A server's request: `{"client_id": …, "events": [{"name": …, "params": {…}}]}`. `query` names
/// the stream.
pub(in crate::edge) fn protocol<'a>(
    query: &'a str,
    body: &'a [u8],
) -> Vec<Result<Said<'a>, Malformed>> {
    let text = std::str::from_utf8(body).ok();
    let Some(Json::Object(fields)) = text.and_then(json::parse) else { return vec![Err(BODY)] };
    let mut fields = Fields(fields);
    let discarded = Discarded {
        identifiers: fields.has(&["client_id", "user_id", "app_instance_id", "user_data"]),
        addresses: fields.has(&["ip_override", "user_location"]),
        agents: fields.has(&["device"]),
        times: fields.has(&["timestamp_micros"]),
    };
    let id = Params::of(&[query]).take("measurement_id");
    match fields.take(&["events"]) {
        Some(Json::List(events)) if (1..=EVENTS_MAX).contains(&events.len()) => {
            events.into_iter().map(|event| from_server(event, id.clone(), discarded)).collect()
        }
        _ => vec![Err(EVENTS)],
    }
}

fn from_server<'a>(
    event: Json<'a>,
    id: Cow<'a, str>,
    discarded: Discarded,
) -> Result<Said<'a>, Malformed> {
    let Json::Object(event) = event else { return Err(EVENTS) };
    let mut event = Fields(event);
    let name = event.text(&["name"]).filter(|name| !name.trim().is_empty()).ok_or(EVENTS)?;
    let mut params = match event.take(&["params"]) {
        None => Fields(Vec::new()),
        Some(Json::Object(params)) => Fields(params),
        Some(_) => return Err(EVENTS),
    };
    let discarded = Discarded {
        identifiers: discarded.identifiers || params.has(&["session_id"]),
        times: discarded.times || event.has(&["timestamp_micros"]),
        ..discarded
    };
    let mut text = |key| params.take(&[key]).and_then(Json::scalar).unwrap_or_default();
    drop(text("session_id"));
    let (url, referrer) = (text("page_location"), text("page_referrer"));
    let (engaged, currency) = (text("engagement_time_msec"), text("currency"));
    let props = params.0.into_iter().filter_map(|(key, value)| Some((key, value.scalar()?)));
    let kind = kind(name, props.collect(), &engaged, &currency);
    let besides = Besides { discarded, ..Besides::default() };
    Said { naming: Naming::Id(id), kind, url, referrer, device: Cow::Borrowed(""), besides }
        .checked()
}

/// What an event of theirs is here. `engaged`: milliseconds since their last report.
fn kind<'a>(name: Cow<'a, str>, mut props: Props<'a>, engaged: &str, currency: &str) -> Kind<'a> {
    if name == "page_view" {
        return Kind::Pageview;
    }
    if DERIVED.contains(&&*name) {
        return Kind::Unsupported;
    }
    let value = |props: &Props<'a>, key: &str| {
        props.iter().find(|(found, _)| found == key).map(|(_, value)| value.clone())
    };
    if ENGAGEMENTS.contains(&&*name) {
        let engaged_ms = whole(engaged).and_then(|ms| u32::try_from(ms).ok()).unwrap_or(0);
        let scrolled = value(&props, "percent_scrolled").and_then(|it| whole(&it));
        let scroll_percent = scrolled.and_then(|it| u8::try_from(it.clamp(0, 100)).ok());
        return Kind::Engagement {
            engaged_ms: engaged_ms.min(limits::ENGAGED_MS_MAX),
            scroll_percent,
        };
    }
    let event = |name, props, revenue| Kind::Event { name, interactive: true, props, revenue };
    let url = |props: &Props<'a>, key| {
        value(props, key).map(|url| (Cow::Borrowed("url"), url)).into_iter().collect()
    };
    match &*name {
        "click" => event(Cow::Borrowed("Outbound Link: Click"), url(&props, "link_url"), None),
        "file_download" => event(Cow::Borrowed("File Download"), url(&props, "link_url"), None),
        _ => {
            let revenue = revenue(&name, &mut props, currency);
            props.truncate(limits::PROPS_MAX);
            event(name, props, revenue)
        }
    }
}

/// Other events have a value too, and it is nobody's income.
fn revenue(name: &str, props: &mut Props<'_>, currency: &str) -> Option<Revenue> {
    let (_, value) = props.iter().find(|(key, _)| name == "purchase" && key == "value")?;
    let revenue = money::revenue(value, currency).ok()?;
    props.retain(|(key, _)| key != "value");
    Some(revenue)
}
