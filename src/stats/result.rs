//! The answer, in the shape of Plausible's v2.

use std::cmp::Ordering;

use serde_json::{Map, Value, json};

use super::QueryError;
use super::answerable::Formula;
use super::plan::{Plan, Sum};
use super::query::{Order, Query, TimeOr};
use crate::limits;
use crate::release::{self, Cell};
use crate::store::StoreError;

struct Row {
    dimensions: Vec<String>,
    counters: Vec<i64>,
    total: Option<i64>,
}

impl Plan {
    /// The answer that `rows` make.
    pub fn answer(&self, query: &Query, rows: Vec<Vec<Value>>) -> Result<Value, QueryError> {
        let rows = rows.into_iter().map(|row| self.row(row)).collect::<Option<Vec<Row>>>();
        let mut rows = rows.ok_or(StoreError::Answer)?;
        let mut total = rows.first().map_or(0, |row| row.total.unwrap_or(0));
        if let Some(fold) = &self.fold {
            if rows.len() > limits::FOLDED_CELLS_MAX {
                let problem = "too many values to fold: take a shorter range";
                return Err(QueryError::invalid("date_range", problem));
            }
            let cells = rows.into_iter().map(|row| Cell {
                visitors: row.counters[fold.visitors],
                name: row.dimensions.into_iter().next().unwrap_or_default(),
                counters: row.counters,
            });
            rows = self.in_order(query, release::fold(fold.reader, cells.collect()));
            total = i64::try_from(rows.len()).unwrap_or(i64::MAX);
            rows = rows.into_iter().skip(query.offset).take(query.limit).collect();
        }
        let results: Vec<Value> = rows.iter().map(|row| self.result(row)).collect();
        let mut meta = Map::new();
        if query.include.time_labels
            && let Some(grain) = self.dimensions.iter().find_map(|one| match one {
                TimeOr::Time(grain) => *grain,
                TimeOr::Of(_) => None,
            })
        {
            meta.insert("time_labels".to_owned(), json!(self.period.labels(grain)?));
        }
        if query.include.total_rows {
            meta.insert("total_rows".to_owned(), json!(total));
        }
        Ok(json!({ "results": results, "meta": meta, "query": self.echo(query)? }))
    }

    fn row(&self, row: Vec<Value>) -> Option<Row> {
        let mut values = row.into_iter();
        let mut dimensions = Vec::with_capacity(self.dimensions.len());
        for _ in &self.dimensions {
            let Some(Value::String(text)) = values.next() else { return None };
            dimensions.push(text);
        }
        let mut counters = Vec::with_capacity(self.counters);
        for _ in 0..self.counters {
            counters.push(values.next()?.as_i64()?);
        }
        Some(Row { dimensions, counters, total: values.next().and_then(|total| total.as_i64()) })
    }

    fn result(&self, row: &Row) -> Value {
        let shown =
            row.dimensions.iter().zip(&self.dimensions).map(|(text, dimension)| match dimension {
                TimeOr::Of(dimension) if text.is_empty() => dimension.empty_label(),
                _ => text,
            });
        let broken_down = !self.dimensions.is_empty();
        let metrics = self.metrics.iter().map(|sum| sum.value(&row.counters, broken_down));
        json!({
            "dimensions": shown.collect::<Vec<_>>(),
            "metrics": metrics.collect::<Vec<_>>(),
        })
    }

    /// The shown cells as the question orders them, what was folded last.
    fn in_order(&self, query: &Query, folded: release::Folded) -> Vec<Row> {
        let mut cells = folded.shown;
        cells.sort_by(|a, b| self.compare(query, a, b));
        cells.extend(folded.other);
        let row =
            |cell: Cell| Row { dimensions: vec![cell.name], counters: cell.counters, total: None };
        cells.into_iter().map(row).collect()
    }

    fn compare(&self, query: &Query, a: &Cell, b: &Cell) -> Ordering {
        let mut order = Ordering::Equal;
        for (by, descending) in &self.order {
            let next = match by {
                Order::Along(_) => a.name.cmp(&b.name),
                Order::By(metric) => {
                    let place = query.metrics.iter().position(|one| one == metric).unwrap_or(0);
                    let ratio = |cell: &Cell| self.metrics[place].ratio(&cell.counters);
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
        let filters = query.filters.iter();
        let filters = filters.map(|filter| json!(["is", filter.dimension.word(), filter.values]));
        let order = self.order.iter().map(|(by, descending)| {
            let name = match by {
                Order::By(metric) => metric.word(),
                Order::Along(dimension) => dimension.word(),
            };
            json!([name, if *descending { "desc" } else { "asc" }])
        });
        Ok(json!({
            "site_id": query.site_id,
            "metrics": query.metrics.iter().map(|metric| metric.word()).collect::<Vec<_>>(),
            "date_range": self.period.ends()?,
            "dimensions": self.dimensions.iter().map(|one| one.word()).collect::<Vec<_>>(),
            "filters": filters.collect::<Vec<_>>(),
            "order_by": order.collect::<Vec<_>>(),
            "include": {
                "imports": false,
                "time_labels": query.include.time_labels,
                "total_rows": query.include.total_rows,
            },
            "pagination": { "limit": query.limit, "offset": query.offset },
        }))
    }
}

impl Sum {
    /// The metric's value: nothing where there is no visit to divide by, but 0 in a total.
    fn value(&self, counters: &[i64], broken_down: bool) -> Value {
        match (self.denominator, self.ratio(counters)) {
            (None, (sum, _)) => json!(sum),
            (Some(_), (_, visits)) if visits <= 0 => {
                if broken_down {
                    Value::Null
                } else {
                    json!(0)
                }
            }
            (Some(_), (sum, visits)) => rounded(self.formula, sum, visits),
        }
    }

    /// What is divided by what.
    fn ratio(&self, counters: &[i64]) -> (i64, i64) {
        let sum = self.numerator.iter().map(|place| counters[*place]).sum();
        (sum, self.denominator.map_or(1, |place| counters[place]))
    }
}

#[expect(clippy::cast_precision_loss, reason = "an average has far fewer than 53 bits")]
fn rounded(formula: Formula, sum: i64, visits: i64) -> Value {
    let steps = 10_i128.pow(formula.decimals.unsigned_abs());
    let scaled = i128::from(sum) * i128::from(formula.scale) * steps;
    let visits = i128::from(visits);
    // Half a step rounds up.
    let value = (2 * scaled + visits).div_euclid(2 * visits);
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    if formula.decimals == 0 { json!(value) } else { json!(value as f64 / steps as f64) }
}
