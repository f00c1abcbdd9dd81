//! Deltas as they add up to rows. A row whose counters are all zero again is no row.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

use crate::hit::{Bucket, Hit, SiteName, Text, VisitDims};

use super::intern::{Origin, OriginId, Origins, PageName};
use super::pending::Pending;
use super::rows::{
    EventCounters, EventKey, Key, PageCounters, PageKey, ROW_BYTES, VisitCounters, VisitKey,
};
use super::{JourneyKey, PropCounters, PropKey, Rows};

/// The deltas of a stretch of the spool. What most hits add to is found by ids, and becomes rows at
/// the end; the others are rows at once.
#[derive(Default)]
pub struct Deltas {
    pub(super) rows: Rows,
    visits: Pending<Under, VisitKey, VisitCounters>,
    pages: Pending<Under, PageKey, PageCounters>,
    journeys: Pending<Under, JourneyKey, i64>,
    /// Bytes of the texts of what is found by ids.
    text_bytes: usize,
    hashing: RandomState,
}

/// What a row is found by: a day's space, an origin in it, a bucket.
type Under = (u64, OriginId, Bucket);

impl Deltas {
    /// Rows in all tables: at least as many as there will be.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len() + self.visits.len() + self.pages.len() + self.journeys.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// About how many bytes they have.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.rows.text_bytes + self.text_bytes + self.len() * ROW_BYTES
    }

    /// What they add up to.
    #[must_use]
    pub fn into_rows(self) -> Rows {
        let Self { mut rows, visits, pages, journeys, text_bytes: _, hashing: _ } = self;
        let bytes = &mut rows.text_bytes;
        for (key, more) in visits.into_rows() {
            add(&mut rows.visits, bytes, key, |row| *row += more);
        }
        for (key, more) in pages.into_rows() {
            add(&mut rows.pages, bytes, key, |row| *row += more);
        }
        for (key, more) in journeys.into_rows() {
            add(&mut rows.journeys, bytes, key, |transitions| *transitions += more);
        }
        rows
    }
}

/// Changes the counters under `key`, and with the rows the `bytes` of their texts.
pub(super) fn add<K: Key, C: Default + PartialEq>(
    rows: &mut BTreeMap<K, C>,
    bytes: &mut usize,
    key: K,
    change: impl FnOnce(&mut C),
) {
    match rows.entry(key) {
        Entry::Occupied(mut row) => {
            change(row.get_mut());
            if *row.get() == C::default() {
                *bytes -= row.key().text_bytes();
                row.remove();
            }
        }
        Entry::Vacant(place) => {
            let mut counters = C::default();
            change(&mut counters);
            if counters != C::default() {
                *bytes += place.key().text_bytes();
                place.insert(counters);
            }
        }
    }
}

/// Where deltas of one site's day go.
pub(super) struct Sums<'a> {
    pub(super) site: &'a SiteName,
    pub(super) origins: &'a Origins,
    pub(super) deltas: &'a mut Deltas,
}

impl Sums<'_> {
    pub(super) fn visit(&mut self, bucket: Bucket, of: OriginId) -> &mut VisitCounters {
        let Deltas { visits, text_bytes, hashing, .. } = &mut *self.deltas;
        let ids = (self.origins.space, of, bucket);
        let key = || counted(visit_key(self.site, bucket, self.origins.get(of)), text_bytes);
        visits.row((hashing.hash_one(ids), ids), |_| true, key)
    }

    pub(super) fn page(
        &mut self,
        bucket: Bucket,
        name: PageName<'_>,
        of: OriginId,
    ) -> &mut PageCounters {
        let PageName { hostname, page, hash } = name;
        let Deltas { pages, text_bytes, hashing, .. } = &mut *self.deltas;
        let ids = (self.origins.space, of, bucket);
        let same = |key: &PageKey| key.page == *page && key.hostname == *hostname;
        let key = || {
            let dims = self.origins.get(of).dims;
            counted(page_key(self.site, (bucket, hostname, page), dims), text_bytes)
        };
        pages.row((hashing.hash_one((hash, ids)), ids), same, key)
    }

    pub(super) fn journey(&mut self, bucket: Bucket, from: PageName<'_>, to: PageName<'_>) {
        let Deltas { journeys, text_bytes, hashing, .. } = &mut *self.deltas;
        // Ways are the site's: under no origin.
        let ids = (self.origins.space, OriginId(0), bucket);
        let same = |key: &JourneyKey| key.from_page == *from.page && key.to_page == *to.page;
        let key = || {
            let (from_page, to_page) = (from.page.clone(), to.page.clone());
            let key = JourneyKey { site: self.site.clone(), bucket, from_page, to_page };
            counted(key, text_bytes)
        };
        *journeys.row((hashing.hash_one((from.hash, to.hash, ids)), ids), same, key) += 1;
    }
}

/// The key, with its texts counted.
fn counted<K: Key>(key: K, text_bytes: &mut usize) -> K {
    *text_bytes += key.text_bytes();
    key
}

/// What an event adds to its own row.
pub(super) fn event(
    rows: &mut Rows,
    site: &SiteName,
    event: &Event<'_>,
    dims: &VisitDims,
    change: impl FnOnce(&mut EventCounters),
) {
    let key = EventKey {
        site: site.clone(),
        bucket: event.bucket,
        name: event.name.clone(),
        page: event.page.clone(),
        currency: event.revenue.map(|it| it.currency).unwrap_or_default(),
        channel: dims.channel.clone(),
        source: dims.source.clone(),
        utm_campaign: dims.utm_campaign.clone(),
        country: dims.country.clone(),
        device: dims.device.clone(),
    };
    add(&mut rows.events, &mut rows.text_bytes, key, change);
}

/// What an event adds to the row of one of its properties.
pub(super) fn prop(
    rows: &mut Rows,
    site: &SiteName,
    event: &Event<'_>,
    (key, value): &(Text, Text),
    change: impl FnOnce(&mut PropCounters),
) {
    let key = PropKey {
        site: site.clone(),
        bucket: event.bucket,
        name: event.name.clone(),
        key: key.clone(),
        value: value.clone(),
    };
    add(&mut rows.event_props, &mut rows.text_bytes, key, change);
}

pub(super) fn visit_key(site: &SiteName, bucket: Bucket, of: Origin) -> VisitKey {
    let Origin { hostname, entry_page, dims } = of;
    VisitKey { site: site.clone(), bucket, hostname, entry_page, dims }
}

pub(super) fn page_key(
    site: &SiteName,
    (bucket, hostname, page): (Bucket, &Text, &Text),
    dims: VisitDims,
) -> PageKey {
    let VisitDims { channel, source, utm_campaign, country, device, .. } = dims;
    let (site, hostname, page) = (site.clone(), hostname.clone(), page.clone());
    PageKey { site, bucket, hostname, page, channel, source, utm_campaign, country, device }
}

/// An event's hit, taken apart.
pub(super) struct Event<'a> {
    pub(super) bucket: Bucket,
    pub(super) page: &'a Text,
    pub(super) name: &'a Text,
    pub(super) interactive: bool,
    pub(super) props: &'a [(Text, Text)],
    pub(super) revenue: Option<crate::hit::Revenue>,
}

impl<'a> Event<'a> {
    /// The event that `hit` is, if it is one.
    pub(super) fn of(hit: &'a Hit) -> Option<Self> {
        let crate::hit::HitKind::Event { name, interactive, props, revenue } = &hit.kind else {
            return None;
        };
        Some(Self {
            bucket: hit.at.bucket(),
            page: &hit.page,
            name,
            interactive: *interactive,
            props,
            revenue: *revenue,
        })
    }

    /// What every event adds to its own row, whoever's it is.
    pub(super) fn add_to(&self, counters: &mut EventCounters) {
        counters.events += 1;
        counters.revenue += self.revenue.map_or(0, |it| it.minor);
    }
}
