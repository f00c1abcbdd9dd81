//! Hits out of an access log: the same door, for requests that a web server wrote down.
//!
//! *Owns* the log's formats, and which of its lines are page views.
//! *In*: lines, in about the order of their times. *Out*: records, in the order of their times.
//! *Never* repeats a line: what cannot be read is known by its number.
//!
//! ```text
//! line    text → address, time, request, status, referrer, agent
//! pages   which of them are page views
//! time    text → seconds; which date comes again and again
//! ```
//!
//! A server writes a line when it has answered, so lines are a little out of order: those of the
//! last [`SLACK_S`] seconds wait for the next block, and what comes later than that counts at the
//! time that has been reached.

mod line;
mod pages;
#[cfg(test)]
mod tests;
mod time;

use memchr::memchr_iter;

pub use line::LogFormat;
pub use pages::PageLines;

use self::line::Line;
use self::time::Dates;
use super::past::Past;
use super::raw::{RawAddress, RawClient, RawHints, RawHit, RawKind, RawText, Wishes};
use super::{Places, SiteConfig, SitesError};
use crate::hit::{Record, Second};

/// How long before the newest line another may have been written and still take its place.
const SLACK_S: i64 = 10;

/// Lines that cannot be read of which the place is told.
const TOLD_MAX: usize = 5;

/// How a log is read.
#[derive(Clone, Debug)]
pub struct LogRules {
    /// Its format.
    pub format: LogFormat,
    /// Which lines are page views.
    pub pages: PageLines,
    /// Older lines are not counted any more.
    pub oldest: Second,
    /// No line is of a later time.
    pub newest: Second,
}

/// What was found in a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogFigures {
    /// Lines, empty ones left out.
    pub lines: u64,
    /// Those that are page views, whether or not they are counted.
    pub pages: u64,
    /// Those that are requests of other things.
    pub others: u64,
    /// Those that cannot be read.
    pub malformed: u64,
    /// The numbers of the first few of those.
    pub first_malformed: Vec<u64>,
    /// Page views that came later than they should have.
    pub late: u64,
    /// The times of the first and last page view.
    pub span: Option<(Second, Second)>,
}

/// A line that the ledger is told of: a page view, or one that cannot be read.
struct Found<'a> {
    at: Second,
    page: Option<Line<'a>>,
}

/// One that waits: a client's text.
struct Held {
    at: Second,
    page: Option<Vec<u8>>,
}

/// A log's way through the door.
pub struct LogEdge {
    past: Past,
    rules: LogRules,
    dates: Dates,
    figures: LogFigures,
    /// Of the line that could be read last.
    last: Second,
    /// Lines that wait for the next block.
    held: Vec<Held>,
    /// Of the line that was looked at last, empty ones too.
    number: u64,
}

impl LogEdge {
    /// For the log of a site. Its visitors' keys are drawn here, live in memory alone, and are gone
    /// with this.
    pub fn new(site: SiteConfig, places: Places, rules: LogRules) -> Result<Self, SitesError> {
        Ok(Self {
            past: Past::new(site, places, rules.oldest)?,
            rules,
            dates: Dates::default(),
            figures: LogFigures::default(),
            last: Second(0),
            held: Vec::new(),
            number: 0,
        })
    }

    /// What was found so far.
    #[must_use]
    pub fn figures(&self) -> &LogFigures {
        &self.figures
    }

    /// The time of a line; none if it cannot be read.
    pub fn time_of(&mut self, line: &[u8]) -> Option<Second> {
        Line::parse(line, self.rules.format, &mut self.dates).map(|line| line.at)
    }

    /// Takes whole lines; hands out the records of those that can wait no longer. `is_last`: no
    /// more will come, and none waits.
    pub fn read(&mut self, lines: &[u8], is_last: bool, records: &mut Vec<Record>) {
        let mut held = std::mem::take(&mut self.held);
        if self.last == Second(0) {
            // Lines in front of the first that can be read stand where that does.
            let first = lines.split(|byte| *byte == b'\n').find_map(|line| self.time_of(line));
            self.last = first.unwrap_or(self.last);
            for held in &mut held {
                held.at = self.last;
            }
        }
        let mut found: Vec<Found<'_>> = held.iter().map(|held| self.again(held)).collect();
        self.each(lines, &mut found);
        // Stable: lines of one second stay in their order.
        found.sort_by_key(|found| found.at);
        let newest = found.last().map_or(self.past.reached(), |found| found.at);
        let ready_before = if is_last { i64::MAX } else { newest.0 - SLACK_S };
        let ready = found.partition_point(|found| found.at.0 < ready_before);
        for found in &found[..ready] {
            self.take(found, records);
        }
        let to_wait = |found: &Found<'_>| Held {
            at: found.at,
            page: found.page.as_ref().map(|line| line.text.to_vec()),
        };
        self.held = found[ready..].iter().map(to_wait).collect();
        if is_last {
            self.past.settle(records);
        }
    }

    /// Finds the page views, and the lines that cannot be read.
    fn each<'a>(&mut self, lines: &'a [u8], found: &mut Vec<Found<'a>>) {
        let mut start = 0;
        let ends = memchr_iter(b'\n', lines).chain(std::iter::once(lines.len()));
        for end in ends {
            if start >= lines.len() {
                break;
            }
            let line = lines[start..end].strip_suffix(b"\r").unwrap_or(&lines[start..end]);
            start = end + 1;
            self.number += 1;
            if line.is_empty() {
                continue;
            }
            self.figures.lines += 1;
            let parsed = Line::parse(line, self.rules.format, &mut self.dates);
            let Some(line) = parsed.filter(|line| line.at <= self.rules.newest) else {
                self.malformed();
                // It stands where the line before it does.
                found.push(Found { at: self.last, page: None });
                continue;
            };
            self.last = line.at;
            if self.rules.pages.include(&line) {
                self.figures.pages += 1;
                found.push(Found { at: line.at, page: Some(line) });
            } else {
                self.figures.others += 1;
            }
        }
    }

    /// A line that has waited.
    fn again<'a>(&mut self, held: &'a Held) -> Found<'a> {
        let text = held.page.as_deref();
        let page = text.and_then(|text| Line::parse(text, self.rules.format, &mut self.dates));
        Found { at: held.at, page }
    }

    fn malformed(&mut self) {
        self.figures.malformed += 1;
        if self.figures.first_malformed.len() < TOLD_MAX {
            self.figures.first_malformed.push(self.number);
        }
    }

    fn take(&mut self, found: &Found<'_>, records: &mut Vec<Record>) {
        let at = self.past.receive(found.at, records);
        match &found.page {
            None => self.past.reject(),
            Some(line) => {
                self.figures.late += u64::from(line.at < at);
                let (first, _) = self.figures.span.unwrap_or((at, at));
                self.figures.span = Some((first, at));
                self.page(line, records);
            }
        }
    }

    fn page(&mut self, line: &Line<'_>, records: &mut Vec<Record>) {
        let (address, prefix) = RawAddress::split(line.address());
        let text = |bytes| String::from_utf8_lossy(bytes);
        let (url, referrer, agent) = (text(line.url), text(line.referrer), text(line.agent));
        let client = RawClient {
            address,
            prefix,
            agent: (self.rules.format != LogFormat::Common).then(|| RawText::new(&agent)),
            known: None,
            hints: RawHints::default(),
            language: RawText::new(""),
            wishes: Wishes::default(),
            prefetch: false,
        };
        let raw = RawHit {
            client: &client,
            kind: RawKind::Pageview,
            automated: false,
            denied: false,
            touch: false,
            url: RawText::new(&url),
            referrer: RawText::new(&referrer),
            device: RawText::new(""),
        };
        self.past.hit(raw, records);
    }
}
