//! What the log asks of a disk, so that tests can have one that forgets, tears and fails.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// One folder of files.
pub(crate) trait Disk: Send + Sync + 'static {
    /// The names of its files, in no order.
    fn list(&self) -> io::Result<Vec<String>>;
    /// A whole file.
    fn read(&self, name: &str) -> io::Result<Vec<u8>>;
    /// A part of a file: exactly `length` bytes.
    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>>;
    /// A new file, which must not be there yet, for appending.
    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>>;
    /// Cuts a file to `length`, durably: what is left of it is on the disk.
    fn cut(&self, name: &str, length: u64) -> io::Result<()>;
    /// Gives a file another name, replacing what has it. Durable after [`Disk::sync_folder`].
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file. Durable after [`Disk::sync_folder`].
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes the names durable.
    fn sync_folder(&self) -> io::Result<()>;
}

/// A file that is appended to.
pub(crate) trait DiskFile: Send {
    /// Appends all of `bytes`, or fails with some of them written.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Writes so many zeros behind the end, for the next appends to write over: a sync of those has
    /// no new length and no new blocks to write down. Where they do not fit, none are left.
    fn make_room(&mut self, bytes: usize) -> io::Result<()>;
    /// Makes what was appended durable.
    fn sync(&mut self) -> io::Result<()>;
}

/// A folder of the machine.
pub(crate) struct RealDisk(PathBuf);

impl RealDisk {
    /// The folder, made if it is not there, for its owner alone.
    pub(crate) fn open(folder: PathBuf) -> io::Result<Self> {
        make_folder(&folder)?;
        Ok(Self(folder))
    }

    /// The folder, whether it is there or not.
    pub(crate) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }
}

impl Disk for RealDisk {
    fn list(&self) -> io::Result<Vec<String>> {
        fs::read_dir(&self.0)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    }

    fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        fs::read(self.0.join(name))
    }

    fn read_at(&self, name: &str, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; length];
        File::open(self.0.join(name))?.read_exact_at(&mut bytes, offset)?;
        Ok(bytes)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let path = self.0.join(name);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        Ok(Box::new(RealFile { file, end: 0 }))
    }

    fn cut(&self, name: &str, length: u64) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.0.join(name))?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.0.join(from), self.0.join(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.0.join(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

/// A file, and where the next bytes go.
struct RealFile {
    file: File,
    end: u64,
}

impl DiskFile for RealFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all_at(bytes, self.end)?;
        self.end += bytes.len() as u64;
        Ok(())
    }

    fn make_room(&mut self, bytes: usize) -> io::Result<()> {
        let made = self.file.write_all_at(&vec![0; bytes], self.end);
        made.or_else(|error| self.file.set_len(self.end).and(Err(error)))
    }

    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
}

/// Makes a folder and those that it is in, durably, for their owner alone; one that is there is made.
pub(crate) fn make_folder(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    let parent = folder.parent().filter(|parent| *parent != Path::new(""));
    match fs::DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => File::open(parent.unwrap_or(Path::new(".")))?.sync_all(),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound && parent.is_some() => {
            parent.map_or(Ok(()), make_folder)?;
            make_folder(folder)
        }
        Err(error) => Err(error),
    }
}

/// Writes a file whole or not at all, durably.
pub(crate) fn replace(disk: &dyn Disk, name: &str, bytes: &[u8]) -> io::Result<()> {
    replace_by(disk, name, std::iter::once(Ok(bytes)))
}

/// The same, piece by piece: only one is in memory. What a failure leaves half written is removed.
pub(crate) fn replace_by<P: AsRef<[u8]>>(
    disk: &dyn Disk,
    name: &str,
    pieces: impl Iterator<Item = io::Result<P>>,
) -> io::Result<()> {
    let new = format!("{name}.new");
    remove_if_there(disk, &new)?;
    let mut file = disk.create(&new)?;
    let written = pieces
        .into_iter()
        .try_for_each(|piece| file.append(piece?.as_ref()))
        .and_then(|()| file.sync());
    if let Err(error) = written {
        drop(disk.remove(&new));
        return Err(error);
    }
    disk.rename(&new, name)?;
    disk.sync_folder()
}

/// Removes a file; one that is not there is removed.
pub(crate) fn remove_if_there(disk: &dyn Disk, name: &str) -> io::Result<()> {
    match disk.remove(name) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file, or `None` if it is not there.
pub(crate) fn read_if_there(disk: &dyn Disk, name: &str) -> io::Result<Option<Vec<u8>>> {
    match disk.read(name) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// 32 secret bytes in a file of their own, drawn when it is not there. `None`: it is damaged.
pub(crate) fn key_file(
    disk: &dyn Disk,
    name: &str,
) -> io::Result<Option<zeroize::Zeroizing<[u8; 32]>>> {
    let mut key = zeroize::Zeroizing::new([0; 32]);
    if let Some(bytes) = read_if_there(disk, name)? {
        let bytes = zeroize::Zeroizing::new(bytes);
        let Ok(found) = <[u8; 32]>::try_from(bytes.as_slice()) else { return Ok(None) };
        *key = found;
    } else {
        getrandom::fill(&mut *key).map_err(|_| io::Error::from(io::ErrorKind::Other))?;
        replace(disk, name, &*key)?;
    }
    Ok(Some(key))
}
