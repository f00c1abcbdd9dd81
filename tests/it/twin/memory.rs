//! The laws of what the counter holds in memory: what it answers from there, and its checkpoints.

use std::collections::BTreeSet;

use headcount::count::{Counter, DayState, MINUTES};
use headcount::hit::{HitKind, Record, Second, SiteName, Visitor};
use headcount::keys::KeyId;
use proptest::prelude::*;

use super::laws::{FREE, count, restored};
use super::traffic::{sites, traffic};
use super::visits::group;

/// Seconds within which visitors are current, for a reader.
const CURRENT_S: i64 = 300;

/// When the last record was.
fn end(records: &[Record]) -> Second {
    records.iter().map(Record::at).max().expect("there is traffic")
}

/// Visitors with a hit in the last seconds: each by its last visit, where that is still its own.
fn current(records: &[Record], site: &SiteName, now: Second) -> u64 {
    let all = group(records, usize::MAX);
    let mut current = BTreeSet::new();
    for (index, visitor) in all.visitors.iter().enumerate().filter(|(_, it)| it.site == *site) {
        let mine = |step: &super::visits::Step<'_>| step.visitor == index;
        let visit = all.visits.iter().rfind(|visit| visit.steps.iter().any(mine));
        let steps = &visit.expect("a visitor has a visit").steps;
        let last = steps.iter().map(|step| step.hit.at.0).max().expect("a visit has a hit");
        let here = mine(steps.last().expect("a visit has a hit"));
        if here && last > now.0 - CURRENT_S && last <= now.0 {
            current.insert((visitor.key, visitor.id));
        }
    }
    current.len() as u64
}

/// Page views of each of the last minutes: every one that was counted.
fn views(records: &[Record], site: &SiteName, now: Second) -> [u32; MINUTES] {
    let mut views = [0; MINUTES];
    for record in records {
        if let Record::Hit(hit) = record
            && hit.site == *site
            && hit.kind == HitKind::Pageview
        {
            let age = now.0.div_euclid(60) - hit.at.0.div_euclid(60);
            if let Some(age) = usize::try_from(age).ok().filter(|age| *age < MINUTES) {
                views[MINUTES - 1 - age] += 1;
            }
        }
    }
    views
}

fn keys(records: &[Record]) -> BTreeSet<KeyId> {
    let known = records.iter().filter_map(|record| match record {
        Record::Hit(hit) => match hit.visitor {
            Visitor::Known { key, .. } => Some(key),
            Visitor::Withheld | Visitor::Lost => None,
        },
        _ => None,
    });
    known.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn who_is_there_now_and_the_last_minutes_are_exact_before_and_after_a_restart(
        plan in traffic(60),
        later_s in 0..400_i64,
    ) {
        let mut records = plan.records();
        // A day's end takes its late visitors with it.
        records.retain(|record| !matches!(record, Record::DayEnd { .. }));
        prop_assume!(!records.is_empty());
        let now = Second(end(&records).0 + later_s);
        let mut counter = Counter::new(FREE);
        count(&mut counter, &records);
        for counter in [&counter, &restored(&counter)] {
            for site in sites() {
                let found = counter.current_visitors(&site, now, CURRENT_S);
                prop_assert_eq!(found, current(&records, &site, now));
                prop_assert_eq!(counter.live_minutes(&site, now), views(&records, &site, now));
            }
        }
    }

    #[test]
    fn a_restored_counter_says_the_same(plan in traffic(60)) {
        let mut counter = Counter::new(FREE);
        count(&mut counter, &plan.records());
        let restored = restored(&counter);
        prop_assert_eq!(counter.ledger(), restored.ledger());
        prop_assert_eq!(counter.visitors_in_memory(), restored.visitors_in_memory());
    }

    #[test]
    fn every_part_but_one_carries_the_key_that_made_its_ids(plan in traffic(60)) {
        let records = plan.records();
        let mut counter = Counter::new(FREE);
        count(&mut counter, &records);
        let parts = counter.encode();
        prop_assert_eq!(parts.iter().filter(|part| part.key.is_none()).count(), 1);
        let made: BTreeSet<KeyId> = parts.iter().filter_map(|part| part.key).collect();
        prop_assert!(made.is_subset(&keys(&records)));
    }

    /// A key that died takes its day's visitors with it, and no more.
    #[test]
    fn the_parts_of_a_key_that_has_died_are_lost_alone(
        plan in traffic(60),
        which in any::<prop::sample::Index>(),
    ) {
        let mut counter = Counter::new(FREE);
        count(&mut counter, &plan.records());
        let parts = counter.encode();
        let keys: Vec<KeyId> = parts.iter().filter_map(|part| part.key).collect();
        prop_assume!(!keys.is_empty());
        let dead = Some(keys[which.index(keys.len())]);
        let (lost, left): (Vec<_>, Vec<_>) = parts.into_iter().partition(|part| part.key == dead);
        let lost = Counter::decode(FREE, &lost).expect("parts of their own");
        let left = Counter::decode(FREE, &left).expect("the other parts");
        prop_assert_eq!(left.ledger(), counter.ledger());
        let visitors = left.visitors_in_memory() + lost.visitors_in_memory();
        prop_assert_eq!(visitors, counter.visitors_in_memory());
    }

    /// What is counted after a picture was taken is not in it.
    #[test]
    fn a_picture_is_of_its_moment(plan in traffic(60), at in any::<prop::sample::Index>()) {
        let records = plan.records();
        let (before, after) = records.split_at(at.index(records.len() + 1));
        let mut counter = Counter::new(FREE);
        count(&mut counter, before);
        let (picture, then) = (counter.picture(), counter.encode());
        count(&mut counter, after);
        let same = |a: &DayState, b: &DayState| a.key == b.key && a.bytes == b.bytes;
        let parts: Vec<DayState> = picture.into_parts().collect();
        prop_assert_eq!(parts.len(), then.len());
        prop_assert!(parts.iter().zip(&then).all(|(part, then)| same(part, then)));
    }

    #[test]
    fn any_bytes_are_a_state_or_are_refused(
        kind in 0..10_u8,
        key in prop::option::of(any::<u64>().prop_map(KeyId)),
        junk in prop::collection::vec(prop_oneof![3 => 0..4_u8, 1 => any::<u8>()], 0..300),
    ) {
        let bytes = [vec![4, kind], junk].concat();
        drop(Counter::decode(FREE, &[DayState { key, bytes }]));
    }

    #[test]
    fn a_damaged_state_is_refused_and_nothing_worse(
        plan in traffic(30),
        at in any::<prop::sample::Index>(),
        bit in 0..8_u8,
        cut in any::<prop::sample::Index>(),
    ) {
        let records = plan.records();
        let mut counter = Counter::new(FREE);
        count(&mut counter, &records);
        for mut part in counter.encode() {
            let whole = part.bytes.clone();
            let place = at.index(whole.len());
            part.bytes[place] ^= 1_u8 << bit;
            // It may still be a state, and must then go on counting; it must not panic, nor take
            // memory without bound.
            if let Ok(mut changed) = Counter::decode(FREE, std::slice::from_ref(&part)) {
                count(&mut changed, &records);
            }
            part.bytes = whole[..cut.index(whole.len())].to_vec();
            prop_assert!(Counter::decode(FREE, &[part]).is_err());
        }
    }
}
