//! Every answer equals what the facts say, and what the facts do not know is refused.

use headcount::stats::{Dimension, Grain, Metric, QueryError};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::corpus::{Corpus, planned, question};
use super::facts::{Facts, facts};
use super::naive::{Asked, Rows, answer, answerable};

struct Checking {
    corpus: Corpus,
    facts: Facts,
    runtime: Runtime,
}

impl Checking {
    fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let corpus = runtime.block_on(Corpus::start());
        let facts = facts(&corpus.records);
        Self { corpus, facts, runtime }
    }

    fn stop(self) {
        self.runtime.block_on(self.corpus.stop());
    }

    /// Asks for every metric: those that the facts know, together, and each of the others alone.
    /// How many there were of both.
    #[track_caller]
    fn check(&self, dimensions: &[&str], filters: &Value) -> [usize; 2] {
        let asked = Asked::of(&question(&[], dimensions, filters));
        let (known, unknown): (Vec<&str>, Vec<&str>) =
            metrics().partition(|metric| answerable(&asked, metric));
        for metric in &unknown {
            let question = question(&[metric], dimensions, filters);
            let refused = matches!(planned(&question), Err(QueryError::Invalid { .. }));
            assert!(refused, "answered: {question}");
        }
        if !known.is_empty() {
            let question = question(&known, dimensions, filters);
            let expected = answer(&self.facts, &asked, &known);
            assert_eq!(self.rows(&question), expected, "{question}");
        }
        [known.len(), unknown.len()]
    }

    #[track_caller]
    fn rows(&self, question: &Value) -> Rows {
        let answer = self.runtime.block_on(self.corpus.ask(question));
        let answer = answer.unwrap_or_else(|error| panic!("{error}\nfor {question}"));
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let rows = answer["results"].as_array().unwrap().iter().map(|row| {
            let dimensions = row["dimensions"].as_array().unwrap().iter().map(text).collect();
            let metrics = row["metrics"].as_array().unwrap().iter().cloned().map(plain).collect();
            (dimensions, metrics)
        });
        rows.collect()
    }
}

/// Of money, the value and its currency.
fn plain(mut value: Value) -> Value {
    if let Some(money) = value.as_object_mut() {
        money.retain(|name, _| name == "value" || name == "currency");
    }
    value
}

fn metrics() -> impl Iterator<Item = &'static str> {
    Metric::ALL.iter().map(|metric| metric.word())
}

fn dimensions() -> Vec<&'static str> {
    let words = Dimension::ALL.iter().map(|one| match one.word() {
        "event:props:KEY" => "event:props:plan",
        word => word,
    });
    words.collect()
}

/// Two values that the traffic has.
fn values(dimension: &str) -> [&'static str; 2] {
    match dimension {
        "event:page" | "visit:entry_page" | "visit:exit_page" => ["/pricing", "/"],
        "event:hostname" => ["a.example", "b.example"],
        "event:name" => ["Sign up", "Download"],
        "event:currency" => ["EUR", "USD"],
        "visit:channel" => ["Direct", "Email"],
        "visit:source" => ["Münchner Brief", "Direct / None"],
        "visit:referrer" => ["google.com", "Direct / None"],
        "visit:utm_source" => ["brief", "(not set)"],
        "visit:utm_medium" => ["email", "social"],
        "visit:utm_campaign" => ["Summer's \\ sale", "spring"],
        "visit:utm_content" => ["top", "(not set)"],
        "visit:utm_term" => ["shoes", "(not set)"],
        "visit:country" => ["DE", "(not set)"],
        "visit:region" => ["DE-BE", "(not set)"],
        "visit:city" => ["Berlin", "(not set)"],
        "visit:browser" => ["Firefox", "Safari"],
        "visit:browser_version" => ["120", "(not set)"],
        "visit:os" => ["GNU/Linux", "Windows"],
        "visit:os_version" => ["11", "(not set)"],
        "visit:device" => ["Mobile", "Desktop"],
        "visit:language" => ["de", "en"],
        _ => ["a", "b"],
    }
}

/// Every form of filter on one dimension.
fn forms(dimension: &str) -> Vec<Value> {
    let [one, two] = values(dimension);
    let part: String = one.chars().skip(1).take(2).collect();
    let fold = json!({"case_sensitive": false});
    let is = |value: &str| json!(["is", dimension, [value]]);
    vec![
        is(one),
        json!(["is", dimension, [one, two]]),
        json!(["is_not", dimension, [one]]),
        json!(["contains", dimension, [part, two]]),
        json!(["contains_not", dimension, [part]]),
        json!(["is", dimension, [one.to_uppercase()], fold]),
        json!(["contains", dimension, [part.to_uppercase()], fold]),
        json!(["or", [is(one), is(two)]]),
        json!(["and", [is(one), ["not", is(two)]]]),
        json!(["not", is(two)]),
    ]
}

#[test]
fn every_metric_under_every_dimension_and_filter_is_what_the_facts_say_or_is_refused() {
    let checking = Checking::start();
    let [mut answered, mut refused] = [0, 0];
    let mut check = |dimensions: &[&str], filters: &Value| {
        let [known, unknown] = checking.check(dimensions, filters);
        answered += known;
        refused += unknown;
    };
    let times = Grain::ALL.iter().map(|grain| vec![grain.word()]);
    let single = dimensions().into_iter().map(|word| vec![word]);
    let broken_down: Vec<Vec<&str>> = std::iter::once(vec![]).chain(single).chain(times).collect();
    for (number, dimensions_asked) in broken_down.iter().enumerate() {
        check(dimensions_asked, &json!([]));
        for (place, dimension) in dimensions().iter().enumerate() {
            let forms = forms(dimension);
            // Every form on its own without a breakdown, and each in its turn under one.
            if dimensions_asked.is_empty() {
                for form in &forms {
                    check(&[], &json!([form]));
                }
            }
            check(dimensions_asked, &json!([forms[(number + place) % forms.len()]]));
        }
    }
    for pair in [
        ["event:page", "time:day"],
        ["event:name", "visit:country"],
        ["event:name", "event:currency"],
        ["event:name", "time:hour"],
        ["event:page", "event:name"],
        ["visit:source", "visit:browser"],
        ["time:hour", "visit:device"],
        ["event:props:plan", "event:name"],
        ["visit:exit_page", "time:day"],
    ] {
        check(&pair, &json!([]));
        check(&pair, &json!([["is", "event:name", ["Sign up"]]]));
        check(&pair, &json!([["is_not", "visit:country", ["DE"]]]));
    }
    check(&[], &json!([["is", "event:name", ["Sign up"]], ["is", "event:props:plan", ["a"]],]));
    check(
        &["visit:country"],
        &json!([["is", "event:name", ["Sign up"]], ["is_not", "visit:source", ["Google"]],]),
    );
    // The goal and something else in one condition: no conversion rate is told.
    check(
        &[],
        &json!([
            ["is", "event:name", ["Sign up"]],
            ["or", [["is", "visit:country", ["DE"]], ["is", "event:name", ["Sign up"]]]],
        ]),
    );
    assert!(answered > 2_000 && refused > 2_000, "{answered} answered, {refused} refused");
    checking.stop();
}

/// Filters on dimensions that visits, pages and events share: `wide` has those of visits alone.
fn tree(wide: bool) -> impl Strategy<Value = Value> {
    let words: Vec<&'static str> = if wide {
        dimensions()
            .into_iter()
            .filter(|word| word.starts_with("visit:") && *word != "visit:exit_page")
            .chain(["event:hostname"])
            .collect()
    } else {
        vec!["visit:channel", "visit:source", "visit:utm_campaign", "visit:country", "visit:device"]
    };
    let leaf =
        (prop::sample::select(words), any::<prop::sample::Index>()).prop_map(|(word, which)| {
            let forms = forms(word);
            forms[which.index(7)].clone()
        });
    leaf.prop_recursive(3, 10, 3, |inner| {
        let several = prop::collection::vec(inner.clone(), 1..4);
        prop_oneof![
            (prop::sample::select(vec!["and", "or"]), several)
                .prop_map(|(word, each)| json!([word, each])),
            inner.prop_map(|one| json!(["not", one])),
        ]
    })
}

fn run<T: std::fmt::Debug>(
    strategy: impl Strategy<Value = T>,
    law: impl Fn(T) -> Result<(), TestCaseError>,
) {
    let config = Config { cases: 120, failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, law);
    outcome.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn any_tree_of_filters_on_visits_is_answered_as_the_facts_are() {
    let checking = Checking::start();
    let trees = prop::collection::vec(tree(true), 1..3);
    run((trees, prop::sample::select(dimensions())), |(trees, dimension)| {
        let filters = json!(trees);
        let [known, _] = checking.check(&[], &filters);
        prop_assert!(known >= 7, "visits know all of {}", filters);
        checking.check(&[dimension], &filters);
        Ok(())
    });
    checking.stop();
}

#[test]
fn visitors_of_a_page_a_goal_or_a_property_never_exceed_the_sites_under_any_filter() {
    let checking = Checking::start();
    let things = prop::sample::select(vec![&["event:page"][..], &["event:name"]]);
    run((tree(false), things, any::<bool>()), |(tree, things, hourly)| {
        // Not by the day: a hit of yesterday's key that comes late is of another day than its
        // visitor.
        let time: &[&str] = if hourly { &["time:hour"] } else { &[] };
        let filters = json!([tree]);
        let site = checking.rows(&question(&["visitors"], time, &filters));
        let metrics = if hourly { &["visitors"][..] } else { &["visitors", "percentage"] };
        let of_things = question(metrics, &[time, things].concat(), &filters);
        for (key, values) in checking.rows(&of_things) {
            let visitors = values[0].as_i64();
            let share = values.get(1).and_then(Value::as_f64);
            let most = site.get(&key[..time.len()]).and_then(|row| row[0].as_i64());
            prop_assert!(visitors <= most, "{:?}: {:?} of {:?}", key, visitors, most);
            prop_assert!(share <= Some(100.0), "{:?}: {:?}", key, share);
        }
        Ok(())
    });
    checking.stop();
}

#[test]
fn a_breakdown_of_visits_adds_up_to_its_total() {
    let checking = Checking::start();
    let words: Vec<&'static str> =
        dimensions().into_iter().filter(|word| *word != "visit:exit_page").collect();
    let words: Vec<&'static str> =
        words.into_iter().filter(|word| word.starts_with("visit:")).collect();
    run((tree(true), prop::sample::select(words)), |(tree, dimension)| {
        let filters = json!([tree]);
        let metrics = ["visitors", "visits", "pageviews", "events"];
        let total = checking.rows(&question(&metrics, &[], &filters));
        let rows = checking.rows(&question(&metrics, &[dimension], &filters));
        for (place, metric) in metrics.iter().enumerate() {
            let sum: i64 = rows.values().filter_map(|row| row[place].as_i64()).sum();
            prop_assert_eq!(total[&vec![]][place].as_i64(), Some(sum), "{}", metric);
        }
        Ok(())
    });
    checking.stop();
}

const METRICS: [&str; 6] =
    ["visitors", "visits", "events", "bounce_rate", "visit_duration", "percentage"];

#[test]
fn what_an_answer_is_compared_with_is_the_answer_of_the_other_period() {
    let checking = Checking::start();
    let breakdowns = prop::sample::select(vec![
        &[][..],
        &["time:hour"],
        &["time:day"],
        &["time:week"],
        &["time:month"],
        &["visit:source"],
        &["visit:country", "time:day"],
        &["visit:browser", "visit:device"],
    ]);
    let days = || {
        (24..31_u32, 0..6_u32).prop_map(|(first, more)| {
            [first, first + more].map(|day| match day {
                ..=31 => format!("2026-10-{day}"),
                _ => format!("2026-11-0{}", day - 31),
            })
        })
    };
    run((breakdowns, tree(true), days(), days()), |(dimensions, tree, now, before)| {
        let by_hour = dimensions.contains(&"time:hour");
        let metrics = if by_hour { &METRICS[..METRICS.len() - 1] } else { &METRICS };
        let mut asked = question(metrics, dimensions, &json!([tree]));
        asked["date_range"] = json!(before);
        let expected = checking.rows(&asked);
        asked["date_range"] = json!(now);
        asked["include"] = json!({"comparisons": {"mode": "custom", "date_range": before}});
        let answer = checking.runtime.block_on(checking.corpus.ask(&asked)).unwrap();
        for row in answer["results"].as_array().unwrap() {
            let comparison = &row["comparison"];
            let labels = comparison["dimensions"].as_array().unwrap();
            let key: Option<Vec<String>> =
                labels.iter().map(|label| label.as_str().map(str::to_owned)).collect();
            // A stretch of time that the other period does not have is compared with nothing.
            let known = key.and_then(|key| expected.get(&key));
            let metrics = comparison["metrics"].as_array().unwrap();
            if let Some(known) = known {
                prop_assert_eq!(metrics, known, "{}", asked);
            } else {
                prop_assert!(metrics[..3].iter().all(|count| *count == 0), "{}", asked);
                prop_assert!(metrics[3..5].iter().all(Value::is_null), "{}", asked);
            }
        }
        Ok(())
    });
    checking.stop();
}

#[test]
fn hours_of_a_day_are_the_same_however_they_are_asked_for() {
    let checking = Checking::start();
    let metrics = ["visitors", "visits", "pageviews"];
    let mut whole = question(&metrics, &["time:hour"], &json!([]));
    whole["date_range"] = json!(["2026-10-25", "2026-10-25"]);
    let whole = checking.rows(&whole);
    assert!(whole.len() > 3, "the day has traffic");
    let mut hours = question(&metrics, &["time:hour"], &json!([]));
    // From before the clock goes back to long after it.
    hours["date_range"] = json!(["2026-10-25T01:00:00+02:00", "2026-10-25T08:00:00+01:00"]);
    let label = |hour: u32| vec![format!("2026-10-25 {hour:02}:00:00")];
    let expected: Rows =
        whole.range(label(1)..label(8)).map(|(k, v)| (k.clone(), v.clone())).collect();
    assert!(!expected.is_empty());
    assert_eq!(checking.rows(&hours), expected);
    checking.stop();
}
