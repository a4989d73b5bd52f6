//! As much of JSON Schema as a command line needs: what kinds of values a parameter takes, and a word for it.
//!
//! It guesses where a schema is intricate, and never refuses: the server has the last word on arguments.

use rmcp::model::JsonObject;
use serde_json::Value;

/// A kind of JSON value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Null,
    Boolean,
    Integer,
    Number,
    String,
    Array,
    Object,
}

impl Kind {
    const ALL: [Self; 7] =
        [Self::Null, Self::Boolean, Self::Integer, Self::Number, Self::String, Self::Array, Self::Object];

    /// Its word in a schema.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Boolean => "boolean",
            Self::Integer => "integer",
            Self::Number => "number",
            Self::String => "string",
            Self::Array => "array",
            Self::Object => "object",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// Whether the value is of this kind.
    pub(crate) fn has(self, value: &Value) -> bool {
        match self {
            Self::Null => value.is_null(),
            Self::Boolean => value.is_boolean(),
            Self::Integer => value.as_f64().is_some_and(|number| number.fract() == 0.0),
            Self::Number => value.is_number(),
            Self::String => value.is_string(),
            Self::Array => value.is_array(),
            Self::Object => value.is_object(),
        }
    }
}

/// References may lead in circles.
const DEPTH_MAX: usize = 16;

/// One parameter of a tool.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter<'s> {
    /// The schema of the tool's input, which references start from.
    root: &'s JsonObject,
    pub(crate) name: &'s str,
    schema: &'s Value,
}

/// The parameters that a tool's input schema names: required ones first, then by name.
pub(crate) fn parameters(root: &JsonObject) -> Vec<Parameter<'_>> {
    let properties = root.get("properties").and_then(Value::as_object);
    let each = properties.into_iter().flatten();
    let mut parameters: Vec<_> = each.map(|(name, schema)| Parameter { root, name, schema }).collect();
    parameters.sort_by_key(|parameter| !parameter.is_required());
    parameters
}

impl<'s> Parameter<'s> {
    pub(crate) fn is_required(&self) -> bool {
        let required = self.root.get("required").and_then(Value::as_array);
        required.is_some_and(|names| names.iter().any(|name| name == self.name))
    }

    pub(crate) fn default(&self) -> Option<&'s Value> {
        self.schema.get("default").or_else(|| self.followed().get("default"))
    }

    pub(crate) fn description(&self) -> Option<&'s str> {
        self.schema.get("description").or_else(|| self.followed().get("description")).and_then(Value::as_str)
    }

    /// The kinds of values that it takes; none means any.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        kinds(self.root, self.schema, DEPTH_MAX)
    }

    /// A word for what it takes: `number`, `A|B|C`, `number[]`.
    pub(crate) fn label(&self) -> String {
        label(self.root, self.schema, DEPTH_MAX)
    }

    fn followed(&self) -> &'s Value {
        follow(self.root, self.schema, DEPTH_MAX)
    }
}

/// The schema that a reference leads to, within the same document.
fn follow<'s>(root: &'s JsonObject, schema: &'s Value, depth: usize) -> &'s Value {
    let pointer =
        schema.get("$ref").and_then(Value::as_str).and_then(|reference| reference.strip_prefix("#/"));
    let Some(pointer) = pointer.filter(|_| depth > 0) else { return schema };
    let mut steps = pointer.split('/').map(|step| step.replace("~1", "/").replace("~0", "~"));
    let first = steps.next().and_then(|step| root.get(&step));
    let found = steps.fold(first, |place, step| place?.get(&step));
    found.map_or(schema, |found| follow(root, found, depth - 1))
}

/// The alternatives of a schema, if it has any.
fn alternatives(schema: &Value) -> Option<&Vec<Value>> {
    let found = ["anyOf", "oneOf"].into_iter().find_map(|word| schema.get(word).and_then(Value::as_array));
    // A single part of `allOf` is how generators put a description beside a reference.
    found.or_else(|| schema.get("allOf").and_then(Value::as_array).filter(|parts| parts.len() == 1))
}

fn kinds(root: &JsonObject, schema: &Value, depth: usize) -> Vec<Kind> {
    let schema = follow(root, schema, depth);
    let mut found: Vec<Kind> = match schema.get("type") {
        Some(Value::String(word)) => Kind::named(word).into_iter().collect(),
        Some(Value::Array(words)) => words.iter().filter_map(|word| Kind::named(word.as_str()?)).collect(),
        _ => Vec::new(),
    };
    if found.is_empty() {
        let listed =
            schema.get("enum").and_then(Value::as_array).into_iter().flatten().chain(schema.get("const"));
        found = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Integer).collect();
        let listed: Vec<_> = listed.collect();
        found.retain(|kind| listed.iter().any(|value| kind.has(value)));
    }
    if found.is_empty() && depth > 0 {
        let each: Vec<_> =
            alternatives(schema).into_iter().flatten().map(|one| kinds(root, one, depth - 1)).collect();
        // One alternative that takes anything makes the whole take anything.
        if each.iter().all(|kinds| !kinds.is_empty()) {
            found = each.concat();
        }
    }
    found
}

fn label(root: &JsonObject, schema: &Value, depth: usize) -> String {
    let schema = follow(root, schema, depth);
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return values.iter().map(bare).collect::<Vec<_>>().join("|");
    }
    if let Some(value) = schema.get("const") {
        return bare(value);
    }
    if let Some(all) = alternatives(schema).filter(|_| depth > 0) {
        return all.iter().map(|one| label(root, one, depth - 1)).collect::<Vec<_>>().join("|");
    }
    let words: Vec<String> = kinds(root, schema, depth)
        .into_iter()
        .map(|kind| match (kind, schema.get("items")) {
            (Kind::Array, Some(items)) if depth > 0 => {
                let item = label(root, items, depth - 1);
                if item.contains('|') { format!("({item})[]") } else { format!("{item}[]") }
            }
            _ => kind.word().to_owned(),
        })
        .collect();
    if words.is_empty() { "any".to_owned() } else { words.join("|") }
}

/// A value as a person writes it: strings without quotes.
pub(crate) fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(schema: &Value, expected_kinds: &[Kind], expected_label: &str) {
        let root = json!({
            "properties": { "it": schema },
            "$defs": {
                "Operation": { "type": "string", "enum": ["add", "sub"] },
                "Row": { "type": "object" },
                "Loop": { "$ref": "#/$defs/Loop" },
                "a/b": { "type": "integer" },
            },
        });
        let root = root.as_object().unwrap();
        let parameters = parameters(root);
        assert_eq!(parameters[0].kinds(), expected_kinds, "{schema}");
        assert_eq!(parameters[0].label(), expected_label, "{schema}");
    }

    #[test]
    fn a_schema_has_kinds_and_a_word() {
        use Kind::{Array, Integer, Null, Number, Object, String};
        check(&json!({ "type": "number" }), &[Number], "number");
        check(&json!({ "type": ["integer", "null"] }), &[Integer, Null], "integer|null");
        check(&json!({ "$ref": "#/$defs/Operation" }), &[String], "add|sub");
        check(&json!({ "$ref": "#/$defs/a~1b" }), &[Integer], "integer");
        check(&json!({ "allOf": [{ "$ref": "#/$defs/Operation" }] }), &[String], "add|sub");
        check(
            &json!({ "anyOf": [{ "$ref": "#/$defs/Operation" }, { "type": "null" }] }),
            &[String, Null],
            "add|sub|null",
        );
        check(&json!({ "enum": [1, "x"] }), &[Number, String], "1|x");
        check(&json!({ "const": "x" }), &[String], "x");
        check(&json!({ "type": "array", "items": { "type": "number" } }), &[Array], "number[]");
        check(&json!({ "type": "array", "items": { "$ref": "#/$defs/Row" } }), &[Array], "object[]");
        check(&json!({ "type": "array", "items": { "enum": ["a", "b"] } }), &[Array], "(a|b)[]");
        check(&json!({ "type": "array" }), &[Array], "array");
        check(&json!({ "type": "object" }), &[Object], "object");
    }

    #[test]
    fn a_schema_that_says_nothing_takes_anything() {
        check(&json!({}), &[], "any");
        check(&json!(true), &[], "any");
        check(&json!({ "$ref": "#/$defs/Loop" }), &[], "any");
        check(&json!({ "$ref": "#/$defs/nowhere" }), &[], "any");
        check(&json!({ "anyOf": [{ "type": "string" }, {}] }), &[], "string|any");
    }

    #[test]
    fn required_parameters_come_first() {
        let root = json!({
            "properties": { "a": { "default": 1 }, "b": { "description": "second" }, "c": {} },
            "required": ["c"],
        });
        let parameters = parameters(root.as_object().unwrap());
        assert_eq!(parameters.iter().map(|one| one.name).collect::<Vec<_>>(), ["c", "a", "b"]);
        assert_eq!(parameters[1].default(), Some(&json!(1)));
        assert_eq!(parameters[2].description(), Some("second"));
    }
}
