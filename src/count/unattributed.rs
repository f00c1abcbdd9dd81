//! Hits of nobody in particular: counted, under blank dimensions, and as nobody's visit.

use super::Rows;
use super::attributed::Outcome;
use super::deltas::{Event, Origin, Sums};
use crate::hit::{Hit, HitKind};

/// Counts a hit without a visitor. `why` stands in the ledger beside it.
pub(super) fn count(hit: &Hit, why: &'static str, rows: &mut Rows) -> Outcome {
    let bucket = hit.at.bucket();
    let nobody = Origin { hostname: hit.hostname.clone(), ..Origin::default() };
    let mut sums = Sums { site: &hit.site, rows };
    match &hit.kind {
        // It belongs to a visit, and there is none.
        HitKind::Engagement { .. } => return Outcome::NoVisit,
        HitKind::Pageview => {
            sums.visit(bucket, &nobody, |row| row.pageviews += 1);
            sums.page((bucket, &hit.hostname, &hit.page), &nobody, |row| row.pageviews += 1);
        }
        HitKind::Event { .. } => {
            sums.visit(bucket, &nobody, |row| row.events += 1);
            if let Some(event) = Event::of(hit) {
                sums.event(&event, &nobody, |row| event.add_to(row));
                for prop in event.props {
                    sums.prop(&event, prop, |row| row.events += 1);
                }
            }
        }
    }
    Outcome::Counted(Some(why))
}
