//! How many files this process may have open, and what that leaves for connections.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::limits;
use crate::telemetry;

/// Connections of a thread that are worth a warning.
const FEW: usize = 1_024;

/// Raises the bound of open files as far as this user may, and says how many connections each of
/// `threads` listeners may then have.
///
/// The usual soft bound of 1,024 is there for programs that use `select`. With it, a thousand
/// clients that do nothing would leave no file for anybody else, nor for the spool.
pub(super) fn connections_max(threads: usize) -> usize {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let files = if raised.is_ok() { maximum } else { current };
    let connections = share(files.unwrap_or(u64::MAX), threads);
    if connections < FEW {
        let values = [("connections", connections.into())];
        telemetry::warn("app", "the bound of open files leaves few connections", &values);
    }
    connections
}

/// Each thread's part of what is left of `files`.
fn share(files: u64, threads: usize) -> usize {
    let left = files.saturating_sub(limits::OTHER_FILES_MAX).max(1);
    let each = usize::try_from(left).unwrap_or(usize::MAX) / threads.max(1);
    each.clamp(1, limits::CONNECTIONS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_leave_files_for_everything_else() {
        let check = |files, threads, expected| assert_eq!(share(files, threads), expected);
        check(u64::MAX, 2, limits::CONNECTIONS_MAX);
        check(65_536, 8, 8_128);
        check(1_024, 2, 256);
        check(100, 4, 1);
    }
}
