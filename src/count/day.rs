//! One site's day: its visitors, each with the visit that it is on.

use hashbrown::HashTable;

use super::intern::{OriginId, Origins, ViewId, Views};
use super::pieces::Pieces;
use super::seen::{Link, Thing};
use crate::hit::{Bucket, Second, VisitorId};
use crate::limits;

/// The visitors of one site under one day's key.
#[derive(Default)]
pub(super) struct DayVisitors {
    /// Indices of `visitors`, by their ids.
    ids: HashTable<u32>,
    pub(super) visitors: Pieces<VisitorState>,
    pub(super) things: Pieces<Thing>,
    pub(super) origins: Origins,
    pub(super) views: Views,
}

/// One visitor: 48 bytes.
#[derive(Clone, Copy)]
pub(super) struct VisitorState {
    pub(super) id: VisitorId,
    /// The origin of the first visit of the day.
    pub(super) first: OriginId,
    /// The last hour in which it was seen, and the origin of that hour's first visit.
    pub(super) hour: Bucket,
    pub(super) of_hour: OriginId,
    /// What it was last seen on for the first time.
    pub(super) last_thing: Link,
    /// The visit that it is on, or was on last.
    pub(super) visit: Visit,
}

/// One visit.
#[derive(Clone, Copy)]
pub(super) struct Visit {
    pub(super) origin: OriginId,
    /// Seconds since 1970.
    pub(super) began: u32,
    pub(super) last: u32,
    /// The view that it would be left by, if there is one, and its bucket.
    pub(super) exit: ViewId,
    pub(super) exit_bucket: Bucket,
    /// Its number in the visitor's day, in which there is room for 48; 0 for one that has come from
    /// the day before.
    pub(super) number: u16,
    /// [`Visit::VIEWED`], [`Visit::BOUNCE`], [`Visit::GONE`].
    pub(super) flags: u8,
}

impl DayVisitors {
    pub(super) fn len(&self) -> usize {
        self.visitors.len()
    }

    /// The index of a visitor.
    pub(super) fn find(&self, id: VisitorId) -> Option<u32> {
        // The id is the hash: nobody knows it outside.
        self.ids.find(id.to_raw(), |index| self.visitors.get(*index).id == id).copied()
    }

    /// Remembers a visitor that is not there yet.
    pub(super) fn insert(&mut self, visitor: VisitorState) -> u32 {
        let Self { ids, visitors, .. } = self;
        let index = visitors.push(visitor);
        ids.insert_unique(visitor.id.to_raw(), index, |index| visitors.get(*index).id.to_raw());
        index
    }

    /// Whether every index that was read back leads somewhere, and from a thing only to an earlier
    /// one.
    pub(super) fn is_whole(&self) -> bool {
        let (things, origins) = (self.things.len(), self.origins.packed.len());
        let leads_before = |link: Link, end: usize| link == Link::NONE || (link.0 as usize) < end;
        let is_origin = |id: OriginId| (id.0 as usize) < origins;
        self.things.iter().enumerate().all(|(at, thing)| leads_before(thing.before, at))
            && self.visitors.iter().all(|visitor| {
                let VisitorState { first, of_hour, last_thing, visit, .. } = visitor;
                [*first, *of_hour, visit.origin].into_iter().all(is_origin)
                    && leads_before(*last_thing, things)
            })
    }

    /// Finds the visitors that stand in `visitors`.
    pub(super) fn index(&mut self) {
        let visitors = &self.visitors;
        let hash = |index: &u32| visitors.get(*index).id.to_raw();
        self.ids = HashTable::with_capacity(visitors.len());
        for (index, visitor) in (0..).zip(visitors.iter()) {
            self.ids.insert_unique(visitor.id.to_raw(), index, hash);
        }
    }
}

impl Visit {
    /// It has viewed a page.
    pub(super) const VIEWED: u8 = 1;
    /// It still is a bounce.
    pub(super) const BOUNCE: u8 = 2;
    /// It goes on in the next day, and is none here.
    pub(super) const GONE: u8 = 4;

    pub(super) fn has(&self, flag: u8) -> bool {
        self.flags & flag != 0
    }

    /// The bucket in which it began.
    pub(super) fn bucket(&self) -> Bucket {
        Second(self.began.into()).bucket()
    }

    /// Its last hit, unless it is none here.
    pub(super) fn last(&self) -> Option<Second> {
        (!self.has(Self::GONE)).then_some(Second(self.last.into()))
    }

    /// Whether a hit at `at` still belongs to it.
    pub(super) fn goes_on(&self, at: Second) -> bool {
        !self.has(Self::GONE)
            && at.0.saturating_sub(self.last.into()) <= limits::VISIT_GAP_S
            && at.0.saturating_sub(self.began.into()) < limits::VISIT_LENGTH_S_MAX
    }

    /// Whether a hit at `at`, of the day after, still belongs to it. It crosses one midnight at
    /// most: on a day of 23 hours its length alone would let it reach a second.
    pub(super) fn crosses_midnight(&self, at: Second) -> bool {
        self.number != 0 && self.goes_on(at)
    }

    /// Extends it to `at`, and says by how many seconds.
    pub(super) fn extend(&mut self, at: Second) -> i64 {
        let before = self.last;
        self.last = before.max(seconds(at));
        (self.last - before).into()
    }
}

/// A visit's time: until the year 2106, and none before 1970.
pub(super) fn seconds(at: Second) -> u32 {
    u32::try_from(at.0.max(0)).unwrap_or(u32::MAX)
}

const _: () = assert!(size_of::<VisitorState>() == 48);
