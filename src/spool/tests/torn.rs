//! Spool and checkpoint, cut and bent at every byte.

use std::sync::Arc;

use super::writer::{Bench, kept};
use crate::hit::Record;
use crate::spool::Section;
use crate::spool::disk::Disk as _;
use crate::spool::frame::{FRAME_HEAD_BYTES, FrameHead, SEGMENT_HEAD_BYTES};
use crate::spool::memory::MemoryDisk;

const SEGMENT: &str = "0000000000000000.seg";

type Records = Vec<(u64, Record)>;

/// A spool of five frames, the places at which they begin and end, and the records of each.
fn five_frames() -> (Bench, Vec<usize>, Vec<Records>) {
    let bench = Bench { segment_bytes: 1 << 20, ..Bench::new() };
    let (writer, committed) = bench.start();
    for page in ["/a", "/b", "/c", "/d", "/e"] {
        assert_eq!(kept(&writer, bench.hit(page)), Some(Ok(())));
    }
    writer.stop();
    let frames = committed.iter().map(|it| (it.first.0..).zip(it.records).collect()).collect();
    let bytes = bench.disk.read(SEGMENT).expect("the segment");
    let mut ends = vec![SEGMENT_HEAD_BYTES];
    while let Some((_, _, payload)) = FrameHead::decode(&bytes[ends[ends.len() - 1]..]) {
        ends.push(ends[ends.len() - 1] + FRAME_HEAD_BYTES + payload.len());
        if ends[ends.len() - 1] == bytes.len() {
            break;
        }
    }
    assert_eq!(ends.len(), 6);
    (bench, ends, frames)
}

/// The records that are read from a copy of the disk that was changed.
fn read(bench: &Bench, change: impl FnOnce(&MemoryDisk)) -> Records {
    let disk = bench.disk.copy();
    change(&disk);
    Bench { disk, keys: Arc::clone(&bench.keys), ..Bench::new() }.replay()
}

#[test]
fn the_last_three_frames_of_the_spool_cut_at_any_byte_leave_each_whole_one() {
    let (bench, ends, frames) = five_frames();
    for length in ends[2]..=ends[5] {
        let left = read(&bench, |disk| disk.change(SEGMENT, |bytes| bytes.truncate(length)));
        let whole = ends.iter().rposition(|end| *end <= length).expect("after the second");
        assert!(left == frames[..whole].concat(), "cut at {length}");
    }
}

#[test]
fn the_last_three_frames_of_the_spool_bent_at_any_byte_leave_each_other_one() {
    let (bench, ends, frames) = five_frames();
    for at in ends[2]..ends[5] {
        let bent = ends.iter().rposition(|end| *end <= at).expect("after the second");
        let whole: Vec<_> = frames.iter().enumerate().filter(|(n, _)| *n != bent).collect();
        let whole: Vec<_> = whole.into_iter().flat_map(|(_, records)| records.clone()).collect();
        let left = read(&bench, |disk| disk.change(SEGMENT, |bytes| bytes[at] ^= 1 << (at % 8)));
        assert!(left == whole, "bent at {at}");
    }
}

#[test]
fn a_checkpoint_cut_or_bent_at_any_byte_is_as_if_there_were_none() {
    let bench = Bench::new();
    let (writer, _committed) = bench.start();
    assert_eq!(kept(&writer, bench.hit("/a")), Some(Ok(())));
    let section = Section { key: None, bytes: b"totals".to_vec() };
    writer.checkpoint(writer.figures().next, [section]).expect("it is kept");
    writer.stop();
    let whole = bench.disk.read("checkpoint").expect("a file").len();
    let is_read = |change: &dyn Fn(&mut Vec<u8>)| {
        let disk = bench.disk.copy();
        disk.change("checkpoint", |bytes| change(bytes));
        let changed = Bench { disk, keys: Arc::clone(&bench.keys), ..Bench::new() };
        changed.checkpoint().expect("it can be read").is_some()
    };
    assert!(is_read(&|_| {}));
    for at in 0..whole {
        assert!(!is_read(&|bytes| bytes.truncate(at)), "cut at {at}");
        assert!(!is_read(&|bytes| bytes[at] ^= 1 << (at % 8)), "bent at {at}");
    }
}
