//! The plan: which sums of which tables answer a question.

use super::answerable::{self, Answer, Formula, Whole};
use super::asked::{Asked, scope, source};
use super::period::Period;
use super::query::{Order, Query, TimeOr};
use super::words::{Grain, Metric, Unit};
use super::{QueryError, Setting, sql};
use crate::limits;
use crate::outbox::Table;
use crate::release::Reader;
use crate::store::Param;

/// How a question is answered.
pub struct Plan {
    /// One statement. Its columns: the dimensions, the counters, the wholes that shares are of, the
    /// currencies of each period, and how many rows there are, each where it is asked for.
    pub sql: String,
    /// Its parameters.
    pub params: Vec<(String, Param)>,
    pub(super) period: Period,
    /// What it is compared with.
    pub(super) before: Option<Period>,
    pub(super) dimensions: Vec<TimeOr>,
    pub(super) metrics: Vec<Sum>,
    /// The counters of a row, each once.
    pub(super) counters: Vec<Counter>,
    /// The sums over all rows that shares are of.
    pub(super) wholes: Vec<Counter>,
    pub(super) order: Vec<(Order, bool)>,
    pub(super) fold: Option<Fold>,
}

/// A sum of one column of a table.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Counter {
    pub(super) from: Source,
    pub(super) name: &'static str,
}

/// Where a counter is summed: a table, under all filters or those that are not on a goal, in the
/// period or the one that it is compared with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source {
    pub(super) table: Table,
    pub(super) without_goal: bool,
    pub(super) before: bool,
}

/// A metric as places in the counters.
pub(super) struct Sum {
    pub(super) metric: Metric,
    pub(super) formula: Formula,
    /// In the period.
    pub(super) now: Places,
    /// In the period that it is compared with.
    pub(super) before: Option<Places>,
    /// Whether rows must not be added up.
    pub(super) apart: bool,
}

/// What is added, and by what it is divided.
pub(super) struct Places {
    pub(super) numerator: Vec<usize>,
    pub(super) denominator: Option<Divisor>,
}

/// A place in a row's counters, or in the wholes.
#[derive(Clone, Copy)]
pub(super) enum Divisor {
    OfRow(usize),
    Whole(usize),
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
    let before = query.compare.map(|it| it.period(&period, query.date_range, setting.now));
    let before = before.transpose()?;
    let dimensions = with_grain(&query.dimensions, &period);
    let hourly = dimensions.contains(&TimeOr::Time(Some(Grain::Hour)));
    check_time(query, &period, before.as_ref(), hourly)?;
    let folds = check_reader(query, setting.reader)?;

    let mut planning = Planning {
        asked: Asked::of(query, hourly),
        compares: before.is_some(),
        counters: Vec::new(),
        wholes: Vec::new(),
    };
    let mut metrics = Vec::new();
    for metric in &query.metrics {
        metrics.push(planning.sum(*metric)?);
    }
    let fold = if folds {
        let visitors = planning.sum(Metric::Visitors)?.now.numerator[0];
        Some(Fold { reader: setting.reader, visitors })
    } else {
        None
    };
    let Planning { counters, wholes, .. } = planning;
    let mut plan = Plan {
        sql: String::new(),
        params: Vec::new(),
        period,
        before,
        order: order(query, &dimensions),
        dimensions,
        metrics,
        counters,
        wholes,
        fold,
    };
    (plan.sql, plan.params) = sql::write(query, &plan)?;
    Ok(plan)
}

impl Plan {
    /// Whether a metric is of money, so that rows need their currencies.
    pub(super) fn has_money(&self) -> bool {
        self.metrics.iter().any(|sum| sum.metric.unit() == Unit::Money)
    }

    /// The grain of its time dimension.
    pub(super) fn grain(&self) -> Option<Grain> {
        self.dimensions.iter().find_map(|one| match one {
            TimeOr::Time(grain) => *grain,
            TimeOr::Of(_) => None,
        })
    }
}

/// The dimensions, with a grain for `time`.
fn with_grain(dimensions: &[TimeOr], period: &Period) -> Vec<TimeOr> {
    let each = dimensions.iter().map(|dimension| match dimension {
        TimeOr::Time(grain) => TimeOr::Time(Some(grain.unwrap_or_else(|| period.grain()))),
        TimeOr::Of(_) => *dimension,
    });
    each.collect()
}

fn check_time(
    query: &Query,
    period: &Period,
    before: Option<&Period>,
    hourly: bool,
) -> Result<(), QueryError> {
    let days = before.map_or(0, Period::days).max(period.days());
    if hourly && days > limits::QUERY_HOURS_DAYS_MAX {
        let most = limits::QUERY_HOURS_DAYS_MAX;
        let problem = format!("time:hour is answered for at most {most} days: take time:day");
        return Err(QueryError::invalid("dimensions", problem));
    }
    // By the hour, visitors of any hours are told.
    let by_day = |metric: &Metric| match metric {
        Metric::Visitors
        | Metric::Percentage
        | Metric::ConversionRate
        | Metric::GroupConversionRate => !hourly,
        _ => false,
    };
    let cuts_days = [Some(period), before].into_iter().flatten().any(|it| !it.is_whole_days());
    if cuts_days && query.metrics.iter().any(by_day) {
        let problem = "these hours cut a day, and visitors are kept by day: ask for visitors by \
                       time:hour, or take whole days";
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
/// each other, so a reader with a threshold gets one dimension at a time, and no filters; what few
/// have paid, and what a folded cell was before, would not be hidden by visitors.
fn check_reader(query: &Query, reader: Reader) -> Result<bool, QueryError> {
    if reader.sees_all() {
        return Ok(false);
    }
    if !query.filters.is_empty() {
        let problem = "this reader sees no figures under a filter";
        return Err(QueryError::invalid("filters", problem));
    }
    if query.metrics.iter().any(|metric| metric.unit() == Unit::Money) {
        return Err(QueryError::invalid("metrics", "this reader sees no revenue"));
    }
    let broken_down = query.dimensions.iter().any(|one| matches!(one, TimeOr::Of(_)));
    if broken_down && query.dimensions.len() > 1 {
        let problem = "this reader sees one dimension at a time";
        return Err(QueryError::invalid("dimensions", problem));
    }
    if broken_down && query.compare.is_some() {
        let problem = "this reader sees no comparison of a breakdown";
        return Err(QueryError::invalid("include", problem));
    }
    Ok(broken_down)
}

struct Planning<'a> {
    asked: Asked<'a>,
    compares: bool,
    counters: Vec<Counter>,
    wholes: Vec<Counter>,
}

fn place(list: &mut Vec<Counter>, counter: Counter) -> usize {
    list.iter().position(|known| *known == counter).unwrap_or_else(|| {
        list.push(counter);
        list.len() - 1
    })
}

/// A metric, found.
struct Found {
    table: Table,
    formula: Formula,
    /// Its divisor, where that is not of the same table under the same filters: the visitors of
    /// this one, without goals or not, and whether there are some for each row.
    share: Option<Share>,
    apart: bool,
}

#[derive(Clone, Copy)]
struct Share {
    table: Table,
    counter: &'static str,
    without_goal: bool,
    of_row: bool,
}

impl Planning<'_> {
    fn sum(&mut self, metric: Metric) -> Result<Sum, QueryError> {
        let found = self.find(metric)?;
        let now = self.places(&found, false);
        let before = self.compares.then(|| self.places(&found, true));
        Ok(Sum { metric, formula: found.formula, now, before, apart: found.apart })
    }

    fn places(&mut self, found: &Found, before: bool) -> Places {
        let from = Source { table: found.table, without_goal: false, before };
        let mut of_row = |name| place(&mut self.counters, Counter { from, name });
        let numerator = found.formula.numerator.iter().map(|name| of_row(name)).collect();
        let denominator = match found.share {
            None => found.formula.denominator.map(|name| Divisor::OfRow(of_row(name))),
            Some(Share { table, counter: name, without_goal, of_row }) => {
                let counter = Counter { from: Source { table, without_goal, before }, name };
                Some(if of_row {
                    Divisor::OfRow(place(&mut self.counters, counter))
                } else {
                    Divisor::Whole(place(&mut self.wholes, counter))
                })
            }
        };
        Places { numerator, denominator }
    }

    /// Where `metric` is answered, or why nowhere.
    fn find(&self, metric: Metric) -> Result<Found, QueryError> {
        let scope = scope(metric, &self.asked)?;
        let Answer::ShareOf(whole) = answerable::answer(metric, scope, self.asked.hourly) else {
            let (table, formula, apart) = source(metric, &self.asked)?;
            return Ok(Found { table, formula, share: None, apart });
        };
        let (table, visitors, apart) = source(Metric::Visitors, &self.asked)?;
        let (of, of_row) = self.asked.whole(whole)?;
        let (of_table, all, _) = source(Metric::Visitors, &of)?;
        let share = Share {
            table: of_table,
            counter: all.numerator[0],
            without_goal: whole != Whole::Filtered,
            of_row,
        };
        let formula = Formula { numerator: visitors.numerator, ..answerable::SHARE };
        Ok(Found { table, formula, share: Some(share), apart })
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
