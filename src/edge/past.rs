//! Hits of the past: the same door, a clock that follows their times, and keys that are drawn for
//! one run, live in its memory alone and are gone with it.

use std::sync::Arc;

use super::deidentify::deidentify;
use super::raw::RawHit;
use super::{Places, SiteConfig, Sites, SitesError};
use crate::hit::{DropReason, Record, RejectReason, Second, SiteName};
use crate::keys::Keys;

/// One site's hits, in the order of their times.
pub(super) struct Past {
    sites: Sites,
    site: SiteName,
    places: Places,
    oldest: Second,
    reached: Second,
    told_ends: Second,
    received: u64,
    rejected: u64,
}

impl Past {
    /// What is older than `oldest` is not counted any more.
    pub(super) fn new(
        site: SiteConfig,
        places: Places,
        oldest: Second,
    ) -> Result<Self, SitesError> {
        let sites = Sites::new(Arc::new(Keys::memory()));
        let name = site.name.clone();
        let begin = Second(i64::MIN / 4);
        sites.set(vec![site], Second(0))?;
        Ok(Self {
            sites,
            site: name,
            places,
            oldest,
            reached: begin,
            told_ends: begin,
            received: 0,
            rejected: 0,
        })
    }

    /// The time of the last one.
    pub(super) fn reached(&self) -> Second {
        self.reached
    }

    /// One was received at `at`; the time that it counts at, which is never before the last one's.
    pub(super) fn receive(&mut self, at: Second, records: &mut Vec<Record>) -> Second {
        let at = at.max(self.reached);
        if at.bucket() != self.reached.bucket() {
            self.settle(records);
        }
        self.reached = at;
        self.received += 1;
        at
    }

    /// The one that was received cannot be read.
    pub(super) fn reject(&mut self) {
        self.rejected += 1;
    }

    /// What the one that was received says.
    pub(super) fn hit(&mut self, raw: RawHit<'_>, records: &mut Vec<Record>) {
        let at = self.reached;
        if at < self.oldest {
            let reason = DropReason::Expired;
            return records.push(Record::Drop { site: self.site.clone(), at, reason });
        }
        // Days end between two hits as they do between two ticks of the clock.
        if at.bucket() != self.told_ends.bucket() {
            records.extend(self.sites.due(at));
            self.told_ends = at;
        }
        let Some(day) = self.sites.find(self.site.as_str(), at) else { return };
        match deidentify(raw, &day, &self.places, at) {
            Ok(record) => records.push(record),
            Err(_) => self.rejected += 1,
        }
    }

    /// Tells the ledger what was received.
    pub(super) fn settle(&mut self, records: &mut Vec<Record>) {
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
