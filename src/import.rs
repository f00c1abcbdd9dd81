//! `headcount import` on a terminal: a bar while it reads, and what came of it.

use std::io::IsTerminal as _;

use headcount::app::{self, ImportError, Imported, LogImport};
use headcount::config::Config;
use headcount::terminal;
use indicatif::{ProgressBar, ProgressStyle};

/// Imports a log, and says what came of it.
pub(crate) fn run(config: &Config, log: &LogImport) -> Result<(), ImportError> {
    let bar = std::io::stderr().is_terminal().then(|| ProgressBar::new(0));
    if let Some(bar) = &bar {
        let style = "{bar:40} {bytes} of {total_bytes}, {eta} left";
        // A style that is none leaves the usual one.
        if let Ok(style) = ProgressStyle::with_template(style) {
            bar.set_style(style.progress_chars("━╸─"));
        }
    }
    let imported = app::import(config, log, &mut |done, all| {
        if let Some(bar) = &bar {
            bar.set_length(all.unwrap_or(done).max(done));
            bar.set_position(done);
        }
    });
    if let Some(bar) = &bar {
        bar.finish_and_clear();
    }
    tell(&imported?, log.dry_run);
    Ok(())
}

fn tell(imported: &Imported, dry_run: bool) {
    let Imported { figures, unread, ledger, days } = imported;
    terminal::say(&format!(
        "{} lines: {} page views, {} other requests, {} that cannot be read",
        figures.lines, figures.pages, figures.others, figures.malformed
    ));
    for line in unread {
        terminal::say(&format!("  cannot be read: {}, line {}", line.file, line.line));
    }
    if figures.late > 0 {
        terminal::say(&format!(
            "  {} page views came more than ten seconds after later ones, and count at those' time",
            figures.late
        ));
    }
    let hits = |wanted: &str| {
        ledger.iter().find(|(reason, _)| *reason == wanted).map_or(0, |(_, hits)| *hits)
    };
    let done = if dry_run { "would count" } else { "counted" };
    let span = days.map(|(first, last)| format!(" on {first} to {last}")).unwrap_or_default();
    terminal::say(&format!("{done} {} page views{span}", hits("counted")));
    for (reason, hits) in ledger {
        if let Some(reason) = reason.strip_prefix("dropped:") {
            terminal::say(&format!("  not counted: {hits} ({reason})"));
        }
    }
}
