//! Tests of who asks, from where, and of the URLs.

#![expect(clippy::disallowed_types, reason = "src/edge is where addresses are")]

use std::net::IpAddr;

use proptest::prelude::*;

use super::class::{Asked, told};
use super::networks::{Certainty, MailNetworks};
use super::path::{self, Path};
use super::registry::{Mailings, allowed_host, is_destination};
use super::{MailingConfig, MailingLink, MailingTokens};
use crate::edge::Places;
use crate::edge::raw::{RawAddress, RawClient, RawHints, RawText, Wishes};
use crate::hit::{DropReason, MailAction, MailClass, MailingId, Second, SiteName};
use crate::keys::LinkKey;

use MailAction::{Click, Forward, Open};
use MailClass::{Human, Prefetch, PrivacyProxy, Proxied, Scanner};

/// A device at home: an address of no filter.
const HOME: &str = "198.51.100.7";

/// Who asks, and with which program, on which system.
fn asks(
    action: MailAction,
    agent: &str,
    address: &str,
    since_sent_s: Option<i64>,
    prefetch: bool,
) -> (MailClass, String, String) {
    let (address, prefix) = RawAddress::split(address.parse().ok());
    let client = RawClient {
        address,
        prefix,
        agent: Some(RawText::new(agent)),
        known: None,
        hints: RawHints::default(),
        language: RawText::new(""),
        wishes: Wishes::default(),
        prefetch,
    };
    let told = told(&Asked { action, since_sent_s, client: &client }, &Places::default());
    (told.class, told.client.as_str().to_owned(), told.system.as_str().to_owned())
}

const CHROME: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like \
                      Gecko) Chrome/141.0.0.0 Safari/537.36";
const GMAIL: &str = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com \
                     GoogleImageProxy)";
const GMAIL_AHEAD: &str = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, \
                           like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0";
const YAHOO: &str = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html";

#[test]
fn a_service_is_known_by_what_it_says_of_itself() {
    let check = |agent: &str, open: (MailClass, &str), click: MailClass| {
        let (class, client, _) = asks(Open, agent, HOME, None, false);
        assert_eq!((class, client.as_str()), open, "{agent}");
        for action in [Click, Forward] {
            assert_eq!(asks(action, agent, HOME, None, false).0, click, "{agent}");
        }
    };
    check(GMAIL, (Proxied, "Gmail"), Scanner);
    check(YAHOO, (Proxied, "Yahoo Mail"), Scanner);
    check(GMAIL_AHEAD, (Prefetch, "Gmail"), Prefetch);
    check("Mozilla/5.0", (PrivacyProxy, "Apple Mail"), Scanner);
    check(" Mozilla/5.0 ", (PrivacyProxy, "Apple Mail"), Scanner);
    // Near misses: an Edge of that time, a browser.
    let edge = GMAIL_AHEAD.trim_end_matches(" Mozilla/5.0");
    check(edge, (Human, "Edge"), Human);
    check(CHROME, (Human, "Chrome"), Human);
}

#[test]
fn machines_are_told_by_agent_and_by_headers() {
    let check = |agent: &str, expected| {
        assert_eq!(asks(Open, agent, HOME, None, false).0, expected, "{agent}");
        assert_eq!(asks(Click, agent, HOME, None, false).0, expected, "{agent}");
    };
    for agent in [
        "",
        "curl/8.5.0",
        "python-requests/2.31.0",
        "Go-http-client/2.0",
        "Mozilla/5.0 (compatible; Barracuda Sentinel)",
        "Mozilla/5.0 (Windows NT 10.0) Mimecast",
        "Mozilla/5.0 (compatible; Proofpoint URL Defense)",
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 HeadlessChrome/120.0.0.0 Safari/537.36",
        "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    ] {
        check(agent, Scanner);
    }
    assert_eq!(asks(Click, CHROME, HOME, None, true).0, Prefetch);
    assert_eq!(asks(Open, CHROME, HOME, None, true).0, Prefetch);
}

#[test]
fn mail_programs_are_told_by_name_with_their_system() {
    let check = |agent: &str, expected: (&str, &str)| {
        let (class, client, system) = asks(Open, agent, HOME, None, false);
        assert_eq!((class, (client.as_str(), system.as_str())), (Human, expected), "{agent}");
    };
    check(
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.5.0",
        ("Thunderbird", "Linux"),
    );
    check(
        "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 10.0; Win64; x64; Trident/7.0; .NET4.0C; \
         Microsoft Outlook 16.0.17928; ms-office; MSOffice 16)",
        ("Outlook", "Windows"),
    );
    check(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like \
         Gecko) Mobile/15E148",
        ("Apple Mail", "iOS"),
    );
    check(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        ("Apple Mail", "macOS"),
    );
    check(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) \
         Version/18.1 Safari/605.1.15",
        ("Safari", "macOS"),
    );
}

#[test]
fn a_filters_network_is_known_to_its_last_address() {
    let check = |address: &str, expected| {
        assert_eq!(asks(Open, CHROME, address, None, false).0, expected, "{address}");
        assert_eq!(asks(Click, CHROME, address, None, false).0, expected, "{address}");
    };
    check("40.92.0.0", Scanner);
    check("40.93.255.255", Scanner);
    check("40.94.0.0", Human);
    check("40.91.255.255", Human);
    check("52.238.78.88", Scanner);
    check("52.238.78.89", Human);
    check("104.47.127.255", Scanner);
    check("104.47.128.0", Human);
    check("2a01:111:f403:ffff:ffff::1", Scanner);
    check("2a01:111:f404::1", Human);
    check("::ffff:40.92.0.1", Scanner);
    check("unknown", Human);
}

#[test]
fn where_people_are_too_the_minutes_after_the_sending_decide() {
    let list = "203.0.113.0/24 clicks probable\n203.0.113.64/26 opens certain # narrower\n";
    let networks = MailNetworks::parse(list).expect("a list");
    let find = |address: &str, action| {
        let (address, _) = RawAddress::split(address.parse().ok());
        networks.find(&address, action)
    };
    assert_eq!(find("203.0.113.1", Click), Some(Certainty::Probable));
    assert_eq!(find("203.0.113.1", Open), None);
    assert_eq!(find("203.0.113.70", Open), Some(Certainty::Certain));
    assert_eq!(find("203.0.113.70", Forward), Some(Certainty::Probable), "by the one around it");
    assert_eq!(find("203.0.114.1", Click), None);

    let at = |since| {
        let (address, prefix) = RawAddress::split("203.0.113.1".parse().ok());
        let client = RawClient {
            address,
            prefix,
            agent: Some(RawText::new(CHROME)),
            known: None,
            hints: RawHints::default(),
            language: RawText::new(""),
            wishes: Wishes::default(),
            prefetch: false,
        };
        let mail_networks = MailNetworks::parse(list).ok().map(std::sync::Arc::new);
        let places = Places { mail_networks, ..Places::default() };
        told(&Asked { action: Click, since_sent_s: since, client: &client }, &places).class
    };
    assert_eq!([at(Some(43)), at(Some(599))], [Scanner, Scanner]);
    assert_eq!([at(Some(600)), at(Some(-1)), at(None)], [Human, Human, Human]);
}

#[test]
fn a_line_that_is_none_is_named() {
    let check =
        |list: &str, line| assert_eq!(MailNetworks::parse(list).err(), Some(line), "{list}");
    check("192.0.2.0/24 all certain\n192.0.2.0/33 all certain", 2);
    check("# a\n\n192.0.2.0/24 some certain", 3);
    check("192.0.2.0/24 all sure", 1);
    check("192.0.2.0/24 all", 1);
    check("192.0.2.0/24 all certain more", 1);
}

proptest! {
    #[test]
    fn the_narrowest_network_that_speaks_of_it_decides(
        list in prop::collection::vec((any::<[u8; 2]>(), 8_u8..=32, 0_usize..3, any::<bool>()), 0..40),
        asked in any::<[u8; 2]>(),
    ) {
        let words = ["all", "opens", "clicks"];
        let lines = list.iter().map(|([a, b], bits, word, sure)| {
            let sure = if *sure { "certain" } else { "probable" };
            format!("10.{a}.{b}.0/{bits} {} {sure}\n", words[*word])
        });
        let networks = MailNetworks::parse(&lines.collect::<String>()).expect("a list");
        let address = IpAddr::from([10, asked[0], asked[1], 9]);
        let number = |[a, b]: [u8; 2], low: u8| u32::from_be_bytes([10, a, b, low]);
        for action in [Open, Click] {
            let speaks = list.iter().filter(|(at, bits, word, _)| {
                let mask = u32::MAX.checked_shl(32 - u32::from(*bits)).unwrap_or(0);
                number(*at, 0) & mask == number(asked, 9) & mask
                    && (words[*word] == "all" || (words[*word] == "opens") == (action == Open))
            });
            let narrowest = speaks.clone().map(|(_, bits, _, _)| *bits).max();
            let expected: Vec<bool> =
                speaks.filter(|it| Some(it.1) == narrowest).map(|it| it.3).collect();
            let (address, _) = RawAddress::split(Some(address));
            match networks.find(&address, action) {
                None => prop_assert!(expected.is_empty()),
                Some(found) => prop_assert!(expected.contains(&(found == Certainty::Certain))),
            }
        }
    }

    #[test]
    fn no_path_or_agent_makes_it_panic(path in ".{0,80}", agent in ".{0,80}") {
        for root in ["/e/o/", "/e/c/", "/e/s/", "/e/x/", ""] {
            let path = format!("{root}{path}");
            if let Some(parsed) = Path::parse(&path) {
                prop_assert!(path.contains(parsed.mailing().as_str()));
            }
        }
        asks(Open, &agent, HOME, Some(1), false);
    }
}

#[test]
fn a_link_leads_on_until_it_expires_and_only_where_it_may() {
    let id = MailingId::from_bits([9; 5]);
    let link = |number: u16, destination: &str| MailingLink {
        number,
        destination: destination.to_owned(),
        share: false,
    };
    let of = |hosts: &[&str]| MailingConfig {
        id,
        site: SiteName::parse("a.example").expect("a domain"),
        link_key: LinkKey::from_bytes([1; 32]),
        links: vec![link(1, "https://a.example/\u{e4}?b#c"), link(2, "https://b.example/")],
        hosts: hosts.iter().map(ToString::to_string).collect(),
        sent: None,
        counts_until: Second(50),
        links_until: Second(100),
        tokens: MailingTokens::None,
    };
    let key = LinkKey::from_bytes([1; 32]);
    let urls = super::MailingUrls { base: "", mailing: id, token: "" };
    let first = urls.link(1, key.of_link(id, 1, "https://a.example/\u{e4}?b#c"), false);
    let second = urls.link(2, key.of_link(id, 2, "https://b.example/"), false);
    let mailings = Mailings::default();
    mailings.set(vec![of(&["a.example", "b.example"])]);
    let leads = |path: &str, at: i64| {
        let path = Path::parse(path).expect("a path");
        let found = mailings.find(&path).map_err(|refused| refused.reason)?;
        let answer = found.leads(Second(at))?;
        let location = answer.headers().get("location").expect("a location");
        Ok(location.to_str().expect("ASCII").to_owned())
    };
    assert_eq!(leads(&first, 99), Ok("https://a.example/%C3%A4?b#c".to_owned()));
    assert_eq!(leads(&first, 100), Err(DropReason::MailingOver));
    assert_eq!(leads(&second, 0), Ok("https://b.example/".to_owned()));
    // A host that is allowed no more is looked at when the link is followed.
    mailings.set(vec![of(&["a.example"])]);
    assert_eq!(leads(&second, 0), Err(DropReason::BlockedLink));
    mailings.set(Vec::new());
    assert_eq!(leads(&first, 0), Err(DropReason::UnknownMailing));
}

#[test]
fn a_url_says_what_it_was_made_of() {
    let mailing = MailingId::from_bits([9; 5]);
    let key = LinkKey::from_bytes([1; 32]);
    for token in ["", "abc"] {
        let urls = super::MailingUrls { base: "", mailing, token };
        let mac = key.of_pixel(mailing);
        match Path::parse(&urls.pixel(mac)) {
            Some(Path::Pixel { mailing: it, mac: text, token: found }) => {
                assert!(it == mailing && mac.is(text) && found == token);
            }
            _ => panic!("a pixel"),
        }
        let mac = key.of_link(mailing, 12, "https://a.example/");
        for share in [false, true] {
            match Path::parse(&urls.link(12, mac, share)) {
                Some(Path::Link {
                    mailing: it,
                    number,
                    mac: text,
                    token: found,
                    share: shared,
                }) => {
                    assert!(it == mailing && number == 12 && mac.is(text));
                    assert!(found == token && shared == share);
                }
                _ => panic!("a link"),
            }
        }
    }
}

#[test]
fn what_a_mail_merge_forgot_is_seen() {
    for token in
        ["{{token}}", "%7B%7Btoken%7D%7D", "*|TOKEN|*", "%%token%%", "[[token]]", "<%= t %>"]
    {
        assert!(path::is_unmerged(token), "{token}");
    }
    for token in ["", "abcd2345", "%27", "token"] {
        assert!(!path::is_unmerged(token), "{token}");
    }
}

#[test]
fn a_link_leads_to_a_named_host_at_its_usual_port() {
    let check = |url: &str, expected| assert_eq!(is_destination(url), expected, "{url}");
    check("https://a.example/x?y#z", true);
    check("http://a.example/", true);
    check("https://a.example:443/", true);
    for url in [
        "https://a.example:8443/",
        "https://user@a.example/",
        "https://user:secret@a.example/",
        "https://192.0.2.1/",
        "https://[2001:db8::1]/",
        "https://2130706433/",
        "https://localhost/",
        "ftp://a.example/",
        "javascript:alert(1)",
        "//a.example/",
        "",
    ] {
        check(url, false);
    }
    let hosts = ["a.example".to_owned(), "*.b.example".to_owned()];
    let allowed = |url: &str, expected| assert_eq!(allowed_host(url, &hosts), expected, "{url}");
    allowed("https://a.example/", true);
    allowed("https://A.EXAMPLE/", true);
    allowed("https://x.b.example/", true);
    allowed("https://x.a.example/", false);
    allowed("https://b.example/", false);
    allowed("https://evilb.example/", false);
    allowed("https://a.example.evil.example/", false);
    allowed("https://\u{430}.example/", false);
    allowed("https://a.example\\@evil.example/", true);
    allowed("https://evil.example\\@a.example/", false);
}
