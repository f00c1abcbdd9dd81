//! The country database that `make setup` brings.

#![expect(clippy::disallowed_types, reason = "networks to look up")]

use std::net::IpAddr;

use super::super::{Detail, Geo, GeoError};

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
        assert_eq!(geo.place(network, Detail::City).country.as_str(), expected, "{network}");
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

fn shown(geo: &Geo, network: &str, detail: Detail) -> String {
    let place = geo.place(network.parse().unwrap(), detail);
    [place.country, place.region, place.city].map(|it| it.as_str().to_owned()).join("|")
}

#[test]
fn both_shapes_are_read_and_only_codes_come_out() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("country.mmdb");
    let check = |record: Vec<u8>, expected: &str| {
        std::fs::write(&path, database_of(&record)).unwrap();
        let geo = Geo::open(&path).unwrap();
        assert_eq!(shown(&geo, "192.0.2.0", Detail::Country), format!("{expected}||"));
        assert_eq!(shown(&geo, "2001:db8::", Detail::Country), "||");
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

#[test]
fn regions_and_cities_are_told_where_they_are_to_be_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("city.mmdb");
    let flat = |city: &str| {
        map(&[("country_code", text("GB")), ("state1", text("England")), ("city", text(city))])
    };
    let check = |record: Vec<u8>, detail: Detail, expected: &str| {
        std::fs::write(&path, database_of(&record)).unwrap();
        let geo = Geo::open(&path).unwrap();
        assert_eq!(shown(&geo, "192.0.2.0", detail), expected);
    };
    check(flat("London (Shadwell)"), Detail::City, "GB|England|London");
    check(flat("London"), Detail::Region, "GB|England|");
    check(flat("London"), Detail::Country, "GB||");
    check(flat(""), Detail::City, "GB|England|");
    let names = |name: &str| map(&[("names", map(&[("en", text(name))]))]);
    let list = [&[1, 4][..], &names("Berlin")].concat();
    let nested = map(&[
        ("country", map(&[("iso_code", text("DE"))])),
        ("subdivisions", list),
        ("city", names("Berlin")),
    ]);
    check(nested, Detail::City, "DE|Berlin|Berlin");
}

#[test]
fn the_first_database_that_knows_a_network_tells_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, record: &[u8]| {
        let path = folder.path().join(name);
        std::fs::write(&path, database_of(record)).unwrap();
        path
    };
    let nothing = write("nothing", &map(&[("city", text("Berlin"))]));
    let one = write("one", &map(&[("country_code", text("FR"))]));
    let other = write("other", &map(&[("country_code", text("DE"))]));
    let first = |paths: &[&std::path::PathBuf]| {
        shown(&Geo::open_all(paths).unwrap(), "192.0.2.0", Detail::City)
    };
    assert_eq!(first(&[&nothing, &one, &other]), "FR||");
    assert_eq!(first(&[&other, &one]), "DE||");
}

/// What is lost by looking up a network instead of an address: made-up addresses from the whole
/// space, as a generator with a fixed seed gives them.
#[test]
fn truncation_costs_next_to_no_country() {
    let geo = database();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let (mut known, mut same) = (0_u32, 0_u32);
    for _ in 0..200_000 {
        let address = IpAddr::from(u32::try_from(random() >> 32).unwrap().to_be_bytes());
        let exact = geo.place(address, Detail::Country).country;
        if !exact.is_empty() {
            let (_, network) = super::super::super::raw::RawAddress::split(Some(address));
            let network = network.address().unwrap();
            known += 1;
            same += u32::from(geo.place(network, Detail::Country).country == exact);
        }
    }
    assert!(known > 100_000, "{known}");
    assert!(f64::from(same) / f64::from(known) > 0.9995, "{same} of {known}");
}
