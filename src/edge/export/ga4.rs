//! Reports of Google Analytics 4, exported as CSV: tables by day, in explorations and in the
//! standard reports, with lines that begin with `#` around them.
//!
//! Source: <https://support.google.com/analytics/answer/13331684> (dimensions and metrics) and
//! exported files. Columns go by the names of the interface in English, or of the Data API.

use std::collections::BTreeMap;

use jiff::ToSpan as _;
use jiff::civil::Date;

use super::table::{self, Line, Table};
use super::{ExportError, ExportFile, Exported, Sums, Total, TotalOf};

const PAGE: &[&str] =
    &["pagepath", "pagepathandscreenclass", "pagepathquerystring", "pagepathplusquerystring"];
const EVENT: &[&str] = &["eventname"];
const VISITORS: &[&str] = &["totalusers", "activeusers", "users"];
const VISITS: &[&str] = &["sessions"];
const PAGEVIEWS: &[&str] = &["views", "screenpageviews"];
const ENGAGED: &[&str] = &["engagedsessions"];
const BOUNCE_RATE: &[&str] = &["bouncerate"];
const DURATION: &[&str] = &["averagesessionduration"];
const EVENTS: &[&str] = &["eventcount"];

const NOT_BY_DAY: &str = "it has a table that is not by day";
const NOT_KNOWN: &str = "it has a table without users, sessions or views";

/// A day, as far as the reports told of it.
#[derive(Default)]
struct Day {
    visitors: Option<i64>,
    visits: Option<i64>,
    pageviews: Option<i64>,
    bounces: Option<i64>,
    duration_s: Option<i64>,
}

pub(super) fn read(files: &[ExportFile<'_>], site: &str) -> Result<Exported, ExportError> {
    let mut exported = Exported::default();
    let mut sums = Sums::default();
    let mut days: BTreeMap<Date, Day> = BTreeMap::new();
    for file in files {
        for part in parts(file.text) {
            let table = Table::read(*file, part.text, part.lines_before)?;
            let Some(column) = DayColumn::of(&table, part.start) else {
                exported.left_out.push((file.name.to_owned(), NOT_BY_DAY));
                continue;
            };
            let at = |names| table.column(names);
            let known = [VISITORS, VISITS, PAGEVIEWS, ENGAGED, BOUNCE_RATE, DURATION, EVENTS];
            if known.into_iter().all(|names| at(names).is_none()) {
                exported.left_out.push((file.name.to_owned(), NOT_KNOWN));
                continue;
            }
            for line in table.lines() {
                // A line of the sums of all days.
                let Some(day) = column.of_line(line)? else { continue };
                exported.lines += 1;
                match (at(PAGE), at(EVENT)) {
                    (None, None) => days.entry(day).or_default().add(line, &table)?,
                    (Some(page), None) => of_page(&mut sums, (day, page), line, &table, site)?,
                    (None, Some(event)) => of_event(&mut sums, (day, event), line, &table)?,
                    (Some(_), Some(_)) => {
                        return Err(line.error(
                            "the table tells pages and events apart: export one of them at a time",
                        ));
                    }
                }
            }
        }
    }
    for (day, it) in days {
        let Day {
            visitors: Some(visitors), visits: Some(visits), pageviews: Some(pageviews), ..
        } = it
        else {
            return Err(ExportError::Missing(
                "the days of the reports must have users, sessions and views: export them by \
                 date, in one table or several",
            ));
        };
        let (bounces, duration_s) = (it.bounces.unwrap_or(0), it.duration_s.unwrap_or(0));
        let of = TotalOf::Site { visitors, visits, bounces, pageviews, duration_s };
        exported.totals.push(Total { day, of });
    }
    if exported.totals.is_empty() {
        return Err(ExportError::Missing(
            "none of the files has a table with a column Date (or Nth day, below a line \
             \"# Start date\") and users, sessions and views beside it",
        ));
    }
    exported.totals.extend(sums.totals());
    Ok(exported)
}

/// A table's text: lines without an empty one, or one that begins with `#`, between them.
struct Part<'a> {
    text: &'a str,
    lines_before: u64,
    /// The first day of what it is about, if that was said above it.
    start: Option<Date>,
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    let (mut at, mut start, mut open) = (0, None, false);
    for (number, line) in text.split_inclusive('\n').enumerate() {
        let trimmed = line.trim_start_matches('\u{feff}').trim();
        let end = at + line.len();
        if trimmed.is_empty() || trimmed.starts_with('#') {
            open = false;
            if let Some((_, day)) = trimmed.split_once("Start date:") {
                start = table::day(day.trim());
            }
        } else if let (true, Some(part)) = (open, parts.last_mut()) {
            let from = end - line.len() - part.text.len();
            part.text = &text[from..end];
        } else {
            parts.push(Part { text: &text[at..end], lines_before: number as u64, start });
            open = true;
        }
        at = end;
    }
    parts
}

/// How a table tells its days.
enum DayColumn {
    Date(usize),
    /// Days after the first.
    Nth(usize, Date),
}

impl DayColumn {
    fn of(table: &Table<'_>, start: Option<Date>) -> Option<Self> {
        let date = table.column(&["date"]).map(Self::Date);
        date.or_else(|| Some(Self::Nth(table.column(&["nthday"])?, start?)))
    }

    /// None for a line of totals.
    fn of_line(&self, line: Line<'_>) -> Result<Option<Date>, ExportError> {
        let (Self::Date(column) | Self::Nth(column, _)) = self;
        if matches!(line.text(*column), "" | "Grand total" | "Total" | "Totals") {
            return Ok(None);
        }
        match self {
            Self::Date(column) => line.day(*column).map(Some),
            Self::Nth(column, start) => {
                let days = line.count(Some(*column))?;
                let day = start.checked_add(days.min(100_000).days());
                day.map(Some).map_err(|_| line.error("its day is too far away"))
            }
        }
    }
}

impl Day {
    fn add(&mut self, line: Line<'_>, table: &Table<'_>) -> Result<(), ExportError> {
        let at = |names| table.column(names);
        let count = |names| at(names).map(|column| line.count(Some(column))).transpose();
        let number = |names| at(names).map(|column| line.number_in(column)).transpose();
        let visits = count(VISITS)?;
        let of_visits = |what: Option<f64>, why: &str| match (what, visits) {
            (None, _) => Ok(None),
            (Some(_), None) => Err(line.error(format!("{why} needs a column Sessions beside it"))),
            #[expect(clippy::cast_precision_loss, reason = "visits of a day are below 2^53")]
            #[expect(clippy::cast_possible_truncation, reason = "a finite number from 0 on")]
            (Some(what), Some(visits)) => Ok(Some((what * visits as f64).round() as i64)),
        };
        let bounces = match (count(ENGAGED)?, visits) {
            (Some(engaged), Some(visits)) => Some((visits - engaged).max(0)),
            _ => of_visits(number(BOUNCE_RATE)?.map(|rate| rate.min(1.0)), "a bounce rate")?,
        };
        let duration = of_visits(number(DURATION)?, "an average session duration")?;
        for (kept, told) in [
            (&mut self.visitors, count(VISITORS)?),
            (&mut self.visits, visits),
            (&mut self.pageviews, count(PAGEVIEWS)?),
            (&mut self.bounces, bounces),
            (&mut self.duration_s, duration),
        ] {
            match (&kept, told) {
                (_, None) => {}
                (Some(before), Some(told)) if *before != told => {
                    return Err(line.error(
                        "its day stands in another line too, with other numbers: the report must \
                         tell apart nothing but days, or days and pages, or days and events",
                    ));
                }
                _ => *kept = told,
            }
        }
        Ok(())
    }
}

fn of_page(
    sums: &mut Sums,
    (day, page): (Date, usize),
    line: Line<'_>,
    table: &Table<'_>,
    site: &str,
) -> Result<(), ExportError> {
    let path = line.text(page);
    if !sums.is_first(day, "page", path) {
        return Err(line.error("its page stands in another line of the same day too"));
    }
    // Screens of apps, and `(not set)`.
    let Some(it) = sums.page(day, path, site) else { return Ok(()) };
    it.pageviews += line.count(table.column(PAGEVIEWS))?;
    it.visitors += line.count(table.column(VISITORS))?;
    it.visits += line.count(table.column(VISITS))?;
    Ok(())
}

fn of_event(
    sums: &mut Sums,
    (day, event): (Date, usize),
    line: Line<'_>,
    table: &Table<'_>,
) -> Result<(), ExportError> {
    let name = line.text(event);
    if !sums.is_first(day, "event", name) {
        return Err(line.error("its event stands in another line of the same day too"));
    }
    // Those that stand for page views and visits are counted as such.
    if matches!(name, "page_view" | "session_start" | "first_visit" | "user_engagement") {
        return Ok(());
    }
    if let Some((visitors, events)) = sums.event(day, name) {
        *visitors += line.count(table.column(VISITORS))?;
        *events += line.count(table.column(EVENTS))?;
    }
    Ok(())
}
