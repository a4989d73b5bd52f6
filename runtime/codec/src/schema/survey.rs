//! What is looked at before a schema is compiled: its size, its depth, and its dialect.

use impresario_protocol::error::Shown;
use jsonschema::{ReferencingError, ValidationError, error::ValidationErrorKind};
use serde_json::Value;

use crate::schema::violation::Violation;

/// How large a schema may be.
#[derive(Clone, Copy, Debug)]
pub struct SchemaLimits {
    /// How many subschemas may stand inside each other.
    pub depth_max: usize,
    /// How many subschemas there may be in all, with the schema itself.
    pub nodes_max: usize,
}

/// Why a schema can't be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// Its subschemas are nested too deeply.
    #[error("the schema is nested deeper than {depth_max} levels (schema_depth_max)")]
    TooDeep {
        /// The limit.
        depth_max: usize,
    },
    /// It has too many subschemas.
    #[error("the schema has more than {nodes_max} subschemas (schema_nodes_max)")]
    TooLarge {
        /// The limit.
        nodes_max: usize,
    },
    /// It is written in a dialect that is not supported.
    #[error("the schema's dialect `{dialect}` is not supported; use draft 2020-12, 2019-09, 7, 6 or 4")]
    UnknownDialect {
        /// What `$schema` says.
        dialect: String,
    },
    /// It refers to something that is not in it.
    #[error("the schema refers to `{reference}`, which is not inside of it; nothing is ever fetched")]
    ForeignReference {
        /// What it refers to.
        reference: String,
    },
    /// It is no valid schema of its dialect.
    #[error("not a valid schema: {reason}")]
    Invalid {
        /// Where and why.
        reason: String,
    },
}

impl SchemaError {
    pub(super) fn from_compiler(error: &ValidationError<'_>) -> Self {
        match error.kind() {
            ValidationErrorKind::Referencing(ReferencingError::Unretrievable { uri, .. }) => {
                Self::ForeignReference { reference: Shown(uri).to_string() }
            }
            ValidationErrorKind::Referencing(ReferencingError::UnknownSpecification { specification }) => {
                Self::UnknownDialect { dialect: Shown(specification).to_string() }
            }
            ValidationErrorKind::Referencing(error) => Self::Invalid { reason: error.to_string() },
            _ => Self::Invalid { reason: Violation::on_value(error).to_string() },
        }
    }
}

/// The dialects that are supported, without their scheme and without a trailing `#`.
const DIALECTS: [&str; 5] = [
    "json-schema.org/draft/2020-12/schema",
    "json-schema.org/draft/2019-09/schema",
    "json-schema.org/draft-07/schema",
    "json-schema.org/draft-06/schema",
    "json-schema.org/draft-04/schema",
];

/// What the value of a keyword is made of.
#[derive(Clone, Copy)]
enum Part {
    /// One schema, or an array of schemas.
    Schema,
    /// An object whose values are schemas, or arrays of names.
    Map,
    /// Data that no keyword is looked for in.
    Data,
}

fn part(keyword: &str) -> Part {
    match keyword {
        "properties" | "patternProperties" | "$defs" | "definitions" | "dependentSchemas"
        | "dependencies" => Part::Map,
        "allOf"
        | "anyOf"
        | "oneOf"
        | "not"
        | "if"
        | "then"
        | "else"
        | "prefixItems"
        | "items"
        | "additionalItems"
        | "unevaluatedItems"
        | "contains"
        | "additionalProperties"
        | "unevaluatedProperties"
        | "propertyNames"
        | "contentSchema"
        | "extends" => Part::Schema,
        _ => Part::Data,
    }
}

/// Walks the schema, without recursion: it may be as deep as whoever built it liked.
pub(super) fn survey(schema: &Value, limits: &SchemaLimits) -> Result<(), SchemaError> {
    let mut ahead = vec![(schema, Part::Schema, 1_usize)];
    let mut subschemas = 0;
    while let Some((value, role, depth)) = ahead.pop() {
        if depth > limits.depth_max {
            return Err(SchemaError::TooDeep { depth_max: limits.depth_max });
        }
        match (value, role) {
            (Value::Array(elements), Part::Schema) => {
                ahead.extend(elements.iter().map(|element| (element, Part::Schema, depth)));
            }
            (Value::Object(members), Part::Schema) => {
                subschemas += 1;
                check_dialect(members.get("$schema"))?;
                ahead.extend(
                    members.iter().map(|(keyword, value)| (value, part(keyword), depth + nesting(value))),
                );
            }
            (Value::Object(members), Part::Map) => {
                // The map itself is no level: its schemas stand directly inside of the one that has it.
                ahead.extend(members.values().map(|value| (value, Part::Schema, depth)));
            }
            (Value::Object(members), Part::Data) => {
                ahead.extend(members.values().map(|value| (value, Part::Data, depth + nesting(value))));
            }
            (Value::Array(elements), Part::Map | Part::Data) => {
                ahead.extend(elements.iter().map(|value| (value, Part::Data, depth + nesting(value))));
            }
            (Value::Bool(_), Part::Schema) => subschemas += 1,
            _ => {}
        }
        if subschemas > limits.nodes_max {
            return Err(SchemaError::TooLarge { nodes_max: limits.nodes_max });
        }
    }
    Ok(())
}

/// One level for what can hold others; a plain keyword such as `minimum` is none.
fn nesting(value: &Value) -> usize {
    usize::from(value.is_object() || value.is_array())
}

fn check_dialect(dialect: Option<&Value>) -> Result<(), SchemaError> {
    let Some(Value::String(dialect)) = dialect else { return Ok(()) };
    let name = dialect.trim_end_matches('#');
    let name = name.strip_prefix("https://").or_else(|| name.strip_prefix("http://")).unwrap_or(name);
    if DIALECTS.contains(&name) {
        return Ok(());
    }
    Err(SchemaError::UnknownDialect { dialect: Shown(dialect).to_string() })
}

/// Whether every object is valid, as for a tool without parameters: no keyword but `type` constrains.
pub(super) fn takes_any_object(schema: &Value) -> bool {
    let Value::Object(keywords) = schema else { return schema == &Value::Bool(true) };
    keywords.iter().all(|(keyword, value)| match keyword.as_str() {
        "type" => value == "object",
        "$schema" | "$id" | "id" | "$comment" | "title" | "description" | "$defs" | "definitions"
        | "default" | "examples" | "deprecated" | "readOnly" | "writeOnly" => true,
        "properties" | "patternProperties" => value.as_object().is_some_and(serde_json::Map::is_empty),
        "required" => value.as_array().is_some_and(Vec::is_empty),
        "additionalProperties" => {
            value == &Value::Bool(true) || value.as_object().is_some_and(serde_json::Map::is_empty)
        }
        _ => false,
    })
}
