//! One request's place in the ledger: whatever becomes of it, it is told exactly once.

use super::Edge;
use super::sink::{Full, Receipt};
use crate::hit::{Record, RejectReason, Second, SiteName};

/// A request that has arrived. Dropped before it was told, it was abandoned: its client went away.
pub(super) struct Arrival<'a> {
    edge: &'a Edge,
    pub(super) at: Second,
    told: bool,
}

impl<'a> Arrival<'a> {
    pub(super) fn new(edge: &'a Edge) -> Self {
        Self { edge, at: edge.clock.now(), told: false }
    }

    /// Hands the request's records over, or counts each as shed. A request for several sites is as
    /// many hits.
    pub(super) fn submit(&mut self, records: Vec<Record>) -> Result<Receipt, Full> {
        self.told = true;
        self.edge.sink.submit(records).inspect_err(|Full(records)| {
            for record in records {
                self.edge.sink.refuse(record.site(), self.at, RejectReason::Shed);
            }
        })
    }

    /// Counts a refusal under its site, or under none where it is not known.
    pub(super) fn refuse(&mut self, site: Option<&SiteName>, reason: RejectReason) {
        self.told = true;
        let site = site.unwrap_or(&self.edge.unknown);
        self.edge.sink.refuse(site, self.at, reason);
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if !self.told {
            self.refuse(None, RejectReason::Abandoned);
        }
    }
}
