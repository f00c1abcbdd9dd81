//! Raw hits: personal data, as a client sent it. It lives inside one request.
//!
//! Nothing here can be printed, copied, serialised or named outside the edge: the types have no
//! such implementation, a check at the end of this file keeps it so, and they are private to the
//! edge. The one way out is [`super::deidentify`], which takes a [`RawHit`] by value.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::net::IpAddr;

use zeroize::Zeroize;

use super::network::{Network, truncate};
use crate::hit::Revenue;

/// Text of a client. `expose` it only to what scrubs or hashes it.
#[derive(Default)]
pub(super) struct RawText<'a>(&'a str);

impl<'a> RawText<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self(text)
    }

    pub(super) fn expose(&self) -> &'a str {
        self.0
    }
}

/// The bytes of a client's address that are fed to the keyed hash: IPv4 whole, of IPv6 the /64;
/// none if it is unknown. Wiped on drop.
pub(super) struct RawAddress {
    bytes: [u8; 8],
    length: usize,
}

/// A client's network: IPv4 cut to /24, IPv6 to /48. What geolocation and rate limits see. No
/// `Debug`: it is still part of an address.
pub(super) struct Prefix(Option<IpAddr>);

/// Bits that are left of an address.
const V4_BITS: u8 = 24;
const V6_BITS: u8 = 48;

impl RawAddress {
    /// Splits an address: its bytes for the hash, and its truncated network. The address itself
    /// ends here.
    pub(super) fn split(address: Option<IpAddr>) -> (Self, Prefix) {
        let address = address.map(|address| address.to_canonical());
        let mut bytes = [0; 8];
        let (length, bits) = match address {
            None => (0, 0),
            Some(IpAddr::V4(v4)) => {
                bytes[..4].copy_from_slice(&v4.octets());
                (4, V4_BITS)
            }
            Some(IpAddr::V6(v6)) => {
                bytes.copy_from_slice(&v6.octets()[..8]);
                (8, V6_BITS)
            }
        };
        (Self { bytes, length }, Prefix(address.map(|address| truncate(address, bits))))
    }

    /// Whether it is in an operator's network. Of IPv6 only the /64 is known here.
    pub(super) fn is_in(&self, network: &Network) -> bool {
        self.find(|address| network.contains(address)).unwrap_or(false)
    }

    /// What is found by it; none if it is unknown. Of IPv6 only the /64 is known here.
    pub(super) fn find<T>(&self, find: impl FnOnce(IpAddr) -> T) -> Option<T> {
        let address = match self.length {
            4 => {
                let [a, b, c, d, ..] = self.bytes;
                IpAddr::from([a, b, c, d])
            }
            8 => {
                let mut whole = [0; 16];
                whole[..8].copy_from_slice(&self.bytes);
                IpAddr::from(whole)
            }
            _ => return None,
        };
        Some(find(address))
    }

    /// For the keyed hash only.
    pub(super) fn expose(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}

impl Drop for RawAddress {
    fn drop(&mut self) {
        self.bytes.zeroize();
    }
}

impl Prefix {
    /// The truncated address; none if it is unknown.
    pub(super) fn address(&self) -> Option<IpAddr> {
        self.0
    }
}

/// What the client wants to be left out of.
#[derive(Default)]
pub(super) struct Wishes {
    /// It opted out here.
    pub(super) opted_out: bool,
    /// Sec-GPC or DNT.
    pub(super) no_tracking: bool,
}

/// What a browser tells of itself beside its agent (<https://wicg.github.io/ua-client-hints>); each
/// empty where it does not.
#[derive(Default)]
pub(super) struct RawHints<'a> {
    /// `Sec-CH-UA`: what it is built on and what it is called.
    pub(super) brands: RawText<'a>,
    /// `Sec-CH-UA-Mobile`.
    pub(super) mobile: RawText<'a>,
    /// `Sec-CH-UA-Platform`.
    pub(super) platform: RawText<'a>,
    /// `Sec-CH-UA-Platform-Version`, which only a site that asks for it is told.
    pub(super) platform_version: RawText<'a>,
}

/// What another system made of an agent and an address, where only that is left: its own words.
#[derive(Default)]
pub(super) struct RawKnown<'a> {
    pub(super) browser: RawText<'a>,
    pub(super) os: RawText<'a>,
    pub(super) device: RawText<'a>,
    pub(super) country: RawText<'a>,
}

/// Who sent a request, as far as it tells.
pub(super) struct RawClient<'a> {
    pub(super) address: RawAddress,
    pub(super) prefix: Prefix,
    /// None where agents are not told at all, as in some logs: then none is taken for a robot.
    pub(super) agent: Option<RawText<'a>>,
    /// None where agent and address speak for themselves.
    pub(super) known: Option<RawKnown<'a>>,
    pub(super) hints: RawHints<'a>,
    pub(super) language: RawText<'a>,
    pub(super) wishes: Wishes,
    /// Nobody looks at the page yet.
    pub(super) prefetch: bool,
}

/// What a hit says, as its client put it.
pub(super) enum RawKind<'a> {
    Pageview,
    Event {
        name: RawText<'a>,
        interactive: bool,
        props: Vec<(RawText<'a>, RawText<'a>)>,
        revenue: Option<Revenue>,
    },
    Engagement {
        engaged_ms: u32,
        scroll_percent: Option<u8>,
    },
    /// Nothing that is counted here.
    Unsupported,
}

/// One hit as its client sent it.
pub(super) struct RawHit<'a> {
    pub(super) client: &'a RawClient<'a>,
    pub(super) kind: RawKind<'a>,
    /// Its script says that a machine drives the browser.
    pub(super) automated: bool,
    /// Its consent manager says no.
    pub(super) denied: bool,
    /// Its script says that the screen takes more than one finger.
    pub(super) touch: bool,
    pub(super) url: RawText<'a>,
    pub(super) referrer: RawText<'a>,
    /// An identifier that the site sent on purpose.
    pub(super) device: RawText<'a>,
}

/// Does not compile once a raw type can be printed, copied or serialised: the call is ambiguous
/// then.
macro_rules! never_implements {
    ($($raw:ty),* => $($forbidden:path = $mark:ty),*) => {
        const _: () = {
            trait Never<Why> {
                fn holds() {}
            }
            impl<T: ?Sized> Never<()> for T {}
            $(impl<T: ?Sized + $forbidden> Never<$mark> for T {})*
            $(let _ = <$raw as Never<_>>::holds;)*
        };
    };
}

never_implements!(
    RawText<'static>, RawAddress, Prefix, Wishes, RawHints<'static>, RawKnown<'static>, RawClient<'static>,
    RawKind<'static>, RawHit<'static>
    => std::fmt::Debug = u8, std::fmt::Display = u16, Clone = u32, serde::Serialize = u64
);
