//! Looks whether what is on the disk verifies, and changes nothing: also beside a running program.

use std::io;
use std::path::Path;

use super::checkpoint;
use super::disk::{Disk, RealDisk, read_if_there};
use super::log;

/// What does not verify in a folder of the spool or the outbox.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Verified {
    /// Frames that are not whole, before whole ones: a torn tail is none.
    pub bad_frames: u64,
    /// Segments that nobody can read, and that a start puts or has put aside.
    pub bad_segments: u64,
    /// Files that must be whole and are not, or are missing though there are segments.
    pub bad_files: &'static [&'static str],
}

impl Verified {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }
}

/// Looks at the spool in `dir`; one that was never made is whole.
pub fn verify(dir: &Path) -> io::Result<Verified> {
    let disk = RealDisk::at(dir.to_owned());
    let verified = verify_log(&disk, "spool.key", &["spool.key"])?;
    if verified.bad_files.is_empty() && !checkpoint::is_whole(&disk)? {
        return Ok(Verified { bad_files: &[checkpoint::NAME], ..verified });
    }
    Ok(verified)
}

/// Looks at the log in `disk`, whose key is in the file `key`.
pub(crate) fn verify_log(
    disk: &dyn Disk,
    key: &str,
    without_key: &'static [&'static str],
) -> io::Result<Verified> {
    let names = match disk.list() {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Verified::default()),
        Err(error) => return Err(error),
    };
    let (bad_frames, bad_segments, segments) = log::verify(disk, &names)?;
    // Without its key a log is unreadable, and a start would draw another.
    let key_is_whole = match read_if_there(disk, key)? {
        Some(bytes) => bytes.len() == 32,
        None => segments == 0,
    };
    let bad_files = if key_is_whole { &[] } else { without_key };
    Ok(Verified { bad_frames, bad_segments, bad_files })
}
