//! Hits grouped into visits and visitors, after the fact.

use headcount::hit::{Day, Hit, HitKind, Record, SiteName, Visitor};
use headcount::keys::KeyId;

use super::{Fate, fate};

/// Gap and length of a visit, as the design says them.
const GAP_S: i64 = 30 * 60;
const LENGTH_S: i64 = 24 * 60 * 60;

/// A hit of a visit: which record it is.
pub(crate) struct Step<'a> {
    pub(crate) record: usize,
    pub(crate) hit: &'a Hit,
    /// The visitor on the day of this hit: an index.
    pub(crate) visitor: usize,
}

/// One visit: its hits, in spool order, of one visitor or of two that follow each other over a
/// midnight.
pub(crate) struct Visit<'a> {
    pub(crate) steps: Vec<Step<'a>>,
}

/// One visitor of one day.
pub(crate) struct OfDay {
    pub(crate) site: SiteName,
    pub(crate) day: Day,
    pub(crate) key: KeyId,
    pub(crate) id: u64,
}

/// Everything grouped.
#[derive(Default)]
pub(crate) struct Grouped<'a> {
    pub(crate) visits: Vec<Visit<'a>>,
    pub(crate) visitors: Vec<OfDay>,
    /// Engagements that no visit has a place for, by record.
    pub(crate) homeless: Vec<usize>,
    /// Hits of nobody, with the ledger's reason.
    pub(crate) nobodys: Vec<(usize, &'a Hit, &'static str)>,
}

impl Visit<'_> {
    fn last_at(&self) -> i64 {
        self.steps.iter().map(|step| step.hit.at.0).max().expect("a visit has a hit")
    }

    fn takes(&self, at: i64) -> bool {
        at - self.last_at() <= GAP_S && at - self.steps[0].hit.at.0 < LENGTH_S
    }

    pub(crate) fn has_viewed(&self, hit: &Hit) -> bool {
        self.steps.iter().any(|step| {
            matches!(step.hit.kind, HitKind::Pageview)
                && step.hit.hostname == hit.hostname
                && step.hit.page == hit.page
        })
    }
}

/// Groups the hits of all records. `visitors_max`: of one site and day.
pub(crate) fn group(records: &[Record], visitors_max: usize) -> Grouped<'_> {
    let mut all = Grouped::default();
    // Keys of days whose end has come: nothing goes on from them.
    let mut over: Vec<(SiteName, KeyId)> = Vec::new();
    for (at, record) in records.iter().enumerate() {
        if let Record::DayEnd { site, day, .. } = record {
            let ended = all.visitors.iter().filter(|it| it.site == *site && it.day <= *day);
            over.extend(ended.map(|it| (it.site.clone(), it.key)));
        }
        match fate(record, &over) {
            None => {}
            Some(Fate::Nobody(hit, reason)) => nobody(&mut all, at, hit, reason),
            Some(Fate::Visitor(hit, key, id)) => {
                visitor(&mut all, &over, (at, hit), (key, id), visitors_max);
            }
        }
    }
    all
}

fn nobody<'a>(all: &mut Grouped<'a>, at: usize, hit: &'a Hit, reason: &'static str) {
    if matches!(hit.kind, HitKind::Engagement { .. }) {
        all.homeless.push(at);
    } else {
        all.nobodys.push((at, hit, reason));
    }
}

fn visitor<'a>(
    all: &mut Grouped<'a>,
    over: &[(SiteName, KeyId)],
    (record, hit): (usize, &'a Hit),
    (key, id): (KeyId, u64),
    visitors_max: usize,
) {
    let known = all
        .visitors
        .iter()
        .position(|it| it.site == hit.site && it.day == hit.day && it.key == key && it.id == id);
    // The visit that this hit could go on with: the visitor's last, or that of the day before.
    let last_of = |visitor: usize| {
        all.visits.iter().rposition(|visit| visit.steps.iter().any(|it| it.visitor == visitor))
    };
    // A visit that has gone on in the next day is no visit of the day before any more.
    let still_there = |visit: &usize, visitor: usize| {
        all.visits[*visit].steps.last().expect("a hit").visitor == visitor
    };
    let candidate = match known {
        Some(visitor) => last_of(visitor).filter(|visit| still_there(visit, visitor)),
        None => yesterday(all, over, hit)
            .and_then(|visitor| last_of(visitor).filter(|visit| still_there(visit, visitor)))
            // One that has come over a midnight already does not cross another.
            .filter(|visit| {
                let steps = &all.visits[*visit].steps;
                steps.iter().all(|step| step.visitor == steps[0].visitor)
            }),
    };
    let goes_on = candidate.filter(|visit| all.visits[*visit].takes(hit.at.0));
    if matches!(hit.kind, HitKind::Engagement { .. })
        && !goes_on.is_some_and(|visit| all.visits[visit].has_viewed(hit))
    {
        return all.homeless.push(record);
    }
    let of_day = all
        .visitors
        .iter()
        .filter(|it| it.site == hit.site && it.day == hit.day && it.key == key)
        .count();
    let visitor = match known {
        Some(visitor) => visitor,
        None if of_day >= visitors_max => return nobody(all, record, hit, "past_bound"),
        None => {
            all.visitors.push(OfDay { site: hit.site.clone(), day: hit.day, key, id });
            all.visitors.len() - 1
        }
    };
    let step = Step { record, hit, visitor };
    match goes_on {
        Some(visit) => all.visits[visit].steps.push(step),
        None => all.visits.push(Visit { steps: vec![step] }),
    }
}

/// The visitor of the day before that the hit names, if that day is not over.
fn yesterday(all: &Grouped<'_>, over: &[(SiteName, KeyId)], hit: &Hit) -> Option<usize> {
    let Visitor::Known { before: Some((key, id)), .. } = &hit.visitor else { return None };
    if over.contains(&(hit.site.clone(), *key)) {
        return None;
    }
    all.visitors.iter().position(|it| {
        it.site == hit.site && it.key == *key && it.id == id.to_raw() && it.day < hit.day
    })
}
