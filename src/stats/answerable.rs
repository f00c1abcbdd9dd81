//! Which table answers which metric under which dimensions, or why none does.
//!
//! This is data: the planner, its errors and the table in ARCHITECTURE.md all come from it.

use std::fmt::Write as _;

use super::words::{Dimension, Metric};
use crate::outbox::Table;

/// What a question is about, which decides the table: the dimensions it names, broken down by or
/// filtered on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Neither `event:page` nor `event:name`.
    Visit,
    /// `event:page`.
    Page,
    /// `event:name`.
    Event,
    /// Both.
    EventOnPage,
}

/// A metric as sums of counters: `numerator / denominator × scale`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formula {
    /// Counters that are added.
    pub numerator: &'static [&'static str],
    /// The counter that is divided by; none: a plain count.
    pub denominator: Option<&'static str>,
    /// 100 for a percentage.
    pub scale: i32,
    /// Decimals kept.
    pub decimals: i32,
}

/// How a metric is answered in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// From this table.
    From(Table, Formula),
    /// From this table, but only where each cell is of one value of this dimension: its firsts are
    /// kept for each value apart, and adding those of several counts a visitor twice.
    OneOf(Dimension, Table, Formula),
    /// From nowhere, and why.
    No(&'static str),
}

const fn count(numerator: &'static [&'static str]) -> Formula {
    Formula { numerator, denominator: None, scale: 1, decimals: 0 }
}

const fn per_visit(counter: &'static [&'static str], scale: i32, decimals: i32) -> Formula {
    Formula { numerator: counter, denominator: Some("visits"), scale, decimals }
}

impl Scope {
    /// Every scope.
    pub const ALL: &[Self] = &[Self::Visit, Self::Page, Self::Event, Self::EventOnPage];

    /// The scope of a question that names these dimensions.
    #[must_use]
    pub fn of(dimensions: &[Dimension]) -> Self {
        match (dimensions.contains(&Dimension::EventName), dimensions.contains(&Dimension::Page)) {
            (false, false) => Self::Visit,
            (false, true) => Self::Page,
            (true, false) => Self::Event,
            (true, true) => Self::EventOnPage,
        }
    }

    fn heading(self) -> &'static str {
        match self {
            Self::Visit => "visit dimensions",
            Self::Page => "with `event:page`",
            Self::Event => "with `event:name`",
            Self::EventOnPage => "with both",
        }
    }
}

/// How `metric` is answered in `scope`. `hourly`: the question is broken down by hours, so that a
/// visitor counts once in each.
#[must_use]
pub fn answer(metric: Metric, scope: Scope, hourly: bool) -> Answer {
    use Answer::{From, No, OneOf};
    let visitors = count(if hourly { &["visitors_hour"] } else { &["visitors"] });
    match (metric, scope) {
        (Metric::Visitors, Scope::Visit) => From(Table::Visits, visitors),
        (Metric::Visitors, Scope::Page) => OneOf(Dimension::Page, Table::Pages, visitors),
        (Metric::Visitors, Scope::Event) => OneOf(Dimension::EventName, Table::Events, visitors),
        (Metric::Visitors | Metric::Visits, Scope::EventOnPage) => {
            No("who did an event is remembered for the event, not for the event on each page")
        }
        (Metric::Visits, Scope::Visit | Scope::Page) => From(Table::Visits, count(&["visits"])),
        (Metric::Visits, Scope::Event) => {
            OneOf(Dimension::EventName, Table::Events, count(&["visits"]))
        }
        (Metric::Pageviews, Scope::Visit) => From(Table::Visits, count(&["pageviews"])),
        (Metric::Pageviews, Scope::Page) => From(Table::Pages, count(&["pageviews"])),
        (Metric::Events, Scope::Visit) => From(Table::Visits, count(&["pageviews", "events"])),
        (Metric::Events, Scope::Page) => {
            No("events on a page are kept by their name: ask with event:name as well")
        }
        (Metric::Events, Scope::Event | Scope::EventOnPage) => {
            From(Table::Events, count(&["events"]))
        }
        (Metric::BounceRate, Scope::Visit | Scope::Page) => {
            From(Table::Visits, per_visit(&["bounces"], 100, 0))
        }
        (Metric::VisitDuration, Scope::Visit | Scope::Page) => {
            From(Table::Visits, per_visit(&["duration_s"], 1, 0))
        }
        (Metric::ViewsPerVisit, Scope::Visit | Scope::Page) => {
            From(Table::Visits, per_visit(&["pageviews"], 1, 2))
        }
        (
            Metric::Pageviews | Metric::BounceRate | Metric::VisitDuration | Metric::ViewsPerVisit,
            Scope::Event | Scope::EventOnPage,
        ) => No("visits are kept by what opened them, not by the events in them"),
    }
}

/// The column of `dimension` in `table`, if it has one. In `visits`, a page and a host name are
/// those of the entry page.
#[must_use]
pub fn column(dimension: Dimension, table: Table) -> Option<&'static str> {
    use Dimension as D;
    match (dimension, table) {
        (D::Page | D::EntryPage, Table::Visits) => Some("entry_page"),
        (D::Page, Table::Pages | Table::Events) => Some("page"),
        (D::Hostname, Table::Visits | Table::Pages) => Some("hostname"),
        (D::EventName, Table::Events) => Some("name"),
        (D::Channel, Table::Visits | Table::Pages | Table::Events) => Some("channel"),
        (D::Source, Table::Visits | Table::Pages | Table::Events) => Some("source"),
        (D::UtmCampaign, Table::Visits | Table::Pages | Table::Events) => Some("utm_campaign"),
        (D::Country, Table::Visits | Table::Pages | Table::Events) => Some("country"),
        (D::Device, Table::Visits | Table::Pages | Table::Events) => Some("device"),
        (D::Referrer, Table::Visits) => Some("referrer_host"),
        (D::UtmSource, Table::Visits) => Some("utm_source"),
        (D::UtmMedium, Table::Visits) => Some("utm_medium"),
        (D::UtmContent, Table::Visits) => Some("utm_content"),
        (D::UtmTerm, Table::Visits) => Some("utm_term"),
        (D::Region, Table::Visits) => Some("region"),
        (D::City, Table::Visits) => Some("city"),
        (D::Browser, Table::Visits) => Some("browser"),
        (D::BrowserVersion, Table::Visits) => Some("browser_version"),
        (D::Os, Table::Visits) => Some("os"),
        (D::OsVersion, Table::Visits) => Some("os_version"),
        (D::Language, Table::Visits) => Some("language"),
        _ => None,
    }
}

/// The dimensions that `table` has, for an error that lists them.
#[must_use]
pub fn dimensions_of(table: Table) -> String {
    let has = |each: &&Dimension| column(**each, table).is_some();
    Dimension::ALL.iter().filter(has).map(|each| each.word()).collect::<Vec<_>>().join(", ")
}

/// The table of metrics and scopes, and that of dimensions, as Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut text = String::from("| metric |");
    for scope in Scope::ALL {
        append(&mut text, format_args!(" {} |", scope.heading()));
    }
    text.push_str("\n|---|---|---|---|---|\n");
    for metric in Metric::ALL {
        append(&mut text, format_args!("| `{}` |", metric.word()));
        for scope in Scope::ALL {
            append(&mut text, format_args!(" {} |", cell(answer(*metric, *scope, false))));
        }
        text.push('\n');
    }
    text.push_str("\n| dimension | `visits` | `pages` | `events` |\n|---|---|---|---|\n");
    for dimension in Dimension::ALL {
        append(&mut text, format_args!("| `{}` |", dimension.word()));
        for table in [Table::Visits, Table::Pages, Table::Events] {
            match column(*dimension, table) {
                Some(name) => append(&mut text, format_args!(" `{name}` |")),
                None => text.push_str(" no |"),
            }
        }
        text.push('\n');
    }
    text
}

fn cell(answer: Answer) -> String {
    let formula = |table: Table, formula: Formula| {
        let sum = formula.numerator.join(" + ");
        let over = formula.denominator.map_or(String::new(), |name| format!(" / {name}"));
        format!("`{}`: {sum}{over}", table.name())
    };
    match answer {
        Answer::From(table, how) => formula(table, how),
        Answer::OneOf(dimension, table, how) => {
            format!("{}, of one `{}` at a time", formula(table, how), dimension.word())
        }
        Answer::No(why) => format!("no: {why}"),
    }
}

fn append(text: &mut String, what: std::fmt::Arguments<'_>) {
    let written = text.write_fmt(what);
    debug_assert!(written.is_ok(), "writing to a String does not fail");
}
