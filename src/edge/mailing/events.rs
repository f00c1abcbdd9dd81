//! What happened to a mail, as a record: the one way out of the edge for it.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::net::IpAddr;

use hyper::header::HeaderMap;

use super::class::{self, Asked, Told};
use super::path;
use super::registry::{Found, Mailing, MailingTokens, Refused};
use crate::edge::Edge;
use crate::edge::arrival::Arrival;
use crate::edge::head::Head;
use crate::edge::raw::{Prefix, RawClient};
use crate::edge::sites::{Signals, SiteDay};
use crate::hit::{
    DropReason, MailAction, MailClass, MailHit, Recipient, Record, RejectReason, Second, Text,
    Visitor, VisitorId,
};
use crate::keys::{KeyId, VisitorParts};

/// Stands where a visitor's language stands, so that a mail's reader and a site's visitor never
/// have one id.
const MAIL: &[u8] = b"\0mail";

/// The record of what happened. None: it was refused, and the ledger knows.
pub(super) fn record(
    edge: &Edge,
    peer: IpAddr,
    headers: &HeaderMap,
    found: Result<Found, Refused>,
    arrival: &mut Arrival<'_>,
) -> Option<Record> {
    let at = arrival.at;
    let name = match &found {
        Ok(found) => Some(&found.mailing.site),
        Err(refused) => refused.site.as_ref(),
    };
    let site = name.and_then(|name| edge.sites.find(name.as_str(), at));
    let head = Head::of(headers);
    let (address, prefix) = edge.trust.client(peer, headers);
    let limiter = edge.limiter.as_ref();
    if limiter.is_some_and(|limiter| limiter.check(&prefix).is_err()) {
        arrival.refuse(site.as_ref().map(|site| &site.site), RejectReason::RateLimited);
        return None;
    }
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
    let Some(site) = site else {
        let reason = found.err().map_or(DropReason::UnknownSite, |refused| refused.reason);
        return Some(Record::Drop { site: edge.unknown.clone(), at, reason });
    };
    let said = found.map_err(|refused| refused.reason).and_then(|found| {
        let said = said(edge, &site, &found, &client, at)?;
        Ok((found, said))
    });
    Some(match said {
        Err(reason) => Record::Drop { site: site.site.clone(), at, reason },
        Ok((found, (told, recipient))) => Record::Mail(Box::new(MailHit {
            site: site.site.clone(),
            at,
            mailing: found.mailing.id,
            link: found.link.as_ref().map_or(0, |link| link.number),
            action: found.action(),
            class: told.class,
            client: told.client,
            system: told.system,
            country: told.country,
            sender: sender(&site, &client),
            recipient,
        })),
    })
}

/// Who it was, or why it is not counted.
fn said(
    edge: &Edge,
    site: &SiteDay,
    found: &Found,
    client: &RawClient<'_>,
    at: Second,
) -> Result<(Told, Option<Recipient>), DropReason> {
    if client.wishes.opted_out || (client.wishes.no_tracking && site.signals == Signals::Drop) {
        return Err(DropReason::OptOut);
    }
    if at >= found.mailing.counts_until {
        return Err(DropReason::MailingOver);
    }
    if let Some(reason) = site.rules.of_client(client) {
        return Err(reason);
    }
    let recipient = recipient(&found.mailing, &found.token, &client.prefix)?;
    let since_sent_s = found.mailing.sent.map(|sent| at.0 - sent.0);
    let told = class::told(&Asked { action: found.action(), since_sent_s, client }, &edge.places);
    // Asked not to be told apart, it is one of all recipients.
    Ok((told, recipient.filter(|_| !client.wishes.no_tracking)))
}

/// Whose mail it is. None: nobody's in particular.
fn recipient(
    mailing: &Mailing,
    token: &str,
    prefix: &Prefix,
) -> Result<Option<Recipient>, DropReason> {
    match &mailing.tokens {
        _ if token.is_empty() || path::is_unmerged(token) => Ok(None),
        // Not made for it, or by a key that nobody can try any more.
        MailingTokens::None => Err(DropReason::Forged),
        MailingTokens::Destroyed => Err(DropReason::MailingOver),
        MailingTokens::Alive(key) => {
            key.recipient(token, &network(prefix)).map(Some).ok_or(DropReason::Forged)
        }
    }
}

/// The device, on this day: by its truncated address and its agent.
fn sender(site: &SiteDay, client: &RawClient<'_>) -> Option<(KeyId, VisitorId)> {
    if client.wishes.no_tracking {
        return None;
    }
    let agent = client.agent.as_ref().map(|agent| agent.expose().as_bytes()).unwrap_or_default();
    let parts =
        VisitorParts { address: &network(&client.prefix), agent, language: MAIL, device: b"" };
    match site.visitor(&parts) {
        Visitor::Known { key, id, before: _ } => Some((key, id)),
        Visitor::Withheld | Visitor::Lost => None,
    }
}

fn network(prefix: &Prefix) -> Vec<u8> {
    match prefix.address() {
        None => Vec::new(),
        Some(IpAddr::V4(v4)) => v4.octets()[..3].to_vec(),
        Some(IpAddr::V6(v6)) => v6.octets()[..6].to_vec(),
    }
}

/// The record by which a recipient withdraws; none: the token is nobody's.
pub(super) fn withdrawal(found: &Found, at: Second) -> Option<Record> {
    let MailingTokens::Alive(key) = &found.mailing.tokens else { return None };
    let recipient = key.recipient(&found.token, b"")?;
    Some(Record::Mail(Box::new(MailHit {
        site: found.mailing.site.clone(),
        at,
        mailing: found.mailing.id,
        link: 0,
        action: MailAction::Withdrawal,
        class: MailClass::Human,
        client: Text::EMPTY,
        system: Text::EMPTY,
        country: Text::EMPTY,
        sender: None,
        recipient: Some(recipient),
    })))
}
