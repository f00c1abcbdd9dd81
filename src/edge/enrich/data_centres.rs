//! The networks of data centres: nobody browses from there, but programs do.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::edge::network::Network;

/// The list's name beside the executable, where the build puts it.
const LIST: &str = "data-centres.txt";

/// Networks, as ranges in the order of their beginnings, none of which overlap.
pub struct DataCentres(Vec<(IpAddr, IpAddr)>);

/// Why a list cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DataCentresError {
    /// The file cannot be read.
    #[error("cannot read the list of data centres {0} ({1})")]
    Read(PathBuf, std::io::Error),
    /// A line is none.
    #[error("{0}, line {1}: give one network a line, such as 192.0.2.0/24")]
    Line(PathBuf, usize),
}

impl DataCentres {
    /// Reads a list: a network a line; what stands behind a `#` is not read.
    pub fn open(path: &Path) -> Result<Self, DataCentresError> {
        let text = fs::read_to_string(path)
            .map_err(|error| DataCentresError::Read(path.to_owned(), error))?;
        Self::parse(&text).map_err(|line| DataCentresError::Line(path.to_owned(), line))
    }

    /// The list that came with the program, if it did.
    #[must_use]
    pub fn default_list() -> Option<PathBuf> {
        super::geo::beside_the_program(LIST)
    }

    fn parse(text: &str) -> Result<Self, usize> {
        let mut ranges: Vec<(IpAddr, IpAddr)> = Vec::new();
        for (line, number) in text.lines().zip(1_usize..) {
            let network = line.split('#').next().unwrap_or_default().trim();
            if !network.is_empty() {
                ranges.push(Network::parse(network).map_err(|_| number)?.range());
            }
        }
        ranges.sort_unstable();
        // Networks overlap by one holding the other.
        let mut apart: Vec<(IpAddr, IpAddr)> = Vec::with_capacity(ranges.len());
        for (from, to) in ranges {
            match apart.last_mut() {
                Some((_, end)) if from <= *end => *end = to.max(*end),
                _ => apart.push((from, to)),
            }
        }
        Ok(Self(apart))
    }

    /// Whether a truncated address is in one of them: a network finer than that is, where it begins
    /// at it.
    pub(in crate::edge) fn hold(&self, truncated: IpAddr) -> bool {
        let at = self.0.partition_point(|(from, _)| *from <= truncated);
        at.checked_sub(1).is_some_and(|at| truncated <= self.0[at].1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_networks_addresses_are_found_and_no_others() {
        let list =
            "# made up\n192.0.2.0/24\n198.51.0.0/16 # wide\n198.51.100.0/24\n2001:db8::/32\n";
        let Ok(list) = DataCentres::parse(list) else { panic!("a list") };
        let check = |address: &str, expected: bool| {
            assert_eq!(list.hold(address.parse().expect("an address")), expected, "{address}");
        };
        check("192.0.2.0", true);
        check("192.0.1.0", false);
        check("192.0.3.0", false);
        check("198.51.100.0", true);
        check("198.51.255.0", true);
        check("198.52.0.0", false);
        check("2001:db8:1::", true);
        check("2001:db9::", false);
        check("0.0.0.0", false);
    }

    #[test]
    fn a_line_that_is_no_network_is_named() {
        assert_eq!(DataCentres::parse("192.0.2.0/24\n\nhello").err(), Some(3));
    }
}
