//! The log under torn writes, flipped bytes, failing disks and crashes.

use std::sync::Arc;

use proptest::prelude::*;
use zeroize::Zeroizing;

use crate::spool::disk::Disk as _;
use crate::spool::log::{Log, LogError, Opened, Shape};
use crate::spool::memory::{Fault, MemoryDisk};

const SHAPE: Shape = Shape { kind: 7, segment_bytes: 400, ahead_bytes: 150 };

fn open(disk: &MemoryDisk) -> (Log, Opened) {
    let root = Zeroizing::new([5; 32]);
    let opened = Log::open(Arc::new(disk.clone()), root, SHAPE);
    opened.unwrap_or_else(|error| panic!("it opens: {error:?}"))
}

/// A frame of two items: its payload says where it stands.
fn payload(first: u64) -> Vec<u8> {
    format!("items from {first} on, and some more bytes").into_bytes()
}

fn append(log: &mut Log, first: u64) -> bool {
    log.append(first, 2, payload(first), true).is_ok()
}

/// The first items of the frames that can be read, each checked.
fn read(log: &Log) -> Vec<u64> {
    let mut firsts = Vec::new();
    let whole = log.each(0, |frame| {
        assert_eq!(frame.payload, payload(frame.first));
        let again = log.read(frame.place).ok().flatten();
        assert_eq!(again.as_deref(), Some(frame.payload.as_slice()), "and again by its place");
        firsts.push(frame.first);
    });
    assert!(whole.is_ok());
    firsts
}

/// A disk with five frames in one segment, and the offsets at which they begin and end.
fn five_frames() -> (MemoryDisk, String, Vec<usize>) {
    let disk = MemoryDisk::default();
    let root = Zeroizing::new([5; 32]);
    let opened = Log::open(Arc::new(disk.clone()), root, Shape { segment_bytes: 1 << 20, ..SHAPE });
    let Ok((mut log, _)) = opened else { panic!("it opens") };
    let mut ends = Vec::new();
    for first in [0, 2, 4, 6, 8] {
        ends.push(usize::try_from(log.bytes()).expect("small"));
        assert!(append(&mut log, first));
    }
    ends.push(usize::try_from(log.bytes()).expect("small"));
    ends[0] = ends[1] - (ends[2] - ends[1]);
    (disk, "0000000000000000.seg".to_owned(), ends)
}

#[test]
fn a_torn_tail_is_cut_on_open_wherever_it_is_torn() {
    let (disk, name, ends) = five_frames();
    for length in ends[2]..=ends[5] {
        let torn = disk.copy();
        torn.change(&name, |bytes| bytes.truncate(length));
        let (mut log, opened) = open(&torn);
        let whole = ends.iter().rposition(|end| *end <= length).expect("after the second");
        let expected: Vec<u64> = (0..whole as u64).map(|n| n * 2).collect();
        assert_eq!(read(&log), expected, "cut at {length}");
        assert_eq!(opened.next, whole as u64 * 2);
        // Zeros at its end cannot be told from room that was made ahead.
        let bytes = disk.read(&name).expect("it is there");
        let last = bytes[ends[whole]..length].iter().rposition(|byte| *byte != 0);
        assert_eq!(opened.torn_bytes, last.map_or(0, |last| last as u64 + 1));
        assert_eq!(opened.bad_frames, 0);
        // And it goes on from there, also after another open.
        assert!(append(&mut log, opened.next));
        let (log, again) = open(&torn);
        assert_eq!((again.torn_bytes, again.next), (0, opened.next + 2));
        assert_eq!(read(&log).last(), Some(&opened.next));
    }
}

#[test]
fn zeros_are_written_ahead_of_frames_as_far_as_the_segment_goes_and_are_no_torn_tail() {
    let disk = MemoryDisk::default();
    let (mut log, _) = open(&disk);
    let name = "0000000000000000.seg";
    let mut lengths = Vec::new();
    for first in [0, 2, 4] {
        assert!(append(&mut log, first));
        let bytes = disk.read(name).expect("it is there");
        let frames = usize::try_from(log.bytes()).expect("small");
        assert!(bytes[frames..].iter().all(|byte| *byte == 0));
        lengths.push(bytes.len() - frames);
    }
    let frame = lengths[0] - lengths[1];
    assert_eq!(lengths, [150, 150 - frame, 400 - (48 + 3 * frame)], "a frame has {frame} bytes");
    let (_, opened) = open(&disk);
    assert_eq!((opened.torn_bytes, opened.bad_frames, opened.next), (0, 0, 6));
}

#[test]
fn a_disk_without_room_for_zeros_takes_frames() {
    let disk = MemoryDisk::default();
    let (mut log, _) = open(&disk);
    for first in [0, 2] {
        disk.fail(Some(Fault::Room));
        assert!(append(&mut log, first));
        assert_eq!(
            disk.read("0000000000000000.seg").map(|bytes| bytes.len() as u64).ok(),
            Some(log.bytes())
        );
    }
    assert_eq!(read(&open(&disk).0), [0, 2]);
}

#[test]
fn a_flipped_byte_costs_its_own_frame_and_no_other() {
    let (disk, name, ends) = five_frames();
    for at in ends[2]..ends[5] {
        for bit in [0, 5] {
            let damaged = disk.copy();
            damaged.change(&name, |bytes| bytes[at] ^= 1 << bit);
            let (log, opened) = open(&damaged);
            let hit = ends.iter().rposition(|end| *end <= at).expect("a frame") as u64;
            let expected: Vec<u64> = (0..5).filter(|n| *n != hit).map(|n| n * 2).collect();
            assert_eq!(read(&log), expected, "bit {bit} of byte {at}");
            // The last frame cannot be told from one that was torn.
            let is_last = hit == 4;
            assert_eq!(opened.bad_frames, u64::from(!is_last), "bit {bit} of byte {at}");
            assert_eq!(opened.torn_bytes > 0, is_last);
        }
    }
}

#[test]
fn a_last_segment_with_a_damaged_head_is_put_aside_and_not_deleted() {
    let (disk, name, _) = five_frames();
    disk.change(&name, |bytes| bytes[9] ^= 1);
    let (mut log, opened) = open(&disk);
    assert_eq!((opened.bad_frames, opened.torn_bytes), (1, 0));
    assert!(disk.names().contains(&format!("{name}.damaged")), "{:?}", disk.names());
    assert!(append(&mut log, opened.next), "the log goes on");
    let (log, opened) = open(&disk);
    assert_eq!(opened.bad_frames, 0);
    assert_eq!(read(&log).len(), 1);
}

#[test]
fn another_installations_frames_are_not_opened() {
    let (disk, _, _) = five_frames();
    let other = Log::open(Arc::new(disk), Zeroizing::new([6; 32]), SHAPE);
    let Ok((log, opened)) = other else { panic!("it opens") };
    assert_eq!(opened.bad_frames, 0, "they verify");
    assert_eq!(read(&log), Vec::<u64>::new(), "and cannot be read");
}

#[test]
fn a_newer_programs_segment_is_refused() {
    let (disk, name, _) = five_frames();
    disk.change(&name, |bytes| {
        bytes[8] = 9;
        let crc = crc32c::crc32c(&bytes[..40]);
        bytes[40..44].copy_from_slice(&crc.to_le_bytes());
    });
    let newer = Log::open(Arc::new(disk), Zeroizing::new([5; 32]), SHAPE);
    assert!(matches!(newer, Err(LogError::Newer(9))));
}

#[test]
fn whole_segments_go_the_oldest_first_and_never_the_last() {
    let disk = MemoryDisk::default();
    let (mut log, _) = open(&disk);
    for first in (0..40).step_by(2) {
        assert!(append(&mut log, first));
    }
    let segments = disk.names().len();
    assert!(segments > 3);
    let mut asked = Vec::new();
    assert!(
        log.delete_oldest(|first, next| {
            asked.push((first, next));
            next <= 20
        })
        .is_ok()
    );
    assert!(asked.windows(2).all(|pair| pair[0].1 == pair[1].0), "in order: {asked:?}");
    let left = read(&log);
    assert!(left[0] <= 20 && left.contains(&20) && disk.names().len() < segments);
    assert!(log.delete_oldest(|_, _| true).is_ok());
    assert_eq!(disk.names().len(), 1);
    let (log, opened) = open(&disk);
    assert_eq!(opened.next, 40);
    assert_eq!(read(&log).last(), Some(&38));
}

#[test]
fn what_a_start_reads_is_on_the_disk_though_nobody_had_synced_it() {
    let disk = MemoryDisk::default();
    let (mut log, _) = open(&disk);
    assert!(append(&mut log, 0));
    // A process that is killed before it syncs: the kernel has the frame, the disk has not.
    assert!(log.append(2, 2, payload(2), false).is_ok());
    assert_eq!(read(&open(&disk.without_power(0)).0), [0]);
    let (_, opened) = open(&disk);
    assert_eq!(opened.next, 4);
    assert_eq!(read(&open(&disk.without_power(0)).0), [0, 2]);
}

#[test]
fn a_segment_that_is_only_a_name_is_in_nobodys_way() {
    let disk = MemoryDisk::default();
    drop(disk.create("0000000000000000.seg").expect("a file"));
    let (mut log, opened) = open(&disk);
    assert_eq!(opened, Opened::default());
    assert!(append(&mut log, 0));
}

/// What happens to the log in the model test.
#[derive(Clone, Copy, Debug)]
enum Step {
    Append,
    TornAppend(usize),
    FailedSync,
    FullDisk,
    /// The power goes, and what was not synced stays by this seed; and a start.
    Crash(u64),
    Reopen,
    Forget,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => Just(Step::Append),
        1 => (0..120_usize).prop_map(Step::TornAppend),
        1 => Just(Step::FailedSync),
        1 => Just(Step::FullDisk),
        1 => any::<u64>().prop_map(Step::Crash),
        1 => Just(Step::Reopen),
        1 => Just(Step::Forget),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// What was acknowledged is there, in order, after anything. What was not acknowledged is there
    /// at most where nothing acknowledged stands.
    #[test]
    fn the_log_keeps_what_it_acknowledged(steps in proptest::collection::vec(step(), 1..60)) {
        let mut disk = MemoryDisk::default();
        let (mut log, mut opened) = open(&disk);
        let mut next = 0;
        let mut acknowledged: Vec<u64> = Vec::new();
        let mut oldest = 0;
        for step in steps {
            match step {
                Step::Append => prop_assert!(append(&mut log, next)),
                Step::TornAppend(bytes) => {
                    disk.fail(Some(Fault::Append(bytes)));
                    prop_assert!(!append(&mut log, next));
                }
                Step::FailedSync => {
                    disk.fail(Some(Fault::Sync));
                    prop_assert!(!append(&mut log, next));
                }
                Step::FullDisk => {
                    disk.fail(Some(Fault::All));
                    prop_assert!(!append(&mut log, next));
                    prop_assert!(!append(&mut log, next));
                    disk.fail(None);
                }
                Step::Crash(seed) => {
                    disk = disk.without_power(seed);
                    (log, opened) = open(&disk);
                }
                Step::Reopen => (log, opened) = open(&disk),
                Step::Forget => {
                    let keep_from = next.saturating_sub(6);
                    prop_assert!(log.delete_oldest(|_, after| after <= keep_from).is_ok());
                    oldest = oldest.max(keep_from);
                }
            }
            match step {
                Step::Append => {
                    acknowledged.push(next);
                    next += 2;
                }
                Step::Crash(_) | Step::Reopen => {
                    prop_assert_eq!(opened.bad_frames, 0, "a crash damages nothing");
                    prop_assert!(opened.next >= next, "nothing acknowledged is cut");
                    prop_assert!(opened.next <= next + 2, "one frame at most was not");
                    next = opened.next;
                }
                _ => {}
            }
            let there = read(&log);
            prop_assert!(there.windows(2).all(|pair| pair[0] + 2 == pair[1]), "{:?}", there);
            let due: Vec<u64> =
                acknowledged.iter().copied().filter(|first| *first >= oldest).collect();
            prop_assert!(due.iter().all(|first| there.contains(first)), "{:?} of {:?}", there, due);
        }
    }
}
