//! The answer, in the shape of Plausible's v2.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::QueryError;
use super::answerable::Formula;
use super::compare::change;
use super::filter;
use super::money;
use super::plan::{Divisor, Places, Plan, Sum};
use super::query::{Order, Query, TimeOr};
use super::words::Unit;
use crate::limits;
use crate::release::{self, Cell};
use crate::store::StoreError;

struct Row {
    dimensions: Vec<String>,
    counters: Vec<i64>,
    wholes: Vec<i64>,
    /// The currencies of the period, and of the one before.
    money: Vec<Vec<String>>,
    total: Option<i64>,
    /// Whether it is a sum of rows.
    is_sum: bool,
}

/// The labels of a time dimension: of the period, and of the one before.
struct Labels {
    now: Vec<String>,
    before: Vec<String>,
}

impl Plan {
    /// The answer that `rows` make.
    pub fn answer(&self, query: &Query, rows: Vec<Vec<Value>>) -> Result<Value, QueryError> {
        let rows = rows.into_iter().map(|row| self.row(query, row)).collect::<Option<Vec<Row>>>();
        let mut rows = rows.ok_or(StoreError::Answer)?;
        let mut total = rows.first().map_or(0, |row| row.total.unwrap_or(0));
        if let Some(fold) = &self.fold {
            if rows.len() > limits::FOLDED_CELLS_MAX {
                let problem = "too many values to fold: take a shorter range";
                return Err(QueryError::invalid("date_range", problem));
            }
            let wholes = rows.first().map(|row| row.wholes.clone()).unwrap_or_default();
            let cells = rows.into_iter().map(|row| Cell {
                visitors: row.counters[fold.visitors],
                name: row.dimensions.into_iter().next().unwrap_or_default(),
                counters: row.counters,
            });
            rows = self.in_order(query, release::fold(fold.reader, cells.collect()), &wholes);
            total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            rows = rows.into_iter().skip(query.offset).take(query.limit).collect();
        }
        let labels = self.labels()?;
        let results: Vec<Value> =
            rows.iter().map(|row| self.result(row, labels.as_ref())).collect();
        let mut meta = Map::new();
        if let Some(labels) = labels.filter(|_| query.include.time_labels) {
            meta.insert("time_labels".to_owned(), json!(labels.now));
            if self.before.is_some() {
                meta.insert("comparison_time_labels".to_owned(), json!(labels.before));
            }
        }
        if query.include.total_rows {
            meta.insert("total_rows".to_owned(), json!(total));
        }
        if rows.iter().flat_map(|row| &row.money).any(|currencies| currencies.len() > 1) {
            meta.insert("metric_warnings".to_owned(), self.currency_warnings());
        }
        Ok(json!({ "results": results, "meta": meta, "query": self.echo(query)? }))
    }

    fn labels(&self) -> Result<Option<Labels>, QueryError> {
        let Some(grain) = self.grain() else { return Ok(None) };
        let before = self.before.as_ref().map_or(Ok(Vec::new()), |before| before.labels(grain))?;
        Ok(Some(Labels { now: self.period.labels(grain)?, before }))
    }

    /// As Plausible says it: the metric has no value, since currencies are not added.
    fn currency_warnings(&self) -> Value {
        let warning = json!({
            "code": "no_single_revenue_currency",
            "warning": "Several currencies are not added: filter on event:currency, or break down \
                        by it.",
        });
        let money = self.metrics.iter().filter(|sum| sum.metric.unit() == Unit::Money);
        let warnings = money.map(|sum| (sum.metric.word().to_owned(), warning.clone()));
        Value::Object(warnings.collect())
    }

    fn row(&self, query: &Query, row: Vec<Value>) -> Option<Row> {
        let mut values = row.into_iter();
        let mut dimensions = Vec::with_capacity(self.dimensions.len());
        for _ in &self.dimensions {
            let Some(Value::String(text)) = values.next() else { return None };
            dimensions.push(text);
        }
        let mut numbers = |count: usize| {
            (0..count).map(|_| values.next()?.as_i64()).collect::<Option<Vec<i64>>>()
        };
        let counters = numbers(self.counters.len())?;
        let wholes = numbers(self.wholes.len())?;
        let periods = if self.before.is_some() { 2 } else { 1 };
        let mut money = Vec::new();
        for _ in 0..(if self.has_money() { periods } else { 0 }) {
            money.push(serde_json::from_value(values.next()?).ok()?);
        }
        let total = if query.include.total_rows && self.fold.is_none() {
            Some(values.next()?.as_i64()?)
        } else {
            None
        };
        Some(Row { dimensions, counters, wholes, money, total, is_sum: false })
    }

    fn result(&self, row: &Row, labels: Option<&Labels>) -> Value {
        let shown: Vec<&str> = row
            .dimensions
            .iter()
            .zip(&self.dimensions)
            .map(|(text, dimension)| match dimension {
                TimeOr::Of(dimension) if text.is_empty() => dimension.empty_label(),
                _ => text,
            })
            .collect();
        let metrics: Vec<Value> =
            self.metrics.iter().map(|sum| self.value(sum, &sum.now, 0, row)).collect();
        let mut result = json!({ "dimensions": shown, "metrics": metrics });
        if self.before.is_some() {
            result["comparison"] = self.comparison(row, &shown, &metrics, labels);
        }
        result
    }

    /// The same of the period before, and how it changed.
    fn comparison(
        &self,
        row: &Row,
        shown: &[&str],
        metrics: &[Value],
        labels: Option<&Labels>,
    ) -> Value {
        let before: Vec<Value> = self
            .metrics
            .iter()
            .filter_map(|sum| Some(self.value(sum, sum.before.as_ref()?, 1, row)))
            .collect();
        let both = metrics.iter().zip(&before).zip(&self.metrics);
        let change: Vec<Value> =
            both.map(|((now, before), sum)| change(sum.metric, now, before)).collect();
        let earlier = |label: &str| {
            let place = labels?.now.iter().position(|now| now == label)?;
            labels?.before.get(place)
        };
        let dimensions: Vec<Value> = shown
            .iter()
            .zip(&self.dimensions)
            .map(|(text, dimension)| match dimension {
                TimeOr::Time(_) => json!(earlier(text)),
                TimeOr::Of(_) => json!(text),
            })
            .collect();
        json!({ "dimensions": dimensions, "metrics": before, "change": change })
    }

    /// A metric's value: nothing where there is nothing to divide by, but 0 in a total; nothing
    /// where rows were added that must not be.
    fn value(&self, sum: &Sum, places: &Places, period: usize, row: &Row) -> Value {
        if sum.apart && row.is_sum {
            return Value::Null;
        }
        let (amount, divisor) = places.ratio(&row.counters, &row.wholes);
        if sum.metric.unit() == Unit::Money {
            let currencies = row.money.get(period).map(Vec::as_slice).unwrap_or_default();
            return money::value(amount, places.denominator.map(|_| divisor), currencies);
        }
        match places.denominator {
            None => json!(amount),
            Some(_) if divisor <= 0 && self.dimensions.is_empty() => json!(0),
            Some(_) if divisor <= 0 => Value::Null,
            Some(_) => rounded(sum.formula, amount, divisor),
        }
    }

    /// The shown cells as the question orders them, what was folded last.
    fn in_order(&self, query: &Query, folded: release::Folded, wholes: &[i64]) -> Vec<Row> {
        let row = |cell: Cell, is_sum: bool| Row {
            dimensions: vec![cell.name],
            counters: cell.counters,
            wholes: wholes.to_vec(),
            money: Vec::new(),
            total: None,
            is_sum,
        };
        let mut cells = folded.shown;
        cells.sort_by(|a, b| self.compare(query, a, b));
        let mut rows: Vec<Row> = cells.into_iter().map(|cell| row(cell, false)).collect();
        rows.extend(folded.other.map(|cell| row(cell, true)));
        rows
    }

    fn compare(&self, query: &Query, a: &Cell, b: &Cell) -> Ordering {
        let mut order = Ordering::Equal;
        for (by, descending) in &self.order {
            let next = match by {
                Order::Along(_) => a.name.cmp(&b.name),
                Order::By(metric) => {
                    let place = query.metrics.iter().position(|one| one == metric).unwrap_or(0);
                    // A whole is the same for both.
                    let ratio = |cell: &Cell| self.metrics[place].now.ratio(&cell.counters, &[]);
                    let ((a_up, a_down), (b_up, b_down)) = (ratio(a), ratio(b));
                    (i128::from(a_up) * i128::from(b_down))
                        .cmp(&(i128::from(b_up) * i128::from(a_down)))
                }
            };
            order = order.then(if *descending { next.reverse() } else { next });
        }
        order
    }

    fn echo(&self, query: &Query) -> Result<Value, QueryError> {
        let names = &query.names;
        let order = self.order.iter().map(|(by, descending)| {
            let name = match by {
                Order::By(metric) => metric.word().to_owned(),
                Order::Along(dimension) => names.of_any(*dimension),
            };
            json!([name, if *descending { "desc" } else { "asc" }])
        });
        let dimensions = self.dimensions.iter().map(|one| names.of_any(*one));
        let mut include = json!({
            "imports": false,
            "time_labels": query.include.time_labels,
            "total_rows": query.include.total_rows,
        });
        let mut echo = json!({
            "site_id": query.site_id,
            "metrics": query.metrics.iter().map(|metric| metric.word()).collect::<Vec<_>>(),
            "date_range": self.period.ends()?,
            "dimensions": dimensions.collect::<Vec<_>>(),
            "filters": filter::echo(&query.filters, names),
            "order_by": order.collect::<Vec<_>>(),
            "pagination": { "limit": query.limit, "offset": query.offset },
        });
        if let (Some(comparison), Some(before)) = (query.compare, &self.before) {
            include["comparisons"] = comparison.echo();
            echo["comparison_date_range"] = json!(before.ends()?);
        }
        echo["include"] = include;
        Ok(echo)
    }
}

impl Places {
    /// What is divided by what.
    fn ratio(&self, counters: &[i64], wholes: &[i64]) -> (i64, i64) {
        let sum = self.numerator.iter().map(|place| counters[*place]).sum();
        let divisor = match self.denominator {
            None => 1,
            Some(Divisor::OfRow(place)) => counters[place],
            Some(Divisor::Whole(place)) => wholes.get(place).copied().unwrap_or(1),
        };
        (sum, divisor)
    }
}

#[expect(clippy::cast_precision_loss, reason = "an average has far fewer than 53 bits")]
fn rounded(formula: Formula, sum: i64, divisor: i64) -> Value {
    let steps = 10_i128.pow(formula.decimals.unsigned_abs());
    let scaled = i128::from(sum) * i128::from(formula.scale) * steps;
    let divisor = i128::from(divisor) * i128::from(formula.per);
    // Half a step rounds up.
    let value = (2 * scaled + divisor).div_euclid(2 * divisor);
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    if formula.decimals == 0 { json!(value) } else { json!(value as f64 / steps as f64) }
}
