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
    check("wbraid=Cj0KC", "", ("Paid Search", "Google", ""));
    check("msclkid=7f", "", ("Paid Search", "Bing", ""));
    check("fbclid=IwAR", "", ("Organic Social", "Facebook", ""));
    check("twclid=2", "", ("Organic Social", "X", ""));
    check("yclid=2", "", ("Organic Search", "Yandex", ""));
    check("gclid=Cj0KC", "https://example.org/", ("Referral", "example.org", "example.org"));
}

#[test]
fn channels_follow_the_default_group_in_its_order() {
    let channels = [
        ("utm_source=google&utm_campaign=x-cross-network-y&utm_medium=cpc", "Cross-network"),
        ("utm_source=amazon&utm_medium=cpc", "Paid Shopping"),
        ("utm_source=google&utm_medium=ppc&utm_campaign=shopping", "Paid Shopping"),
        ("utm_source=google&utm_medium=cpc&utm_campaign=bishops", "Paid Search"),
        ("utm_source=google&utm_medium=CPC", "Paid Search"),
        ("utm_source=facebook&utm_medium=paid-social", "Paid Social"),
        ("utm_source=youtube&utm_medium=cpv", "Paid Video"),
        ("utm_source=youtube&utm_medium=cpm", "Paid Video"),
        ("utm_source=site&utm_medium=banner", "Display"),
        ("utm_source=site&utm_medium=cpm", "Display"),
        ("utm_source=site&utm_medium=retargeting", "Paid Other"),
        ("utm_source=claude.ai&utm_medium=cpc", "Paid Other"),
        ("utm_source=etsy", "Organic Shopping"),
        ("utm_source=x&utm_campaign=e-shop-opening", "Organic Shopping"),
        ("utm_source=site&utm_medium=social-media", "Organic Social"),
        ("utm_source=site&utm_medium=video", "Organic Video"),
        ("utm_source=perplexity", "AI Assistants"),
        ("utm_source=site&utm_medium=organic", "Organic Search"),
        ("utm_source=site&utm_medium=e-mail", "Email"),
        ("utm_source=newsletter", "Email"),
        ("utm_source=site&utm_medium=affiliate", "Affiliates"),
        ("utm_source=site&utm_medium=audio", "Audio"),
        ("utm_source=sms", "SMS"),
        ("utm_medium=sms", "SMS"),
        ("utm_source=site&utm_medium=web-push", "Mobile Push Notifications"),
        ("utm_source=firebase", "Mobile Push Notifications"),
        ("utm_source=site", "Referral"),
        ("utm_medium=referral", "Referral"),
        ("utm_campaign=spring", "Direct"),
        ("", "Direct"),
    ];
    for (query, channel) in channels {
        let page = page_url(&format!("/?{query}"), "example.com").unwrap();
        let source = source_of(&page.campaign, "", "example.com");
        assert_eq!(source.channel.as_str(), channel, "{query}");
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
