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

/// A database in which every IPv4 address has `record`.
fn database_of(record: &[u8]) -> Vec<u8> {
    let metadata = map(&[
        ("binary_format_major_version", vec![0xa1, 2]),
        ("binary_format_minor_version", vec![0xa0]),
        ("build_epoch", vec![4, 2, 0x65, 0, 0, 0]),
        ("database_type", text("Test")),
        ("description", map(&[])),
        ("ip_version", vec![0xa1, 4]),
        ("languages", vec![0, 4]),
        ("node_count", vec![0xc1, 1]),
        ("record_size", vec![0xa1, 24]),
    ]);
    // One node, whose both sides are the first record: behind one node and 16 bytes.
    let tree = [0, 0, 17, 0, 0, 17];
    [&tree[..], &[0; 16], record, b"\xab\xcd\xefMaxMind.com", &metadata].concat()
}

fn text(text: &str) -> Vec<u8> {
    [&[0x40 | u8::try_from(text.len()).unwrap()], text.as_bytes()].concat()
}

fn map(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let head = vec![0xe0 | u8::try_from(entries.len()).unwrap()];
    let pairs = entries.iter().map(|(key, value)| [text(key), value.clone()].concat());
    [head].into_iter().chain(pairs).collect::<Vec<_>>().concat()
}

#[test]
fn both_shapes_are_read_and_only_codes_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("country.mmdb");
    let check = |record: Vec<u8>, expected: &str| {
        std::fs::write(&path, database_of(&record)).unwrap();
        let geo = Geo::open(&path).unwrap();
        assert_eq!(geo.country("192.0.2.0".parse().unwrap()).as_str(), expected);
        assert_eq!(geo.country("2001:db8::".parse().unwrap()).as_str(), "");
        assert_eq!(geo.built(), 0x6500_0000);
    };
    let nested = |code: &str| map(&[("country", map(&[("iso_code", text(code))]))]);
    check(nested("DE"), "DE");
    check(map(&[("country_code", text("FR"))]), "FR");
    check(nested("de"), "");
    check(nested("ZZ"), "");
    check(nested("D1"), "");
    check(nested("Germany"), "");
    check(map(&[("country", text("DE"))]), "");
    check(map(&[("city", text("Berlin"))]), "");
}
