//! Tests of a zone's days, against jiff asked for every second anew.

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;

/// Whole hours, halves, quarters; summer times of an hour, of half an hour, of two, at midnight
/// (Cairo, Havana), over midnight (Nuuk), the other way round (Dublin), around Ramadan
/// (Casablanca); both ends of the day.
const ZONES: &[&str] = &[
    "UTC",
    "Europe/Berlin",
    "Europe/Dublin",
    "Asia/Kolkata",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "America/Havana",
    "America/Nuuk",
    "America/Los_Angeles",
    "Africa/Cairo",
    "Africa/Casablanca",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
    "Etc/GMT+12",
];

/// 2015 to 2045.
const SECONDS: std::ops::Range<i64> = 1_420_070_400..2_366_841_600;

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).expect("a zone of the IANA database")
}

fn second(text: &str) -> Second {
    Second(text.parse::<Timestamp>().expect("a time").as_second())
}

/// The date, and the second at which the clock on the wall last showed a full hour, if it was not
/// changed since.
fn naive(zone: &TimeZone, at: Second) -> (Day, i64) {
    let local = timestamp(at).to_zoned(zone.clone());
    (number(local.date()), at.0 - i64::from(local.minute()) * 60 - i64::from(local.second()))
}

fn check(zone: &TimeZone, at: Second) {
    let day = LocalDay::at(zone, at);
    let (date, hour) = naive(zone, at);
    assert!(day.start <= at && at < day.end, "{at:?} is in its day: {day:?}");
    assert_eq!(day.day, date);
    assert_eq!(day.hour(at), Second(hour.max(day.start.0)).bucket(), "{at:?} in {day:?}");
    assert!(day.before < day.day);
    let length = day.end.0 - day.start.0;
    assert!((22 * 3600..=26 * 3600).contains(&length), "{day:?}");
    for edge in [day.start, day.end] {
        assert_eq!(edge.0 % Bucket::LENGTH_S, 0, "a bucket belongs to one day: {day:?}");
    }
    let [next, last] = [day.end, Second(day.start.0 - 1)].map(|at| LocalDay::at(zone, at));
    assert_eq!((next.start, next.before), (day.end, day.day), "days follow each other");
    assert_eq!((last.end, last.day), (day.start, day.before), "days follow each other");
}

proptest! {
    #[test]
    fn a_second_is_stamped_as_the_clock_on_the_wall_shows(
        name in select(ZONES),
        at in SECONDS,
    ) {
        check(&zone(name), Second(at));
    }

    #[test]
    fn so_it_is_within_two_days_of_every_change_of_the_clock(
        name in select(ZONES),
        change in any::<Index>(),
        seconds in -172_800..172_800_i64,
    ) {
        let zone = zone(name);
        let (from, to) = (timestamp(Second(SECONDS.start)), timestamp(Second(SECONDS.end)));
        let changes = zone.following(from).map(|it| it.timestamp()).take_while(|at| *at < to);
        let changes = changes.collect::<Vec<_>>();
        if !changes.is_empty() {
            check(&zone, Second(changes[change.index(changes.len())].as_second() + seconds));
        }
    }

    #[test]
    fn any_second_in_any_zone_has_a_day(at in any::<i64>(), of in any::<Index>()) {
        let names = jiff::tz::db().available().map(|name| name.to_string()).collect::<Vec<_>>();
        let day = LocalDay::at(&zone(&names[of.index(names.len())]), Second(at));
        prop_assert!(day.start < day.end);
        let hour = day.hour(Second(at)).start();
        prop_assert!(at < 0 || hour.0 / 900 >= day.start.0 / 900 || day.start.0 < 0);
    }
}

#[test]
fn every_zone_there_is_agrees_with_the_wall_around_this_years_changes() {
    for name in jiff::tz::db().available() {
        let zone = zone(&name.to_string());
        let year = second("2026-01-01T00:00:00Z")..second("2027-01-01T00:00:00Z");
        let changes = zone.following(timestamp(year.start)).map(|it| it.timestamp().as_second());
        for change in changes.take_while(|at| *at < year.end.0).chain([year.start.0]) {
            for s in [-86_400, -3600, -1801, -1800, -1, 0, 1, 1799, 1800, 3599, 3600, 86_400] {
                check(&zone, Second(change + s));
            }
        }
    }
}

#[test]
fn days_have_the_hours_that_their_zone_gives_them() {
    let check = |name: &str, at: &str, day: &str, minutes: i64, distinct_hours: usize| {
        let day_of = LocalDay::at(&zone(name), second(at));
        assert_eq!(day_of.day, number(day.parse().expect("a date")), "{name} {at}");
        assert_eq!(day_of.end.0 - day_of.start.0, minutes * 60, "{name} {at}");
        let quarters = (day_of.start.0..day_of.end.0).step_by(900);
        let mut hours = quarters.map(|at| day_of.hour(Second(at))).collect::<Vec<_>>();
        hours.dedup();
        assert_eq!(hours.len(), distinct_hours, "{name} {at}");
        assert!(hours.is_sorted());
    };
    check("UTC", "2026-11-23T23:59:59Z", "2026-11-23", 1440, 24);
    check("Europe/Berlin", "2026-11-23T23:59:59Z", "2026-11-24", 1440, 24);
    check("Europe/Berlin", "2026-03-29T12:00:00Z", "2026-03-29", 1380, 23);
    check("Europe/Berlin", "2026-10-25T12:00:00Z", "2026-10-25", 1500, 25);
    check("Asia/Kolkata", "2026-11-23T18:30:00Z", "2026-11-24", 1440, 24);
    check("Asia/Kathmandu", "2026-11-23T18:14:59Z", "2026-11-23", 1440, 24);
    check("Asia/Kathmandu", "2026-11-23T18:15:00Z", "2026-11-24", 1440, 24);
    // Its hour from two to half past two does not exist in spring, and comes twice in autumn.
    check("Australia/Lord_Howe", "2026-10-04T00:00:00Z", "2026-10-04", 1410, 24);
    check("Australia/Lord_Howe", "2026-04-05T00:00:00Z", "2026-04-05", 1470, 25);
    check("America/St_Johns", "2026-03-08T12:00:00Z", "2026-03-08", 1380, 23);
    // A day that begins at one o'clock, and one whose first hour comes twice.
    check("Africa/Cairo", "2026-04-24T12:00:00Z", "2026-04-24", 1380, 23);
    check("America/Havana", "2026-11-01T12:00:00Z", "2026-11-01", 1500, 25);
    check("Antarctica/Troll", "2026-03-29T12:00:00Z", "2026-03-29", 1320, 22);
}

#[test]
fn a_date_that_a_zone_left_out_is_between_two_days() {
    let apia = zone("Pacific/Apia");
    let last = LocalDay::at(&apia, second("2011-12-30T09:59:59Z"));
    let next = LocalDay::at(&apia, second("2011-12-30T10:00:00Z"));
    assert_eq!(last.day, number("2011-12-29".parse().expect("a date")));
    assert_eq!(next.day, number("2011-12-31".parse().expect("a date")));
    assert_eq!((last.end, next.before), (next.start, last.day));
}

#[test]
fn a_day_whose_midnight_was_skipped_begins_when_the_gap_ends() {
    let check = |name: &str, begins: &str| {
        let begins = second(begins);
        let [day, before] =
            [begins.0, begins.0 - 1].map(|at| LocalDay::at(&zone(name), Second(at)));
        assert_eq!((day.start, before.end), (begins, begins), "{name}");
        assert_eq!(day.day.0, before.day.0 + 1, "{name}");
        assert_eq!(day.hour(begins), begins.bucket(), "{name}: its first hour is its own");
    };
    // From midnight to one o'clock; to a quarter past; from half past eleven to half past twelve.
    check("Africa/Cairo", "2026-04-23T22:00:00Z");
    check("Asia/Kathmandu", "1985-12-31T18:30:00Z");
    check("America/Toronto", "1919-03-31T04:30:00Z");
}

#[test]
fn a_day_that_has_begun_goes_on_when_the_clock_is_put_back_over_midnight() {
    // Newfoundland used to do it at one minute past midnight.
    let st_johns = zone("America/St_Johns");
    let sunday = number("2010-11-07".parse().expect("a date"));
    let begins = second("2010-11-07T02:30:00Z");
    let day = LocalDay::at(&st_johns, begins);
    assert_eq!((day.day, day.start), (sunday, begins));
    let put_back = second("2010-11-07T02:31:00Z");
    assert_eq!(naive(&st_johns, put_back).0, Day(sunday.0 - 1), "so says the wall");
    assert_eq!(LocalDay::at(&st_johns, put_back), day);
    assert_eq!(day.hour(put_back), begins.bucket());
}

#[test]
fn a_second_outside_the_day_counts_as_the_nearest_in_it() {
    let day = LocalDay::at(&zone("Europe/Berlin"), second("2026-11-23T12:00:00Z"));
    assert_eq!(day.hour(Second(day.start.0 - 1)), day.start.bucket());
    assert_eq!(day.hour(Second(i64::MIN)), day.start.bucket());
    assert_eq!(day.hour(Second(i64::MAX)), Second(day.end.0 - 3600).bucket());
}
