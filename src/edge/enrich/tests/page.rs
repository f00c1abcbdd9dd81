//! URLs: host, path, campaign.

use super::super::click::Click;
use super::super::language_of;
use super::super::page::page_url;

fn check(url: &str, expected: Option<(&str, &str)>) {
    let page = page_url(url, "example.com");
    let found = page.as_ref().map(|it| (it.hostname.as_str(), it.page.as_str()));
    assert_eq!(found, expected, "{url}");
}

#[test]
fn a_url_becomes_its_host_and_path() {
    check("https://example.org/a/b?c=d#e", Some(("example.org", "/a/b")));
    check("https://Example.ORG:8443", Some(("example.org", "/")));
    check("HTTP://www.example.org/", Some(("www.example.org", "/")));
    check("https://example.org?utm_source=x", Some(("example.org", "/")));
    check("https://example.org#top", Some(("example.org", "/")));
    check("https://jane:secret@example.org/a", Some(("example.org", "/a")));
    check("https://xn--mnchen-3ya.de/", Some(("xn--mnchen-3ya.de", "/")));
    check("https://example.org./", Some(("example.org", "/")));
    check("/a/b?c=d", Some(("example.com", "/a/b")));
    check("  /a ", Some(("example.com", "/a")));
}

#[test]
fn what_is_no_page_is_refused() {
    let not_pages = [
        "",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "data:text/html,x",
        "about:blank",
        "a/b",
        "https://",
        "https:///a",
        "https://exa mple.org/",
        "https://a..b/",
        "https://.a/",
        "https://exam<ple.org/",
        "https://jane:secret/",
        "ftp://example.org/",
        "?utm_source=x",
    ];
    for url in not_pages {
        check(url, None);
    }
    check(&format!("https://{}.org/", "a".repeat(250)), None);
}

#[test]
fn hosts_are_no_addresses_and_carry_no_ids() {
    check("http://192.0.2.7:8080/a", Some((":address", "/a")));
    check("http://[2001:db8::1]/a", Some((":address", "/a")));
    check("http://3221225991/", Some((":address", "/")));
    check("http://0xc0000207/", Some((":address", "/")));
    check("https://a1b2c3d4e5.preview.example.org/", Some((":token.preview.example.org", "/")));
    check("https://12306.cn/", Some(("12306.cn", "/")));
    check("https://192.0.2.7.nip.io/", Some((":address.nip.io", "/")));
}

#[test]
fn of_a_query_only_the_campaign_is_read() {
    let url = "/?utm_source=News+Letter&UTM_Medium=email&utm_campaign=spring%20sale&utm_content=a\
               &utm_term=shoes&ref=friend&email=jane@example.com&utm_id=7&gclid=Cj0KCQiA";
    let campaign = page_url(url, "example.com").unwrap().campaign;
    assert_eq!(campaign.utm_source.as_str(), "News Letter");
    assert_eq!(campaign.utm_medium.as_str(), "email");
    assert_eq!(campaign.utm_campaign.as_str(), "spring sale");
    assert_eq!(campaign.utm_content.as_str(), "a");
    assert_eq!(campaign.utm_term.as_str(), "shoes");
    assert_eq!(campaign.tag.as_str(), "friend");
    assert_eq!(campaign.click, Click::of_key("gclid"));
}

#[test]
fn campaign_values_are_scrubbed() {
    let url = "/?utm_source=jane%40example.com&utm_campaign=20987654321&utm_term=a&utm_term=b\
               &source=two&ref=one&utm_content=&fbclid=";
    let campaign = page_url(url, "example.com").unwrap().campaign;
    assert_eq!(campaign.utm_source.as_str(), ":email");
    assert_eq!(campaign.utm_campaign.as_str(), ":number");
    assert_eq!(campaign.utm_term.as_str(), "a");
    assert_eq!(campaign.tag.as_str(), "two");
    assert!(campaign.utm_content.is_empty());
    assert_eq!(campaign.click, None);
}

#[test]
fn a_campaign_in_a_fragment_is_not_read() {
    let campaign = page_url("/a#/b?utm_source=x", "example.com").unwrap().campaign;
    assert!(campaign.utm_source.is_empty());
}

#[test]
fn a_language_is_its_primary_subtag() {
    let check = |header: &str, expected: &str| {
        assert_eq!(language_of(header).as_str(), expected, "{header}");
    };
    check("en-US,en;q=0.9", "en");
    check("DE", "de");
    check("zh_Hant-TW", "zh");
    check("gsw-CH;q=1", "gsw");
    check("*", "");
    check("", "");
    check("english", "");
    check("e1-US", "");
    check("日本", "");
}
