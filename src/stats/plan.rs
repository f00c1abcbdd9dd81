//! The plan: which sums of which tables answer a question, as SQL.
//!
//! The SQL is made of column names and functions that stand in this program. What a reader or an
//! operator wrote is bound. Tables that answer different metrics of one question meet in a
//! `UNION ALL`, each adding nothing to the other's counters.

use std::fmt::Write as _;

use super::answerable::{self, Answer, Formula, Scope};
use super::period::{DateRange, Period};
use super::query::{Order, Query, TimeOr};
use super::words::{Dimension, Grain, Metric};
use super::{QueryError, Setting};
use crate::limits;
use crate::outbox::Table;
use crate::release::Reader;
use crate::store::Param;

/// How a question is answered.
pub struct Plan {
    /// One statement. Its columns: the dimensions, the counters, and, where it was asked for, how
    /// many rows there are.
    pub sql: String,
    /// Its parameters.
    pub params: Vec<(String, Param)>,
    pub(super) period: Period,
    pub(super) dimensions: Vec<TimeOr>,
    pub(super) counters: usize,
    pub(super) metrics: Vec<Sum>,
    pub(super) order: Vec<(Order, bool)>,
    pub(super) fold: Option<Fold>,
}

/// A metric as places in the counters.
pub(super) struct Sum {
    pub(super) formula: Formula,
    pub(super) numerator: Vec<usize>,
    pub(super) denominator: Option<usize>,
}

/// What a threshold needs.
pub(super) struct Fold {
    pub(super) reader: Reader,
    /// The counter of visitors.
    pub(super) visitors: usize,
}

/// Plans the answer to `query`. Pure.
pub fn plan(query: &Query, setting: &Setting) -> Result<Plan, QueryError> {
    let period = Period::of(query.date_range, &setting.zone, setting.now, setting.begun)?;
    let dimensions = with_grain(&query.dimensions, &period);
    let hourly = dimensions.contains(&TimeOr::Time(Some(Grain::Hour)));
    check_time(query, &period, hourly)?;
    let folds = check_reader(query, setting.reader)?;

    let mut counters = Counters { query, hourly, list: Vec::new() };
    let mut metrics = Vec::new();
    for metric in &query.metrics {
        metrics.push(counters.sum(*metric)?);
    }
    let fold = if folds {
        let visitors = counters.sum(Metric::Visitors)?.numerator[0];
        Some(Fold { reader: setting.reader, visitors })
    } else {
        None
    };
    let order = order(query, &dimensions);
    let mut plan = Plan {
        sql: String::new(),
        params: Vec::new(),
        period,
        dimensions,
        counters: counters.list.len(),
        metrics,
        order,
        fold,
    };
    plan.write(query, &counters.list);
    Ok(plan)
}

/// The dimensions, with a grain for `time`.
fn with_grain(dimensions: &[TimeOr], period: &Period) -> Vec<TimeOr> {
    let each = dimensions.iter().map(|dimension| match dimension {
        TimeOr::Time(grain) => TimeOr::Time(Some(grain.unwrap_or_else(|| period.grain()))),
        TimeOr::Of(_) => *dimension,
    });
    each.collect()
}

fn check_time(query: &Query, period: &Period, hourly: bool) -> Result<(), QueryError> {
    if hourly && period.days() > limits::QUERY_HOURS_DAYS_MAX {
        let most = limits::QUERY_HOURS_DAYS_MAX;
        let problem = format!("time:hour is answered for at most {most} days: take time:day");
        return Err(QueryError::invalid("dimensions", problem));
    }
    let cuts_days = query.date_range == DateRange::Hours24 && !hourly;
    if cuts_days && query.metrics.contains(&Metric::Visitors) {
        let problem = "24h cuts two days, and visitors are kept by day: break it down by \
                       time:hour, or take day";
        return Err(QueryError::invalid("date_range", problem));
    }
    let labelled = query.dimensions.iter().any(|one| matches!(one, TimeOr::Time(_)));
    if query.include.time_labels && !labelled {
        let problem = "time_labels needs a time dimension";
        return Err(QueryError::invalid("include", problem));
    }
    Ok(())
}

/// Whether the cells are folded for this reader. Breakdowns that overlap could be subtracted from
/// each other, so a reader with a threshold gets one dimension at a time, and no filters.
fn check_reader(query: &Query, reader: Reader) -> Result<bool, QueryError> {
    if reader.sees_all() {
        return Ok(false);
    }
    if !query.filters.is_empty() {
        let problem = "this reader sees no figures under a filter";
        return Err(QueryError::invalid("filters", problem));
    }
    let broken_down = query.dimensions.iter().any(|one| matches!(one, TimeOr::Of(_)));
    if broken_down && query.dimensions.len() > 1 {
        let problem = "this reader sees one dimension at a time";
        return Err(QueryError::invalid("dimensions", problem));
    }
    Ok(broken_down)
}

/// The counters of a statement, each once.
struct Counters<'a> {
    query: &'a Query,
    hourly: bool,
    list: Vec<(Table, &'static str)>,
}

impl Counters<'_> {
    fn sum(&mut self, metric: Metric) -> Result<Sum, QueryError> {
        let (table, formula) = self.source(metric)?;
        let numerator = formula.numerator.iter().map(|name| self.place(table, name)).collect();
        let denominator = formula.denominator.map(|name| self.place(table, name));
        Ok(Sum { formula, numerator, denominator })
    }

    fn place(&mut self, table: Table, name: &'static str) -> usize {
        let known = self.list.iter().position(|counter| *counter == (table, name));
        known.unwrap_or_else(|| {
            self.list.push((table, name));
            self.list.len() - 1
        })
    }

    /// The table that answers `metric`, or why none does.
    fn source(&self, metric: Metric) -> Result<(Table, Formula), QueryError> {
        let named: Vec<Dimension> = self.named().collect();
        let refuse = |why: String| QueryError::invalid("metrics", why);
        let word = metric.word();
        let (table, formula) = match answerable::answer(metric, Scope::of(&named), self.hourly) {
            Answer::From(table, formula) => (table, formula),
            Answer::OneOf(dimension, table, formula) => {
                if !self.is_one(dimension) {
                    let name = dimension.word();
                    return Err(refuse(format!(
                        "{word} of several values of {name} at once cannot be told: each has its \
                         own firsts. Filter on one value, or break it down by {name}"
                    )));
                }
                (table, formula)
            }
            Answer::No(why) => {
                return Err(refuse(format!("{word} cannot be told here: {why}")));
            }
        };
        match named.iter().find(|dimension| answerable::column(**dimension, table).is_none()) {
            None => Ok((table, formula)),
            Some(dimension) => Err(refuse(format!(
                "{word} cannot be told with {} here: together they would single visits out. \
                 Valid dimensions here: {}",
                dimension.word(),
                answerable::dimensions_of(table)
            ))),
        }
    }

    fn named(&self) -> impl Iterator<Item = Dimension> {
        let broken_down = self.query.dimensions.iter().filter_map(|one| match one {
            TimeOr::Of(dimension) => Some(*dimension),
            TimeOr::Time(_) => None,
        });
        broken_down.chain(self.query.filters.iter().map(|filter| filter.dimension))
    }

    fn is_one(&self, dimension: Dimension) -> bool {
        let one =
            |filter: &super::Filter| filter.dimension == dimension && filter.values.len() == 1;
        self.query.dimensions.contains(&TimeOr::Of(dimension)) || self.query.filters.iter().any(one)
    }
}

fn order(query: &Query, dimensions: &[TimeOr]) -> Vec<(Order, bool)> {
    let mut order: Vec<(Order, bool)> = query
        .order_by
        .iter()
        .map(|(by, descending)| match by {
            // `time` stands in the plan with its grain.
            Order::Along(TimeOr::Time(_)) => {
                let time = dimensions.iter().find(|one| matches!(one, TimeOr::Time(_)));
                (time.map_or(*by, |time| Order::Along(*time)), *descending)
            }
            _ => (*by, *descending),
        })
        .collect();
    if order.is_empty() {
        match dimensions.iter().find(|one| matches!(one, TimeOr::Time(_))) {
            Some(time) => order.push((Order::Along(*time), false)),
            None => order.extend(query.metrics.first().map(|metric| (Order::By(*metric), true))),
        }
    }
    // The rest of the dimensions, so that pages of an answer neither repeat nor miss a row.
    for dimension in dimensions {
        if !order.iter().any(|(by, _)| *by == Order::Along(*dimension)) {
            order.push((Order::Along(*dimension), false));
        }
    }
    order
}

impl Plan {
    fn write(&mut self, query: &Query, counters: &[(Table, &'static str)]) {
        self.bind("site", Param::Text(query.site_id.clone()));
        self.bind("from", Param::Number(self.period.from.0));
        self.bind("to", Param::Number(self.period.to.0));
        let mut tables: Vec<Table> = counters.iter().map(|(table, _)| *table).collect();
        tables.sort();
        tables.dedup();
        let mut conditions = Vec::new();
        for (number, filter) in query.filters.iter().enumerate() {
            let name = format!("f{number}");
            let label = filter.dimension.empty_label();
            let stored = |value: &String| {
                if value == label { String::new() } else { value.clone() }
            };
            let values = filter.values.iter().map(stored).collect();
            self.bind(&name, Param::Texts(values));
            conditions.push((name, filter.dimension));
        }
        let arms: Vec<String> =
            tables.iter().map(|table| self.arm(*table, counters, &conditions)).collect();
        let dimensions = dimension_names(self.dimensions.len());
        let mut columns: Vec<String> = dimensions.clone();
        columns.extend((0..counters.len()).map(|place| format!("sum(c{place}) AS s{place}")));
        if query.include.total_rows && self.fold.is_none() {
            columns.push("toInt64(count() OVER ()) AS total".to_owned());
        }
        let mut sql = format!("SELECT {} FROM ({})", columns.join(", "), arms.join(" UNION ALL "));
        if !dimensions.is_empty() {
            // A correction leaves rows that add up to nothing, until ClickHouse merges them away.
            let any: Vec<String> =
                (0..counters.len()).map(|place| format!("s{place} != 0")).collect();
            put(&mut sql, format_args!(" GROUP BY {}", dimensions.join(", ")));
            put(&mut sql, format_args!(" HAVING {}", any.join(" OR ")));
        }
        if self.fold.is_some() {
            put(&mut sql, format_args!(" LIMIT {}", limits::FOLDED_CELLS_MAX + 1));
        } else {
            let order: Vec<String> =
                self.order.iter().map(|(by, down)| self.order_term(query, *by, *down)).collect();
            put(&mut sql, format_args!(" ORDER BY {}", order.join(", ")));
            put(&mut sql, format_args!(" LIMIT {} OFFSET {}", query.limit, query.offset));
        }
        self.sql = sql;
    }

    /// One table's part.
    fn arm(
        &mut self,
        table: Table,
        counters: &[(Table, &'static str)],
        conditions: &[(String, Dimension)],
    ) -> String {
        let dimensions = self.dimensions.clone();
        let mut columns: Vec<String> = Vec::new();
        for (place, dimension) in dimensions.iter().enumerate() {
            let expression = match dimension {
                TimeOr::Of(dimension) => column(*dimension, table).to_owned(),
                TimeOr::Time(grain) => self.label(grain.unwrap_or(Grain::Day)).to_owned(),
            };
            columns.push(format!("{expression} AS d{place}"));
        }
        for (place, (of, name)) in counters.iter().enumerate() {
            columns.push(if *of == table {
                format!("sum({name}) AS c{place}")
            } else {
                format!("toInt64(0) AS c{place}")
            });
        }
        let mut sql = format!(
            "SELECT {} FROM {} WHERE site = {{site:String}} \
             AND bucket >= toDateTime({{from:Int64}}, 'UTC') \
             AND bucket < toDateTime({{to:Int64}}, 'UTC')",
            columns.join(", "),
            table.name(),
        );
        for (name, dimension) in conditions {
            let column = column(*dimension, table);
            put(&mut sql, format_args!(" AND has({{{name}:Array(String)}}, {column})"));
        }
        if !dimensions.is_empty() {
            let names = dimension_names(dimensions.len()).join(", ");
            put(&mut sql, format_args!(" GROUP BY {names}"));
        }
        sql
    }

    /// The label of a bucket's time, in the site's zone.
    fn label(&mut self, grain: Grain) -> &'static str {
        let zone = self.period.zone.iana_name().unwrap_or("UTC").to_owned();
        self.bind("zone", Param::Text(zone));
        match grain {
            Grain::Hour => {
                "formatDateTime(toStartOfHour(bucket, {zone:String}), '%Y-%m-%d %H:00:00', \
                 {zone:String})"
            }
            Grain::Day => "toString(toDate(bucket, {zone:String}))",
            Grain::Week => {
                self.bind("first", Param::Text(self.period.first.to_string()));
                "toString(greatest(toMonday(bucket, {zone:String}), toDate({first:String})))"
            }
            Grain::Month => "toString(toStartOfMonth(bucket, {zone:String}))",
        }
    }

    fn order_term(&self, query: &Query, by: Order, descending: bool) -> String {
        let direction = if descending { "DESC" } else { "ASC" };
        let term = match by {
            Order::Along(dimension) => {
                let place = self.dimensions.iter().position(|one| *one == dimension);
                place.map(|place| format!("d{place}"))
            }
            Order::By(metric) => {
                let place = query.metrics.iter().position(|one| *one == metric);
                place.map(|place| self.metrics[place].sql())
            }
        };
        // Both were checked when the question was read.
        format!("{} {direction}", term.unwrap_or_else(|| "1".to_owned()))
    }

    fn bind(&mut self, name: &str, value: Param) {
        if !self.params.iter().any(|(bound, _)| bound == name) {
            self.params.push((name.to_owned(), value));
        }
    }
}

impl Sum {
    fn sql(&self) -> String {
        let sums: Vec<String> = self.numerator.iter().map(|place| format!("s{place}")).collect();
        match self.denominator {
            None => sums.join(" + "),
            Some(visits) => format!("if(s{visits} > 0, ({}) / s{visits}, NULL)", sums.join(" + ")),
        }
    }
}

/// The column of a dimension that [`Counters::source`] found in the table.
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
