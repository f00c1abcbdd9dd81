//! What a question names, and which table that leaves for a metric.

use super::QueryError;
use super::answerable::{self, Answer, Formula, Scope, Whole};
use super::filter::Filter;
use super::query::{Query, TimeOr};
use super::words::{Dimension, Metric};
use crate::outbox::Table;

/// What decides where an answer is: dimensions, conditions, whether by the hour.
pub(super) struct Asked<'a> {
    dimensions: Vec<Dimension>,
    filters: Vec<&'a Filter>,
    /// Whether there is a time dimension, and whether it is of hours.
    timed: bool,
    pub(super) hourly: bool,
}

impl<'a> Asked<'a> {
    pub(super) fn of(query: &'a Query, hourly: bool) -> Self {
        let of = |one: &TimeOr| match one {
            TimeOr::Of(dimension) => Some(*dimension),
            TimeOr::Time(_) => None,
        };
        Self {
            dimensions: query.dimensions.iter().filter_map(of).collect(),
            filters: query.filters.iter().flat_map(Filter::conjuncts).collect(),
            timed: query.dimensions.iter().any(|one| matches!(one, TimeOr::Time(_))),
            hourly,
        }
    }

    fn named(&self) -> Vec<Dimension> {
        let filtered = self.filters.iter().flat_map(|filter| filter.dimensions());
        self.dimensions.iter().copied().chain(filtered).collect()
    }

    /// Whether each cell is of one value of `dimension`.
    fn is_one(&self, dimension: Dimension) -> bool {
        self.dimensions.contains(&dimension)
            || self.filters.iter().any(|filter| filter.is_one(dimension))
    }

    /// The visitors that a share is of, and whether there are some for each row.
    pub(super) fn whole(&self, whole: Whole) -> Result<(Self, bool), QueryError> {
        let mut filters = self.filters.clone();
        if whole != Whole::Filtered {
            filters = without_goal(&filters)?;
        }
        let rest: Vec<Dimension> =
            self.dimensions.iter().copied().filter(|one| !one.is_goal()).collect();
        let (by_goal, by_more) =
            (rest.len() < self.dimensions.len(), self.timed || !rest.is_empty());
        if whole != Whole::RowWithoutGoal || !by_more {
            let all = Self { dimensions: Vec::new(), filters, timed: false, hourly: false };
            return Ok((all, false));
        }
        if by_goal {
            let problem = "group_conversion_rate of several goals, broken down by more than the \
                           goal, is not told: filter on one goal";
            return Err(QueryError::invalid("metrics", problem));
        }
        Ok((Self { dimensions: rest, filters, ..*self }, true))
    }
}

/// The conditions that are not on a goal.
pub(super) fn without_goal<'a>(filters: &[&'a Filter]) -> Result<Vec<&'a Filter>, QueryError> {
    let mut kept = Vec::new();
    for filter in filters {
        let named = filter.dimensions();
        match named.iter().filter(|one| one.is_goal()).count() {
            0 => kept.push(*filter),
            goals if goals == named.len() => {}
            _ => {
                let problem = "a conversion rate needs the goal in a filter of its own";
                return Err(QueryError::invalid("filters", problem));
            }
        }
    }
    Ok(kept)
}

/// The scope of the question.
pub(super) fn scope(metric: Metric, asked: &Asked<'_>) -> Result<Scope, QueryError> {
    Scope::of(&asked.named()).map_err(|why| cannot(metric, why))
}

fn cannot(metric: Metric, why: &str) -> QueryError {
    QueryError::invalid("metrics", format!("{} cannot be told here: {why}", metric.word()))
}

/// The table that answers `metric`, how, and whether its rows must not be added up; or why none
/// does.
pub(super) fn source(
    metric: Metric,
    asked: &Asked<'_>,
) -> Result<(Table, Formula, bool), QueryError> {
    let word = metric.word();
    let refuse = |why: String| QueryError::invalid("metrics", why);
    let scope = scope(metric, asked)?;
    let (table, formula, apart) = match answerable::answer(metric, scope, asked.hourly) {
        Answer::From(table, formula) => (table, formula, false),
        Answer::OneOf(dimensions, table, formula) => {
            if let Some(several) = dimensions.iter().find(|one| !asked.is_one(**one)) {
                let name = several.word();
                return Err(refuse(format!(
                    "{word} of several values of {name} at once cannot be told: each has its own \
                     firsts. Filter on one value, or break it down by {name}"
                )));
            }
            (table, formula, true)
        }
        Answer::No(why) => return Err(cannot(metric, why)),
        Answer::ShareOf(_) => return Err(cannot(metric, "a share of a share")),
    };
    let (known, missing): (Vec<Dimension>, Vec<Dimension>) = asked
        .named()
        .into_iter()
        .partition(|dimension| answerable::column(*dimension, table).is_some());
    match missing.first() {
        None => Ok((table, formula, apart)),
        Some(dimension) => Err(refuse(format!(
            "{word} cannot be told with {} here: together they would single visits out. Valid \
             dimensions here: {}",
            dimension.word(),
            answerable::valid_beside(metric, &known, asked.hourly)
        ))),
    }
}
