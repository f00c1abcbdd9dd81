mod torn;

use std::sync::Arc;

use proptest::prelude::*;

use super::*;
use crate::spool::memory::{Fault, MemoryDisk};

/// Small, so that segments come and go.
const SEGMENT_BYTES: u64 = 600;
const MAX_BYTES: u64 = 2_000;

#[derive(Clone, Default)]
struct Disks {
    log: MemoryDisk,
    aside: MemoryDisk,
}

impl Disks {
    fn open(&self) -> (Outbox, Reached) {
        let (log, aside) = (Arc::new(self.log.clone()), Arc::new(self.aside.clone()));
        Outbox::open_on(log, aside, SEGMENT_BYTES, MAX_BYTES).expect("it opens")
    }

    fn without_power(&self, seed: u64) -> Self {
        Self { log: self.log.without_power(seed), aside: self.aside.without_power(seed) }
    }
}

fn batch(table: Table, content: u64) -> NewBatch {
    let bytes = format!("rows {content}").into_bytes();
    NewBatch { table, month: 202_611, rows: 3, schema: 1, bytes }
}

/// All that waits, table by table, the oldest first: number, bytes, note. The ledger's wait for the
/// others, so it is looked at in a copy from which those are gone.
fn waiting(outbox: &Outbox) -> Vec<(u64, Vec<u8>, Option<Vec<u8>>)> {
    let state = outbox.state();
    let numbers: Vec<(u64, Option<Vec<u8>>)> =
        state.waiting.iter().map(|(number, entry)| (*number, entry.note.clone())).collect();
    let places: Vec<_> = state.waiting.values().map(|entry| entry.place.clone()).collect();
    drop(state);
    let read = |number: u64, place: &Place| {
        let payload = outbox.state().read(place).expect("it can be read");
        let Some(Content::Commit { batches, .. }) = Content::decode(&payload) else {
            panic!("a commit")
        };
        let found = batches.into_iter().find(|(other, _)| *other == number);
        found.expect("it is there").1.bytes
    };
    numbers
        .into_iter()
        .zip(places)
        .map(|((number, note), place)| (number, read(number, &place), note))
        .collect()
}

#[test]
fn batches_come_out_as_they_went_in_the_oldest_of_a_table_first() {
    let (outbox, reached) = Disks::default().open();
    assert_eq!(reached, Reached::default());
    let first = [batch(Table::Visits, 1), batch(Table::Pages, 2), batch(Table::Visits, 3)];
    outbox.commit(Lsn(10), &first).expect("it is kept");
    outbox.commit(Lsn(20), &[batch(Table::Visits, 4)]).expect("it is kept");
    let next = |table| outbox.next(table).map(|it| (it.number, (*it.content).clone()));
    assert_eq!(next(Table::Visits), Some((0, batch(Table::Visits, 1))));
    assert_eq!(next(Table::Pages), Some((1, batch(Table::Pages, 2))));
    assert_eq!(next(Table::Events), None);
    outbox.done(0).expect("it is noted");
    assert_eq!(next(Table::Visits), Some((2, batch(Table::Visits, 3))));
    outbox.done(2).expect("it is noted");
    assert_eq!(next(Table::Visits), Some((3, batch(Table::Visits, 4))));
}

fn segments(disks: &Disks) -> usize {
    disks.log.names().iter().filter(|name| name.contains(".seg")).count()
}

#[test]
fn a_commit_is_kept_also_where_an_old_segment_cannot_be_deleted() {
    let disks = Disks::default();
    let (outbox, _) = disks.open();
    let big = NewBatch { bytes: vec![7; 700], ..batch(Table::Visits, 1) };
    outbox.commit(Lsn(1), &[big]).expect("it is kept");
    outbox.commit(Lsn(2), &[batch(Table::Visits, 2)]).expect("it is kept");
    disks.log.fail(Some(Fault::Remove));
    outbox.done(0).expect("its segment could go, and stays");
    assert_eq!(segments(&disks), 2);
    disks.log.fail(Some(Fault::Remove));
    outbox.commit(Lsn(3), &[batch(Table::Visits, 3)]).expect("it is kept all the same");
    assert_eq!(outbox.figures().waiting, 2);
    outbox.commit(Lsn(4), &[batch(Table::Visits, 4)]).expect("it is kept");
    assert_eq!(segments(&disks), 1);
    let (again, reached) = disks.without_power(0).open();
    assert_eq!((reached.lsn, reached.waiting), (Lsn(4), 3));
    drop(again);
}

#[test]
fn the_ledgers_rows_wait_for_all_that_is_older() {
    let (outbox, _) = Disks::default().open();
    let batches = [batch(Table::Pages, 1), batch(Table::Ledger, 2), batch(Table::Pages, 3)];
    outbox.commit(Lsn(1), &batches).expect("it is kept");
    assert!(outbox.next(Table::Ledger).is_none());
    outbox.done(0).expect("it is noted");
    assert_eq!(outbox.next(Table::Ledger).map(|it| it.number), Some(1), "the third is younger");
}

#[test]
fn a_crash_after_a_commit_or_a_note_forgets_neither() {
    let disks = Disks::default();
    let (outbox, _) = disks.open();
    outbox.commit(Lsn(7), &[batch(Table::Visits, 1)]).expect("it is kept");
    outbox.note(0, b"token").expect("it is kept");
    let incarnation = outbox.incarnation();
    let (again, reached) = disks.without_power(0).open();
    assert_eq!((reached.lsn, reached.waiting), (Lsn(7), 1));
    assert_eq!(again.incarnation(), incarnation);
    let found = again.next(Table::Visits).expect("it waits");
    assert_eq!((found.number, found.note.as_deref()), (0, Some(&b"token"[..])));
    // Numbers go on, also when all before them are done and their segments gone.
    again.done(0).expect("it is noted");
    again.commit(Lsn(8), &[batch(Table::Visits, 2)]).expect("it is kept");
    assert_eq!(again.next(Table::Visits).map(|it| it.number), Some(1));
}

#[test]
fn what_is_set_aside_stays_in_a_file_of_its_own() {
    let disks = Disks::default();
    let (outbox, _) = disks.open();
    outbox.commit(Lsn(1), &[batch(Table::Pages, 1)]).expect("it is kept");
    outbox.set_aside(0).expect("it is kept");
    assert!(outbox.next(Table::Pages).is_none());
    assert_eq!((outbox.figures().set_aside, outbox.figures().waiting), (1, 0));
    assert_eq!(disks.aside.names(), ["pages-202611-schema1-0.rowbinary"]);
    let kept = disks.aside.read("pages-202611-schema1-0.rowbinary").expect("a file");
    assert_eq!(kept, batch(Table::Pages, 1).bytes);
    let (again, reached) = disks.without_power(0).open();
    assert_eq!(again.figures().set_aside, 1);
    // Its "done" need not be durable: it may wait again, and is set aside again.
    assert!(reached.waiting <= 1);
}

#[test]
fn it_says_when_it_is_full_and_still_takes_what_was_counted() {
    let (outbox, _) = Disks::default().open();
    for number in 0..400 {
        assert_eq!(outbox.figures().full, outbox.figures().waiting_bytes >= MAX_BYTES);
        outbox.commit(Lsn(number), &[batch(Table::Visits, number)]).expect("it is kept");
    }
    assert!(outbox.figures().full);
    while let Some(found) = outbox.next(Table::Visits) {
        outbox.done(found.number).expect("it is noted");
    }
    assert!(!outbox.figures().full);
    assert_eq!(outbox.figures().waiting_bytes, 0);
}

#[test]
fn a_full_disk_keeps_what_was_there_and_says_no() {
    let disks = Disks::default();
    let (outbox, _) = disks.open();
    outbox.commit(Lsn(1), &[batch(Table::Visits, 1)]).expect("it is kept");
    disks.log.fail(Some(Fault::All));
    assert!(outbox.commit(Lsn(2), &[batch(Table::Visits, 2)]).is_err());
    assert!(outbox.note(0, b"token").is_err());
    disks.log.fail(None);
    outbox.commit(Lsn(2), &[batch(Table::Visits, 2)]).expect("it is kept");
    let bytes: Vec<Vec<u8>> = waiting(&outbox).into_iter().map(|(_, bytes, _)| bytes).collect();
    assert_eq!(bytes, [b"rows 1".to_vec(), b"rows 2".to_vec()]);
}

#[derive(Clone, Debug)]
enum Step {
    Commit(Vec<u8>),
    Note,
    Done,
    TornCommit(usize),
    Crash(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => proptest::collection::vec(0..3_u8, 0..4).prop_map(Step::Commit),
        2 => Just(Step::Note),
        4 => Just(Step::Done),
        1 => (0..150_usize).prop_map(Step::TornCommit),
        2 => any::<u64>().prop_map(Step::Crash),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// A committed batch waits until it is done, whatever crashes; numbers are never used twice;
    /// the place that it reaches never goes back.
    #[test]
    fn every_committed_batch_waits_until_it_is_done(
        steps in proptest::collection::vec(step(), 1..60),
    ) {
        let mut disks = Disks::default();
        let (mut outbox, _) = disks.open();
        let (mut model, mut done, mut unsynced) = (BTreeMap::new(), Vec::new(), 0);
        let (mut reached, mut content, mut highest) = (0, 0_u64, None);
        for step in steps {
            match step {
                Step::Commit(tables) => {
                    let tables = tables.iter().map(|at| Table::ALL[usize::from(*at)]);
                    let first = outbox.state().next_number;
                    prop_assert!(highest.is_none_or(|highest| first > highest));
                    let batches: Vec<NewBatch> =
                        tables.map(|table| { content += 1; batch(table, content) }).collect();
                    reached += 5;
                    prop_assert!(outbox.commit(Lsn(reached), &batches).is_ok());
                    for (number, batch) in (first..).zip(batches) {
                        model.insert(number, (batch.bytes, None));
                        highest = Some(number);
                    }
                }
                Step::TornCommit(bytes) => {
                    disks.log.fail(Some(Fault::Append(bytes)));
                    let torn = outbox.commit(Lsn(reached + 5), &[batch(Table::Visits, 0)]);
                    prop_assert!(torn.is_err());
                    disks.log.fail(None);
                }
                Step::Note => {
                    if let Some((number, entry)) = model.iter_mut().next() {
                        prop_assert!(outbox.note(*number, b"note").is_ok());
                        entry.1 = Some(b"note".to_vec());
                    }
                }
                Step::Done => {
                    if let Some((number, entry)) = model.pop_first() {
                        prop_assert!(outbox.done(number).is_ok());
                        unsynced += 1;
                        done.push((number, entry));
                    }
                }
                Step::Crash(seed) => {
                    disks = disks.without_power(seed);
                    let (again, found) = disks.open();
                    outbox = again;
                    prop_assert_eq!(found.lsn, Lsn(reached));
                    // A "done" that was not synced is forgotten: the batch waits again.
                    prop_assert!(found.bad_frames <= unsynced, "each is a done");
                    let there: Vec<u64> = waiting(&outbox).iter().map(|it| it.0).collect();
                    for (number, entry) in done.drain(..) {
                        if there.contains(&number) {
                            model.insert(number, entry);
                        }
                    }
                }
            }
            let there = waiting(&outbox);
            let expected: Vec<_> =
                model.iter().map(|(number, (bytes, note))| (*number, bytes.clone(), note.clone())).collect();
            prop_assert_eq!(there, expected);
        }
    }
}
