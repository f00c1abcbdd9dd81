//! `headcount import …` on a terminal: a bar while it reads, and what came of it.

use std::io::IsTerminal as _;

use headcount::app::{
    self, ExportImport, ExportImported, ImportError, Imported, Ledger, LogImport, Unread,
};
use headcount::config::Config;
use headcount::terminal;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;

/// Imports a log, and says what came of it.
pub(crate) fn run(config: &Config, log: &LogImport) -> Result<(), ImportError> {
    let bar = Bar::new("{bar:40} {bytes} of {total_bytes}, {eta} left");
    let imported = app::import(config, log, &mut |done, all| bar.move_to(done, all))?;
    drop(bar);
    tell(&imported, log.dry_run);
    Ok(())
}

/// Imports an export, and says what came of it.
pub(crate) fn run_export(config: &Config, export: &ExportImport) -> Result<(), ImportError> {
    let bar = Bar::new("{bar:40} {pos} of {len} files");
    let imported = app::import_export(config, export, &mut |done, all| bar.move_to(done, all))?;
    drop(bar);
    let ExportImported { lines, malformed, unread, left_out, ledger, days, sums } = &imported;
    let not = match malformed {
        0 => String::new(),
        malformed => format!(", {malformed} that cannot be read"),
    };
    terminal::say(&format!("{}{not}", of_lines(*lines)));
    tell_unread(unread);
    for (file, why) in left_out {
        terminal::say(&format!("  left out: {file}: {why}"));
    }
    let what = if *sums { "page views and events, as sums" } else { "page views and events" };
    tell_ledger(ledger, what, *days, export.dry_run);
    Ok(())
}

/// On a terminal, how far it is; gone when it is dropped.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new(style: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0));
        // A style that is none leaves the usual one.
        if let (Some(bar), Ok(style)) = (&bar, ProgressStyle::with_template(style)) {
            bar.set_style(style.progress_chars("━╸─"));
        }
        Self(bar)
    }

    fn move_to(&self, done: u64, all: Option<u64>) {
        if let Some(bar) = &self.0 {
            bar.set_length(all.unwrap_or(done).max(done));
            bar.set_position(done);
        }
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

fn tell(imported: &Imported, dry_run: bool) {
    let Imported { figures, unread, ledger, days } = imported;
    terminal::say(&format!(
        "{}: {} page views, {} other requests, {} that cannot be read",
        of_lines(figures.lines),
        figures.pages,
        figures.others,
        figures.malformed
    ));
    tell_unread(unread);
    if figures.late > 0 {
        terminal::say(&format!(
            "  {} page views came more than ten seconds after later ones, and count at those' time",
            figures.late
        ));
    }
    tell_ledger(ledger, "page views", *days, dry_run);
}

fn of_lines(lines: u64) -> String {
    if lines == 1 { "1 line".to_owned() } else { format!("{lines} lines") }
}

fn tell_unread(unread: &[Unread]) {
    for line in unread {
        terminal::say(&format!("  cannot be read: {}, line {}", line.file, line.line));
    }
}

fn tell_ledger(ledger: &Ledger, what: &str, days: Option<(Date, Date)>, dry_run: bool) {
    let hits = |wanted: &str| {
        ledger.iter().find(|(reason, _)| *reason == wanted).map_or(0, |(_, hits)| *hits)
    };
    let done = if dry_run { "would count" } else { "counted" };
    let span = match days {
        None => String::new(),
        Some((first, last)) if first == last => format!(" on {first}"),
        Some((first, last)) => format!(" from {first} to {last}"),
    };
    terminal::say(&format!("{done} {} {what}{span}", hits("counted")));
    for (reason, hits) in ledger {
        if let Some(reason) = reason.strip_prefix("dropped:") {
            terminal::say(&format!("  not counted: {hits} ({reason})"));
        }
    }
}
