//! `headcount import plausible`, `umami`, `ga4`: what another system exported.
//!
//! Hits are counted like a log's. Sums of a day become rows as they are: at the day's midnight in
//! the site's time zone, under the channel and source `Imported`, all other dimensions blank.

use std::path::PathBuf;

use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::{ImportError, Job, Ledger, Progress, Unread, day_of, lane, oldest, source};
use crate::config::Config;
use crate::count::{EventCounters, EventKey, PageCounters, PageKey, Rows, VisitCounters, VisitKey};
use crate::count::{LedgerKey, reason};
use crate::edge::{
    ExportFile, ExportKind, Exported, PageSums, Total, TotalOf, imported, read_export,
};
use crate::hit::{
    Bucket, Clock as _, Currency, DropReason, Second, SiteName, SystemClock, Text, VisitDims,
};
use crate::limits;
use crate::outbox::Outbox;
use crate::spool::Lsn;

/// What to import.
#[derive(Clone, Debug)]
pub struct ExportImport {
    /// Whose export it is.
    pub kind: ExportKind,
    /// Its files.
    pub files: Vec<PathBuf>,
    /// The site's domain.
    pub site: String,
    /// Whether days are imported that have counts already.
    pub force: bool,
    /// Whether it is only read and counted.
    pub dry_run: bool,
}

/// What came of it.
#[derive(Debug)]
pub struct ExportImported {
    /// Lines of the files.
    pub lines: u64,
    /// Lines that cannot be read.
    pub malformed: u64,
    /// The first few of those.
    pub unread: Vec<Unread>,
    /// Files that hold nothing that can be added up, and why.
    pub left_out: Vec<(String, &'static str)>,
    /// Hits by the ledger's reasons.
    pub ledger: Ledger,
    /// Its first and last day, in the site's time zone.
    pub days: Option<(Date, Date)>,
    /// Whether it holds sums and no hits.
    pub sums: bool,
}

/// Reads an export, counts what is to be counted, and has it written; returns when all of it is in
/// ClickHouse.
pub fn import_export(
    config: &Config,
    export: &ExportImport,
    progress: &mut Progress<'_>,
) -> Result<ExportImported, ImportError> {
    let job = Job::begin(config, &export.site, export.dry_run)?;
    let now = SystemClock.now();
    let bounds = (oldest(now, config.retention_months), now);
    let mut files = Vec::new();
    for path in &export.files {
        let name = path.display().to_string();
        let text = source::whole(path).map_err(|error| ImportError::Read(name.clone(), error))?;
        progress(files.len() as u64 + 1, Some(export.files.len() as u64));
        files.push((name, text));
    }
    let fingerprint = fingerprint(&job, export.kind, &files);
    let files: Vec<_> = files.iter().map(|(name, text)| ExportFile { name, text }).collect();
    let exported = read_export(export.kind, &files, &job.site, bounds)??;
    let outbox = job.outbox()?;
    let Exported { records, totals, lines, unread, malformed, left_out, span } = exported;
    let sums = span.is_none();
    let (ledger, span) = if sums {
        let span = span_of(&totals, &job.zone, now)?;
        (write_totals(&totals, &job.site.name, &job.zone, bounds.0, outbox.as_ref())?, span)
    } else {
        (lane::count([records].into_iter(), outbox.as_ref())?, span)
    };
    drop(outbox);
    let pages = hits_of(&ledger, reason::COUNTED);
    if let Some(span) = span {
        job.finish(fingerprint, span, pages, export.force)?;
    }
    let unread = unread.into_iter().map(|(file, line)| Unread { file, line }).collect();
    let days = span.map(|(first, last)| (day_of(&job.zone, first), day_of(&job.zone, last)));
    if days.is_none() {
        return Err(ImportError::Empty);
    }
    Ok(ExportImported { lines, malformed, unread, left_out, ledger, days, sums })
}

/// Of the files' contents, in whatever order they are given.
fn fingerprint(job: &Job<'_>, kind: ExportKind, files: &[(String, String)]) -> blake3::Hash {
    let mut hasher = job.hasher(&format!("{kind:?}"));
    let mut contents: Vec<_> =
        files.iter().map(|(_, text)| blake3::hash(text.as_bytes())).collect();
    contents.sort_by_key(|hash| *hash.as_bytes());
    for hash in contents {
        hasher.update(hash.as_bytes());
    }
    hasher.finalize()
}

/// How many hits stand under a reason.
fn hits_of(ledger: &Ledger, wanted: &str) -> u64 {
    ledger.iter().find(|(reason, _)| *reason == wanted).map_or(0, |(_, hits)| *hits)
}

/// The midnights of the first and last day.
fn span_of(
    totals: &[Total],
    zone: &TimeZone,
    now: Second,
) -> Result<Option<(Second, Second)>, ImportError> {
    let days = || totals.iter().map(|total| total.day);
    let Some((first, last)) = days().min().zip(days().max()) else { return Ok(None) };
    if last > day_of(zone, now) {
        return Err(ImportError::Future(last));
    }
    Ok(Some((midnight(first, zone), midnight(last, zone))))
}

fn midnight(day: Date, zone: &TimeZone) -> Second {
    let start = day.to_zoned(zone.clone());
    Second(start.map_or(0, |start| start.timestamp().as_second()))
}

/// Makes rows of sums, and keeps them in `outbox`; their hits by the ledger's reasons.
fn write_totals(
    totals: &[Total],
    site: &SiteName,
    zone: &TimeZone,
    oldest: Second,
    outbox: Option<&Outbox>,
) -> Result<Ledger, ImportError> {
    let mut rows = Rows::default();
    let mut all: Ledger = Vec::new();
    for (number, total) in totals.iter().enumerate() {
        let at = midnight(total.day, zone);
        let hits = match &total.of {
            TotalOf::Site { pageviews, .. } => *pageviews,
            TotalOf::Event { events, .. } => *events,
            TotalOf::Page { .. } => 0,
        };
        let ends = if at < oldest { DropReason::Expired.ledger_label() } else { reason::COUNTED };
        for reason in [reason::RECEIVED, ends] {
            let key = LedgerKey { site: site.clone(), bucket: at.bucket(), reason };
            *rows.ledger.entry(key).or_default() += hits;
            let hits = u64::try_from(hits).unwrap_or(0);
            match all.iter_mut().find(|(known, _)| *known == reason) {
                Some((_, sum)) => *sum += hits,
                None => all.push((reason, hits)),
            }
        }
        if at >= oldest {
            row(&mut rows, site, at.bucket(), &total.of);
        }
        if rows.len() >= limits::BATCH_ROWS_MAX || number + 1 == totals.len() {
            rows.ledger.retain(|_, hits| *hits != 0);
            lane::keep(outbox, Lsn(number as u64 + 1), &std::mem::take(&mut rows))?;
        }
    }
    Ok(all)
}

fn row(rows: &mut Rows, site: &SiteName, bucket: Bucket, of: &TotalOf) {
    let site = site.clone();
    let (channel, source) = (imported(), imported());
    let none = || Text::EMPTY;
    match of {
        TotalOf::Site { visitors, visits, bounces, pageviews, duration_s } => {
            let dims = VisitDims { channel, source, ..VisitDims::default() };
            let key = VisitKey { site, bucket, hostname: none(), entry_page: none(), dims };
            let sums = VisitCounters {
                visitors: *visitors,
                visitors_hour: *visitors,
                visits: *visits,
                bounces: *bounces,
                pageviews: *pageviews,
                events: 0,
                duration_s: *duration_s,
            };
            rows.visits.insert(key, sums);
        }
        TotalOf::Page { page, sums } => {
            let key = PageKey {
                site,
                bucket,
                hostname: none(),
                page: page.clone(),
                channel,
                source,
                utm_campaign: none(),
                country: none(),
                device: none(),
            };
            rows.pages.insert(key, page_counters(sums));
        }
        TotalOf::Event { name, visitors, events } => {
            let key = EventKey {
                site,
                bucket,
                name: name.clone(),
                page: none(),
                currency: Currency::NONE,
                channel,
                source,
                utm_campaign: none(),
                country: none(),
                device: none(),
            };
            let sums = EventCounters {
                events: *events,
                visitors: *visitors,
                visitors_hour: *visitors,
                visits: 0,
                revenue: 0,
            };
            rows.events.insert(key, sums);
        }
    }
}

fn page_counters(sums: &PageSums) -> PageCounters {
    let PageSums { pageviews, visitors, visits, entries, exits, .. } = *sums;
    let PageSums { engaged_ms, engaged_visits, scroll_sum, scroll_visits, .. } = *sums;
    PageCounters {
        pageviews,
        visitors,
        visitors_hour: visitors,
        visits,
        entries,
        exits,
        engaged_ms,
        engaged_visits,
        scroll_sum,
        scroll_visits,
    }
}
