//! The two requests that carry hits: `POST /api/event` and `GET /p.gif`.
//!
//! ```text
//! client → decode → site → rate limit → deidentify → submit → raw data is gone → wait → answer
//! ```

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses and headers are")]

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderName};

use super::answer::{self, Answer};
use super::arrival::Arrival;
use super::body::{self, BodyError};
use super::decode::{self, Malformed, Said};
use super::deidentify::deidentify;
use super::raw::{RawClient, RawText, Wishes};
use super::sink::Receipt;
use super::{Edge, opt_out};
use crate::hit::{DropReason, Record, RejectReason, SiteName};

const SEC_GPC: HeaderName = HeaderName::from_static("sec-gpc");
const SEC_PURPOSE: HeaderName = HeaderName::from_static("sec-purpose");
const PURPOSE: HeaderName = HeaderName::from_static("purpose");
const X_PURPOSE: HeaderName = HeaderName::from_static("x-purpose");
const X_MOZ: HeaderName = HeaderName::from_static("x-moz");

const NO_DOMAIN: Malformed =
    Malformed { field: "domain", why: "must be the site's domain, such as example.com" };

/// What became of a request's hits.
enum Verdict {
    /// They are queued; the reason, where none of them will be counted.
    Queued(Vec<Receipt>, Option<DropReason>),
    Malformed(Malformed),
    Limited(Duration),
    Full,
}

/// `POST /api/event`.
pub(super) async fn event(
    edge: &Edge,
    peer: IpAddr,
    headers: &HeaderMap,
    body: Incoming,
) -> Answer {
    let mut arrival = Arrival::new(edge);
    let body = match body::read(body, edge.patience.body).await {
        Ok(body) => body,
        Err(BodyError::TooLarge) => {
            arrival.refuse(None, RejectReason::TooLarge);
            return answer::last(answer::text(
                StatusCode::PAYLOAD_TOO_LARGE,
                "a body has at most 65536 bytes\n",
            ));
        }
        Err(BodyError::Timeout) => {
            arrival.refuse(None, RejectReason::Timeout);
            return answer::last(answer::text(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time\n",
            ));
        }
        // Abandoned: nobody reads this.
        Err(BodyError::Gone) => return answer::last(answer::text(StatusCode::BAD_REQUEST, "")),
    };
    let verdict = judge(edge, peer, headers, decode::event(&body), &mut arrival);
    // The client's text is gone before the wait begins.
    drop(body);
    match verdict {
        Verdict::Queued(receipts, dropped) => {
            if kept(receipts).await {
                answer::taken(dropped)
            } else {
                answer::full()
            }
        }
        Verdict::Malformed(error) => answer::malformed(error),
        Verdict::Limited(wait) => answer::too_many(wait),
        Verdict::Full => answer::full(),
    }
}

/// `GET /p.gif`: the image comes whatever became of the hit, and not before that is certain.
pub(super) async fn pixel(edge: &Edge, peer: IpAddr, headers: &HeaderMap, query: &str) -> Answer {
    let mut arrival = Arrival::new(edge);
    let page = text(headers, &header::REFERER);
    let said = decode::pixel(query, (!page.is_empty()).then_some(&*page));
    let verdict = judge(edge, peer, headers, said, &mut arrival);
    if let Verdict::Queued(receipts, _) = verdict {
        // The spool counts what it could not keep.
        drop(page);
        kept(receipts).await;
    }
    answer::gif()
}

/// Whether all of them are kept. They are in one or two group commits.
async fn kept(receipts: Vec<Receipt>) -> bool {
    let mut all = true;
    for receipt in receipts {
        all &= receipt.kept().await.is_ok();
    }
    all
}

/// Takes what was said to the spool, or counts why not.
fn judge(
    edge: &Edge,
    peer: IpAddr,
    headers: &HeaderMap,
    said: Result<Said<'_>, Malformed>,
    arrival: &mut Arrival<'_>,
) -> Verdict {
    let agent = text(headers, &header::USER_AGENT);
    let language = text(headers, &header::ACCEPT_LANGUAGE);
    let (address, prefix) = edge.trust.client(peer, headers);
    let client = RawClient {
        address,
        prefix,
        agent: RawText::new(&agent),
        language: RawText::new(&language),
        wishes: Wishes {
            opted_out: opt_out::is_set(headers),
            no_tracking: is_one(headers, &SEC_GPC) || is_one(headers, &header::DNT),
        },
        prefetch: is_prefetch(headers),
    };
    let limited = edge.limiter.as_ref().and_then(|limiter| limiter.check(&client.prefix).err());
    let said = match (said, limited) {
        (said, Some(wait)) => {
            let site = said.ok().and_then(|said| first_site(edge, &said, arrival));
            arrival.refuse(site.as_ref(), RejectReason::RateLimited);
            return Verdict::Limited(wait);
        }
        (Err(error), None) => {
            arrival.refuse(None, RejectReason::Malformed);
            return Verdict::Malformed(error);
        }
        (Ok(said), None) => said,
    };
    let mut receipts = Vec::with_capacity(1);
    let mut dropped = None;
    let mut counted = false;
    for domain in domains(&said) {
        if domain.is_empty() {
            arrival.refuse(None, RejectReason::Malformed);
            return Verdict::Malformed(NO_DOMAIN);
        }
        let site = edge.sites.find(domain, arrival.at);
        let record = match &site {
            None => {
                let site = edge.unknown.clone();
                Ok(Record::Drop { site, at: arrival.at, reason: DropReason::UnknownSite })
            }
            Some(site) => deidentify(said.raw(&client), site, edge.geo.as_deref(), arrival.at),
        };
        let name = site.as_ref().map(|site| &site.site);
        let record = match record {
            Ok(record) => record,
            Err(error) => {
                arrival.refuse(name, RejectReason::Malformed);
                return Verdict::Malformed(error);
            }
        };
        match &record {
            Record::Drop { reason, .. } => dropped = dropped.or(Some(*reason)),
            _ => counted = true,
        }
        if let Ok(receipt) = arrival.submit(record) {
            receipts.push(receipt);
        } else {
            arrival.refuse(name, RejectReason::Shed);
            return Verdict::Full;
        }
    }
    Verdict::Queued(receipts, dropped.filter(|_| !counted))
}

/// The domains that a request is for: those that it names, else its page's host.
fn domains<'a>(said: &'a Said<'_>) -> impl Iterator<Item = &'a str> {
    let host = said.host().unwrap_or_default();
    said.domains().map(move |domain| if domain.is_empty() { host } else { domain })
}

fn first_site(edge: &Edge, said: &Said<'_>, arrival: &Arrival<'_>) -> Option<SiteName> {
    let first = domains(said).next()?;
    Some(edge.sites.find(first, arrival.at)?.site.clone())
}

/// A header's text; what is not UTF-8 in it is replaced.
fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Cow<'a, str> {
    headers.get(name).map_or(Cow::Borrowed(""), |value| String::from_utf8_lossy(value.as_bytes()))
}

fn is_one(headers: &HeaderMap, name: &HeaderName) -> bool {
    headers.get(name).is_some_and(|value| value.as_bytes().trim_ascii() == b"1")
}

/// A browser that fetches what nobody has asked to see yet says so.
fn is_prefetch(headers: &HeaderMap) -> bool {
    [SEC_PURPOSE, PURPOSE, X_PURPOSE, X_MOZ].iter().any(|name| {
        headers.get(name).and_then(|value| value.to_str().ok()).is_some_and(|value| {
            let value = value.trim().to_ascii_lowercase();
            value.starts_with("prefetch") || value.starts_with("prerender") || value == "preview"
        })
    })
}
