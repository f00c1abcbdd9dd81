//! Questions against the real engine: rows that are known, answers that were added up by hand.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod corpus;
mod facts;
mod laws;
mod naive;

use std::path::PathBuf;

use headcount::hit::Second;
use headcount::release::Reader;
use headcount::stats::{self, Dimension, Grain, Metric, Query, QueryError};
use headcount::store::engine::{Engine, EngineConfig, find_library};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tempfile::TempDir;

/// 06:17 on Monday, 23 November, in Berlin.
const NOW: &str = "2026-11-23T05:17:00Z";

/// The 22nd begins at 23:00 of UTC; the row before it is of the 21st, the last is of the 23rd.
/// Italy's visit was corrected away.
const VISITS: &str = "
    INSERT INTO visits (site, bucket, hostname, entry_page, source, country, browser,
        visitors, visitors_hour, visits, bounces, pageviews, events, duration_s) VALUES
    ('shop.example', '2026-11-21 22:45:00', 'shop.example', '/a', '', 'FR', 'Firefox',
        1, 1, 1, 1, 1, 0, 0),
    ('shop.example', '2026-11-21 23:00:00', 'shop.example', '/', 'Google', 'DE', 'Firefox',
        2, 2, 2, 1, 3, 1, 100),
    ('shop.example', '2026-11-22 22:45:00', 'shop.example', '/a', 'Google', 'DE', 'Chrome',
        0, 1, 1, 0, 2, 0, 30),
    ('shop.example', '2026-11-22 10:00:00', 'shop.example', '/x', 'Bing', 'IT', 'Safari',
        1, 1, 1, 1, 1, 0, 0),
    ('shop.example', '2026-11-22 10:00:00', 'shop.example', '/x', 'Bing', 'IT', 'Safari',
        -1, -1, -1, -1, -1, 0, 0),
    ('shop.example', '2026-11-22 23:00:00', 'shop.example', '/', '', 'DE', 'Firefox',
        7, 7, 7, 7, 7, 0, 0),
    ('other.example', '2026-11-22 10:00:00', 'other.example', '/', '', 'DE', 'Firefox',
        90, 90, 90, 90, 90, 0, 0),
    ('(marker)', '2026-11-22 10:00:00', '', '', '', '', '', 0, 0, 1, 0, 0, 0, 0)";

const PAGES: &str = "
    INSERT INTO pages (site, bucket, hostname, page, source, country,
        pageviews, visitors, visitors_hour, visits, entries, exits) VALUES
    ('shop.example', '2026-11-21 23:00:00', 'shop.example', '/', 'Google', 'DE', 2, 2, 2, 2, 2, 1),
    ('shop.example', '2026-11-21 23:15:00', 'shop.example', '/b', 'Google', 'DE', 1, 1, 1, 1, 0, 1),
    ('shop.example', '2026-11-22 22:45:00', 'shop.example', '/a', 'Google', 'DE', 2, 1, 1, 1, 1, 1)";

const EVENTS: &str = "
    INSERT INTO events (site, bucket, name, page, currency, country, events, visitors,
        visitors_hour, visits, revenue) VALUES
    ('shop.example', '2026-11-21 23:15:00', 'Signup', '/b', '', 'DE', 3, 1, 1, 1, 0),
    ('shop.example', '2026-11-22 22:45:00', 'Signup', '/a', '', 'DE', 1, 1, 1, 1, 0),
    ('shop.example', '2026-11-22 22:45:00', 'Play', '/a', '', 'DE', 2, 1, 1, 1, 0),
    ('shop.example', '2026-11-20 10:00:00', 'Order', '/a', 'EUR', 'DE', 2, 1, 1, 1, 250100),
    ('shop.example', '2026-11-20 10:00:00', 'Order', '/a', '', 'DE', 1, 0, 0, 0, 0),
    ('shop.example', '2026-11-20 10:00:00', 'Order', '/b', 'JPY', 'DE', 3, 1, 1, 1, 900)";

struct Seeded {
    engine: Engine,
    _folder: TempDir,
}

impl Seeded {
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let program = PathBuf::from(env!("CARGO_BIN_EXE_headcount"));
        let config = EngineConfig {
            dir: folder.path().to_owned(),
            library: find_library(&program).unwrap(),
            program,
            memory_bytes: 1 << 30,
        };
        let engine = Engine::start(config).await.unwrap();
        engine.store().migrate().await.unwrap();
        let config = engine.store_config();
        let mut client = clickhouse::Client::default()
            .with_url(&config.url)
            .with_user(&config.user)
            .with_database(&config.database)
            .with_header("connection", "close");
        if let Some(password) = &config.password {
            client = client.with_password(password);
        }
        for rows in [VISITS, PAGES, EVENTS] {
            client.query_raw(rows).execute().await.unwrap();
        }
        Self { engine, _folder: folder }
    }

    async fn ask(&self, question: &Value, reader: Reader) -> Result<Value, QueryError> {
        let mut whole = json!({
            "site_id": "shop.example",
            "metrics": ["visitors"],
            "date_range": ["2026-11-22", "2026-11-22"],
        });
        for (name, value) in question.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let query = Query::parse(&whole)?;
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let now = Second(NOW.parse::<jiff::Timestamp>().unwrap().as_second());
        stats::answer(&query, zone, now, reader, &self.engine.store()).await
    }

    /// The rows of the answer, each as its dimensions and its metrics.
    async fn check(&self, question: Value, expected: Value) {
        let answer = self.ask(&question, Reader::OWNER).await.unwrap();
        let rows = answer["results"].as_array().unwrap().iter();
        let rows: Vec<Value> = rows.map(|row| json!([row["dimensions"], row["metrics"]])).collect();
        assert_eq!(json!(rows), expected, "{question}");
    }
}

#[tokio::test]
async fn questions_get_the_answers_that_the_rows_add_up_to() {
    let seeded = Seeded::start().await;
    let all = json!([
        "visitors",
        "visits",
        "pageviews",
        "views_per_visit",
        "bounce_rate",
        "visit_duration",
        "events"
    ]);
    seeded.check(json!({"metrics": all}), json!([[[], [2, 3, 5, 1.67, 33, 43, 6]]])).await;
    seeded
        .check(
            json!({"metrics": all, "date_range": ["2020-01-01", "2020-01-02"]}),
            json!([[[], [0, 0, 0, 0, 0, 0, 0]]]),
        )
        .await;
    seeded
        .check(
            json!({"metrics": ["visitors", "visits"], "dimensions": ["visit:country"],
                "date_range": "7d"}),
            json!([[["DE"], [2, 3]], [["FR"], [1, 1]]]),
        )
        .await;
    seeded
        .check(
            json!({"metrics": ["visits"], "dimensions": ["visit:source", "visit:browser"],
                "date_range": "7d", "order_by": [["visits", "asc"]]}),
            json!([
                [["Direct / None", "Firefox"], [1]],
                [["Google", "Chrome"], [1]],
                [["Google", "Firefox"], [2]],
            ]),
        )
        .await;
    let direct = json!([["is", "visit:source", ["Direct / None"]]]);
    seeded.check(json!({"filters": direct, "date_range": "7d"}), json!([[[], [1]]])).await;
    let two = json!([["is", "visit:country", ["FR", "DE"]], ["is", "visit:browser", ["Chrome"]]]);
    seeded
        .check(
            json!({"filters": two, "metrics": ["visits"], "date_range": "7d"}),
            json!([[[], [1]]]),
        )
        .await;
    seeded.engine.stop().await;
}

#[tokio::test]
async fn days_and_hours_are_those_of_the_sites_zone() {
    let seeded = Seeded::start().await;
    let by = |grain: &str, range: Value| json!({"dimensions": [grain], "date_range": range});
    let day = json!(["2026-11-22", "2026-11-22"]);
    seeded
        .check(
            by("time", day),
            json!([[["2026-11-22 00:00:00"], [2]], [["2026-11-22 23:00:00"], [1]]]),
        )
        .await;
    seeded
        .check(by("time:day", json!("7d")), json!([[["2026-11-21"], [1]], [["2026-11-22"], [2]]]))
        .await;
    seeded
        .check(
            by("time:week", json!(["2026-11-18", "2026-11-23"])),
            json!([[["2026-11-18"], [3]], [["2026-11-23"], [7]]]),
        )
        .await;
    seeded.check(by("time:month", json!("year")), json!([[["2026-11-01"], [10]]])).await;
    seeded.check(json!({"date_range": "day"}), json!([[[], [7]]])).await;
    seeded.check(json!({"date_range": "24h", "metrics": ["visits"]}), json!([[[], [8]]])).await;

    let all = json!({"date_range": "all", "dimensions": ["time:day"],
        "include": {"time_labels": true}});
    let answer = seeded.ask(&all, Reader::OWNER).await.unwrap();
    let labels = json!(["2026-11-21", "2026-11-22", "2026-11-23"]);
    assert_eq!(answer["meta"]["time_labels"], labels);
    assert_eq!(answer["query"]["date_range"][0], "2026-11-21T00:00:00+01:00");
    for (grain, range) in [
        ("time:hour", json!(["2026-11-22", "2026-11-22"])),
        ("time:week", json!(["2026-11-18", "2026-11-23"])),
        ("time:month", json!("year")),
    ] {
        let mut question = by(grain, range);
        question["include"] = json!({"time_labels": true});
        let answer = seeded.ask(&question, Reader::OWNER).await.unwrap();
        let labels = answer["meta"]["time_labels"].as_array().unwrap();
        for row in answer["results"].as_array().unwrap() {
            assert!(labels.contains(&row["dimensions"][0]), "{grain}: {row} in {labels:?}");
        }
    }
    seeded.engine.stop().await;
}

#[tokio::test]
async fn pages_and_events_are_answered_from_their_own_firsts() {
    let seeded = Seeded::start().await;
    let pages = json!({
        "metrics": ["visitors", "pageviews", "visits", "bounce_rate"],
        "dimensions": ["event:page"],
    });
    let rows = json!([[["/"], [2, 2, 2, 50]], [["/a"], [1, 2, 1, 0]], [["/b"], [1, 1, 0, null]],]);
    seeded.check(pages.clone(), rows).await;
    let mut second = pages;
    second["pagination"] = json!({"limit": 1, "offset": 1});
    second["include"] = json!({"total_rows": true});
    let answer = seeded.ask(&second, Reader::OWNER).await.unwrap();
    assert_eq!(answer["meta"]["total_rows"], 3);
    assert_eq!(answer["results"], json!([{"dimensions": ["/a"], "metrics": [1, 2, 1, 0]}]));

    let page = json!([["is", "event:page", ["/a"]]]);
    seeded
        .check(
            json!({"filters": page, "dimensions": ["time:hour"]}),
            json!([[["2026-11-22 23:00:00"], [1]]]),
        )
        .await;
    seeded
        .check(
            json!({"metrics": ["visitors", "events"], "dimensions": ["event:name"]}),
            json!([[["Signup"], [2, 4]], [["Play"], [1, 2]]]),
        )
        .await;
    seeded
        .check(
            json!({"metrics": ["events"], "dimensions": ["event:page"],
                "filters": [["is", "event:name", ["Signup"]]]}),
            json!([[["/b"], [3]], [["/a"], [1]]]),
        )
        .await;
    seeded.engine.stop().await;
}

#[tokio::test]
async fn whatever_is_not_refused_runs() {
    let seeded = Seeded::start().await;
    let mut answered = 0;
    for metric in Metric::ALL {
        for dimension in Dimension::ALL {
            let question = json!({
                "metrics": [metric.word()],
                "dimensions": [dimension.word(), "time:day"],
                "filters": [["is", dimension.word(), ["x' OR 1=1 --", dimension.empty_label()]]],
                "order_by": [[metric.word(), "asc"]],
                "include": {"total_rows": true},
            });
            match seeded.ask(&question, Reader::OWNER).await {
                Ok(_) => answered += 1,
                Err(QueryError::Invalid { .. }) => {}
                Err(error) => panic!("{question}: {error}"),
            }
        }
    }
    // Eight metrics under the eighteen dimensions that visits alone have, and some of the rest.
    assert!(answered >= 8 * 18, "{answered}");
    for grain in Grain::ALL {
        let question = json!({"dimensions": [grain.word()], "date_range": "30d"});
        assert!(seeded.ask(&question, Reader::OWNER).await.is_ok(), "{}", grain.word());
    }
    seeded.engine.stop().await;
}

#[tokio::test]
async fn a_reader_with_a_threshold_gets_sums_of_small_cells() {
    let seeded = Seeded::start().await;
    let question = json!({"metrics": ["visits"], "dimensions": ["visit:source"],
        "date_range": ["2026-11-21", "2026-11-23"]});
    let answer = seeded.ask(&question, Reader::with_threshold(3)).await.unwrap();
    let rows = json!([{"dimensions": ["Other"], "metrics": [11]}]);
    assert_eq!(answer["results"], rows);
    seeded.engine.stop().await;
}

#[tokio::test]
async fn several_currencies_are_not_added_and_one_is() {
    let seeded = Seeded::start().await;
    let by = |dimension: &str| {
        json!({
            "metrics": ["total_revenue", "average_revenue", "events"],
            "dimensions": [dimension],
            "filters": [["is", "event:name", ["Order"]]],
            "date_range": ["2026-11-20", "2026-11-20"],
        })
    };
    let euros = |value: f64, long: &str| json!({"value": value, "currency": "EUR", "long": long, "short": "EUR 2.5K"});
    let yen = |value: f64, long: &str, short: &str| json!({"value": value, "currency": "JPY", "long": long, "short": short});
    let average = json!({
        "value": 1250.5, "currency": "EUR", "long": "EUR 1,250.50", "short": "EUR 1.3K",
    });
    let of_euros = json!([euros(2501.0, "EUR 2,501.00"), average, 3]);
    let of_yen = json!([yen(900.0, "JPY 900", "JPY 900.0"), yen(300.0, "JPY 300", "JPY 300.0"), 3]);
    let rows = json!([[["/a"], of_euros], [["/b"], of_yen]]);
    seeded.check(by("event:page"), rows).await;

    let answer = seeded.ask(&by("event:name"), Reader::OWNER).await.unwrap();
    assert_eq!(answer["results"][0]["metrics"], json!([null, null, 6]));
    for metric in ["total_revenue", "average_revenue"] {
        let warning = &answer["meta"]["metric_warnings"][metric];
        assert_eq!(warning["code"], "no_single_revenue_currency");
    }
    let answer = seeded.ask(&by("event:currency"), Reader::OWNER).await.unwrap();
    assert_eq!(answer["results"].as_array().unwrap().len(), 3);
    assert!(answer["meta"].get("metric_warnings").is_none());
    seeded.engine.stop().await;
}

#[tokio::test]
async fn a_comparison_stands_beside_each_row() {
    let seeded = Seeded::start().await;
    let compared = |dimensions: Value, range: Value| {
        json!({
            "metrics": ["visits", "percentage"],
            "dimensions": dimensions,
            "date_range": range,
            "include": {"comparisons": {"mode": "previous_period"}, "time_labels":
                dimensions[0].as_str().is_some_and(|word| word.starts_with("time"))},
        })
    };
    let answer = async |dimensions: Value, range: Value| {
        seeded.ask(&compared(dimensions, range), Reader::OWNER).await.unwrap()
    };
    let day = json!(["2026-11-22", "2026-11-22"]);
    let total = answer(json!([]), day.clone()).await;
    assert_eq!(
        total["results"],
        json!([{"dimensions": [], "metrics": [3, 100.0], "comparison":
            {"dimensions": [], "metrics": [1, 100.0], "change": [200, 0]}}])
    );
    let countries = answer(json!(["visit:country"]), day).await;
    // France was only there on the day before: it is no row of this one.
    assert_eq!(
        countries["results"],
        json!([{"dimensions": ["DE"], "metrics": [3, 100.0], "comparison":
            {"dimensions": ["DE"], "metrics": [0, 0.0], "change": [100, 100]}}])
    );
    let range = json!(["2026-11-22", "2026-11-23"]);
    let days = answer(json!(["time:day"]), range.clone()).await;
    assert_eq!(days["meta"]["time_labels"], json!(["2026-11-22", "2026-11-23"]));
    assert_eq!(days["meta"]["comparison_time_labels"], json!(["2026-11-20", "2026-11-21"]));
    assert_eq!(
        days["results"],
        json!([
            {"dimensions": ["2026-11-22"], "metrics": [3, 22.2], "comparison":
                {"dimensions": ["2026-11-20"], "metrics": [0, 0.0], "change": [100, 22.2]}},
            {"dimensions": ["2026-11-23"], "metrics": [7, 77.8], "comparison":
                {"dimensions": ["2026-11-21"], "metrics": [1, 100.0], "change": [600, -22.2]}},
        ])
    );
    // A week that begins in the middle, and one with a label of its own.
    let weeks = answer(json!(["time:week", "visit:country"]), range).await;
    assert_eq!(weeks["results"][0]["comparison"]["dimensions"], json!(["2026-11-20", "DE"]));
    // A stretch of time in which nothing happened is shown for what was before.
    let mut empty = compared(json!(["time:day"]), json!(["2026-11-19", "2026-11-20"]));
    empty["include"]["comparisons"] =
        json!({"mode": "custom", "date_range": ["2026-11-22", "2026-11-23"]});
    let empty = seeded.ask(&empty, Reader::OWNER).await.unwrap();
    assert_eq!(
        empty["results"],
        json!([
            {"dimensions": ["2026-11-19"], "metrics": [0, null], "comparison":
                {"dimensions": ["2026-11-22"], "metrics": [3, 22.2], "change": [-100, null]}},
            {"dimensions": ["2026-11-20"], "metrics": [0, null], "comparison":
                {"dimensions": ["2026-11-23"], "metrics": [7, 77.8], "change": [-100, null]}},
        ])
    );
    seeded.engine.stop().await;
}

#[tokio::test]
async fn the_longest_questions_that_are_read_are_answered() {
    let seeded = Seeded::start().await;
    for (grain, range) in
        [("time:hour", json!("91d")), ("time:day", json!(["2017-01-01", "2026-11-20"]))]
    {
        for mode in ["previous_period", "year_over_year"] {
            let question = json!({
                "metrics": ["visits"],
                "dimensions": [grain],
                "date_range": range,
                "include": {"comparisons": {"mode": mode}},
            });
            let answer = seeded.ask(&question, Reader::OWNER).await;
            assert!(answer.is_ok(), "{grain} {mode}: {}", answer.unwrap_err());
        }
    }
    let values: Vec<String> = (0..200).map(|n| format!("{n}{}", "ü".repeat(140))).collect();
    let filters = json!([["is_not", "visit:source", values]]);
    let question = json!({"metrics": ["visits"], "filters": filters});
    let answer = seeded.ask(&question, Reader::OWNER).await.unwrap();
    assert_eq!(answer["results"][0]["metrics"], json!([3]));
    seeded.engine.stop().await;
}
