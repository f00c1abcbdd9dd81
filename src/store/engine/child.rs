//! The engine's own process: loads the library, and runs ClickHouse in it until the parent goes.
#![expect(unsafe_code, reason = "the engine is a C library; this file alone calls it")]

use std::ffi::{CString, OsString, c_char, c_int, c_void};
use std::fs::OpenOptions;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::ExitCode;

use libloading::Library;

/// What the child's exit code says to the parent.
pub(super) const EXIT_USAGE: u8 = 2;
/// The library does not load, or is not the engine.
pub(super) const EXIT_LIBRARY: u8 = 3;
/// The data folder cannot be locked.
pub(super) const EXIT_LOCK: u8 = 4;
/// The engine ended with an error.
pub(super) const EXIT_ENGINE: u8 = 5;

/// `int argc, char **argv`, as *clickhouse local* takes them; returns a result that is not freed.
type QueryCmdline = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut c_void;
type ResultError = unsafe extern "C" fn(*mut c_void) -> *const c_char;
type Version = unsafe extern "C" fn() -> *const c_char;

/// What `headcount engine LIBRARY LOCK ARGUMENT…` does: waits for the lock on the data folder,
/// prints the library's version, waits for a line on standard input, and then is *clickhouse local*
/// with these arguments. Ends at once when standard input closes, so that it never outlives its
/// parent, however that dies.
#[must_use]
pub fn run_child(args: &[OsString]) -> ExitCode {
    let [library, lock, engine_args @ ..] = args else { return ExitCode::from(EXIT_USAGE) };
    // Held until the process ends. An engine whose parent was killed may still be ending.
    let Ok(lock) = OpenOptions::new().create(true).append(true).open(PathBuf::from(lock)) else {
        return ExitCode::from(EXIT_LOCK);
    };
    if rustix::fs::flock(&lock, rustix::fs::FlockOperation::LockExclusive).is_err() {
        return ExitCode::from(EXIT_LOCK);
    }
    // SAFETY: the operator installed this library; its initialisers run here, before any thread.
    let Ok(library) = (unsafe { Library::new(library) }) else {
        return ExitCode::from(EXIT_LIBRARY);
    };
    let Some(version) = version(&library) else { return ExitCode::from(EXIT_LIBRARY) };
    if !may_begin(&version) {
        return ExitCode::SUCCESS;
    }
    std::thread::spawn(end_with_parent);
    run(&library, engine_args)
}

fn version(library: &Library) -> Option<String> {
    // SAFETY: `chdb_version` has this signature in the library's header, and returns a static text.
    unsafe {
        let version = library.get::<Version>(b"chdb_version\0").ok()?();
        if version.is_null() {
            return None;
        }
        std::ffi::CStr::from_ptr(version).to_str().ok().map(str::to_owned)
    }
}

/// Tells the parent the version; the parent answers with a line once the data folder is ready for
/// it, or closes the pipe.
fn may_begin(version: &str) -> bool {
    let mut out = std::io::stdout();
    let told = writeln!(out, "{version}").and_then(|()| out.flush());
    let mut answer = [0];
    told.is_ok() && matches!(std::io::stdin().read(&mut answer), Ok(1))
}

fn end_with_parent() {
    let mut ignored = [0; 64];
    while matches!(std::io::stdin().read(&mut ignored), Ok(1..)) {}
    // Not `exit`: its handlers would run beside the engine's threads.
    if rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)
        .is_err()
    {
        std::process::abort();
    }
}

fn run(library: &Library, args: &[OsString]) -> ExitCode {
    let words = std::iter::once(CString::new("clickhouse"))
        .chain(args.iter().map(|arg| CString::new(arg.as_bytes())));
    let Ok(words) = words.collect::<Result<Vec<_>, _>>() else {
        return ExitCode::from(EXIT_USAGE);
    };
    let mut argv: Vec<*mut c_char> = words.iter().map(|word| word.as_ptr().cast_mut()).collect();
    let Ok(argc) = c_int::try_from(argv.len()) else { return ExitCode::from(EXIT_USAGE) };
    argv.push(std::ptr::null_mut());
    // SAFETY: the signatures are those of the library's header. `argv` holds `argc` texts that end
    // with a zero, then a null, and lives until the call returns.
    let failed = unsafe {
        let Ok(query) = library.get::<QueryCmdline>(b"chdb_query_cmdline\0") else {
            return ExitCode::from(EXIT_LIBRARY);
        };
        let Ok(error) = library.get::<ResultError>(b"chdb_result_error\0") else {
            return ExitCode::from(EXIT_LIBRARY);
        };
        let result = query(argc, argv.as_mut_ptr());
        result.is_null() || !error(result).is_null()
    };
    if failed { ExitCode::from(EXIT_ENGINE) } else { ExitCode::SUCCESS }
}
