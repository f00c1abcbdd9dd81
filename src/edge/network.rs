//! A range of addresses, as an operator writes it.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::net::IpAddr;

/// An IP network such as `10.0.0.0/8` or `2001:db8::/32`. One address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    bits: u8,
}

/// Why a text is no network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// No address before the slash.
    #[error("is no IP network; one is 10.0.0.0/8, another ::1/128")]
    Address,
    /// No length, or too large a one, behind it.
    #[error("has no valid prefix length: 0 to 32 for IPv4, 0 to 128 for IPv6")]
    Bits,
}

impl Network {
    /// A network from its text. Bits behind the prefix are ignored, as nginx does.
    pub fn parse(text: &str) -> Result<Self, NetworkError> {
        let text = text.trim();
        let (address, bits) = text.split_once('/').map_or((text, None), |(a, b)| (a, Some(b)));
        let base: IpAddr = address.parse().map_err(|_| NetworkError::Address)?;
        let most = if base.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().ok().filter(|n| *n <= most).ok_or(NetworkError::Bits)?,
        };
        Ok(Self { base: truncate(base, bits), bits })
    }

    /// Whether the address is in it. IPv4 in IPv6 counts as IPv4.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.base.is_ipv4() == address.is_ipv4() && truncate(address, self.bits) == self.base
    }
}

impl Network {
    /// Its first and last address.
    pub(super) fn range(&self) -> (IpAddr, IpAddr) {
        let free = |all: u32| all - u32::from(self.bits);
        let last = match self.base {
            IpAddr::V4(v4) => {
                let hosts = u32::MAX.checked_shr(32 - free(32)).unwrap_or(0);
                IpAddr::V4((v4.to_bits() | hosts).into())
            }
            IpAddr::V6(v6) => {
                let hosts = u128::MAX.checked_shr(128 - free(128)).unwrap_or(0);
                IpAddr::V6((v6.to_bits() | hosts).into())
            }
        };
        (self.base, last)
    }
}

/// The address with every bit behind the first `bits` set to zero.
pub(super) fn truncate(address: IpAddr, bits: u8) -> IpAddr {
    let bits = u32::from(bits);
    match address {
        IpAddr::V4(v4) => {
            let mask = u32::MAX.checked_shl(32 - bits.min(32)).unwrap_or(0);
            IpAddr::V4((v4.to_bits() & mask).into())
        }
        IpAddr::V6(v6) => {
            let mask = u128::MAX.checked_shl(128 - bits.min(128)).unwrap_or(0);
            IpAddr::V6((v6.to_bits() & mask).into())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(network: &str, address: &str, expected: bool) {
        let parsed = Network::parse(network).expect("a network");
        assert_eq!(parsed.contains(address.parse().expect("an address")), expected, "{network}");
    }

    #[test]
    fn an_address_is_in_a_network_by_its_prefix() {
        check("10.0.0.0/8", "10.255.1.2", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.1.2.3/8", "10.9.9.9", true);
        check("0.0.0.0/0", "203.0.113.9", true);
        check("0.0.0.0/0", "::1", false);
        check("203.0.113.7", "203.0.113.7", true);
        check("203.0.113.7", "203.0.113.8", false);
        check("127.0.0.0/8", "::ffff:127.0.0.1", true);
        check("2001:db8::/32", "2001:db8:ffff::1", true);
        check("::/0", "2001:db8::1", true);
        check("::1/128", "::1", true);
    }

    #[test]
    fn a_networks_range_ends_where_it_does() {
        let check = |network: &str, from: &str, to: &str| {
            let expected = (from.parse().expect("one"), to.parse().expect("one"));
            assert_eq!(Network::parse(network).expect("a network").range(), expected, "{network}");
        };
        check("10.0.0.0/8", "10.0.0.0", "10.255.255.255");
        check("192.0.2.7", "192.0.2.7", "192.0.2.7");
        check("0.0.0.0/0", "0.0.0.0", "255.255.255.255");
        check("2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff");
        check("::1", "::1", "::1");
    }

    #[test]
    fn what_is_no_network_is_said_to_be_none() {
        for text in ["", "10.0.0/8", "proxy.example", "10.0.0.0/33", "::/129", "::1/", "1.2.3.4/-1"]
        {
            assert!(Network::parse(text).is_err(), "{text}");
        }
    }
}
