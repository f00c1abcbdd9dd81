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

    /// Hands a record over. A request for several sites is as many hits.
    pub(super) fn submit(&mut self, record: Record) -> Result<Receipt, Full> {
        let receipt = self.edge.sink.submit(record)?;
        self.told = true;
        Ok(receipt)
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
