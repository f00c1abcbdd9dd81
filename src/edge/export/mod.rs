//! What another system kept, out of the files that it exports.
//!
//! *Owns* the files' formats. *In*: whole files, as text. *Out*: records where single hits were
//! kept, [`Total`]s where only sums were.
//! *Never* estimates: what a file does not hold stays nought, and sums that do not add up with the
//! others are left out.
//!
//! ```text
//! table      text → header and cells, each known by its line
//! plausible  a day's sums: of the site, its pages, its events
//! ga4        the same, out of reports
//! umami      single hits, which go through the door like live ones
//! ```

mod ga4;
mod plausible;
mod table;
#[cfg(test)]
mod tests;
mod umami;

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

use super::{SiteConfig, SitesError, enrich};
use crate::hit::{Record, Second, Text};

/// Whose export it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportKind {
    /// Plausible's: the files of its archive, `imported_visitors….csv` among them.
    Plausible,
    /// Umami's: `website_event.csv`, a line for each hit.
    Umami,
    /// Reports of Google Analytics 4, as CSV, by day.
    Ga4,
}

/// A file of an export.
#[derive(Clone, Copy)]
pub struct ExportFile<'a> {
    /// Its name, for errors.
    pub name: &'a str,
    /// Its content.
    pub text: &'a str,
}

/// Why an export cannot be read. Nothing of its content is repeated.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// A line of a file.
    #[error("{file}, line {line}: {why}")]
    Line {
        /// The file's name.
        file: String,
        /// From 1 on.
        line: u64,
        /// What is wrong with it.
        why: String,
    },
    /// None of the files has what all the others belong to.
    #[error("{0}")]
    Missing(&'static str),
}

/// The sums of a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Total {
    /// The day, as the other system knew it.
    pub day: Date,
    /// Of what, and what they are.
    pub of: TotalOf,
}

/// What sums are of. Times in seconds but where they say milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub enum TotalOf {
    /// All of the site.
    Site { visitors: i64, visits: i64, bounces: i64, pageviews: i64, duration_s: i64 },
    /// One page.
    Page { page: Text, sums: PageSums },
    /// One kind of events.
    Event { name: Text, visitors: i64, events: i64 },
}

/// The sums of a page.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct PageSums {
    pub pageviews: i64,
    pub visitors: i64,
    pub visits: i64,
    pub entries: i64,
    pub exits: i64,
    pub engaged_ms: i64,
    pub engaged_visits: i64,
    pub scroll_sum: i64,
    pub scroll_visits: i64,
}

/// What was found in an export.
#[derive(Default)]
pub struct Exported {
    /// Of single hits.
    pub records: Vec<Record>,
    /// Where only sums are.
    pub totals: Vec<Total>,
    /// Lines that were read.
    pub lines: u64,
    /// The places, file and line, of the first few lines that cannot be read; there are no such
    /// lines among sums: they are errors.
    pub unread: Vec<(String, u64)>,
    /// All of those.
    pub malformed: u64,
    /// Files that hold nothing that can be added up, and why.
    pub left_out: Vec<(String, &'static str)>,
    /// The times of the first and last hit; none where there are only sums.
    pub span: Option<(Second, Second)>,
}

/// Reads an export of `site`. Hits before `oldest` are dropped as expired, hits after `newest` are
/// no hits.
pub fn read_export(
    kind: ExportKind,
    files: &[ExportFile<'_>],
    site: &SiteConfig,
    (oldest, newest): (Second, Second),
) -> Result<Result<Exported, ExportError>, SitesError> {
    match kind {
        ExportKind::Plausible => Ok(plausible::read(files, site.name.as_str())),
        ExportKind::Ga4 => Ok(ga4::read(files, site.name.as_str())),
        ExportKind::Umami => umami::read(files, site.clone(), (oldest, newest)),
    }
}

/// The channel and the source of sums, of which nobody knows where their visits came from.
#[must_use]
pub fn imported() -> Text {
    enrich::imported()
}

/// The pages and events of days, added up.
#[derive(Default)]
struct Sums {
    pages: BTreeMap<(Date, Text), PageSums>,
    events: BTreeMap<(Date, Text), (i64, i64)>,
    seen: BTreeSet<(Date, &'static str, String)>,
}

impl Sums {
    /// Whether `what` of a day comes for the first time in a `table`: a second one shows that the
    /// table tells days apart by more than what is added up here.
    fn is_first(&mut self, day: Date, table: &'static str, what: &str) -> bool {
        self.seen.insert((day, table, what.to_owned()))
    }

    /// The sums of a page, by a path or URL; two that the scrubber makes one are added up. None:
    /// it is neither.
    fn page(&mut self, day: Date, page: &str, site: &str) -> Option<&mut PageSums> {
        let page = enrich::page_url(page, site)?.page;
        Some(self.pages.entry((day, page)).or_default())
    }

    /// The visitors and events of a name. None: nothing of it is left after scrubbing.
    fn event(&mut self, day: Date, name: &str) -> Option<&mut (i64, i64)> {
        let name = enrich::event_name(name);
        (!name.is_empty()).then(|| self.events.entry((day, name)).or_default())
    }

    fn totals(self) -> impl Iterator<Item = Total> {
        let pages = self.pages.into_iter();
        let pages =
            pages.map(|((day, page), sums)| Total { day, of: TotalOf::Page { page, sums } });
        let events = self.events.into_iter().map(|((day, name), (visitors, events))| Total {
            day,
            of: TotalOf::Event { name, visitors, events },
        });
        pages.chain(events)
    }
}
