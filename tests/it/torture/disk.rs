//! A small disk for the data folder, that can be full; and every record that its spool ever held.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use headcount::hit::{Record, Second, Visitor};
use headcount::spool::Lsn;

use crate::stored;

/// Bytes of the disk: enough for what a round spools.
const DISK_BYTES: u64 = 96 * 1024 * 1024;

/// A tmpfs that is there as long as this is.
pub(super) struct Disk {
    at: PathBuf,
}

impl Disk {
    /// Mounts one on a folder that is there. None: the system does not let us.
    pub(super) fn mount(at: &Path) -> Option<Self> {
        let size = format!("size={DISK_BYTES},mode=700");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(at)
            .output()
            .is_ok_and(|output| output.status.success());
        mounted.then(|| Self { at: at.to_owned() })
    }

    /// Fills it up to the last `spare` bytes.
    pub(super) fn fill(&self, spare: u64) {
        let mut file = File::create(self.filler()).expect("the folder is writable");
        let zeros = vec![0; 1 << 16];
        let mut bytes: u64 = 0;
        while let Ok(written @ 1..) = file.write(&zeros) {
            bytes += written as u64;
        }
        file.set_len(bytes.saturating_sub(spare)).expect("it gets smaller");
    }

    pub(super) fn empty(&self) {
        drop(fs::remove_file(self.filler()));
    }

    pub(super) fn is_full(&self) -> bool {
        self.filler().is_file()
    }

    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a file may still be open when a test fails.
        drop(Command::new("umount").arg("-l").arg(&self.at).output());
    }
}

/// Keeps a second name for every segment of the spool, which a checkpoint may delete.
pub(super) struct Keeper {
    data: PathBuf,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    records: BTreeMap<Lsn, Record>,
}

impl Keeper {
    pub(super) fn start(data: &Path) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (spool, kept) = (data.join("spool"), data.join("kept"));
        fs::create_dir_all(&kept).expect("the folder is writable");
        let stopping = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !stopping.load(Ordering::Relaxed) {
                link_all(&spool, &kept);
                std::thread::sleep(Duration::from_millis(20));
            }
        });
        Self { data: data.to_owned(), stop, thread: Some(thread), records: BTreeMap::new() }
    }

    /// Reads what was spooled since the last time, as a start at `now` would. Only while no
    /// collector runs; it works on copies.
    pub(super) fn harvest(&mut self, now: Second) {
        let (spool, kept) = (self.data.join("spool"), self.data.join("kept"));
        link_all(&spool, &kept);
        let copies = tempfile::tempdir().expect("a folder");
        for folder in [&kept, &spool] {
            for (name, path) in files(folder) {
                fs::copy(path, copies.path().join(name)).expect("it is copied");
            }
        }
        for (lsn, record) in stored::spool_records_at(&self.data, copies.path(), now) {
            match self.records.get(&lsn) {
                None => drop(self.records.insert(lsn, record)),
                Some(before) => {
                    let same = of_nobody(before) == of_nobody(&record);
                    assert!(same, "record {} changed", lsn.0);
                }
            }
        }
        for (_, path) in files(&kept) {
            fs::remove_file(path).expect("it goes");
        }
    }

    /// Every record, from the first.
    pub(super) fn records(mut self) -> Vec<Record> {
        let records = std::mem::take(&mut self.records);
        let lsns: Vec<u64> = records.keys().map(|lsn| lsn.0).collect();
        assert_eq!(lsns.first(), Some(&0), "the first record was harvested");
        let gap = lsns.windows(2).find(|pair| pair[0] + 1 != pair[1]);
        assert!(gap.is_none(), "records are missing between {gap:?}");
        records.into_values().collect()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        drop(self.thread.take().map(JoinHandle::join));
    }
}

/// The record without its visitor: the key may have died between two looks.
fn of_nobody(record: &Record) -> Record {
    let mut record = record.clone();
    match &mut record {
        Record::Hit(hit) => hit.visitor = Visitor::Lost,
        Record::Mail(hit) => hit.sender = None,
        _ => {}
    }
    record
}

fn files(folder: &Path) -> Vec<(String, PathBuf)> {
    let entries = fs::read_dir(folder).into_iter().flatten().filter_map(Result::ok);
    let named =
        entries.map(|entry| (entry.file_name().to_string_lossy().into_owned(), entry.path()));
    named.filter(|(name, path)| name != "lock" && path.is_file()).collect()
}

fn link_all(spool: &Path, kept: &Path) {
    for (name, path) in files(spool) {
        if path.extension().is_none_or(|end| end != "seg") {
            continue;
        }
        let link = kept.join(&name);
        let number = |path: &Path| fs::metadata(path).ok().map(|it| it.ino());
        // A segment that was cut to nothing is made again under its name.
        if link.is_file() && number(&link) != number(&path) {
            drop(fs::remove_file(&link));
        }
        drop(fs::hard_link(&path, &link));
    }
}
