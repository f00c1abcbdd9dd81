//! Mailings as they are sent (`tests/mailings`), and what becomes of them.

use super::*;

/// What is wrapped in a mailing, how often, and its warnings. Browser tests show what was wrapped.
fn check(html: &str, expected: &str, links: &[(&str, usize)], warnings: &[(usize, Flaw)]) {
    let wrapped = wrap(html, LISTENER, numbered()).expect("it can be wrapped");
    assert_eq!(wrapped.html, expected);
    let found = wrapped.links.iter().map(|link| (link.destination.as_str(), link.times));
    assert_eq!(found.collect::<Vec<_>>(), links);
    let told: Vec<_> = wrapped.warnings.iter().map(|it| (it.line, it.flaw)).collect();
    assert_eq!(told, warnings);
}

#[test]
fn a_newsletter_with_buttons_for_outlook_is_wrapped() {
    check(
        include_str!("../../../tests/mailings/newsletter.html"),
        include_str!("../../../tests/mailings/newsletter.wrapped.html"),
        &[
            ("https://garden.example/", 1),
            (
                "https://garden.example/bulbs?utm_source=news&utm_medium=email&utm_campaign=autumn",
                1,
            ),
            ("https://garden.example/tulips", 1),
            ("https://garden.example/crocus", 1),
            ("https://garden.example/shop?a=1&b=2", 2),
        ],
        &[],
    );
}

#[test]
fn an_offer_with_an_image_map_and_flaws_is_wrapped() {
    check(
        include_str!("../../../tests/mailings/offer.html"),
        include_str!("../../../tests/mailings/offer.wrapped.html"),
        &[
            ("https://markt.example/obst", 2),
            ("https://markt.example/brot", 1),
            ("http://markt.example/woche", 1),
            ("https://rezepte.example/k%C3%BCrbis#suppe", 1),
            ("https://markt.example/alles", 1),
        ],
        &[(6, Flaw::Base), (27, Flaw::Insecure), (27, Flaw::OtherHost), (31, Flaw::Relative)],
    );
}

#[test]
fn a_letter_without_a_body_is_wrapped() {
    check(
        include_str!("../../../tests/mailings/letter.html"),
        include_str!("../../../tests/mailings/letter.wrapped.html"),
        &[
            ("https://club.example/minutes/2026-11?from=mail&page=2", 1),
            ("https://club.example/leave", 1),
        ],
        &[(4, Flaw::OtherHost)],
    );
}
