//! JSON Schemas that validate values on the tape, without building a tree.
//!
//! A schema may come from a stranger's server and a value from any caller, so: nothing is ever fetched,
//! patterns run in linear time, and explaining what is wrong has a bound of its own.

mod found;
mod probe;
mod survey;
mod violation;

use std::fmt;
use std::sync::{Arc, OnceLock};

use impresario_protocol::Limits;
use jsonschema::json::{Json, SerdeJson};
use jsonschema::{PatternOptions, Retrieve, ValidationOptions, Validator};
use serde_json::Value;

use crate::document::Document;
use crate::node::Node;
use crate::schema::probe::{Fuel, Probe, TapeJson};
pub use crate::schema::survey::{SchemaError, SchemaLimits};
pub use crate::schema::violation::Violation;
use crate::write::write_serialized;

/// How many violations one check tells at the most.
const VIOLATIONS_MAX: usize = 8;
/// How deep a value that is checked as a tree may be when its violations are looked for.
const VALUE_DEPTH_MAX: usize = 1024;
/// How large one compiled pattern may be.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

impl From<&Limits> for SchemaLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            depth_max: Limits::size(limits.schema_depth_max),
            nodes_max: Limits::size(limits.schema_nodes_max),
        }
    }
}

/// A compiled JSON Schema. The dialect is 2020-12 unless `$schema` names draft 4, 6, 7 or 2019-09.
pub struct Schema {
    /// Kept for `on_values`, which most schemas never need.
    source: Value,
    /// Whether any object is valid, which spares the validator.
    open: bool,
    /// Whether `format` is a rule, or a remark as 2020-12 has it.
    formats: bool,
    on_tape: Validator<TapeJson>,
    /// The same schema for values that are trees; compiled on first use.
    on_values: OnceLock<Validator>,
}

impl Schema {
    /// Compiles a schema.
    ///
    /// # Errors
    /// When it is no valid schema, is larger than the limits, names a dialect that is not supported, or
    /// refers to anything outside of itself.
    pub fn compile(schema: &Value, limits: &SchemaLimits) -> Result<Self, SchemaError> {
        Self::compile_as(schema, limits, false)
    }

    /// Compiles a schema whose formats are rules too: `email`, `date` and the like.
    ///
    /// # Errors
    /// As [`Self::compile`].
    pub fn compile_with_formats(schema: &Value, limits: &SchemaLimits) -> Result<Self, SchemaError> {
        Self::compile_as(schema, limits, true)
    }

    fn compile_as(schema: &Value, limits: &SchemaLimits, formats: bool) -> Result<Self, SchemaError> {
        survey::survey(schema, limits)?;
        let on_tape =
            options::<TapeJson>(formats).build(schema).map_err(|error| SchemaError::from_compiler(&error))?;
        Ok(Self {
            source: schema.clone(),
            open: survey::takes_any_object(schema),
            formats,
            on_tape,
            on_values: OnceLock::new(),
        })
    }

    /// Checks a value of a document.
    ///
    /// An object that has a member twice is refused as well: what was checked would not be what is used.
    ///
    /// # Errors
    /// With at most eight violations.
    pub fn check(&self, node: Node<'_>) -> Result<(), Vec<Violation>> {
        if self.open && node.is_object() {
            return Ok(());
        }
        if let Some(violation) = probe::repeated_member(node) {
            return Err(vec![violation]);
        }
        if self.on_tape.is_valid(Probe::new(node)) { Ok(()) } else { Err(self.explain(node)) }
    }

    /// Checks a value that is a tree, by the same rules.
    ///
    /// # Errors
    /// With at most eight violations.
    ///
    /// # Panics
    /// Never: the schema was compiled once before.
    pub fn check_value(&self, value: &Value) -> Result<(), Vec<Violation>> {
        if self.open && value.is_object() {
            return Ok(());
        }
        let validator = self.on_values.get_or_init(|| {
            options::<SerdeJson>(self.formats)
                .build(&self.source)
                .expect("the same schema was compiled for the tape before")
        });
        if validator.is_valid(value) {
            return Ok(());
        }
        let mut text = Vec::new();
        let written = write_serialized(&mut text, value);
        let document = written.ok().and_then(|()| Document::parse(&text, VALUE_DEPTH_MAX).ok());
        Err(document.map_or_else(|| vec![Violation::unexplained()], |document| self.explain(document.root())))
    }

    /// What is wrong with a value that is not valid.
    #[cold]
    fn explain(&self, node: Node<'_>) -> Vec<Violation> {
        let fuel = Fuel::default();
        let errors = self.on_tape.iter_errors(Probe::fuelled(node, &fuel));
        let known = errors.filter(|error| !probe::is_made_up(error.instance()));
        let mut violations: Vec<_> =
            known.take(VIOLATIONS_MAX).map(|error| Violation::on_tape(&error, node)).collect();
        if violations.is_empty() {
            violations.push(Violation::unexplained());
        }
        violations
    }
}

fn options<F: Json>(formats: bool) -> ValidationOptions<'static, Arc<dyn Retrieve>, F> {
    // The engine is the linear one: the default backtracks. Nothing is fetched, neither by HTTP nor from files.
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX);
    let options = jsonschema::options_for::<F>().with_pattern_options(patterns).offline();
    if formats { options.should_validate_formats(true) } else { options }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("source", &self.source).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
