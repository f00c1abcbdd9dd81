//! The running spool: what it acknowledges, refuses, replays and forgets.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};

use crate::edge::{Refused, Sink};
use crate::hit::{
    Bucket, Clock, Day, DropReason, Hit, HitKind, ManualClock, Record, RejectReason, Second,
    SiteName, Text, VisitDims, Visitor,
};
use crate::keys::{Keys, VisitorParts};
use crate::spool::disk::Disk;
use crate::spool::memory::{Fault, MemoryDisk};
use crate::spool::{Durability, Frame, Lsn, Section, Spool, SpoolConfig, SpoolError, SpoolWriter};

const NOW: Second = Second(1_800_000_000);

pub(super) struct Bench {
    pub(super) disk: MemoryDisk,
    pub(super) keys: Arc<Keys>,
    pub(super) clock: Arc<ManualClock>,
    pub(super) segment_bytes: u64,
    pub(super) max_bytes: u64,
}

impl Bench {
    pub(super) fn new() -> Self {
        Self {
            disk: MemoryDisk::default(),
            keys: Arc::new(Keys::memory()),
            clock: Arc::new(ManualClock::at(NOW)),
            segment_bytes: 2_000,
            max_bytes: 1 << 30,
        }
    }

    pub(super) fn open(&self) -> Spool {
        let config = SpoolConfig {
            dir: "nowhere".into(),
            durability: Durability::Disk,
            segment_bytes: self.segment_bytes,
            max_bytes: self.max_bytes,
        };
        let disk = Arc::new(self.disk.clone()) as Arc<dyn Disk>;
        let clock = Arc::clone(&self.clock) as Arc<dyn Clock>;
        let opened = Spool::open_on(disk, config, Arc::clone(&self.keys), clock, None);
        opened.map_or_else(|error| panic!("{error}"), |(spool, _)| spool)
    }

    pub(super) fn start(&self) -> (Arc<SpoolWriter>, Receiver<Frame>) {
        let (frames, committed) = sync_channel(1024);
        (self.open().start(Lsn(0), frames).expect("a thread"), committed)
    }

    pub(super) fn replay(&self) -> Vec<(u64, Record)> {
        let mut records = Vec::new();
        let spool = self.open();
        let replayed =
            spool.past().replay(Lsn(0), &mut |lsn, record| records.push((lsn.0, record)));
        assert!(replayed.is_ok());
        records
    }

    /// The last checkpoint, if there is a whole one.
    pub(super) fn checkpoint(&self) -> Result<Option<(Lsn, Vec<Section>)>, SpoolError> {
        let mut sections = Vec::new();
        let reached = self.open().past().load_checkpoint(&mut |section| sections.push(section))?;
        Ok(reached.map(|reached| (reached, sections)))
    }

    pub(super) fn hit(&self, page: &str) -> Record {
        let dies_at = Second(NOW.0 + 3600);
        let key = self.keys.day_key("UTC", Day(1), NOW, dies_at).expect("a key");
        let parts = VisitorParts {
            address: b"address",
            agent: page.as_bytes(),
            language: b"",
            device: b"",
        };
        let id = key.site_key(&site()).visitor_id(&parts);
        Record::Hit(Hit {
            site: site(),
            at: NOW,
            day: Day(1),
            hour: Bucket(0),
            visitor: Visitor::Known { key: key.id(), id, before: None },
            kind: HitKind::Pageview,
            hostname: Text::EMPTY,
            page: text(page),
            dims: Box::new(VisitDims::default()),
        })
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own text")]
fn text(text: &str) -> Text {
    Text::from_scrubbed(text)
}

fn site() -> SiteName {
    SiteName::parse("a.example").expect("a domain")
}

/// Whether it was kept; none: it was not taken.
pub(super) fn kept(writer: &SpoolWriter, record: Record) -> Option<Result<(), Refused>> {
    let receipt = writer.submit(vec![record]).ok()?;
    writer.flush();
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    Some(runtime.block_on(receipt.kept()))
}

/// The arrivals of the ledger in these records: received, and accounted for.
fn balance(records: &[(u64, Record)]) -> (u64, u64) {
    let mut balance = (0, 0);
    for (_, record) in records {
        match record {
            Record::Received { hits, .. } => balance.0 += hits,
            Record::Hit(_) | Record::Mail(_) | Record::Drop { .. } => balance.1 += 1,
            Record::Reject { hits, .. } => balance.1 += hits,
            Record::DayEnd { .. }
            | Record::KeysLost { .. }
            | Record::MailingOver { .. }
            | Record::Passed { .. } => {}
        }
    }
    balance
}

#[test]
fn what_was_kept_reaches_the_counter_and_comes_back_in_order() {
    let bench = Bench::new();
    let (writer, committed) = bench.start();
    for page in ["/a", "/b", "/c"] {
        assert_eq!(kept(&writer, bench.hit(page)), Some(Ok(())));
    }
    let (at, reason) = (NOW, DropReason::Bot);
    assert_eq!(kept(&writer, Record::Drop { site: site(), at, reason }), Some(Ok(())));
    writer.refuse(&site(), NOW, RejectReason::Malformed);
    writer.stop();

    let mut live = Vec::new();
    for Frame { first, records, .. } in committed {
        live.extend((first.0..).zip(records));
    }
    let replayed = bench.replay();
    assert!(live == replayed, "the counter saw what a replay sees");
    let places: Vec<u64> = replayed.iter().map(|(lsn, _)| *lsn).collect();
    assert_eq!(places, (0..replayed.len() as u64).collect::<Vec<_>>());
    assert_eq!(balance(&replayed), (5, 5));
    let pages = replayed.iter().filter_map(|(_, record)| match record {
        Record::Hit(hit) => Some(hit.page.as_str()),
        _ => None,
    });
    assert_eq!(pages.collect::<Vec<_>>(), ["/a", "/b", "/c"]);
}

#[test]
fn a_crash_after_the_answer_loses_nothing() {
    let bench = Bench::new();
    let (writer, _committed) = bench.start();
    for page in ["/a", "/b"] {
        assert_eq!(kept(&writer, bench.hit(page)), Some(Ok(())));
    }
    let crashed =
        Bench { disk: bench.disk.without_power(0), keys: Arc::clone(&bench.keys), ..Bench::new() };
    let hits = crashed.replay().iter().filter(|(_, it)| matches!(it, Record::Hit(_))).count();
    assert_eq!(hits, 2);
    writer.stop();
}

#[test]
fn a_disk_that_fails_refuses_and_the_ledger_still_balances() {
    let bench = Bench::new();
    let (writer, _committed) = bench.start();
    let wait_until_it_takes_hits = || {
        // It tries by itself, four times a second, until the refusals are kept.
        while writer.figures().refusing {
            std::thread::yield_now();
        }
    };
    for fault in [Fault::Append(20), Fault::Sync] {
        wait_until_it_takes_hits();
        bench.disk.fail(Some(fault));
        assert_eq!(kept(&writer, bench.hit("/lost")), Some(Err(Refused)));
    }
    wait_until_it_takes_hits();
    bench.disk.fail(Some(Fault::All));
    let mut turned_away = 0;
    for _ in 0..3 {
        if let Some(kept) = kept(&writer, bench.hit("/lost")) {
            assert_eq!(kept, Err(Refused));
        } else {
            turned_away += 1;
            writer.refuse(&site(), NOW, RejectReason::Shed);
        }
    }
    assert!(turned_away == 2 && writer.figures().refusing);
    bench.disk.fail(None);
    wait_until_it_takes_hits();
    assert_eq!(kept(&writer, bench.hit("/kept")), Some(Ok(())));
    writer.stop();
    let replayed = bench.replay();
    assert_eq!(balance(&replayed), (6, 6));
    let shed: u64 = replayed
        .iter()
        .map(|(_, record)| match record {
            Record::Reject { reason: RejectReason::Shed, hits, .. } => *hits,
            _ => 0,
        })
        .sum();
    assert_eq!(shed, 5);
}

#[test]
fn a_full_spool_or_outbox_takes_nothing() {
    let bench = Bench { max_bytes: 600, ..Bench::new() };
    let (writer, _committed) = bench.start();
    let taken = (0..100).take_while(|_| kept(&writer, bench.hit("/x")) == Some(Ok(()))).count();
    assert!((1..100).contains(&taken), "{taken} fit");
    assert!(writer.submit(vec![bench.hit("/x")]).is_err());
    writer.stop();

    let bench = Bench::new();
    let (writer, _committed) = bench.start();
    writer.set_outbox_full(true);
    assert!(writer.submit(vec![bench.hit("/x")]).is_err());
    writer.set_outbox_full(false);
    assert_eq!(kept(&writer, bench.hit("/x")), Some(Ok(())));
    writer.stop();
    assert!(
        writer.submit(vec![bench.hit("/x")]).is_err(),
        "a spool that has stopped takes nothing"
    );
}

#[test]
fn ids_cannot_be_read_once_their_key_has_died() {
    let bench = Bench::new();
    let (writer, _committed) = bench.start();
    assert_eq!(kept(&writer, bench.hit("/a")), Some(Ok(())));
    let id = |record: &Record| match record {
        Record::Hit(hit) => match hit.visitor {
            Visitor::Known { id, .. } => Some(id.to_raw()),
            Visitor::Withheld | Visitor::Lost => None,
        },
        _ => None,
    };
    let alive = id(&bench.replay()[0].1).expect("the key lives");
    for name in bench.disk.names() {
        let bytes = bench.disk.read(&name).expect("a file");
        let plain = bytes.windows(8).any(|window| window == alive.to_le_bytes());
        assert!(!plain, "{name} holds the id in the clear");
    }
    assert_eq!(bench.keys.destroy_due(Second(NOW.0 + 3600)).len(), 1);
    assert_eq!(id(&bench.replay()[0].1), None);
    writer.stop();
}

#[test]
fn a_checkpoint_lets_go_of_what_it_holds_and_loses_a_dead_days_part() {
    let bench = Bench::new();
    let (writer, committed) = bench.start();
    for number in 0..60 {
        assert_eq!(kept(&writer, bench.hit(&format!("/{number}"))), Some(Ok(())));
    }
    let reached = writer.figures().next;
    let before = writer.figures().bytes;
    let Record::Hit(Hit { visitor: Visitor::Known { key, .. }, .. }) = bench.hit("/") else {
        panic!("a hit of a known visitor")
    };
    let section = |key, bytes: &[u8]| Section { key, bytes: bytes.to_vec() };
    let sections = [section(None, b"totals"), section(Some(key), b"the day's visitors")];
    assert!(writer.checkpoint(reached, sections).is_ok());
    assert!(writer.figures().bytes < before / 2);
    writer.stop();
    drop(committed);

    let load = || {
        let loaded = bench.checkpoint().expect("it can be read");
        let (lsn, parts) = loaded?;
        Some((lsn, parts.into_iter().map(|part| part.bytes).collect::<Vec<_>>()))
    };
    let both = vec![b"totals".to_vec(), b"the day's visitors".to_vec()];
    assert_eq!(load(), Some((reached, both)));
    assert!(bench.replay().iter().all(|(lsn, _)| *lsn + 60 > reached.0), "the rest is gone");
    let plain = bench.disk.read("checkpoint").expect("a file");
    assert!(!plain.windows(6).any(|window| window == b"totals"));

    bench.keys.destroy_due(Second(NOW.0 + 3600));
    assert_eq!(load(), Some((reached, vec![b"totals".to_vec()])));
    for at in [0, plain.len() / 2, plain.len() - 1] {
        let damaged = Bench { disk: bench.disk.copy(), ..Bench::new() };
        damaged.disk.change("checkpoint", |bytes| bytes[at] ^= 1);
        assert!(damaged.checkpoint().expect("it can be read").is_none());
    }
}

#[test]
fn a_damaged_key_file_or_a_folder_in_use_is_said_to_be_so() {
    let bench = Bench::new();
    drop(bench.open());
    bench.disk.change("spool.key", |bytes| bytes.truncate(31));
    let config = |dir| SpoolConfig {
        dir,
        durability: Durability::Disk,
        segment_bytes: 2_000,
        max_bytes: 1 << 20,
    };
    let disk = Arc::new(bench.disk.clone()) as Arc<dyn Disk>;
    let clock = || Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>;
    let opened =
        Spool::open_on(disk, config("nowhere".into()), Arc::clone(&bench.keys), clock(), None);
    assert!(matches!(opened.map(drop), Err(SpoolError::Key)));

    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let keys = Arc::new(Keys::memory());
        Spool::open(config(folder.path().join("spool")), keys, clock())
    };
    let first = open().map(|(spool, _)| spool).map_err(drop).expect("it is free");
    assert!(matches!(open().map(drop), Err(SpoolError::Locked)));
    drop(first);
    assert!(open().is_ok());
}

#[test]
fn a_newer_programs_checkpoint_is_refused_by_a_sentence() {
    let bench = Bench::new();
    let (writer, _frames) = bench.start();
    assert!(writer.checkpoint(Lsn(0), []).is_ok());
    writer.stop();
    bench.disk.change("checkpoint", |bytes| {
        bytes[8] = 9;
        let content = bytes.len() - 32;
        let sum = blake3::hash(&bytes[..content]);
        bytes[content..].copy_from_slice(sum.as_bytes());
    });
    let sentence = "a newer headcount (format 9, this one knows 2): run";
    for error in [bench.checkpoint().err(), bench.open().checkpoint_reached().err()] {
        let error = error.expect("it is newer").to_string();
        assert!(error.contains(sentence), "{error}");
    }
}

#[test]
fn a_checkpoint_of_many_sections_comes_back_in_order_and_its_head_says_where_it_reaches() {
    let bench = Bench::new();
    let (writer, _frames) = bench.start();
    let Record::Hit(Hit { visitor: Visitor::Known { key, .. }, .. }) = bench.hit("/") else {
        panic!("a hit of a known visitor")
    };
    let section = |number: u8| {
        let key = (!number.is_multiple_of(5)).then_some(key);
        Section { key, bytes: vec![number; 150_000] }
    };
    writer.checkpoint(Lsn(7), (0..40).map(section)).expect("it is kept");
    writer.stop();
    let (reached, sections) = bench.checkpoint().expect("it can be read").expect("it is whole");
    assert_eq!(reached, Lsn(7));
    assert_eq!(bench.open().checkpoint_reached().expect("it can be read"), Some(Lsn(7)));
    assert_eq!(sections.len(), 40);
    for (number, (section, was)) in sections.iter().zip((0..40).map(section)).enumerate() {
        assert!(section.key == was.key && section.bytes == was.bytes, "{number}");
    }
}

#[test]
fn what_was_there_is_read_while_more_is_written() {
    let bench = Bench::new();
    let (writer, _frames) = bench.start();
    for page in ["/a", "/b"] {
        assert_eq!(kept(&writer, bench.hit(page)), Some(Ok(())));
    }
    writer.stop();
    let before = bench.replay();
    let spool = bench.open();
    let past = spool.past();
    let (frames, committed) = sync_channel(1024);
    let writer = spool.start(Lsn(0), frames).expect("a thread");
    assert_eq!(kept(&writer, bench.hit("/c")), Some(Ok(())));
    let mut read = Vec::new();
    let replayed = past.replay(Lsn(0), &mut |lsn, record| read.push((lsn.0, record)));
    assert!(replayed.is_ok() && read == before, "no more than what was there");
    writer.stop();
    let frame = committed.recv().expect("a frame");
    assert_eq!(frame.first, Lsn(before.len() as u64), "it goes on where that ends");
    assert_eq!(bench.replay().len(), before.len() + frame.records.len());
}

#[test]
fn a_section_cannot_be_put_to_another_place() {
    let bench = Bench::new();
    let (writer, _frames) = bench.start();
    let section = |byte| Section { key: None, bytes: vec![byte; 10] };
    writer.checkpoint(Lsn(0), [section(1), section(2)]).expect("it is kept");
    writer.stop();
    bench.disk.change("checkpoint", |bytes| {
        let (head, sum) = (24, bytes.len() - 33);
        let length = (sum - head) / 2;
        bytes[head..sum].rotate_left(length);
        let content = bytes.len() - 32;
        let sum = blake3::hash(&bytes[..content]);
        bytes[content..].copy_from_slice(sum.as_bytes());
    });
    assert!(bench.checkpoint().expect("it can be read").is_none());
}
