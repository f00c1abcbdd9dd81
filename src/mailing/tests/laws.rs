//! What holds for every text.

use proptest::prelude::*;

use super::*;

/// Pieces of mailings; whole links are written as a browser would, so that there is one way back.
const PIECES: &[&str] = &[
    r#"<a href="https://a.example/">a</a>"#,
    r#"<a class=x  href="https://a.example/?a=1&amp;b=2" title='"'>b</a>"#,
    r#"<area href="https://b.example/#x">"#,
    r#"<v:rect href="https://c.example/a%20b">"#,
    r#"<a href="https://a.example/unsubscribe">c</a>"#,
    r#"<a href="{{ url }}">d</a>"#,
    r#"<a href="mailto:a@a.example">Unsubscribe</a>"#,
    r#"<a href="x.html""#,
    "<!--[if mso]>",
    "<!--[if !mso]><!-->",
    "<!--<![endif]-->",
    "<![endif]-->",
    "<!-- ",
    " -->",
    "<noscript>",
    "</noscript>",
    "<style>",
    "</style>",
    "<table><tr><td>",
    "</td>",
    "</a>",
    "<body>",
    "</body>",
    "</html>",
    "<svg><a>",
    "<select>",
    "<img alt=\"",
    "\"",
    ">",
    "\n",
    "ä\u{1f600}",
    "&amp;",
    "<![CDATA[",
    "]]>",
    "https://a.example",
];

fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        9 => proptest::sample::select(PIECES).prop_map(str::to_owned),
        1 => ".{0,8}",
    ];
    proptest::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

/// A link whose tag goes on with anything, after `attributes`.
fn odd_link(attributes: &'static str) -> impl Strategy<Value = String> {
    let odd = || "[<>/=a-z\"' \\[\\]!-]{0,60}";
    (odd(), odd())
        .prop_map(move |(before, after)| format!("{before}<a {attributes}{after}>x</a>{before}"))
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(
        html in prop_oneof![soup(), ".{0,200}", odd_link("href=https://a.example/ data-notrack")],
        to in ".{0,20}",
    ) {
        drop(wrap(&html, LISTENER, |_| Some(to.clone())));
    }

    #[test]
    fn what_is_not_wrapped_is_as_it_was_but_for_the_pixel(
        html in prop_oneof![soup(), odd_link("href=https://a.example/"), odd_link("href='x")],
    ) {
        if let Ok(wrapped) = wrap(&html, LISTENER, |_| None) {
            prop_assert_eq!(wrapped.html.matches(&pixel()).count(), 1);
            prop_assert_eq!(wrapped.html.replacen(&pixel(), "", 1), html);
        }
    }

    #[test]
    fn unwrapping_gives_back_what_was_wrapped(html in soup()) {
        if let Ok(wrapped) = wrap(&html, LISTENER, numbered()) {
            prop_assert_eq!(unwrapped(&wrapped), html);
        }
    }

    #[test]
    fn links_are_told_as_often_as_they_stand_there(html in soup()) {
        if let Ok(wrapped) = wrap(&html, LISTENER, numbered()) {
            for link in &wrapped.links {
                let url = format!("\"{}\"", link.wrapped.as_deref().expect("all are wrapped"));
                prop_assert_eq!(wrapped.html.matches(&url).count(), link.times);
            }
        }
    }
}
