//! Tests of what a reader may see.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;

fn cells(visitors: &[i64]) -> Vec<Cell> {
    let present = visitors.iter().enumerate().filter(|(_, visitors)| **visitors > 0);
    present
        .map(|(index, &visitors)| Cell {
            name: format!("value {index}"),
            visitors,
            counters: vec![visitors, visitors * 2],
        })
        .collect()
}

fn shown(folded: &Folded) -> (Vec<(String, i64)>, Option<i64>) {
    let cells = folded.shown.iter().map(|cell| (cell.name.clone(), cell.visitors)).collect();
    (cells, folded.other.as_ref().map(|other| other.visitors))
}

fn check(k: u32, visitors: &[i64], expected: &[i64], other: Option<i64>) {
    let (cells, rest) = shown(&fold(Reader::with_threshold(k), cells(visitors)));
    let cells: Vec<i64> = cells.into_iter().map(|(_, visitors)| visitors).collect();
    assert_eq!((cells.as_slice(), rest), (expected, other), "{visitors:?} at {k}");
}

#[test]
fn cells_below_the_threshold_become_one() {
    check(5, &[40, 3, 20, 4], &[40, 20], Some(7));
}

#[test]
fn a_cell_that_would_stand_alone_takes_its_smallest_neighbour_along() {
    check(5, &[40, 3, 20, 9], &[40, 20], Some(12));
}

#[test]
fn small_cells_take_neighbours_along_until_they_are_enough() {
    check(5, &[40, 1, 1, 20], &[40], Some(22));
}

#[test]
fn cells_that_are_too_few_together_are_not_shown_at_all() {
    check(5, &[2, 2], &[], None);
    check(5, &[4], &[], None);
}

#[test]
fn the_owner_sees_every_cell() {
    check(1, &[1, 1, 7], &[1, 1, 7], None);
}

#[test]
fn a_breakdown_without_small_cells_stays_as_it_is() {
    check(5, &[5, 6, 7], &[5, 6, 7], None);
}

/// The attacker knows every value that exists, the rule, the total and what is shown, and looks
/// for a folded cell that has the same count in every breakdown that would look like this one.
#[test]
fn whoever_subtracts_what_is_shown_learns_no_folded_cell() {
    const VALUES: usize = 4;
    const MOST: i64 = 8;
    for k in 3..=5 {
        let mut seen: BTreeMap<_, Vec<[i64; VALUES]>> = BTreeMap::new();
        for number in 0..(MOST + 1).pow(4) {
            let mut rest = number;
            let visitors: [i64; VALUES] = std::array::from_fn(|_| {
                let digit = rest % (MOST + 1);
                rest /= MOST + 1;
                digit
            });
            let published = shown(&fold(Reader::with_threshold(k), cells(&visitors)));
            let total: i64 = visitors.iter().sum();
            seen.entry((published, total)).or_default().push(visitors);
        }
        for (((cells, _), total), worlds) in &seen {
            let names: BTreeSet<&str> = cells.iter().map(|(name, _)| name.as_str()).collect();
            for value in 0..VALUES {
                let folded = |world: &[i64; VALUES]| {
                    world[value] > 0 && !names.contains(format!("value {value}").as_str())
                };
                // A cell that is known to be there, and known to be of one size.
                let sizes: BTreeSet<i64> = worlds.iter().map(|world| world[value]).collect();
                assert!(
                    !worlds.iter().any(folded) || sizes.len() > 1,
                    "k {k}, total {total}: value {value} is {sizes:?} in {worlds:?}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn nothing_is_lost_and_nothing_small_is_shown(
        visitors in prop::collection::vec(0_i64..60, 0..30),
        k in 1_u32..12,
    ) {
        let all = cells(&visitors);
        let total: i64 = all.iter().map(|cell| cell.counters[1]).sum();
        let folded = fold(Reader::with_threshold(k), all.clone());
        prop_assert!(folded.shown.iter().all(|cell| cell.visitors >= i64::from(k)));
        let kept = folded.shown.iter().chain(&folded.other).map(|cell| cell.counters[1]);
        let hidden = all.len() - folded.shown.len();
        if let Some(other) = &folded.other {
            prop_assert!(other.visitors >= i64::from(k) && hidden >= 2);
            prop_assert_eq!(kept.sum::<i64>(), total);
        } else if hidden > 0 {
            prop_assert!(folded.shown.is_empty());
        }
    }

    #[test]
    fn the_order_of_the_cells_changes_nothing(
        visitors in prop::collection::vec(1_i64..20, 1..12),
        k in 2_u32..8,
    ) {
        let forward = fold(Reader::with_threshold(k), cells(&visitors));
        let mut cells = cells(&visitors);
        cells.reverse();
        let mut backward = fold(Reader::with_threshold(k), cells);
        backward.shown.reverse();
        prop_assert_eq!(forward, backward);
    }
}
