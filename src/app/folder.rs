//! The data folder: its version, and the installation's name.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::hit::Second;
use crate::spool::disk::make_folder;

/// The version that this program writes.
const FORMAT: u32 = 1;

/// A folder that this program may use.
#[derive(Clone, Debug)]
pub struct DataFolder {
    path: PathBuf,
    installation: String,
}

/// Why a data folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The system said no.
    #[error("the data folder {0} cannot be used: {1}")]
    Io(PathBuf, std::io::Error),
    /// Written by a newer program.
    #[error(
        "the data folder {0} was written by a newer headcount (format {1}, this one knows {FORMAT}): \
         use that version, or another data folder"
    )]
    Newer(PathBuf, u32),
    /// A file that must hold one line of a known form holds something else.
    #[error("{0} is damaged: restore it from a backup, or use another data folder")]
    Damaged(PathBuf),
}

impl DataFolder {
    /// Opens the folder, or makes it. Only its owner can look into it.
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let io = |error| FolderError::Io(path.to_owned(), error);
        make_folder(path).map_err(io)?;
        let format_file = path.join("format");
        match line(&format_file).map_err(io)? {
            None => keep(path, "format", &FORMAT.to_string()).map_err(io)?,
            Some(text) => {
                let format: u32 = text.parse().map_err(|_| FolderError::Damaged(format_file))?;
                if format > FORMAT {
                    return Err(FolderError::Newer(path.to_owned(), format));
                }
            }
        }
        let name_file = path.join("installation");
        let installation = match line(&name_file).map_err(io)? {
            Some(text) if text.len() == 32 && text.bytes().all(|b| b.is_ascii_hexdigit()) => text,
            Some(_) => return Err(FolderError::Damaged(name_file)),
            None => {
                let name = random_name().map_err(io)?;
                keep(path, "installation", &name).map_err(io)?;
                name
            }
        };
        Ok(Self { path: path.to_owned(), installation })
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The installation's name: random, drawn once. It is no secret; it keeps the keys of two
    /// installations of one user apart in the kernel's keyring.
    #[must_use]
    pub fn installation(&self) -> &str {
        &self.installation
    }
}

/// When the newest file of `folder` was written; none if there is none. A lock is written by whoever
/// takes it, whatever else it does.
pub(super) fn last_written(folder: &Path) -> Option<Second> {
    let entries = fs::read_dir(folder).ok()?;
    let files = entries.filter_map(Result::ok).filter(|entry| entry.file_name() != "lock");
    let times = files.filter_map(|entry| entry.metadata().ok()?.modified().ok());
    let newest = times.max()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(newest.as_secs()).ok().map(Second)
}

fn line(path: &Path) -> std::io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text.trim_end().to_owned())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file whole or not at all, and durably.
fn keep(folder: &Path, name: &str, text: &str) -> std::io::Result<()> {
    let new = folder.join(format!("{name}.new"));
    let mut file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    writeln!(file, "{text}")?;
    file.sync_all()?;
    fs::rename(&new, folder.join(name))?;
    fs::File::open(folder)?.sync_all()
}

fn random_name() -> std::io::Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|_| std::io::Error::from(ErrorKind::Other))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_its_name_and_refuses_what_a_newer_program_wrote() {
        let parent = tempfile::tempdir().expect("a folder");
        let path = parent.path().join("a/b");
        let first = DataFolder::open(&path).expect("it is made");
        let again = DataFolder::open(&path).expect("it is there");
        assert_eq!(first.installation(), again.installation());
        let other = DataFolder::open(&parent.path().join("c")).expect("another");
        assert_ne!(first.installation(), other.installation());

        fs::write(path.join("format"), "2\n").expect("writable");
        let said = DataFolder::open(&path).expect_err("newer").to_string();
        assert!(said.contains("a newer headcount (format 2, this one knows 1)"), "{said}");
        fs::write(path.join("format"), "x\n").expect("writable");
        assert!(matches!(DataFolder::open(&path), Err(FolderError::Damaged(_))));
    }
}
