//! The question, in the shape of Plausible's Stats API v2.
//!
//! It is read by hand from JSON, so that an error names the field and lists what is valid, and
//! repeats nothing of what was sent.

use serde_json::{Map, Value};

use super::QueryError;
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

    fn parse(word: &str) -> Option<Self> {
        if word == "time" {
            return Some(Self::Time(None));
        }
        Grain::parse(word)
            .map(|grain| Self::Time(Some(grain)))
            .or_else(|| Dimension::parse(word).map(Self::Of))
    }
}

/// `["is", dimension, values]`: the dimension has one of the values.
#[derive(Clone, Debug, PartialEq)]
pub struct Filter {
    /// The dimension.
    pub dimension: Dimension,
    /// One or more.
    pub values: Vec<String>,
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

impl Query {
    /// Reads a question.
    pub fn parse(value: &Value) -> Result<Self, QueryError> {
        let fields = object(value, "body", FIELDS)?;
        let dimensions = dimensions(fields.get("dimensions"))?;
        let metrics = metrics(fields.get("metrics"))?;
        let (limit, offset) = pagination(fields.get("pagination"))?;
        Ok(Self {
            site_id: match fields.get("site_id") {
                Some(Value::String(site)) => site.clone(),
                _ => return Err(QueryError::invalid("site_id", "give a site's domain")),
            },
            order_by: order_by(fields.get("order_by"), &metrics, &dimensions)?,
            date_range: DateRange::parse(fields.get("date_range"))?,
            filters: filters(fields.get("filters"))?,
            include: include(fields.get("include"))?,
            metrics,
            dimensions,
            limit,
            offset,
        })
    }
}

fn object<'a>(
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

fn dimensions(value: Option<&Value>) -> Result<Vec<TimeOr>, QueryError> {
    let wrong = || {
        let (times, others) = (Grain::list(), Dimension::list());
        let valid = format!("give a list, each once and time once, of time, {times}, {others}");
        QueryError::invalid("dimensions", valid)
    };
    let mut dimensions: Vec<TimeOr> = Vec::new();
    for item in list(value, "dimensions", "give a list")? {
        let dimension = item.as_str().and_then(TimeOr::parse).ok_or_else(wrong)?;
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

fn filters(value: Option<&Value>) -> Result<Vec<Filter>, QueryError> {
    let shape = "give a list of [\"is\", dimension, [value, …]]; other operators than \"is\" are \
                 not answered: what they count was not remembered apart";
    let mut filters = Vec::new();
    for item in list(value, "filters", shape)? {
        let parts = item.as_array().map(Vec::as_slice);
        let Some([Value::String(operator), Value::String(dimension), Value::Array(values)]) = parts
        else {
            return Err(QueryError::invalid("filters", shape));
        };
        if operator != "is" {
            return Err(QueryError::invalid("filters", shape));
        }
        let Some(dimension) = Dimension::parse(dimension) else {
            let valid = Dimension::list();
            return Err(QueryError::invalid("filters", format!("a dimension is one of {valid}")));
        };
        let values: Option<Vec<String>> =
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
        match values {
            Some(values) if (1..=limits::FILTER_VALUES_MAX).contains(&values.len()) => {
                filters.push(Filter { dimension, values });
            }
            _ => {
                let most = limits::FILTER_VALUES_MAX;
                let problem = format!("values are a list of 1 to {most} texts");
                return Err(QueryError::invalid("filters", problem));
            }
        }
    }
    if filters.len() > limits::FILTERS_MAX {
        let problem = format!("give at most {} filters", limits::FILTERS_MAX);
        return Err(QueryError::invalid("filters", problem));
    }
    Ok(filters)
}

fn order_by(
    value: Option<&Value>,
    metrics: &[Metric],
    dimensions: &[TimeOr],
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
        let along = || TimeOr::parse(name).filter(|one| dimensions.contains(one)).map(Order::Along);
        let by = metric.or_else(along).ok_or_else(wrong)?;
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

fn include(value: Option<&Value>) -> Result<Include, QueryError> {
    let Some(value) = value else { return Ok(Include::default()) };
    // `imports` is Plausible's: there are no imported figures beside the counted ones here.
    let fields = object(value, "include", &["imports", "time_labels", "total_rows"])?;
    let flag = |name: &str| match fields.get(name) {
        None => Ok(false),
        Some(Value::Bool(flag)) => Ok(*flag),
        Some(_) => Err(QueryError::invalid("include", "each field is true or false")),
    };
    flag("imports")?;
    Ok(Include { time_labels: flag("time_labels")?, total_rows: flag("total_rows")? })
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
