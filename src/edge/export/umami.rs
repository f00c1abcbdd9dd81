//! Umami's export: a line for each hit, with an id of its device and what was made of its agent
//! and address.
//!
//! The hits go through the door like those of a log: the id is a device identifier, and ends in the
//! keyed hash of its day. Names of browsers and systems: Umami's, which are the package
//! detect-browser's.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use super::table::{Line, Table};
use super::{ExportError, ExportFile, Exported};
use crate::edge::past::Past;
use crate::edge::raw::{
    RawAddress, RawClient, RawHints, RawHit, RawKind, RawKnown, RawText, Wishes,
};
use crate::edge::{Places, SiteConfig, SitesError};
use crate::hit::Second;

/// Lines that cannot be read of which the place is told.
const TOLD_MAX: usize = 5;

/// What a table must have.
const NEEDED: &[&str] = &["sessionid", "urlpath", "eventtype", "createdat"];

struct Columns {
    needed: [usize; 4],
    hostname: Option<usize>,
    query: Option<usize>,
    referrer: Option<usize>,
    event: Option<usize>,
    language: Option<usize>,
    known: [Option<usize>; 4],
}

impl Columns {
    fn of(table: &Table<'_>) -> Option<Self> {
        let at = |name: &str| table.column(&[name]);
        let mut needed = [0; 4];
        for (place, name) in needed.iter_mut().zip(NEEDED) {
            *place = at(name)?;
        }
        Some(Self {
            needed,
            hostname: at("hostname"),
            query: at("urlquery"),
            referrer: at("referrerdomain"),
            event: at("eventname"),
            language: at("language"),
            known: ["browser", "os", "device", "country"].map(at),
        })
    }
}

pub(super) fn read(
    files: &[ExportFile<'_>],
    site: SiteConfig,
    (oldest, newest): (Second, Second),
) -> Result<Result<Exported, ExportError>, SitesError> {
    // There are no addresses: countries come by name.
    let mut past = Past::new(site, Places::default(), oldest)?;
    let mut exported = Exported::default();
    let mut tables = Vec::new();
    for file in files {
        let table = match Table::read(*file, file.text, 0) {
            Ok(table) => table,
            Err(error) => return Ok(Err(error)),
        };
        match Columns::of(&table) {
            Some(columns) => tables.push((file.name, table, columns)),
            None => exported.left_out.push((
                file.name.to_owned(),
                "it has no columns session_id, url_path, event_type and created_at",
            )),
        }
    }
    if tables.is_empty() {
        return Ok(Err(ExportError::Missing(
            "none of the files is Umami's website_event: a table with the columns session_id, \
             url_path, event_type and created_at",
        )));
    }
    let mut found = Vec::new();
    for (file, table, columns) in &tables {
        for line in table.lines() {
            exported.lines += 1;
            let at = time_of(line.text(columns.needed[3])).filter(|at| *at <= newest);
            if let Some(at) = at {
                found.push((at, line, columns));
            } else {
                exported.malformed += 1;
                if exported.unread.len() < TOLD_MAX {
                    exported.unread.push(((*file).to_owned(), line.number()));
                }
            }
        }
    }
    // Stable: hits of one second stay in their order.
    found.sort_by_key(|(at, ..)| *at);
    exported.span =
        found.first().zip(found.last()).map(|((first, ..), (last, ..))| (*first, *last));
    for (at, line, columns) in found {
        past.receive(at, &mut exported.records);
        take(&mut past, line, columns, &mut exported.records);
    }
    past.settle(&mut exported.records);
    Ok(Ok(exported))
}

/// A time of UTC: `2026-11-01 10:00:00`, also with a T, fractions and a Z.
fn time_of(text: &str) -> Option<Second> {
    let text = text.strip_suffix('Z').or_else(|| text.strip_suffix("+00:00")).unwrap_or(text);
    let time: DateTime = text.parse().ok()?;
    Some(Second(time.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second()))
}

fn take(past: &mut Past, line: Line<'_>, columns: &Columns, records: &mut Vec<crate::hit::Record>) {
    let [session, path, kind, _] = columns.needed;
    let [browser, os, device, country] = columns.known.map(|at| RawText::new(line.maybe(at)));
    let (address, prefix) = RawAddress::split(None);
    let client = RawClient {
        address,
        prefix,
        agent: None,
        known: Some(RawKnown { browser, os, device, country }),
        hints: RawHints::default(),
        language: RawText::new(line.maybe(columns.language)),
        wishes: Wishes::default(),
        prefetch: false,
    };
    let host = line.maybe(columns.hostname);
    let mut url = String::new();
    if !host.is_empty() {
        url.push_str("https://");
        url.push_str(host);
    }
    url.push_str(line.text(path));
    let query = line.maybe(columns.query);
    if !query.is_empty() {
        url.push('?');
        url.push_str(query.trim_start_matches('?'));
    }
    let referrer = match line.maybe(columns.referrer) {
        "" => String::new(),
        domain => format!("https://{domain}/"),
    };
    let raw = RawHit {
        client: &client,
        kind: match line.text(kind) {
            "1" => RawKind::Pageview,
            "2" => RawKind::Event {
                name: RawText::new(line.maybe(columns.event)),
                interactive: true,
                props: Vec::new(),
                revenue: None,
            },
            _ => RawKind::Unsupported,
        },
        automated: false,
        denied: false,
        touch: false,
        url: RawText::new(&url),
        referrer: RawText::new(&referrer),
        device: RawText::new(line.text(session)),
    };
    past.hit(raw, records);
}
