//! The plan as SQL.
//!
//! The SQL is made of column names and functions that stand in this program. What a reader or an
//! operator wrote is bound. Tables and periods that answer different metrics of one question meet
//! in a `UNION ALL`, each adding nothing to the other's counters.

use std::fmt::Write as _;

use super::QueryError;
use super::answerable::{self, PAID_EVENTS};
use super::asked::without_goal;
use super::filter::{Filter, Leaf, Operator};
use super::period::Period;
use super::plan::{Counter, Divisor, Places, Plan, Source};
use super::query::{Order, Query, TimeOr};
use super::words::{Dimension, Grain};
use crate::limits;
use crate::outbox::Table;
use crate::store::Param;

/// The statement of `plan`, and its parameters.
pub(super) fn write(
    query: &Query,
    plan: &Plan,
) -> Result<(String, Vec<(String, Param)>), QueryError> {
    let filters: Vec<&Filter> = query.filters.iter().flat_map(Filter::conjuncts).collect();
    let mut writing = Writing { query, plan, filters, leaves: Vec::new(), params: Vec::new() };
    writing.bind_all()?;
    let sql = writing.statement()?;
    Ok((sql, writing.params))
}

struct Writing<'a> {
    query: &'a Query,
    plan: &'a Plan,
    filters: Vec<&'a Filter>,
    /// In the order of their parameters.
    leaves: Vec<&'a Leaf>,
    params: Vec<(String, Param)>,
}

impl Writing<'_> {
    fn bind(&mut self, name: &str, value: Param) {
        self.params.push((name.to_owned(), value));
    }

    fn bind_all(&mut self) -> Result<(), QueryError> {
        let (query, plan) = (self.query, self.plan);
        self.bind("site", Param::Text(query.site_id.clone()));
        self.bind("from", Param::Number(plan.period.from.0));
        self.bind("to", Param::Number(plan.period.to.0));
        if let Some(before) = &plan.before {
            self.bind("from_before", Param::Number(before.from.0));
            self.bind("to_before", Param::Number(before.to.0));
        }
        for filter in &query.filters {
            leaves(filter, &mut self.leaves);
        }
        for number in 0..self.leaves.len() {
            let leaf = self.leaves[number];
            self.bind(&format!("f{number}"), Param::Texts(stored(leaf)));
        }
        if let Some(key) = &query.names.prop {
            self.bind("prop", Param::Text(key.clone()));
        }
        if let Some(grain) = plan.grain() {
            let zone = plan.period.zone.iana_name().unwrap_or("UTC").to_owned();
            self.bind("zone", Param::Text(zone));
            if grain == Grain::Week {
                self.bind("first", Param::Text(plan.period.first.to_string()));
            }
            if let Some(before) = &plan.before {
                self.bind_labels(grain, before)?;
            }
        }
        Ok(())
    }

    /// The labels of both periods, one beside the other.
    fn bind_labels(&mut self, grain: Grain, before: &Period) -> Result<(), QueryError> {
        let (mut labels, mut earlier) = (self.plan.period.labels(grain)?, before.labels(grain)?);
        let both = labels.len().min(earlier.len());
        labels.truncate(both);
        earlier.truncate(both);
        self.bind("labels", Param::Texts(labels));
        self.bind("labels_before", Param::Texts(earlier));
        if grain == Grain::Week {
            self.bind("first_before", Param::Text(before.first.to_string()));
        }
        Ok(())
    }

    fn statement(&self) -> Result<String, QueryError> {
        let Plan { counters, wholes, dimensions, fold, .. } = self.plan;
        let mut sources: Vec<Source> = counters.iter().map(|counter| counter.from).collect();
        sources.sort();
        sources.dedup();
        let arms = sources.iter().map(|source| self.arm(*source));
        let arms = arms.collect::<Result<Vec<_>, _>>()?;
        let names = dimension_names(dimensions.len());
        let mut columns = names.clone();
        columns.extend((0..counters.len()).map(|place| format!("sum(c{place}) AS s{place}")));
        for (place, whole) in wholes.iter().enumerate() {
            let column = sum(whole.name);
            let table = self.rows_of(whole.from)?;
            columns.push(format!("(SELECT {column} FROM {table}) AS t{place}"));
        }
        for period in self.money() {
            columns.push(format!("groupUniqArrayArray(2)({period}) AS {period}s"));
        }
        if self.query.include.total_rows && fold.is_none() {
            columns.push("toInt64(count() OVER ()) AS total".to_owned());
        }
        let mut sql = format!("SELECT {} FROM ({})", columns.join(", "), arms.join(" UNION ALL "));
        if !names.is_empty() {
            put(&mut sql, format_args!(" GROUP BY {}", names.join(", ")));
            put(&mut sql, format_args!(" HAVING {}", self.has_something()));
        }
        if fold.is_some() {
            put(&mut sql, format_args!(" LIMIT {}", limits::FOLDED_CELLS_MAX + 1));
        } else {
            let order = self.plan.order.iter().map(|(by, down)| self.order_term(*by, *down));
            let order = order.collect::<Vec<_>>().join(", ");
            put(&mut sql, format_args!(" ORDER BY {order}"));
            put(&mut sql, format_args!(" LIMIT {} OFFSET {}", self.query.limit, self.query.offset));
        }
        Ok(sql)
    }

    /// Which rows are shown. A correction leaves rows that add up to nothing, until ClickHouse
    /// merges them away. A stretch of time is shown for what was before, too.
    fn has_something(&self) -> String {
        let timed = self.plan.grain().is_some();
        let shows =
            |counter: &Counter| !counter.from.without_goal && (timed || !counter.from.before);
        let counters = self.plan.counters.iter().enumerate();
        let any: Vec<String> = counters
            .filter(|(_, counter)| shows(counter))
            .map(|(place, _)| format!("s{place} != 0"))
            .collect();
        let any = any.join(" OR ");
        let time = self.plan.dimensions.iter().position(|one| matches!(one, TimeOr::Time(_)));
        match (&self.plan.before, time) {
            // What was before a stretch that the other period does not have.
            (Some(_), Some(place)) => format!("d{place} != '' AND ({any})"),
            _ => any,
        }
    }

    /// The currencies of each period, where a metric is of money.
    fn money(&self) -> &'static [&'static str] {
        match (self.plan.has_money(), &self.plan.before) {
            (false, _) => &[],
            (true, None) => &["money"],
            (true, Some(_)) => &["money", "money_before"],
        }
    }

    /// One source's part.
    fn arm(&self, source: Source) -> Result<String, QueryError> {
        let mut columns: Vec<String> = Vec::new();
        for (place, dimension) in self.plan.dimensions.iter().enumerate() {
            let expression = match dimension {
                TimeOr::Of(dimension) => column(*dimension, source.table).to_owned(),
                TimeOr::Time(grain) => label(grain.unwrap_or(Grain::Day), source.before),
            };
            columns.push(format!("{expression} AS d{place}"));
        }
        for (place, counter) in self.plan.counters.iter().enumerate() {
            let sum =
                if counter.from == source { sum(counter.name) } else { "toInt64(0)".to_owned() };
            columns.push(format!("{sum} AS c{place}"));
        }
        for (period, name) in self.money().iter().enumerate() {
            let has_it = source.table == Table::Events
                && !source.without_goal
                && source.before == (period == 1);
            let expression = if has_it {
                // A row of firsts alone names a currency that was paid in another visit.
                "groupUniqArrayIf(2)(toString(currency), currency != '' AND events != 0)"
            } else {
                "emptyArrayString()"
            };
            columns.push(format!("{expression} AS {name}"));
        }
        let mut sql = format!("SELECT {} FROM {}", columns.join(", "), self.rows_of(source)?);
        if !self.plan.dimensions.is_empty() {
            let names = dimension_names(self.plan.dimensions.len()).join(", ");
            put(&mut sql, format_args!(" GROUP BY {names}"));
        }
        Ok(sql)
    }

    /// The table, and which of its rows.
    fn rows_of(&self, source: Source) -> Result<String, QueryError> {
        let (from, to) = if source.before { ("from_before", "to_before") } else { ("from", "to") };
        let mut sql = format!(
            "{} WHERE site = {{site:String}} AND bucket >= toDateTime({{{from}:Int64}}, 'UTC') \
             AND bucket < toDateTime({{{to}:Int64}}, 'UTC')",
            source.table.name(),
        );
        if source.table == Table::EventProps {
            sql.push_str(" AND prop_key = {prop:String}");
        }
        let kept;
        let filters = if source.without_goal {
            kept = without_goal(&self.filters)?;
            &kept
        } else {
            &self.filters
        };
        for filter in filters {
            put(&mut sql, format_args!(" AND {}", self.condition(filter, source.table)));
        }
        Ok(sql)
    }

    fn condition(&self, filter: &Filter, table: Table) -> String {
        let each = |filters: &[Filter], word: &str| {
            let all: Vec<String> = filters.iter().map(|one| self.condition(one, table)).collect();
            format!("({})", all.join(word))
        };
        match filter {
            Filter::All(filters) => each(filters, " AND "),
            Filter::Any(filters) => each(filters, " OR "),
            Filter::Not(other) => format!("NOT {}", self.condition(other, table)),
            Filter::Leaf(leaf) => {
                let place = self.leaves.iter().position(|known| std::ptr::eq(*known, leaf));
                compared(leaf, column(leaf.dimension, table), place.unwrap_or_default())
            }
        }
    }

    fn order_term(&self, by: Order, descending: bool) -> String {
        let direction = if descending { "DESC" } else { "ASC" };
        let term = match by {
            Order::Along(dimension) => {
                let place = self.plan.dimensions.iter().position(|one| *one == dimension);
                place.map(|place| format!("d{place}"))
            }
            Order::By(metric) => {
                let place = self.query.metrics.iter().position(|one| *one == metric);
                place.map(|place| ratio(&self.plan.metrics[place].now))
            }
        };
        // Both were checked when the question was read.
        format!("{} {direction}", term.unwrap_or_else(|| "1".to_owned()))
    }
}

fn leaves<'a>(filter: &'a Filter, into: &mut Vec<&'a Leaf>) {
    match filter {
        Filter::All(each) | Filter::Any(each) => each.iter().for_each(|one| leaves(one, into)),
        Filter::Not(other) => leaves(other, into),
        Filter::Leaf(leaf) => into.push(leaf),
    }
}

/// A leaf's values as they are stored: the label of nothing is the empty text, where it is compared
/// as a whole.
fn stored(leaf: &Leaf) -> Vec<String> {
    let label = leaf.dimension.empty_label();
    let stored = |value: &String| {
        if leaf.operator.is_whole() && value == label { String::new() } else { value.clone() }
    };
    leaf.values.iter().map(stored).collect()
}

fn compared(leaf: &Leaf, column: &str, place: usize) -> String {
    let not = if leaf.operator.is_negated() { "NOT " } else { "" };
    let values = format!("{{f{place}:Array(String)}}");
    let one = match (leaf.operator, leaf.ignores_case) {
        // Not `has`, which is asked for every row; a set is asked for each word of a dictionary.
        (Operator::Is | Operator::IsNot, false) => return format!("{column} {not}IN {values}"),
        (Operator::Is | Operator::IsNot, true) => format!("lowerUTF8({column}) = lowerUTF8(v)"),
        (_, false) => format!("position({column}, v) > 0"),
        (_, true) => format!("position(lowerUTF8({column}), lowerUTF8(v)) > 0"),
    };
    format!("{not}arrayExists(v -> {one}, {values})")
}

/// The label of a bucket's time, in the site's zone; of a bucket before, the label of what it is
/// compared with.
fn label(grain: Grain, before: bool) -> String {
    let first = if before { "first_before" } else { "first" };
    let label = match grain {
        Grain::Hour => "formatDateTime(toStartOfHour(bucket, {zone:String}), \
                        '%Y-%m-%d %H:00:00', {zone:String})"
            .to_owned(),
        Grain::Day => "toString(toDate(bucket, {zone:String}))".to_owned(),
        Grain::Week => format!(
            "toString(greatest(toMonday(bucket, {{zone:String}}), toDate({{{first}:String}})))"
        ),
        Grain::Month => "toString(toStartOfMonth(bucket, {zone:String}))".to_owned(),
    };
    if before {
        format!("transform({label}, {{labels_before:Array(String)}}, {{labels:Array(String)}}, '')")
    } else {
        label
    }
}

/// What a row is ordered by. A whole is the same for every row.
fn ratio(places: &Places) -> String {
    let sums: Vec<String> = places.numerator.iter().map(|place| format!("s{place}")).collect();
    let sum = sums.join(" + ");
    match places.denominator {
        None | Some(Divisor::Whole(_)) => sum,
        Some(Divisor::OfRow(place)) => format!("if(s{place} > 0, ({sum}) / s{place}, NULL)"),
    }
}

fn sum(counter: &str) -> String {
    if counter == PAID_EVENTS {
        "sumIf(events, currency != '')".to_owned()
    } else {
        format!("sum({counter})")
    }
}

/// The column of a dimension that the plan found in the table. A goal's has none in an arm without
/// the goal, which is never broken down by it.
fn column(dimension: Dimension, table: Table) -> &'static str {
    answerable::column(dimension, table).unwrap_or("''")
}

fn dimension_names(count: usize) -> Vec<String> {
    (0..count).map(|place| format!("d{place}")).collect()
}

fn put(sql: &mut String, what: std::fmt::Arguments<'_>) {
    let written = sql.write_fmt(what);
    debug_assert!(written.is_ok(), "writing to a String does not fail");
}
