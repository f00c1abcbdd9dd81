//! Rows as RowBinary, and the marker that travels with them.
//!
//! A row is its columns in the order of their list here: a text is a LEB128 length and UTF-8, a time
//! four bytes of seconds, a counter eight bytes, little endian. ClickHouse's `LowCardinality` is not
//! seen in RowBinary.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::migrate::SCHEMA;
use crate::count::Rows;
use crate::hit::{Bucket, Second, Text};
use crate::limits::{BATCH_BYTES_MAX, BATCH_ROWS_MAX};
use crate::outbox::{NewBatch, Table};

/// The site of marker rows. No site can have this name, and no reader asks for it.
pub const MARKER_SITE: &str = "(marker)";

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `String` or `LowCardinality(String)`.
    Text,
    /// `DateTime('UTC')`.
    Time,
    /// `Int64`, summed.
    Count,
}

/// A column that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub kind: Kind,
}

const fn text(name: &'static str) -> Column {
    Column { name, kind: Kind::Text }
}

const fn time(name: &'static str) -> Column {
    Column { name, kind: Kind::Time }
}

const fn count(name: &'static str) -> Column {
    Column { name, kind: Kind::Count }
}

const VISITS: &[Column] = &[
    text("site"),
    time("bucket"),
    text("hostname"),
    text("entry_page"),
    text("channel"),
    text("source"),
    text("referrer_host"),
    text("utm_source"),
    text("utm_medium"),
    text("utm_campaign"),
    text("utm_content"),
    text("utm_term"),
    text("country"),
    text("region"),
    text("city"),
    text("browser"),
    text("browser_version"),
    text("os"),
    text("os_version"),
    text("device"),
    text("language"),
    text("batch"),
    time("written"),
    count("visitors"),
    count("visitors_hour"),
    count("visits"),
    count("bounces"),
    count("pageviews"),
    count("events"),
    count("duration_s"),
];

const PAGES: &[Column] = &[
    text("site"),
    time("bucket"),
    text("hostname"),
    text("page"),
    text("channel"),
    text("source"),
    text("utm_campaign"),
    text("country"),
    text("device"),
    text("batch"),
    time("written"),
    count("pageviews"),
    count("visitors"),
    count("visitors_hour"),
    count("visits"),
    count("entries"),
    count("exits"),
    count("engaged_ms"),
    count("engaged_visits"),
    count("scroll_sum"),
    count("scroll_visits"),
];

const EVENTS: &[Column] = &[
    text("site"),
    time("bucket"),
    text("name"),
    text("page"),
    text("currency"),
    text("channel"),
    text("source"),
    text("utm_campaign"),
    text("country"),
    text("device"),
    text("batch"),
    time("written"),
    count("events"),
    count("visitors"),
    count("visitors_hour"),
    count("visits"),
    count("revenue"),
];

const EVENT_PROPS: &[Column] = &[
    text("site"),
    time("bucket"),
    text("name"),
    text("prop_key"),
    text("prop_value"),
    text("batch"),
    time("written"),
    count("events"),
    count("visitors"),
];

const JOURNEYS: &[Column] = &[
    text("site"),
    time("bucket"),
    text("from_page"),
    text("to_page"),
    text("batch"),
    time("written"),
    count("transitions"),
];

const MAILINGS: &[Column] = &[
    text("site"),
    time("bucket"),
    text("mailing"),
    text("link"),
    text("class"),
    text("client"),
    text("system"),
    text("country"),
    text("batch"),
    time("written"),
    count("opens"),
    count("unique_opens"),
    count("clicks"),
    count("unique_clicks"),
    count("readers"),
    count("forwards"),
    count("spread"),
];

const LEDGER: &[Column] = &[
    text("site"),
    time("bucket"),
    text("node"),
    text("reason"),
    text("batch"),
    time("written"),
    count("hits"),
];

/// The columns of a row, in order, in the format of migration `schema`; none for a format that this
/// program does not know.
#[must_use]
pub fn columns(table: Table, schema: u32) -> Option<&'static [Column]> {
    // No later one changed a row that was there.
    let since = if table == Table::Mailings { 2 } else { 1 };
    (since..=SCHEMA).contains(&schema).then_some(match table {
        Table::Visits => VISITS,
        Table::Pages => PAGES,
        Table::Events => EVENTS,
        Table::EventProps => EVENT_PROPS,
        Table::Journeys => JOURNEYS,
        Table::Mailings => MAILINGS,
        Table::Ledger => LEDGER,
    })
}

/// Rows as RowBinary, a batch per table and month, in the order of their keys; more batches where
/// one would pass a bound. The same rows give the same bytes.
#[must_use]
pub fn encode(rows: &Rows, node: &str) -> Vec<NewBatch> {
    let mut done = Vec::new();
    let mut visits = Batches::new(Table::Visits);
    for (key, c) in &rows.visits {
        visits.row(key.site.as_str(), key.bucket, |row| {
            row.texts([key.hostname.as_str(), key.entry_page.as_str()]);
            row.texts(key.dims.texts().map(Text::as_str));
            row.end_key();
            row.counts([c.visitors, c.visitors_hour, c.visits, c.bounces]);
            row.counts([c.pageviews, c.events, c.duration_s]);
        });
    }
    visits.finish(&mut done);
    let mut pages = Batches::new(Table::Pages);
    for (key, c) in &rows.pages {
        pages.row(key.site.as_str(), key.bucket, |row| {
            row.texts([key.hostname.as_str(), key.page.as_str()]);
            row.texts([key.channel.as_str(), key.source.as_str(), key.utm_campaign.as_str()]);
            row.texts([key.country.as_str(), key.device.as_str()]);
            row.end_key();
            row.counts([c.pageviews, c.visitors, c.visitors_hour, c.visits, c.entries, c.exits]);
            row.counts([c.engaged_ms, c.engaged_visits, c.scroll_sum, c.scroll_visits]);
        });
    }
    pages.finish(&mut done);
    let mut events = Batches::new(Table::Events);
    for (key, c) in &rows.events {
        events.row(key.site.as_str(), key.bucket, |row| {
            row.texts([key.name.as_str(), key.page.as_str(), key.currency.as_str()]);
            row.texts([key.channel.as_str(), key.source.as_str(), key.utm_campaign.as_str()]);
            row.texts([key.country.as_str(), key.device.as_str()]);
            row.end_key();
            row.counts([c.events, c.visitors, c.visitors_hour, c.visits, c.revenue]);
        });
    }
    events.finish(&mut done);
    let mut props = Batches::new(Table::EventProps);
    for (key, c) in &rows.event_props {
        props.row(key.site.as_str(), key.bucket, |row| {
            row.texts([key.name.as_str(), key.key.as_str(), key.value.as_str()]);
            row.end_key();
            row.counts([c.events, c.visitors]);
        });
    }
    props.finish(&mut done);
    let mut journeys = Batches::new(Table::Journeys);
    for (key, &transitions) in &rows.journeys {
        journeys.row(key.site.as_str(), key.bucket, |row| {
            row.texts([key.from_page.as_str(), key.to_page.as_str()]);
            row.end_key();
            row.counts([transitions]);
        });
    }
    journeys.finish(&mut done);
    let mut mailings = Batches::new(Table::Mailings);
    for (key, c) in &rows.mailings {
        let link = if key.link == 0 { String::new() } else { key.link.to_string() };
        mailings.row(key.site.as_str(), key.bucket, |row| {
            row.texts([key.mailing.as_str(), &link, key.class.label()]);
            row.texts([key.client.as_str(), key.system.as_str(), key.country.as_str()]);
            row.end_key();
            row.counts([c.opens, c.unique_opens, c.clicks, c.unique_clicks]);
            row.counts([c.readers, c.forwards, c.spread]);
        });
    }
    mailings.finish(&mut done);
    let mut ledger = Batches::new(Table::Ledger);
    for (key, &hits) in &rows.ledger {
        ledger.row(key.site.as_str(), key.bucket, |row| {
            row.texts([node, key.reason]);
            row.end_key();
            row.counts([hits]);
        });
    }
    ledger.finish(&mut done);
    done
}

/// The batches of one table: one open per month, and those that are full.
struct Batches {
    table: Table,
    open: BTreeMap<u32, NewBatch>,
    full: Vec<NewBatch>,
}

impl Batches {
    fn new(table: Table) -> Self {
        Self { table, open: BTreeMap::new(), full: Vec::new() }
    }

    fn row(&mut self, site: &str, bucket: Bucket, rest: impl FnOnce(&mut Row<'_>)) {
        let month = month_of(bucket.start());
        let empty =
            || NewBatch { table: self.table, month, rows: 0, schema: SCHEMA, bytes: Vec::new() };
        let batch = self.open.entry(month).or_insert_with(empty);
        let mut row = Row(&mut batch.bytes);
        row.texts([site]);
        row.time(bucket.start());
        rest(&mut row);
        batch.rows += 1;
        if batch.rows as usize >= BATCH_ROWS_MAX || batch.bytes.len() >= BATCH_BYTES_MAX {
            self.full.extend(self.open.remove(&month));
        }
    }

    fn finish(self, done: &mut Vec<NewBatch>) {
        done.extend(self.full);
        done.extend(self.open.into_values());
    }
}

/// A row, as far as it is written.
struct Row<'a>(&'a mut Vec<u8>);

impl Row<'_> {
    fn texts<const N: usize>(&mut self, texts: [&str; N]) {
        for text in texts {
            let mut length = text.len();
            while length >= 0x80 {
                self.0.push(length.to_le_bytes()[0] | 0x80);
                length >>= 7;
            }
            self.0.push(length.to_le_bytes()[0]);
            self.0.extend_from_slice(text.as_bytes());
        }
    }

    /// Seconds; outside of what `DateTime` holds, its nearest edge.
    fn time(&mut self, at: Second) {
        let seconds = u32::try_from(at.0.max(0)).unwrap_or(u32::MAX);
        self.0.extend_from_slice(&seconds.to_le_bytes());
    }

    /// `batch` and `written`, which are empty but in a marker.
    fn end_key(&mut self) {
        self.texts([""]);
        self.time(Second(0));
    }

    fn counts<const N: usize>(&mut self, counts: [i64; N]) {
        for count in counts {
            self.0.extend_from_slice(&count.to_le_bytes());
        }
    }
}

/// The year and month, in UTC, as 202611.
fn month_of(at: Second) -> u32 {
    let at = at.0.clamp(0, i64::from(u32::MAX));
    let zoned = Timestamp::from_second(at).unwrap_or(Timestamp::MAX).to_zoned(TimeZone::UTC);
    u32::from(zoned.year().unsigned_abs()) * 100 + u32::from(zoned.month().unsigned_abs())
}

/// A batch's marker: the row that says that the batch is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Marker {
    /// The outbox's incarnation and the batch's number.
    pub(super) batch: String,
    /// A bucket within the batch's partition: spread over its first 28 days, so that looking for
    /// one marker does not read the month's.
    pub(super) bucket: Second,
}

impl Marker {
    /// The marker of batch `number`; `None` if its month is none.
    pub(super) fn of(outbox: &str, number: u64, month: u32) -> Option<Self> {
        const SLOTS: u64 = 28 * 24 * 4;
        let (year, month) = (i16::try_from(month / 100).ok()?, i8::try_from(month % 100).ok()?);
        let first = jiff::civil::Date::new(year, month, 1).ok()?;
        let first = first.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
        let slot = i64::try_from(number % SLOTS).ok()?;
        let bucket = Second(first + slot * Bucket::LENGTH_S);
        Some(Self { batch: format!("{outbox}/{number}"), bucket })
    }

    /// Its row. Its first counter is 1: a row of nothing but zeros is dropped when parts merge.
    pub(super) fn row(&self, columns: &[Column], written: Second) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut row = Row(&mut bytes);
        let mut one = 1;
        for column in columns {
            match (column.kind, column.name) {
                (Kind::Text, "site") => row.texts([MARKER_SITE]),
                (Kind::Text, "batch") => row.texts([&self.batch]),
                (Kind::Text, _) => row.texts([""]),
                (Kind::Time, "written") => row.time(written),
                (Kind::Time, _) => row.time(self.bucket),
                (Kind::Count, _) => row.counts([std::mem::take(&mut one)]),
            }
        }
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::count::{JourneyKey, LedgerKey};
    use crate::hit::{SiteName, Text};

    fn bucket(at: &str) -> Bucket {
        Second(at.parse::<Timestamp>().unwrap().as_second()).bucket()
    }

    fn ledger(at: &str) -> LedgerKey {
        LedgerKey { site: SiteName::unknown(), bucket: bucket(at), reason: "received" }
    }

    #[test]
    fn a_row_is_its_columns_as_row_binary() {
        let mut rows = Rows::default();
        rows.ledger.insert(ledger("2026-11-01T00:15:00Z"), -2);
        let batches = encode(&rows, "n");
        let mut expected = b"\x09(unknown)".to_vec();
        expected.extend(1_793_492_100_u32.to_le_bytes());
        expected.extend(b"\x01n\x08received\x00\0\0\0\0");
        expected.extend((-2_i64).to_le_bytes());
        let batch = NewBatch {
            table: Table::Ledger,
            month: 202_611,
            rows: 1,
            schema: SCHEMA,
            bytes: expected,
        };
        assert_eq!(batches, [batch]);
    }

    #[test]
    fn a_long_text_has_a_length_of_several_bytes() {
        let mut bytes = Vec::new();
        Row(&mut bytes).texts([&"x".repeat(300)]);
        assert_eq!(bytes[..2], [0b1010_1100, 0b10]);
        assert_eq!(bytes.len(), 302);
    }

    #[test]
    fn rows_go_to_the_month_of_their_bucket_in_utc() {
        let mut rows = Rows::default();
        rows.ledger.insert(ledger("2026-10-31T23:45:00Z"), 1);
        rows.ledger.insert(ledger("2026-11-01T00:00:00Z"), 1);
        rows.ledger.insert(ledger("2027-01-01T00:00:00Z"), 1);
        let months: Vec<u32> = encode(&rows, "n").iter().map(|batch| batch.month).collect();
        assert_eq!(months, [202_610, 202_611, 202_701]);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's own text")]
    fn a_batch_past_its_bound_is_cut_and_no_row_is_lost() {
        let mut rows = Rows::default();
        for number in 0..=BATCH_ROWS_MAX {
            let key = JourneyKey {
                site: SiteName::unknown(),
                bucket: bucket("2026-11-01T00:00:00Z"),
                from_page: Text::from_scrubbed(&format!("/{number}")),
                to_page: Text::EMPTY,
            };
            rows.journeys.insert(key, 1);
        }
        let batches = encode(&rows, "n");
        let counts: Vec<usize> = batches.iter().map(|batch| batch.rows as usize).collect();
        assert_eq!(counts, [BATCH_ROWS_MAX, 1]);
        assert_eq!(batches, encode(&rows, "n"), "the same rows give the same bytes");
    }

    #[test]
    fn a_marker_stays_in_its_batchs_month() {
        for (month, number) in [(202_602, 0), (202_602, 2687), (202_602, 2688), (202_612, u64::MAX)]
        {
            let marker = Marker::of("o", number, month).unwrap();
            assert_eq!(month_of(marker.bucket), month, "{number}");
            assert_eq!(marker.batch, format!("o/{number}"));
        }
        assert_eq!(Marker::of("o", 1, 202_613), None);
    }

    #[test]
    fn a_markers_row_has_the_width_of_every_table() {
        let marker = Marker::of("o", 1, 202_611).unwrap();
        for &table in Table::ALL {
            let columns = columns(table, SCHEMA).unwrap();
            let row = marker.row(columns, Second(1));
            let of = |kind| columns.iter().filter(|column| column.kind == kind).count();
            let texts = of(Kind::Text) + MARKER_SITE.len() + "o/1".len();
            assert_eq!(row.len(), texts + of(Kind::Time) * 4 + of(Kind::Count) * 8);
        }
    }
}
