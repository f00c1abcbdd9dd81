//! The rows that leave the counter: keys, and the counters that add up under them.

use std::collections::BTreeMap;
use std::ops::AddAssign;

use crate::hit::{Bucket, Currency, MailClass, MailingId, SiteName, Text, VisitDims};

/// Key of a `visits` row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VisitKey {
    /// Site.
    pub site: SiteName,
    /// Bucket.
    pub bucket: Bucket,
    /// Host name of the entry page.
    pub hostname: Text,
    /// Entry page.
    pub entry_page: Text,
    /// Dimensions of the visit.
    pub dims: VisitDims,
}

/// Counters of a `visits` row. All are sums of signed deltas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct VisitCounters {
    pub visitors: i64,
    pub visitors_hour: i64,
    pub visits: i64,
    pub bounces: i64,
    pub pageviews: i64,
    pub events: i64,
    pub duration_s: i64,
}

impl AddAssign for VisitCounters {
    fn add_assign(&mut self, more: Self) {
        let Self { visitors, visitors_hour, visits, bounces, pageviews, events, duration_s } = more;
        self.visitors += visitors;
        self.visitors_hour += visitors_hour;
        self.visits += visits;
        self.bounces += bounces;
        self.pageviews += pageviews;
        self.events += events;
        self.duration_s += duration_s;
    }
}

/// Key of a `pages` row. The dimensions after `page` are the visit's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct PageKey {
    pub site: SiteName,
    pub bucket: Bucket,
    pub hostname: Text,
    pub page: Text,
    pub channel: Text,
    pub source: Text,
    pub utm_campaign: Text,
    pub country: Text,
    pub device: Text,
}

/// Counters of a `pages` row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct PageCounters {
    pub pageviews: i64,
    pub visitors: i64,
    pub visitors_hour: i64,
    pub visits: i64,
    pub entries: i64,
    pub exits: i64,
    pub engaged_ms: i64,
    pub engaged_visits: i64,
    pub scroll_sum: i64,
    pub scroll_visits: i64,
}

impl AddAssign for PageCounters {
    fn add_assign(&mut self, more: Self) {
        let Self { pageviews, visitors, visitors_hour, visits, entries, exits, .. } = more;
        let Self { engaged_ms, engaged_visits, scroll_sum, scroll_visits, .. } = more;
        self.pageviews += pageviews;
        self.visitors += visitors;
        self.visitors_hour += visitors_hour;
        self.visits += visits;
        self.entries += entries;
        self.exits += exits;
        self.engaged_ms += engaged_ms;
        self.engaged_visits += engaged_visits;
        self.scroll_sum += scroll_sum;
        self.scroll_visits += scroll_visits;
    }
}

/// Key of an `events` row. The dimensions after `currency` are the visit's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct EventKey {
    pub site: SiteName,
    pub bucket: Bucket,
    pub name: Text,
    pub page: Text,
    pub currency: Currency,
    pub channel: Text,
    pub source: Text,
    pub utm_campaign: Text,
    pub country: Text,
    pub device: Text,
}

/// Counters of an `events` row; `revenue` in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct EventCounters {
    pub events: i64,
    pub visitors: i64,
    pub visitors_hour: i64,
    pub visits: i64,
    pub revenue: i64,
}

/// Key of an `event_props` row.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct PropKey {
    pub site: SiteName,
    pub bucket: Bucket,
    pub name: Text,
    pub key: Text,
    pub value: Text,
}

/// Counters of an `event_props` row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct PropCounters {
    pub events: i64,
    pub visitors: i64,
}

/// Key of a `journeys` row; its counter is `transitions`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct JourneyKey {
    pub site: SiteName,
    pub bucket: Bucket,
    pub from_page: Text,
    pub to_page: Text,
}

/// Key of a `mailings` row. `link` is 0 in the rows of the whole mailing; in those of a link, client,
/// system and country are blank.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct MailKey {
    pub site: SiteName,
    pub bucket: Bucket,
    pub mailing: MailingId,
    pub link: u16,
    pub class: MailClass,
    pub client: Text,
    pub system: Text,
    pub country: Text,
}

/// Counters of a `mailings` row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct MailCounters {
    pub opens: i64,
    pub unique_opens: i64,
    pub clicks: i64,
    pub unique_clicks: i64,
    pub readers: i64,
    pub forwards: i64,
    pub spread: i64,
}

/// Key of a `ledger` row; its counter is `hits`. The node is added when the row is encoded.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "design's words: see schema/columns.toml")]
pub struct LedgerKey {
    pub site: SiteName,
    pub bucket: Bucket,
    pub reason: &'static str,
}

/// The rows of a stretch of the spool, in the order of their keys.
#[derive(Clone, Debug, Default)]
#[expect(missing_docs, reason = "a field per table")]
pub struct Rows {
    pub visits: BTreeMap<VisitKey, VisitCounters>,
    pub pages: BTreeMap<PageKey, PageCounters>,
    pub events: BTreeMap<EventKey, EventCounters>,
    pub event_props: BTreeMap<PropKey, PropCounters>,
    pub journeys: BTreeMap<JourneyKey, i64>,
    pub mailings: BTreeMap<MailKey, MailCounters>,
    pub ledger: BTreeMap<LedgerKey, i64>,
    /// Bytes of the texts of all keys.
    pub(super) text_bytes: usize,
}

/// About how many bytes a row's lengths, times and counters have.
pub(super) const ROW_BYTES: usize = 128;

/// A row's key.
pub(super) trait Key: Ord {
    /// Bytes of its texts.
    fn text_bytes(&self) -> usize;
}

impl Rows {
    /// Rows in all tables.
    #[must_use]
    pub fn len(&self) -> usize {
        self.visits.len()
            + self.pages.len()
            + self.events.len()
            + self.event_props.len()
            + self.journeys.len()
            + self.mailings.len()
            + self.ledger.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl PartialEq for Rows {
    fn eq(&self, other: &Self) -> bool {
        let Self { visits, pages, events, event_props, journeys, mailings, ledger, .. } = self;
        *visits == other.visits
            && *pages == other.pages
            && *events == other.events
            && *event_props == other.event_props
            && *journeys == other.journeys
            && *mailings == other.mailings
            && *ledger == other.ledger
    }
}

impl Key for VisitKey {
    fn text_bytes(&self) -> usize {
        let Self { site, bucket: _, hostname, entry_page, dims } = self;
        site.as_str().len() + length([hostname, entry_page]) + length(dims.texts())
    }
}

impl Key for PageKey {
    fn text_bytes(&self) -> usize {
        let Self { site, bucket: _, hostname, page, channel, source, .. } = self;
        let Self { utm_campaign, country, device, .. } = self;
        let texts = [hostname, page, channel, source, utm_campaign, country, device];
        site.as_str().len() + length(texts)
    }
}

impl Key for EventKey {
    fn text_bytes(&self) -> usize {
        let Self { site, bucket: _, name, page, currency: _, channel, source, .. } = self;
        let Self { utm_campaign, country, device, .. } = self;
        site.as_str().len() + length([name, page, channel, source, utm_campaign, country, device])
    }
}

impl Key for PropKey {
    fn text_bytes(&self) -> usize {
        let Self { site, bucket: _, name, key, value } = self;
        site.as_str().len() + length([name, key, value])
    }
}

impl Key for JourneyKey {
    fn text_bytes(&self) -> usize {
        let Self { site, bucket: _, from_page, to_page } = self;
        site.as_str().len() + length([from_page, to_page])
    }
}

impl Key for MailKey {
    fn text_bytes(&self) -> usize {
        let Self { site, bucket: _, mailing, link: _, class: _, client, system, country } = self;
        site.as_str().len() + mailing.as_str().len() + length([client, system, country])
    }
}

impl Key for LedgerKey {
    fn text_bytes(&self) -> usize {
        let Self { site, bucket: _, reason } = self;
        site.as_str().len() + reason.len()
    }
}

fn length<'a>(texts: impl IntoIterator<Item = &'a Text>) -> usize {
    texts.into_iter().map(|it| it.as_str().len()).sum()
}
