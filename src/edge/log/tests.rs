use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::edge::{Pattern, Signals};
use crate::hit::{DropReason, HitKind, SiteName, Visitor};

const AGENT: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

fn edge(pages: PageLines) -> LogEdge {
    edge_between(pages, (Second(0), Second(2_000_000_000)))
}

fn edge_between(pages: PageLines, (oldest, newest): (Second, Second)) -> LogEdge {
    let site = SiteConfig {
        name: SiteName::parse("a.example").expect("a domain"),
        aliases: Vec::new(),
        timezone: "UTC".to_owned(),
        signals: Signals::Withhold,
        rules: Arc::default(),
    };
    let rules = LogRules { format: LogFormat::Combined, pages, oldest, newest };
    LogEdge::new(site, Places::default(), rules).expect("a known zone")
}

fn line(address: &str, time: &str, request: &str, status: u16) -> String {
    format!(
        "{address} - - [{time}] \"{request}\" {status} 12 \"https://c.example/x\" \"{AGENT}\"\n"
    )
}

/// The records of a log that is read in such blocks of lines.
fn records(blocks: &[String]) -> (Vec<String>, LogFigures) {
    let mut edge = edge(PageLines::default());
    let mut out = Vec::new();
    for (at, block) in blocks.iter().enumerate() {
        edge.read(block.as_bytes(), at + 1 == blocks.len(), &mut out);
    }
    let shown = out.iter().map(|record| match record {
        Record::Hit(hit) => {
            assert!(matches!(hit.kind, HitKind::Pageview));
            assert!(matches!(hit.visitor, Visitor::Known { .. }));
            format!("{} {} {}", hit.at.0, hit.page.as_str(), hit.dims.referrer_host.as_str())
        }
        Record::Drop { reason, .. } => format!("dropped {}", reason.label()),
        Record::Reject { hits, reason, .. } => format!("rejected {} {hits}", reason.label()),
        Record::Received { hits, .. } => format!("received {hits}"),
        Record::DayEnd { day, .. } => format!("end of {}", day.0),
        Record::KeysLost { .. } => "keys lost".to_owned(),
        Record::Mail(_) | Record::MailingOver { .. } | Record::Passed { .. } => {
            panic!("a log holds no mail")
        }
    });
    (shown.collect(), edge.figures().clone())
}

#[test]
fn a_time_is_read_in_any_zone() {
    let check = |text: &str, expected: Option<i64>| {
        let found = Dates::default().parse(text.as_bytes()).map(|at| at.0);
        assert_eq!(found, expected, "{text}");
    };
    check("17/May/2015:10:05:03 +0000", Some(1_431_857_103));
    check("17/May/2015:12:05:03 +0200", Some(1_431_857_103));
    check("17/May/2015:04:35:03 -0530", Some(1_431_857_103));
    check("29/Feb/2024:00:00:00 +0000", Some(1_709_164_800));
    check("31/Dec/2016:23:59:60 +0000", Some(1_483_228_800));
    for wrong in [
        "29/Feb/2023:00:00:00 +0000",
        "17/Mai/2015:10:05:03 +0000",
        "17/May/2015:24:05:03 +0000",
        "17/May/2015 10:05:03 +0000",
        "17/May/2015:10:05:03 00000",
        "17/May/2015:10:05:03",
        "",
    ] {
        check(wrong, None);
    }
}

#[test]
fn a_line_is_taken_apart_as_its_format_says() {
    let check = |format, text: &str, expected: Option<&str>| {
        let mut dates = Dates::default();
        let found = Line::parse(text.as_bytes(), format, &mut dates).map(|line| {
            let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
            let address = line.address().map(|it| it.to_string()).unwrap_or_default();
            let (url, path) = (text(line.url), text(line.path()));
            let (referrer, agent) = (text(line.referrer), text(line.agent));
            format!(
                "{address}|{}|{url}|{path}|{}|{referrer}|{agent}",
                text(line.method),
                line.status
            )
        });
        assert_eq!(found.as_deref(), expected, "{text}");
    };
    let time = "[17/May/2015:10:05:03 +0000]";
    check(
        LogFormat::Combined,
        &format!(r#"192.0.2.1 - - {time} "GET /x?a=b HTTP/1.1" 200 12 "-" "A \"b\" c" extra"#),
        Some(r#"192.0.2.1|GET|/x?a=b|/x|200||A \"b\" c"#),
    );
    check(
        LogFormat::Combined,
        &format!(r#"2001:db8::1 - some one {time} "GET /x" 304 - "https://c.example/" "-""#),
        Some("2001:db8::1|GET|/x|/x|304|https://c.example/|"),
    );
    check(
        LogFormat::Combined,
        &format!(r#"host.example - - {time} "GET / HTTP/2.0" 200 0 "" """#),
        Some("|GET|/|/|200||"),
    );
    check(
        LogFormat::Common,
        &format!(r#"192.0.2.1 - - {time} "POST /x HTTP/1.0" 404 -"#),
        Some("192.0.2.1|POST|/x|/x|404||"),
    );
    check(
        LogFormat::VhostCombined,
        &format!(r#"a.example:443 192.0.2.1 - - {time} "GET /x HTTP/1.1" 200 12 "-" "A""#),
        Some("192.0.2.1|GET|/x|/x|200||A"),
    );
    for wrong in [
        format!(r#"192.0.2.1 - - {time} "GET /x HTTP/1.1" 200 12"#),
        format!(r#"192.0.2.1 - - {time} "" 400 0 "-" "-""#),
        format!(r#"192.0.2.1 - - {time} "\x16\x03" 400 0 "-" "-""#),
        format!(r#"192.0.2.1 - - {time} "GET /x HTTP/1.1" abc 0 "-" "-""#),
        format!(r#"192.0.2.1 - - {time} "GET /x HTTP/1.1 200 0"#),
        r#"192.0.2.1 - - [yesterday] "GET /x HTTP/1.1" 200 0 "-" "-""#.to_owned(),
        "hello".to_owned(),
    ] {
        check(LogFormat::Combined, &wrong, None);
    }
}

#[test]
fn a_page_is_an_answered_get_of_a_path_without_a_files_extension() {
    let check = |pages: &PageLines, request: &str, status: u16, expected: bool| {
        let text = line("192.0.2.1", "17/May/2015:10:05:03 +0000", request, status);
        let parsed =
            Line::parse(text.trim_end().as_bytes(), LogFormat::Combined, &mut Dates::default());
        let Some(parsed) = parsed else { panic!("a line") };
        assert_eq!(pages.include(&parsed), expected, "{request} {status}");
    };
    let usual = PageLines::default();
    check(&usual, "GET / HTTP/1.1", 200, true);
    check(&usual, "GET /a/b HTTP/1.1", 206, true);
    check(&usual, "GET /a.b/c?d=e.png HTTP/1.1", 304, true);
    check(&usual, "GET /index.HTML HTTP/1.1", 200, true);
    check(&usual, "GET /x.php?y=1 HTTP/1.1", 200, true);
    check(&usual, "GET /x.png HTTP/1.1", 200, false);
    check(&usual, "GET /robots.txt HTTP/1.1", 200, false);
    check(&usual, "GET /x HTTP/1.1", 301, false);
    check(&usual, "GET /x HTTP/1.1", 404, false);
    check(&usual, "POST /x HTTP/1.1", 200, false);
    check(&usual, "HEAD /x HTTP/1.1", 200, false);
    let pattern = |text| Pattern::parse(text).expect("a pattern");
    let chosen = PageLines { only: vec![pattern("/d/*")], except: vec![pattern("*.png")] };
    check(&chosen, "GET /d/x.pdf HTTP/1.1", 200, true);
    check(&chosen, "GET /d/x.png HTTP/1.1", 200, false);
    check(&chosen, "GET /x HTTP/1.1", 200, false);
    let fewer = PageLines { only: Vec::new(), except: vec![pattern("/api/*")] };
    check(&fewer, "GET /api/x HTTP/1.1", 200, false);
    check(&fewer, "GET /x HTTP/1.1", 200, true);
}

#[test]
fn lines_of_ten_seconds_take_their_place_and_the_ledger_is_told_of_each() {
    let at = |second: u32, request: &str| {
        line("192.0.2.1", &format!("17/May/2015:10:05:{second:02} +0000"), request, 200)
    };
    let first = at(5, "GET /b HTTP/1.1")
        + &at(3, "GET /a HTTP/1.1")
        + "nonsense\n"
        + &at(4, "GET /x.css HTTP/1.1");
    let second = line("192.0.2.2", "17/May/2015:10:07:00 +0000", "GET /c HTTP/1.1", 200) + "\r\n\n";
    let (found, figures) = records(&[first, second]);
    let (t, host) = (1_431_857_100, "c.example");
    let expected = [
        "end of 16571".to_owned(),
        format!("{} /a {host}", t + 3),
        format!("{} /b {host}", t + 5),
        format!("{} /c {host}", t + 120),
        "rejected malformed 1".to_owned(),
        "received 4".to_owned(),
    ];
    assert_eq!(found, expected);
    assert_eq!((figures.lines, figures.pages, figures.others, figures.malformed), (5, 3, 1, 1));
    assert_eq!(figures.first_malformed, [3]);
    assert_eq!(figures.span, Some((Second(t + 3), Second(t + 120))));
}

#[test]
fn a_line_that_comes_too_late_counts_at_the_time_that_was_reached() {
    let view = |time: &str| line("192.0.2.1", time, "GET /a HTTP/1.1", 200);
    let blocks = [
        view("17/May/2015:10:05:00 +0000") + &view("17/May/2015:10:09:00 +0000"),
        view("17/May/2015:10:20:00 +0000"),
        view("17/May/2015:10:03:00 +0000"),
    ];
    let (found, figures) = records(&blocks);
    let times: Vec<&str> = found.iter().filter_map(|it| it.strip_suffix(" /a c.example")).collect();
    assert_eq!(times, ["1431857100", "1431857340", "1431857340", "1431858000"]);
    assert_eq!(figures.late, 1);
}

#[test]
fn what_is_older_than_the_retention_or_of_the_future_is_not_counted() {
    let bounds = (Second(1_431_857_100), Second(1_431_857_200));
    let mut edge = edge_between(PageLines::default(), bounds);
    let view = |time: &str| line("192.0.2.1", time, "GET /a HTTP/1.1", 200);
    let log = view("17/May/2015:10:04:59 +0000")
        + &view("17/May/2015:10:05:00 +0000")
        + &view("17/May/2015:11:05:00 +0000");
    let mut out = Vec::new();
    edge.read(log.as_bytes(), true, &mut out);
    assert!(matches!(out[0], Record::Drop { reason: DropReason::Expired, .. }));
    assert_eq!(out.iter().filter(|it| matches!(it, Record::Hit(_))).count(), 1);
    assert_eq!(edge.figures().malformed, 1);
}

#[test]
fn where_a_log_tells_no_agents_nobody_is_taken_for_a_robot() {
    let mut edge = edge(PageLines::default());
    edge.rules.format = LogFormat::Common;
    let line = "192.0.2.1 - - [17/May/2015:10:05:03 +0000] \"GET /a HTTP/1.1\" 200 12\n";
    let mut out = Vec::new();
    edge.read(line.as_bytes(), true, &mut out);
    assert_eq!(out.iter().filter(|it| matches!(it, Record::Hit(_))).count(), 1);
    edge.rules.format = LogFormat::Combined;
    let line =
        "192.0.2.1 - - [17/May/2015:10:06:03 +0000] \"GET /a HTTP/1.1\" 200 12 \"-\" \"-\"\n";
    edge.read(line.as_bytes(), true, &mut out);
    assert!(out.iter().any(|it| matches!(it, Record::Drop { reason: DropReason::Bot, .. })));
}

#[test]
fn a_day_ends_between_its_last_hit_and_the_next_days() {
    let view = |time: &str| line("192.0.2.1", time, "GET /a HTTP/1.1", 200);
    let log = view("17/May/2015:23:59:00 +0000")
        + &view("18/May/2015:00:10:00 +0000")
        + &view("18/May/2015:00:31:00 +0000");
    let (found, _) = records(&[log]);
    assert_eq!(
        found,
        [
            "end of 16571",
            "1431907140 /a c.example",
            "received 1",
            "1431907800 /a c.example",
            "received 1",
            "end of 16572",
            "1431909060 /a c.example",
            "received 1"
        ]
    );
}

proptest! {
    #[test]
    fn blocks_of_any_size_give_the_same_records(
        steps in prop::collection::vec((0_u32..4000, -5_i64..5, 0_u8..10), 1..60),
        cuts in prop::collection::vec(0_usize..60, 0..6),
    ) {
        let mut at = 1_431_857_100_i64;
        let lines: Vec<String> = steps.iter().map(|(step, jitter, kind)| {
            at += i64::from(*step);
            let time = jiff::Timestamp::from_second(at + jitter).expect("a time");
            let time = time.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string();
            match kind {
                0 => "nonsense\n".to_owned(),
                1 => line("192.0.2.9", &time, "GET /x.css HTTP/1.1", 200),
                kind => line(&format!("192.0.2.{kind}"), &time, "GET /a HTTP/1.1", 200),
            }
        }).collect();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % lines.len()).collect();
        cuts.extend([0, lines.len()]);
        cuts.sort_unstable();
        let blocks: Vec<String> =
            cuts.windows(2).map(|pair| lines[pair[0]..pair[1]].concat()).collect();
        prop_assert_eq!(records(&blocks), records(&[lines.concat()]));
    }

    #[test]
    fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for format in [LogFormat::Combined, LogFormat::Common, LogFormat::VhostCombined] {
            std::hint::black_box(Line::parse(&bytes, format, &mut Dates::default()).is_some());
        }
        let mut edge = edge(PageLines::default());
        edge.read(&bytes, true, &mut Vec::new());
    }

    #[test]
    fn no_change_to_a_line_makes_the_parser_panic(
        at in 0_usize..200,
        byte in any::<u8>(),
        cut in 0_usize..200,
    ) {
        let mut text = line("192.0.2.1", "17/May/2015:23:59:00 +0000", "GET /a HTTP/1.1", 200).into_bytes();
        let at = at % text.len();
        text[at] = byte;
        let mut edge = edge(PageLines::default());
        edge.read(&text, false, &mut Vec::new());
        edge.read(&text[..cut % text.len()], true, &mut Vec::new());
    }
}
