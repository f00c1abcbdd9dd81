//! Reads typed values out of a TOML document, and collects what is wrong on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::str::FromStr;

use toml::{Table, Value};

use super::Problems;

/// A document whose keys are taken one by one; what is left at the end is not known.
pub(super) struct Reader {
    root: Table,
    known: BTreeMap<&'static str, BTreeSet<&'static str>>,
    problems: Vec<String>,
}

/// One `[[…]]` of an array of tables.
pub(super) struct Entry(Table);

impl Reader {
    pub(super) fn new(
        text: &str,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Problems> {
        let root = Table::from_str(text).map_err(|error| {
            let line = error
                .span()
                .map_or(1, |span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            Problems(vec![format!("line {line} is not TOML: {}", error.message())])
        })?;
        let mut reader = Self { root, known: BTreeMap::new(), problems: Vec::new() };
        for (name, value) in environment {
            reader.overlay(&name, value);
        }
        Ok(reader)
    }

    /// `HEADCOUNT_<SECTION>__<KEY>` and `HEADCOUNT_DATA_DIR` win over the file.
    fn overlay(&mut self, name: &str, value: String) {
        let Some(name) = name.strip_prefix("HEADCOUNT_") else { return };
        if name == "DATA_DIR" {
            self.root.insert("data_dir".to_owned(), Value::String(value));
        } else if let Some((section, key)) = name.split_once("__") {
            let section = self
                .root
                .entry(section.to_lowercase())
                .or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(table) = section {
                table.insert(key.to_lowercase(), Value::String(value));
            } else {
                self.problems.push(format!("HEADCOUNT_{name} is not a setting"));
            }
        }
    }

    fn take(&mut self, section: &'static str, key: &'static str) -> Option<Value> {
        self.known.entry(section).or_default().insert(key);
        if section.is_empty() {
            return self.root.remove(key);
        }
        match self.root.get_mut(section)? {
            Value::Table(table) => table.remove(key),
            _ => None,
        }
    }

    /// Whether anything is there.
    pub(super) fn is_set(&self, section: &str, key: &str) -> bool {
        self.root.get(section).is_some_and(|value| value.get(key).is_some())
    }

    pub(super) fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }

    fn wrong(&mut self, section: &str, key: &str, valid: &str) {
        let at = if section.is_empty() { String::new() } else { format!("[{section}] ") };
        self.problems.push(format!("{at}{key} must be {valid}"));
    }

    pub(super) fn optional(&mut self, section: &'static str, key: &'static str) -> Option<String> {
        match self.take(section, key)? {
            Value::String(text) if !text.is_empty() => Some(text),
            _ => {
                self.wrong(section, key, "a text");
                None
            }
        }
    }

    pub(super) fn path(&mut self, section: &'static str, key: &'static str) -> Option<PathBuf> {
        self.optional(section, key).map(PathBuf::from)
    }

    pub(super) fn parsed<T>(
        &mut self,
        section: &'static str,
        key: &'static str,
        default: T,
        valid: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> T {
        let Some(value) = self.take(section, key) else { return default };
        let parsed = value.as_str().and_then(parse);
        if parsed.is_none() {
            self.wrong(section, key, valid);
        }
        parsed.unwrap_or(default)
    }

    /// A name that goes into the database: letters, digits, `_` and `-`.
    pub(super) fn name(
        &mut self,
        section: &'static str,
        key: &'static str,
        default: &str,
    ) -> String {
        let valid = "1 to 64 letters, digits, _ or -";
        self.parsed(section, key, default.to_owned(), valid, |text| {
            let ok = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
            ((1..=64).contains(&text.len()) && text.chars().all(ok)).then(|| text.to_owned())
        })
    }

    #[expect(clippy::disallowed_types, reason = "a listen address is the operator's, no client's")]
    pub(super) fn listen(
        &mut self,
        section: &'static str,
        key: &'static str,
        default: &str,
    ) -> String {
        let valid = "an address and a port, such as 127.0.0.1:8080 or [::]:8080";
        self.parsed(section, key, default.to_owned(), valid, |text| {
            std::net::SocketAddr::from_str(text).ok().map(|address| address.to_string())
        })
    }

    pub(super) fn number(
        &mut self,
        section: &'static str,
        key: &'static str,
        default: u32,
        least: u32,
        most: u32,
    ) -> u32 {
        let number = self.integer(section, key, u64::from(default), |n| {
            (u64::from(least)..=u64::from(most)).contains(&n)
        });
        number.and_then(|number| u32::try_from(number).ok()).unwrap_or_else(|| {
            self.wrong(section, key, &format!("a whole number from {least} to {most}"));
            default
        })
    }

    pub(super) fn size(
        &mut self,
        section: &'static str,
        key: &'static str,
        default: u64,
        least: u64,
    ) -> u64 {
        self.integer(section, key, default, |n| n >= least).unwrap_or_else(|| {
            self.wrong(section, key, &format!("a whole number of bytes, at least {least}"));
            default
        })
    }

    /// The number; the environment gives it as text. `None`: it is there, and wrong.
    fn integer(
        &mut self,
        section: &'static str,
        key: &'static str,
        default: u64,
        valid: impl Fn(u64) -> bool,
    ) -> Option<u64> {
        let number = match self.take(section, key) {
            None => return Some(default),
            Some(Value::Integer(number)) => u64::try_from(number).ok(),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        number.filter(|number| valid(*number))
    }

    pub(super) fn switch(
        &mut self,
        section: &'static str,
        key: &'static str,
        default: bool,
    ) -> bool {
        let value = match self.take(section, key) {
            None => return default,
            Some(Value::Boolean(value)) => Some(value),
            Some(Value::String(text)) => text.parse().ok(),
            Some(_) => None,
        };
        value.unwrap_or_else(|| {
            self.wrong(section, key, "true or false");
            default
        })
    }

    /// A list of texts; in the environment, with commas between them.
    pub(super) fn texts(
        &mut self,
        section: &'static str,
        key: &'static str,
        default: &[&str],
    ) -> Vec<String> {
        let texts = match self.take(section, key) {
            None => return default.iter().map(ToString::to_string).collect(),
            Some(Value::String(text)) => {
                let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
                Some(parts.map(str::to_owned).collect())
            }
            Some(Value::Array(values)) => {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            Some(_) => None,
        };
        texts.unwrap_or_else(|| {
            self.wrong(section, key, "a list of texts");
            Vec::new()
        })
    }

    pub(super) fn tables(&mut self, key: &'static str) -> Vec<Entry> {
        let tables = match self.take("", key) {
            None => return Vec::new(),
            Some(Value::Array(values)) => values
                .into_iter()
                .map(|value| match value {
                    Value::Table(table) => Some(Entry(table)),
                    _ => None,
                })
                .collect(),
            Some(_) => None,
        };
        tables.unwrap_or_else(|| {
            self.wrong("", key, &format!("written as [[{key}]]"));
            Vec::new()
        })
    }

    /// Every problem, and every key that nobody asked for.
    pub(super) fn finish(mut self) -> Result<(), Problems> {
        for (name, value) in std::mem::take(&mut self.root) {
            let known = self.known.get(name.as_str());
            match (known, value) {
                (Some(keys), Value::Table(table)) if !name.is_empty() => {
                    for key in table.keys() {
                        self.problems.push(format!(
                            "[{name}] {key} is not a setting; there are {}",
                            list(keys.iter())
                        ));
                    }
                }
                (Some(_), _) => self.problems.push(format!("{name} must be written as [{name}]")),
                (None, _) => {
                    let top = self.known.get("").into_iter().flatten();
                    let all = self.known.keys().filter(|name| !name.is_empty()).chain(top);
                    self.problems.push(format!("{name} is not a setting; there are {}", list(all)));
                }
            }
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Problems(self.problems)) }
    }
}

fn list<'a>(names: impl Iterator<Item = &'a &'static str>) -> String {
    names.copied().collect::<Vec<_>>().join(", ")
}

impl Entry {
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        match self.0.get(key)? {
            Value::String(_) => match self.0.remove(key) {
                Some(Value::String(text)) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }

    /// A list of texts; an empty one if there is none.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let texts = match self.0.get(key) {
            Some(Value::Array(values)) => {
                values.iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        if texts.is_some() {
            self.0.remove(key);
        }
        texts.unwrap_or_default()
    }

    /// True or false; false if it is not there.
    pub(super) fn switch(&mut self, key: &str) -> bool {
        let on = self.0.get(key).and_then(Value::as_bool);
        if on.is_some() {
            self.0.remove(key);
        }
        on.unwrap_or_default()
    }

    /// What is left: unknown keys, and known ones of another type.
    pub(super) fn rest(self, known: &[&str]) -> Vec<String> {
        let problem = |key: &String| match key.as_str() {
            "aliases" | "block_addresses" | "block_countries" | "block_pages"
            | "block_hostnames" | "allow_hostnames" => format!("{key} must be a list of texts"),
            "block_data_centres" => format!("{key} must be true or false"),
            key if known.contains(&key) => format!("{key} must be a text"),
            _ => format!("{key} is not a setting; there are {}", known.join(", ")),
        };
        self.0.keys().map(problem).collect()
    }
}
