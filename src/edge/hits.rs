//! The two requests that carry hits: `POST /api/event` and `GET /p.gif`.
//!
//! ```text
//! client → decode → site → rate limit → deidentify → submit → raw data is gone → wait → answer
//! ```

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses and headers are")]

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use hyper::body::Incoming;
use hyper::header::{self, HeaderMap};
use zeroize::Zeroizing;

use super::Edge;
use super::answer::{self, Answer};
use super::arrival::Arrival;
use super::body::{self, BodyError};
use super::decode::{self, Malformed, Said};
use super::deidentify::deidentify;
use super::head::{self, Head};
use super::raw::RawClient;
use super::sink::{Full, Receipt, Refused};
use super::sites::SiteDay;
use crate::hit::{DropReason, Record, RejectReason, Second, SiteName};

const NO_DOMAIN: Malformed =
    Malformed { field: "domain", why: "must be the site's domain, such as example.com" };

/// What became of one hit: it is taken (the reason, where it will not be counted), or not of the
/// form.
pub(super) type Outcome = Result<Option<DropReason>, Malformed>;

/// Why nothing of a request was taken.
#[derive(Clone, Copy)]
pub(super) enum Refusal {
    /// None of its hits is of the form; what is wrong with the first.
    Malformed(Malformed),
    Limited(Duration),
    Full,
}

/// What was queued: all of it waits for one commit.
pub(super) type Judged = Result<(Receipt, Vec<Outcome>), Refusal>;

/// `POST /api/event`.
pub(super) async fn event(
    edge: &Edge,
    peer: IpAddr,
    headers: &HeaderMap,
    body: Incoming,
) -> Answer {
    let mut arrival = Arrival::new(edge);
    let body = match receive(edge, body, &mut arrival).await {
        Ok(body) => body,
        Err(refused) => return refused,
    };
    let judged = judge(edge, peer, headers, &[decode::plausible::event(&body)], &mut arrival);
    // The client's text is gone before the wait begins.
    drop(body);
    match kept(judged).await {
        Ok(outcomes) => answer::taken(outcomes.into_iter().find_map(Result::ok).flatten()),
        Err(refusal) => refused(refusal),
    }
}

/// `GET /p.gif`: the image comes whatever became of the hit, and not before that is certain.
pub(super) async fn pixel(edge: &Edge, peer: IpAddr, headers: &HeaderMap, query: &str) -> Answer {
    let mut arrival = Arrival::new(edge);
    let page = head::text(headers, &header::REFERER);
    let said = decode::pixel::said(query, (!page.is_empty()).then_some(&*page));
    let judged = judge(edge, peer, headers, &[said], &mut arrival);
    drop(page);
    // What it could not keep, the spool counts.
    drop(kept(judged).await);
    answer::gif()
}

/// A request's body, or the answer that there is none to be read.
pub(super) async fn receive(
    edge: &Edge,
    body: Incoming,
    arrival: &mut Arrival<'_>,
) -> Result<Zeroizing<Vec<u8>>, Answer> {
    let (reason, status, why) = match body::read(body, edge.patience.body).await {
        Ok(body) => return Ok(body),
        Err(BodyError::TooLarge) => (
            RejectReason::TooLarge,
            StatusCode::PAYLOAD_TOO_LARGE,
            "a body has at most 65536 bytes\n",
        ),
        Err(BodyError::Timeout) => (
            RejectReason::Timeout,
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time\n",
        ),
        // Nobody reads this.
        Err(BodyError::Gone) => (RejectReason::Abandoned, StatusCode::BAD_REQUEST, ""),
    };
    arrival.refuse(None, reason);
    Err(answer::last(answer::text(status, why)))
}

/// Waits until what was queued is kept.
pub(super) async fn kept(judged: Judged) -> Result<Vec<Outcome>, Refusal> {
    let (receipt, outcomes) = judged?;
    receipt.kept().await.map_err(|Refused| Refusal::Full)?;
    Ok(outcomes)
}

/// How a refusal is told.
pub(super) fn refused(refusal: Refusal) -> Answer {
    match refusal {
        Refusal::Malformed(error) => answer::malformed(error),
        Refusal::Limited(wait) => answer::too_many(wait),
        Refusal::Full => answer::full(),
    }
}

/// Takes what was said to the spool, or counts why not. All that can be taken goes there at once or
/// not at all, so that a client that tries again counts once.
pub(super) fn judge(
    edge: &Edge,
    peer: IpAddr,
    headers: &HeaderMap,
    said: &[Result<Said<'_>, Malformed>],
    arrival: &mut Arrival<'_>,
) -> Judged {
    let head = Head::of(headers);
    let (address, prefix) = edge.trust.client(peer, headers);
    let client = RawClient {
        address,
        prefix,
        agent: Some(head.agent()),
        known: None,
        hints: head.hints(),
        language: head.language(),
        wishes: head.wishes(),
        prefetch: head.is_prefetch(),
    };
    let limited = edge.limiter.as_ref().and_then(|limiter| limiter.check(&client.prefix).err());
    if let Some(wait) = limited {
        for said in said {
            let site = said.as_ref().ok().and_then(|said| first_site(edge, said, arrival.at));
            arrival.refuse(site.as_ref(), RejectReason::RateLimited);
        }
        return Err(Refusal::Limited(wait));
    }
    let mut records = Vec::with_capacity(1);
    let mut outcomes = Vec::with_capacity(1);
    for said in said {
        let taken = said.as_ref().map_err(|error| (*error, None));
        let taken = taken.and_then(|said| records_of(edge, said, &client, arrival.at));
        outcomes.push(match taken {
            Ok(of_hit) => {
                let dropped = dropped(&of_hit);
                records.extend(of_hit);
                Ok(dropped)
            }
            Err((error, site)) => {
                arrival.refuse(site.as_ref(), RejectReason::Malformed);
                Err(error)
            }
        });
    }
    if let (true, Some(Err(error))) = (records.is_empty(), outcomes.first()) {
        return Err(Refusal::Malformed(*error));
    }
    let receipt = arrival.submit(records).map_err(|Full(_)| Refusal::Full)?;
    Ok((receipt, outcomes))
}

/// A hit's records: one for each site that it is for, or the error, and the site that it came up
/// at.
fn records_of(
    edge: &Edge,
    said: &Said<'_>,
    client: &RawClient<'_>,
    at: Second,
) -> Result<Vec<Record>, (Malformed, Option<SiteName>)> {
    edge.discarded(said.discarded());
    let mut records: Vec<Record> = Vec::with_capacity(1);
    for name in names(said) {
        if name.is_empty() {
            return Err((NO_DOMAIN, None));
        }
        let found = site_of(edge, said, name, at);
        let name = found.as_ref().map_or(&edge.unknown, |it| &it.site);
        // Two of its domains may be one site's: `example.com,www.example.com`.
        if records.iter().any(|record| record.site() == name) {
            continue;
        }
        records.push(match &found {
            None => Record::Drop { site: name.clone(), at, reason: DropReason::UnknownSite },
            Some(site) => deidentify(said.raw(client), site, &edge.places, at)
                .map_err(|error| (error, Some(name.clone())))?,
        });
    }
    Ok(records)
}

/// Why a hit is not counted, where it is not at any of its sites.
fn dropped(records: &[Record]) -> Option<DropReason> {
    let reason = |record: &Record| match record {
        Record::Drop { reason, .. } => Some(*reason),
        _ => None,
    };
    let first = records.first().and_then(reason);
    first.filter(|_| records.iter().all(|record| reason(record).is_some()))
}

/// The names of the sites that a hit is for: those that it says, else its page's host.
fn names<'a>(said: &'a Said<'_>) -> impl Iterator<Item = &'a str> {
    let host = || said.host().unwrap_or_default();
    said.names().map(move |name| if name.is_empty() { host() } else { name })
}

/// The site of a name.
fn site_of(edge: &Edge, said: &Said<'_>, name: &str, at: Second) -> Option<Arc<SiteDay>> {
    let host = || said.host().filter(|_| said.host_stands_in());
    edge.sites.find(name, at).or_else(|| edge.sites.find(host()?, at))
}

fn first_site(edge: &Edge, said: &Said<'_>, at: Second) -> Option<SiteName> {
    Some(site_of(edge, said, names(said).next()?, at)?.site.clone())
}
