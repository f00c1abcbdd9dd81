//! Adding deltas to rows. A row whose counters are all zero again is no row.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::hit::{Bucket, Hit, SiteName, Text, VisitDims};

use super::rows::{EventCounters, EventKey, Key, PageCounters, PageKey, VisitCounters, VisitKey};
use super::{JourneyKey, PropCounters, PropKey, Rows};

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

/// What a visit's rows stand under: where it was entered, and the dimensions of the hit that opened
/// it.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub(super) struct Origin {
    pub(super) hostname: Text,
    pub(super) entry_page: Text,
    pub(super) dims: VisitDims,
}

/// Where rows of one site go.
pub(super) struct Sums<'a> {
    pub(super) site: &'a SiteName,
    pub(super) rows: &'a mut Rows,
}

impl Sums<'_> {
    pub(super) fn visit(
        &mut self,
        bucket: Bucket,
        of: &Origin,
        change: impl FnOnce(&mut VisitCounters),
    ) {
        let key = VisitKey {
            site: self.site.clone(),
            bucket,
            hostname: of.hostname.clone(),
            entry_page: of.entry_page.clone(),
            dims: of.dims.clone(),
        };
        add(&mut self.rows.visits, &mut self.rows.text_bytes, key, change);
    }

    pub(super) fn page(
        &mut self,
        (bucket, hostname, page): (Bucket, &Text, &Text),
        of: &Origin,
        change: impl FnOnce(&mut PageCounters),
    ) {
        let key = PageKey {
            site: self.site.clone(),
            bucket,
            hostname: hostname.clone(),
            page: page.clone(),
            channel: of.dims.channel.clone(),
            source: of.dims.source.clone(),
            utm_campaign: of.dims.utm_campaign.clone(),
            country: of.dims.country.clone(),
            device: of.dims.device.clone(),
        };
        add(&mut self.rows.pages, &mut self.rows.text_bytes, key, change);
    }

    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        of: &Origin,
        change: impl FnOnce(&mut EventCounters),
    ) {
        let key = EventKey {
            site: self.site.clone(),
            bucket: event.bucket,
            name: event.name.clone(),
            page: event.page.clone(),
            currency: event.revenue.map(|it| it.currency).unwrap_or_default(),
            channel: of.dims.channel.clone(),
            source: of.dims.source.clone(),
            utm_campaign: of.dims.utm_campaign.clone(),
            country: of.dims.country.clone(),
            device: of.dims.device.clone(),
        };
        add(&mut self.rows.events, &mut self.rows.text_bytes, key, change);
    }

    pub(super) fn prop(
        &mut self,
        event: &Event<'_>,
        (key, value): &(Text, Text),
        change: impl FnOnce(&mut PropCounters),
    ) {
        let key = PropKey {
            site: self.site.clone(),
            bucket: event.bucket,
            name: event.name.clone(),
            key: key.clone(),
            value: value.clone(),
        };
        add(&mut self.rows.event_props, &mut self.rows.text_bytes, key, change);
    }

    pub(super) fn journey(&mut self, bucket: Bucket, from: &Text, to: &Text) {
        let (from_page, to_page) = (from.clone(), to.clone());
        let key = JourneyKey { site: self.site.clone(), bucket, from_page, to_page };
        add(&mut self.rows.journeys, &mut self.rows.text_bytes, key, |transitions| {
            *transitions += 1;
        });
    }
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
