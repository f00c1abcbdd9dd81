use std::sync::Arc;

use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::edge::{Signals, SiteConfig};
use crate::hit::{HitKind, SiteName};

fn site() -> SiteConfig {
    SiteConfig {
        name: SiteName::parse("example.com").unwrap(),
        aliases: Vec::new(),
        timezone: "Europe/Berlin".to_owned(),
        signals: Signals::Withhold,
        rules: Arc::default(),
    }
}

fn read(kind: ExportKind, files: &[(&str, &str)]) -> Result<Exported, ExportError> {
    let files: Vec<_> = files.iter().map(|(name, text)| ExportFile { name, text }).collect();
    let bounds = (Second(0), Second(2_000_000_000));
    read_export(kind, &files, &site(), bounds).unwrap()
}

/// What an export makes, a line each.
fn told(exported: &Exported) -> Vec<String> {
    let totals = exported.totals.iter().map(|total| {
        let day = total.day;
        match &total.of {
            TotalOf::Site { visitors, visits, bounces, pageviews, duration_s } => {
                format!("{day} site {visitors} {visits} {bounces} {pageviews} {duration_s}")
            }
            TotalOf::Page { page, sums } => {
                let PageSums { pageviews, visitors, visits, entries, exits, .. } = sums;
                let PageSums { engaged_ms, engaged_visits, scroll_sum, scroll_visits, .. } = sums;
                format!(
                    "{day} {} {pageviews} {visitors} {visits} {entries} {exits} {engaged_ms} \
                     {engaged_visits} {scroll_sum} {scroll_visits}",
                    page.as_str()
                )
            }
            TotalOf::Event { name, visitors, events } => {
                format!("{day} {} {visitors} {events}", name.as_str())
            }
        }
    });
    totals.collect()
}

const VISITORS: &str =
    "\"date\",\"visitors\",\"pageviews\",\"bounces\",\"visits\",\"visit_duration\"
\"2024-03-01\",10,25,4,12,900
\"2024-03-02\",3,3,3,3,0
";

#[test]
fn plausible_s_tables_become_sums_of_days_pages_and_events() {
    let pages = "date,hostname,page,visits,visitors,pageviews,total_scroll_depth,\
                 total_scroll_depth_visits,total_time_on_page,total_time_on_page_visits
2024-03-01,example.com,/,9,8,15,700,8,120,7
2024-03-01,example.com,/user/jo@example.org/x,1,1,1,\\N,\\N,,
2024-03-02,example.com,/user/kim@example.org/x,1,1,2,50,1,3,1
";
    let entries = "date,entry_page,visitors,entrances,visit_duration,bounces,pageviews
2024-03-01,/,8,11,900,3,20
2024-03-01,,1,1,0,1,0
";
    let exits = "date,exit_page,visitors,visit_duration,exits,bounces,pageviews
2024-03-01,/,8,900,7,3,20
";
    let events = "date,name,link_url,path,visitors,events
2024-03-01,Signup,,,2,3
2024-03-01,Outbound Link: Click,https://a.example/,,2,4
2024-03-01,Outbound Link: Click,https://b.example/,,3,3
";
    let sources = "date,source,referrer,utm_source,utm_medium,utm_campaign,utm_content,utm_term,\
                   pageviews,visitors,visits,visit_duration,bounces
2024-03-01,Google,,,,,,,1,1,1,1,1
";
    let browsers = "date,browser,browser_version,visitors,visits,visit_duration,bounces,pageviews
2024-03-01,Firefox,120,1,1,1,1,1
";
    let files = [
        ("imported_sources.csv", sources),
        ("imported_pages.csv", pages),
        ("imported_visitors.csv", VISITORS),
        ("imported_entry_pages.csv", entries),
        ("imported_exit_pages.csv", exits),
        ("imported_custom_events.csv", events),
        ("imported_browsers.csv", browsers),
    ];
    let exported = read(ExportKind::Plausible, &files).unwrap();
    let expected = [
        "2024-03-01 site 10 12 4 25 900",
        "2024-03-02 site 3 3 3 3 0",
        "2024-03-01 / 15 8 9 11 7 120000 7 700 8",
        "2024-03-01 /user/:email/x 1 1 1 0 0 0 0 0 0",
        "2024-03-02 /user/:email/x 2 1 1 0 0 3000 1 50 1",
        "2024-03-01 Outbound Link: Click 3 7",
        "2024-03-01 Signup 2 3",
    ];
    assert_eq!(told(&exported), expected);
    let left: Vec<_> = exported.left_out.iter().map(|(file, _)| file.as_str()).collect();
    assert_eq!(left, ["imported_sources.csv", "imported_browsers.csv"]);
}

#[test]
fn reports_of_google_analytics_become_sums() {
    // As an exploration has it: a line of all days below the header.
    let exploration = "# ----------------------------------------
# Free form 1
# 20240301-20240302
# ----------------------------------------

Date,Total users,Sessions,Views,Bounce rate,Average session duration
,13,15,28,0.466666,60,Grand total
20240301,10,12,25,0.333333,75.04
20240302,3,3,3,100%,0
";
    let pages = "Date,Page path and screen class,Views,Total users
20240301,/,15,8
20240301,(not set),1,1
20240302,/a?token=secret,2,1
";
    let events = "Date,Event name,Event count,Total users
20240301,page_view,25,10
20240301,purchase,3,2
";
    let files = [("e.csv", exploration), ("p.csv", pages), ("v.csv", events)];
    let expected = [
        "2024-03-01 site 10 12 4 25 900",
        "2024-03-02 site 3 3 3 3 0",
        "2024-03-01 / 15 8 0 0 0 0 0 0 0",
        "2024-03-02 /a 2 1 0 0 0 0 0 0 0",
        "2024-03-01 purchase 2 3",
    ];
    assert_eq!(told(&read(ExportKind::Ga4, &files).unwrap()), expected);
}

#[test]
fn tables_of_a_standard_report_are_put_together_by_day() {
    let report = "\u{feff}# Start date: 20240301\r\n# End date: 20240302\r\nNth day,Active users\r\n\
                  0000,10\r\n0001,3\r\n\r\n# Start date: 20240301\r\n# End date: 20240302\r\n\
                  Nth day,Views,Sessions,Engaged sessions\r\n0000,25,12,8\r\n0001,3,3,0\r\n\r\n\
                  Country,Active users\r\nGermany,13\r\n";
    let exported = read(ExportKind::Ga4, &[("r.csv", report)]).unwrap();
    assert_eq!(told(&exported), ["2024-03-01 site 10 12 4 25 0", "2024-03-02 site 3 3 3 3 0"]);
    assert_eq!(exported.left_out, [("r.csv".to_owned(), "it has a table that is not by day")]);
}

const EVENTS: &str = "website_id,session_id,visit_id,event_id,hostname,browser,os,device,screen,\
language,country,region,city,url_path,url_query,utm_source,referrer_path,referrer_domain,page_title,\
event_type,event_name,created_at
w,s1,v1,e3,example.com,ios,iOS,mobile,1x1,de-DE,DE,DE-BE,Berlin,/b,,,,,\"B, \"\"b\"\"\",1,,2024-03-01 10:02:00
w,s1,v1,e1,example.com,ios,iOS,mobile,1x1,de-DE,DE,DE-BE,Berlin,/a,utm_source=news&x=secret,news,/,www.google.com,A,1,,2024-03-01 10:00:00
w,s2,v2,e2,example.com,edge-chromium,Windows 10,laptop,1x1,en-US,US,,,/a,,,,,A,1,,2024-03-01T10:00:30Z
w,s2,v2,e4,example.com,edge-chromium,Windows 10,laptop,1x1,en-US,US,,,/a,,,,,A,2,signup,2024-03-01 10:03:00
w,s2,v2,e5,example.com,edge-chromium,Windows 10,laptop,1x1,en-US,US,,,/a,,,,,A,1,,yesterday
w,s2,v2,e6,example.com,edge-chromium,Windows 10,laptop,1x1,en-US,US,,,/a,,,,,A,9,,2024-03-01 10:04:00
";

#[test]
fn umami_s_hits_go_through_the_door_in_the_order_of_their_times() {
    let exported = read(ExportKind::Umami, &[("website_event.csv", EVENTS)]).unwrap();
    let hits: Vec<_> = exported
        .records
        .iter()
        .filter_map(|record| match record {
            Record::Hit(hit) => Some(hit),
            _ => None,
        })
        .collect();
    let line = |hit: &crate::hit::Hit| {
        let d = &hit.dims;
        let kind = match &hit.kind {
            HitKind::Event { name, .. } => name.as_str(),
            _ => "-",
        };
        let texts = [&d.source, &d.utm_source, &d.country, &d.browser, &d.os, &d.os_version];
        let texts: Vec<_> = texts.map(Text::as_str).into_iter().collect();
        let (page, device, language) = (hit.page.as_str(), d.device.as_str(), d.language.as_str());
        format!("{page} {kind} {} {device} {language}", texts.join(","))
    };
    let lines: Vec<_> = hits.iter().map(|hit| line(hit)).collect();
    let expected = [
        "/a - news,news,DE,Safari,iOS, Mobile de",
        "/a - ,,US,Edge,Windows,10 Desktop en",
        "/b - ,,DE,Safari,iOS, Mobile de",
        "/a signup ,,US,Edge,Windows,10 Desktop en",
    ];
    assert_eq!(lines, expected);
    assert!(hits[0].visitor == hits[2].visitor && hits[0].visitor != hits[1].visitor);
    assert_eq!((exported.lines, exported.malformed), (6, 1));
    assert_eq!(exported.unread, [("website_event.csv".to_owned(), 6)]);
    assert!(exported.records.iter().any(|record| matches!(
        record,
        Record::Drop { reason: crate::hit::DropReason::Unsupported, .. }
    )));
}

#[test]
fn what_is_wrong_is_told_by_file_and_line_and_never_repeated() {
    use ExportKind::{Ga4, Plausible, Umami};
    let check = |kind, text: &str, expected: &str| {
        let error = read(kind, &[("f.csv", text)]).map(|_| ()).unwrap_err().to_string();
        assert!(error.starts_with(expected), "{error}");
        assert!(!error.contains("secret"), "{error}");
    };
    let header = VISITORS.lines().next().unwrap();
    let line = |rest: &str| format!("{header}\n{rest}\n");
    check(Plausible, &line("1.3.2024,1,1,1,1,1"), "f.csv, line 2: its day is not written as");
    check(Plausible, &line("2024-02-30,1,1,1,1,1"), "f.csv, line 2: its day is not written as");
    check(Plausible, &line("2024-03-01,secret,1,1,1,1"), "f.csv, line 2: visitors is not a whole");
    check(Plausible, &line("2024-03-01,-1,1,1,1,1"), "f.csv, line 2: visitors is not a whole");
    check(Plausible, &line("2024-03-01,1"), "f.csv, line 2: it has more or fewer cells");
    let twice = line("2024-03-01,1,1,1,1,1\n2024-03-01,2,2,2,2,2");
    check(Plausible, &twice, "f.csv, line 3: its day stands in another line too");
    check(Plausible, "secret\n1\n", "none of the files is Plausible's imported_visitors");
    check(Plausible, "", "none of the files is Plausible's imported_visitors");
    check(Ga4, "Date,Views\n20240301,1\n", "the days of the reports must have users, sessions");
    check(Ga4, "Date,secret\n20240301,1\n", "none of the files has a table with a column Date");
    let rate = "Date,Users,Views,Bounce rate\n20240301,1,1,0.5\n";
    check(Ga4, rate, "f.csv, line 2: a bounce rate needs a column Sessions");
    let split = "Date,Device,Users,Sessions,Views\n20240301,secret,1,1,1\n20240301,b,2,2,2\n";
    check(Ga4, split, "f.csv, line 3: its day stands in another line too, with other numbers");
    let pages = "Date,Page path,Country,Views\n20240301,/,a,1\n20240301,/,b,1\n";
    check(Ga4, pages, "f.csv, line 3: its page stands in another line of the same day too");
    check(Umami, "session_id,created_at\ns,secret\n", "none of the files is Umami's website_event");
}

#[test]
fn days_are_read_in_both_ways() {
    let check = |text, expected| assert_eq!(table::day(text), expected, "{text}");
    check("2024-02-29", Some(date(2024, 2, 29)));
    check("20240229", Some(date(2024, 2, 29)));
    check("2023-02-29", None);
    check("2024-2-29", None);
    check("20-240229", None);
    check("٢٠٢٤٠٢٢٩", None);
    check("", None);
}

proptest! {
    #[test]
    fn no_text_makes_a_reader_panic(text in "(\\PC|[\n,\"#0-9-]){0,200}", head in 0..4_usize) {
        let heads = [
            "",
            "date,visitors,pageviews,bounces,visits,visit_duration\n",
            "Date,Total users,Sessions,Views,Bounce rate\n",
            "session_id,url_path,event_type,created_at\n",
        ];
        let text = format!("{}{text}", heads[head]);
        for kind in [ExportKind::Plausible, ExportKind::Umami, ExportKind::Ga4] {
            if let Ok(exported) = read(kind, &[("f", &text)]) {
                prop_assert!(exported.totals.len() as u64 <= exported.lines);
            }
        }
    }
}
