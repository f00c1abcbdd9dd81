//! Tests of questions, plans and answers. That the SQL counts right is tested on the engine.

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::*;

mod compared;
mod filtered;

/// Monday, 23 November 2026, 06:17 in Berlin.
const NOW: Second = Second(1_795_411_020);

fn setting(reader: Reader) -> Setting {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    Setting { zone, now: NOW, begun: Some(Second(NOW.0 - 10 * 86_400)), reader }
}

fn planned(question: &Value, reader: Reader) -> Result<Plan, String> {
    let mut whole = json!({"site_id": "example.org", "metrics": ["visitors"], "date_range": "day"});
    for (name, value) in question.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let query = Query::parse(&whole).map_err(|error| error.to_string())?;
    plan(&query, &setting(reader)).map_err(|error| error.to_string())
}

fn check(question: &Value, expected: &str) {
    let got = match planned(question, Reader::OWNER) {
        Ok(plan) => plan.sql,
        Err(error) => error,
    };
    assert_eq!(got, expected, "{question}");
}

fn refused(question: &Value, expected: &str) {
    let Err(error) = planned(question, Reader::OWNER) else { panic!("answered: {question}") };
    assert!(error.contains(expected), "{error}\nfor {question}");
}

const SCOPE: &str = "WHERE site = {site:String} AND bucket >= toDateTime({from:Int64}, 'UTC') \
                     AND bucket < toDateTime({to:Int64}, 'UTC')";

#[test]
fn totals_come_from_the_visits() {
    check(
        &json!({"metrics": ["visitors", "bounce_rate", "events"]}),
        &format!(
            "SELECT sum(c0) AS s0, sum(c1) AS s1, sum(c2) AS s2, sum(c3) AS s3, sum(c4) AS s4 \
             FROM (SELECT sum(visitors) AS c0, sum(bounces) AS c1, sum(visits) AS c2, \
             sum(pageviews) AS c3, sum(events) AS c4 FROM visits {SCOPE}) \
             ORDER BY s0 DESC LIMIT 10000 OFFSET 0"
        ),
    );
}

#[test]
fn visitors_by_hour_are_firsts_of_the_hour() {
    check(
        &json!({"dimensions": ["time"]}),
        &format!(
            "SELECT d0, sum(c0) AS s0 FROM (SELECT formatDateTime(toStartOfHour(bucket, \
             {{zone:String}}), '%Y-%m-%d %H:00:00', {{zone:String}}) AS d0, \
             sum(visitors_hour) AS c0 FROM visits {SCOPE} GROUP BY d0) GROUP BY d0 \
             HAVING s0 != 0 ORDER BY d0 ASC LIMIT 10000 OFFSET 0"
        ),
    );
}

#[test]
fn pages_take_visits_from_their_entries_and_the_rest_from_their_own_table() {
    check(
        &json!({
            "metrics": ["visitors", "bounce_rate"],
            "dimensions": ["event:page"],
            "filters": [["is", "visit:source", ["Direct / None"]]],
            "pagination": {"limit": 9},
            "include": {"total_rows": true},
        }),
        &format!(
            "SELECT d0, sum(c0) AS s0, sum(c1) AS s1, sum(c2) AS s2, \
             toInt64(count() OVER ()) AS total FROM (\
             SELECT entry_page AS d0, toInt64(0) AS c0, sum(bounces) AS c1, sum(visits) AS c2 \
             FROM visits {SCOPE} AND source IN {{f0:Array(String)}} GROUP BY d0 UNION ALL \
             SELECT page AS d0, sum(visitors) AS c0, toInt64(0) AS c1, toInt64(0) AS c2 \
             FROM pages {SCOPE} AND source IN {{f0:Array(String)}} GROUP BY d0) GROUP BY d0 \
             HAVING s0 != 0 OR s1 != 0 OR s2 != 0 ORDER BY s0 DESC, d0 ASC LIMIT 9 OFFSET 0"
        ),
    );
}

#[test]
fn rates_order_by_what_they_are_and_nothing_comes_last() {
    check(
        &json!({
            "metrics": ["views_per_visit"],
            "dimensions": ["visit:country"],
            "order_by": [["views_per_visit", "asc"]],
        }),
        &format!(
            "SELECT d0, sum(c0) AS s0, sum(c1) AS s1 FROM (SELECT country AS d0, \
             sum(pageviews) AS c0, sum(visits) AS c1 FROM visits {SCOPE} GROUP BY d0) \
             GROUP BY d0 HAVING s0 != 0 OR s1 != 0 \
             ORDER BY if(s1 > 0, (s0) / s1, NULL) ASC, d0 ASC LIMIT 10000 OFFSET 0"
        ),
    );
}

#[test]
fn what_a_reader_wrote_is_bound_and_not_in_the_statement() {
    let hostile = "x') OR 1=1 --";
    let question = json!({
        "site_id": hostile,
        "dimensions": ["time:week"],
        "filters": [["is", "event:page", [hostile]], ["is", "visit:channel", ["(not set)"]]],
    });
    let plan = planned(&question, Reader::OWNER).unwrap();
    assert!(!plan.sql.contains("1=1"));
    let text = format!("{:?}", plan.params);
    assert_eq!(
        text,
        "[(\"site\", Text(\"x') OR 1=1 --\")), (\"from\", Number(1795388400)), \
         (\"to\", Number(1795474800)), (\"f0\", Texts([\"x') OR 1=1 --\"])), \
         (\"f1\", Texts([\"\"])), (\"zone\", Text(\"Europe/Berlin\")), \
         (\"first\", Text(\"2026-11-23\"))]"
    );
}

#[test]
fn what_counts_cannot_answer_is_refused_with_the_reason() {
    let two = json!([["is", "event:page", ["/a", "/b"]]]);
    refused(&json!({"filters": two}), "visitors of several values of event:page at once");
    let named = json!([["is", "event:name", ["a", "b"]]]);
    refused(&json!({"filters": named}), "visitors of several values of event:name at once");
    refused(
        &json!({"dimensions": ["event:page", "visit:browser"]}),
        "Valid dimensions here: event:page, event:hostname, visit:channel, visit:source, \
         visit:utm_campaign, visit:country, visit:device",
    );
    refused(
        &json!({"dimensions": ["event:name", "event:page"]}),
        "not for each page or currency of it",
    );
    refused(
        &json!({"metrics": ["bounce_rate"], "dimensions": ["event:name"]}),
        "not by the events in them",
    );
    refused(&json!({"metrics": ["events"], "dimensions": ["event:page"]}), "event:name as well");
    refused(&json!({"date_range": "24h"}), "these hours cut a day");
    refused(&json!({"date_range": "realtime"}), "/api/v1/live");
    let times = json!(["2026-01-01T10:00:00Z", "2026-01-01T11:00:00Z"]);
    refused(&json!({"date_range": times}), "visitors are kept by day");
    refused(&json!({"date_range": "93d", "dimensions": ["time:hour"]}), "at most 92 days");
}

#[test]
fn several_pages_are_answered_where_each_stands_alone() {
    let two = json!([["is", "event:page", ["/a", "/b"]]]);
    for question in [
        json!({"filters": two, "dimensions": ["event:page"]}),
        json!({"filters": two, "metrics": ["pageviews", "visits"]}),
        json!({"date_range": "24h", "dimensions": ["time:hour"]}),
        json!({"date_range": "24h", "metrics": ["visits", "pageviews"]}),
        json!({"metrics": ["events"], "dimensions": ["event:name", "event:page"]}),
    ] {
        assert!(planned(&question, Reader::OWNER).is_ok(), "{question}");
    }
}

#[test]
fn a_question_of_the_wrong_form_is_told_what_is_valid() {
    for (question, expected) in [
        (json!({"metrics": []}), "metrics: give one or more, each once, of visitors, visits, "),
        (json!({"metrics": ["visitors", "visitors"]}), "metrics: give one or more, each once"),
        (json!({"metrics": "visitors"}), "metrics: give a list of visitors"),
        (json!({"metrics": ["bounces"]}), "of visitors, visits, pageviews, views_per_visit"),
        (json!({"dimensions": ["visit:planet"]}), "dimensions: give a list, each once and time"),
        (json!({"dimensions": ["time", "time:day"]}), "time once"),
        (json!({"filters": [["is", "time", ["x"]]]}), "filters: a dimension is one of event:page"),
        (json!({"filters": [["is", "event:page", []]]}), "filters: values are a list of 1 to 200"),
        (
            json!({"filters": [["is", "event:page", "/"]]}),
            "filters: give a list of [operator, dimension",
        ),
        (json!({"order_by": [["visits", "desc"]]}), "order_by: give a list of [name, \"asc\" or"),
        (json!({"order_by": [["visitors", "up"]]}), "each name one that is asked for: visitors"),
        (json!({"pagination": {"limit": 0}}), "pagination: limit is 1 to 10000"),
        (json!({"pagination": {"page": 2}}), "pagination: give an object with no other fields"),
        (json!({"include": {"time_labels": true}}), "include: time_labels needs a time dimension"),
        (json!({"include": {"total_rows": 1}}), "include: each field is true or false"),
        (json!({"date_range": "fortnight"}), "date_range: give day, 24h, 7d, 28d"),
        (json!({"date_range": ["2026-02-30", "2026-03-01"]}), "date_range: give day"),
        (json!({"date_range": ["2026-03-02", "2026-03-01"]}), "the first date is after the last"),
        (json!({"date_range": ["1990-01-01", "2026-03-01"]}), "at most 3700 days"),
        (json!({"site": "example.org"}), "body: give an object with no other fields than site_id"),
        (json!({"site_id": 3}), "site_id: give a site's domain"),
    ] {
        refused(&question, expected);
    }
}

#[test]
fn ranges_are_days_of_the_sites_zone() {
    let zone = TimeZone::get("Europe/Berlin").unwrap();
    for (range, first, last) in [
        ("day", "2026-11-23T00:00:00+01:00", "2026-11-23T23:59:59+01:00"),
        ("7d", "2026-11-16T00:00:00+01:00", "2026-11-22T23:59:59+01:00"),
        ("30d", "2026-10-24T00:00:00+02:00", "2026-11-22T23:59:59+01:00"),
        ("month", "2026-11-01T00:00:00+01:00", "2026-11-30T23:59:59+01:00"),
        ("6mo", "2026-05-01T00:00:00+02:00", "2026-10-31T23:59:59+01:00"),
        ("12mo", "2025-11-01T00:00:00+01:00", "2026-10-31T23:59:59+01:00"),
        ("year", "2026-01-01T00:00:00+01:00", "2026-12-31T23:59:59+01:00"),
        ("all", "2026-11-13T00:00:00+01:00", "2026-11-23T23:59:59+01:00"),
        ("24h", "2026-11-22T06:00:00+01:00", "2026-11-23T06:29:59+01:00"),
    ] {
        let range = DateRange::parse(Some(&json!(range))).unwrap();
        let begun = Some(Second(NOW.0 - 10 * 86_400));
        let period = Period::of(range, &zone, NOW, begun).unwrap();
        assert_eq!(period.ends().unwrap(), [first, last], "{range:?}");
        assert_eq!((period.from.0 % 900, period.to.0 % 900), (0, 0), "{range:?}");
    }
}

#[test]
fn labels_name_every_hour_day_week_and_month() {
    let labels = |zone: &str, first: &str, last: &str, grain: Grain| {
        let range = DateRange::parse(Some(&json!([first, last]))).unwrap();
        let zone = TimeZone::get(zone).unwrap();
        Period::of(range, &zone, NOW, None).unwrap().labels(grain).unwrap()
    };
    let spring = labels("Europe/Berlin", "2026-03-29", "2026-03-29", Grain::Hour);
    assert_eq!(spring.len(), 23);
    assert_eq!(spring[2], "2026-03-29 03:00:00");
    let autumn = labels("Europe/Berlin", "2026-10-25", "2026-10-25", Grain::Hour);
    assert_eq!(autumn.len(), 24);
    let half = labels("Asia/Kolkata", "2026-10-25", "2026-10-25", Grain::Hour);
    assert_eq!((half.len(), half[0].as_str()), (24, "2026-10-25 00:00:00"));
    let weeks = labels("UTC", "2026-11-18", "2026-11-30", Grain::Week);
    assert_eq!(weeks, ["2026-11-18", "2026-11-23", "2026-11-30"]);
    let months = labels("UTC", "2026-01-31", "2026-03-01", Grain::Month);
    assert_eq!(months, ["2026-01-01", "2026-02-01", "2026-03-01"]);
    let days = labels("UTC", "2026-02-27", "2026-03-01", Grain::Day);
    assert_eq!(days, ["2026-02-27", "2026-02-28", "2026-03-01"]);
}

fn answered(question: &Value, reader: Reader, rows: Vec<Vec<Value>>) -> Value {
    let mut whole = json!({"site_id": "example.org", "date_range": "day"});
    for (name, value) in question.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let query = Query::parse(&whole).unwrap();
    plan(&query, &setting(reader)).unwrap().answer(&query, rows).unwrap()
}

#[test]
fn an_answer_has_plausibles_shape() {
    let question = json!({
        "metrics": ["visitors", "bounce_rate", "visit_duration", "views_per_visit", "events"],
        "dimensions": ["visit:source"],
        "include": {"total_rows": true},
    });
    // Counters: visitors, bounces, visits, duration_s, pageviews, events.
    let rows = vec![
        vec![json!(""), json!(3), json!(1), json!(3), json!(200), json!(5), json!(2), json!(2)],
        vec![json!("Google"), json!(2), json!(0), json!(0), json!(0), json!(4), json!(0), json!(2)],
    ];
    assert_eq!(
        answered(&question, Reader::OWNER, rows),
        json!({
            "results": [
                {"dimensions": ["Direct / None"], "metrics": [3, 33, 67, 1.67, 7]},
                {"dimensions": ["Google"], "metrics": [2, null, null, null, 4]},
            ],
            "meta": {"total_rows": 2},
            "query": {
                "site_id": "example.org",
                "metrics":
                    ["visitors", "bounce_rate", "visit_duration", "views_per_visit", "events"],
                "date_range": ["2026-11-23T00:00:00+01:00", "2026-11-23T23:59:59+01:00"],
                "dimensions": ["visit:source"],
                "filters": [],
                "order_by": [["visitors", "desc"], ["visit:source", "asc"]],
                "include": {"imports": false, "time_labels": false, "total_rows": true},
                "pagination": {"limit": 10000, "offset": 0},
            },
        })
    );
}

#[test]
fn a_total_of_nothing_is_zero() {
    let question = json!({"metrics": ["visitors", "bounce_rate"]});
    let answer = answered(&question, Reader::OWNER, vec![vec![json!(0), json!(0), json!(0)]]);
    assert_eq!(answer["results"], json!([{"dimensions": [], "metrics": [0, 0]}]));
}

#[test]
fn a_row_of_another_form_is_no_answer() {
    let query = json!({"site_id": "a", "date_range": "day", "metrics": ["visitors"]});
    let query = Query::parse(&query).unwrap();
    let plan = plan(&query, &setting(Reader::OWNER)).unwrap();
    for row in [vec![], vec![json!("7")], vec![json!(null)]] {
        let answer = plan.answer(&query, vec![row]);
        assert!(matches!(answer, Err(QueryError::Store(StoreError::Answer))));
    }
}

#[test]
fn a_reader_with_a_threshold_gets_folded_cells_in_order_and_other_last() {
    let question = json!({
        "metrics": ["pageviews"],
        "dimensions": ["visit:country"],
        "order_by": [["pageviews", "asc"]],
        "include": {"total_rows": true},
    });
    let row = |name: &str, pageviews: i64, visitors: i64| {
        vec![json!(name), json!(pageviews), json!(visitors)]
    };
    let rows = vec![row("DE", 90, 50), row("FR", 70, 9), row("IT", 6, 4), row("LU", 2, 2)];
    let answer = answered(&question, Reader::with_threshold(5), rows);
    assert_eq!(
        answer["results"],
        json!([
            {"dimensions": ["FR"], "metrics": [70]},
            {"dimensions": ["DE"], "metrics": [90]},
            {"dimensions": ["Other"], "metrics": [8]},
        ])
    );
    assert_eq!(answer["meta"]["total_rows"], 3);
}

#[test]
fn a_reader_with_a_threshold_gets_nothing_that_subtracts() {
    let refused = |question: &Value| planned(question, Reader::with_threshold(5)).is_err();
    assert!(refused(&json!({"filters": [["is", "visit:country", ["DE"]]]})));
    assert!(refused(&json!({"dimensions": ["visit:country", "visit:device"]})));
    assert!(refused(&json!({"dimensions": ["visit:country", "time:day"]})));
    assert!(!refused(&json!({"dimensions": ["visit:country"]})));
    assert!(!refused(&json!({"dimensions": ["time:day"]})));
}

#[test]
fn every_metric_under_every_dimension_is_planned_or_refused_with_a_reason() {
    for metric in Metric::ALL {
        for first in Dimension::ALL {
            for second in Dimension::ALL {
                if first == second {
                    continue;
                }
                let question = json!({
                    "metrics": [metric.word()],
                    "dimensions": [first.word(), second.word()],
                });
                match planned(&question, Reader::OWNER) {
                    Ok(plan) => assert!(!plan.sql.contains("'' AS"), "{question}: {}", plan.sql),
                    Err(why) => assert!(why.starts_with("metrics: "), "{question}: {why}"),
                }
            }
        }
    }
}

#[test]
fn the_table_of_what_is_answered_has_a_row_for_every_metric_and_dimension() {
    let table = markdown();
    let words = Metric::ALL.iter().map(|one| one.word());
    for word in words.chain(Dimension::ALL.iter().map(|one| one.word())) {
        assert_eq!(table.matches(&format!("\n| `{word}` |")).count(), 1, "{word}\n{table}");
    }
}
