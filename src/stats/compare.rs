//! The period that an answer is compared with, and how a number changed, as Plausible has them.

use jiff::ToSpan as _;
use jiff::civil::Date;
use serde_json::{Value, json};

use super::QueryError;
use super::period::{DateRange, Period};
use super::query::object;
use super::words::{Metric, Unit};
use crate::hit::Second;

/// `include.comparisons`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// Which period.
    pub mode: Mode,
    /// Whether the other period begins on the same day of the week.
    pub match_day_of_week: bool,
}

/// Which period an answer is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// As many days, right before.
    PreviousPeriod,
    /// The same days of the year before.
    YearOverYear,
    /// Two dates.
    Custom(Date, Date),
}

const VALID: &str = "comparisons: give {\"mode\": \"previous_period\", \"year_over_year\", or \
                     \"custom\" with a \"date_range\" of two dates, \"match_day_of_week\": true or \
                     false}";

impl Comparison {
    pub(super) fn parse(value: &Value) -> Result<Self, QueryError> {
        let wrong = || QueryError::invalid("include", VALID);
        let fields = object(value, "include", &["mode", "date_range", "match_day_of_week"])
            .map_err(|_| wrong())?;
        let range = fields.get("date_range");
        let mode = match (fields.get("mode").and_then(Value::as_str), range) {
            (Some("previous_period"), None) => Mode::PreviousPeriod,
            (Some("year_over_year"), None) => Mode::YearOverYear,
            (Some("custom"), Some(_)) => match DateRange::parse(range).map_err(|_| wrong())? {
                DateRange::Dates(first, last) => Mode::Custom(first, last),
                _ => return Err(wrong()),
            },
            _ => return Err(wrong()),
        };
        let match_day_of_week = match fields.get("match_day_of_week") {
            None => false,
            Some(value) => value.as_bool().ok_or_else(wrong)?,
        };
        Ok(Self { mode, match_day_of_week })
    }

    pub(super) fn echo(self) -> Value {
        let match_day_of_week = self.match_day_of_week;
        match self.mode {
            Mode::PreviousPeriod => {
                json!({"mode": "previous_period", "match_day_of_week": match_day_of_week})
            }
            Mode::YearOverYear => {
                json!({"mode": "year_over_year", "match_day_of_week": match_day_of_week})
            }
            Mode::Custom(first, last) => {
                let range = [first.to_string(), last.to_string()];
                json!({
                    "mode": "custom",
                    "date_range": range,
                    "match_day_of_week": match_day_of_week,
                })
            }
        }
    }

    /// The period that `period` of `range` is compared with. What of it is still to come has
    /// nothing to be compared with.
    pub(super) fn period(
        self,
        period: &Period,
        range: DateRange,
        now: Second,
    ) -> Result<Period, QueryError> {
        let far = |_: jiff::Error| QueryError::invalid("include", "the dates are too far away");
        if let Mode::Custom(first, last) = self.mode {
            return Period::of(DateRange::Dates(first, last), &period.zone, now, None);
        }
        let today = period.day_of(now)?;
        let last = period.last.min(today).max(period.first);
        let days = match range {
            DateRange::Hours24 => 1,
            DateRange::Times(from, to) if !period.is_whole_days() => {
                (to.0 - from.0 + 86_399) / 86_400
            }
            _ => i64::from((last - period.first).get_days()) + 1,
        };
        let mut first = match self.mode {
            Mode::YearOverYear => period.first.checked_sub(1.year()),
            _ => period.first.checked_sub(days.days()),
        }
        .map_err(far)?;
        if self.match_day_of_week {
            first = same_weekday(first, period.first).map_err(far)?;
        }
        period.moved_to(first, last)
    }
}

/// The nearest day to `date` that is of the same weekday as `like`, and another day.
fn same_weekday(date: Date, like: Date) -> Result<Date, jiff::Error> {
    let ahead = like.weekday().since(date.weekday());
    let ahead = i64::from(if ahead > 3 { ahead - 7 } else { ahead });
    let nearest = date.checked_add(ahead.days())?;
    if nearest == like { nearest.checked_sub(7.days()) } else { Ok(nearest) }
}

/// How `metric` changed: in percent, or, where it is percent itself, by how many points. Nothing
/// where either is nothing.
pub(super) fn change(metric: Metric, now: &Value, before: &Value) -> Value {
    let amount = |value: &Value| match metric.unit() {
        Unit::Money => value.get("value").and_then(Value::as_f64),
        _ => value.as_f64(),
    };
    let (Some(new), Some(old)) = (amount(now), amount(before)) else { return Value::Null };
    if metric.unit() == Unit::Money && now.get("currency") != before.get("currency") {
        return Value::Null;
    }
    let change = if metric.unit() == Unit::Percent {
        ((new - old) * 10.0).round() / 10.0
    } else if old != 0.0 {
        ((new - old) / old * 100.0).round()
    } else if new > 0.0 {
        100.0
    } else {
        0.0
    };
    whole(change)
}

#[expect(clippy::cast_possible_truncation, reason = "a whole number of less than 53 bits")]
fn whole(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() < 1e15 { json!(number as i64) } else { json!(number) }
}
