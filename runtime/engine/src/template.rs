//! RFC 6570 URI templates: which resource a URI means, and which URI a set of values makes.
//!
//! A template is read once, when it is registered, into parts that expand and steps that match. Matching
//! reads URIs that clients wrote, so it must never take more than linear time.

use std::fmt;
use std::str::FromStr;

use impresario_protocol::McpError;
use impresario_protocol::error::Shown;

use encoding::encode_into;
use grammar::{Expression, Operator, Part, parse_parts};
use steps::{Step, compile};

mod encoding;
mod grammar;
mod matching;
mod steps;

/// A URI template, such as `file:///{+path}` or `search://items{?query,page}`.
///
/// Undefined variables leave nothing behind in a URI, so an expression with an operator that writes a
/// character of its own (`#`, `.`, `/`, `;`, `?`, `&`) may be absent, and trailing variables of a list
/// (`{x,y}`) too; the named ones (`;`, `?`, `&`) may come in any order.
#[derive(Debug, Clone)]
pub struct UriTemplate {
    text: String,
    parts: Vec<Part>,
    steps: Vec<Step>,
}

/// What a URI held for the variables of a template, or a client for the arguments of a prompt, in order.
///
/// Values are percent-decoded: `%2F` has become `/` and `%00` a NUL, so check a value before it becomes a
/// path or a command.
#[derive(Debug, Clone, Default)]
pub struct Variables(Vec<(String, String)>);

/// Why a text is no URI template, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    template: String,
    at_byte: usize,
    problem: String,
}

impl UriTemplate {
    /// Reads a template.
    ///
    /// # Errors
    /// The text is no RFC 6570 template, or one that would not say where a variable ends.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let fail = |(at_byte, problem)| TemplateError { template: text.to_owned(), at_byte, problem };
        let parts = parse_parts(text).map_err(fail)?;
        let steps = compile(&parts).map_err(fail)?;
        Ok(Self { text: text.to_owned(), parts, steps })
    }

    /// The template as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of its variables, in the order in which they stand.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().flat_map(|part| part.variables()).map(|variable| variable.name.as_str())
    }

    /// What the URI holds for each variable, or `None` when the URI is not of this template.
    ///
    /// Takes time linear in the URI's length. The values of an exploded variable (`{/path*}`, `{?tag*}`)
    /// are joined by commas.
    #[must_use]
    pub fn matches(&self, uri: &str) -> Option<Variables> {
        matching::matches(&self.steps, uri)
    }

    /// The URI that these values make. A variable without a value leaves nothing behind; the value of an
    /// exploded variable is a list joined by commas.
    pub fn expand(&self, get: impl Fn(&str) -> Option<String>) -> String {
        let mut uri = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => encode_into(&mut uri, text, true),
                Part::Expression(expression) => expression.expand_into(&mut uri, &get),
            }
        }
        uri
    }
}

impl Expression {
    fn expand_into(&self, uri: &mut String, get: &impl Fn(&str) -> Option<String>) {
        let mut before = self.operator.first();
        let separator = self.operator.separator();
        for variable in &self.variables {
            let Some(value) = get(&variable.name) else { continue };
            let value = match variable.prefix_chars {
                Some(chars) => value.chars().take(chars).collect(),
                None => value,
            };
            let pieces = if variable.explode { value.split(',').collect() } else { vec![value.as_str()] };
            for piece in pieces {
                uri.extend(before.map(char::from));
                before = Some(separator);
                if self.operator.is_named() {
                    uri.push_str(&variable.name);
                    if !(piece.is_empty() && self.operator == Operator::Parameter) {
                        uri.push('=');
                    }
                }
                encode_into(uri, piece, self.operator.keeps_reserved());
            }
        }
    }
}

impl Variables {
    /// No variables yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a variable, replacing the value it had.
    pub fn insert(&mut self, name: impl Into<String>, value: impl Into<String>) {
        let (name, value) = (name.into(), value.into());
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// The value of a variable.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.iter().find_map(|(known, value)| (known == name).then_some(value))
    }

    /// Names and values, in the order in which they were found.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The value of a variable, read as a `T`.
    ///
    /// # Errors
    /// Invalid parameters, naming the variable, when it is missing or is no `T`.
    pub fn parse<T: FromStr>(&self, name: &str) -> Result<T, McpError> {
        let value = self
            .get(name)
            .ok_or_else(|| McpError::invalid_params(format!("`{name}` is missing; give it a value")))?;
        value.parse().map_err(|_| {
            let expected = std::any::type_name::<T>().rsplit("::").next().unwrap_or_default();
            McpError::invalid_params(format!("`{name}` can't be read as {expected}: {}", Shown(value)))
        })
    }
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { template, at_byte, problem } = self;
        write!(f, "invalid URI template {template:?}: {problem} (byte {at_byte})")
    }
}

impl std::error::Error for TemplateError {}

#[cfg(test)]
mod tests;
