//! Tests of filters, and of what they leave to be told.

use super::*;

const IS_DE: &str = r#"["is", "visit:country", ["DE"]]"#;

/// The condition that a filter becomes in the statement.
fn condition(filter: &str, expected: &str) {
    let filter: Value = serde_json::from_str(filter).unwrap();
    let plan = planned(&json!({"filters": [filter]}), Reader::OWNER).unwrap();
    let (_, rest) = plan.sql.split_once("{to:Int64}, 'UTC') AND ").unwrap();
    let (found, _) = rest.split_once(") ORDER BY").unwrap();
    assert_eq!(found, expected, "{filter}");
}

#[test]
fn filters_become_conditions_on_columns_with_bound_values() {
    condition(IS_DE, "country IN {f0:Array(String)}");
    condition(r#"["is_not", "visit:os", ["a"]]"#, "os NOT IN {f0:Array(String)}");
    condition(
        r#"["contains", "visit:os", ["a"]]"#,
        "arrayExists(v -> position(os, v) > 0, {f0:Array(String)})",
    );
    condition(
        r#"["contains_not", "visit:os", ["a"], {"case_sensitive": false}]"#,
        "NOT arrayExists(v -> position(lowerUTF8(os), lowerUTF8(v)) > 0, {f0:Array(String)})",
    );
    condition(
        r#"["is", "visit:os", ["a"], {"case_sensitive": false}]"#,
        "arrayExists(v -> lowerUTF8(os) = lowerUTF8(v), {f0:Array(String)})",
    );
    condition(
        &format!(r#"["not", ["or", [{IS_DE}, ["and", [{IS_DE}, ["is", "visit:os", ["x"]]]]]]]"#),
        "NOT (country IN {f0:Array(String)} OR \
         (country IN {f1:Array(String)} AND os IN {f2:Array(String)}))",
    );
}

#[test]
fn a_filter_of_the_wrong_form_is_told_what_is_valid() {
    let deep = (0..9).fold(json!(["is", "visit:os", ["x"]]), |inner, _| json!(["not", inner]));
    let many = vec![json!(["is", "visit:os", ["x"]]); 21];
    for (filter, expected) in [
        (json!("is"), "give a list of [operator, dimension"),
        (json!(["is", "visit:os"]), "give a list of [operator, dimension"),
        (json!(["and", []]), "give a list of [operator, dimension"),
        (json!(["xor", [["is", "visit:os", ["x"]]]]), "give a list of [operator, dimension"),
        (json!(["matches", "event:page", ["^/a"]]), "matches and matches_not are not answered"),
        (json!(["has_done", ["is", "event:name", ["x"]]]), "was not remembered"),
        (json!(["is", "visit:os", ["x"], {"case": true}]), "the modifier is {\"case_sensitive\""),
        (json!(["is", "visit:os", ["x"], {"case_sensitive": 1}]), "the modifier is"),
        (json!(["is", "visit:os", [3]]), "values are a list of 1 to 200 texts"),
        (json!(["is", "time:day", ["x"]]), "a dimension is one of"),
        (json!(["is", "event:props:", ["x"]]), "the key of a property has 1 to 300 characters"),
        (deep, "nest at most 8 deep"),
        (json!(["or", many]), "give at most 20 filters"),
    ] {
        refused(&json!({"filters": [filter]}), expected);
    }
}

#[test]
fn an_error_repeats_nothing_of_the_question() {
    let secret = "s3cr3t";
    for question in [
        json!({"filters": [[secret, "visit:os", ["x"]]]}),
        json!({"filters": [["is", secret, ["x"]]]}),
        json!({"filters": [["is", "visit:os", ["x"], {secret: true}]]}),
        json!({"dimensions": [format!("event:props:{secret}"), "event:props:b"]}),
        json!({"dimensions": [format!("event:props:{secret}")]}),
        json!({"dimensions": [format!("event:props:{secret}")], "order_by": [[secret, "asc"]]}),
        json!({"include": {"comparisons": {"mode": secret}}}),
        json!({"date_range": [secret, "2026-01-01T00:00:00Z"]}),
    ] {
        let Err(error) = planned(&question, Reader::OWNER) else { panic!("{question}") };
        assert!(!error.contains(secret), "{error}");
    }
}

#[test]
fn a_property_is_asked_for_by_its_key_and_one_at_a_time() {
    let question = json!({
        "metrics": ["visitors", "events"],
        "dimensions": ["event:props:plan's"],
        "filters": [["is", "event:goal", ["Signup"]]],
    });
    let plan = planned(&question, Reader::OWNER).unwrap();
    assert!(plan.sql.contains("SELECT prop_value AS d0"), "{}", plan.sql);
    assert!(plan.sql.contains("AND prop_key = {prop:String} AND name IN {f0:Array(String)}"));
    let key = plan.params.iter().find(|(name, _)| name == "prop");
    assert_eq!(format!("{key:?}"), r#"Some(("prop", Text("plan's")))"#);
    let dimensions = answered(&question, Reader::OWNER, vec![])["query"]["dimensions"].clone();
    assert_eq!(dimensions, json!(["event:props:plan's"]));

    refused(&json!({"dimensions": ["event:props:a", "event:props:b"]}), "one property at a time");
    refused(&json!({"dimensions": ["event:props:a"]}), "several values of event:name at once");
    refused(
        &json!({"dimensions": ["event:name"], "filters": [["contains", "event:props:a", ["x"]]]}),
        "several values of event:props:KEY at once",
    );
}

#[test]
fn one_page_in_any_case_or_in_an_or_is_not_one_page() {
    let fold = json!({"case_sensitive": false});
    let is = json!(["is", "event:page", ["/a"]]);
    let several = "visitors of several values of event:page at once";
    refused(&json!({"filters": [["is", "event:page", ["/a"], fold]]}), several);
    refused(&json!({"filters": [["or", [is]]]}), several);
    refused(&json!({"filters": [["not", is]]}), several);
    refused(&json!({"filters": [["contains", "event:page", ["/a"]]]}), several);
    for filters in [
        json!([["and", [["and", [is]], ["is_not", "visit:country", ["DE"]]]]]),
        json!([is, ["contains_not", "event:page", ["b"]]]),
    ] {
        assert!(planned(&json!({"filters": filters}), Reader::OWNER).is_ok(), "{filters}");
    }
}

#[test]
fn shares_are_of_visitors_that_can_be_told() {
    let share = |metric: &str, dimensions: Value, filters: Value| json!({"metrics": [metric], "dimensions": dimensions, "filters": filters});
    let goal = json!(["is", "event:name", ["Signup"]]);
    let or = json!(["or", [goal, ["is", "visit:country", ["DE"]]]]);
    refused(&share("conversion_rate", json!(["visit:source"]), json!([])), "there is no goal");
    refused(&share("conversion_rate", json!([]), json!([goal, or])), "in a filter of its own");
    refused(
        &share("group_conversion_rate", json!(["event:name", "visit:source"]), json!([])),
        "filter on one goal",
    );
    refused(
        &share("group_conversion_rate", json!(["event:name", "time:day"]), json!([])),
        "filter on one goal",
    );
    refused(
        &share("percentage", json!(["event:page"]), json!([["contains", "event:page", ["/a"]]])),
        "several values of event:page",
    );
    let times = json!(["2026-11-20T10:00:00+01:00", "2026-11-20T11:59:59+01:00"]);
    let mut hours = share("percentage", json!([]), json!([]));
    hours["date_range"] = times;
    refused(&hours, "these hours cut a day");
    refused(&share("percentage", json!(["time:hour"]), json!([])), "no share of those of days");
    let hourly = share("conversion_rate", json!(["time:hour", "event:name"]), json!([]));
    refused(&hourly, "no share of those of days");

    let plan = planned(
        &share("group_conversion_rate", json!(["visit:source"]), json!([goal])),
        Reader::OWNER,
    );
    let expected = format!(
        "SELECT d0, sum(c0) AS s0, sum(c1) AS s1 FROM (\
         SELECT source AS d0, toInt64(0) AS c0, sum(visitors) AS c1 FROM visits {SCOPE} \
         GROUP BY d0 UNION ALL \
         SELECT source AS d0, sum(visitors) AS c0, toInt64(0) AS c1 FROM events {SCOPE} \
         AND name IN {{f0:Array(String)}} GROUP BY d0) GROUP BY d0 HAVING s0 != 0 \
         ORDER BY if(s1 > 0, (s0) / s1, NULL) DESC, d0 ASC LIMIT 10000 OFFSET 0"
    );
    assert_eq!(plan.unwrap().sql, expected);
    let plan = planned(&share("conversion_rate", json!(["event:name"]), json!([])), Reader::OWNER);
    let expected = format!(
        "SELECT d0, sum(c0) AS s0, (SELECT sum(visitors) FROM visits {SCOPE}) AS t0 FROM (\
         SELECT name AS d0, sum(visitors) AS c0 FROM events {SCOPE} GROUP BY d0) GROUP BY d0 \
         HAVING s0 != 0 ORDER BY s0 DESC, d0 ASC LIMIT 10000 OFFSET 0"
    );
    assert_eq!(plan.unwrap().sql, expected);
}

#[test]
fn what_an_exit_page_cannot_tell_is_refused() {
    let exits = |metric: &str, filters: Value| json!({"metrics": [metric], "dimensions": ["visit:exit_page"], "filters": filters});
    refused(&exits("visitors", json!([])), "visits and exit rate are kept");
    refused(&exits("visits", json!([["is", "event:page", ["/a"]]])), "with its exit page");
    refused(&exits("visits", json!([["is", "visit:browser", ["x"]]])), "visit:browser here");
    assert!(planned(&exits("exit_rate", json!([])), Reader::OWNER).is_ok());
}

#[test]
fn a_folded_sum_tells_nothing_that_does_not_add_up() {
    let question = json!({"metrics": ["visitors", "pageviews"], "dimensions": ["event:page"]});
    let row = |name: &str, visitors: i64, pageviews: i64| {
        vec![json!(name), json!(visitors), json!(pageviews)]
    };
    let rows = vec![row("/", 50, 90), row("/a", 4, 6), row("/b", 3, 3)];
    let answer = answered(&question, Reader::with_threshold(5), rows);
    assert_eq!(
        answer["results"],
        json!([
            {"dimensions": ["/"], "metrics": [50, 90]},
            {"dimensions": ["Other"], "metrics": [null, 9]},
        ])
    );
}

#[test]
fn a_reader_with_a_threshold_gets_no_revenue_and_no_comparison_of_cells() {
    let refused = |question: &Value| planned(question, Reader::with_threshold(5)).is_err();
    let comparisons = json!({"comparisons": {"mode": "previous_period"}});
    assert!(refused(&json!({"metrics": ["total_revenue"]})));
    assert!(refused(&json!({"dimensions": ["visit:country"], "include": comparisons})));
    assert!(refused(&json!({"metrics": ["visits"], "dimensions": ["visit:exit_page"]})));
    assert!(!refused(&json!({"include": comparisons})));
}

#[test]
fn the_words_name_everything_there_is_to_ask() {
    let words = words();
    for metric in Metric::ALL {
        let found = words["metrics"].as_array().unwrap().iter();
        let entry = found.clone().find(|entry| entry["name"] == metric.word()).unwrap();
        assert!(entry["definition"].as_str().is_some_and(|text| text.ends_with('.')));
        assert_eq!(entry["answered"].as_object().unwrap().len(), answerable::Scope::ALL.len());
    }
    assert_eq!(words["dimensions"].as_array().unwrap().len(), Dimension::ALL.len());
    assert_eq!(words["metrics"][0]["answered"]["page"]["one_of"], json!(["event:page"]));
    assert_eq!(words["operators"], json!(["is", "is_not", "contains", "contains_not"]));
    for range in words["date_ranges"].as_array().unwrap() {
        assert!(DateRange::parse(Some(range)).is_ok(), "{range}");
    }
}
