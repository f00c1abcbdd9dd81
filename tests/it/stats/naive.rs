//! Questions answered from facts, one by one: what each number means, said a second time.

use std::collections::{BTreeMap, BTreeSet};

use headcount::hit::Second;
use headcount::stats::Dimension;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::corpus::ZONE;
use super::facts::{Fact, Facts, Values, What};

const PROP: &str = "event:props:";

/// A question, taken apart.
pub(super) struct Asked {
    pub(super) dimensions: Vec<String>,
    /// All hold.
    pub(super) filters: Vec<Value>,
}

/// A metric, as facts over facts.
struct Means {
    over: Vec<What>,
    under: Option<What>,
    scale: i64,
    per: i64,
    decimals: u32,
    /// Dimensions of which each cell must have one value.
    pinned: &'static [&'static str],
}

fn means(over: &[What], pinned: &'static [&'static str]) -> Means {
    Means { over: over.to_vec(), under: None, scale: 1, per: 1, decimals: 0, pinned }
}

fn ratio(over: What, under: What, scale: i64, decimals: u32) -> Means {
    Means { under: Some(under), scale, decimals, ..means(&[over], &[]) }
}

/// The word as the tables know it.
fn known_as(word: &str) -> &str {
    if word.starts_with(PROP) { "event:props:KEY" } else { word }
}

fn leaf_dimensions(filter: &Value, into: &mut Vec<String>) {
    match filter[0].as_str().unwrap() {
        "and" | "or" => {
            filter[1].as_array().unwrap().iter().for_each(|each| leaf_dimensions(each, into));
        }
        "not" => leaf_dimensions(&filter[1], into),
        _ => into.push(filter[1].as_str().unwrap().to_owned()),
    }
}

fn conjuncts(filter: &Value) -> Vec<Value> {
    match filter[0].as_str() {
        Some("and") => filter[1].as_array().unwrap().iter().flat_map(conjuncts).collect(),
        _ => vec![filter.clone()],
    }
}

fn is_goal(word: &str) -> bool {
    word == "event:name" || word == "event:currency" || word.starts_with(PROP)
}

/// Whether a value of a dimension passes.
fn passes(filter: &Value, of: &Values) -> bool {
    match filter[0].as_str().unwrap() {
        "and" => filter[1].as_array().unwrap().iter().all(|each| passes(each, of)),
        "or" => filter[1].as_array().unwrap().iter().any(|each| passes(each, of)),
        "not" => !passes(&filter[1], of),
        operator => {
            let word = known_as(filter[1].as_str().unwrap());
            let folds = filter[3]["case_sensitive"] == json!(false);
            let fold = |text: &str| if folds { text.to_lowercase() } else { text.to_owned() };
            let value = fold(&of[word]);
            let empty = Dimension::parse(word).unwrap().empty_label();
            let any = filter[2].as_array().unwrap().iter().any(|wanted| {
                let wanted = wanted.as_str().unwrap();
                match operator {
                    "is" | "is_not" if wanted == empty => value.is_empty(),
                    "is" | "is_not" => value == fold(wanted),
                    _ => value.contains(&fold(wanted)),
                }
            });
            any != operator.ends_with("_not")
        }
    }
}

impl Asked {
    pub(super) fn of(question: &Value) -> Self {
        let list = |name: &str| question[name].as_array().unwrap().clone();
        let dimensions = list("dimensions");
        let dimensions = dimensions.iter().map(|one| one.as_str().unwrap().to_owned()).collect();
        Self { dimensions, filters: list("filters").iter().flat_map(conjuncts).collect() }
    }

    fn named(&self) -> Vec<String> {
        let mut named: Vec<String> =
            self.dimensions.iter().filter(|one| !one.starts_with("time")).cloned().collect();
        self.filters.iter().for_each(|filter| leaf_dimensions(filter, &mut named));
        named
    }

    fn is_one(&self, word: &str) -> bool {
        let one = |filter: &Value| {
            filter[0] == "is"
                && known_as(filter[1].as_str().unwrap()) == word
                && filter[2].as_array().unwrap().len() == 1
                && filter[3]["case_sensitive"] != json!(false)
        };
        self.dimensions.iter().any(|one| known_as(one) == word) || self.filters.iter().any(one)
    }

    fn hourly(&self) -> bool {
        self.dimensions.iter().any(|one| one == "time:hour")
    }

    /// The facts that the metric counts; none: they were not remembered.
    fn means(&self, metric: &str) -> Option<Means> {
        let named = self.named();
        let has = |word: &str| named.iter().any(|one| known_as(one) == word);
        let (page, name, currency) = (has("event:page"), has("event:name"), has("event:currency"));
        let (prop, exit) = (has("event:props:KEY"), has("visit:exit_page"));
        let event = name || currency;
        let hourly = self.hourly();
        let of_hour = |day, hour| if hourly { hour } else { day };
        let means = match metric {
            "visitors" if exit => return None,
            "visitors" if prop && hourly => return None,
            "visitors" if prop => means(&[What::PropVisitor], &["event:name", "event:props:KEY"]),
            "visitors" if event => {
                means(&[of_hour(What::EventVisitor, What::EventVisitorOfHour)], &["event:name"])
            }
            "visitors" if page => {
                means(&[of_hour(What::PageVisitor, What::PageVisitorOfHour)], &["event:page"])
            }
            "visitors" => means(&[of_hour(What::Visitor, What::VisitorOfHour)], &[]),
            "visits" if exit => means(&[What::Exit], &[]),
            "visits" if prop => return None,
            "visits" if event => means(&[What::EventVisit], &["event:name"]),
            "visits" => means(&[What::Visit], &[]),
            "exit_rate" if exit => {
                let mut rate = ratio(What::Exit, What::View, 100, 1);
                rate.under = Some(What::View);
                rate
            }
            _ if exit => return None,
            "events" if prop => means(&[What::PropEvent], &[]),
            "events" if event => means(&[What::Event], &[]),
            "events" if page => return None,
            "events" => means(&[What::ViewOfVisit, What::EventOfVisit], &[]),
            "total_revenue" | "average_revenue" if prop => return None,
            "total_revenue" => means(&[What::Revenue], &[]),
            "average_revenue" => ratio(What::Revenue, What::PaidEvent, 1, 0),
            _ if event || prop => return None,
            "pageviews" if page => means(&[What::View], &[]),
            "pageviews" => means(&[What::ViewOfVisit], &[]),
            "views_per_visit" => ratio(What::ViewOfVisit, What::Visit, 1, 2),
            "bounce_rate" => ratio(What::Bounce, What::Visit, 100, 0),
            "visit_duration" => ratio(What::Duration, What::Visit, 1, 0),
            "time_on_page" => {
                Means { per: 1000, ..ratio(What::EngagedMs, What::EngagedVisit, 1, 0) }
            }
            "scroll_depth" => ratio(What::ScrollPercent, What::ScrollVisit, 1, 0),
            "exit_rate" => ratio(What::Exit, What::View, 100, 1),
            other => panic!("{other} has no meaning"),
        };
        let pinned = means.pinned.iter().all(|word| self.is_one(word));
        // Exits know the page they are of by the same name as views do.
        let whats = means.over.iter().chain(&means.under);
        let known = whats
            .into_iter()
            .all(|what| named.iter().all(|word| knows(*what, known_as(word), exit)));
        (pinned && known).then_some(means)
    }

    /// The same question without dimensions, or without the filters on a goal.
    fn whole(&self, metric: &str) -> Option<(Self, bool)> {
        let mut filters = self.filters.clone();
        if metric != "percentage" {
            for filter in &self.filters {
                let mut named = Vec::new();
                leaf_dimensions(filter, &mut named);
                let goals = named.iter().filter(|word| is_goal(word)).count();
                if goals > 0 && goals < named.len() {
                    return None;
                }
            }
            filters.retain(|filter| {
                let mut named = Vec::new();
                leaf_dimensions(filter, &mut named);
                !named.iter().any(|word| is_goal(word))
            });
        }
        let (goals, rest): (Vec<String>, Vec<String>) =
            self.dimensions.iter().cloned().partition(|word| is_goal(word));
        if metric != "group_conversion_rate" || rest.is_empty() {
            return Some((Self { dimensions: Vec::new(), filters }, false));
        }
        goals.is_empty().then_some((Self { dimensions: rest, filters }, true))
    }
}

/// Whether facts of this kind know the dimension.
fn knows(what: What, word: &str, exit: bool) -> bool {
    let shared =
        ["visit:channel", "visit:source", "visit:utm_campaign", "visit:country", "visit:device"];
    match what {
        What::Visitor
        | What::VisitorOfHour
        | What::Visit
        | What::Bounce
        | What::Duration
        | What::ViewOfVisit
        | What::EventOfVisit => {
            (word.starts_with("visit:") && word != "visit:exit_page")
                || word == "event:hostname"
                || word == "event:page"
        }
        What::View
        | What::Exit
        | What::PageVisitor
        | What::PageVisitorOfHour
        | What::EngagedMs
        | What::EngagedVisit
        | What::ScrollPercent
        | What::ScrollVisit => {
            shared.contains(&word)
                || word == "event:hostname"
                || word == if exit { "visit:exit_page" } else { "event:page" }
        }
        What::EventVisit | What::EventVisitor | What::EventVisitorOfHour => {
            shared.contains(&word) || word == "event:name"
        }
        What::Event | What::Revenue | What::PaidEvent => {
            shared.contains(&word) || ["event:name", "event:page", "event:currency"].contains(&word)
        }
        What::PropEvent | What::PropVisitor => ["event:name", "event:props:KEY"].contains(&word),
    }
}

/// Rows by the values of their dimensions, as an answer shows them.
pub(super) type Rows = BTreeMap<Vec<String>, Vec<Value>>;

/// Whether every metric of the question has an answer.
pub(super) fn answerable(asked: &Asked, metric: &str) -> bool {
    match metric {
        "percentage" | "conversion_rate" | "group_conversion_rate" => {
            let named = asked.named();
            if metric != "percentage" && !named.iter().any(|word| is_goal(word)) {
                return false;
            }
            // Visitors of hours stand under other visits than those of days.
            if asked.hourly() && metric != "group_conversion_rate" {
                return false;
            }
            let whole = asked.whole(metric);
            asked.means("visitors").is_some()
                && whole.is_some_and(|(whole, _)| whole.means("visitors").is_some())
        }
        _ => asked.means(metric).is_some(),
    }
}

/// The answer: of metrics that have one.
pub(super) fn answer(facts: &Facts, asked: &Asked, metrics: &[&str]) -> Rows {
    let mut columns = Vec::new();
    let mut shown: BTreeSet<Vec<String>> = BTreeSet::new();
    for metric in metrics {
        let is_share = metric.ends_with("conversion_rate") || *metric == "percentage";
        let means = asked.means(if is_share { "visitors" } else { metric }).unwrap();
        let over: Vec<Sums> = means.over.iter().map(|what| sums(facts, *what, asked)).collect();
        let under = means.under.map(|what| sums(facts, what, asked));
        for sums in over.iter().chain(&under) {
            shown.extend(sums.iter().filter(|(_, sum)| **sum != 0).map(|(key, _)| key.clone()));
        }
        let whole = is_share.then(|| {
            let (whole, of_row) = asked.whole(metric).unwrap();
            let means = whole.means("visitors").unwrap();
            (sums(facts, means.over[0], &whole), of_row)
        });
        columns.push((*metric, means, over, under, whole));
    }
    if asked.dimensions.is_empty() {
        shown.insert(Vec::new());
    }
    let total = asked.dimensions.is_empty();
    let row = |key: &Vec<String>| {
        let values = columns.iter().map(|(metric, means, over, under, whole)| {
            let sum: i64 = over.iter().map(|sums| sums.get(key).copied().unwrap_or(0)).sum();
            let of = |sums: &Sums| sums.get(key).copied().unwrap_or(0);
            if metric.ends_with("revenue") {
                return money(facts, asked, key, sum, under.as_ref().map(of));
            }
            match (whole, under) {
                (Some((whole, of_row)), _) => {
                    let none = Vec::new();
                    let of = whole.get(if *of_row { key } else { &none }).copied().unwrap_or(0);
                    rounded(sum * 100, of, 1, total)
                }
                (None, Some(under)) => {
                    rounded(sum * means.scale, of(under) * means.per, means.decimals, total)
                }
                (None, None) => json!(sum),
            }
        });
        values.collect::<Vec<Value>>()
    };
    shown.iter().map(|key| (key.clone(), row(key))).collect()
}

type Sums = BTreeMap<Vec<String>, i64>;

fn sums(facts: &Facts, what: What, asked: &Asked) -> Sums {
    let mut sums = Sums::new();
    for (key, fact) in matching(facts, what, asked) {
        *sums.entry(key).or_default() += fact.amount;
    }
    sums
}

fn matching<'a>(facts: &'a Facts, what: What, asked: &Asked) -> Vec<(Vec<String>, &'a Fact)> {
    let key = asked.named().iter().find_map(|word| word.strip_prefix(PROP)).map(str::to_owned);
    let zone = TimeZone::get(ZONE).unwrap();
    let exit = asked.named().iter().any(|word| word == "visit:exit_page");
    let mut found = Vec::new();
    for fact in facts.get(&what).into_iter().flatten() {
        let mut of = fact.of.clone();
        if exit && what == What::View {
            let page = of["event:page"].clone();
            of.insert("visit:exit_page", page);
        }
        let of_prop = fact.prop.is_none() || fact.prop == key;
        if of_prop && asked.filters.iter().all(|filter| passes(filter, &of)) {
            let key = asked.dimensions.iter().map(|word| value(word, fact.at, &of, &zone));
            found.push((key.collect(), fact));
        }
    }
    found
}

fn value(word: &str, at: Second, of: &Values, zone: &TimeZone) -> String {
    let local = Timestamp::from_second(at.0).unwrap().to_zoned(zone.clone());
    let date = local.date();
    match word {
        "time:hour" => local.strftime("%Y-%m-%d %H:00:00").to_string(),
        "time:day" => date.to_string(),
        "time:week" => {
            let days = i64::from(date.weekday().to_monday_zero_offset());
            let monday = date.checked_sub(jiff::Span::new().days(days)).unwrap();
            monday.max(super::corpus::DATES[0].parse().unwrap()).to_string()
        }
        "time:month" => date.first_of_month().to_string(),
        _ => {
            let word = known_as(word);
            let value = of[word].clone();
            let label = Dimension::parse(word).unwrap().empty_label();
            if value.is_empty() { label.to_owned() } else { value }
        }
    }
}

fn rounded(sum: i64, of: i64, decimals: u32, total: bool) -> Value {
    if of <= 0 {
        return if total { json!(0) } else { Value::Null };
    }
    let steps = 10_i64.pow(decimals);
    let value = (2 * sum * steps + of).div_euclid(2 * of);
    if decimals == 0 {
        json!(value)
    } else {
        json!(f64::from(i32::try_from(value).unwrap()) / f64::from(i32::try_from(steps).unwrap()))
    }
}

/// Money in one currency, or nothing.
fn money(facts: &Facts, asked: &Asked, key: &[String], sum: i64, events: Option<i64>) -> Value {
    let of_key = matching(facts, What::PaidEvent, asked).into_iter().filter(|(of, _)| of == key);
    let currencies: BTreeSet<String> =
        of_key.map(|(_, fact)| fact.of["event:currency"].clone()).collect();
    if currencies.len() != 1 {
        return Value::Null;
    }
    let minor = match events {
        None => sum,
        Some(events) if events <= 0 => return Value::Null,
        Some(events) => (2 * sum + events).div_euclid(2 * events),
    };
    let minor = f64::from(i32::try_from(minor).unwrap());
    json!({"value": minor / 100.0, "currency": currencies.first()})
}
