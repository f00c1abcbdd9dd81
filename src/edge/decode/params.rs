//! Parameters of a query or form: each key once, the last one counts.

use std::borrow::Cow;

use crate::limits;

pub(super) struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Params<'a> {
    /// Those of the texts, each `key=value&…`; past `limits::QUERY_PARAMS_MAX` they are not read.
    pub(super) fn of(texts: &[&'a str]) -> Self {
        let pairs = texts
            .iter()
            .flat_map(|text| form_urlencoded::parse(text.trim_start_matches('?').as_bytes()));
        Self(pairs.take(limits::QUERY_PARAMS_MAX).collect())
    }

    /// What stands under a key; an empty text if nothing does.
    pub(super) fn get(&self, key: &str) -> &str {
        self.0.iter().rfind(|(found, _)| found == key).map_or("", |(_, value)| value)
    }

    /// The same, taken out.
    pub(super) fn take(&mut self, key: &str) -> Cow<'a, str> {
        let at = self.0.iter().rposition(|(found, _)| found == key);
        at.map_or(Cow::Borrowed(""), |at| self.0.swap_remove(at).1)
    }

    /// Whether one of the keys has something.
    pub(super) fn has(&self, keys: &[&str]) -> bool {
        self.0.iter().any(|(key, value)| !value.is_empty() && keys.contains(&&**key))
    }

    /// All pairs, in the order in which they came.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (&**key, &**value))
    }
}
