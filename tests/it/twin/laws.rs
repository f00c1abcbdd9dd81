//! The laws of counting, over random traffic.

use std::collections::BTreeMap;

use headcount::count::{CountLimits, Counter, Deltas, EventKey, PageKey, Rows, VisitKey};
use headcount::hit::{Hit, HitKind, Record, SiteName, Text};
use proptest::prelude::*;

use super::traffic::traffic;
use super::{add, compare, recount, recount_with};

pub(super) const FREE: CountLimits = CountLimits {
    seen_per_visitor: 1000,
    visitors_per_site: 1000,
    visitors: 10_000,
    recipients_per_mailing: 1000,
};

pub(super) fn count(counter: &mut Counter, records: &[Record]) -> Rows {
    let mut deltas = Deltas::default();
    for record in records {
        counter.apply(record, &mut deltas);
    }
    deltas.into_rows()
}

pub(super) fn restored(counter: &Counter) -> Counter {
    Counter::decode(FREE, &counter.encode()).expect("its own state")
}

/// The places at which the traffic is cut, in order.
fn cuts() -> impl Strategy<Value = Vec<prop::sample::Index>> {
    prop::collection::vec(any::<prop::sample::Index>(), 0..6)
}

fn places(cuts: &[prop::sample::Index], length: usize) -> Vec<usize> {
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(length + 1)).collect();
    places.extend([0, length]);
    places.sort_unstable();
    places
}

/// The dimensions that visits, pages and events share.
const DIMENSIONS: usize = 5;

fn of_visits(VisitKey { dims, .. }: &VisitKey) -> [&Text; DIMENSIONS] {
    [&dims.channel, &dims.source, &dims.utm_campaign, &dims.country, &dims.device]
}

fn of_pages(key: &PageKey) -> [&Text; DIMENSIONS] {
    [&key.channel, &key.source, &key.utm_campaign, &key.country, &key.device]
}

fn of_events(key: &EventKey) -> [&Text; DIMENSIONS] {
    [&key.channel, &key.source, &key.utm_campaign, &key.country, &key.device]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_counter_and_its_twin_agree_to_the_last_unit(plan in traffic(80)) {
        let records = plan.records();
        compare(&count(&mut Counter::new(FREE), &records), &recount(&records));
    }

    #[test]
    fn any_stretches_and_any_restarts_between_them_give_the_same_sums(
        plan in traffic(60),
        cuts in cuts(),
    ) {
        let records = plan.records();
        let mut counter = Counter::new(FREE);
        let mut rows = Rows::default();
        for pair in places(&cuts, records.len()).windows(2) {
            add(&mut rows, &count(&mut counter, &records[pair[0]..pair[1]]));
            counter = restored(&counter);
        }
        compare(&rows, &recount(&records));
    }

    /// A crash: the outbox has the rows up to one place, the checkpoint an earlier one.
    #[test]
    fn a_replay_from_a_checkpoint_makes_up_for_what_the_outbox_lacks(
        plan in traffic(60),
        cuts in prop::array::uniform2(any::<prop::sample::Index>()),
    ) {
        let records = plan.records();
        let (a, b) = (cuts[0].index(records.len() + 1), cuts[1].index(records.len() + 1));
        let (checkpoint, outbox) = (a.min(b), a.max(b));
        let mut counter = Counter::new(FREE);
        let mut kept = count(&mut counter, &records[..checkpoint]);
        let state = restored(&counter);
        add(&mut kept, &count(&mut counter, &records[checkpoint..outbox]));
        // The crash. What is counted again up to the outbox's place is let go of.
        counter = state;
        count(&mut counter, &records[checkpoint..outbox]);
        add(&mut kept, &count(&mut counter, &records[outbox..]));
        compare(&kept, &recount(&records));
    }

    #[test]
    fn past_the_bound_of_visitors_hits_are_counted_and_are_nobodys(plan in traffic(60)) {
        let records = plan.records();
        let limits = CountLimits { visitors_per_site: 2, ..FREE };
        let rows = count(&mut Counter::new(limits), &records);
        compare(&rows, &recount_with(&records, 2));
    }

    /// The bound of all sites together. Where there is room for nobody, every hit is nobody's.
    #[test]
    fn past_the_bound_of_all_visitors_no_more_are_remembered(plan in traffic(60), most in 0..4_usize) {
        let records = plan.records();
        let limits = CountLimits { visitors: most, ..FREE };
        let mut counter = Counter::new(limits);
        let rows = count(&mut counter, &records);
        prop_assert!(counter.visitors_in_memory() <= most);
        if most == 0 {
            compare(&rows, &recount_with(&records, 0));
        }
        let restored = Counter::decode(limits, &counter.encode()).expect("its own state");
        prop_assert_eq!(restored.visitors_in_memory(), counter.visitors_in_memory());
    }

    /// Past the bound of things seen, plain counters stay whole and firsts only get fewer.
    #[test]
    fn past_the_bound_of_things_seen_nothing_is_lost_but_firsts(plan in traffic(60)) {
        let mut records = plan.records();
        // Of a page that could not be remembered nobody knows whether it was viewed.
        records.retain(|it| !matches!(it, Record::Hit(Hit { kind: HitKind::Engagement { .. }, .. })));
        let limits = CountLimits { seen_per_visitor: 2, ..FREE };
        let rows = count(&mut Counter::new(limits), &records);
        let free = recount(&records);
        let sum = |rows: &Rows| {
            let pages = rows.pages.values().map(|it| (it.pageviews, it.visitors));
            let events = rows.events.values().map(|it| (it.events, it.visitors));
            let (plain, firsts): (Vec<i64>, Vec<i64>) = pages.chain(events).unzip();
            (plain.iter().sum::<i64>(), firsts.iter().sum::<i64>())
        };
        prop_assert_eq!(sum(&rows).0, sum(&free).0);
        prop_assert!(sum(&rows).1 <= sum(&free).1);
        prop_assert_eq!(&rows.visits, &free.visits);
        let bounded = rows.ledger.keys().any(|key| key.reason == "past_bound");
        prop_assert_eq!(bounded, rows.pages != free.pages || rows.events != free.events
            || rows.event_props != free.event_props);
    }

    #[test]
    fn no_sum_over_whole_visits_is_negative_and_none_is_greater_than_it_can_be(
        plan in traffic(80),
    ) {
        let records = plan.records();
        let rows = recount(&records);
        compare(&count(&mut Counter::new(FREE), &records), &rows);
        for (key, row) in &rows.visits {
            prop_assert!(0 <= row.bounces && row.bounces <= row.visits, "{:?}", key);
            prop_assert!(row.duration_s >= 0 && row.pageviews >= 0 && row.events >= 0);
        }
        for (key, row) in &rows.pages {
            prop_assert!(row.exits >= 0 && row.entries >= 0 && row.exits <= row.pageviews, "{:?}", key);
            prop_assert!(row.engaged_visits <= row.visits && row.scroll_visits <= row.engaged_visits);
            prop_assert!((0..=100 * row.scroll_visits).contains(&row.scroll_sum), "{:?}", key);
        }
        let visits: i64 = rows.visits.values().map(|row| row.visits).sum();
        let entries: i64 = rows.pages.values().map(|row| row.entries).sum();
        prop_assert!(entries <= visits);
    }

    /// Under a filter on any dimension, a page's or an event's visitors never exceed the site's.
    #[test]
    fn visitors_under_a_filter_never_exceed_the_sites(plan in traffic(80)) {
        let records = plan.records();
        let rows = count(&mut Counter::new(FREE), &records);
        for filter in 0..DIMENSIONS {
            let mut site: BTreeMap<(&SiteName, &Text), (i64, i64)> = BTreeMap::new();
            for (key, row) in &rows.visits {
                let sum = site.entry((&key.site, of_visits(key)[filter])).or_default();
                *sum = (sum.0 + row.visitors, sum.1 + row.visitors_hour);
            }
            let mut things: BTreeMap<(&SiteName, &Text, [&str; 3]), (i64, i64)> = BTreeMap::new();
            for (key, row) in &rows.pages {
                let thing = ["page", key.page.as_str(), ""];
                let sum = things.entry((&key.site, of_pages(key)[filter], thing)).or_default();
                *sum = (sum.0 + row.visitors, sum.1 + row.visitors_hour);
            }
            for (key, row) in &rows.events {
                let thing = ["event", key.name.as_str(), ""];
                let sum = things.entry((&key.site, of_events(key)[filter], thing)).or_default();
                *sum = (sum.0 + row.visitors, sum.1 + row.visitors_hour);
            }
            for ((of, value, thing), (visitors, hourly)) in things {
                let (most, most_hourly) = site[&(of, value)];
                prop_assert!((0..=most).contains(&visitors), "{:?} of {:?}", thing, value);
                prop_assert!((0..=most_hourly).contains(&hourly), "{:?} of {:?}", thing, value);
            }
        }
    }

    /// The tables are breakdowns of one another: under any filter they say the same of page views
    /// and of events, and every visit that has viewed a page is left by one.
    #[test]
    fn breakdowns_add_up_to_their_totals(plan in traffic(80)) {
        let mut records = plan.records();
        // So that the visitors of all days are in memory still.
        records.retain(|record| !matches!(record, Record::DayEnd { .. }));
        let mut counter = Counter::new(FREE);
        let rows = count(&mut counter, &records);
        for filter in 0..DIMENSIONS {
            let mut sums: BTreeMap<(&SiteName, &Text), [i64; 2]> = BTreeMap::new();
            for (key, row) in &rows.visits {
                let [views, events] =
                    sums.entry((&key.site, of_visits(key)[filter])).or_default();
                *views += row.pageviews;
                *events += row.events;
            }
            for (key, row) in &rows.pages {
                sums.entry((&key.site, of_pages(key)[filter])).or_default()[0] -= row.pageviews;
            }
            for (key, row) in &rows.events {
                sums.entry((&key.site, of_events(key)[filter])).or_default()[1] -= row.events;
            }
            prop_assert!(sums.values().all(|left| *left == [0, 0]), "{:?}", sums);
        }
        let visitors: i64 = rows.visits.values().map(|row| row.visitors).sum();
        prop_assert_eq!(usize::try_from(visitors), Ok(counter.visitors_in_memory()));
        let visits: i64 = rows.visits.values().map(|row| row.visits).sum();
        let exits: i64 = rows.pages.values().map(|row| row.exits).sum();
        let entries: i64 = rows.pages.values().map(|row| row.entries).sum();
        prop_assert!(entries <= exits && exits <= visits);
    }

    #[test]
    fn every_hit_is_accounted_for(plan in traffic(80)) {
        let records = plan.records();
        let mut counter = Counter::new(FREE);
        let rows = count(&mut counter, &records);
        let arrived: u64 = records.iter().map(|record| match record {
            Record::Hit(_) | Record::Drop { .. } => 1,
            Record::Reject { hits, .. } => *hits,
            _ => 0,
        }).sum();
        let accounted = |reason: &str| {
            reason == "counted" || reason.starts_with("dropped:") || reason.starts_with("rejected:")
        };
        let of_state = counter.ledger().iter().filter(|((_, reason), _)| accounted(reason));
        prop_assert_eq!(of_state.map(|(_, hits)| *hits).sum::<u64>(), arrived);
        let of_rows = rows.ledger.iter().filter(|(key, _)| accounted(key.reason));
        prop_assert_eq!(of_rows.map(|(_, hits)| *hits).sum::<i64>(), i64::try_from(arrived).unwrap());
    }
}
