//! What holds for every text.

#![expect(clippy::disallowed_types, reason = "addresses are what must not come through")]

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::super::{agent_of, detect, language_of, page_url, scrub, source_of};
use crate::edge::raw::{RawHints, RawText};
use crate::limits;

/// Text with more of what the scrubber looks for than chance would have.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zA-Z]{1,12}",
        3 => "[0-9]{1,6}",
        3 => "[-._~@+=,:;/?#% ()\\[\\]]{1,2}",
        2 => "[0-9a-fA-F]{1,9}",
        1 => "[a-zA-Z0-9]{8,44}",
        1 => "(:email|:id|:token|:number|:address|::|%25|%40|%2F|\u{ff20}|\u{200b})",
        1 => "(19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}",
        1 => "[a-z.]{1,9}@[a-z0-9.]{1,9}",
        1 => "\\PC{1,9}",
        1 => "[é東١\u{301}]{1,50}",
    ];
    prop::collection::vec(piece, 0..12).prop_map(|it| it.concat())
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric())
}

fn assert_clean(text: &str) -> Result<(), TestCaseError> {
    let mut row = 0;
    for c in text.chars() {
        row = if c.is_numeric() { row + 1 } else { 0 };
        prop_assert!(row < 5, "{text:?} has a long number");
        prop_assert!(!c.is_control(), "{text:?} has control characters");
    }
    for run in text.split(|c: char| c.is_whitespace() || "/,:;<>()[]{}\"|&?#!\\".contains(c)) {
        let email = run.split_once('@').is_some_and(|(user, host)| {
            user.contains(char::is_alphanumeric) && host.starts_with(char::is_alphabetic)
        });
        prop_assert!(!email, "{text:?} has an e-mail address");
    }
    for part in text.split(|c: char| !c.is_ascii_hexdigit() && c != '.') {
        prop_assert!(part.parse::<Ipv4Addr>().is_err(), "{text:?} has an address");
    }
    for part in text.split(|c: char| !c.is_alphanumeric() && c != ':') {
        let six = part.parse::<Ipv6Addr>().is_ok_and(|it| !it.is_unspecified());
        prop_assert!(!six, "{text:?} has an address");
    }
    prop_assert!(words(text).all(|it| it.len() < 32 || !it.is_ascii() || it.len() < 40));
    Ok(())
}

/// What an e-mail address is, said without care for the time that it takes.
fn is_email(run: &str) -> bool {
    run.match_indices('@').any(|(at, _)| {
        let labels: Vec<&str> = run[at + 1..].split('.').filter(|it| !it.is_empty()).collect();
        let version = labels.iter().all(|it| it.starts_with(|c: char| c.is_ascii_digit()));
        run[..at].contains(char::is_alphanumeric) && (labels.len() > 3 || !version)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn an_email_is_found_by_one_look_at_every_character(run in "[a1@.\u{e9}-]{0,12}") {
        let expected = if is_email(&run) { ":email" } else { &run };
        prop_assert_eq!(detect::without_emails(&run), expected);
    }

    #[test]
    fn scrubbing_a_value_twice_changes_nothing(text in text(), chars_max in 1_usize..120) {
        let once = scrub::value(&text, chars_max);
        assert_clean(&once)?;
        prop_assert!(once.chars().count() <= chars_max);
        prop_assert_eq!(scrub::value(&once, chars_max), once);
    }

    #[test]
    fn scrubbing_a_path_twice_changes_nothing(text in text()) {
        let once = scrub::path(&text);
        assert_clean(&once)?;
        prop_assert!(once.starts_with('/'));
        prop_assert!(once.chars().count() <= limits::PAGE_CHARS_MAX);
        prop_assert!(once.split('/').count() <= limits::PAGE_SEGMENTS_MAX + 2);
        prop_assert_eq!(scrub::path(&once), once);
    }

    #[test]
    fn no_email_comes_through_however_it_is_wrapped(
        user in "[a-z]{2,8}", host in "q[a-z]{3,8}", before in "[a-z]{0,3}", layers in 0_usize..5,
    ) {
        let email = format!("{user}@{host}.example");
        let mut escaped = email.replace('@', "%40");
        for _ in 0..layers {
            escaped = escaped.replace('%', "%25");
        }
        let wrapped = [email.clone(), escaped, base64(&format!("{before}{email}")), hex(&email)];
        for wrapped in wrapped {
            for path in [format!("/u/{wrapped}"), format!("/to={wrapped}/x"), format!("/x-{wrapped}")] {
                let path = scrub::path(&path);
                prop_assert!(!path.contains(&host) && !path.contains(&wrapped), "{path}");
            }
        }
    }

    #[test]
    fn no_input_is_too_strange(text in "\\PC{0,80}", url in text()) {
        let page = page_url(&format!("https://{url}"), "example.com");
        if let Some(page) = page {
            prop_assert!(page.hostname.as_str().len() <= limits::SITE_NAME_BYTES_MAX);
            source_of(&page.campaign, &text, page.hostname.as_str());
        }
        page_url(&text, &text);
        let hints = RawHints {
            brands: RawText::new(&text),
            platform_version: RawText::new(&text),
            ..RawHints::default()
        };
        drop(agent_of(&text, &hints, true));
        language_of(&text);
    }

    #[test]
    fn no_word_of_an_agent_comes_out(word in "[jqxz]{5,9}[0-9]{5}") {
        let agent = format!("Mozilla/5.0 ({word}; Android {word}) {word}/{word} OPR/{word} Chrome/1");
        let brands = format!("\"{word}\";v=\"{word}\", \"Brave\";v=\"{word}\"");
        let quoted = format!("\"{word}\"");
        let hints = RawHints {
            brands: RawText::new(&brands),
            mobile: RawText::new(&word),
            platform: RawText::new(&quoted),
            platform_version: RawText::new(&quoted),
        };
        let agent = agent_of(&agent, &hints, false).expect("it is no robot");
        let names = [agent.browser, agent.browser_version, agent.os, agent.os_version, agent.device];
        prop_assert!(names.iter().all(|it| !it.as_str().contains(&word[..4])));
    }
}

fn hex(text: &str) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = |byte: u8| [byte >> 4, byte & 15].map(|it| char::from(DIGITS[usize::from(it)]));
    text.bytes().flat_map(digits).collect()
}

fn base64(text: &str) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in text.as_bytes().chunks(3) {
        let byte = |nth: usize| u32::from(three.get(nth).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for nth in 0..=three.len() {
            out.push(char::from(LETTERS[(bits >> (18 - 6 * nth)) as usize & 63]));
        }
    }
    out
}
