//! Plausible's export: tables of a day's sums, each by one dimension.
//!
//! Source: the queries behind its export, and its importer, in its repository (2026). Kept are the
//! sums of the site, of its pages and of its events. The sources, places and devices of a day are
//! left out: a visitor who came from two of them is in both, so that they do not add up to the
//! day's visitors.

use std::collections::BTreeMap;

use jiff::civil::Date;

use super::table::{Line, Table};
use super::{ExportError, ExportFile, Exported, Sums, Total, TotalOf};

const LEFT_OUT: &str = "its visitors are in several of its lines, and do not add up to the day's";

pub(super) fn read(files: &[ExportFile<'_>], site: &str) -> Result<Exported, ExportError> {
    let mut exported = Exported::default();
    let mut sums = Sums::default();
    let mut days = BTreeMap::new();
    for file in files {
        let table = Table::read(*file, file.text, 0)?;
        let has = |name: &str| table.column(&[name]).is_some();
        let (read, what): (fn(&mut Sums, &Columns, Line<'_>, &str) -> _, _) = if has("page") {
            (page, "page")
        } else if has("entrypage") {
            (entry_page, "entrypage")
        } else if has("exitpage") {
            (exit_page, "exitpage")
        } else if has("name") && has("events") {
            (event, "name")
        } else if has("visits") && has("pageviews") && has("bounces") && !has("referrer") {
            if ["source", "country", "device", "browser", "operatingsystem"].into_iter().any(has) {
                exported.left_out.push((file.name.to_owned(), LEFT_OUT));
                continue;
            }
            exported.lines += each_day(&table, &mut days)?;
            continue;
        } else {
            exported.left_out.push((file.name.to_owned(), LEFT_OUT));
            continue;
        };
        let columns = Columns::of(&table, what);
        for line in table.lines() {
            exported.lines += 1;
            read(&mut sums, &columns, line, site)?;
        }
    }
    if days.is_empty() {
        return Err(ExportError::Missing(
            "none of the files is Plausible's imported_visitors: a table with the columns date, \
             visitors, pageviews, bounces, visits and visit_duration",
        ));
    }
    exported.totals = days.into_values().chain(sums.totals()).collect();
    Ok(exported)
}

/// Where a table's columns are.
struct Columns {
    date: Option<usize>,
    key: usize,
    named: Vec<(&'static str, Option<usize>)>,
}

const COUNTS: &[&str] = &[
    "pageviews",
    "visitors",
    "visits",
    "entrances",
    "exits",
    "totaltimeonpage",
    "totaltimeonpagevisits",
    "totalscrolldepth",
    "totalscrolldepthvisits",
    "events",
];

impl Columns {
    fn of(table: &Table<'_>, key: &'static str) -> Self {
        Self {
            date: table.column(&["date"]),
            key: table.column(&[key]).unwrap_or_default(),
            named: COUNTS.iter().map(|name| (*name, table.column(&[name]))).collect(),
        }
    }

    fn count(&self, line: Line<'_>, name: &str) -> Result<i64, ExportError> {
        line.count(self.named.iter().find(|(known, _)| *known == name).and_then(|(_, at)| *at))
    }
}

fn day_of(line: Line<'_>, date: Option<usize>) -> Result<Date, ExportError> {
    line.day(date.ok_or_else(|| line.error("there is no column date"))?)
}

fn each_day(table: &Table<'_>, days: &mut BTreeMap<Date, Total>) -> Result<u64, ExportError> {
    let date = table.column(&["date"]);
    let at = |name| table.column(&[name]);
    let mut lines = 0;
    for line in table.lines() {
        lines += 1;
        let day = day_of(line, date)?;
        let of = TotalOf::Site {
            visitors: line.count(at("visitors"))?,
            visits: line.count(at("visits"))?,
            bounces: line.count(at("bounces"))?,
            pageviews: line.count(at("pageviews"))?,
            duration_s: line.count(at("visitduration"))?,
        };
        if days.insert(day, Total { day, of }).is_some() {
            return Err(line.error("its day stands in another line too"));
        }
    }
    Ok(lines)
}

/// A line of `imported_pages`, whose pages come once a day.
fn page(sums: &mut Sums, at: &Columns, line: Line<'_>, site: &str) -> Result<(), ExportError> {
    let day = day_of(line, at.date)?;
    let path = line.text(at.key);
    if !sums.is_first(day, "page", path) {
        return Err(line.error("its page stands in another line of the same day too"));
    }
    let count = |name| at.count(line, name);
    let it = sums.page(day, path, site).ok_or_else(|| line.error("its page is no path"))?;
    it.pageviews += count("pageviews")?;
    it.visitors += count("visitors")?;
    it.visits += count("visits")?;
    it.engaged_ms += count("totaltimeonpage")? * 1000;
    it.engaged_visits += count("totaltimeonpagevisits")?;
    it.scroll_sum += count("totalscrolldepth")?;
    it.scroll_visits += count("totalscrolldepthvisits")?;
    Ok(())
}

/// A line of `imported_entry_pages`. A visit of events alone has no entry page.
fn entry_page(
    sums: &mut Sums,
    at: &Columns,
    line: Line<'_>,
    site: &str,
) -> Result<(), ExportError> {
    let (day, path) = (day_of(line, at.date)?, line.text(at.key));
    if let Some(it) = sums.page(day, path, site) {
        it.entries += at.count(line, "entrances")?;
    }
    Ok(())
}

/// A line of `imported_exit_pages`.
fn exit_page(sums: &mut Sums, at: &Columns, line: Line<'_>, site: &str) -> Result<(), ExportError> {
    let (day, path) = (day_of(line, at.date)?, line.text(at.key));
    if let Some(it) = sums.page(day, path, site) {
        it.exits += at.count(line, "exits")?;
    }
    Ok(())
}

/// A line of `imported_custom_events`, which tells events of some names apart by link or path: of
/// those only their number adds up, and visitors count where a name comes once a day.
fn event(sums: &mut Sums, at: &Columns, line: Line<'_>, _: &str) -> Result<(), ExportError> {
    let (day, name) = (day_of(line, at.date)?, line.text(at.key));
    let first = sums.is_first(day, "event", name);
    if let Some((visitors, events)) = sums.event(day, name) {
        let more = at.count(line, "visitors")?;
        // Of several links' visitors at least as many are different ones as the largest has.
        *visitors = if first { more } else { more.max(*visitors) };
        *events += at.count(line, "events")?;
    }
    Ok(())
}
