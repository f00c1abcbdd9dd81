//! A disk in memory that forgets what was not synced, tears writes and fails when told to.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

#[derive(Clone, Default)]
struct Content {
    bytes: Vec<u8>,
    /// So many of them survive a crash for sure.
    synced: usize,
}

/// What fails next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The next append writes so many bytes, and fails.
    Append(usize),
    /// The next sync fails; what it was for may be on the disk or not.
    Sync,
    /// Every append and sync fails, until told otherwise.
    All,
    /// The next file that is removed stays.
    Remove,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Content>,
    /// The names that survive a crash.
    names: BTreeSet<String>,
    fault: Option<Fault>,
    full: bool,
}

/// A folder that can crash. Clones share it.
#[derive(Clone, Default)]
pub(crate) struct MemoryDisk(Arc<Mutex<State>>);

impl MemoryDisk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes something fail; none: everything works again.
    pub(crate) fn fail(&self, fault: Option<Fault>) {
        let mut state = self.state();
        state.full = fault == Some(Fault::All);
        state.fault = fault.filter(|fault| *fault != Fault::All);
    }

    /// The disk after a crash that kept `kept` of the bytes of each file that were not synced.
    pub(crate) fn crashed(&self, kept: usize) -> Self {
        let state = self.state();
        let survive = |content: &Content| {
            let length = (content.synced + kept).min(content.bytes.len());
            Content { bytes: content.bytes[..length].to_vec(), synced: length }
        };
        let there = state.files.iter().filter(|(name, _)| state.names.contains(*name));
        let files: BTreeMap<_, _> =
            there.map(|(name, content)| (name.clone(), survive(content))).collect();
        let names = files.keys().cloned().collect();
        Self(Arc::new(Mutex::new(State { files, names, fault: None, full: false })))
    }

    /// A file's bytes, to be changed from outside.
    pub(crate) fn change(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut state = self.state();
        let content = state.files.get_mut(name).expect("the file is there");
        change(&mut content.bytes);
        content.synced = content.bytes.len();
    }

    /// The names of the files, in order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.state().files.keys().cloned().collect()
    }

    /// A copy that goes its own way.
    pub(crate) fn copy(&self) -> Self {
        let state = self.state();
        let (files, names) = (state.files.clone(), state.names.clone());
        Self(Arc::new(Mutex::new(State { files, names, fault: None, full: false })))
    }
}

fn missing() -> io::Error {
    io::ErrorKind::NotFound.into()
}

impl Disk for MemoryDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        Ok(self.names())
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        Ok(self.state().files.get(name).ok_or_else(missing)?.bytes.clone())
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let state = self.state();
        let bytes = &state.files.get(name).ok_or_else(missing)?.bytes;
        let from = usize::try_from(offset).expect("small");
        let part = bytes.get(from..from + length);
        part.map(<[u8]>::to_vec).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        if state.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        state.files.insert(name.to_owned(), Content::default());
        Ok(Box::new(MemoryFile { disk: self.clone(), name: name.to_owned() }))
    }

    fn truncate(&self, name: &str, length: u64) -> io::Result<()> {
        let mut state = self.state();
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let content = state.files.get_mut(name).ok_or_else(missing)?;
        content.bytes.truncate(usize::try_from(length).expect("small"));
        content.synced = content.bytes.len();
        Ok(())
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let content = state.files.remove(from).ok_or_else(missing)?;
        state.files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        if state.fault == Some(Fault::Remove) {
            state.fault = None;
            return Err(io::ErrorKind::PermissionDenied.into());
        }
        state.files.remove(name).map(drop).ok_or_else(missing)
    }

    fn sync_folder(&self) -> io::Result<()> {
        let mut state = self.state();
        if state.full {
            return Err(io::ErrorKind::StorageFull.into());
        }
        state.names = state.files.keys().cloned().collect();
        Ok(())
    }
}

struct MemoryFile {
    disk: MemoryDisk,
    name: String,
}

impl DiskFile for MemoryFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.state();
        let taken = match state.fault {
            _ if state.full => Some(0),
            Some(Fault::Append(taken)) => {
                state.fault = None;
                Some(taken.min(bytes.len()))
            }
            _ => None,
        };
        let content = state.files.get_mut(&self.name).ok_or_else(missing)?;
        content.bytes.extend_from_slice(&bytes[..taken.unwrap_or(bytes.len())]);
        if taken.is_some() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.state();
        if state.full || state.fault == Some(Fault::Sync) {
            state.fault = None;
            return Err(io::ErrorKind::Other.into());
        }
        let content = state.files.get_mut(&self.name).ok_or_else(missing)?;
        content.synced = content.bytes.len();
        Ok(())
    }
}
