//! Schemas of OpenAPI as JSON Schemas: references written out, and what only OpenAPI knows said in JSON Schema's words.

use impresario_engine::JsonObject;
use serde_json::{Value, json};

use super::reference::References;

/// Schemas inside each other.
const DEPTH_MAX: usize = 16;

/// Schemas in one.
const SCHEMAS_MAX: usize = 500;

/// What is taken over as it is.
const PLAIN: &[&str] = &[
    "type",
    "title",
    "description",
    "enum",
    "const",
    "default",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "required",
];

/// What holds a schema, and what holds a list of them.
const WITH_SCHEMA: &[&str] = &["items", "additionalProperties", "not", "contains", "propertyNames"];
const WITH_SCHEMAS: &[&str] = &["allOf", "anyOf", "oneOf", "prefixItems"];

/// Formats that JSON Schema knows too.
const FORMATS: &[&str] =
    &["date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"];

/// Who writes what the schema describes: members that only the other side writes are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Writer {
    Us,
    Api,
}

/// Writes one schema out.
pub(super) struct Expansion<'r, 'd> {
    references: &'r References<'d>,
    writer: Writer,
    schemas: usize,
    /// The references that are being written out now.
    open: Vec<&'d str>,
}

/// The JSON Schema that says the same.
///
/// # Errors
/// It is too deep or too large, or a reference leads nowhere or out of the document.
pub(super) fn expanded<'d>(
    references: &References<'d>,
    schema: &'d Value,
    writer: Writer,
) -> Result<Value, String> {
    Expansion { references, writer, schemas: 0, open: Vec::new() }.schema(schema, 0)
}

impl<'d> Expansion<'_, 'd> {
    fn schema(&mut self, schema: &'d Value, depth: usize) -> Result<Value, String> {
        self.schemas += 1;
        if depth > DEPTH_MAX {
            return Err(format!("a schema is deeper than {DEPTH_MAX}"));
        }
        if self.schemas > SCHEMAS_MAX {
            return Err(format!("a schema holds more than {SCHEMAS_MAX} others"));
        }
        let Value::Object(members) = schema else { return Ok(schema.clone()) };
        match members.get("$ref").and_then(Value::as_str) {
            Some(reference) => self.behind(reference, members, depth),
            None => self.members(members, depth),
        }
    }

    /// What a reference leads to. One that leads back to where it stands could be written out for ever; there anything
    /// goes.
    fn behind(&mut self, reference: &'d str, members: &'d JsonObject, depth: usize) -> Result<Value, String> {
        if self.open.contains(&reference) {
            return Ok(json!({}));
        }
        let target = self.references.get(reference)?;
        self.open.push(reference);
        let mut schema = self.schema(target, depth + 1)?;
        self.open.pop();
        if let (Some(description), Some(schema)) = (members.get("description"), schema.as_object_mut()) {
            schema.insert("description".into(), description.clone());
        }
        Ok(schema)
    }

    fn members(&mut self, members: &'d JsonObject, depth: usize) -> Result<Value, String> {
        let mut schema = JsonObject::new();
        for (name, value) in members {
            let value = match name.as_str() {
                "properties" => self.properties(value, depth)?,
                name if WITH_SCHEMA.contains(&name) => self.schema(value, depth + 1)?,
                name if WITH_SCHEMAS.contains(&name) => {
                    let schemas = value.as_array().into_iter().flatten();
                    schemas.map(|schema| self.schema(schema, depth + 1)).collect::<Result<_, _>>()?
                }
                "format" if value.as_str().is_some_and(|format| FORMATS.contains(&format)) => value.clone(),
                name if PLAIN.contains(&name) => value.clone(),
                _ => continue,
            };
            schema.insert(name.clone(), value);
        }
        self.leave_out_required(members, &mut schema);
        limits_of_3_0(&mut schema);
        if members.get("nullable") == Some(&Value::Bool(true)) {
            nullable(&mut schema);
        }
        Ok(Value::Object(schema))
    }

    fn properties(&mut self, properties: &'d Value, depth: usize) -> Result<Value, String> {
        let mut kept = JsonObject::new();
        for (name, property) in properties.as_object().into_iter().flatten() {
            if !self.is_others(property) {
                kept.insert(name.clone(), self.schema(property, depth + 1)?);
            }
        }
        Ok(Value::Object(kept))
    }

    /// Whether only the other side writes it.
    fn is_others(&self, property: &Value) -> bool {
        let mark = if self.writer == Writer::Us { "readOnly" } else { "writeOnly" };
        property.get(mark) == Some(&Value::Bool(true))
    }

    /// What is left out can't be required.
    fn leave_out_required(&self, members: &JsonObject, schema: &mut JsonObject) {
        let properties = members.get("properties").and_then(Value::as_object);
        let Some(Value::Array(required)) = schema.get_mut("required") else { return };
        required.retain(|name| {
            let property = name.as_str().and_then(|name| properties?.get(name));
            !property.is_some_and(|property| self.is_others(property))
        });
    }
}

/// In 3.0 whether a limit is itself excluded is a flag beside it.
fn limits_of_3_0(schema: &mut JsonObject) {
    for (limit, exclusive) in [("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")] {
        let Some(flag) = schema.get(exclusive).and_then(Value::as_bool) else { continue };
        schema.shift_remove(exclusive);
        if flag && let Some(value) = schema.shift_remove(limit) {
            schema.insert(exclusive.into(), value);
        }
    }
}

/// In 3.0 a flag says that null is allowed too.
fn nullable(schema: &mut JsonObject) {
    if let Some(Value::String(one)) = schema.get("type") {
        let types = json!([one, "null"]);
        schema.insert("type".into(), types);
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
}
