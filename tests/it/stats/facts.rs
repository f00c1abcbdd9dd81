//! What happened, one by one: each fact with the values of the dimensions that are known of it.

use std::collections::{BTreeMap, BTreeSet};

use headcount::hit::{Hit, HitKind, Record, Second, Text, VisitDims};

use super::corpus::SITE;
use crate::twin::visits::{Grouped, Visit, group};

/// What a fact is one of, or so many of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum What {
    Visitor,
    VisitorOfHour,
    Visit,
    Bounce,
    Duration,
    ViewOfVisit,
    EventOfVisit,
    View,
    PageVisitor,
    PageVisitorOfHour,
    Exit,
    EngagedMs,
    EngagedVisit,
    ScrollPercent,
    ScrollVisit,
    Event,
    EventVisit,
    EventVisitor,
    EventVisitorOfHour,
    Revenue,
    PaidEvent,
    PropEvent,
    PropVisitor,
}

/// Words of dimensions, and values as they are stored.
pub(super) type Values = BTreeMap<&'static str, String>;

/// So much of something, at a time.
pub(super) struct Fact {
    pub(super) at: Second,
    pub(super) amount: i64,
    pub(super) of: Values,
    /// The key of the property it is about.
    pub(super) prop: Option<String>,
}

pub(super) type Facts = BTreeMap<What, Vec<Fact>>;

/// Dimensions that every table but that of properties knows.
const SHARED: [&str; 5] =
    ["visit:channel", "visit:source", "visit:utm_campaign", "visit:country", "visit:device"];

fn of_dims(dims: &VisitDims) -> Values {
    let values: [(&str, &Text); 17] = [
        ("visit:channel", &dims.channel),
        ("visit:source", &dims.source),
        ("visit:referrer", &dims.referrer_host),
        ("visit:utm_source", &dims.utm_source),
        ("visit:utm_medium", &dims.utm_medium),
        ("visit:utm_campaign", &dims.utm_campaign),
        ("visit:utm_content", &dims.utm_content),
        ("visit:utm_term", &dims.utm_term),
        ("visit:country", &dims.country),
        ("visit:region", &dims.region),
        ("visit:city", &dims.city),
        ("visit:browser", &dims.browser),
        ("visit:browser_version", &dims.browser_version),
        ("visit:os", &dims.os),
        ("visit:os_version", &dims.os_version),
        ("visit:device", &dims.device),
        ("visit:language", &dims.language),
    ];
    values.into_iter().map(|(word, value)| (word, value.as_str().to_owned())).collect()
}

fn shared(dims: &VisitDims) -> Values {
    of_dims(dims).into_iter().filter(|(word, _)| SHARED.contains(word)).collect()
}

/// A whole visit: what opened it. Its page is where it was entered.
fn of_visit(dims: &VisitDims, hostname: &Text, entry: &str) -> Values {
    let mut of = of_dims(dims);
    of.insert("event:hostname", hostname.as_str().to_owned());
    of.insert("event:page", entry.to_owned());
    of.insert("visit:entry_page", entry.to_owned());
    of
}

fn of_page(dims: &VisitDims, hit: &Hit) -> Values {
    let mut of = shared(dims);
    of.insert("event:hostname", hit.hostname.as_str().to_owned());
    of.insert("event:page", hit.page.as_str().to_owned());
    of
}

fn of_event(dims: &VisitDims, hit: &Hit) -> Values {
    let HitKind::Event { name, revenue, .. } = &hit.kind else { panic!("an event") };
    let currency = revenue.map(|it| it.currency.as_str().to_owned()).unwrap_or_default();
    let mut of = shared(dims);
    of.insert("event:name", name.as_str().to_owned());
    of.insert("event:page", hit.page.as_str().to_owned());
    of.insert("event:currency", currency);
    of
}

/// An event as who did it, or the visits that did it, know it.
fn of_event_alone(dims: &VisitDims, hit: &Hit) -> Values {
    let mut of = of_event(dims, hit);
    of.retain(|word, _| *word != "event:page" && *word != "event:currency");
    of
}

/// Everything that happened on the site.
pub(super) fn facts(records: &[Record]) -> Facts {
    let of_site: Vec<Record> = records
        .iter()
        .filter(|record| matches!(record, Record::Hit(hit) if hit.site.as_str() == SITE))
        .cloned()
        .collect();
    let all = group(&of_site, usize::MAX);
    let mut found = Found::default();
    for visit in &all.visits {
        found.visit(visit);
        found.views(visit);
        found.reading(visit);
        found.events(visit);
    }
    for visitor in 0..all.visitors.len() {
        found.visitor(&all, visitor);
    }
    for (_, hit, _) in &all.nobodys {
        found.nobody(hit);
    }
    found.facts
}

#[derive(Default)]
struct Found {
    facts: Facts,
}

impl Found {
    fn add(&mut self, what: What, at: Second, amount: i64, of: Values) {
        let at = at.bucket().start();
        self.facts.entry(what).or_default().push(Fact { at, amount, of, prop: None });
    }

    fn visit(&mut self, visit: &Visit<'_>) {
        let opening = visit.steps[0].hit;
        let of = of_visit(&opening.dims, &opening.hostname, opening.page.as_str());
        let views = visit.steps.iter().filter(|step| step.hit.kind == HitKind::Pageview).count();
        let acts = |hit: &Hit| matches!(hit.kind, HitKind::Event { interactive: true, .. });
        let bounces = views <= 1 && !visit.steps.iter().any(|step| acts(step.hit));
        let last = visit.steps.iter().map(|step| step.hit.at.0).max().unwrap();
        self.add(What::Visit, opening.at, 1, of.clone());
        self.add(What::Bounce, opening.at, i64::from(bounces), of.clone());
        self.add(What::Duration, opening.at, last - opening.at.0, of.clone());
        for step in &visit.steps {
            match step.hit.kind {
                HitKind::Pageview => self.add(What::ViewOfVisit, step.hit.at, 1, of.clone()),
                HitKind::Event { .. } => self.add(What::EventOfVisit, step.hit.at, 1, of.clone()),
                HitKind::Engagement { .. } => {}
            }
        }
    }

    fn views(&mut self, visit: &Visit<'_>) {
        let dims = &visit.steps[0].hit.dims;
        let views = visit.steps.iter().map(|step| step.hit);
        let views: Vec<&Hit> = views.filter(|hit| hit.kind == HitKind::Pageview).collect();
        for view in &views {
            self.add(What::View, view.at, 1, of_page(dims, view));
        }
        if let Some(last) = views.last() {
            let mut of = of_page(dims, last);
            let page = of.get("event:page").cloned().unwrap();
            of.insert("visit:exit_page", page);
            self.add(What::Exit, last.at, 1, of);
        }
    }

    /// How far and how long each page of the visit was read: told of its first view.
    fn reading(&mut self, visit: &Visit<'_>) {
        let dims = &visit.steps[0].hit.dims;
        let mut done = BTreeSet::new();
        for step in &visit.steps {
            let place = |hit: &Hit| (hit.hostname.clone(), hit.page.clone());
            if step.hit.kind != HitKind::Pageview || !done.insert(place(step.hit)) {
                continue;
            }
            let (mut ms, mut reports, mut deepest) = (0, 0, None);
            for report in visit.steps.iter().filter(|other| place(other.hit) == place(step.hit)) {
                if let HitKind::Engagement { engaged_ms, scroll_percent } = report.hit.kind {
                    ms += i64::from(engaged_ms);
                    reports += 1;
                    deepest = deepest.max(scroll_percent);
                }
            }
            let of = of_page(dims, step.hit);
            if reports > 0 {
                self.add(What::EngagedMs, step.hit.at, ms, of.clone());
                self.add(What::EngagedVisit, step.hit.at, 1, of.clone());
            }
            if let Some(percent) = deepest {
                self.add(What::ScrollPercent, step.hit.at, i64::from(percent), of.clone());
                self.add(What::ScrollVisit, step.hit.at, 1, of);
            }
        }
    }

    fn events(&mut self, visit: &Visit<'_>) {
        let dims = &visit.steps[0].hit.dims;
        let mut done = BTreeSet::new();
        for step in &visit.steps {
            if let HitKind::Event { name, .. } = &step.hit.kind {
                self.event(step.hit, dims);
                if done.insert(name.clone()) {
                    self.add(What::EventVisit, step.hit.at, 1, of_event_alone(dims, step.hit));
                }
            }
        }
    }

    fn event(&mut self, hit: &Hit, dims: &VisitDims) {
        let HitKind::Event { props, revenue, .. } = &hit.kind else { panic!("an event") };
        self.add(What::Event, hit.at, 1, of_event(dims, hit));
        if let Some(revenue) = revenue {
            self.add(What::Revenue, hit.at, revenue.minor, of_event(dims, hit));
            self.add(What::PaidEvent, hit.at, 1, of_event(dims, hit));
        }
        for prop in props {
            self.prop(What::PropEvent, hit, prop);
        }
    }

    fn prop(&mut self, what: What, hit: &Hit, (key, value): &(Text, Text)) {
        let HitKind::Event { name, .. } = &hit.kind else { panic!("an event") };
        let of = Values::from([
            ("event:name", name.as_str().to_owned()),
            ("event:props:KEY", value.as_str().to_owned()),
        ]);
        let prop = Some(key.as_str().to_owned());
        let at = hit.at.bucket().start();
        self.facts.entry(what).or_default().push(Fact { at, amount: 1, of, prop });
    }

    /// The visitor's firsts of the day, under its first visit's dimensions; and of each hour, under
    /// those of its first visit in it. An hour that is over does not come back.
    fn visitor(&mut self, all: &Grouped<'_>, visitor: usize) {
        let mut hits: Vec<(usize, &Hit, &Hit)> = Vec::new();
        for visit in &all.visits {
            let own = visit.steps.iter().filter(|step| step.visitor == visitor);
            hits.extend(own.map(|step| (step.record, step.hit, visit.steps[0].hit)));
        }
        hits.sort_by_key(|(record, ..)| *record);
        let (_, first, day) = hits[0];
        let of = |opening: &Hit| of_visit(&opening.dims, &opening.hostname, opening.page.as_str());
        self.add(What::Visitor, first.at, 1, of(day));
        let (mut hour, mut of_hour) = (None, day);
        let (mut today, mut in_hour) = (BTreeSet::new(), BTreeSet::new());
        for (_, hit, opening) in hits {
            if hour.is_none_or(|hour| hour < hit.hour) {
                (hour, of_hour) = (Some(hit.hour), opening);
                self.add(What::VisitorOfHour, hit.at, 1, of(opening));
            }
            let now = hour == Some(hit.hour);
            match &hit.kind {
                HitKind::Pageview => {
                    let page = format!("page {}", hit.page.as_str());
                    if today.insert(page.clone()) {
                        self.add(What::PageVisitor, hit.at, 1, of_page(&day.dims, hit));
                    }
                    if now && in_hour.insert((hit.hour, page)) {
                        let of = of_page(&of_hour.dims, hit);
                        self.add(What::PageVisitorOfHour, hit.at, 1, of);
                    }
                }
                HitKind::Event { name, props, .. } => {
                    let event = format!("event {}", name.as_str());
                    if today.insert(event.clone()) {
                        self.add(What::EventVisitor, hit.at, 1, of_event_alone(&day.dims, hit));
                    }
                    if now && in_hour.insert((hit.hour, event)) {
                        let of = of_event_alone(&of_hour.dims, hit);
                        self.add(What::EventVisitorOfHour, hit.at, 1, of);
                    }
                    for prop in props {
                        let (key, value) = (prop.0.as_str(), prop.1.as_str());
                        if today.insert(format!("prop {} {key}={value}", name.as_str())) {
                            self.prop(What::PropVisitor, hit, prop);
                        }
                    }
                }
                HitKind::Engagement { .. } => {}
            }
        }
    }

    /// Counted under blank dimensions, and as nobody's visit.
    fn nobody(&mut self, hit: &Hit) {
        let blank = VisitDims::default();
        let of = of_visit(&blank, &hit.hostname, "");
        match &hit.kind {
            HitKind::Pageview => {
                self.add(What::ViewOfVisit, hit.at, 1, of);
                self.add(What::View, hit.at, 1, of_page(&blank, hit));
            }
            HitKind::Event { .. } => {
                self.add(What::EventOfVisit, hit.at, 1, of);
                self.event(hit, &blank);
            }
            HitKind::Engagement { .. } => {}
        }
    }
}
