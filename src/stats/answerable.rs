//! Which table answers which metric under which dimensions, or why none does.
//!
//! This is data: the planner, its errors, the list of words and the table in ARCHITECTURE.md all
//! come from it.

use super::words::{Dimension, Metric};
use crate::outbox::Table;

/// What a question is about, which decides the table: the dimensions it names, broken down by or
/// filtered on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// None of those below.
    Visit,
    /// `event:page`.
    Page,
    /// `event:name`.
    Event,
    /// `event:name` with `event:page`, or `event:currency`: parts of an event.
    EventPart,
    /// `event:props:KEY`.
    Prop,
    /// `visit:exit_page`.
    Exit,
}

/// A metric as sums of counters: `numerator / denominator × scale / per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Formula {
    /// Counters that are added.
    pub numerator: &'static [&'static str],
    /// The counter that is divided by; none: a plain count.
    pub denominator: Option<&'static str>,
    /// 100 for a percentage.
    pub scale: i32,
    /// 1,000 for what is summed in thousandths.
    pub per: i32,
    /// Decimals kept.
    pub decimals: i32,
}

/// How a metric is answered in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// From this table.
    From(Table, Formula),
    /// From this table, but only where each cell is of one value of each of these dimensions: its
    /// firsts are kept for each value apart, and adding those of several counts a visitor twice.
    OneOf(&'static [Dimension], Table, Formula),
    /// The visitors of the same question, as a share of these.
    ShareOf(Whole),
    /// From nowhere, and why.
    No(&'static str),
}

/// The visitors that a share is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whole {
    /// All, under the same filters.
    Filtered,
    /// All, under the same filters but those on a goal.
    WithoutGoal,
    /// Those of the row, under the same filters but those on a goal.
    RowWithoutGoal,
}

/// What every share is: percent with one decimal.
pub const SHARE: Formula = per(&["visitors"], "visitors", 100, 1);

/// Events that brought something in: not a column, but a sum of one under a condition.
pub const PAID_EVENTS: &str = "paid_events";

const fn count(numerator: &'static [&'static str]) -> Formula {
    Formula { numerator, denominator: None, scale: 1, per: 1, decimals: 0 }
}

const fn per(
    numerator: &'static [&'static str],
    denominator: &'static str,
    scale: i32,
    decimals: i32,
) -> Formula {
    Formula { numerator, denominator: Some(denominator), scale, per: 1, decimals }
}

const EXIT_RATE: Formula = per(&["exits"], "pageviews", 100, 1);
const TIME_ON_PAGE: Formula = Formula { per: 1000, ..per(&["engaged_ms"], "engaged_visits", 1, 0) };

impl Scope {
    /// Every scope.
    pub const ALL: &[Self] =
        &[Self::Visit, Self::Page, Self::Event, Self::EventPart, Self::Prop, Self::Exit];

    /// The scope of a question that names these dimensions, or why there is none.
    pub fn of(dimensions: &[Dimension]) -> Result<Self, &'static str> {
        use Dimension as D;
        let has = |dimension| dimensions.contains(&dimension);
        let (page, currency) = (has(D::Page), has(D::Currency));
        let event = has(D::EventName) || currency;
        match (has(D::Prop), has(D::ExitPage)) {
            (true, true) => Err("the properties of events were not remembered with the exit page"),
            (false, true) if page || event => {
                Err("what a visit did was not remembered with its exit page")
            }
            (false, true) => Ok(Self::Exit),
            (true, false) => Ok(Self::Prop),
            (false, false) => Ok(match (event, page || currency) {
                (false, false) => Self::Visit,
                (false, true) => Self::Page,
                (true, false) => Self::Event,
                (true, true) => Self::EventPart,
            }),
        }
    }

    /// Its name in the list of words.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Visit => "visit",
            Self::Page => "page",
            Self::Event => "event",
            Self::EventPart => "event_part",
            Self::Prop => "prop",
            Self::Exit => "exit_page",
        }
    }

    /// The dimensions that make it, for whoever reads the table.
    #[must_use]
    pub fn heading(self) -> &'static str {
        match self {
            Self::Visit => "visit dimensions",
            Self::Page => "with `event:page`",
            Self::Event => "with `event:name`",
            Self::EventPart => "with both, or `event:currency`",
            Self::Prop => "with `event:props:KEY`",
            Self::Exit => "with `visit:exit_page`",
        }
    }
}

const NOT_BY_PART: &str =
    "who did an event is remembered for the event, not for each page or currency of it";
const NOT_BY_EVENT: &str = "visits are kept by what opened them, not by the events in them";
const NOT_BY_EXIT: &str = "of the page that a visit ended on, visits and exit rate are kept";
const NOT_READ_BY_EVENT: &str = "how a page was read is kept by page, not by the events on it";
const NOT_BY_HOUR: &str =
    "visitors of an hour are no share of those of days: break it down by time:day";
const NO_GOAL: &str = "there is no goal in the question: name one by event:name";

/// How `metric` is answered in `scope`. `hourly`: the question is broken down by hours, so that a
/// visitor counts once in each.
#[must_use]
pub fn answer(metric: Metric, scope: Scope, hourly: bool) -> Answer {
    match metric {
        Metric::Visitors => visitors(scope, hourly),
        Metric::Visits => visits(scope),
        Metric::Pageviews => match scope {
            Scope::Visit => Answer::From(Table::Visits, count(&["pageviews"])),
            Scope::Page => Answer::From(Table::Pages, count(&["pageviews"])),
            Scope::Event | Scope::EventPart | Scope::Prop => Answer::No(NOT_BY_EVENT),
            Scope::Exit => Answer::No(NOT_BY_EXIT),
        },
        Metric::Events => events(scope),
        Metric::BounceRate => of_visits(scope, per(&["bounces"], "visits", 100, 0)),
        Metric::VisitDuration => of_visits(scope, per(&["duration_s"], "visits", 1, 0)),
        Metric::ViewsPerVisit => of_visits(scope, per(&["pageviews"], "visits", 1, 2)),
        Metric::TimeOnPage => of_pages(scope, TIME_ON_PAGE),
        Metric::ScrollDepth => of_pages(scope, per(&["scroll_sum"], "scroll_visits", 1, 0)),
        Metric::ExitRate if scope == Scope::Exit => Answer::From(Table::Pages, EXIT_RATE),
        Metric::ExitRate => of_pages(scope, EXIT_RATE),
        Metric::TotalRevenue => of_revenue(scope, count(&["revenue"])),
        Metric::AverageRevenue => of_revenue(scope, per(&["revenue"], PAID_EVENTS, 1, 0)),
        Metric::Percentage => share(scope, hourly, Whole::Filtered),
        Metric::ConversionRate | Metric::GroupConversionRate => match scope {
            Scope::Visit | Scope::Page => Answer::No(NO_GOAL),
            _ if metric == Metric::ConversionRate => share(scope, hourly, Whole::WithoutGoal),
            _ => share(scope, hourly, Whole::RowWithoutGoal),
        },
    }
}

fn visitors(scope: Scope, hourly: bool) -> Answer {
    use Answer::{From, No, OneOf};
    let visitors = count(if hourly { &["visitors_hour"] } else { &["visitors"] });
    match scope {
        Scope::Visit => From(Table::Visits, visitors),
        Scope::Page => OneOf(&[Dimension::Page], Table::Pages, visitors),
        Scope::Event => OneOf(&[Dimension::EventName], Table::Events, visitors),
        Scope::EventPart => No(NOT_BY_PART),
        Scope::Prop if hourly => No("who had a property is remembered by day, not by hour"),
        Scope::Prop => OneOf(&[Dimension::EventName, Dimension::Prop], Table::EventProps, visitors),
        Scope::Exit => No(NOT_BY_EXIT),
    }
}

fn visits(scope: Scope) -> Answer {
    use Answer::{From, No, OneOf};
    match scope {
        Scope::Visit | Scope::Page => From(Table::Visits, count(&["visits"])),
        Scope::Event => OneOf(&[Dimension::EventName], Table::Events, count(&["visits"])),
        Scope::EventPart => No(NOT_BY_PART),
        Scope::Prop => No("properties are remembered by events and visitors"),
        Scope::Exit => From(Table::Pages, count(&["exits"])),
    }
}

fn events(scope: Scope) -> Answer {
    use Answer::{From, No};
    match scope {
        Scope::Visit => From(Table::Visits, count(&["pageviews", "events"])),
        Scope::Page => No("events on a page are kept by their name: ask with event:name as well"),
        Scope::Event | Scope::EventPart => From(Table::Events, count(&["events"])),
        Scope::Prop => From(Table::EventProps, count(&["events"])),
        Scope::Exit => No(NOT_BY_EXIT),
    }
}

/// A rate of whole visits: of a page, of those that it opened.
fn of_visits(scope: Scope, formula: Formula) -> Answer {
    match scope {
        Scope::Visit | Scope::Page => Answer::From(Table::Visits, formula),
        Scope::Event | Scope::EventPart | Scope::Prop => Answer::No(NOT_BY_EVENT),
        Scope::Exit => Answer::No(NOT_BY_EXIT),
    }
}

/// A rate of views: of one page, or of all together.
fn of_pages(scope: Scope, formula: Formula) -> Answer {
    match scope {
        Scope::Visit | Scope::Page => Answer::From(Table::Pages, formula),
        Scope::Event | Scope::EventPart | Scope::Prop => Answer::No(NOT_READ_BY_EVENT),
        Scope::Exit => Answer::No(NOT_BY_EXIT),
    }
}

fn of_revenue(scope: Scope, formula: Formula) -> Answer {
    match scope {
        Scope::Visit | Scope::Page | Scope::Event | Scope::EventPart => {
            Answer::From(Table::Events, formula)
        }
        Scope::Prop => Answer::No("revenue is kept by the event, not by its properties"),
        Scope::Exit => Answer::No(NOT_BY_EXIT),
    }
}

/// A share of visitors is told where the visitors are. Those of an hour are no part of those of
/// days: they stand under the first visit of the hour, which another filter may let through.
fn share(scope: Scope, hourly: bool, of: Whole) -> Answer {
    match visitors(scope, hourly) {
        Answer::No(why) => Answer::No(why),
        _ if hourly && of != Whole::RowWithoutGoal => Answer::No(NOT_BY_HOUR),
        _ => Answer::ShareOf(of),
    }
}

/// The column of `dimension` in `table`, if it has one. In `visits`, a page and a host name are
/// those of the entry page.
#[must_use]
pub fn column(dimension: Dimension, table: Table) -> Option<&'static str> {
    use Dimension as D;
    match (dimension, table) {
        (D::Page | D::EntryPage, Table::Visits) => Some("entry_page"),
        (D::Page, Table::Pages | Table::Events) | (D::ExitPage, Table::Pages) => Some("page"),
        (D::Hostname, Table::Visits | Table::Pages) => Some("hostname"),
        (D::EventName, Table::Events | Table::EventProps) => Some("name"),
        (D::Currency, Table::Events) => Some("currency"),
        (D::Prop, Table::EventProps) => Some("prop_value"),
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

/// The tables that questions are answered from.
pub const TABLES: &[Table] = &[Table::Visits, Table::Pages, Table::Events, Table::EventProps];

/// The dimensions that `metric` can be asked with beside `named`, for an error that lists them.
#[must_use]
pub fn valid_beside(metric: Metric, named: &[Dimension], hourly: bool) -> String {
    let fits = |each: &&Dimension| {
        let all = [named, &[**each]].concat();
        let answer = Scope::of(&all).map(|scope| answer(metric, scope, hourly));
        let table = match answer {
            Ok(Answer::From(table, _) | Answer::OneOf(_, table, _)) => table,
            Ok(Answer::ShareOf(_) | Answer::No(_)) | Err(_) => return false,
        };
        all.iter().all(|one| column(*one, table).is_some())
    };
    Dimension::ALL.iter().filter(fits).map(|each| each.word()).collect::<Vec<_>>().join(", ")
}
