//! A table for each rule.

use super::*;
use crate::limits;

/// `html` becomes `expected`; links are numbered.
fn check(html: &str, expected: &str) {
    let wrapped = wrap(html, LINKS_ONLY, numbered()).expect("it can be wrapped");
    assert_eq!(wrapped.html, expected, "{html}");
}

fn check_same(html: &str) {
    check(html, html);
}

/// A link around `text` with these attributes stays as it is.
fn check_kept(attributes: &str, text: &str) {
    check_same(&format!("<p><a {attributes}>{text}</a></p>"));
}

/// The flaws of `html` with their lines.
fn check_flaws(html: &str, expected: &[(usize, Flaw)]) {
    let wrapped = wrap(html, LINKS_ONLY, numbered()).expect("it can be wrapped");
    let flaws: Vec<_> = wrapped.warnings.iter().map(|it| (it.line, it.flaw)).collect();
    assert_eq!(flaws, expected, "{html}");
}

/// What the closure is asked for.
fn asked(html: &str) -> Vec<String> {
    let mut asked = Vec::new();
    let mut ask = |target: &Target<'_>| {
        asked.push(target.url.to_owned());
        None
    };
    wrap(html, LINKS_ONLY, &mut ask).expect("it can be wrapped");
    asked
}

fn check_asked(html: &str, expected: &[&str]) {
    assert_eq!(asked(html), expected, "{html}");
}

#[test]
fn links_of_every_kind_are_wrapped() {
    check(
        r#"<a href="https://a.example/">x</a>"#,
        r#"<a href="https://stats.example/e/c/1">x</a>"#,
    );
    check(
        r#"<map><area href="https://a.example/" alt=x></map>"#,
        r#"<map><area href="https://stats.example/e/c/1" alt=x></map>"#,
    );
    check(
        r#"<v:roundrect arcsize="5%" href="https://a.example/"><center>x</center></v:roundrect>"#,
        r#"<v:roundrect arcsize="5%" href="https://stats.example/e/c/1"><center>x</center></v:roundrect>"#,
    );
    check(
        r#"<noscript><a href="https://a.example/">x</a></noscript>"#,
        r#"<noscript><a href="https://stats.example/e/c/1">x</a></noscript>"#,
    );
    check(
        r#"<svg><noscript><a href="https://a.example/">x</a></noscript></svg>"#,
        r#"<svg><noscript><a href="https://stats.example/e/c/1">x</a></noscript></svg>"#,
    );
}

#[test]
fn other_attributes_that_hold_urls_are_not_links() {
    check_same(r#"<link href="https://a.example/a.css"><img src="https://a.example/a.png">"#);
    check_same(r#"<form action="https://a.example/"><table background="https://a.example/">"#);
    check_same(r#"<p href="https://a.example/">x</p><a name="https://a.example/">x</a>"#);
}

#[test]
fn text_that_looks_like_a_link_is_none() {
    check_same(r#"<style>/* <a href="https://a.example/"> */</style>"#);
    check_same(r#"<title><a href="https://a.example/"></title>"#);
    check_same(r#"<!-- <a href="https://a.example/">x</a> -->"#);
    check_same(r#"<a title='<a href="https://a.example/">'>x</a>"#);
}

#[test]
fn the_inside_of_a_conditional_comment_is_wrapped() {
    let link = r#"<a href="https://a.example/">x</a>"#;
    let wrapped = r#"<a href="https://stats.example/e/c/1">x</a>"#;
    for (before, after) in [
        ("<!--[if mso]>", "<![endif]-->"),
        ("<!--[IF (gte mso 9)|(IE)]>", "<![endif]-->"),
        ("<!--[if mso]>ä\n", " -->"),
        ("<!--[if !mso]><!-->", "<!--<![endif]-->"),
        ("<!--[if !mso]>-->", "<!--<![endif]-->"),
        ("<![if !mso]>", "<![endif]>"),
    ] {
        check(&format!("<p>{before}{link}{after}"), &format!("<p>{before}{wrapped}{after}"));
    }
}

#[test]
fn a_button_that_stands_twice_is_one_link() {
    let html = r#"<!--[if mso]><v:rect href="https://a.example/x?a=1&amp;b=2"></v:rect><![endif]-->
        <a href="https://b.example/">b</a> <a href="https://a.example/x?a=1&#38;b=2">a</a>"#;
    let links = wrap(html, LINKS_ONLY, numbered()).expect("it can be wrapped").links;
    let link = |destination: &str, text: &str, number, times| Link {
        destination: destination.to_owned(),
        share: false,
        text: text.to_owned(),
        wrapped: Some(format!("https://stats.example/e/c/{number}")),
        times,
    };
    let expected =
        [link("https://a.example/x?a=1&b=2", "a", 1, 2), link("https://b.example/", "b", 2, 1)];
    assert_eq!(links, expected);
}

#[test]
fn entities_are_decoded_as_a_browser_does() {
    check_asked(r#"<a href="https://a.example/?a=1&amp;b=2">"#, &["https://a.example/?a=1&b=2"]);
    check_asked(r#"<a href="https://a.example/?a=1&b=2">"#, &["https://a.example/?a=1&b=2"]);
    check_asked(r#"<a href="https://a.example/?a=1&copy=2">"#, &["https://a.example/?a=1&copy=2"]);
    check_asked(r#"<a href="https&#58;//a.example&sol;x">"#, &["https://a.example/x"]);
    check_asked("<a href=' https://a.example/a\n b '>", &["https://a.example/a%20b"]);
}

#[test]
fn what_is_written_back_is_encoded_and_quoted() {
    let to = |url: &str| {
        let url = url.to_owned();
        let html = "<a href=https://a.example/ x='1'><a href='https://b.example/'>";
        wrap(html, LINKS_ONLY, |_| Some(url.clone())).expect("it can be wrapped").html
    };
    let expected = r#"<a href="https://c.example/?a=1&amp;b={{token}}" x='1'>"#;
    assert!(to("https://c.example/?a=1&b={{token}}").starts_with(expected));
    let hostile = to(r#""><b>-->'"#);
    assert!(hostile.ends_with(r#"<a href="&quot;&gt;&lt;b&gt;--&gt;'">"#), "{hostile}");
}

#[test]
fn the_first_of_two_hrefs_counts() {
    check(
        r#"<a href="https://a.example/" href="https://b.example/">x</a>"#,
        r#"<a href="https://stats.example/e/c/1" href="https://b.example/">x</a>"#,
    );
}

#[test]
fn other_schemes_and_fragments_are_kept() {
    for href in [
        "mailto:a@a.example?body=https://a.example/",
        "tel:+491234",
        "sms:+491234",
        "cid:logo",
        "data:text/plain,x",
        "javascript:void(0)",
        "#top",
        " #top",
    ] {
        check_kept(&format!("href='{href}'"), "x");
    }
}

#[test]
fn merge_fields_are_kept() {
    for href in [
        "{{ url }}",
        "{% url %}",
        "*|ARCHIVE|*",
        "%%view_email_url%%",
        "[[link]]",
        "${link}",
        "<%= link %>",
        "https://a.example/?id={{ id }}",
        "https://*|HOST|*/",
        "https://a.example/?id={EMAIL}",
        "https://a.example/?id=%FACE%",
        "https://a.example/?id=[%email%]",
        "&#123;&#123; url }}",
    ] {
        check_kept(&format!("href='{href}'"), "x");
    }
    check_asked(
        r#"<a href="https://a.example/?a%5B%5D=%7b&b[]=1">"#,
        &["https://a.example/?a%5B%5D=%7b&b[]=1"],
    );
    // The quote ends the attribute.
    check_kept(r#"href="https://a.example/{{ f "x" }}""#, "x");
}

#[test]
fn links_to_unsubscribe_are_kept() {
    let link = r#"href="https://a.example/l/1""#;
    for attribute in ["data-unsubscribe", r#"rel="nofollow Unsubscribe""#] {
        check_kept(&format!("{link} {attribute}"), "x");
        check_kept(&format!("{attribute} {link}"), "x");
    }
    for text in [
        "Unsubscribe",
        "un&shy;sub&#8203;scribe",
        "<b>UNSUB</b><i>SCRIBE</i>",
        "Opt-out",
        "Manage\n preferences",
        "Vom Newsletter abmelden",
        "Se d&eacute;sabonner",
        "Darse  de baja",
        "Annulla l\u{2019}iscrizione",
        r#"<img src=x alt="Unsubscribe">"#,
    ] {
        check_kept(link, text);
    }
    for path in ["unsubscribe/1", "?do=UnSub", "opt_out", "x?m=opt%2Dout", "d%C3%A9sinscription"] {
        check_kept(&format!(r#"href="https://a.example/{path}""#), "x");
    }
    check_same(
        r#"<!--[if mso]><v:rect href="https://a.example/l"><center>Unsubscribe</center></v:rect><![endif]-->"#,
    );
    check_same(r#"<map><area href="https://a.example/l" alt="Unsubscribe"></map>"#);
}

#[test]
fn what_stands_beside_a_link_is_not_its_text() {
    check(
        r#"<a href="https://a.example/">a</a> Unsubscribe <v:rect href="https://a.example/"/> Unsubscribe"#,
        r#"<a href="https://stats.example/e/c/1">a</a> Unsubscribe <v:rect href="https://stats.example/e/c/1"/> Unsubscribe"#,
    );
}

#[test]
fn data_notrack_is_kept_untracked_and_goes() {
    for (html, expected) in [
        ("<a href='https://a.example/' data-notrack>", "<a href='https://a.example/'>"),
        ("<a data-notrack href='https://a.example/'>", "<a href='https://a.example/'>"),
        ("<a\n data-notrack=''\n href='https://a.example/'>", "<a\n href='https://a.example/'>"),
        ("<a data-notrack='1'href='https://a.example/'>", "<a href='https://a.example/'>"),
        ("<a href=https://a.example/ DATA-NOTRACK=1/>", "<a href=https://a.example/>"),
        ("<a href=https://a.example/ data-notrack/>", "<a href=https://a.example/ />"),
        (
            "<a data-notrack data-notrack href='mailto:a@a.example'>",
            "<a href='mailto:a@a.example'>",
        ),
    ] {
        check(html, expected);
    }
}

#[test]
fn the_listeners_own_pages_are_kept() {
    check_kept(r#"href="https://stats.example/e/s/7kq3.1.abc""#, "Forward");
    check_asked(r#"<a href="https://stats.example/shop">"#, &["https://stats.example/shop"]);
}

#[test]
fn what_the_caller_does_not_wrap_is_kept_and_told() {
    let html = "<a href=HTTPS://A.example>x</a>";
    let wrapped = wrap(html, LINKS_ONLY, |_| None).expect("it can be wrapped");
    assert_eq!(wrapped.html, html);
    let destination = "https://a.example/".to_owned();
    let text = "x".to_owned();
    let link = Link { destination, share: false, text, wrapped: None, times: 1 };
    assert_eq!(wrapped.links, [link]);
}

#[test]
fn a_link_for_passing_the_mailing_on_is_asked_for_as_such() {
    let html =
        "<a data-forward href='https://a.example/'>Share</a> <a href=https://a.example/>x</a>";
    let of = |target: &Target<'_>| Some(format!("https://stats.example/e/{}", target.share));
    let wrapped = wrap(html, LINKS_ONLY, of).expect("it can be wrapped");
    assert_eq!(
        wrapped.html,
        "<a href=\"https://stats.example/e/true\">Share</a> \
         <a href=\"https://stats.example/e/false\">x</a>"
    );
    let links: Vec<_> = wrapped.links.iter().map(|it| (it.share, it.text.as_str())).collect();
    assert_eq!(links, [(true, "Share"), (false, "x")]);
}

#[test]
fn a_recipient_who_is_told_apart_has_a_way_out() {
    let stop = Listener { stop: Some("https://stats.example/e/x/7kq3/{{token}}"), ..LINKS_ONLY };
    let wrapped = wrap("<a href=headcount:stop>x</a>", stop, |_| None).expect("it can be wrapped");
    assert_eq!(wrapped.html, "<a href=\"https://stats.example/e/x/7kq3/{{token}}\">x</a>");
    assert_eq!(wrapped.warnings, []);
    let without = wrap("<p>x", stop, |_| None).expect("it can be wrapped").warnings;
    assert_eq!(without, [Warning { line: 1, flaw: Flaw::NoWayOut }]);
    check_flaws("<a href=headcount:stop>x</a>", &[(1, Flaw::NothingToStop)]);
}

#[test]
fn the_pixel_may_stand_at_the_beginning_of_the_body() {
    let first = Listener { pixel_first: true, ..LISTENER };
    for (before, after) in [("<html><body class=a>", "x</body>"), ("", "<p>x"), ("", "")] {
        let wrapped =
            wrap(&format!("{before}{after}"), first, |_| None).expect("it can be wrapped");
        assert_eq!(wrapped.html, format!("{before}{}{after}", pixel()));
    }
}

#[test]
fn the_pixel_stands_once_and_at_the_end_of_the_body() {
    let pixel = pixel();
    for (before, after) in [
        ("<html><body>x", "</body></html>"),
        ("<body><table><tr><td>x", "</BODY >\n"),
        ("<!--[if mso]><body></body><![endif]--><body>x<!-- </body> -->", "</body>"),
        ("<body>x</body> <body>y", "</body>"),
        ("<p>x", ""),
        ("<html>x</html>", ""),
        ("", ""),
    ] {
        let wrapped = wrap(&format!("{before}{after}"), LISTENER, |_| None);
        let html = wrapped.expect("it can be wrapped").html;
        assert_eq!(html, format!("{before}{pixel}{after}"));
    }
    let src =
        r#"<img src="https://stats.example/e/o/7kq3.gif?a=1&amp;b=2" width="1" height="1" alt="" "#;
    assert!(pixel.starts_with(src), "{pixel}");
}

#[test]
fn links_that_lead_nowhere_are_told_with_their_lines() {
    check_flaws(
        "<a href='/x'>x</a>\n\n<a href=x.html>x</a>",
        &[(1, Flaw::Relative), (3, Flaw::Relative)],
    );
    check_flaws(
        "\n<a href='//a.example/'>x</a> <a href=''>x</a>",
        &[(2, Flaw::Relative), (2, Flaw::Relative)],
    );
    check_flaws(
        "<a href='https://'>x</a>\n<a href='https://a b/'>",
        &[(1, Flaw::Broken), (2, Flaw::Broken)],
    );
    check_flaws(
        "<!--[if mso]>\n<a href=x><![endif]-->\n<base href='https://a.example/'>",
        &[(2, Flaw::Relative), (3, Flaw::Base)],
    );
    check_flaws("<a href='#x'>x</a> <a href='*|X|*'>x</a> <a href='mailto:a@a.example'>x</a>", &[]);
}

#[test]
fn http_links_are_told_wrapped_or_not() {
    check_flaws(
        "<a href=http://a.example/>x</a>\n<a data-notrack href=HTTP://a.example/>x</a>",
        &[(1, Flaw::Insecure), (2, Flaw::Insecure)],
    );
}

/// A link to `https://a.example/` with this text is told.
fn check_shown(text: &str, wrapped: bool, told: bool) {
    let html = format!("<a href='https://a.example/x'>{text}</a>");
    let url = wrapped.then(|| "https://stats.example/e/c/1".to_owned());
    let result = wrap(&html, LINKS_ONLY, |_| url.clone()).expect("it can be wrapped");
    let flaws: Vec<_> = result.warnings.iter().map(|it| it.flaw).collect();
    let expected: &[Flaw] = if told { &[Flaw::OtherHost] } else { &[] };
    assert_eq!(flaws, expected, "{text}");
}

#[test]
fn a_text_that_shows_another_host_is_told() {
    for text in [
        "https://b.example/x",
        "see <b>http://B.example</b>!",
        "www.b.example",
        "b.example",
        "b.example/x",
        "b&period;example",
        "a.example.b.example",
        "https://a.example@b.example/",
    ] {
        check_shown(text, false, true);
    }
    for text in [
        "https://a.example/other",
        "(www.a.example)",
        "A.example",
        "a&shy; word",
        "see b.example for more",
        "a@b.example",
        "3.5",
        "https://",
        "v1.2",
        "...",
    ] {
        check_shown(text, false, false);
    }
}

#[test]
fn a_text_that_shows_the_host_of_a_wrapped_link_is_told() {
    check_shown("a.example", true, true);
    check_shown("https://a.example/x", true, true);
    check_shown("https://stats.example/", true, false);
    check_shown("our site", true, false);
}

#[test]
fn a_mailing_that_gmail_cuts_is_told() {
    let line = "<p>0123456789</p>\n";
    let fits = line.repeat((limits::MAILING_BYTES_SHOWN - pixel().len()) / line.len());
    let warnings = |html: &str| wrap(html, LISTENER, |_| None).expect("it can be wrapped").warnings;
    assert_eq!(warnings(&fits), []);
    let number = limits::MAILING_BYTES_SHOWN / line.len() + 1;
    assert_eq!(
        warnings(&(fits + &line.repeat(9))),
        [Warning { line: number, flaw: Flaw::Clipped }]
    );
}

fn check_refused(html: &str, expected: WrapError) {
    assert_eq!(wrap(html, LISTENER, numbered()), Err(expected), "{html}");
}

#[test]
fn whole_messages_are_refused() {
    let html = "\r\n\r\n<a href='https://a.example/'>x</a>";
    let plain = format!("From: a@a.example\r\nSubject: x\r\n\tand y{html}");
    check_refused(&plain, WrapError::Message);
    check_refused(
        &format!("From a Mon Nov 23\nX-Odd: <b>\nDate: x\nTo: y{html}"),
        WrapError::Message,
    );
    check_refused(&format!("\u{feff}DKIM-Signature: v=1;\r\n b=abc\r\n{plain}"), WrapError::Signed);
    check_refused(&format!("MIME-Version: 1.0\ndkim-signature : v=1{html}"), WrapError::Signed);
}

#[test]
fn text_with_colons_is_no_message() {
    check_same("From: the board<br>To: all<br>");
    check_same("Subject: x\n\nMIME-Version: 1.0");
    check_same("<p>From: a\nTo: b</p>");
}

#[test]
fn a_wrapped_mailing_is_refused() {
    let html = "<p>\n<a href='https://a.example/'>x</a></p>";
    let again = |html: &str| wrap(html, LISTENER, numbered());
    let twice = again(&again(html).expect("it can be wrapped").html);
    assert_eq!(twice, Err(WrapError::WrappedAlready { line: 2 }));
    let opens = wrap(html, LISTENER, |_| None).expect("it can be wrapped").html;
    assert_eq!(again(&opens), Err(WrapError::WrappedAlready { line: 2 }));
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    check_refused("<select><xmp><a href='https://a.example/'></select>", WrapError::Ambiguous);
}
