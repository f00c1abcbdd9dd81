//! The country database that `make setup` brings.

#![expect(clippy::disallowed_types, reason = "networks to look up")]

use std::net::IpAddr;

use super::super::{Geo, GeoError};

fn database() -> Geo {
    let path = Geo::default_database()
        .expect("there is no country.mmdb in the target folder: run `make setup`");
    Geo::open(&path).expect("country.mmdb in the target folder is broken: run `make setup`")
}

#[test]
fn a_network_has_its_country() {
    let geo = database();
    let check = |network: &str, expected: &str| {
        let network: IpAddr = network.parse().unwrap();
        assert_eq!(geo.country(network).as_str(), expected, "{network}");
    };
    check("193.0.6.0", "NL");
    check("133.11.0.0", "JP");
    check("2001:67c:2e8::", "NL");
    check("10.0.0.0", "");
    check("127.0.0.0", "");
    check("::", "");
    check("fe80::", "");
}

#[test]
fn a_database_says_when_it_was_built() {
    assert!(database().built() > 1_600_000_000);
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("country.mmdb");
    assert!(matches!(Geo::open(&path), Err(GeoError::Read { .. })));
    std::fs::write(&path, b"not a database").unwrap();
    assert!(matches!(Geo::open(&path), Err(GeoError::Format { .. })));
}
