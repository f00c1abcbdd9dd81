//! A collector on disks that forget, and a ClickHouse that does not.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::app::counting::Counting;
use crate::app::recover::find;
use crate::count::Rows;
use crate::edge::Sink as _;
use crate::hit::{
    Bucket, Clock, Day, Hit, HitKind, ManualClock, Record, Second, SiteName, Text, VisitDims,
    Visitor,
};
use crate::keys::{Keys, VisitorParts};
use crate::outbox::{NewBatch, Outbox, Table};
use crate::spool::disk::{Disk, RealDisk};
use crate::spool::memory::{Life, MemoryDisk};
use crate::spool::{Durability, Frame, Lsn, Spool, SpoolConfig, SpoolWriter};
use crate::store::{Kind, columns};

/// Small, so that segments come and go.
const SEGMENT_BYTES: u64 = 700;
pub(super) const NOW: Second = Second(1_800_000_000);
const TODAY: Day = Day(20_833);

/// What lasts when a program ends.
#[derive(Clone)]
pub(super) struct Machine {
    spool: MemoryDisk,
    outbox: MemoryDisk,
    aside: MemoryDisk,
    keys: Arc<Keys>,
}

impl Default for Machine {
    fn default() -> Self {
        let disk = MemoryDisk::default;
        Self { spool: disk(), outbox: disk(), aside: disk(), keys: Arc::new(Keys::memory()) }
    }
}

impl Machine {
    /// It, when the power is back. The kernel's keys are gone, or, so that every counter can be
    /// compared, are not.
    pub(super) fn without_power(&self, seed: u64, keys_die: bool) -> Self {
        let keys = if keys_die { Arc::new(Keys::memory()) } else { Arc::clone(&self.keys) };
        Self {
            spool: self.spool.without_power(seed),
            outbox: self.outbox.without_power(seed.rotate_left(1)),
            aside: self.aside.without_power(seed.rotate_left(2)),
            keys,
        }
    }

    /// A page view of `page`.
    pub(super) fn hit(&self, visitor: u64, page: &str) -> Record {
        hit(&self.keys, visitor, page)
    }

    /// What a program finds on it that lives so long.
    pub(super) fn found(&self, life: &Life) -> Found {
        let disk = |disk: &MemoryDisk| Arc::new(disk.for_life(life)) as Arc<dyn Disk>;
        Found {
            spool: disk(&self.spool),
            outbox: disk(&self.outbox),
            aside: disk(&self.aside),
            keys: Arc::clone(&self.keys),
        }
    }
}

/// A page view of `page`.
pub(super) fn hit(keys: &Keys, visitor: u64, page: &str) -> Record {
    let key = keys.day_key("UTC", TODAY, NOW, Second(NOW.0 + 3600)).expect("a key");
    let address = visitor.to_le_bytes();
    let parts = VisitorParts { address: &address, agent: b"", language: b"", device: b"" };
    let id = key.site_key(&site()).visitor_id(&parts);
    Record::Hit(Hit {
        site: site(),
        at: NOW,
        day: TODAY,
        hour: Bucket(0),
        visitor: Visitor::Known { key: key.id(), id, before: None },
        kind: HitKind::Pageview,
        hostname: Text::EMPTY,
        page: text(page),
        dims: Box::new(VisitDims::default()),
    })
}

/// The one site.
pub(super) fn site() -> SiteName {
    SiteName::parse("a.example").expect("a domain")
}

/// What a program starts on.
pub(super) struct Found {
    spool: Arc<dyn Disk>,
    outbox: Arc<dyn Disk>,
    aside: Arc<dyn Disk>,
    keys: Arc<Keys>,
}

impl Found {
    /// What is in a folder of this machine.
    pub(super) fn in_folder(folder: &Path, keys: &Arc<Keys>) -> Self {
        let disk =
            |name| Arc::new(RealDisk::open(folder.join(name)).expect("a folder")) as Arc<dyn Disk>;
        let (spool, outbox, aside) = (disk("spool"), disk("outbox"), disk("outbox/aside"));
        Self { spool, outbox, aside, keys: Arc::clone(keys) }
    }
}

#[expect(clippy::disallowed_methods, reason = "a test's own text")]
fn text(text: &str) -> Text {
    Text::from_scrubbed(text)
}

/// What a start finds in the spool that it did not find before is told here, and each frame that
/// the counter gets.
pub(super) type Told<'a> = &'a mut dyn FnMut(Lsn, &Record);

/// A running collector: the real spool, counter and outbox, wired as `serve` wires them.
pub(super) struct Collector {
    spool: Arc<SpoolWriter>,
    frames: Receiver<Frame>,
    counting: Counting,
    pub(super) outbox: Arc<Outbox>,
}

impl Collector {
    /// Starts on what is there. None: its life ended before it ran.
    pub(super) fn start(found: Found, told: Told<'_>) -> Option<Self> {
        let config = SpoolConfig {
            dir: "nowhere".into(),
            durability: Durability::Disk,
            segment_bytes: SEGMENT_BYTES,
            max_bytes: 1 << 30,
        };
        let clock = Arc::new(ManualClock::at(NOW)) as Arc<dyn Clock>;
        let (spool, recovery) =
            Spool::open_on(found.spool, config, found.keys, clock, None).ok()?;
        assert_eq!(recovery.bad_frames, 0, "no fault of the disk damages a frame of the spool");
        let (outbox, reached) =
            Outbox::open_on(found.outbox, found.aside, SEGMENT_BYTES, 1 << 30).ok()?;
        let outbox = Arc::new(outbox);
        let replayed = spool.past().replay(recovery.first, &mut |lsn, record| told(lsn, &record));
        replayed.ok()?;
        let keep = |reached, rows: &Rows| outbox.commit(reached, &crate::store::encode(rows, "n"));
        let past = find(&spool, recovery, reached).ok()?;
        let (sender, frames) = sync_channel(1024);
        let spool = spool.start(past.next, sender).expect("a thread");
        let applied = past.next;
        let Ok(recovered) = past.recover(keep) else {
            spool.stop();
            return None;
        };
        let counting = Counting {
            counter: Arc::new(Mutex::new(recovered.counter)),
            deltas: recovered.deltas,
            unkept: VecDeque::new(),
            applied,
            outbox: Arc::clone(&outbox),
            spool: Arc::clone(&spool),
            node: "n".to_owned(),
            checkpoint_interval: Duration::from_secs(1),
            keeping: None,
        };
        Some(Self { spool, frames, counting, outbox })
    }

    /// Sends one request's records; whether they were acknowledged.
    pub(super) async fn submit(&self, records: Vec<Record>) -> bool {
        match self.spool.submit(records) {
            Ok(receipt) => {
                self.spool.flush();
                receipt.kept().await.is_ok()
            }
            Err(_) => false,
        }
    }

    /// Counts what was committed.
    pub(super) fn count(&mut self, told: Told<'_>) {
        while let Ok(frame) = self.frames.try_recv() {
            for (lsn, record) in (frame.first.0..).zip(&frame.records) {
                told(Lsn(lsn), record);
            }
            self.counting.take(&frame);
        }
    }

    /// Hands what was counted to the outbox.
    pub(super) fn cut(&mut self) -> bool {
        self.counting.cut()
    }

    /// Keeps a checkpoint, after a cut that was kept.
    pub(super) fn checkpoint(&mut self) {
        if self.counting.cut() {
            self.counting.checkpoint();
        }
    }

    /// Ends its threads; where its life is over, nothing is kept by that.
    pub(super) fn stop(&self) {
        self.spool.stop();
    }
}

/// ClickHouse, as the sender meets it: a batch is there once, by its marker.
#[derive(Default)]
pub(super) struct ClickHouse {
    batches: BTreeMap<([u8; 16], u64), NewBatch>,
}

impl ClickHouse {
    /// Writes the next batch of a table. Whether there was one.
    pub(super) fn take(&mut self, outbox: &Outbox, table: Table) -> bool {
        let Some(batch) = outbox.next(table) else { return false };
        // Its note comes before it is sent; where that cannot be kept, nothing is sent.
        if outbox.note(batch.number, b"token").is_err() {
            return false;
        }
        self.insert(outbox.incarnation(), batch.number, &batch.content);
        outbox.done(batch.number).is_ok()
    }

    /// Takes a batch, unless its marker is there.
    pub(super) fn insert(&mut self, incarnation: [u8; 16], number: u64, batch: &NewBatch) {
        let there = self.batches.entry((incarnation, number)).or_insert_with(|| batch.clone());
        assert!(there == batch, "batch {number} was given to other rows");
    }

    /// The sums of everything in it.
    pub(super) fn sums(&self) -> Sums {
        sums(self.batches.values())
    }
}

/// A table and the texts of a key, and its counters.
pub(super) type Sums = BTreeMap<(&'static str, Vec<String>), BTreeMap<&'static str, i64>>;

/// What these batches add up to.
pub(super) fn sums<'a>(batches: impl IntoIterator<Item = &'a NewBatch>) -> Sums {
    let mut sums = Sums::new();
    for batch in batches {
        let mut input = batch.bytes.as_slice();
        while !input.is_empty() {
            let (mut key, mut counters) = (Vec::new(), Vec::new());
            for column in columns(batch.table, batch.schema).expect("a schema") {
                match column.kind {
                    Kind::Text => key.push(take_text(&mut input)),
                    Kind::Time => key.push(u32::from_le_bytes(take(&mut input)).to_string()),
                    Kind::Count => {
                        counters.push((column.name, i64::from_le_bytes(take(&mut input))));
                    }
                }
            }
            let of_key = sums.entry((batch.table.name(), key)).or_default();
            for (name, count) in counters {
                *of_key.entry(name).or_default() += count;
            }
        }
    }
    // Deltas of several batches may add up to nothing.
    sums.retain(|_, counters| counters.values().any(|count| *count != 0));
    sums
}

fn take<const N: usize>(input: &mut &[u8]) -> [u8; N] {
    let (bytes, rest) = input.split_first_chunk().expect("a whole row");
    *input = rest;
    *bytes
}

fn take_text(input: &mut &[u8]) -> String {
    let [length] = take(input);
    assert!(length < 0x80, "the test's texts are short");
    let text = input.split_off(..usize::from(length)).expect("a whole text");
    String::from_utf8(text.to_vec()).expect("UTF-8")
}
