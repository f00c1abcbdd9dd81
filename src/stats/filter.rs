//! Filters, in the shape of Plausible's: leaves and their and, or, not.

use serde_json::{Value, json};

use super::QueryError;
use super::query::Names;
use super::words::Dimension;
use crate::limits;

/// A condition on dimensions.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// `["and", […]]`.
    All(Vec<Filter>),
    /// `["or", […]]`.
    Any(Vec<Filter>),
    /// `["not", …]`.
    Not(Box<Filter>),
    /// `[operator, dimension, [value, …], modifiers]`.
    Leaf(Leaf),
}

/// One dimension compared with values: it holds where any of them does, or, negated, where none
/// does.
#[derive(Clone, Debug, PartialEq)]
pub struct Leaf {
    /// The dimension.
    pub dimension: Dimension,
    /// How it is compared.
    pub operator: Operator,
    /// One or more.
    pub values: Vec<String>,
    /// `{"case_sensitive": false}`.
    pub ignores_case: bool,
}

/// How a dimension is compared with values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "Plausible's words")]
pub enum Operator {
    Is,
    IsNot,
    Contains,
    ContainsNot,
}

impl Operator {
    /// Every one there is.
    pub const ALL: &[Self] = &[Self::Is, Self::IsNot, Self::Contains, Self::ContainsNot];

    /// Its name in questions.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Is => "is",
            Self::IsNot => "is_not",
            Self::Contains => "contains",
            Self::ContainsNot => "contains_not",
        }
    }

    /// Whether it holds where no value does.
    #[must_use]
    pub fn is_negated(self) -> bool {
        matches!(self, Self::IsNot | Self::ContainsNot)
    }

    /// Whether the whole value is compared.
    #[must_use]
    pub fn is_whole(self) -> bool {
        matches!(self, Self::Is | Self::IsNot)
    }

    fn parse(word: &str) -> Result<Self, QueryError> {
        let known = Self::ALL.iter().find(|operator| operator.word() == word);
        known.copied().ok_or_else(|| match word {
            "matches" | "matches_not" => QueryError::invalid(
                "filters",
                "matches and matches_not are not answered: a pattern can take any time. Take \
                 contains or contains_not",
            ),
            "has_done" | "has_not_done" => QueryError::invalid(
                "filters",
                "has_done and has_not_done are not answered: who did one thing and another was \
                 not remembered",
            ),
            _ => QueryError::invalid("filters", SHAPE),
        })
    }
}

const SHAPE: &str = "give a list of [operator, dimension, [value, …]] with is, is_not, contains or \
                     contains_not, and of [\"and\", […]], [\"or\", […]], [\"not\", …]";

impl Leaf {
    /// Whether it leaves one value of its dimension.
    fn is_one(&self) -> bool {
        self.operator == Operator::Is && self.values.len() == 1 && !self.ignores_case
    }
}

impl Filter {
    /// Whether it leaves one value of `dimension`. What else it says may leave none.
    #[must_use]
    pub fn is_one(&self, dimension: Dimension) -> bool {
        match self {
            Self::All(all) => all.iter().any(|each| each.is_one(dimension)),
            Self::Leaf(leaf) => leaf.dimension == dimension && leaf.is_one(),
            Self::Any(_) | Self::Not(_) => false,
        }
    }

    /// The dimensions it names, each as often as it does.
    #[must_use]
    pub fn dimensions(&self) -> Vec<Dimension> {
        match self {
            Self::All(each) | Self::Any(each) => each.iter().flat_map(Self::dimensions).collect(),
            Self::Not(other) => other.dimensions(),
            Self::Leaf(leaf) => vec![leaf.dimension],
        }
    }

    /// What must hold, one by one: an `and` taken apart.
    pub(super) fn conjuncts(&self) -> Vec<&Self> {
        match self {
            Self::All(each) => each.iter().flat_map(Self::conjuncts).collect(),
            other => vec![other],
        }
    }

    pub(super) fn echo(&self, names: &Names) -> Value {
        match self {
            Self::All(each) => json!(["and", echo(each, names)]),
            Self::Any(each) => json!(["or", echo(each, names)]),
            Self::Not(other) => json!(["not", other.echo(names)]),
            Self::Leaf(leaf) => {
                let name = names.of(leaf.dimension);
                let mut parts = vec![json!(leaf.operator.word()), json!(name), json!(leaf.values)];
                if leaf.ignores_case {
                    parts.push(json!({"case_sensitive": false}));
                }
                json!(parts)
            }
        }
    }
}

pub(super) fn echo(filters: &[Filter], names: &Names) -> Vec<Value> {
    filters.iter().map(|filter| filter.echo(names)).collect()
}

/// Reads `filters`; a property that they name becomes the question's.
pub(super) fn parse(items: &[Value], names: &mut Names) -> Result<Vec<Filter>, QueryError> {
    let mut reading = Reading { names, leaves: 0 };
    items.iter().map(|item| reading.filter(item, 1)).collect()
}

pub(super) fn shape() -> &'static str {
    SHAPE
}

struct Reading<'a> {
    names: &'a mut Names,
    leaves: usize,
}

impl Reading<'_> {
    fn filter(&mut self, item: &Value, depth: usize) -> Result<Filter, QueryError> {
        if depth > limits::FILTER_DEPTH_MAX {
            let problem = format!("nest at most {} deep", limits::FILTER_DEPTH_MAX);
            return Err(QueryError::invalid("filters", problem));
        }
        let parts = item.as_array().map(Vec::as_slice);
        match parts {
            Some([Value::String(word), Value::Array(each)]) if word == "and" || word == "or" => {
                if each.is_empty() {
                    return Err(QueryError::invalid("filters", SHAPE));
                }
                let each = each.iter().map(|one| self.filter(one, depth + 1));
                let each = each.collect::<Result<Vec<_>, _>>()?;
                Ok(if word == "and" { Filter::All(each) } else { Filter::Any(each) })
            }
            Some([Value::String(word), other]) if word == "not" => {
                Ok(Filter::Not(Box::new(self.filter(other, depth + 1)?)))
            }
            Some([Value::String(word), ..]) => {
                let operator = Operator::parse(word)?;
                self.leaf(operator, parts.unwrap_or_default()).map(Filter::Leaf)
            }
            _ => Err(QueryError::invalid("filters", SHAPE)),
        }
    }

    fn leaf(&mut self, operator: Operator, parts: &[Value]) -> Result<Leaf, QueryError> {
        let (dimension, values, modifiers) = match parts {
            [_, Value::String(dimension), Value::Array(values)] => (dimension, values, None),
            [_, Value::String(dimension), Value::Array(values), modifiers] => {
                (dimension, values, Some(modifiers))
            }
            _ => return Err(QueryError::invalid("filters", SHAPE)),
        };
        self.leaves += 1;
        if self.leaves > limits::FILTERS_MAX {
            let problem = format!("give at most {} filters", limits::FILTERS_MAX);
            return Err(QueryError::invalid("filters", problem));
        }
        let dimension = self.names.read("filters", dimension)?.ok_or_else(|| {
            let valid = Dimension::list();
            QueryError::invalid("filters", format!("a dimension is one of {valid}"))
        })?;
        let texts: Option<Vec<String>> =
            values.iter().map(|value| value.as_str().map(str::to_owned)).collect();
        let most = limits::FILTER_VALUES_MAX;
        let values = texts.filter(|texts| (1..=most).contains(&texts.len())).ok_or_else(|| {
            QueryError::invalid("filters", format!("values are a list of 1 to {most} texts"))
        })?;
        let ignores_case = match modifiers.map(Value::as_object) {
            None => false,
            Some(Some(map)) if map.keys().all(|key| key == "case_sensitive") => {
                match map.get("case_sensitive") {
                    None => false,
                    Some(Value::Bool(sensitive)) => !sensitive,
                    Some(_) => return Err(modifier()),
                }
            }
            Some(_) => return Err(modifier()),
        };
        Ok(Leaf { dimension, operator, values, ignores_case })
    }
}

fn modifier() -> QueryError {
    QueryError::invalid("filters", "the modifier is {\"case_sensitive\": true or false}")
}
