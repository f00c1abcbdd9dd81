//! Tests of times of day, and of comparisons.

use super::*;

fn ends(question: &Value) -> [Value; 2] {
    let mut whole = json!({"metrics": ["visits"]});
    for (name, value) in question.as_object().unwrap() {
        whole[name] = value.clone();
    }
    let query = answered(&whole, Reader::OWNER, vec![])["query"].clone();
    [query["date_range"].clone(), query["comparison_date_range"].clone()]
}

#[track_caller]
fn compared(range: &Value, comparison: &Value, expected: [&str; 2]) {
    let include = json!({"comparisons": comparison});
    let [_, found] = ends(&json!({"date_range": range, "include": include}));
    assert_eq!(found, json!(expected), "{range} {comparison}");
}

#[test]
fn times_are_whole_hours_of_the_sites_zone() {
    let expected = json!(["2026-11-20T10:00:00+01:00", "2026-11-20T12:59:59+01:00"]);
    for times in [
        json!(["2026-11-20T10:00:00+01:00", "2026-11-20T13:00:00+01:00"]),
        json!(["2026-11-20T10:00:00+01:00", "2026-11-20T12:59:59+01:00"]),
        json!(["2026-11-20T09:00:00Z", "2026-11-20T12:00:00Z"]),
    ] {
        assert_eq!(ends(&json!({"date_range": times}))[0], expected, "{times}");
    }
    let visits = |range: Value| json!({"metrics": ["visits"], "date_range": range});
    let half = json!(["2026-11-20T10:30:00+01:00", "2026-11-20T13:00:00+01:00"]);
    refused(&visits(half), "times are whole hours of the site's time zone");
    let back = json!(["2026-11-20T10:00:00+01:00", "2026-11-20T10:00:00+01:00"]);
    refused(&visits(back), "the first time is not before the last");
    let bare = json!(["2026-11-20T10:00:00", "2026-11-20T11:00:00"]);
    refused(&visits(bare), "two times with their offset from UTC");
    // Whole days of the zone, given as times, are days.
    let days = json!(["2026-11-20T00:00:00+01:00", "2026-11-21T23:59:59+01:00"]);
    assert!(planned(&json!({"date_range": days}), Reader::OWNER).is_ok());
}

#[test]
fn the_period_before_is_as_long_and_ends_where_the_other_begins() {
    let before = json!({"mode": "previous_period"});
    compared(&json!("day"), &before, ["2026-11-22T00:00:00+01:00", "2026-11-22T23:59:59+01:00"]);
    compared(&json!("7d"), &before, ["2026-11-09T00:00:00+01:00", "2026-11-15T23:59:59+01:00"]);
    // Of this month 23 days have come.
    compared(&json!("month"), &before, ["2026-10-09T00:00:00+02:00", "2026-10-31T23:59:59+01:00"]);
    compared(&json!("24h"), &before, ["2026-11-21T06:00:00+01:00", "2026-11-22T06:29:59+01:00"]);
    let times = json!(["2026-11-20T10:00:00+01:00", "2026-11-20T11:59:59+01:00"]);
    compared(&times, &before, ["2026-11-19T10:00:00+01:00", "2026-11-19T11:59:59+01:00"]);
    let custom = json!({"mode": "custom", "date_range": ["2026-01-01", "2026-01-02"]});
    compared(&json!("7d"), &custom, ["2026-01-01T00:00:00+01:00", "2026-01-02T23:59:59+01:00"]);
}

#[test]
fn the_year_before_may_begin_on_the_same_day_of_the_week() {
    let year = json!({"mode": "year_over_year"});
    compared(&json!("7d"), &year, ["2025-11-16T00:00:00+01:00", "2025-11-22T23:59:59+01:00"]);
    let same = json!({"mode": "year_over_year", "match_day_of_week": true});
    compared(&json!("7d"), &same, ["2025-11-17T00:00:00+01:00", "2025-11-23T23:59:59+01:00"]);
    // A day is not compared with itself.
    let same = json!({"mode": "previous_period", "match_day_of_week": true});
    compared(&json!("day"), &same, ["2026-11-16T00:00:00+01:00", "2026-11-16T23:59:59+01:00"]);
}

#[test]
fn a_comparison_of_the_wrong_form_is_told_what_is_valid() {
    for comparison in [
        json!("previous_period"),
        json!({}),
        json!({"mode": "last"}),
        json!({"mode": "custom"}),
        json!({"mode": "custom", "date_range": "7d"}),
        json!({"mode": "previous_period", "date_range": ["2026-01-01", "2026-01-02"]}),
        json!({"mode": "previous_period", "match_day_of_week": 1}),
        json!({"mode": "previous_period", "more": true}),
    ] {
        let include = json!({"comparisons": comparison});
        refused(&json!({"include": include}), "include: comparisons: give {\"mode\"");
    }
}

#[test]
fn a_comparison_stands_beside_each_row_with_the_change() {
    let question = json!({
        "metrics": ["visitors", "bounce_rate"],
        "dimensions": ["visit:source"],
        "include": {"comparisons": {"mode": "previous_period"}},
    });
    // Counters: visitors, those before, bounces and visits, those before.
    let row = |name: &str, counters: [i64; 6]| {
        let mut row = vec![json!(name)];
        row.extend(counters.map(|counter| json!(counter)));
        row
    };
    let rows = vec![
        row("", [30, 20, 1, 4, 1, 2]),
        row("Google", [5, 0, 0, 5, 0, 0]),
        row("Bing", [1, 3, 1, 1, 1, 3]),
    ];
    assert_eq!(
        answered(&question, Reader::OWNER, rows)["results"],
        json!([
            {"dimensions": ["Direct / None"], "metrics": [30, 25], "comparison":
                {"dimensions": ["Direct / None"], "metrics": [20, 50], "change": [50, -25]}},
            {"dimensions": ["Google"], "metrics": [5, 0], "comparison":
                {"dimensions": ["Google"], "metrics": [0, null], "change": [100, null]}},
            {"dimensions": ["Bing"], "metrics": [1, 100], "comparison":
                {"dimensions": ["Bing"], "metrics": [3, 33], "change": [-67, 67]}},
        ])
    );
}
