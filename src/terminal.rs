//! What a command prints for the person who typed it. The log goes to standard error; this goes to
//! standard output.

use std::io::Write as _;

/// Prints a line. A closed pipe ends the program quietly, as `head` expects.
pub fn say(line: &str) {
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// Prints what went wrong.
pub fn complain(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "headcount: {line}"));
}
