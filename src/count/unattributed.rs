//! Hits of nobody in particular: counted, under blank dimensions, and as nobody's visit.

use super::Deltas;
use super::attributed::Outcome;
use super::deltas::{Event, add, event, page_key, prop, visit_key};
use super::intern::Origin;
use crate::hit::{Hit, HitKind, VisitDims};

/// Counts a hit without a visitor. `why` stands in the ledger beside it.
pub(super) fn count(hit: &Hit, why: &'static str, deltas: &mut Deltas) -> Outcome {
    let Hit { site, hostname, page, .. } = hit;
    let bucket = hit.at.bucket();
    let nobody = || Origin { hostname: hostname.clone(), ..Origin::default() };
    let rows = &mut deltas.rows;
    match &hit.kind {
        // It belongs to a visit, and there is none.
        HitKind::Engagement { .. } => return Outcome::NoVisit,
        HitKind::Pageview => {
            let bytes = &mut rows.text_bytes;
            let key = visit_key(site, bucket, nobody());
            add(&mut rows.visits, bytes, key, |row| row.pageviews += 1);
            let key = page_key(site, (bucket, hostname, page), VisitDims::default());
            add(&mut rows.pages, bytes, key, |row| row.pageviews += 1);
        }
        HitKind::Event { .. } => {
            let key = visit_key(site, bucket, nobody());
            add(&mut rows.visits, &mut rows.text_bytes, key, |row| row.events += 1);
            if let Some(it) = Event::of(hit) {
                event(rows, site, &it, &VisitDims::default(), |row| it.add_to(row));
                for one in it.props {
                    prop(rows, site, &it, one, |row| row.events += 1);
                }
            }
        }
    }
    Outcome::Counted(Some(why))
}
