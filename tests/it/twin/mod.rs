//! The counter's naive twin: it keeps every hit, groups them into visits afterwards, and makes each
//! table by walking over everything. It shares no code with `src/count` but the rows' keys.
//!
//! It is as slow as it is plain, and it is what the design says, table by table.

mod laws;
mod mailings;
mod memory;
mod tables;
pub(crate) mod traffic;
pub(crate) mod visits;

use headcount::count::Rows;
use headcount::hit::{DropReason, Hit, Record, RejectReason, SiteName, Visitor};
use headcount::keys::KeyId;

pub(crate) use tables::recount_with;

/// The rows of these records, all at once, without bounds.
pub(crate) fn recount(records: &[Record]) -> Rows {
    recount_with(records, usize::MAX)
}

/// What is to become of a hit, decided by its record alone and by those before it.
enum Fate<'a> {
    /// It is a visitor's, of this key and id.
    Visitor(&'a Hit, KeyId, u64),
    /// It is nobody's, for this reason in the ledger.
    Nobody(&'a Hit, &'static str),
}

/// What a record's hit is; `over`: the keys of days that have ended, by site.
fn fate<'a>(record: &'a Record, over: &[(SiteName, KeyId)]) -> Option<Fate<'a>> {
    let Record::Hit(hit) = record else { return None };
    Some(match &hit.visitor {
        Visitor::Withheld => Fate::Nobody(hit, "withheld"),
        Visitor::Lost => Fate::Nobody(hit, "key_lost"),
        Visitor::Known { key, .. } if over.contains(&(hit.site.clone(), *key)) => {
            Fate::Nobody(hit, "key_lost")
        }
        Visitor::Known { key, id, .. } => Fate::Visitor(hit, *key, id.to_raw()),
    })
}

/// The ledger's word for a drop or a refusal.
fn word(record: &Record) -> &'static str {
    let all = [
        "dropped:unknown_site",
        "dropped:bot",
        "dropped:referrer_spam",
        "dropped:prefetch",
        "dropped:opt_out",
        "dropped:no_visit",
        "dropped:expired",
        "dropped:unsupported",
        "dropped:blocked_address",
        "dropped:blocked_country",
        "dropped:blocked_page",
        "dropped:blocked_hostname",
        "dropped:headless",
        "dropped:data_centre",
        "dropped:unknown_mailing",
        "dropped:forged",
        "dropped:mailing_over",
        "dropped:repeated",
        "dropped:withdrawn",
        "dropped:blocked_link",
        "rejected:malformed",
        "rejected:too_large",
        "rejected:rate_limited",
        "rejected:shed",
        "rejected:timeout",
        "rejected:abandoned",
    ];
    let wanted = match record {
        Record::Drop { reason, .. } => format!("dropped:{}", DropReason::label(*reason)),
        Record::Reject { reason, .. } => format!("rejected:{}", RejectReason::label(*reason)),
        _ => panic!("neither a drop nor a refusal"),
    };
    all.into_iter().find(|word| *word == wanted).expect("a word of the ledger")
}

/// Fails with the first rows that differ.
#[track_caller]
pub(crate) fn compare(left: &Rows, right: &Rows) {
    macro_rules! same {
        ($($table:ident),*) => {$(
            for (key, counters) in &left.$table {
                assert_eq!(Some(counters), right.$table.get(key), "{}: {key:?}", stringify!($table));
            }
            for (key, counters) in &right.$table {
                let found = left.$table.get(key);
                assert_eq!(found, Some(counters), "{}: {key:?}", stringify!($table));
            }
        )*};
    }
    same!(visits, pages, events, event_props, journeys, mailings, ledger);
}

/// Adds all rows of `more` to `rows`.
pub(crate) fn add(rows: &mut Rows, more: &Rows) {
    macro_rules! sum {
        ($($table:ident: $($counter:ident),*;)*) => {$(
            for (key, counters) in &more.$table {
                let sum = rows.$table.entry(key.clone()).or_default();
                $(sum.$counter += counters.$counter;)*
            }
            rows.$table.retain(|_, counters| *counters != Default::default());
        )*};
    }
    sum! {
        visits: visitors, visitors_hour, visits, bounces, pageviews, events, duration_s;
        pages: pageviews, visitors, visitors_hour, visits, entries, exits, engaged_ms,
            engaged_visits, scroll_sum, scroll_visits;
        events: events, visitors, visitors_hour, visits, revenue;
        event_props: events, visitors;
        mailings: opens, unique_opens, clicks, unique_clicks, readers, forwards, spread;
    }
    for (key, transitions) in &more.journeys {
        *rows.journeys.entry(key.clone()).or_default() += transitions;
    }
    for (key, hits) in &more.ledger {
        *rows.ledger.entry(key.clone()).or_default() += hits;
    }
}
