//! `headcount import plausible`, `umami` and `ga4`, with the real program and the real engine.

use std::fmt::Write as _;
use std::process::{Output, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Folder, KEEP_ALL, NODE, SITE, ZONE, refused, told};
use crate::stored;
use crate::support::{Collector, prepared, until};
use crate::twin;

use headcount::edge::{ExportFile, ExportKind, Signals, SiteConfig, read_export};
use headcount::hit::{Second, SiteName};

const VISITORS: &str = "date,visitors,pageviews,bounces,visits,visit_duration
2024-03-01,10,25,4,12,900
2024-03-02,3,3,3,3,0
";
const PAGES: &str = "date,hostname,page,visits,visitors,pageviews,total_time_on_page,\
total_time_on_page_visits
2024-03-01,log.example,/,9,8,15,120,6
2024-03-01,log.example,/prices,3,2,10,30,3
2024-03-02,log.example,/,3,3,3,,
";
const EVENTS: &str = "date,name,link_url,path,visitors,events\n2024-03-01,Signup,,,2,3\n";
const SOURCES: &str = "date,source,referrer,visitors,visits,bounces,pageviews,visit_duration\n\
                       2024-03-01,Google,google.com,10,12,4,25,900\n";

impl Folder {
    fn take_over(&self, kind: &str, arguments: &[&str]) -> Output {
        let mut all = vec!["import", kind, "--site", SITE];
        all.extend(arguments);
        let mut command = prepared(&self.data, &all);
        command.env(KEEP_ALL.0, KEEP_ALL.1).stdin(Stdio::null());
        command.output().expect("the program runs")
    }
}

/// The rows of an answer: dimensions, then metrics.
fn rows(collector: &Collector, key: &str, mut question: Value) -> Vec<Value> {
    question["site_id"] = json!(SITE);
    question["date_range"] = json!(["2024-03-01", "2024-03-31"]);
    let answer = until("the engine answers", || collector.query(key, &question).ok());
    let results = answer["results"].as_array().expect("rows").clone();
    results.into_iter().map(|row| json!([row["dimensions"], row["metrics"]])).collect()
}

#[test]
fn an_export_of_plausible_is_read_back_as_it_was_and_marked_as_imported() {
    let folder = Folder::new();
    let files = [
        folder.file("imported_visitors.csv", VISITORS.as_bytes()),
        folder.file("imported_pages.csv.gz", &super::packed(PAGES.as_bytes())),
        folder.file("imported_custom_events.csv", EVENTS.as_bytes()),
        folder.file("imported_sources.csv", SOURCES.as_bytes()),
    ];
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    let said = told(&folder.take_over("plausible", &[&files[..], &["--dry-run"]].concat()));
    assert!(
        said.contains("would count 31 page views and events, as sums from 2024-03-01"),
        "{said}"
    );
    assert!(said.contains("left out: ") && said.contains("imported_sources.csv"), "{said}");
    told(&folder.take_over("plausible", &files));
    let turned: Vec<&str> = files.iter().rev().copied().collect();
    refused(&folder.take_over("plausible", &turned), "was imported on");

    let mut collector = Collector::start(&folder.data, &[KEEP_ALL]);
    let key = collector.key(SITE);
    let metrics = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"];
    let days = json!({"metrics": metrics, "dimensions": ["time:day"]});
    assert_eq!(
        rows(&collector, &key, days)[..2],
        [json!([["2024-03-01"], [10, 12, 25, 33, 75]]), json!([["2024-03-02"], [3, 3, 3, 100, 0]])]
    );
    let pages = json!({"metrics": ["pageviews", "visitors", "time_on_page"],
        "dimensions": ["event:page"]});
    assert_eq!(
        rows(&collector, &key, pages),
        [json!([["/"], [18, 11, 20]]), json!([["/prices"], [10, 2, 10]])]
    );
    let goals = json!({"metrics": ["events", "visitors"], "dimensions": ["event:name"]});
    assert_eq!(rows(&collector, &key, goals), [json!([["Signup"], [3, 2]])]);
    let sources = json!({"metrics": ["visits"], "dimensions": ["visit:channel", "visit:source"]});
    assert_eq!(rows(&collector, &key, sources), [json!([["Imported", "Imported"], [15]])]);
    let ledger = until("the import's ledger is there", || {
        collector.ledger(&key, SITE).filter(|ledger| ledger["imported"] == 31)
    });
    assert_eq!(ledger["counted"], 0, "{ledger}");
    collector.stop();

    // Days that were imported are not imported from elsewhere on top.
    let report = "Date,Total users,Sessions,Views\n20240302,1,1,1\n";
    let report = folder.file("ga4.csv", report.as_bytes());
    refused(&folder.take_over("ga4", &[&report]), "2024-03-02 were imported before");
}

#[test]
fn reports_of_google_analytics_are_added_by_a_running_program() {
    let folder = Folder::new();
    let mut collector = Collector::start(&folder.data, &[KEEP_ALL]);
    let key = collector.key(SITE);
    collector.settled_ledger(&key, SITE);
    let report = "# Free form\n\nDate,Total users,Sessions,Views,Engaged sessions\n\
                  20240301,10,12,25,8\n20240302,3,3,3,0\n";
    let report = folder.file("ga4.csv", report.as_bytes());
    let said = told(&folder.take_over("ga4", &[&report]));
    assert!(said.contains("counted 28 page views and events, as sums from 2024-03-01"), "{said}");
    let question = json!({"metrics": ["visitors", "visits", "pageviews", "bounce_rate"]});
    assert_eq!(rows(&collector, &key, question), [json!([[], [13, 15, 28, 47]])]);
    collector.stop();
}

#[test]
fn an_export_of_umami_counts_as_the_twin_counts_its_hits() {
    let mut events = String::from(
        "session_id,visit_id,hostname,browser,os,device,language,country,url_path,url_query,\
         referrer_domain,event_type,event_name,created_at\n",
    );
    // Forty days around a change of the clocks, newest first, some devices on several of them.
    for number in (0..2_000).rev() {
        let at = 1_708_000_000 + number * 1_700;
        let time = jiff::Timestamp::from_second(at).expect("a time").strftime("%Y-%m-%d %H:%M:%S");
        let (device, page) = (number * 7 % 90, number * 5 % 11);
        let kind = if number % 9 == 0 { "2,signup" } else { "1," };
        writeln!(
            events,
            "s{device},v,{SITE},chrome,Windows 10,desktop,en-US,DE,/p{page},utm_source=news,\
             www.google.com,{kind},{time}"
        )
        .expect("memory");
    }
    let folder = Folder::new();
    let file = folder.file("website_event.csv", events.as_bytes());
    let said = told(&folder.take_over("umami", &[&file]));
    assert!(said.contains("counted 2000 page views and events from 2024-02-15"), "{said}");
    let site = SiteConfig {
        name: SiteName::parse(SITE).expect("a domain"),
        aliases: Vec::new(),
        timezone: ZONE.to_owned(),
        signals: Signals::Withhold,
        rules: Arc::default(),
    };
    let file = ExportFile { name: "website_event.csv", text: &events };
    let bounds = (Second(0), Second(i64::MAX));
    let read = read_export(ExportKind::Umami, &[file], &site, bounds);
    let read = read.expect("a known zone").expect("it is read");
    stored::read(&folder.data).assert_equals_of(&twin::recount(&read.records), NODE);
}

#[test]
fn a_bad_export_is_refused_and_nothing_of_it_stays() {
    let folder = Folder::new();
    let archive = folder.file("export.zip", b"PK\x03\x04rest");
    refused(&folder.take_over("plausible", &[&archive]), "it is a zip archive: unpack it");
    let other = folder.file("other.csv", b"a,b\n1,2\n");
    refused(&folder.take_over("plausible", &[&other]), "none of the files is Plausible's");
    let day = VISITORS.replace("2024-03-02", "2924-03-02");
    let ahead = folder.file("ahead.csv", day.as_bytes());
    refused(&folder.take_over("plausible", &[&ahead]), "has numbers of 2924-03-02");
    let torn = folder.file("torn.csv", VISITORS.replace(",900", ",x").as_bytes());
    refused(
        &folder.take_over("plausible", &[&torn]),
        "line 2: visitduration is not a whole number",
    );
    let left = std::fs::read_dir(folder.data.join("imports")).expect("a folder");
    assert_eq!(left.count(), 1, "the lock alone");
}
