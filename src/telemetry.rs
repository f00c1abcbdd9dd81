//! The log: one line on standard error per thing an operator may want to know.
//!
//! A line is a fixed text and typed values. No value can hold what came from a client: there is no
//! way to pass a borrowed text but [`Value::Operator`], for what the operator configured.
//! No logging crate is installed, so no dependency can log anything at any level.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::atomic::{AtomicU8, Ordering};

use crate::hit::{Clock, SystemClock};

/// How much it matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something is broken, and an operator must act.
    Error = 0,
    /// Something is wrong, and the program goes on.
    Warn = 1,
    /// A step of its life.
    Info = 2,
    /// Every batch and frame.
    Debug = 3,
}

impl Level {
    /// The level of a name: `error`, `warn`, `info`, `debug`.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "error" => Self::Error,
            "warn" => Self::Warn,
            "info" => Self::Info,
            "debug" => Self::Debug,
            _ => return None,
        })
    }

    fn label(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }
}

/// A value in a log line.
#[derive(Clone, Copy)]
pub enum Value<'a> {
    /// A count, a size, a position.
    Number(i64),
    /// One of the program's own words.
    Word(&'static str),
    /// What the operator wrote: a path, a listen address, a site's domain. Or the program's own,
    /// where it is not known before it runs.
    Operator(&'a str),
    /// What the system said: its kind and number, never its text.
    Io(&'a std::io::Error),
}

impl From<u64> for Value<'_> {
    fn from(number: u64) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl From<usize> for Value<'_> {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

static LEVEL: AtomicU8 = AtomicU8::new(Level::Info as u8);

/// Sets how much is logged.
pub fn set_level(level: Level) {
    LEVEL.store(level as u8, Ordering::Relaxed);
}

/// Logs `what` happened in `stage`.
pub fn log(
    level: Level,
    stage: &'static str,
    what: &'static str,
    values: &[(&'static str, Value<'_>)],
) {
    // Unit tests break things by the hundred; what they check is not the log.
    if cfg!(test) || level as u8 > LEVEL.load(Ordering::Relaxed) {
        return;
    }
    let line = line(SystemClock.now_ms(), level, stage, what, values);
    // A log that cannot be written must not stop the counting.
    drop(std::io::stderr().lock().write_all(line.as_bytes()));
}

/// Logs an error.
pub fn error(stage: &'static str, what: &'static str, values: &[(&'static str, Value<'_>)]) {
    log(Level::Error, stage, what, values);
}

/// Logs a warning.
pub fn warn(stage: &'static str, what: &'static str, values: &[(&'static str, Value<'_>)]) {
    log(Level::Warn, stage, what, values);
}

/// Logs a step.
pub fn info(stage: &'static str, what: &'static str, values: &[(&'static str, Value<'_>)]) {
    log(Level::Info, stage, what, values);
}

/// Logs a detail.
pub fn debug(stage: &'static str, what: &'static str, values: &[(&'static str, Value<'_>)]) {
    log(Level::Debug, stage, what, values);
}

/// Logs panics by thread and place: what a panic says may quote what a client sent. Call it before
/// there is a second thread.
pub fn tell_panics_by_place() {
    std::panic::set_hook(Box::new(|panic| {
        let thread = std::thread::current();
        let place = panic.location();
        error(
            "app",
            "a thread panicked: this is a fault of headcount's, please report it",
            &[
                ("thread", Value::Operator(thread.name().unwrap_or("unnamed"))),
                ("file", Value::Operator(place.map_or("unknown", |it| it.file()))),
                ("line", Value::Number(place.map_or(0, |it| i64::from(it.line())))),
            ],
        );
    }));
}

fn line(
    now_ms: i64,
    level: Level,
    stage: &'static str,
    what: &'static str,
    values: &[(&'static str, Value<'_>)],
) -> String {
    let at = jiff::Timestamp::from_millisecond(now_ms).unwrap_or_default();
    let mut line = format!("{at:.3} {:5} {stage}: {what}", level.label());
    for (name, value) in values {
        let written = match value {
            Value::Number(number) => write!(line, " {name}={number}"),
            Value::Word(word) => write!(line, " {name}={word}"),
            Value::Operator(text) => write!(line, " {name}={text:?}"),
            Value::Io(error) => match error.raw_os_error() {
                Some(code) => write!(line, " {name}={:?} os_error={code}", error.kind()),
                None => write!(line, " {name}={:?}", error.kind()),
            },
        };
        debug_assert!(written.is_ok(), "writing to a String does not fail");
    }
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_holds_the_fixed_text_and_its_values_and_quotes_what_the_operator_wrote() {
        let values = [
            ("frames", Value::from(3_u64)),
            ("why", Value::Word("torn")),
            ("path", Value::Operator("/srv/a b\n")),
            ("error", Value::Io(&std::io::Error::from_raw_os_error(28))),
        ];
        assert_eq!(
            line(1_000, Level::Warn, "spool", "cut the torn tail", &values),
            "1970-01-01T00:00:01.000Z warn  spool: cut the torn tail frames=3 why=torn \
             path=\"/srv/a b\\n\" error=StorageFull os_error=28\n"
        );
    }
}
