//! Which version of the engine last opened the data folder.

use std::fs;
use std::io;
use std::path::Path;

use super::EngineError;
use crate::telemetry;

/// The file, beside the data, that names it.
const FILE: &str = "engine.version";

/// Makes `dir/data` ready for an engine of version `found`: refuses an older one than the last, and
/// copies the data before a newer one first opens it (what a newer one has written, an older one
/// need not read: the copy is the way back).
pub(super) fn prepare(dir: &Path, found: &str) -> Result<(), EngineError> {
    let io = |what| move |error| EngineError::Io(what, error);
    let last = match fs::read_to_string(dir.join(FILE)) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return record(dir, found).map_err(io("version file"));
        }
        Err(error) => return Err(EngineError::Io("version file", error)),
    };
    match numbers(found).cmp(&numbers(&last)) {
        std::cmp::Ordering::Equal => Ok(()),
        std::cmp::Ordering::Less => Err(EngineError::Older { last, found: found.to_owned() }),
        std::cmp::Ordering::Greater => {
            keep_copy(dir, &last).map_err(io("copy of the data folder"))?;
            telemetry::info(
                "engine",
                "a newer engine opens the data; a copy of it was kept beside it",
                &[],
            );
            record(dir, found).map_err(io("version file"))
        }
    }
}

fn numbers(version: &str) -> Vec<u64> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

fn record(dir: &Path, version: &str) -> io::Result<()> {
    let fresh = dir.join("engine.version.new");
    fs::write(&fresh, format!("{version}\n"))?;
    fs::File::open(&fresh)?.sync_all()?;
    fs::rename(fresh, dir.join(FILE))?;
    fs::File::open(dir)?.sync_all()
}

/// A whole copy: the engine appends to some of its files in place, so links would not do.
fn keep_copy(dir: &Path, last: &str) -> io::Result<()> {
    let unfinished = dir.join("data.copying");
    if unfinished.try_exists()? {
        fs::remove_dir_all(&unfinished)?;
    }
    copy(&dir.join("data"), &unfinished)?;
    let copy = dir.join(format!("data.{last}"));
    if copy.try_exists()? {
        fs::remove_dir_all(&copy)?;
    }
    fs::rename(unfinished, copy)
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            // The engine links databases to folders of its own, relative or absolute.
            std::os::unix::fs::symlink(fs::read_link(entry.path())?, target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    fs::File::open(to)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_engine_is_refused_and_a_newer_one_finds_a_copy_made() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("data/store")).unwrap();
        fs::write(dir.path().join("data/store/part"), "rows").unwrap();
        prepare(dir.path(), "26.7.3").unwrap();
        prepare(dir.path(), "26.7.3").unwrap();
        assert!(!dir.path().join("data.26.7.3").try_exists().unwrap());

        let older = prepare(dir.path(), "26.7.2").unwrap_err();
        assert_eq!(
            older.to_string(),
            "the data was last opened by engine 26.7.3, and this is the older 26.7.2: \
             install 26.7.3 or newer"
        );

        prepare(dir.path(), "26.10.0").unwrap();
        assert_eq!(fs::read(dir.path().join("data.26.7.3/store/part")).unwrap(), b"rows");
        assert!(matches!(prepare(dir.path(), "26.9.9"), Err(EngineError::Older { .. })));
    }
}
