//! Mails: the pixel, the links, and a recipient's way out.
//!
//! *Owns* the URLs under `/e/`, where they lead, who or what asks for them.
//! *In*: requests; the mailings that there are ([`MailingConfig`]). *Out*: [`Record::Mail`]s.
//! *Never* leads to a host that the mailing does not allow; never has a reader wait for a count;
//! never answers a forged URL otherwise than a good one, but by not leading anywhere.
//!
//! ```text
//! path      /e/{o,c,s,x}/… → what it says
//! registry  the mailings, and whether a path is one of theirs
//! class     who asks; networks: by their address
//! events    what happened → a record
//! stop      the page on which a recipient withdraws
//! ```

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses and requests are")]

mod class;
mod events;
mod networks;
mod path;
mod registry;
mod stop;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, StatusCode};

pub use networks::{MailNetworks, MailNetworksError};
pub use path::MailingUrls;
pub(super) use registry::Mailings;
pub use registry::{MailingConfig, MailingLink, MailingTokens, allowed_host, is_destination};

use super::Edge;
use super::answer::{self, Answer};
use super::arrival::Arrival;
use super::sink;
use crate::hit::{DropReason, MailingId, Record, Second};
use path::Path;
use registry::{Found, Refused};

/// The path under which all of it is.
pub(super) const ROOT: &str = "/e/";

/// A request under [`ROOT`].
pub(super) async fn answer(
    edge: &Edge,
    peer: IpAddr,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
) -> Answer {
    let get = match *method {
        Method::GET => true,
        Method::HEAD => false,
        Method::OPTIONS => return options(),
        Method::POST if Path::parse(path).is_some_and(|path| matches!(path, Path::Stop { .. })) => {
            return stop::withdraw(edge, path).await;
        }
        _ => return answer::not_allowed("GET, HEAD"),
    };
    let parsed = Path::parse(path);
    if path.starts_with("/e/o/") {
        if get {
            open(edge, peer, headers, parsed.as_ref()).await;
        }
        return pixel();
    }
    match parsed {
        Some(Path::Stop { .. }) => stop::page(),
        Some(path @ Path::Link { .. }) => follow(edge, peer, headers, &path, get),
        Some(Path::Pixel { .. }) | None => {
            if get {
                count_unknown(edge, peer, headers);
            }
            nowhere()
        }
    }
}

/// The record by which a recipient withdraws; none: the token is nobody's.
pub(super) fn withdrawal(edge: &Edge, id: MailingId, token: &str, at: Second) -> Option<Record> {
    let mailing = edge.mailings.get(id)?;
    events::withdrawal(&Found { mailing, link: None, token: token.to_owned() }, at)
}

/// The pixel was fetched. It is shown whatever became of that.
async fn open(edge: &Edge, peer: IpAddr, headers: &HeaderMap, path: Option<&Path<'_>>) {
    let mut arrival = Arrival::new(edge);
    let found = path.ok_or_else(Refused::unknown).and_then(|path| edge.mailings.find(path));
    if let Some(record) = events::record(edge, peer, headers, found, &mut arrival)
        && let Ok(receipt) = arrival.submit(vec![record])
    {
        // What it could not keep, the spool counts.
        let (Ok(()) | Err(sink::Refused)) = receipt.kept().await;
    }
}

/// A link was followed. Its reader is sent on before anything is kept.
fn follow(edge: &Edge, peer: IpAddr, headers: &HeaderMap, path: &Path<'_>, counts: bool) -> Answer {
    let (found, answer) = match edge.mailings.find(path) {
        Err(refused) => (Err(refused), nowhere()),
        Ok(found) => match found.leads(edge.clock.now()) {
            Ok(destination) => (Ok(found), destination),
            Err(DropReason::MailingOver) => {
                (Err(found.refused(DropReason::MailingOver)), expired())
            }
            Err(reason) => (Err(found.refused(reason)), nowhere()),
        },
    };
    if counts {
        let mut arrival = Arrival::new(edge);
        if let Some(record) = events::record(edge, peer, headers, found, &mut arrival) {
            // Nobody waits for it: its commit goes on by itself.
            drop(arrival.submit(vec![record]));
        }
    }
    answer
}

/// Counts a request for what is no URL of a mailing.
fn count_unknown(edge: &Edge, peer: IpAddr, headers: &HeaderMap) {
    let mut arrival = Arrival::new(edge);
    let unknown = Err(Refused::unknown());
    if let Some(record) = events::record(edge, peer, headers, unknown, &mut arrival) {
        drop(arrival.submit(vec![record]));
    }
}

/// The pixel: always whole, never from a cache, and nothing for a search engine.
fn pixel() -> Answer {
    let mut answer = answer::gif();
    answer::set(&mut answer, header::PRAGMA, "no-cache");
    private(&mut answer);
    answer
}

fn private(answer: &mut Answer) {
    answer::set(answer, header::REFERRER_POLICY, "no-referrer");
    answer::set(answer, header::HeaderName::from_static("x-robots-tag"), "noindex");
}

fn not_kept(mut answer: Answer) -> Answer {
    answer::set(&mut answer, header::CACHE_CONTROL, "no-store");
    private(&mut answer);
    answer
}

/// Where the reader wants to go. Never for good: a link that is remembered is not counted, and
/// cannot be ended.
fn sent_to(destination: &HeaderValue) -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::FOUND;
    answer.headers_mut().insert(header::LOCATION, destination.clone());
    not_kept(answer)
}

fn nowhere() -> Answer {
    not_kept(answer::text(StatusCode::NOT_FOUND, "this link leads nowhere\n"))
}

fn expired() -> Answer {
    not_kept(answer::text(StatusCode::GONE, "this link has expired\n"))
}

fn options() -> Answer {
    let mut answer = Answer::default();
    *answer.status_mut() = StatusCode::NO_CONTENT;
    answer::set(&mut answer, header::ALLOW, "GET, HEAD, OPTIONS");
    answer
}

impl Found {
    /// The answer that leads to the link's destination, or why there is none.
    fn leads(&self, now: Second) -> Result<Answer, DropReason> {
        if self.mailing.has_expired(now) {
            return Err(DropReason::MailingOver);
        }
        let allowed = self.link.as_ref().filter(|link| self.mailing.allows(link));
        allowed.map(|link| sent_to(&link.location)).ok_or(DropReason::BlockedLink)
    }
}
