//! What there is to ask, for readers: the list of words as JSON, the tables as Markdown.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::answerable::{self, Answer, Formula, Scope, TABLES, Whole};
use super::filter::Operator;
use super::words::{Dimension, Grain, Metric};
use crate::limits;

/// The words of a question: metrics with their definitions and where they are answered, dimensions,
/// operators, ranges, bounds.
#[must_use]
pub fn words() -> Value {
    json!({
        "metrics": Metric::ALL.iter().map(|metric| metric_words(*metric)).collect::<Vec<_>>(),
        "dimensions": Dimension::ALL.iter().map(|one| dimension_words(*one)).collect::<Vec<_>>(),
        "time_dimensions":
            std::iter::once("time").chain(Grain::ALL.iter().map(|one| one.word())).collect::<Vec<_>>(),
        "operators": Operator::ALL.iter().map(|one| one.word()).collect::<Vec<_>>(),
        "combinations": ["and", "or", "not"],
        "modifiers": ["case_sensitive"],
        "date_ranges": [
            "day", "24h", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all",
        ],
        "comparisons": ["previous_period", "year_over_year", "custom"],
        "limits": {
            "filters": limits::FILTERS_MAX,
            "filter_values": limits::FILTER_VALUES_MAX,
            "filter_depth": limits::FILTER_DEPTH_MAX,
            "rows": limits::ANSWER_ROWS_MAX,
            "days": limits::QUERY_DAYS_MAX,
            "days_by_hour": limits::QUERY_HOURS_DAYS_MAX,
        },
    })
}

fn metric_words(metric: Metric) -> Value {
    let answered = Scope::ALL.iter().map(|scope| {
        let answer = answerable::answer(metric, *scope, false);
        (scope.word().to_owned(), answer_words(answer, *scope))
    });
    json!({
        "name": metric.word(),
        "definition": metric.definition(),
        "unit": metric.unit().word(),
        "answered": answered.collect::<Map<String, Value>>(),
    })
}

fn answer_words(answer: Answer, scope: Scope) -> Value {
    let words = |list: &[Dimension]| list.iter().map(|one| one.word()).collect::<Vec<_>>();
    match answer {
        Answer::From(table, formula) => {
            json!({"table": table.name(), "formula": sum(formula), "one_of": []})
        }
        Answer::OneOf(dimensions, table, formula) => json!({
            "table": table.name(), "formula": sum(formula), "one_of": words(dimensions),
        }),
        Answer::ShareOf(whole) => {
            // It is told where the visitors are.
            let visitors = answer_words(answerable::answer(Metric::Visitors, scope, false), scope);
            json!({
                "table": visitors["table"],
                "formula": share(whole),
                "one_of": visitors["one_of"],
            })
        }
        Answer::No(why) => json!({"why_not": why}),
    }
}

fn dimension_words(dimension: Dimension) -> Value {
    let tables: Vec<&str> = TABLES
        .iter()
        .filter(|table| answerable::column(dimension, **table).is_some())
        .map(|table| table.name())
        .collect();
    json!({
        "name": dimension.word(),
        "definition": dimension.definition(),
        "empty": dimension.empty_label(),
        "tables": tables,
    })
}

/// The table of metrics and scopes, and that of dimensions, as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| metric |");
    for scope in Scope::ALL {
        append(&mut text, format_args!(" {} |", scope.heading()));
    }
    append(&mut text, format_args!("\n|---|{}\n", "---|".repeat(Scope::ALL.len())));
    for metric in Metric::ALL {
        append(&mut text, format_args!("| `{}` |", metric.word()));
        for scope in Scope::ALL {
            let answer = answerable::answer(*metric, *scope, false);
            append(&mut text, format_args!(" {} |", cell(answer)));
        }
        text.push('\n');
    }
    text.push_str("\n| dimension |");
    for table in TABLES {
        append(&mut text, format_args!(" `{}` |", table.name()));
    }
    append(&mut text, format_args!("\n|---|{}\n", "---|".repeat(TABLES.len())));
    for dimension in Dimension::ALL {
        append(&mut text, format_args!("| `{}` |", dimension.word()));
        for table in TABLES {
            match answerable::column(*dimension, *table) {
                Some(name) => append(&mut text, format_args!(" `{name}` |")),
                None => text.push_str(" no |"),
            }
        }
        text.push('\n');
    }
    text
}

fn cell(answer: Answer) -> String {
    match answer {
        Answer::From(table, formula) => format!("`{}`: {}", table.name(), sum(formula)),
        Answer::OneOf(dimensions, table, formula) => {
            let words: Vec<String> =
                dimensions.iter().map(|one| format!("`{}`", one.word())).collect();
            let words = words.join(" and ");
            format!("`{}`: {}, of one {words} at a time", table.name(), sum(formula))
        }
        Answer::ShareOf(whole) => share(whole).to_owned(),
        Answer::No(why) => format!("no: {why}"),
    }
}

fn sum(formula: Formula) -> String {
    let sum = formula.numerator.join(" + ");
    formula.denominator.map_or(sum.clone(), |name| format!("{sum} / {name}"))
}

fn share(whole: Whole) -> &'static str {
    match whole {
        Whole::Filtered => "visitors / all visitors under the same filters",
        Whole::WithoutGoal => "visitors / all visitors under the same filters without the goal",
        Whole::RowWithoutGoal => "visitors / visitors of the row without the goal",
    }
}

fn append(text: &mut String, what: std::fmt::Arguments<'_>) {
    let written = text.write_fmt(what);
    debug_assert!(written.is_ok(), "writing to a String does not fail");
}
