//! A disk in memory that forgets what was not synced, tears writes and fails when told to.
//!
//! **When the power goes**, what was synced stays. Of what was written since, each page is there or
//! is what it was before, in any order, and a file that has grown ends anywhere. Of the names that were made, changed and removed
//! since their folder was synced, each change has happened or not, whatever became of the others.
//!
//! **After a sync that failed**, the next ones say yes and keep nothing, as Linux does: it has marked
//! the pages clean.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

/// Bytes that reach the disk together: small, so that a frame has several.
const PAGE_BYTES: usize = 64;

/// What fails next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The next append writes so many bytes, and fails.
    Append(usize),
    /// The next zeros are written in part, and fail.
    Room,
    /// The next sync fails; what it was for may be on the disk or not.
    Sync,
    /// Every append and sync fails, until told otherwise.
    All,
    /// The next file that is removed stays.
    Remove,
}

/// How many changes a program still makes before it is killed, or its machine is without power.
/// Clones share it.
#[derive(Clone)]
pub(crate) struct Life(Arc<AtomicU64>);

impl Life {
    /// One that ends at the change of this number, counted from 1.
    pub(crate) fn of(changes: u64) -> Self {
        Self(Arc::new(AtomicU64::new(changes)))
    }

    /// Says whether this change is the last one: it happens, and nobody learns of it. Fails once
    /// life is over.
    fn spend(&self) -> io::Result<bool> {
        let less = |left: u64| left.checked_sub(1);
        let before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
        before.map(|left| left == 1).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

impl Default for Life {
    fn default() -> Self {
        Self::of(u64::MAX)
    }
}

/// Numbers by a seed: the same ones for the same seed (SplitMix64).
pub(crate) struct Chance(pub(crate) u64);

impl Chance {
    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % end
    }
}

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    /// What survives for sure.
    synced: Vec<u8>,
    /// A sync has failed: later ones keep nothing.
    failed: bool,
}

impl Content {
    /// Keeps what was written, unless an earlier sync has failed.
    fn sync(&mut self) {
        if !self.failed {
            self.synced.clone_from(&self.bytes);
        }
    }

    /// What the disk holds of it when the power is back.
    fn survived(&self, chance: Option<&mut Chance>) -> Self {
        let mut bytes = self.synced.clone();
        if let Some(chance) = chance {
            let grown = self.bytes.len().saturating_sub(bytes.len());
            bytes.resize(bytes.len() + below(chance, grown + 1), 0);
            for (there, written) in bytes.chunks_mut(PAGE_BYTES).zip(self.bytes.chunks(PAGE_BYTES))
            {
                let both = there.len().min(written.len());
                if there[..both] != written[..both] && chance.below(4) > 0 {
                    there[..both].copy_from_slice(&written[..both]);
                }
            }
        }
        Self { synced: bytes.clone(), bytes, failed: false }
    }
}

fn below(chance: &mut Chance, end: usize) -> usize {
    usize::try_from(chance.below(end as u64)).expect("below a usize")
}

/// A change to the names: the one that is gone, and the one that now leads to a file.
#[derive(Clone)]
struct Change {
    gone: Option<String>,
    there: Option<(String, usize)>,
}

impl Change {
    fn happen(&self, names: &mut BTreeMap<String, usize>) {
        if let Some(gone) = &self.gone {
            names.remove(gone);
        }
        if let Some((name, file)) = &self.there {
            names.insert(name.clone(), *file);
        }
    }
}

#[derive(Clone, Default)]
struct State {
    files: Vec<Content>,
    names: BTreeMap<String, usize>,
    /// The names when the folder was last synced.
    synced_names: BTreeMap<String, usize>,
    /// What became of them since.
    changes: Vec<Change>,
    fault: Option<Fault>,
    full: bool,
}

impl State {
    fn change(&mut self, change: Change) {
        change.happen(&mut self.names);
        self.changes.push(change);
    }

    fn file(&mut self, name: &str) -> io::Result<&mut Content> {
        let at = *self.names.get(name).ok_or_else(missing)?;
        Ok(&mut self.files[at])
    }
}

/// A folder that can crash. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk {
    state: Arc<Mutex<State>>,
    life: Life,
}

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)), life: Life::default() }
    }

    /// The same folder, for a program that lives so long.
    pub(crate) fn for_life(&self, life: &Life) -> Self {
        Self { state: Arc::clone(&self.state), life: life.clone() }
    }

    /// Makes something fail; none: everything works again.
    pub(crate) fn fail(&self, fault: Option<Fault>) {
        let mut state = self.state();
        state.full = fault == Some(Fault::All);
        state.fault = fault.filter(|fault| *fault != Fault::All);
    }

    /// The folder when the power is back; with a seed of 0 nothing is left that was not synced.
    pub(crate) fn without_power(&self, seed: u64) -> Self {
        let state = self.state();
        let mut chance = (seed != 0).then_some(Chance(seed));
        let mut names = state.synced_names.clone();
        for change in &state.changes {
            if chance.as_mut().is_some_and(|chance| chance.below(2) == 0) {
                change.happen(&mut names);
            }
        }
        let files = state.files.iter().map(|file| file.survived(chance.as_mut())).collect();
        let synced_names = names.clone();
        Self::of(State { files, names, synced_names, ..State::default() })
    }

    /// A file's bytes, to be changed from outside.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let content = state.file(name).expect("the file is there");
        change(&mut content.bytes);
        content.synced.clone_from(&content.bytes);
    }

    /// The names of the files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// A copy that goes its own way.
    pub(crate) fn copy(&self) -> Self {
        Self::of(self.state().clone())
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

/// What the last change of a life answers: nobody hears it.
fn unheard<T>(last: bool, answer: T) -> io::Result<T> {
    if last { Err(io::ErrorKind::BrokenPipe.into()) } else { Ok(answer) }
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.state().file(name)?.bytes.clone())
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut state = self.state();
        let from = usize::try_from(offset).expect("small");
        let part = state.file(name)?.bytes.get(from..from + length);
        part.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        if state.names.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let last = self.life.spend()?;
        let file = state.files.len();
        state.files.push(Content::default());
        state.change(Change { gone: None, there: Some((name.to_owned(), file)) });
        unheard(last, Box::new(MemoryFile { disk: self.clone(), file, end: 0 }))
    }

    fn cut(&self, name: &str, length: u64) -> io::Result<()> {
        let mut state = self.state();
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let content = state.file(name)?;
        unheard(self.life.spend()?, ())?;
        let length = usize::try_from(length).expect("small");
        content.bytes.truncate(length);
        content.sync();
        content.synced.truncate(length);
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let file = *state.names.get(from).ok_or_else(missing)?;
        let last = self.life.spend()?;
        let there = Some((to.to_owned(), file));
        state.change(Change { gone: Some(from.to_owned()), there });
        unheard(last, ())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        if state.fault == Some(Fault::Remove) {
            state.fault = None;
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        if !state.names.contains_key(name) {
            return Err(missing());
        }
        let last = self.life.spend()?;
        state.change(Change { gone: Some(name.to_owned()), there: None });
        unheard(last, ())
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        unheard(self.life.spend()?, ())?;
        state.synced_names = state.names.clone();
        state.changes.clear();
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    file: usize,
    end: usize,
}

impl MemoryFile {
    /// Writes at the end, all of it or what `taken` says of this fault and fails; says how many
    /// bytes were written.
    fn write(
        &self,
        bytes: &[u8],
        taken: impl FnOnce(Fault) -> Option<usize>,
    ) -> (usize, io::Result<()>) {
        let mut state = self.disk.state();
        let taken = if state.full { Some(0) } else { state.fault.and_then(taken) };
        if taken.is_some() {
            state.fault = None;
        }
        let last = match self.disk.life.spend() {
            Ok(last) => last,
            Err(error) => return (0, Err(error)),
        };
        let written = taken.unwrap_or(bytes.len());
        let there = &mut state.files[self.file].bytes;
        let end = self.end + written;
        there.resize(there.len().max(end), 0);
        there[self.end..end].copy_from_slice(&bytes[..written]);
        let full = Err(io::ErrorKind::StorageFull.into());
        (written, if taken.is_some() { full } else { unheard(last, ()) })
    }
}

impl DiskFile for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (written, outcome) = self.write(bytes, |fault| match fault {
            Fault::Append(taken) => Some(taken.min(bytes.len())),
            _ => None,
        });
        self.end += written;
        outcome
    }

    fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        let half = |fault| (fault == Fault::Room).then_some(bytes / 2);
        let outcome = self.write(&vec![0; bytes], half).1;
        if outcome.is_err() {
            unheard(self.disk.life.spend()?, ())?;
            self.disk.state().files[self.file].bytes.truncate(self.end);
        }
        outcome
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        let fails = state.full || state.fault == Some(Fault::Sync);
        if fails {
            state.fault = None;
            state.files[self.file].failed = true;
            return Err(io::ErrorKind::Other.into());
        }
        unheard(self.disk.life.spend()?, ())?;
        state.files[self.file].sync();
        Ok(())
    }
}
