//! Hits of a known visitor: which visit they belong to, what they are the first of, what they add.

use super::day::{DayVisitors, Visit, VisitorState, seconds};
use super::deltas::{self, Event, Sums};
use super::intern::{Origin, OriginId, Origins, PageName, ViewId, Views};
use super::seen::{self, Firsts, Link, Print, Seen, Thing};
use super::{CountLimits, Deltas, SiteState, VisitCounters, reason, unattributed};
use crate::hit::{Bucket, Hit, HitKind, Text, VisitorId};
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

/// Counts a hit of a known visitor. `visitors`: how many there are at all sites.
pub(super) fn count(
    hit: &Hit,
    ids: Ids,
    site: &mut SiteState,
    (visitors, limits): (&mut usize, CountLimits),
    deltas: &mut Deltas,
) -> Outcome {
    let (key, id, _) = ids;
    let day = site.days.get(&(hit.day, key));
    let (known, of_day) = day.map_or((None, 0), |day| (day.find(id), day.len()));
    if is_homeless(hit, ids, site, known, limits) {
        return Outcome::NoVisit;
    }
    let mut carried = None;
    if known.is_none() {
        if of_day >= limits.visitors_per_site || *visitors >= limits.visitors {
            return unattributed::count(hit, reason::PAST_BOUND, deltas);
        }
        *visitors += 1;
        carried = carry(hit, ids, site);
    }
    let SiteState { days, recent, .. } = site;
    let day = days.entry((hit.day, key)).or_default();
    let arrived = match known {
        Some(index) => Arrived::again(hit, index, day),
        None => Arrived::first(hit, id, carried, day),
    };
    recent.moved(arrived.last, arrived.last.map_or(hit.at, |last| last.max(hit.at)));
    let DayVisitors { visitors, things, origins, views, .. } = day;
    let VisitorState { id: _, first, hour, of_hour, last_thing, visit } =
        visitors.get_mut(arrived.index);
    let new_hour = arrived.is_new || hit.hour > *hour;
    if new_hour {
        (*hour, *of_hour) = (hit.hour, visit.origin);
    }
    let mut counting = Counting {
        hit,
        bucket: hit.at.bucket(),
        limits,
        in_hour: hit.hour == *hour,
        under: Under { visit: visit.origin, day: *first, hour: *of_hour },
        sums: Sums { site: &hit.site, origins, deltas },
        seen: Seen { things, last: last_thing },
        here: VisitCounters::default(),
        past_bound: false,
    };
    counting.any(visit, &arrived, new_hour);
    match &hit.kind {
        HitKind::Pageview => counting.pageview(visit, arrived.opened, views),
        HitKind::Event { .. } => counting.event(visit),
        HitKind::Engagement { engaged_ms, scroll_percent } => {
            counting.engagement((*engaged_ms, *scroll_percent), views);
        }
    }
    *counting.sums.visit(counting.bucket, counting.under.visit) += counting.here;
    Outcome::Counted(counting.past_bound.then_some(reason::PAST_BOUND))
}

/// Whether it is an engagement that no visit has a place for. Looked at before anything changes.
fn is_homeless(
    hit: &Hit,
    (key, _, before): Ids,
    site: &SiteState,
    known: Option<u32>,
    limits: CountLimits,
) -> bool {
    if !matches!(hit.kind, HitKind::Engagement { .. }) {
        return false;
    }
    let found = match known {
        Some(index) => site.days.get(&(hit.day, key)).map(|day| (day, index)),
        None => before.and_then(|(key, id)| {
            let day = yesterday(site, hit, key)?;
            Some((day, day.find(id)?))
        }),
    };
    let Some((day, index)) = found else { return true };
    let VisitorState { visit, last_thing, .. } = day.visitors.get(index);
    let goes_on =
        if known.is_some() { visit.goes_on(hit.at) } else { visit.crosses_midnight(hit.at) };
    if !goes_on {
        return true;
    }
    match seen::find(&day.things, *last_thing, Print::page(&hit.hostname, &hit.page)) {
        Ok(index) => day.things.get(index).visit != visit.number,
        // It may have been viewed when nothing more could be remembered.
        Err(others) => others < limits.seen_per_visitor,
    }
}

fn yesterday<'a>(site: &'a SiteState, hit: &Hit, key: KeyId) -> Option<&'a DayVisitors> {
    let earlier = site.days.range(..(hit.day, KeyId(0)));
    earlier.rev().find(|((_, of), _)| *of == key).map(|(_, day)| day)
}

/// A visit that goes on over midnight, with what it has seen, taken out of the day before.
struct Carried {
    visit: Visit,
    origin: Origin,
    exit: Option<(Text, Text)>,
    things: Vec<Thing>,
}

fn carry(hit: &Hit, (_, _, before): Ids, site: &mut SiteState) -> Option<Carried> {
    let (key, id) = before?;
    let earlier = site.days.range_mut(..(hit.day, KeyId(0)));
    let day = earlier.rev().find(|((_, of), _)| *of == key).map(|(_, day)| day)?;
    let index = day.find(id)?;
    let DayVisitors { visitors, things, origins, views, .. } = day;
    let VisitorState { visit, last_thing, .. } = *visitors.get(index);
    if !visit.crosses_midnight(hit.at) {
        return None;
    }
    let of_visit = seen::chain(things, last_thing).map(|(_, thing)| *thing);
    // Of the new day it has been seen in nothing yet.
    let anew = |thing: Thing| Thing {
        visit: 0,
        hour: Bucket(0),
        flags: thing.flags & !Thing::TODAY,
        ..thing
    };
    let things = of_visit.filter(|thing| thing.visit == visit.number).map(anew).collect();
    let exit = views.get(visit.exit).map(|it| (it.hostname.clone(), it.page.clone()));
    views.release(visit.exit);
    let left = &mut visitors.get_mut(index).visit;
    (left.exit, left.flags) = (ViewId::NONE, left.flags | Visit::GONE);
    Some(Carried {
        visit: Visit { number: 0, ..visit },
        origin: origins.get(visit.origin),
        exit,
        things,
    })
}

/// A visitor who has just come, on a visit.
struct Arrived {
    index: u32,
    /// Whether the hit opens the visit.
    opened: bool,
    /// Whether it is the visitor's first of the day.
    is_new: bool,
    /// When the visitor was seen last, as far as that is remembered.
    last: Option<crate::hit::Second>,
}

impl Arrived {
    /// A visitor who was there on this day.
    fn again(hit: &Hit, index: u32, day: &mut DayVisitors) -> Self {
        let DayVisitors { visitors, origins, views, .. } = day;
        let visitor = visitors.get_mut(index);
        let last = visitor.visit.last();
        let opened = !visitor.visit.goes_on(hit.at);
        if opened {
            views.release(visitor.visit.exit);
            visitor.visit = open(hit, origins, visitor.visit.number.saturating_add(1));
        }
        Self { index, opened, is_new: false, last }
    }

    /// A visitor whom this day has not seen.
    fn first(hit: &Hit, id: VisitorId, carried: Option<Carried>, day: &mut DayVisitors) -> Self {
        let (opened, last) = (carried.is_none(), carried.as_ref().and_then(|it| it.visit.last()));
        let DayVisitors { things, origins, views, .. } = day;
        let mut last_thing = Link::NONE;
        let visit = match carried {
            None => open(hit, origins, 1),
            Some(Carried { visit, origin, exit, things: of_visit }) => {
                let mut seen = Seen { things, last: &mut last_thing };
                for thing in of_visit {
                    seen.push(thing);
                }
                let exit = exit.map_or(ViewId::NONE, |(hostname, page)| {
                    views.hold(views.name(&hostname, &page))
                });
                let Origin { hostname, entry_page, dims } = &origin;
                Visit { origin: origins.id(hostname, entry_page, dims), exit, ..visit }
            }
        };
        let (first, of_hour) = (visit.origin, visit.origin);
        let visitor = VisitorState { id, first, hour: hit.hour, of_hour, last_thing, visit };
        Self { index: day.insert(visitor), opened, is_new: true, last }
    }
}

/// A visit that this hit opens.
fn open(hit: &Hit, origins: &mut Origins, number: u16) -> Visit {
    let Hit { at, hostname, page, dims, kind, .. } = hit;
    let interactive = matches!(kind, HitKind::Event { interactive: true, .. });
    Visit {
        origin: origins.id(hostname, page, dims),
        began: seconds(*at),
        last: seconds(*at),
        exit: ViewId::NONE,
        exit_bucket: Bucket(0),
        number,
        flags: if interactive { 0 } else { Visit::BOUNCE },
    }
}

/// One hit on its way through its visitor's state.
struct Counting<'a> {
    hit: &'a Hit,
    bucket: Bucket,
    limits: CountLimits,
    /// Whether the hit is in the visitor's last hour: of one that is over nothing is a first.
    in_hour: bool,
    under: Under,
    sums: Sums<'a>,
    seen: Seen<'a>,
    /// What it adds to the row of its own bucket and visit: most of it, as a rule, and added at
    /// once.
    here: VisitCounters,
    past_bound: bool,
}

/// Under what a hit's deltas stand: its visit's origin, that of the visitor's first visit of the
/// day, and that of the first of its last hour.
#[derive(Clone, Copy)]
struct Under {
    visit: OriginId,
    day: OriginId,
    hour: OriginId,
}

impl Counting<'_> {
    /// The counters of a row of `visits`.
    fn visit(&mut self, bucket: Bucket, of: OriginId) -> &mut VisitCounters {
        if of == self.under.visit && bucket == self.bucket {
            return &mut self.here;
        }
        self.sums.visit(bucket, of)
    }

    /// What any hit adds.
    fn any(&mut self, visit: &mut Visit, arrived: &Arrived, new_hour: bool) {
        let Under { visit: origin, day, hour } = self.under;
        if arrived.opened {
            let row = self.visit(visit.bucket(), origin);
            row.visits += 1;
            row.bounces += i64::from(visit.has(Visit::BOUNCE));
        }
        let more = visit.extend(self.hit.at);
        if more > 0 {
            self.visit(visit.bucket(), origin).duration_s += more;
        }
        if arrived.is_new {
            self.visit(self.bucket, day).visitors += 1;
        }
        if new_hour {
            self.visit(self.bucket, hour).visitors_hour += 1;
        }
    }

    fn pageview(&mut self, visit: &mut Visit, opened: bool, views: &mut Views) {
        let Under { visit: origin, day, hour } = self.under;
        let bucket = self.bucket;
        let name = views.name(&self.hit.hostname, &self.hit.page);
        self.here.pageviews += 1;
        if visit.has(Visit::VIEWED) {
            self.no_bounce(visit);
        }
        visit.flags |= Visit::VIEWED;

        let mut firsts = self.see(Print::page(name.hostname, name.page), visit.number);
        self.same_path(name, visit.number, &mut firsts);
        let row = self.sums.page(bucket, name, origin);
        row.pageviews += 1;
        row.visits += i64::from(firsts.visit);
        row.entries += i64::from(opened);
        row.exits += 1;
        row.visitors += i64::from(firsts.day && day == origin);
        row.visitors_hour += i64::from(firsts.hour && hour == origin);
        if firsts.day && day != origin {
            self.sums.page(bucket, name, day).visitors += 1;
        }
        if firsts.hour && hour != origin {
            self.sums.page(bucket, name, hour).visitors_hour += 1;
        }
        if let Some(left) = views.get(visit.exit) {
            // Negated as it was written.
            self.sums.page(visit.exit_bucket, left, origin).exits -= 1;
            if (left.hostname, left.page) != (name.hostname, name.page) {
                self.sums.journey(bucket, left, name);
            }
        }
        let left = std::mem::replace(&mut visit.exit, views.hold(name));
        visit.exit_bucket = bucket;
        views.release(left);
    }

    /// A visitor of a path is one, on however many hosts. Beside its pages a visitor remembers the
    /// paths that it has seen on other hosts than its first: most are on one host, and need none.
    fn same_path(&mut self, name: PageName<'_>, visit: u16, firsts: &mut Firsts) {
        if !(firsts.day || firsts.hour) {
            return;
        }
        let PageName { hostname, page, .. } = name;
        let home = self.sums.origins.hostname(self.under.day);
        let at_home = hostname == home;
        let other = if at_home { Print::elsewhere(page) } else { Print::page(home, page) };
        if let Some(thing) = self.seen.find(other) {
            firsts.day &= !thing.is_of_today();
            firsts.hour &= thing.hour < self.hit.hour;
        }
        if !at_home && (firsts.day || firsts.hour) {
            let away = self.see(Print::elsewhere(page), visit);
            firsts.day &= away.day;
            firsts.hour &= away.hour;
        }
    }

    fn event(&mut self, visit: &mut Visit) {
        let Some(event) = Event::of(self.hit) else { return };
        let Under { visit: origin, day, hour } = self.under;
        self.here.events += 1;
        if event.interactive {
            self.no_bounce(visit);
        }
        let firsts = self.see(Print::event(event.name), visit.number);
        self.count_event(&event, origin, |row| {
            event.add_to(row);
            row.visits += i64::from(firsts.visit);
            row.visitors += i64::from(firsts.day && day == origin);
            row.visitors_hour += i64::from(firsts.hour && hour == origin);
        });
        if firsts.day && day != origin {
            self.count_event(&event, day, |row| row.visitors += 1);
        }
        if firsts.hour && hour != origin {
            self.count_event(&event, hour, |row| row.visitors_hour += 1);
        }
        for prop in event.props {
            let print = Print::prop(event.name, &prop.0, &prop.1);
            let firsts = self.see(print, visit.number);
            deltas::prop(&mut self.sums.deltas.rows, &self.hit.site, &event, prop, |row| {
                row.events += 1;
                row.visitors += i64::from(firsts.day);
            });
        }
    }

    fn count_event(
        &mut self,
        event: &Event<'_>,
        of: OriginId,
        change: impl FnOnce(&mut super::EventCounters),
    ) {
        let Sums { site, origins, deltas } = &mut self.sums;
        deltas::event(&mut deltas.rows, site, event, &origins.get(of).dims, change);
    }

    fn engagement(&mut self, (ms, scroll): (u32, Option<u8>), views: &Views) {
        let name = views.name(&self.hit.hostname, &self.hit.page);
        let ms = i64::from(ms);
        let Some(thing) = self.seen.find(Print::page(name.hostname, name.page)) else {
            // The page's view was past the bound: there is nothing to compare with.
            self.past_bound = true;
            self.sums.page(self.bucket, name, self.under.visit).engaged_ms += ms;
            return;
        };
        let (engaged_first, further, scrolled_first) = thing.read(scroll);
        let row = self.sums.page(thing.bucket, name, self.under.visit);
        row.engaged_ms += ms;
        row.engaged_visits += i64::from(engaged_first);
        row.scroll_visits += i64::from(scrolled_first);
        row.scroll_sum += i64::from(further);
    }

    /// The visit is no bounce any more, if it still was one.
    fn no_bounce(&mut self, visit: &mut Visit) {
        if visit.has(Visit::BOUNCE) {
            visit.flags &= !Visit::BOUNCE;
            self.visit(visit.bucket(), self.under.visit).bounces -= 1;
        }
    }

    fn see(&mut self, print: Print, visit: u16) -> Firsts {
        let place = (self.bucket, self.hit.hour, visit);
        let mut firsts = self.seen.see(print, place, self.limits.seen_per_visitor);
        self.past_bound |= firsts.past_bound;
        // Of an hour that is over for this visitor nothing is a first.
        firsts.hour &= self.in_hour;
        firsts
    }
}
