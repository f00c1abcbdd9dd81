//! Plausible's dialect, which is ours too: one JSON object, by short names or long ones. Our own
//! script adds `t: 1` where the screen takes more than one finger.

use std::borrow::Cow;

use super::json::{self, Json};
use super::{Besides, Fields, Kind, Malformed, Naming, Said, URL, money, props, whole};
use crate::hit::Revenue;
use crate::limits;

/// The body of `POST /api/event`: Plausible's fields, by their short or long names.
pub(in crate::edge) fn event(body: &[u8]) -> Result<Said<'_>, Malformed> {
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
    let touch = matches!(fields.take(&["t"]), Some(Json::Number(number)) if number == "1");
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
    let naming = Naming::Domains(domains);
    Said { naming, kind, url, referrer, device, besides: Besides { touch, ..Besides::default() } }
        .checked()
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
