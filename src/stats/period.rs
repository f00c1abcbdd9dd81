//! Days of a site, as ranges of buckets and labels of time.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};
use serde_json::Value;

use super::QueryError;
use super::words::Grain;
use crate::hit::{Bucket, Second};
use crate::limits;

/// Which days a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateRange {
    /// Today.
    Today,
    /// The last 24 hours, from a whole hour on.
    Hours24,
    /// This many days before today.
    Days(i32),
    /// This calendar month.
    Month,
    /// This many calendar months before this one.
    Months(i32),
    /// This calendar year.
    Year,
    /// From the first count on.
    All,
    /// From one date to another, both included.
    Dates(Date, Date),
    /// From one whole hour to another, the second not included.
    Times(Second, Second),
}

const FAR: &str = "the dates are too far away";

const VALID: &str = "give day, 24h, 7d, 28d, 30d, 91d, month, 6mo, 12mo, year, all, or two dates \
                     [\"2026-01-01\", \"2026-01-31\"], or two times with their offset from UTC";

impl DateRange {
    pub(super) fn parse(value: Option<&Value>) -> Result<Self, QueryError> {
        let wrong = || QueryError::invalid("date_range", VALID);
        match value {
            Some(Value::String(word)) => Self::of_word(word),
            Some(Value::Array(dates)) => {
                let [Value::String(first), Value::String(last)] = dates.as_slice() else {
                    return Err(wrong());
                };
                if first.contains('T') || last.contains('T') {
                    return Self::times(first, last);
                }
                let date = |text: &str| text.parse::<Date>().map_err(|_| wrong());
                let (first, last) = (date(first)?, date(last)?);
                if first > last {
                    let why = "the first date is after the last";
                    return Err(QueryError::invalid("date_range", why));
                }
                Ok(Self::Dates(first, last))
            }
            _ => Err(wrong()),
        }
    }

    /// Two times. The last may be the last second of its stretch, as answers show it.
    fn times(from: &str, to: &str) -> Result<Self, QueryError> {
        let time = |text: &str| {
            let time = text.parse::<Timestamp>();
            time.map(Timestamp::as_second).map_err(|_| QueryError::invalid("date_range", VALID))
        };
        let (from, to) = (time(from)?, time(to)?);
        let to = to + i64::from(to.rem_euclid(60) == 59);
        if from >= to {
            let why = "the first time is not before the last";
            return Err(QueryError::invalid("date_range", why));
        }
        Ok(Self::Times(Second(from), Second(to)))
    }

    fn of_word(word: &str) -> Result<Self, QueryError> {
        let number = |suffix: &str, most: i32| {
            let number = word.strip_suffix(suffix)?.parse::<i32>().ok()?;
            (1..=most).contains(&number).then_some(number)
        };
        Ok(match word {
            "day" => Self::Today,
            "24h" => Self::Hours24,
            "month" => Self::Month,
            "year" => Self::Year,
            "all" => Self::All,
            "realtime" | "30m" => {
                let why = "minutes are not stored: ask GET /api/v1/live for current visitors and \
                           the last 30 minutes";
                return Err(QueryError::invalid("date_range", why));
            }
            _ => match (number("d", 3_660), number("mo", 120)) {
                (Some(days), _) => Self::Days(days),
                (_, Some(months)) => Self::Months(months),
                _ => return Err(QueryError::invalid("date_range", VALID)),
            },
        })
    }
}

/// A stretch of time in a zone.
#[derive(Clone, Debug)]
pub struct Period {
    /// Its first second; the edge of a bucket.
    pub from: Second,
    /// The second after its last; the edge of a bucket.
    pub to: Second,
    /// The zone.
    pub zone: TimeZone,
    /// Its first day there.
    pub first: Date,
    /// Its last day there.
    pub last: Date,
}

impl Period {
    /// The period of `range` at `now`; `begun` is when the site's counts begin.
    pub fn of(
        range: DateRange,
        zone: &TimeZone,
        now: Second,
        begun: Option<Second>,
    ) -> Result<Self, QueryError> {
        let far = |_: jiff::Error| QueryError::invalid("date_range", FAR);
        let local = at(now, zone).map_err(far)?;
        let today = local.date();
        let (first, last) = match range {
            DateRange::Today => (today, today),
            DateRange::Hours24 => return Self::hours24(&local).map_err(far),
            DateRange::Days(days) => (
                today.checked_sub(i64::from(days).days()).map_err(far)?,
                today.checked_sub(1.day()).map_err(far)?,
            ),
            DateRange::Month => (today.first_of_month(), today.last_of_month()),
            DateRange::Months(months) => (
                today.first_of_month().checked_sub(i64::from(months).months()).map_err(far)?,
                today.first_of_month().checked_sub(1.day()).map_err(far)?,
            ),
            DateRange::Year => (today.first_of_year(), today.last_of_year()),
            DateRange::All => {
                let begun = at(begun.unwrap_or(now), zone).map_err(far)?.date();
                (begun.min(today), today)
            }
            DateRange::Dates(first, last) => (first, last),
            DateRange::Times(from, to) => return Self::hours_between(from, to, zone),
        };
        Self::whole_days(first, last, zone).map_err(far)?.checked()
    }

    fn whole_days(first: Date, last: Date, zone: &TimeZone) -> Result<Self, jiff::Error> {
        Ok(Self {
            from: midnight(first, zone)?,
            to: midnight(last.checked_add(1.day())?, zone)?,
            zone: zone.clone(),
            first,
            last,
        })
    }

    fn checked(self) -> Result<Self, QueryError> {
        if self.days() > limits::QUERY_DAYS_MAX {
            let why = format!("at most {} days can be asked for at once", limits::QUERY_DAYS_MAX);
            return Err(QueryError::invalid("date_range", why));
        }
        Ok(self)
    }

    fn hours_between(from: Second, to: Second, zone: &TimeZone) -> Result<Self, QueryError> {
        let far = |_: jiff::Error| QueryError::invalid("date_range", FAR);
        let (first, last) = (at(from, zone).map_err(far)?, at(to, zone).map_err(far)?);
        for end in [&first, &last] {
            if (end.minute(), end.second()) != (0, 0) {
                let why = "times are whole hours of the site's time zone";
                return Err(QueryError::invalid("date_range", why));
            }
        }
        let last = at(Second(to.0 - 1), zone).map_err(far)?;
        Self { from, to, zone: zone.clone(), first: first.date(), last: last.date() }.checked()
    }

    /// The same hours from the day `first` on, up to what was `last` before.
    pub(super) fn moved_to(&self, first: Date, last: Date) -> Result<Self, QueryError> {
        let far = |_: jiff::Error| QueryError::invalid("include", FAR);
        let days = i64::from((first - self.first).get_days());
        let last = last.checked_add(days.days()).map_err(far)?;
        if self.is_whole_days() {
            return Self::whole_days(first, last, &self.zone).map_err(far);
        }
        let moved = |second: Second| {
            let moved = at(second, &self.zone)?.checked_add(days.days())?;
            Ok(Second(moved.timestamp().as_second()).bucket().start())
        };
        let (from, to) = (moved(self.from).map_err(far)?, moved(self.to).map_err(far)?);
        Ok(Self { from, to, zone: self.zone.clone(), first, last })
    }

    /// Whether it begins and ends at a midnight: only then can it be asked for visitors of days.
    #[must_use]
    pub fn is_whole_days(&self) -> bool {
        let whole = Self::whole_days(self.first, self.last, &self.zone);
        whole.is_ok_and(|whole| (whole.from, whole.to) == (self.from, self.to))
    }

    /// The day of `second` in its zone.
    pub(super) fn day_of(&self, second: Second) -> Result<Date, QueryError> {
        let local = at(second, &self.zone);
        Ok(local.map_err(|_| QueryError::invalid("date_range", FAR))?.date())
    }

    fn hours24(now: &Zoned) -> Result<Self, jiff::Error> {
        let to = next_bucket(now.timestamp());
        let hour = now.checked_sub(24.hours())?;
        let from = Second(hour_of(&hour)?.timestamp().as_second());
        let zone = now.time_zone().clone();
        Ok(Self { from, to, zone, first: hour.date(), last: now.date() })
    }

    /// Days in it, of the zone's calendar.
    #[must_use]
    pub fn days(&self) -> i64 {
        i64::from((self.last - self.first).get_days()) + 1
    }

    /// The grain that fits its length.
    #[must_use]
    pub fn grain(&self) -> Grain {
        match self.days() {
            ..=1 => Grain::Hour,
            2..=92 => Grain::Day,
            _ => Grain::Month,
        }
    }

    /// Every label of the period at `grain`, as ClickHouse writes them.
    pub fn labels(&self, grain: Grain) -> Result<Vec<String>, QueryError> {
        let labels = match grain {
            Grain::Hour => self.hours(),
            Grain::Day => self.dates(Ok),
            Grain::Week => self.dates(|date| {
                let monday = i64::from(date.weekday().to_monday_zero_offset()).days();
                Ok(date.checked_sub(monday)?.max(self.first))
            }),
            Grain::Month => self.dates(|date| Ok(date.first_of_month())),
        };
        labels.map_err(|_| QueryError::invalid("date_range", FAR))
    }

    fn dates(
        &self,
        label: impl Fn(Date) -> Result<Date, jiff::Error>,
    ) -> Result<Vec<String>, jiff::Error> {
        let mut labels: Vec<String> = Vec::new();
        for date in self.first.series(1.day()).take_while(|date| *date <= self.last) {
            let label = label(date)?.to_string();
            if labels.last() != Some(&label) {
                labels.push(label);
            }
        }
        Ok(labels)
    }

    fn hours(&self) -> Result<Vec<String>, jiff::Error> {
        let mut labels: Vec<String> = Vec::new();
        // By quarters of an hour: a zone may change its clock by half an hour.
        for bucket in self.from.bucket().0..self.to.bucket().0 {
            let label = at(Bucket(bucket).start(), &self.zone)?.strftime("%F %H:00:00").to_string();
            if labels.last() != Some(&label) {
                labels.push(label);
            }
        }
        // The hour that a clock goes through twice in autumn has one label.
        labels.dedup();
        Ok(labels)
    }

    /// Both ends as ISO date and time with the zone's offset, the last second included.
    pub fn ends(&self) -> Result<[String; 2], QueryError> {
        let text = |second: Second| {
            let local =
                at(second, &self.zone).map_err(|_| QueryError::invalid("date_range", FAR))?;
            Ok::<_, QueryError>(local.strftime("%FT%T%:z").to_string())
        };
        Ok([text(self.from)?, text(Second(self.to.0 - 1))?])
    }
}

fn at(second: Second, zone: &TimeZone) -> Result<Zoned, jiff::Error> {
    Ok(Timestamp::from_second(second.0)?.to_zoned(zone.clone()))
}

fn midnight(date: Date, zone: &TimeZone) -> Result<Second, jiff::Error> {
    let start = date.to_zoned(zone.clone())?.start_of_day()?;
    Ok(Second(start.timestamp().as_second()))
}

fn hour_of(local: &Zoned) -> Result<Zoned, jiff::Error> {
    local.round(jiff::ZonedRound::new().smallest(jiff::Unit::Hour).mode(jiff::RoundMode::Trunc))
}

fn next_bucket(now: Timestamp) -> Second {
    let bucket = Second(now.as_second()).bucket();
    Bucket(bucket.0.saturating_add(1)).start()
}
