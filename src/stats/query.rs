//! The question, in the shape of Plausible's Stats API v2.
//!
//! It is read by hand from JSON, so that an error names the field and lists what is valid, and
//! repeats nothing of what was sent.

use serde_json::{Map, Value};

use super::QueryError;
use super::compare::Comparison;
use super::filter::{self, Filter};
use super::period::DateRange;
use super::words::{Dimension, Grain, Metric};
use crate::limits;

/// A question.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The site's domain.
    pub site_id: String,
    /// At least one.
    pub metrics: Vec<Metric>,
    /// Which days.
    pub date_range: DateRange,
    /// What the answer is broken down by.
    pub dimensions: Vec<TimeOr>,
    /// All of them hold.
    pub filters: Vec<Filter>,
    /// By what, and whether the largest comes first. None: time ascending if it is there, else the
    /// first metric descending.
    pub order_by: Vec<(Order, bool)>,
    /// What to add.
    pub include: Include,
    /// What to compare with.
    pub compare: Option<Comparison>,
    /// The names that are the question's own.
    pub names: Names,
    /// Rows of the answer, at most.
    pub limit: usize,
    /// Rows left out before them.
    pub offset: usize,
}

/// A dimension, or time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeOr {
    /// By time; none: the grain that fits the range.
    Time(Option<Grain>),
    /// By a dimension.
    Of(Dimension),
}

impl TimeOr {
    /// Its name in questions.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Time(None) => "time",
            Self::Time(Some(grain)) => grain.word(),
            Self::Of(dimension) => dimension.word(),
        }
    }

    fn parse(
        field: &'static str,
        word: &str,
        names: &mut Names,
    ) -> Result<Option<Self>, QueryError> {
        if word == "time" {
            return Ok(Some(Self::Time(None)));
        }
        match Grain::parse(word) {
            Some(grain) => Ok(Some(Self::Time(Some(grain)))),
            None => Ok(names.read(field, word)?.map(Self::Of)),
        }
    }
}

/// The names in a question that are no words of ours: the key of the property it is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Names {
    /// The key in `event:props:KEY`.
    pub prop: Option<String>,
}

impl Names {
    /// The dimension of that name, if there is one. The first property becomes the question's, and
    /// any other is refused.
    pub(super) fn read(
        &mut self,
        field: &'static str,
        word: &str,
    ) -> Result<Option<Dimension>, QueryError> {
        let Some(key) = word.strip_prefix("event:props:") else {
            return Ok(if word == "event:goal" {
                Some(Dimension::EventName)
            } else {
                Dimension::parse(word)
            });
        };
        if key.is_empty() || key.chars().count() > limits::PROP_KEY_CHARS_MAX {
            let problem =
                format!("the key of a property has 1 to {} characters", limits::PROP_KEY_CHARS_MAX);
            return Err(QueryError::invalid(field, problem));
        }
        if self.prop.get_or_insert_with(|| key.to_owned()) != key {
            let problem = "one property at a time: which of them came together was not remembered";
            return Err(QueryError::invalid(field, problem));
        }
        Ok(Some(Dimension::Prop))
    }

    /// The dimension's name in this question.
    pub(super) fn of(&self, dimension: Dimension) -> String {
        match (&self.prop, dimension) {
            (Some(key), Dimension::Prop) => format!("event:props:{key}"),
            _ => dimension.word().to_owned(),
        }
    }

    /// The same, of a dimension or time.
    pub(super) fn of_any(&self, one: TimeOr) -> String {
        match one {
            TimeOr::Of(dimension) => self.of(dimension),
            TimeOr::Time(_) => one.word().to_owned(),
        }
    }
}

/// What an answer is ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// A metric that was asked for.
    By(Metric),
    /// A dimension that was asked for.
    Along(TimeOr),
}

/// What to add to an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Include {
    /// Every label of the time dimension, with those that have no row.
    pub time_labels: bool,
    /// How many rows there are without `pagination`.
    pub total_rows: bool,
}

const FIELDS: &[&str] = &[
    "site_id",
    "metrics",
    "date_range",
    "dimensions",
    "filters",
    "order_by",
    "include",
    "pagination",
];

const INCLUDE: &[&str] = &["imports", "time_labels", "total_rows", "comparisons"];

impl Query {
    /// Reads a question.
    pub fn parse(value: &Value) -> Result<Self, QueryError> {
        let fields = object(value, "body", FIELDS)?;
        let mut names = Names::default();
        let dimensions = dimensions(fields.get("dimensions"), &mut names)?;
        let metrics = metrics(fields.get("metrics"))?;
        let (limit, offset) = pagination(fields.get("pagination"))?;
        let (include, compare) = include(fields.get("include"))?;
        let filters = list(fields.get("filters"), "filters", filter::shape())?;
        Ok(Self {
            site_id: match fields.get("site_id") {
                Some(Value::String(site)) => site.clone(),
                _ => return Err(QueryError::invalid("site_id", "give a site's domain")),
            },
            filters: filter::parse(filters, &mut names)?,
            order_by: order_by(fields.get("order_by"), &metrics, &dimensions, &mut names)?,
            date_range: DateRange::parse(fields.get("date_range"))?,
            include,
            compare,
            metrics,
            dimensions,
            names,
            limit,
            offset,
        })
    }
}

pub(super) fn object<'a>(
    value: &'a Value,
    field: &'static str,
    valid: &[&str],
) -> Result<&'a Map<String, Value>, QueryError> {
    let known = value.as_object().filter(|map| map.keys().all(|key| valid.contains(&key.as_str())));
    known.ok_or_else(|| {
        let list = valid.join(", ");
        QueryError::invalid(field, format!("give an object with no other fields than {list}"))
    })
}

fn list<'a>(
    value: Option<&'a Value>,
    field: &'static str,
    hint: &str,
) -> Result<&'a [Value], QueryError> {
    match value {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(QueryError::invalid(field, hint)),
    }
}

fn metrics(value: Option<&Value>) -> Result<Vec<Metric>, QueryError> {
    let wrong = || {
        let valid = Metric::list();
        QueryError::invalid("metrics", format!("give one or more, each once, of {valid}"))
    };
    let mut metrics = Vec::new();
    for item in list(value, "metrics", &format!("give a list of {}", Metric::list()))? {
        let metric = item.as_str().and_then(Metric::parse).ok_or_else(wrong)?;
        if metrics.contains(&metric) {
            return Err(wrong());
        }
        metrics.push(metric);
    }
    if metrics.is_empty() { Err(wrong()) } else { Ok(metrics) }
}

fn dimensions(value: Option<&Value>, names: &mut Names) -> Result<Vec<TimeOr>, QueryError> {
    let wrong = || {
        let (times, others) = (Grain::list(), Dimension::list());
        let valid = format!("give a list, each once and time once, of time, {times}, {others}");
        QueryError::invalid("dimensions", valid)
    };
    let mut dimensions: Vec<TimeOr> = Vec::new();
    for item in list(value, "dimensions", "give a list")? {
        let word = item.as_str().ok_or_else(wrong)?;
        let dimension = TimeOr::parse("dimensions", word, names)?.ok_or_else(wrong)?;
        let again = |other: &TimeOr| match (other, dimension) {
            (TimeOr::Time(_), TimeOr::Time(_)) => true,
            (other, dimension) => *other == dimension,
        };
        if dimensions.iter().any(again) {
            return Err(wrong());
        }
        dimensions.push(dimension);
    }
    Ok(dimensions)
}

fn order_by(
    value: Option<&Value>,
    metrics: &[Metric],
    dimensions: &[TimeOr],
    names: &mut Names,
) -> Result<Vec<(Order, bool)>, QueryError> {
    let wrong = || {
        let asked = metrics.iter().map(|metric| metric.word());
        let asked = asked.chain(dimensions.iter().map(|dimension| dimension.word()));
        let valid = asked.collect::<Vec<_>>().join(", ");
        let shape = "give a list of [name, \"asc\" or \"desc\"], each name one that is asked for";
        QueryError::invalid("order_by", format!("{shape}: {valid}"))
    };
    let mut order: Vec<(Order, bool)> = Vec::new();
    for item in list(value, "order_by", "give a list of [name, \"asc\" or \"desc\"]")? {
        let parts = item.as_array().map(Vec::as_slice);
        let Some([Value::String(name), Value::String(direction)]) = parts else {
            return Err(wrong());
        };
        let metric = Metric::parse(name).filter(|metric| metrics.contains(metric)).map(Order::By);
        let along = TimeOr::parse("order_by", name, names)?;
        let along = along.filter(|one| dimensions.contains(one)).map(Order::Along);
        let by = metric.or(along).ok_or_else(wrong)?;
        let descending = match direction.as_str() {
            "asc" => false,
            "desc" => true,
            _ => return Err(wrong()),
        };
        if order.iter().any(|(other, _)| *other == by) {
            return Err(wrong());
        }
        order.push((by, descending));
    }
    Ok(order)
}

fn include(value: Option<&Value>) -> Result<(Include, Option<Comparison>), QueryError> {
    let Some(value) = value else { return Ok((Include::default(), None)) };
    // `imports` is Plausible's: there are no imported figures beside the counted ones here.
    let fields = object(value, "include", INCLUDE)?;
    let flag = |name: &str| match fields.get(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(QueryError::invalid("include", "each field is true or false")),
    };
    flag("imports")?;
    let include = Include { time_labels: flag("time_labels")?, total_rows: flag("total_rows")? };
    Ok((include, fields.get("comparisons").map(Comparison::parse).transpose()?))
}

fn pagination(value: Option<&Value>) -> Result<(usize, usize), QueryError> {
    let most = limits::ANSWER_ROWS_MAX;
    let Some(value) = value else { return Ok((most, 0)) };
    let fields = object(value, "pagination", &["limit", "offset"])?;
    let wrong = || {
        let problem = format!("limit is 1 to {most}, offset 0 to {}", limits::ANSWER_OFFSET_MAX);
        QueryError::invalid("pagination", problem)
    };
    let number = |name: &str, otherwise: usize| match fields.get(name) {
        None => Ok(otherwise),
        Some(value) => {
            value.as_u64().and_then(|number| usize::try_from(number).ok()).ok_or_else(wrong)
        }
    };
    let (limit, offset) = (number("limit", most)?, number("offset", 0)?);
    let valid = (1..=most).contains(&limit) && offset <= limits::ANSWER_OFFSET_MAX;
    if valid { Ok((limit, offset)) } else { Err(wrong()) }
}
