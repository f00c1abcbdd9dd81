//! Matomo's tracking dialect: parameters in the query, in a form, or in a list of queries.

use std::borrow::Cow;

use super::json::{self, Json};
use super::params::Params;
use super::{Besides, Discarded, Fields, Kind, Malformed, Naming, Props, Said};
use crate::limits;

const BULK: Malformed = Malformed {
    field: "requests",
    why: "must be a list of 1 to 100 queries, each a text such as ?idsite=1&rec=1&url=…",
};

/// Keys of a campaign, and how they are called here.
const CAMPAIGN: &[(&str, &str)] = &[
    ("campaign", "utm_campaign"),
    ("source", "utm_source"),
    ("medium", "utm_medium"),
    ("content", "utm_content"),
    ("keyword", "utm_term"),
    ("kwd", "utm_term"),
];

/// A request: its query, and its form if it has one. Says too whether it wants no image.
pub(in crate::edge) fn track<'a>(
    query: &'a str,
    form: &'a [u8],
) -> (Result<Said<'a>, Malformed>, bool) {
    let wrong = Malformed { field: "body", why: "must be a form in UTF-8" };
    let Ok(form) = std::str::from_utf8(form) else { return (Err(wrong), false) };
    let params = Params::of(&[query, form]);
    let silent = params.get("send_image") == "0";
    (said(params), silent)
}

/// A body with many queries in it.
pub(in crate::edge) fn bulk(body: &[u8]) -> Vec<Result<Said<'static>, Malformed>> {
    let text = std::str::from_utf8(body).ok();
    let Some(Json::Object(fields)) = text.and_then(json::parse) else { return vec![Err(BULK)] };
    match Fields(fields).take(&["requests"]) {
        Some(Json::List(items)) if (1..=limits::BATCH_HITS_MAX).contains(&items.len()) => {
            let one = |item| match item {
                Json::Text(query) => said(Params::of(&[&*query])).map(Said::into_owned),
                _ => Err(BULK),
            };
            items.into_iter().map(one).collect()
        }
        _ => vec![Err(BULK)],
    }
}

fn said(mut params: Params<'_>) -> Result<Said<'_>, Malformed> {
    let wrong = |field, why| Err(Malformed { field, why });
    if params.get("rec") != "1" {
        return wrong("rec", "must be 1");
    }
    let id = params.take("idsite");
    if id.is_empty() {
        return wrong("idsite", "must be the site's number, or its domain");
    }
    let discarded = Discarded {
        identifiers: params.has(&["_id", "cid", "uid"]),
        addresses: params.has(&["cip", "country", "region", "city", "lat", "long"]),
        agents: params.has(&["ua", "uadata"]),
        times: params.has(&["cdt", "h", "m", "s"]),
    };
    let kind = kind(&mut params);
    Said {
        naming: Naming::Id(id),
        kind,
        url: with_campaign(params.take("url")),
        referrer: params.take("urlref"),
        device: Cow::Borrowed(""),
        besides: Besides { discarded, ..Besides::default() },
    }
    .checked()
}

fn kind<'a>(params: &mut Params<'a>) -> Kind<'a> {
    let event = |name, props| Kind::Event { name, interactive: true, props, revenue: None };
    let named = |name| Cow::Borrowed(name);
    if params.has(&["e_a"]) && params.has(&["e_c"]) {
        let props = [("category", "e_c"), ("name", "e_n"), ("value", "e_v")];
        let props = props.map(|(key, param)| (named(key), params.take(param)));
        let props = props.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        event(params.take("e_a"), props)
    } else if params.has(&["link"]) {
        event(named("Outbound Link: Click"), vec![(named("url"), params.take("link"))])
    } else if params.has(&["download"]) {
        event(named("File Download"), vec![(named("url"), params.take("download"))])
    } else if params.has(&["search"]) {
        event(named("Site Search"), vec![(named("query"), params.take("search"))])
    } else if params.get("idgoal") == "0" {
        // Its sums have no currency: that stands in Matomo's settings.
        event(named("Order"), Props::new())
    } else if params.has(&["idgoal"]) {
        event(Cow::Owned(format!("Goal {}", params.get("idgoal"))), Props::new())
    } else if params.has(&["ping", "ca", "c_n", "ma_id"]) {
        Kind::Unsupported
    } else {
        Kind::Pageview
    }
}

/// The address, with Matomo's keys of a campaign under the names that everybody knows.
fn with_campaign(url: Cow<'_, str>) -> Cow<'_, str> {
    let Some((page, query)) = url.split_once('?') else { return url };
    if !query.contains("mtm_") && !query.contains("pk_") && !query.contains("piwik_") {
        return url;
    }
    let renamed: Vec<Cow<'_, str>> = query.split('&').map(renamed).collect();
    Cow::Owned(format!("{page}?{}", renamed.join("&")))
}

fn renamed(pair: &str) -> Cow<'_, str> {
    let key = ["mtm_", "pk_", "piwik_"].iter().find_map(|prefix| pair.strip_prefix(prefix));
    let known = key.and_then(|it| it.split_once('=')).and_then(|(key, value)| {
        let (_, name) = CAMPAIGN.iter().find(|(theirs, _)| *theirs == key)?;
        Some(format!("{name}={value}"))
    });
    known.map_or(Cow::Borrowed(pair), Cow::Owned)
}
