//! What is scrubbed, and what is not.

use super::super::scrub;
use super::super::{event_name, prop};
use crate::limits;

#[test]
fn paths_lose_identifiers_and_keep_their_names() {
    let corpus = [
        // What a page is called stays.
        ("/", "/"),
        ("", "/"),
        ("/blog/how-we-count-visitors", "/blog/how-we-count-visitors"),
        ("/blog/", "/blog/"),
        ("/2026/11/", "/2026/11/"),
        ("/2026/11/23/news", "/2026/11/23/news"),
        ("/news/2026-11-23-ten-things", "/news/2026-11-23-ten-things"),
        ("/season/2025-2026", "/season/2025-2026"),
        ("/product-123", "/product-123"),
        ("/products/1920x1080-wallpaper", "/products/1920x1080-wallpaper"),
        ("/iphone15pro", "/iphone15pro"),
        ("/iPhone15ProMax", "/iPhone15ProMax"),
        ("/docs/v2.10.3/index.html", "/docs/v2.10.3/index.html"),
        ("/wiki/JavaScript", "/wiki/JavaScript"),
        ("/HowWeCountVisitors", "/HowWeCountVisitors"),
        ("/@handle", "/@handle"),
        ("/package/@scope/name", "/package/@scope/name"),
        ("/package/react@18.2.0", "/package/react@18.2.0"),
        ("/covid19-vaccine-2021", "/covid19-vaccine-2021"),
        ("/x86_64/h264-mp4.html", "/x86_64/h264-mp4.html"),
        ("/caf%C3%A9/gr%C3%BC%C3%9Fe", "/café/grüße"),
        ("/%E6%9D%B1%E4%BA%AC/%D0%BC%D0%B8%D1%80", "/東京/мир"),
        ("/Rechtsschutzversicherungsgesellschaften", "/Rechtsschutzversicherungsgesellschaften"),
        ("/std::vec/facade", "/std::vec/facade"),
        ("/reset/", "/reset/"),
        ("/unsubscribe/success", "/unsubscribe/success"),
        ("/100%/50%off", "/100%/50%off"),
        ("/at/12:30:45", "/at/12:30:45"),
        // Query, fragment and matrix parameters go.
        ("/a?email=jane@example.com", "/a"),
        ("/a#/users/jane", "/a"),
        ("/a%3Fb=c/d", "/a"),
        ("/shop;jsessionid=0A1B2C3D4E5F/cart", "/shop/cart"),
        ("/map;lat=52;long=13", "/map"),
        // E-mail addresses.
        ("/users/jane@example.com", "/users/:email"),
        ("/users/jane%40example.com/edit", "/users/:email/edit"),
        ("/users/jane%2540example.com", "/users/:email"),
        ("/users/jane%252540example.com", "/users/:email"),
        ("/users/jane%25252540example.com", "/:token"),
        ("/contact-jane.doe+x@mail.example.co.uk-2", "/:email"),
        ("/to:jane@example.com,joe@example.org", "/to::email,:email"),
        ("/jane\u{ff20}example.com", "/:email"),
        ("/ja\u{200b}ne@exam\u{ad}ple.com", "/:email"),
        ("/jane@163.com", "/:email"),
        ("/jane@10.0.0.1", "/:email"),
        ("/@jane@social.example", "/:email"),
        ("/verify/amFuZUBleGFtcGxlLmNvbQ==", "/verify/:token"),
        ("/u/YUBiLmNv", "/u/:token"),
        ("/u/6a616e65406578616d706c652e636f6d", "/u/:id"),
        // Identifiers and tokens.
        ("/o/550e8400-e29b-41d4-a716-446655440000", "/o/:id"),
        ("/o/550E8400-E29B-41D4-A716-446655440000.pdf", "/o/:id.pdf"),
        ("/o/x-550e8400-e29b-41d4-a716-446655440000-y", "/o/x-:id-y"),
        ("/o/550e8400e29b41d4a716446655440000", "/o/:id"),
        ("/o/01ARZ3NDEKTSV4RRFFQ69G5FAV", "/o/:id"),
        ("/o/01arz3ndektsv4rrffq69g5fav", "/o/:id"),
        ("/commit/a1b2c3d4", "/commit/:token"),
        ("/commit/da39a3ee5e6b4b0d3255bfef95601890afd80709", "/commit/:token"),
        (
            "/s/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dBjftJeZ4CVPmB92K27uhbUJU1p1r",
            "/s/:token.:token.:token",
        ),
        ("/v/dQw4w9WgXcQ", "/v/:token"),
        ("/k/0ujtsYcgvSTl8PAuAdqWYSMnLOv", "/k/:token"),
        ("/reset/aB3x", "/reset/:token"),
        ("/Magic/k7", "/Magic/:token"),
        // Numbers.
        ("/orders/12345", "/orders/:number"),
        ("/orders/1234", "/orders/1234"),
        ("/post-123456-title", "/post-:number-title"),
        ("/product12345", "/:token"),
        ("/20261123", "/:number"),
        ("/tel/+49-171-1234567", "/tel/+:number"),
        ("/tel/(555) 123-4567", "/tel/(:number"),
        ("/tel/01 23 45 67 89", "/tel/:number"),
        ("/card/4111-1111-1111-1111", "/card/:number"),
        ("/\u{0661}\u{0662}\u{0663}\u{0664}\u{0665}", "/:number"),
        ("/\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}", "/:number"),
        // Addresses.
        ("/ip/192.0.2.7", "/ip/:address"),
        ("/ip/192.0.2.7:8080", "/ip/:address:8080"),
        ("/ip-10-0-0-1.internal", "/ip-:address.internal"),
        ("/host/v1.2.3.4", "/host/:address"),
        ("/ip/2001:db8::1", "/ip/:address"),
        ("/ip/::1", "/ip/:::address"),
        ("/ip/[fe80::1%25eth0]", "/ip/[:address%eth0]"),
        ("/ip/2001:db8:0:0:0:0:0:1", "/ip/:address"),
        ("/ip/::ffff:192.0.2.7", "/ip/:::address"),
        ("/mac/00:1a:2b:3c:4d:5e", "/mac/:address"),
        ("/mac/00-1a-2b-3c-4d-5e", "/mac/:address"),
        // Hiding and bounds.
        ("/a\u{0}b\u{202e}c", "/abc"),
        ("/a%0d%0ab", "/a b"),
        ("//a///b", "/a/b"),
        ("/a%2Fb", "/a/b"),
        ("/1/2/3/4/5/6/7/8/9/10", "/1/2/3/4/5/6/7/8"),
        ("/1/2/3/4/5/6/7/8/", "/1/2/3/4/5/6/7/8/"),
    ];
    for (path, expected) in corpus {
        assert_eq!(scrub::path(path), expected, "{path}");
    }
}

#[test]
fn values_lose_identifiers_and_keep_words() {
    let corpus = [
        ("pro", "pro"),
        ("  Summer   sale 2026 ", "Summer sale 2026"),
        ("42", "42"),
        ("19.99", "19.99"),
        ("1,299.99 EUR", "1,299.99 EUR"),
        ("Outbound Link: Click", "Outbound Link: Click"),
        ("10, 20, 30, 40", "10, 20, 30, 40"),
        ("2026-11-23 12:30:45", "2026-11-23 12:30:45"),
        ("50% off", "50% off"),
        ("Mail jane.doe@example.com now", "Mail :email now"),
        ("<jane@example.com>", "<:email>"),
        ("mailto:jane@example.com", "mailto::email"),
        ("tel:+491711234567", "tel:+:number"),
        ("call 0171 12 34 567 today", "call :number today"),
        ("user 550e8400-e29b-41d4-a716-446655440000", "user :id"),
        ("from 192.0.2.7", "from :address"),
        ("https://example.org/a?token=secret#x", "https://example.org/a"),
        ("https://jane:pw@example.org:8443/users/12345", "https://example.org/users/:number"),
        ("HTTP://192.0.2.7/a", "http://:address/a"),
        ("https://a b/c", ":token"),
        ("/search?q=jane+doe", "/search"),
        ("%2Fsearch%3Fq=jane", "/search"),
        ("", ""),
        ("\u{200b}\t", ""),
    ];
    for (value, expected) in corpus {
        assert_eq!(scrub::value(value, limits::PROP_VALUE_CHARS_MAX), expected, "{value}");
    }
}

#[test]
fn long_text_is_cut_between_words() {
    assert_eq!(scrub::value("one two three", 9), "one two");
    assert_eq!(scrub::value("one two three", 7), "one two");
    assert_eq!(scrub::value("one 12345 three", 9), "one");
    assert_eq!(scrub::value(&"é".repeat(99), 20), "é".repeat(20));
    assert_eq!(scrub::value(&"x".repeat(99), 20), ":token");
    let long = format!("/{}", "word-".repeat(99));
    let path = scrub::path(&long);
    assert_eq!(path, format!("/{}word", "word-".repeat(39)));
    assert!(path.chars().count() <= limits::PAGE_CHARS_MAX);
}

#[test]
fn a_property_needs_a_key_and_a_value() {
    let check = |key: &str, value: &str, expected: Option<(&str, &str)>| {
        let found = prop(key, value);
        let found = found.as_ref().map(|(key, value)| (key.as_str(), value.as_str()));
        assert_eq!(found, expected);
    };
    check("plan", "pro", Some(("plan", "pro")));
    check("jane@example.com", "1", Some((":email", "1")));
    check("plan", " ", None);
    check("\u{0}", "pro", None);
}

#[test]
fn event_names_are_bounded() {
    assert_eq!(event_name("Sign up").as_str(), "Sign up");
    assert_eq!(event_name("404").as_str(), "404");
    let name = event_name(&"word ".repeat(99));
    assert!(name.as_str().chars().count() <= limits::EVENT_NAME_CHARS_MAX);
    assert!(event_name("\u{7}").is_empty());
}

#[test]
fn what_the_tracker_measures_is_no_ones_number() {
    for (key, value) in
        [("TTFB", "0"), ("FCP", "9900"), ("LCP", "9900"), ("INP", "9900"), ("CLS", "0.05")]
    {
        let (found, kept) = prop(key, value).expect("a property");
        assert_eq!((found.as_str(), kept.as_str()), (key, value));
    }
    assert_eq!(prop("LCP", "10000").expect("a property").1.as_str(), ":number");
}
