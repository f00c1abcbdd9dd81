use hyper::header::HeaderValue;
use proptest::prelude::*;

use super::*;

fn trust(header: &'static str) -> Trust {
    let proxies = ["127.0.0.1/32", "::1/128", "10.0.0.0/8", "fd00::/8"];
    Trust {
        proxies: proxies.iter().map(|text| Network::parse(text).expect("a network")).collect(),
        header: HeaderName::from_static(header),
    }
}

#[track_caller]
fn check_header(header: &'static str, peer: &str, lines: &[&str], expected: Option<&str>) {
    let mut headers = HeaderMap::new();
    for line in lines {
        let value = HeaderValue::from_bytes(line.as_bytes()).expect("a value");
        headers.append(HeaderName::from_static(header), value);
    }
    let found = trust(header).resolve(peer.parse().expect("an address"), &headers);
    let expected = expected.map(|text| text.parse::<IpAddr>().expect("an address"));
    assert_eq!(found, expected, "{peer} {lines:?}");
}

#[track_caller]
fn check(peer: &str, lines: &[&str], expected: Option<&str>) {
    check_header("x-forwarded-for", peer, lines, expected);
}

#[test]
fn a_peer_that_is_not_trusted_is_the_client_whatever_it_says() {
    check("203.0.113.9", &["198.51.100.1"], Some("203.0.113.9"));
    check("::ffff:203.0.113.9", &["198.51.100.1"], Some("203.0.113.9"));
}

#[test]
fn the_header_of_a_trusted_peer_is_walked_from_the_right() {
    check("127.0.0.1", &["198.51.100.1"], Some("198.51.100.1"));
    check("127.0.0.1", &["6.6.6.6, 198.51.100.1"], Some("198.51.100.1"));
    check("127.0.0.1", &["6.6.6.6, 198.51.100.1, 10.1.2.3"], Some("198.51.100.1"));
    check("127.0.0.1", &["6.6.6.6", "198.51.100.1 , 10.1.2.3"], Some("198.51.100.1"));
    check("::1", &["198.51.100.1:4711"], Some("198.51.100.1"));
    check("127.0.0.1", &["[2001:db8::7]:443"], Some("2001:db8::7"));
    check("127.0.0.1", &["2001:db8::7"], Some("2001:db8::7"));
    check("127.0.0.1", &["fe80::1%eth0"], Some("fe80::1"));
    check("127.0.0.1", &["::ffff:198.51.100.1"], Some("198.51.100.1"));
}

#[test]
fn without_a_header_or_another_address_the_farthest_trusted_one_is_the_client() {
    check("127.0.0.1", &[], Some("127.0.0.1"));
    check("127.0.0.1", &["10.9.9.9, 10.1.2.3"], Some("10.9.9.9"));
}

#[test]
fn junk_makes_the_address_unknown() {
    for junk in [
        "",
        " ",
        "unknown",
        "999.1.1.1",
        "1.2.3",
        "a@b.example",
        "[::1",
        "1.2.3.4:x",
        "1.2.3.4:",
        "é",
    ] {
        check("127.0.0.1", &[junk], None);
        check("127.0.0.1", &[&format!("198.51.100.1, {junk}")], None);
        // What stands to the left of a good address is never looked at.
        check("127.0.0.1", &[&format!("{junk}, 198.51.100.1")], Some("198.51.100.1"));
    }
    let long = ["10.0.0.1"; 40].join(", ");
    check("127.0.0.1", &[&long], None);
}

#[test]
fn other_headers_are_read_in_their_own_form() {
    check_header("forwarded", "127.0.0.1", &["for=198.51.100.1;proto=https"], Some("198.51.100.1"));
    check_header(
        "forwarded",
        "127.0.0.1",
        &["for=6.6.6.6, proto=https;For=\"[2001:db8::7]:8080\", for=10.0.0.1"],
        Some("2001:db8::7"),
    );
    check_header("forwarded", "127.0.0.1", &["for=_hidden"], None);
    check_header("forwarded", "127.0.0.1", &["proto=https"], None);
    check_header("cf-connecting-ip", "10.2.2.2", &["198.51.100.1"], Some("198.51.100.1"));
}

#[test]
fn an_address_is_split_into_the_hash_s_bytes_and_a_network() {
    let split = |text: &str| RawAddress::split(Some(text.parse().expect("an address")));
    let (v4, network) = split("203.0.113.77");
    assert_eq!(v4.expose(), [203, 0, 113, 77]);
    assert_eq!(network.address(), "203.0.113.0".parse().ok());
    let (v6, network) = split("2001:db8:1:2:3:4:5:6");
    assert_eq!(v6.expose(), [0x20, 0x01, 0x0d, 0xb8, 0, 1, 0, 2]);
    assert_eq!(network.address(), "2001:db8:1::".parse().ok());
    let (none, network) = RawAddress::split(None);
    assert_eq!((none.expose().len(), network.address()), (0, None));
}

proptest! {
    #[test]
    fn no_header_bytes_make_the_resolver_panic_and_an_answer_is_never_from_the_left_of_junk(
        bytes in proptest::collection::vec(0x20_u8..=0xff, 0..200),
    ) {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(&bytes) {
            headers.append("x-forwarded-for", value);
        }
        let peer = IpAddr::from([127, 0, 0, 1]);
        std::hint::black_box(trust("x-forwarded-for").resolve(peer, &headers));
        std::hint::black_box(forwarded_for(&String::from_utf8_lossy(&bytes)));
    }

    #[test]
    fn every_address_comes_back_from_its_own_text(bits in any::<u128>(), v4 in any::<u32>()) {
        let v6 = IpAddr::V6(bits.into()).to_canonical();
        prop_assert_eq!(node(&v6.to_string()), Some(v6));
        prop_assert_eq!(node(&format!("[{v6}]:80")), if v6.is_ipv6() { Some(v6) } else { None });
        let v4 = IpAddr::V4(v4.into());
        prop_assert_eq!(node(&v4.to_string()), Some(v4));
        prop_assert_eq!(node(&format!("{v4}:80")), Some(v4));
    }
}
