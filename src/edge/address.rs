//! Whose request it is: the peer, or whom a trusted proxy names.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

#[cfg(test)]
mod tests;

use std::net::{IpAddr, Ipv6Addr};

use hyper::HeaderMap;
use hyper::header::HeaderName;

use super::network::Network;
use super::raw::{Prefix, RawAddress};
use crate::limits;

/// Whom to believe.
pub(super) struct Trust {
    /// Peers whose header is believed.
    pub(super) proxies: Vec<Network>,
    /// That one header.
    pub(super) header: HeaderName,
}

impl Trust {
    pub(super) fn believes(&self, address: IpAddr) -> bool {
        self.proxies.iter().any(|network| network.contains(address))
    }

    /// The client's address: split and truncated before anybody else sees it.
    pub(super) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> (RawAddress, Prefix) {
        RawAddress::split(self.resolve(peer, headers))
    }

    /// The peer, unless it is trusted; then the header is walked from the right, trusted hops are
    /// skipped, and the first other address wins. All trusted: the one that is farthest away. Junk
    /// on the way: unknown.
    fn resolve(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        let mut nearest = peer.to_canonical();
        if !self.believes(nearest) {
            return Some(nearest);
        }
        let lines = headers.get_all(&self.header).iter().rev();
        let mut hops = 0;
        for line in lines {
            // What is not UTF-8 is junk in its own item only.
            for item in String::from_utf8_lossy(line.as_bytes()).rsplit(',') {
                hops += 1;
                if hops > limits::FORWARDED_HOPS_MAX {
                    return None;
                }
                nearest = self.parse(item)?;
                if !self.believes(nearest) {
                    return Some(nearest);
                }
            }
        }
        Some(nearest)
    }

    fn parse(&self, item: &str) -> Option<IpAddr> {
        if self.header == hyper::header::FORWARDED { forwarded_for(item) } else { node(item) }
    }
}

/// `for=` of one element of a `Forwarded` header (RFC 7239).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let pair = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then_some(value.trim())
    })?;
    node(pair.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(pair))
}

/// An address with or without brackets, zone and port. `unknown` and hidden names are none.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let address = if let Some(rest) = text.strip_prefix('[') {
        let (inside, after) = rest.split_once(']')?;
        is_port(after).then(|| v6(inside))??
    } else if let Some((host, port)) = text.split_once(':')
        && !port.contains(':')
    {
        // One colon: IPv4 and a port.
        let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| host.parse().ok().map(IpAddr::V4))??
    } else if text.contains(':') {
        v6(text)?
    } else {
        IpAddr::V4(text.parse().ok()?)
    };
    Some(address.to_canonical())
}

fn is_port(text: &str) -> bool {
    text.is_empty()
        || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

fn v6(text: &str) -> Option<IpAddr> {
    let address = text.split_once('%').map_or(text, |(address, _zone)| address);
    address.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}
