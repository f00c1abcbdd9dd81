//! Hits of a known visitor: which visit they belong to, what they are the first of, what they add.

use hashbrown::hash_map::Entry as Place;

use super::day::{DayVisitors, View, Visit, VisitorState};
use super::deltas::{Event, Origin, Sums};
use super::intern::{Origins, Pages};
use super::recent::Recent;
use super::seen::{Entry, Firsts, Print, Seen};
use super::{CountLimits, Rows, SiteState, VisitCounters, reason, unattributed};
use crate::hit::{Bucket, Hit, HitKind, VisitorId};
use crate::keys::KeyId;

/// What became of a hit.
pub(super) enum Outcome {
    /// It is counted; and another of the ledger's reasons, if there is one to tell.
    Counted(Option<&'static str>),
    /// An engagement without a visit that has viewed its page.
    NoVisit,
}

/// A visitor: the day's key, its id, and the id and key of the day before.
type Ids = (KeyId, VisitorId, Option<(KeyId, VisitorId)>);

/// Counts a hit of a known visitor.
pub(super) fn count(
    hit: &Hit,
    ids: Ids,
    site: &mut SiteState,
    limits: CountLimits,
    pages: &mut Pages,
    rows: &mut Rows,
) -> Outcome {
    let (key, id, _) = ids;
    if is_homeless(hit, ids, site, limits) {
        return Outcome::NoVisit;
    }
    let known = site
        .days
        .get(&(hit.day, key))
        .map_or((false, 0), |day| (day.visitors.contains_key(&id), day.len()));
    if let (false, visitors) = known
        && visitors >= limits.visitors_per_site
    {
        return unattributed::count(hit, reason::PAST_BOUND, rows);
    }
    let carried = if known.0 { None } else { carry(hit, ids, site) };
    let SiteState { days, recent, .. } = site;
    let day = days.entry((hit.day, key)).or_default();
    let mut counting = Counting {
        hit,
        bucket: hit.at.bucket(),
        limits,
        sums: Sums { site: &hit.site, rows },
        here: VisitCounters::default(),
        past_bound: false,
    };
    counting.visitor(day, id, carried, recent, pages);
    Outcome::Counted(counting.past_bound.then_some(reason::PAST_BOUND))
}

/// Whether it is an engagement that no visit has a place for. Looked at before anything changes.
fn is_homeless(
    hit: &Hit,
    (key, id, before): Ids,
    site: &mut SiteState,
    limits: CountLimits,
) -> bool {
    if !matches!(hit.kind, HitKind::Engagement { .. }) {
        return false;
    }
    let today = site.days.get_mut(&(hit.day, key)).and_then(|day| day.visitors.get_mut(&id));
    let is_today = today.is_some();
    let visitor = match today {
        Some(visitor) => Some(visitor),
        None => before.and_then(|(key, id)| yesterday(site, hit, key)?.visitors.get_mut(&id)),
    };
    let Some(VisitorState { visit: Some(visit), seen, .. }) = visitor else { return true };
    let goes_on = if is_today { visit.goes_on(hit.at) } else { visit.crosses_midnight(hit.at) };
    if !goes_on {
        return true;
    }
    match seen.find(Print::page(&hit.hostname, &hit.page)) {
        Some(entry) => entry.visit != visit.number,
        // It may have been viewed when nothing more could be remembered.
        None => seen.0.len() < limits.seen_per_visitor,
    }
}

fn yesterday<'a>(site: &'a mut SiteState, hit: &Hit, key: KeyId) -> Option<&'a mut DayVisitors> {
    let earlier = site.days.range_mut(..(hit.day, KeyId(0)));
    earlier.rev().find(|((_, of), _)| *of == key).map(|(_, day)| day)
}

/// A visit that goes on over midnight, with what it has seen, taken out of the day before.
struct Carried {
    visit: Visit,
    origin: Origin,
    seen: Seen,
}

fn carry(hit: &Hit, (_, _, before): Ids, site: &mut SiteState) -> Option<Carried> {
    let (key, id) = before?;
    let day = yesterday(site, hit, key)?;
    let visitor = day.visitors.get_mut(&id)?;
    let visit = visitor.visit.take_if(|visit| visit.crosses_midnight(hit.at))?;
    let of_visit = visitor.seen.0.iter().filter(|entry| entry.visit == visit.number);
    // Of the new day it has been seen in nothing yet.
    let anew = |entry: &Entry| Entry { visit: 0, today: false, hour: Bucket(0), ..*entry };
    let seen = Seen(of_visit.map(anew).collect());
    let origin = day.origins.get(visit.origin);
    Some(Carried { visit: Visit { number: 0, ..visit }, origin, seen })
}

/// One hit on its way through its visitor's state.
struct Counting<'a> {
    hit: &'a Hit,
    bucket: Bucket,
    limits: CountLimits,
    sums: Sums<'a>,
    /// What it adds to the row of its own bucket and visit: most of it, as a rule, and added at
    /// once.
    here: VisitCounters,
    past_bound: bool,
}

/// Whose origin a delta stands under.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Of {
    Visit,
    Day,
    Hour,
}

/// Under what a hit's deltas stand: its visit's origin, that of the visitor's first visit of the
/// day, and that of the first of the hour, where the hit is in the visitor's last hour.
struct Under {
    visit: Origin,
    day: Option<Origin>,
    hour: Option<Origin>,
}

impl Under {
    /// The origin, where it is not the visit's.
    fn other(&self, of: Of) -> Option<&Origin> {
        match of {
            Of::Visit => None,
            Of::Day => self.day.as_ref(),
            Of::Hour => self.hour.as_ref(),
        }
    }

    fn day(&self) -> &Origin {
        self.day.as_ref().unwrap_or(&self.visit)
    }

    fn hour(&self) -> &Origin {
        self.hour.as_ref().unwrap_or(&self.visit)
    }
}

impl Counting<'_> {
    fn visitor(
        &mut self,
        day: &mut DayVisitors,
        id: VisitorId,
        carried: Option<Carried>,
        recent: &mut Recent,
        pages: &mut Pages,
    ) {
        let hit = self.hit;
        let DayVisitors { visitors, origins } = day;
        let mut opened = false;
        let mut last = None;
        let mut is_new = false;
        let visitor = match visitors.entry(id) {
            Place::Occupied(place) => {
                let visitor = place.into_mut();
                last = visitor.visit.as_ref().map(|visit| visit.last);
                if !visitor.visit.as_ref().is_some_and(|visit| visit.goes_on(hit.at)) {
                    // A day has room for 48 visits.
                    visitor.visits = visitor.visits.saturating_add(1);
                    visitor.visit = Some(self.open(origins, visitor.visits));
                    opened = true;
                }
                visitor
            }
            Place::Vacant(place) => {
                is_new = true;
                let (visits, visit, seen) =
                    if let Some(Carried { mut visit, origin, seen }) = carried {
                        last = Some(visit.last);
                        let Origin { hostname, entry_page, dims } = &origin;
                        visit.origin = origins.id(hostname, entry_page, dims);
                        (0, visit, seen)
                    } else {
                        opened = true;
                        (1, self.open(origins, 1), Seen::default())
                    };
                let (first, of_hour) = (visit.origin, visit.origin);
                let visit = Some(visit);
                place.insert(VisitorState { first, hour: hit.hour, of_hour, visits, visit, seen })
            }
        };
        let VisitorState { first, hour, of_hour, visits: _, visit: Some(visit), seen } = visitor
        else {
            return debug_assert!(false, "the visit was just made sure of");
        };
        let new_hour = is_new || hit.hour > *hour;
        if new_hour {
            (*hour, *of_hour) = (hit.hour, visit.origin);
        }
        let other = |id| (id != visit.origin).then(|| origins.get(id));
        let under =
            Under { visit: origins.get(visit.origin), day: other(*first), hour: other(*of_hour) };
        recent.moved(last, last.map_or(hit.at, |last| last.max(hit.at)));
        self.any(visit, opened, (is_new, new_hour), &under);
        match &hit.kind {
            HitKind::Pageview => {
                self.pageview(visit, opened, seen, hit.hour == *hour, &under, pages);
            }
            HitKind::Event { .. } => self.event(visit, seen, hit.hour == *hour, &under),
            HitKind::Engagement { engaged_ms, scroll_percent } => {
                self.engagement((*engaged_ms, *scroll_percent), seen, &under);
            }
        }
        let here = self.here;
        self.sums.visit(self.bucket, &under.visit, |row| *row += here);
    }

    /// Changes a row of `visits`.
    fn visit(
        &mut self,
        bucket: Bucket,
        of: Of,
        under: &Under,
        change: impl FnOnce(&mut VisitCounters),
    ) {
        match under.other(of) {
            None if bucket == self.bucket => change(&mut self.here),
            other => self.sums.visit(bucket, other.unwrap_or(&under.visit), change),
        }
    }

    /// A visit that this hit opens.
    fn open(&self, origins: &mut Origins, number: u16) -> Visit {
        let Hit { at, hostname, page, dims, kind, .. } = self.hit;
        let interactive = matches!(kind, HitKind::Event { interactive: true, .. });
        Visit {
            origin: origins.id(hostname, page, dims),
            number,
            bucket: self.bucket,
            began: *at,
            last: *at,
            viewed: false,
            bounce: !interactive,
            exit: None,
        }
    }

    /// What any hit adds.
    fn any(
        &mut self,
        visit: &mut Visit,
        opened: bool,
        (new, new_hour): (bool, bool),
        under: &Under,
    ) {
        if opened {
            let bounces = i64::from(visit.bounce);
            self.visit(visit.bucket, Of::Visit, under, |row| {
                row.visits += 1;
                row.bounces += bounces;
            });
        }
        let more = visit.extend(self.hit.at);
        if more > 0 {
            self.visit(visit.bucket, Of::Visit, under, |row| row.duration_s += more);
        }
        if new {
            self.visit(self.bucket, Of::Day, under, |row| row.visitors += 1);
        }
        if new_hour {
            self.visit(self.bucket, Of::Hour, under, |row| row.visitors_hour += 1);
        }
    }

    fn pageview(
        &mut self,
        visit: &mut Visit,
        opened: bool,
        seen: &mut Seen,
        in_hour: bool,
        under: &Under,
        pages: &mut Pages,
    ) {
        let Hit { hostname, page, .. } = self.hit;
        let bucket = self.bucket;
        self.visit(bucket, Of::Visit, under, |row| row.pageviews += 1);
        if visit.viewed {
            self.no_bounce(visit, under);
        }
        visit.viewed = true;

        let mut firsts = self.see(seen, Print::page(hostname, page), visit.number, in_hour);
        self.same_path(seen, visit.number, in_hour, under, &mut firsts);
        let here = (bucket, hostname, page);
        let (day, hour) = (under.other(Of::Day), under.other(Of::Hour));
        self.sums.page(here, &under.visit, |row| {
            row.pageviews += 1;
            row.visits += i64::from(firsts.visit);
            row.entries += i64::from(opened);
            row.exits += 1;
            row.visitors += i64::from(firsts.day && day.is_none());
            row.visitors_hour += i64::from(firsts.hour && hour.is_none());
        });
        if let (true, Some(day)) = (firsts.day, day) {
            self.sums.page(here, day, |row| row.visitors += 1);
        }
        if let (true, Some(hour)) = (firsts.hour, hour) {
            self.sums.page(here, hour, |row| row.visitors_hour += 1);
        }
        if let Some(View { bucket: from, hostname: host, page: left }) = &visit.exit {
            // Negated as it was written.
            self.sums.page((*from, host, left), &under.visit, |row| row.exits -= 1);
            if (host, left) != (hostname, page) {
                self.sums.journey(bucket, left, page);
            }
        }
        let (hostname, page) = (pages.share(hostname), pages.share(page));
        visit.exit = Some(View { bucket, hostname, page });
    }

    /// A visitor of a path is one, on however many hosts. Beside its pages a visitor remembers the
    /// paths that it has seen on other hosts than its first: most are on one host, and need none.
    fn same_path(
        &mut self,
        seen: &mut Seen,
        visit: u16,
        in_hour: bool,
        under: &Under,
        firsts: &mut Firsts,
    ) {
        let Hit { hostname, page, hour, .. } = self.hit;
        let home = &under.day().hostname;
        let other = if hostname == home { Print::elsewhere(page) } else { Print::page(home, page) };
        if let Some(entry) = seen.find(other) {
            firsts.day &= !entry.today;
            firsts.hour &= entry.hour < *hour;
        }
        if hostname != home && (firsts.day || firsts.hour) {
            let away = self.see(seen, Print::elsewhere(page), visit, in_hour);
            firsts.day &= away.day;
            firsts.hour &= away.hour;
        }
    }

    fn event(&mut self, visit: &mut Visit, seen: &mut Seen, in_hour: bool, under: &Under) {
        let Some(event) = Event::of(self.hit) else { return };
        self.visit(self.bucket, Of::Visit, under, |row| row.events += 1);
        if event.interactive {
            self.no_bounce(visit, under);
        }
        let firsts = self.see(seen, Print::event(event.name), visit.number, in_hour);
        self.sums.event(&event, &under.visit, |row| {
            event.add_to(row);
            row.visits += i64::from(firsts.visit);
        });
        if firsts.day {
            self.sums.event(&event, under.day(), |row| row.visitors += 1);
        }
        if firsts.hour {
            self.sums.event(&event, under.hour(), |row| row.visitors_hour += 1);
        }
        for prop in event.props {
            let print = Print::prop(event.name, &prop.0, &prop.1);
            let firsts = self.see(seen, print, visit.number, in_hour);
            self.sums.prop(&event, prop, |row| {
                row.events += 1;
                row.visitors += i64::from(firsts.day);
            });
        }
    }

    fn engagement(&mut self, (ms, scroll): (u32, Option<u8>), seen: &mut Seen, under: &Under) {
        let Hit { hostname, page, .. } = self.hit;
        let ms = i64::from(ms);
        let Some(entry) = seen.find(Print::page(hostname, page)) else {
            // The page's view was past the bound: there is nothing to compare with.
            self.past_bound = true;
            let here = (self.bucket, hostname, page);
            return self.sums.page(here, &under.visit, |row| row.engaged_ms += ms);
        };
        let engaged_before = std::mem::replace(&mut entry.engaged, true);
        let read_before = entry.scroll;
        entry.scroll = read_before.max(scroll);
        self.sums.page((entry.bucket, hostname, page), &under.visit, |row| {
            row.engaged_ms += ms;
            row.engaged_visits += i64::from(!engaged_before);
            if let Some(percent) = scroll {
                row.scroll_visits += i64::from(read_before.is_none());
                row.scroll_sum += i64::from(percent.saturating_sub(read_before.unwrap_or(0)));
            }
        });
    }

    /// The visit is no bounce any more, if it still was one.
    fn no_bounce(&mut self, visit: &mut Visit, under: &Under) {
        if std::mem::take(&mut visit.bounce) {
            self.visit(visit.bucket, Of::Visit, under, |row| row.bounces -= 1);
        }
    }

    fn see(&mut self, seen: &mut Seen, print: Print, visit: u16, in_hour: bool) -> Firsts {
        let place = (self.bucket, self.hit.hour, visit);
        let mut firsts = seen.see(print, place, self.limits.seen_per_visitor);
        self.past_bound |= firsts.past_bound;
        // Of an hour that is over for this visitor nothing is a first.
        firsts.hour &= in_hour;
        firsts
    }
}
