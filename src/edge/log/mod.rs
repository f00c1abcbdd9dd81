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

use std::sync::Arc;

use memchr::memchr_iter;

pub use line::LogFormat;
pub use pages::PageLines;

use self::line::Line;
use self::time::Dates;
use super::deidentify::deidentify;
use super::raw::{RawAddress, RawClient, RawHints, RawHit, RawKind, RawText, Wishes};
use super::{Places, SiteConfig, Sites, SitesError};
use crate::hit::{DropReason, Record, RejectReason, Second, SiteName};
use crate::keys::Keys;

/// How long before the newest line another may have been written and still take its place.
const SLACK_S: i64 = 60;

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

/// A log's way through the door.
pub struct LogEdge {
    sites: Sites,
    site: SiteName,
    places: Places,
    rules: LogRules,
    dates: Dates,
    figures: LogFigures,
    /// Lines that wait for the next block.
    held: Vec<u8>,
    reached: Second,
    told_ends: Second,
    received: u64,
    rejected: u64,
}

impl LogEdge {
    /// For the log of a site. Its visitors' keys are drawn here, live in memory alone, and are gone
    /// with this.
    pub fn new(site: SiteConfig, places: Places, rules: LogRules) -> Result<Self, SitesError> {
        let sites = Sites::new(Arc::new(Keys::memory()));
        let name = site.name.clone();
        let begin = Second(i64::MIN / 4);
        sites.set(vec![site], Second(0))?;
        Ok(Self {
            sites,
            site: name,
            places,
            rules,
            dates: Dates::default(),
            figures: LogFigures::default(),
            held: Vec::new(),
            reached: begin,
            told_ends: begin,
            received: 0,
            rejected: 0,
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
        let held = std::mem::take(&mut self.held);
        let mut found = Vec::new();
        self.each(&held, false, &mut found);
        self.each(lines, true, &mut found);
        // Stable: lines of one second stay in their order.
        found.sort_by_key(|line| line.at);
        let newest = found.last().map_or(self.reached, |line| line.at);
        let ready_before = if is_last { i64::MAX } else { newest.0 - SLACK_S };
        let ready = found.partition_point(|line| line.at.0 < ready_before);
        for line in &found[..ready] {
            self.page(line, records);
        }
        let mut held = Vec::new();
        for line in &found[ready..] {
            held.extend_from_slice(line.text);
            held.push(b'\n');
        }
        drop(found);
        self.held = held;
        self.settle(records);
    }

    /// Finds the page views.
    fn each<'a>(&mut self, lines: &'a [u8], are_new: bool, found: &mut Vec<Line<'a>>) {
        let mut start = 0;
        let ends = memchr_iter(b'\n', lines).chain(std::iter::once(lines.len()));
        for end in ends {
            let line = lines[start..end].strip_suffix(b"\r").unwrap_or(&lines[start..end]);
            start = (end + 1).min(lines.len());
            if line.is_empty() {
                continue;
            }
            self.figures.lines += u64::from(are_new);
            let parsed = Line::parse(line, self.rules.format, &mut self.dates);
            match parsed.filter(|line| line.at <= self.rules.newest) {
                None => self.malformed(),
                Some(line) if self.rules.pages.include(&line) => {
                    self.figures.pages += u64::from(are_new);
                    found.push(line);
                }
                Some(_) => self.figures.others += u64::from(are_new),
            }
        }
    }

    fn malformed(&mut self) {
        self.figures.malformed += 1;
        self.received += 1;
        self.rejected += 1;
        if self.figures.first_malformed.len() < TOLD_MAX {
            self.figures.first_malformed.push(self.figures.lines);
        }
    }

    fn page(&mut self, line: &Line<'_>, records: &mut Vec<Record>) {
        self.figures.late += u64::from(line.at < self.reached);
        let at = line.at.max(self.reached);
        self.reached = at;
        let (first, _) = self.figures.span.unwrap_or((at, at));
        self.figures.span = Some((first, at));
        self.received += 1;
        if at < self.rules.oldest {
            let reason = DropReason::Expired;
            return records.push(Record::Drop { site: self.site.clone(), at, reason });
        }
        // Days end between two hits as they do between two ticks of the clock.
        if at.bucket() != self.told_ends.bucket() {
            records.extend(self.sites.due(at));
            self.told_ends = at;
        }
        let Some(day) = self.sites.find(self.site.as_str(), at) else { return };
        let (address, prefix) = RawAddress::split(line.address());
        let text = |bytes| String::from_utf8_lossy(bytes);
        let (url, referrer, agent) = (text(line.url), text(line.referrer), text(line.agent));
        let client = RawClient {
            address,
            prefix,
            agent: RawText::new(&agent),
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
        match deidentify(raw, &day, &self.places, at) {
            Ok(record) => records.push(record),
            Err(_) => self.rejected += 1,
        }
    }

    /// Tells the ledger what was read.
    fn settle(&mut self, records: &mut Vec<Record>) {
        let (site, at) = (&self.site, Second(self.reached.0.max(0)));
        let hits = std::mem::take(&mut self.rejected);
        if hits > 0 {
            let reason = RejectReason::Malformed;
            records.push(Record::Reject { site: site.clone(), at, reason, hits });
        }
        let hits = std::mem::take(&mut self.received);
        if hits > 0 {
            records.push(Record::Received { site: site.clone(), at, hits });
        }
    }
}
