//! The rules of counting, one by one. A row is written as
//! `minutes since the first hit's quarter, page, source: counters that are not 0`.

#![expect(clippy::disallowed_methods, reason = "made-up pages, and ids of nobody")]

use super::rows::Key;
use super::*;
use crate::hit::{Bucket, Currency, HitKind, Revenue, Text, VisitDims, VisitorId};

/// Eight in the morning of a day in UTC.
const BEGIN: i64 = 1_800_000_000;
/// Its midnight, in seconds from there.
const MIDNIGHT: i64 = 16 * 3600;

const FREE: CountLimits = CountLimits {
    seen_per_visitor: 100,
    visitors_per_site: 100,
    visitors: 1000,
    recipients_per_mailing: 100,
};

fn site() -> SiteName {
    SiteName::from_stored("a.example")
}

/// A hit of visitor 1, `after` seconds from the beginning, as the edge would stamp it.
fn hit(after: i64, page: &str, kind: HitKind) -> Hit {
    let at = Second(BEGIN + after);
    let mut hit = Hit {
        site: site(),
        at,
        day: Day(i32::try_from(at.0 / 86_400).unwrap()),
        hour: Second(at.0 / 3600 * 3600).bucket(),
        visitor: Visitor::Withheld,
        kind,
        hostname: Text::from_scrubbed("a.example"),
        page: Text::from_scrubbed(page),
        dims: Box::default(),
    };
    hit.visitor = known(&hit, 1);
    hit
}

fn known(hit: &Hit, visitor: u64) -> Visitor {
    let of = |day: i32| {
        let day = u64::try_from(day).unwrap();
        (KeyId(day), VisitorId::from_raw(day * 100 + visitor))
    };
    let (key, id) = of(hit.day.0);
    let before = (hit.at.0 % 86_400 < 1800).then(|| of(hit.day.0 - 1));
    Visitor::Known { key, id, before }
}

fn view(after: i64, page: &str) -> Hit {
    hit(after, page, HitKind::Pageview)
}

fn event(after: i64, interactive: bool) -> Hit {
    let (name, revenue) = (Text::from_scrubbed("Buy"), None);
    hit(after, "/", HitKind::Event { name, interactive, props: Vec::new(), revenue })
}

fn engagement(after: i64, page: &str, engaged_ms: u32, scroll: u8) -> Hit {
    hit(after, page, HitKind::Engagement { engaged_ms, scroll_percent: Some(scroll) })
}

/// The same hit of another visitor.
fn of(visitor: u64, mut hit: Hit) -> Hit {
    hit.visitor = known(&hit, visitor);
    hit
}

/// The same hit of nobody.
fn by(visitor: Visitor, hit: Hit) -> Hit {
    Hit { visitor, ..hit }
}

/// The same hit from somewhere.
fn from(source: &str, mut hit: Hit) -> Hit {
    *hit.dims = VisitDims { source: Text::from_scrubbed(source), ..VisitDims::default() };
    hit
}

/// The rows of these records. Between any two the counter is restarted, from a checkpoint.
fn count(limits: CountLimits, records: impl IntoIterator<Item = Record>) -> Rows {
    let (mut counter, mut deltas) = (Counter::new(limits), Deltas::default());
    for record in records {
        counter.apply(&record, &mut deltas);
        counter = Counter::decode(limits, &counter.encode()).expect("its own state");
    }
    deltas.into_rows()
}

fn row(bucket: Bucket, page: &Text, source: &Text, counters: &[(&str, i64)]) -> String {
    let minutes = (bucket.start().0 - BEGIN) / 60;
    let some = counters.iter().filter(|(_, sum)| *sum != 0);
    let some: Vec<String> = some.map(|(name, sum)| format!("{name} {sum}")).collect();
    format!("{minutes} {} {}: {}", page.as_str(), source.as_str(), some.join(", "))
}

macro_rules! counters {
    ($row:ident: $($counter:ident),*) => { &[$((stringify!($counter), $row.$counter)),*] };
}

fn visits(rows: &Rows) -> Vec<String> {
    let rows = rows.visits.iter().map(|(key, it)| {
        let counters =
            counters!(it: visitors, visitors_hour, visits, bounces, pageviews, events, duration_s);
        row(key.bucket, &key.entry_page, &key.dims.source, counters)
    });
    rows.collect()
}

fn pages(rows: &Rows) -> Vec<String> {
    let rows = rows.pages.iter().map(|(key, it)| {
        let counters = counters!(it: pageviews, visitors, visitors_hour, visits, entries, exits,
            engaged_ms, engaged_visits, scroll_sum, scroll_visits);
        row(key.bucket, &key.page, &key.source, counters)
    });
    rows.collect()
}

fn ledger(rows: &Rows) -> Vec<String> {
    rows.ledger.iter().map(|(key, hits)| format!("{} {hits}", key.reason)).collect()
}

/// The rows of one table, by the order of their keys, after these hits.
#[track_caller]
fn check(table: fn(&Rows) -> Vec<String>, hits: impl IntoIterator<Item = Hit>, expected: &[&str]) {
    check_within(FREE, table, hits, expected);
}

#[track_caller]
fn check_within(
    limits: CountLimits,
    table: fn(&Rows) -> Vec<String>,
    hits: impl IntoIterator<Item = Hit>,
    expected: &[&str],
) {
    assert_eq!(table(&count(limits, hits.into_iter().map(Record::Hit))), expected);
}

#[test]
fn a_visit_goes_on_for_half_an_hour_after_each_hit() {
    let both = "0 / : visitors 1, visitors_hour 1, visits 1, pageviews 1, duration_s 1800";
    check(visits, [view(0, "/"), view(1800, "/b")], &[both, "30 / : pageviews 1"]);
    let first = "0 / : visitors 1, visitors_hour 1, visits 1, bounces 1, pageviews 1";
    let second = "30 /b : visits 1, bounces 1, pageviews 1";
    check(visits, [view(0, "/"), view(1801, "/b")], &[first, second]);
}

#[test]
fn a_visit_ends_before_it_is_a_day_old() {
    let views = |last| (0..48).map(|half| half * 1800).chain([last]).map(|at| view(at, "/"));
    let sum = |last| {
        let rows = count(FREE, views(last).map(Record::Hit));
        rows.visits.values().map(|row| row.visits).sum::<i64>()
    };
    assert_eq!(sum(86_399), 1);
    assert_eq!(sum(86_400), 2);
}

#[test]
fn a_clock_that_steps_back_takes_nothing_away() {
    let row = "0 / : visitors 1, visitors_hour 1, visits 1, pageviews 3, duration_s 100";
    check(visits, [view(0, "/"), view(100, "/b"), view(60, "/c")], &[row]);
}

#[test]
fn a_bounce_ends_with_a_second_view_or_something_done() {
    let bounces = |hits: &[Hit]| {
        let rows = count(FREE, hits.iter().cloned().map(Record::Hit));
        rows.visits.values().map(|row| row.bounces).sum::<i64>()
    };
    assert_eq!(bounces(&[view(0, "/")]), 1);
    assert_eq!(bounces(&[view(0, "/"), view(1, "/")]), 0);
    assert_eq!(bounces(&[view(0, "/"), event(1, false)]), 1);
    assert_eq!(bounces(&[view(0, "/"), event(1, true)]), 0);
    assert_eq!(bounces(&[view(0, "/"), event(1, true), view(2, "/")]), 0);
    assert_eq!(bounces(&[event(0, false)]), 1);
    assert_eq!(bounces(&[event(0, false), view(1, "/")]), 1);
    assert_eq!(bounces(&[event(0, true)]), 0);
    assert_eq!(bounces(&[view(0, "/"), engagement(1, "/", 9, 9)]), 1);
}

#[test]
fn the_exit_moves_to_the_latest_view() {
    let entry = "0 / : pageviews 1, visitors 1, visitors_hour 1, visits 1, entries 1";
    let left = "15 /b : pageviews 1, visitors 1, visitors_hour 1, visits 1, exits 1";
    check(pages, [view(0, "/"), view(900, "/b")], &[entry, left]);
    let back = "15 / : pageviews 1, exits 1";
    check(pages, [view(0, "/"), view(900, "/")], &[entry, back]);
}

#[test]
fn an_engagement_stands_on_the_row_of_the_visits_first_view() {
    let hits = [
        view(0, "/"),
        view(900, "/"),
        engagement(1000, "/", 500, 30),
        engagement(1010, "/", 500, 20),
        engagement(1020, "/", 500, 50),
    ];
    let first = "0 / : pageviews 1, visitors 1, visitors_hour 1, visits 1, entries 1, \
        engaged_ms 1500, engaged_visits 1, scroll_sum 50, scroll_visits 1";
    check(pages, hits, &[first, "15 / : pageviews 1, exits 1"]);
}

#[test]
fn an_engagement_without_its_view_changes_nothing() {
    let row = "0 / : visitors 1, visitors_hour 1, visits 1, bounces 1, pageviews 1";
    check(visits, [engagement(0, "/", 9, 9)], &[]);
    check(visits, [view(0, "/"), engagement(60, "/b", 9, 9)], &[row]);
    check(visits, [view(0, "/"), engagement(1801, "/", 9, 9)], &[row]);
    check(ledger, [view(0, "/"), engagement(60, "/b", 9, 9)], &["counted 1", "dropped:no_visit 1"]);
    let other = engagement(60, "/", 9, 9);
    check(ledger, [view(0, "/"), of(2, other)], &["counted 1", "dropped:no_visit 1"]);
}

#[test]
fn visitors_stand_under_the_first_visit_of_the_day_and_of_the_hour() {
    let at = [0, 3 * 3600, 3 * 3600 + 1860];
    let hits =
        [from("x", view(at[0], "/")), from("y", view(at[1], "/")), from("z", view(at[2], "/p"))];
    let first = "0 / x: visitors 1, visitors_hour 1, visits 1, bounces 1, pageviews 1";
    let second = "180 / y: visitors_hour 1, visits 1, bounces 1, pageviews 1";
    let third = "210 /p z: visits 1, bounces 1, pageviews 1";
    check(visits, hits.clone(), &[first, second, third]);
    let expected = [
        "0 / x: pageviews 1, visitors 1, visitors_hour 1, visits 1, entries 1, exits 1",
        "180 / y: pageviews 1, visitors_hour 1, visits 1, entries 1, exits 1",
        // The page is new to the visitor: on this day it is x's, in this hour y's, as a visit z's.
        "210 /p x: visitors 1",
        "210 /p y: visitors_hour 1",
        "210 /p z: pageviews 1, visits 1, entries 1, exits 1",
    ];
    check(pages, hits, &expected);
}

#[test]
fn a_visit_over_midnight_stays_where_it_began_and_its_visitor_is_new() {
    let hits = [from("x", view(MIDNIGHT - 60, "/")), from("y", view(MIDNIGHT + 60, "/"))];
    let expected = [
        "945 / x: visitors 1, visitors_hour 1, visits 1, pageviews 1, duration_s 120",
        "960 / x: visitors 1, visitors_hour 1, pageviews 1",
    ];
    check(visits, hits.clone(), &expected);
    let expected = [
        "945 / x: pageviews 1, visitors 1, visitors_hour 1, visits 1, entries 1",
        "960 / x: pageviews 1, visitors 1, visitors_hour 1, exits 1",
    ];
    check(pages, hits, &expected);
}

#[test]
fn a_visit_crosses_one_midnight_at_most() {
    // A day of 23 hours: its visitor is there from before one midnight until after the next.
    let day = 23 * 3600;
    let at = (0..=47).map(|half| MIDNIGHT - 600 + half * 1790);
    let hits = at.map(|after| {
        let mut hit = view(after, "/");
        let start = [MIDNIGHT, MIDNIGHT + day].into_iter().filter(|start| *start <= after).count();
        hit.day = Day(20_833 + i32::try_from(start).unwrap());
        let id = |day: i32| (KeyId(day.unsigned_abs().into()), VisitorId::from_raw(7));
        let (key, id_now) = id(hit.day.0);
        let early = (after - MIDNIGHT).rem_euclid(day) < 1800;
        hit.visitor = Visitor::Known { key, id: id_now, before: early.then(|| id(hit.day.0 - 1)) };
        hit
    });
    let hits: Vec<Hit> = hits.collect();
    let (first, last) = (hits[0].at.0, hits[hits.len() - 1].at.0);
    assert!(last - first < crate::limits::VISIT_LENGTH_S_MAX, "no visit is too long for it");
    assert!(last - BEGIN > MIDNIGHT + day, "the last hit is past the second midnight");
    let rows = count(FREE, hits.into_iter().map(Record::Hit));
    let begun: Vec<i64> = rows.visits.values().map(|row| row.visits).filter(|it| *it > 0).collect();
    assert_eq!(begun, [1, 1]);
    assert_eq!(rows.visits.values().map(|row| row.visitors).sum::<i64>(), 3);
}

#[test]
fn a_way_leads_from_page_to_page_and_from_host_to_host() {
    let ways = |rows: &Rows| {
        let ways = rows.journeys.iter();
        ways.map(|(key, sum)| format!("{} {} {sum}", key.from_page.as_str(), key.to_page.as_str()))
            .collect()
    };
    check(ways, [view(0, "/"), view(1, "/"), view(2, "/b"), view(3, "/")], &["/ /b 1", "/b / 1"]);
    check(ways, [view(0, "/"), event(1, true), view(1900, "/b")], &[]);
    let other = Hit { hostname: Text::from_scrubbed("b.example"), ..view(1, "/") };
    check(ways, [view(0, "/"), other], &["/ / 1"]);
}

#[test]
fn hits_of_nobody_are_counted_under_blank_dimensions() {
    let nobodys = [
        by(Visitor::Withheld, from("x", view(0, "/"))),
        by(Visitor::Lost, from("x", event(1, true))),
        by(Visitor::Withheld, engagement(2, "/", 9, 9)),
    ];
    check(visits, nobodys.clone(), &["0  : pageviews 1, events 1"]);
    check(pages, nobodys.clone(), &["0 / : pageviews 1"]);
    check(ledger, nobodys, &["counted 2", "dropped:no_visit 1", "key_lost 1", "withheld 1"]);
}

#[test]
fn past_the_bound_of_visitors_a_new_one_is_nobody() {
    let limits = CountLimits { visitors_per_site: 1, ..FREE };
    let hits = [view(0, "/"), of(2, from("x", view(1, "/"))), view(2, "/")];
    let known = "0 / : visitors 1, visitors_hour 1, visits 1, pageviews 2, duration_s 2";
    check_within(limits, visits, hits.clone(), &["0  : pageviews 1", known]);
    check_within(limits, ledger, hits, &["counted 3", "past_bound 1"]);
}

#[test]
fn past_the_bound_of_things_seen_a_page_is_no_first_and_its_reading_is_its_own() {
    let limits = CountLimits { seen_per_visitor: 1, ..FREE };
    let hits = [view(0, "/"), view(10, "/b"), engagement(900, "/b", 500, 50)];
    let expected = [
        "0 / : pageviews 1, visitors 1, visitors_hour 1, visits 1, entries 1",
        "0 /b : pageviews 1, exits 1",
        "15 /b : engaged_ms 500",
    ];
    check_within(limits, pages, hits.clone(), &expected);
    let of_both_quarters = ["counted 2", "past_bound 1", "counted 1", "past_bound 1"];
    check_within(limits, ledger, hits, &of_both_quarters);
}

#[test]
fn a_hit_that_comes_after_its_days_end_is_nobodys() {
    let early = view(0, "/");
    let end = Record::DayEnd { site: site(), at: Second(BEGIN + MIDNIGHT + 1800), day: early.day };
    let late = from("x", view(5, "/"));
    let rows = count(FREE, [Record::Hit(early), end, Record::Hit(late)]);
    let known = "0 / : visitors 1, visitors_hour 1, visits 1, bounces 1, pageviews 1";
    assert_eq!(visits(&rows), ["0  : pageviews 1", known]);
    assert_eq!(ledger(&rows), ["counted 2", "key_lost 1"]);
}

#[test]
fn an_events_firsts_are_of_its_name_and_its_money_of_its_currency() {
    let bought = |after, page: &str, minor, currency: &str| {
        let props = vec![(Text::from_scrubbed("plan"), Text::from_scrubbed("a"))];
        let currency = Currency::parse(currency).unwrap();
        let (name, revenue) = (Text::from_scrubbed("Buy"), Some(Revenue { minor, currency }));
        hit(after, page, HitKind::Event { name, interactive: true, props, revenue })
    };
    let rows = count(
        FREE,
        [bought(0, "/", 500, "EUR"), bought(1, "/b", 700, "EUR"), bought(2, "/b", -50, "USD")]
            .map(Record::Hit),
    );
    let events = rows.events.iter().map(|(key, it)| {
        let counters = counters!(it: events, visitors, visitors_hour, visits, revenue);
        row(key.bucket, &key.page, &key.source, counters)
    });
    let expected = [
        "0 / : events 1, visitors 1, visitors_hour 1, visits 1, revenue 500",
        "0 /b : events 1, revenue 700",
        "0 /b : events 1, revenue -50",
    ];
    assert_eq!(events.collect::<Vec<_>>(), expected);
    let props: Vec<_> = rows.event_props.values().map(|it| (it.events, it.visitors)).collect();
    assert_eq!(props, [(3, 1)]);
}

#[test]
fn things_whose_texts_only_run_together_alike_are_two() {
    let with = |after, key: &str, value: &str| {
        let props = vec![(Text::from_scrubbed(key), Text::from_scrubbed(value))];
        let name = Text::from_scrubbed("Buy");
        hit(after, "/", HitKind::Event { name, interactive: true, props, revenue: None })
    };
    let rows = count(FREE, [with(0, "plan", "a"), with(1, "pla", "na")].map(Record::Hit));
    assert_eq!(rows.event_props.values().map(|it| it.visitors).collect::<Vec<_>>(), [1, 1]);
}

#[test]
fn rows_know_the_bytes_of_their_texts() {
    let hits = [view(0, "/"), from("a", view(5, "/b")), event(9, true), of(2, view(9, "/cc"))];
    let rows = count(FREE, hits.map(Record::Hit));
    let keys = rows.visits.keys().map(Key::text_bytes).sum::<usize>()
        + rows.pages.keys().map(Key::text_bytes).sum::<usize>()
        + rows.events.keys().map(Key::text_bytes).sum::<usize>()
        + rows.journeys.keys().map(Key::text_bytes).sum::<usize>()
        + rows.ledger.keys().map(Key::text_bytes).sum::<usize>();
    assert_eq!(rows.text_bytes, keys);
}

#[test]
fn a_site_that_says_nothing_any_more_is_forgotten_two_days_later() {
    let (mut counter, mut deltas) = (Counter::new(FREE), Deltas::default());
    counter.apply(&Record::Hit(view(0, "/")), &mut deltas);
    let today = view(0, "/").day;
    let mut end_elsewhere = |days: i32| {
        let (site, at) = (SiteName::from_stored("b.example"), Second(BEGIN));
        counter.apply(&Record::DayEnd { site, at, day: Day(today.0 + days) }, &mut deltas);
        counter.visitors_in_memory()
    };
    assert_eq!(end_elsewhere(1), 1, "it may still be that day there");
    assert_eq!(end_elsewhere(2), 0);
}

#[test]
fn a_row_of_zeros_is_no_row_and_has_no_bytes() {
    let (mut rows, mut bytes) = (BTreeMap::new(), 0);
    let key = || LedgerKey { site: site(), bucket: Second(BEGIN).bucket(), reason: "counted" };
    let mut add = |change: i64| {
        deltas::add(&mut rows, &mut bytes, key(), |sum| *sum += change);
        (rows.values().copied().collect::<Vec<i64>>(), bytes)
    };
    let whole = site().as_str().len() + "counted".len();
    assert_eq!(add(0), (vec![], 0));
    assert_eq!(add(1), (vec![1], whole));
    assert_eq!(add(1), (vec![2], whole));
    assert_eq!(add(-2), (vec![], 0));
}
