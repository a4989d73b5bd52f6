//! What is wrong with a value, found while it is read: what, and on which way.

use std::fmt::{self, Display};

use serde::de::{Expected, Unexpected};

use super::super::node::{Node, Step, Value};
use super::super::place::Place;

/// Why a value can't be read. The way to it grows at its front while the error goes up.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) kind: Kind,
    pub(super) steps: Vec<Step>,
    pub(super) place: Option<Place>,
}

/// What is wrong.
#[derive(Debug)]
pub(super) enum Kind {
    /// A key or a word that nobody knows.
    Unknown { name: String, known: &'static [&'static str], what: &'static str },
    /// A key that must be there.
    Missing(&'static str),
    /// A value of the wrong kind; what was found is known once the error has reached its node.
    Wrong { expected: String, found: String },
    /// What the settings say.
    Other(String),
}

impl Error {
    fn of(kind: Kind) -> Self {
        Self { kind, steps: Vec::new(), place: None }
    }

    /// The error of a value at that node.
    pub(super) fn of_node(mut self, node: &Node) -> Self {
        if self.place.is_none() {
            self.place = Some(node.place.clone());
            if let Kind::Wrong { found, .. } = &mut self.kind {
                *found = told(node);
            }
        }
        self
    }

    /// The error of a key.
    pub(super) fn of_key(mut self, place: &Place) -> Self {
        self.place.get_or_insert_with(|| place.clone());
        self
    }

    /// The error as the value around it sees it.
    pub(super) fn below(mut self, step: Step) -> Self {
        self.steps.insert(0, step);
        self
    }
}

/// A value in a few words: what is written, never what was put in.
fn told(node: &Node) -> String {
    const CHARS_MAX: usize = 40;
    match &node.value {
        Value::Text(text) => {
            let cut: String = text.written.chars().take(CHARS_MAX).collect();
            let more = if cut.len() < text.written.len() { "…" } else { "" };
            format!("\"{cut}{more}\"")
        }
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) => node.as_written().to_string(),
        Value::Date(date) => format!("the date {date}"),
        Value::Array(_) | Value::Table(_) => node.kind().to_owned(),
    }
}

/// What is expected, in the words of a config file rather than of Rust.
fn in_our_words(expected: &str) -> String {
    let words = match expected {
        "a string" | "string" | "str" => "text",
        "path string" => "a path",
        "a boolean" => "true or false",
        "a map" => "a table",
        "a sequence" => "an array",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other if other.starts_with("a nonzero ") => "a whole number from 1",
        other if other.starts_with("struct ") => "a table",
        other => other,
    };
    words.to_owned()
}

impl serde::de::Error for Error {
    fn custom<T: Display>(message: T) -> Self {
        Self::of(Kind::Other(message.to_string()))
    }

    fn invalid_type(_: Unexpected<'_>, expected: &dyn Expected) -> Self {
        let expected = in_our_words(&expected.to_string());
        Self::of(Kind::Wrong { expected, found: "something else".into() })
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_type(unexpected, expected)
    }

    fn invalid_length(len: usize, expected: &dyn Expected) -> Self {
        Self::of(Kind::Other(format!("expected {expected}, found {len} elements")))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::of(Kind::Unknown { name: variant.to_owned(), known: expected, what: "values" })
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::of(Kind::Unknown { name: field.to_owned(), known: expected, what: "keys" })
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(Kind::Missing(field))
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::of(Kind::Other(format!("`{field}` stands here twice, by two of its names")))
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.kind)
    }
}

impl std::error::Error for Error {}
