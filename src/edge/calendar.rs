//! A day of a time zone, worked out once, so that stamping a hit is arithmetic.

#[cfg(test)]
mod tests;

use jiff::civil::Date;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use jiff::{Timestamp, ToSpan as _};

use crate::hit::{Bucket, Day, Second};

/// Furthest from 1970 that a day is worked out for: where jiff's calendar still has days around.
const SECONDS_MAX: i64 = 250_000_000_000;

/// One day in one time zone: the stretch of time between its midnights, 23 to 25 hours as a rule.
///
/// The days of a zone follow each other without gap or overlap. A date that a zone left out
/// (Samoa's 30 December 2011) has no seconds. Where a clock is put back over midnight, the day
/// that has begun goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LocalDay {
    pub(super) day: Day,
    /// The day that ends where this one begins.
    pub(super) before: Day,
    pub(super) start: Second,
    pub(super) end: Second,
    /// From when on local time is how many seconds ahead of UTC; the first from `start` on.
    offsets: Vec<(Second, i32)>,
}

impl LocalDay {
    /// The day of `zone` that `now` is in.
    pub(super) fn at(zone: &TimeZone, now: Second) -> Self {
        let now = timestamp(now);
        let mut date = zone.to_datetime(now).date();
        let mut start = start_of(zone, date);
        loop {
            let next = date.tomorrow().unwrap_or(Date::MAX);
            let end = start_of(zone, next);
            if end > now || next == Date::MAX {
                return Self::between(zone, date, start, end);
            }
            (date, start) = (next, end);
        }
    }

    fn between(zone: &TimeZone, date: Date, start: Timestamp, end: Timestamp) -> Self {
        let offset = |at: Timestamp| (Second(at.as_second()), zone.to_offset(at).seconds());
        let changes = zone.following(start).map(|change| change.timestamp());
        let offsets = std::iter::once(start).chain(changes.take_while(|at| *at < end));
        let before = zone.to_datetime(start.saturating_sub(1.second()).unwrap_or(start)).date();
        Self {
            day: number(date),
            before: number(before),
            start: Second(start.as_second()),
            end: Second(end.as_second()),
            offsets: offsets.map(offset).collect(),
        }
    }

    /// The bucket in which the local hour of `at` began. A second outside the day counts as the
    /// nearest one in it, so that every bucket belongs to one day.
    pub(super) fn hour(&self, at: Second) -> Bucket {
        let at = Second(at.0.clamp(self.start.0, self.end.0 - 1));
        let since = self.offsets.iter().rfind(|(from, _)| *from <= at);
        let offset_s = since.map_or(0, |(_, offset_s)| i64::from(*offset_s));
        let hour = at.0 - (at.0 + offset_s).rem_euclid(3600);
        Second(hour.max(self.start.0)).bucket()
    }
}

/// The first moment of a date: midnight, or the end of the gap that swallowed it.
fn start_of(zone: &TimeZone, date: Date) -> Timestamp {
    let midnight = zone.to_ambiguous_timestamp(date.at(0, 0, 0, 0));
    let in_gap = matches!(midnight.offset(), AmbiguousOffset::Gap { .. });
    let start = midnight.compatible().unwrap_or(Timestamp::MAX);
    if !in_gap {
        return start;
    }
    // A gap may begin before midnight; "compatible" is as far behind its end as midnight was
    // behind its beginning.
    let just_after = start.saturating_add(1.second()).unwrap_or(start);
    zone.preceding(just_after).next().map_or(start, |change| change.timestamp())
}

fn timestamp(at: Second) -> Timestamp {
    Timestamp::from_second(at.0.clamp(-SECONDS_MAX, SECONDS_MAX)).unwrap_or_default()
}

fn number(date: Date) -> Day {
    let midnight = Offset::UTC.to_timestamp(date.at(0, 0, 0, 0)).unwrap_or_default();
    Day(i32::try_from(midnight.as_second().div_euclid(86_400)).unwrap_or_default())
}
