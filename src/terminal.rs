//! What a command prints for the person who typed it. The log goes to standard error; this goes to
//! standard output.

use std::io::{BufRead as _, Write as _};

/// Prints a line. A closed pipe ends the program quietly, as `head` expects.
pub fn say(line: &str) {
    if writeln!(std::io::stdout().lock(), "{line}").is_err() {
        std::process::exit(0);
    }
}

/// A password, typed twice without being shown; from standard input, one line of it.
pub fn password(from_stdin: bool) -> std::io::Result<String> {
    if from_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        return Ok(line.trim_end_matches(['\r', '\n']).to_owned());
    }
    let first = rpassword::prompt_password("Password: ")?;
    if first == rpassword::prompt_password("Again: ")? {
        return Ok(first);
    }
    Err(std::io::Error::other("the two are not the same"))
}

/// Prints what went wrong.
pub fn complain(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "headcount: {line}"));
}

/// Says something beside what is printed: on standard error.
pub fn remark(line: &str) {
    drop(writeln!(std::io::stderr().lock(), "{line}"));
}

/// Prints a document as it is.
pub fn write(document: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(document.as_bytes())?;
    out.flush()
}
