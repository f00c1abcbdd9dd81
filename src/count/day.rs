//! One site's day: its visitors, each with the visit that it is on.

use hashbrown::HashMap;

use super::intern::{OriginId, Origins};
use super::seen::Seen;
use crate::hit::{Bucket, Second, Text, VisitorId};
use crate::limits;

/// The visitors of one site under one day's key.
#[derive(Default)]
pub(super) struct DayVisitors {
    pub(super) visitors: HashMap<VisitorId, VisitorState>,
    pub(super) origins: Origins,
}

/// One visitor.
pub(super) struct VisitorState {
    /// The origin of the first visit of the day.
    pub(super) first: OriginId,
    /// The last hour in which it was seen, and the origin of that hour's first visit.
    pub(super) hour: Bucket,
    pub(super) of_hour: OriginId,
    /// Visits that it has begun today.
    pub(super) visits: u16,
    /// The visit that it is on, or was on last; none: that visit goes on in the next day.
    pub(super) visit: Option<Visit>,
    pub(super) seen: Seen,
}

/// One visit.
pub(super) struct Visit {
    pub(super) origin: OriginId,
    /// Its number in the visitor's day; 0 for one that has come from the day before.
    pub(super) number: u16,
    /// The bucket in which it began.
    pub(super) bucket: Bucket,
    pub(super) began: Second,
    pub(super) last: Second,
    /// Whether it has viewed a page.
    pub(super) viewed: bool,
    /// Whether it still is a bounce.
    pub(super) bounce: bool,
    /// The view that it would be left by.
    pub(super) exit: Option<View>,
}

/// A page view, as the row that it stands on.
pub(super) struct View {
    pub(super) bucket: Bucket,
    pub(super) hostname: Text,
    pub(super) page: Text,
}

impl DayVisitors {
    pub(super) fn len(&self) -> usize {
        self.visitors.len()
    }
}

impl Visit {
    /// Whether a hit at `at` still belongs to it.
    pub(super) fn goes_on(&self, at: Second) -> bool {
        at.0.saturating_sub(self.last.0) <= limits::VISIT_GAP_S
            && at.0.saturating_sub(self.began.0) < limits::VISIT_LENGTH_S_MAX
    }

    /// Whether a hit at `at`, of the day after, still belongs to it. It crosses one midnight at
    /// most: on a day of 23 hours its length alone would let it reach a second.
    pub(super) fn crosses_midnight(&self, at: Second) -> bool {
        self.number != 0 && self.goes_on(at)
    }

    /// Extends it to `at`, and says by how many seconds.
    pub(super) fn extend(&mut self, at: Second) -> i64 {
        let more = at.0.saturating_sub(self.last.0).max(0);
        self.last = self.last.max(at);
        more
    }
}
