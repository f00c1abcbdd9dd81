//! Each table, made by walking over all visits.

use std::collections::BTreeSet;

use headcount::count::{
    EventCounters, EventKey, JourneyKey, LedgerKey, PageCounters, PageKey, PropKey, Rows,
    VisitCounters, VisitKey,
};
use headcount::hit::{Bucket, Hit, HitKind, Record, Text, VisitDims};

use super::visits::{Grouped, Step, Visit, group};
use super::{add, mailings, word};

/// The rows of these records. `visitors_max`: of one site and day.
pub(crate) fn recount_with(records: &[Record], visitors_max: usize) -> Rows {
    let all = group(records, visitors_max);
    let mut rows = Rows::default();
    for visit in &all.visits {
        visits(visit, &mut rows);
        pages(visit, &mut rows);
        engagements(visit, &mut rows);
        events(visit, &mut rows);
    }
    for visitor in 0..all.visitors.len() {
        firsts(&all, visitor, &mut rows);
    }
    for (_, hit, _) in &all.nobodys {
        nobody(hit, &mut rows);
    }
    ledger(records, &all, &mut rows);
    drop_zeros(&mut rows);
    add(&mut rows, &mailings::recount(records));
    rows
}

fn drop_zeros(rows: &mut Rows) {
    rows.visits.retain(|_, row| *row != VisitCounters::default());
    rows.pages.retain(|_, row| *row != PageCounters::default());
    rows.events.retain(|_, row| *row != EventCounters::default());
}

fn visit_key(hit: &Hit, bucket: Bucket, opening: &Hit) -> VisitKey {
    VisitKey {
        site: hit.site.clone(),
        bucket,
        hostname: opening.hostname.clone(),
        entry_page: opening.page.clone(),
        dims: (*opening.dims).clone(),
    }
}

fn page_key(at: &Hit, bucket: Bucket, dims: &VisitDims) -> PageKey {
    PageKey {
        site: at.site.clone(),
        bucket,
        hostname: at.hostname.clone(),
        page: at.page.clone(),
        channel: dims.channel.clone(),
        source: dims.source.clone(),
        utm_campaign: dims.utm_campaign.clone(),
        country: dims.country.clone(),
        device: dims.device.clone(),
    }
}

fn event_key(hit: &Hit, dims: &VisitDims) -> EventKey {
    let HitKind::Event { name, revenue, .. } = &hit.kind else { panic!("an event") };
    EventKey {
        site: hit.site.clone(),
        bucket: hit.at.bucket(),
        name: name.clone(),
        page: hit.page.clone(),
        currency: revenue.map(|it| it.currency).unwrap_or_default(),
        channel: dims.channel.clone(),
        source: dims.source.clone(),
        utm_campaign: dims.utm_campaign.clone(),
        country: dims.country.clone(),
        device: dims.device.clone(),
    }
}

fn is_view(step: &Step<'_>) -> bool {
    matches!(step.hit.kind, HitKind::Pageview)
}

/// The visit's own row, and its page views and events.
fn visits(visit: &Visit<'_>, rows: &mut Rows) {
    let opening = visit.steps[0].hit;
    let views = visit.steps.iter().filter(|step| is_view(step)).count();
    let interactive = visit
        .steps
        .iter()
        .any(|step| matches!(step.hit.kind, HitKind::Event { interactive: true, .. }));
    let last = visit.steps.iter().map(|step| step.hit.at.0).max().expect("a hit");
    let row = rows.visits.entry(visit_key(opening, opening.at.bucket(), opening)).or_default();
    row.visits += 1;
    row.bounces += i64::from(views <= 1 && !interactive);
    row.duration_s += last - opening.at.0;
    for step in &visit.steps {
        let row =
            rows.visits.entry(visit_key(step.hit, step.hit.at.bucket(), opening)).or_default();
        match step.hit.kind {
            HitKind::Pageview => row.pageviews += 1,
            HitKind::Event { .. } => row.events += 1,
            HitKind::Engagement { .. } => {}
        }
    }
}

/// Views, entries, exits, and the ways between pages.
fn pages(visit: &Visit<'_>, rows: &mut Rows) {
    let opening = visit.steps[0].hit;
    let views: Vec<&Step<'_>> = visit.steps.iter().filter(|step| is_view(step)).collect();
    let mut seen = BTreeSet::new();
    for (at, step) in views.iter().enumerate() {
        let key = page_key(step.hit, step.hit.at.bucket(), &opening.dims);
        let row = rows.pages.entry(key).or_default();
        row.pageviews += 1;
        row.visits += i64::from(seen.insert((&step.hit.hostname, &step.hit.page)));
        row.entries += i64::from(step.record == visit.steps[0].record);
        row.exits += i64::from(at + 1 == views.len());
    }
    for pair in views.windows(2) {
        let (from, to) = (pair[0].hit, pair[1].hit);
        if (&from.hostname, &from.page) != (&to.hostname, &to.page) {
            let key = JourneyKey {
                site: to.site.clone(),
                bucket: to.at.bucket(),
                from_page: from.page.clone(),
                to_page: to.page.clone(),
            };
            *rows.journeys.entry(key).or_default() += 1;
        }
    }
}

/// How long and how far pages were read: on the row of the visit's first view of the page.
fn engagements(visit: &Visit<'_>, rows: &mut Rows) {
    let opening = visit.steps[0].hit;
    let mut done: BTreeSet<(&Text, &Text)> = BTreeSet::new();
    for view in visit.steps.iter().filter(|step| is_view(step)) {
        if !done.insert((&view.hit.hostname, &view.hit.page)) {
            continue;
        }
        let of_page = visit.steps.iter().filter_map(|step| match &step.hit.kind {
            HitKind::Engagement { engaged_ms, scroll_percent }
                if step.hit.hostname == view.hit.hostname && step.hit.page == view.hit.page =>
            {
                Some((*engaged_ms, *scroll_percent))
            }
            _ => None,
        });
        let reports: Vec<(u32, Option<u8>)> = of_page.collect();
        let deepest = reports.iter().filter_map(|(_, percent)| *percent).max();
        let key = page_key(view.hit, view.hit.at.bucket(), &opening.dims);
        let row = rows.pages.entry(key).or_default();
        row.engaged_ms += reports.iter().map(|(ms, _)| i64::from(*ms)).sum::<i64>();
        row.engaged_visits += i64::from(!reports.is_empty());
        row.scroll_sum += deepest.map_or(0, i64::from);
        row.scroll_visits += i64::from(deepest.is_some());
    }
}

/// Events and their visits; firsts are made elsewhere.
fn events(visit: &Visit<'_>, rows: &mut Rows) {
    let opening = visit.steps[0].hit;
    let mut seen = BTreeSet::new();
    for step in &visit.steps {
        let HitKind::Event { name, props, revenue, .. } = &step.hit.kind else { continue };
        let row = rows.events.entry(event_key(step.hit, &opening.dims)).or_default();
        row.events += 1;
        row.revenue += revenue.map_or(0, |it| it.minor);
        row.visits += i64::from(seen.insert(name));
        for prop in props {
            rows.event_props.entry(prop_key(step.hit, name, prop)).or_default().events += 1;
        }
    }
}

fn prop_key(hit: &Hit, name: &Text, (key, value): &(Text, Text)) -> PropKey {
    PropKey {
        site: hit.site.clone(),
        bucket: hit.at.bucket(),
        name: name.clone(),
        key: key.clone(),
        value: value.clone(),
    }
}

/// Visitors of the day and the hour, of the site, of each page, event and property.
fn firsts(all: &Grouped<'_>, visitor: usize, rows: &mut Rows) {
    // The visitor's hits, each with the hit that opened its visit, in spool order.
    let mut hits: Vec<(usize, &Hit, &Hit)> = Vec::new();
    for visit in &all.visits {
        for step in visit.steps.iter().filter(|step| step.visitor == visitor) {
            hits.push((step.record, step.hit, visit.steps[0].hit));
        }
    }
    hits.sort_by_key(|(record, ..)| *record);
    let (_, _, first_of_day) = hits[0];
    let mut hours: Vec<(Bucket, &Hit)> = Vec::new();
    // Per thing: the hours in which it was seen; that there are any says that it was seen today.
    let mut pages: Vec<(&Text, Bucket)> = Vec::new();
    let mut names: Vec<(&Text, Bucket)> = Vec::new();
    let mut props: BTreeSet<(&Text, &Text, &Text)> = BTreeSet::new();
    for (at, (_, hit, opening)) in hits.iter().enumerate() {
        let bucket = hit.at.bucket();
        if at == 0 {
            rows.visits.entry(visit_key(hit, bucket, first_of_day)).or_default().visitors += 1;
        }
        if hours.iter().all(|(hour, _)| *hour < hit.hour) {
            hours.push((hit.hour, opening));
            rows.visits.entry(visit_key(hit, bucket, opening)).or_default().visitors_hour += 1;
        }
        let (latest, of_hour) = hours.last().expect("the first hit has one");
        let in_hour = *latest == hit.hour;
        match &hit.kind {
            HitKind::Engagement { .. } => {}
            HitKind::Pageview => {
                // Of a path, on whatever host.
                let thing = &hit.page;
                let before: Vec<Bucket> =
                    pages.iter().filter(|(it, _)| *it == thing).map(|(_, hour)| *hour).collect();
                if before.is_empty() {
                    let key = page_key(hit, bucket, &first_of_day.dims);
                    rows.pages.entry(key).or_default().visitors += 1;
                }
                if in_hour && before.iter().all(|hour| *hour < hit.hour) {
                    let key = page_key(hit, bucket, &of_hour.dims);
                    rows.pages.entry(key).or_default().visitors_hour += 1;
                }
                pages.push((thing, hit.hour));
            }
            HitKind::Event { name, props: of_event, .. } => {
                let before: Vec<Bucket> =
                    names.iter().filter(|(it, _)| *it == name).map(|(_, hour)| *hour).collect();
                if before.is_empty() {
                    let key = event_key(hit, &first_of_day.dims);
                    rows.events.entry(key).or_default().visitors += 1;
                }
                if in_hour && before.iter().all(|hour| *hour < hit.hour) {
                    let key = event_key(hit, &of_hour.dims);
                    rows.events.entry(key).or_default().visitors_hour += 1;
                }
                names.push((name, hit.hour));
                for prop in of_event {
                    if props.insert((name, &prop.0, &prop.1)) {
                        rows.event_props.entry(prop_key(hit, name, prop)).or_default().visitors +=
                            1;
                    }
                }
            }
        }
    }
}

/// A hit of nobody, under blank dimensions.
fn nobody(hit: &Hit, rows: &mut Rows) {
    let blank = VisitDims::default();
    let key = VisitKey {
        site: hit.site.clone(),
        bucket: hit.at.bucket(),
        hostname: hit.hostname.clone(),
        entry_page: Text::EMPTY,
        dims: blank.clone(),
    };
    let row = rows.visits.entry(key).or_default();
    match &hit.kind {
        HitKind::Engagement { .. } => {}
        HitKind::Pageview => {
            row.pageviews += 1;
            rows.pages.entry(page_key(hit, hit.at.bucket(), &blank)).or_default().pageviews += 1;
        }
        HitKind::Event { name, props, revenue, .. } => {
            row.events += 1;
            let row = rows.events.entry(event_key(hit, &blank)).or_default();
            row.events += 1;
            row.revenue += revenue.map_or(0, |it| it.minor);
            for prop in props {
                rows.event_props.entry(prop_key(hit, name, prop)).or_default().events += 1;
            }
        }
    }
}

fn ledger(records: &[Record], all: &Grouped<'_>, rows: &mut Rows) {
    let mut note = |record: &Record, reason, hits: u64| {
        let (site, at) = (record.site(), record.at());
        if hits > 0 {
            let key = LedgerKey { site: site.clone(), bucket: at.bucket(), reason };
            *rows.ledger.entry(key).or_default() += i64::try_from(hits).expect("small");
        }
    };
    for (at, record) in records.iter().enumerate() {
        match record {
            Record::Hit(_) if all.homeless.contains(&at) => note(record, "dropped:no_visit", 1),
            Record::Hit(_) => note(record, "counted", 1),
            Record::Drop { .. } => note(record, word(record), 1),
            Record::Reject { hits, .. } => note(record, word(record), *hits),
            Record::Received { hits, .. } => note(record, "received", *hits),
            Record::KeysLost { .. } => note(record, "keys_lost", 1),
            // Of mails: see mailings.rs.
            Record::DayEnd { .. } | Record::Passed { .. } | Record::Mail(_) => {}
            Record::MailingOver { .. } => panic!("no twin knows the end of a mailing's key"),
        }
    }
    for (at, _, reason) in &all.nobodys {
        note(&records[*at], reason, 1);
    }
}
