//! The `headcount` command.

use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args = std::env::args_os().skip(1);
    if args.next().is_some_and(|command| command == "engine") {
        let args: Vec<OsString> = args.collect();
        return headcount::store::engine::run_child(&args);
    }
    ExitCode::FAILURE
}
