//! What is wrong with a configuration: all of it, each with its place.

use std::fmt;

use serde_json::{Value, json};

use super::place::Place;

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Where; nowhere for what concerns the configuration as a whole.
    pub(crate) place: Option<Place>,
    /// The key, such as `packs.http.weather.timeout`; empty when no key is meant.
    pub(crate) key: String,
    /// What is wrong.
    pub(crate) message: String,
    /// What was meant, or what to write.
    pub(crate) help: Option<String>,
}

/// Everything that is wrong, in the order of the files. Never empty when it is an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Problems(Vec<Problem>);

impl Problem {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { place: None, key: String::new(), message: message.into(), help: None }
    }

    pub(crate) fn at(mut self, place: &Place) -> Self {
        self.place = Some(place.clone());
        self
    }

    pub(crate) fn key(mut self, key: impl Into<String>) -> Self {
        self.key = key.into();
        self
    }

    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn to_json(&self) -> Value {
        let position = self.place.as_ref().and_then(Place::line_and_column);
        let file = self.place.as_ref().and_then(Place::file).map(|file| file.path.display().to_string());
        let mut shown = json!({ "key": self.key, "message": self.message });
        let more = [
            ("file", file.map(Value::from)),
            ("variable", self.place.as_ref().and_then(Place::variable).map(Value::from)),
            ("line", position.map(|(line, _)| line.into())),
            ("column", position.map(|(_, column)| column.into())),
            ("help", self.help.clone().map(Value::from)),
        ];
        for (name, value) in more {
            if let Some(value) = value {
                shown[name] = value;
            }
        }
        shown
    }
}

impl fmt::Display for Problem {
    /// One line: `FILE:LINE:COLUMN: KEY: what is wrong; what was meant`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.key.is_empty() {
            write!(f, "{}: ", self.key)?;
        }
        f.write_str(&self.message)?;
        self.help.iter().try_for_each(|help| write!(f, "; {help}"))
    }
}

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Keeps what went well, and takes in what did not.
    pub(crate) fn take<T>(&mut self, result: Result<T, Self>) -> Option<T> {
        result.map_err(|problems| self.extend(problems)).ok()
    }

    /// The value, unless something is wrong.
    pub(crate) fn or<T>(mut self, value: T) -> Result<T, Self> {
        if self.0.is_empty() {
            return Ok(value);
        }
        self.0.sort_by_cached_key(|problem| problem.place.as_ref().map(Place::order));
        Err(self)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Problem> {
        self.0.iter()
    }

    /// The same problems, each text changed.
    pub(crate) fn map_text(mut self, change: impl Fn(&str) -> String) -> Self {
        for problem in &mut self.0 {
            problem.message = change(&problem.message);
            problem.help = problem.help.as_deref().map(&change);
        }
        self
    }

    pub(crate) fn to_json(&self) -> Value {
        self.0.iter().map(Problem::to_json).collect()
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        Self(vec![problem])
    }
}

impl fmt::Display for Problems {
    /// A line for each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}

impl std::error::Error for Problems {}
