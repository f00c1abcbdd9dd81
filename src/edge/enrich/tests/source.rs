//! Sources and channels.

use std::collections::HashSet;

use super::super::page::page_url;
use super::super::source::source_of;
use super::super::spam::is_spam;

/// A visit to `/?query` of example.com from `referrer`: its channel, source and referrer host.
#[track_caller]
fn check(query: &str, referrer: &str, expected: (&str, &str, &str)) {
    let page = page_url(&format!("https://www.example.com/?{query}"), "").unwrap();
    let source = source_of(&page.campaign, referrer, page.hostname.as_str());
    let found = (source.channel.as_str(), source.source.as_str(), source.referrer_host.as_str());
    assert_eq!(found, expected, "?{query} from {referrer}");
}

#[test]
fn a_referrer_is_named_by_its_host() {
    check("", "", ("Direct", "", ""));
    check("", "https://www.google.com/", ("Organic Search", "Google", "google.com"));
    check("", "https://google.co.uk/search?q=jane", ("Organic Search", "Google", "google.co.uk"));
    check("", "https://de.search.yahoo.com/x", ("Organic Search", "Yahoo", "de.search.yahoo.com"));
    check("", "https://yandex.com.tr/", ("Organic Search", "Yandex", "yandex.com.tr"));
    check("", "https://duckduckgo.com", ("Organic Search", "DuckDuckGo", "duckduckgo.com"));
    check("", "https://l.facebook.com/l.php?u=x", ("Organic Social", "Facebook", "l.facebook.com"));
    check("", "https://t.co/aB3", ("Organic Social", "X", "t.co"));
    check(
        "",
        "https://news.ycombinator.com/",
        ("Organic Social", "Hacker News", "news.ycombinator.com"),
    );
    check("", "https://m.youtube.com/", ("Organic Video", "YouTube", "m.youtube.com"));
    check("", "https://www.amazon.de/", ("Organic Shopping", "Amazon", "amazon.de"));
    check("", "https://chatgpt.com/", ("AI Assistants", "ChatGPT", "chatgpt.com"));
    check("", "https://gemini.google.com/", ("AI Assistants", "Gemini", "gemini.google.com"));
    check("", "https://mail.google.com/", ("Email", "Gmail", "mail.google.com"));
    check("", "android-app://com.google.android.gm/", ("Email", "Gmail", "com.google.android.gm"));
    check("", "android-app://com.slack", ("Referral", "com.slack", "com.slack"));
    check(
        "",
        "https://jane.example.org/secret?x",
        ("Referral", "jane.example.org", "jane.example.org"),
    );
    check("", "http://192.0.2.7/", ("Referral", ":address", ":address"));
}

#[test]
fn look_alikes_are_not_taken_for_what_they_copy() {
    check("", "https://google.evil.com/", ("Referral", "google.evil.com", "google.evil.com"));
    check("", "https://notfacebook.com/", ("Referral", "notfacebook.com", "notfacebook.com"));
    check("", "https://docs.google.com/", ("Referral", "docs.google.com", "docs.google.com"));
    check(
        "",
        "https://facebook.com.evil.org/",
        ("Referral", "facebook.com.evil.org", "facebook.com.evil.org"),
    );
}

#[test]
fn the_site_itself_and_junk_are_no_referrers() {
    for referrer in [
        "https://example.com/a",
        "https://www.example.com/",
        "http://EXAMPLE.com:8080",
        "about:blank",
        "javascript:x",
        "jane@example.org",
        "android-app://",
        "https://",
        "file:///home/jane",
    ] {
        check("", referrer, ("Direct", "", ""));
    }
    check("", "https://blog.example.com/", ("Referral", "blog.example.com", "blog.example.com"));
}

#[test]
fn a_campaign_wins_over_the_referrer() {
    check("utm_source=newsletter", "https://google.com/", ("Email", "newsletter", "google.com"));
    check("ref=producthunt", "", ("Organic Social", "Product Hunt", ""));
    check("source=a&ref=b", "", ("Referral", "a", ""));
    check("utm_source=fb&ref=b", "", ("Organic Social", "Facebook", ""));
    check("utm_source=chatgpt.com", "", ("AI Assistants", "ChatGPT", ""));
    check("utm_source=https://www.google.com/", "", ("Organic Search", "Google", ""));
    check("utm_source=Spring+Letter", "", ("Referral", "Spring Letter", ""));
    check("utm_source=jane@example.org", "", ("Referral", ":email", ""));
}

#[test]
fn a_click_id_names_its_network_and_is_not_kept() {
    check("gclid=Cj0KC", "https://google.com/", ("Paid Search", "Google", "google.com"));
    check("msclkid=7f", "", ("Paid Search", "Bing", ""));
    check("fbclid=IwAR", "", ("Organic Social", "Facebook", ""));
    check("TWCLID=2", "", ("Paid Social", "X", ""));
    check("awc=1_2", "", ("Affiliates", "Awin", ""));
    // Who referred stays the source: the network's partner showed the advertisement.
    check("gclid=Cj0KC", "https://example.org/", ("Paid Other", "example.org", "example.org"));
    check("msclkid=7f", "https://duckduckgo.com/", ("Paid Search", "DuckDuckGo", "duckduckgo.com"));
}

#[test]
fn campaigns_call_sources_by_many_names() {
    let names = [
        ("fb", "Facebook"),
        ("FB", "Facebook"),
        ("facebook_ads", "Facebook"),
        ("ig", "Instagram"),
        ("yt", "YouTube"),
        ("li", "LinkedIn"),
        ("tw", "X"),
        ("twitter", "X"),
        ("x", "X"),
        ("tt", "TikTok"),
        ("wa", "WhatsApp"),
        ("adwords", "Google"),
        ("gmb", "Google"),
        ("bingads", "Bing"),
        ("openai", "ChatGPT"),
        ("www.reddit.com", "Reddit"),
        ("https://news.ycombinator.com/item", "Hacker News"),
    ];
    for (said, name) in names {
        let page = page_url(&format!("/?utm_source={said}"), "example.com").unwrap();
        let source = source_of(&page.campaign, "", "example.com");
        assert_eq!(source.source.as_str(), name, "{said}");
    }
}

#[test]
fn apps_are_known_by_their_packages() {
    let apps = [
        ("com.google.android.gm", "Gmail"),
        ("com.google.android.googlequicksearchbox", "Google"),
        ("com.facebook.katana", "Facebook"),
        ("com.instagram.android", "Instagram"),
        ("com.reddit.frontpage", "Reddit"),
        ("com.twitter.android", "X"),
        ("com.linkedin.android", "LinkedIn"),
        ("org.telegram.messenger.web", "Telegram"),
        ("xyz.blueskyweb.app", "Bluesky"),
        ("com.openai.chatgpt", "ChatGPT"),
        ("com.Slack", "com.slack"),
    ];
    for (package, name) in apps {
        let page = page_url("/", "example.com").unwrap();
        let source = source_of(&page.campaign, &format!("android-app://{package}/"), "example.com");
        assert_eq!(source.source.as_str(), name, "{package}");
    }
}

#[test]
fn spam_is_known_with_its_subdomains() {
    assert!(is_spam("semalt.com"));
    assert!(is_spam("42.semalt.com"));
    assert!(!is_spam("notsemalt.com"));
    assert!(!is_spam("com"));
    assert!(!is_spam(""));
    let page = page_url("/?utm_source=newsletter", "example.com").unwrap();
    assert!(source_of(&page.campaign, "http://semalt.com/x", "example.com").spam);
    assert!(!source_of(&page.campaign, "http://example.org/x", "example.com").spam);
}

#[test]
fn no_host_has_two_names_and_none_is_spam() {
    let mut seen = HashSet::new();
    let lines = include_str!("../sources.txt").lines();
    for line in lines.filter(|it| !it.is_empty() && !it.starts_with('#')) {
        let columns: Vec<&str> = line.split('|').collect();
        let [category, name, hosts] = columns[..] else { panic!("{line}: not three columns") };
        let known = ["assistant", "mail", "search", "shopping", "social", "video"];
        assert!(known.contains(&category) && !name.is_empty(), "{line}");
        for host in hosts.split(' ') {
            let host = host.trim_start_matches('.');
            assert!(!host.is_empty() && host == host.to_lowercase(), "{line}");
            assert!(seen.insert(host), "{host} comes twice");
            assert!(!is_spam(host), "{host} is spam");
        }
    }
}
