//! The outbox, cut and bent at every byte.

use super::*;

const SEGMENT: &str = "0000000000000000.seg";

/// Five frames: two commits, a note, a commit and a `done`; and the places at which they begin and
/// end.
fn five_frames() -> (Disks, Vec<usize>) {
    let disks = Disks::default();
    let log = Arc::new(disks.log.clone());
    let (outbox, _) = Outbox::open_on(log, Arc::new(disks.aside.clone()), 1 << 20, MAX_BYTES)
        .unwrap_or_else(|error| panic!("{error}"));
    let end = || disks.log.read(SEGMENT).map_or(0, |bytes| bytes.len());
    outbox.commit(Lsn(10), &[batch(Table::Visits, 1)]).expect("it is kept");
    let mut ends = vec![48, end()];
    outbox.commit(Lsn(20), &[batch(Table::Pages, 2)]).expect("it is kept");
    ends.push(end());
    outbox.note(1, b"token").expect("it is kept");
    ends.push(end());
    outbox.commit(Lsn(30), &[batch(Table::Visits, 3)]).expect("it is kept");
    ends.push(end());
    outbox.done(0).expect("it is noted");
    ends.push(end());
    (disks, ends)
}

/// Checks what is left when the last three frames are whole, or are not.
fn check(
    disks: &Disks,
    [note, commit, done]: [bool; 3],
    change: impl Fn(&mut Vec<u8>),
    what: &str,
) {
    let disks = Disks { log: disks.log.copy(), aside: disks.aside.copy() };
    disks.log.change(SEGMENT, |bytes| change(bytes));
    let (outbox, reached) = disks.open();
    assert_eq!(reached.lsn, Lsn(if commit { 30 } else { 20 }), "{what}");
    let mut expected = Vec::new();
    if !done {
        expected.push((0, b"rows 1".to_vec(), None));
    }
    expected.push((1, b"rows 2".to_vec(), note.then(|| b"token".to_vec())));
    if commit {
        expected.push((2, b"rows 3".to_vec(), None));
    }
    assert_eq!(waiting(&outbox), expected, "{what}");
    // And it goes on from there.
    outbox.commit(Lsn(40), &[batch(Table::Events, 4)]).expect("it is kept");
    assert_eq!(disks.without_power(0).open().1.lsn, Lsn(40), "{what}");
}

#[test]
fn the_last_three_frames_of_the_outbox_cut_at_any_byte_leave_each_whole_one() {
    let (disks, ends) = five_frames();
    for length in ends[2]..=ends[5] {
        let whole = [3, 4, 5].map(|frame| ends[frame] <= length);
        check(&disks, whole, |bytes| bytes.truncate(length), &format!("cut at {length}"));
    }
}

#[test]
fn the_last_three_frames_of_the_outbox_bent_at_any_byte_leave_each_other_one() {
    let (disks, ends) = five_frames();
    for at in ends[2]..ends[5] {
        let whole = [2, 3, 4].map(|frame| !(ends[frame]..ends[frame + 1]).contains(&at));
        check(&disks, whole, |bytes| bytes[at] ^= 1 << (at % 8), &format!("bent at {at}"));
    }
}
