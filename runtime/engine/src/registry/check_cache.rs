//! What is checked of a cache when its tool is registered.

use std::sync::Arc;

use impresario_codec::Schema;
use impresario_protocol::ToolDefinition;
use serde_json::Value;

use super::check::Misuse;
use crate::cache::{CachePolicy, CacheSharing, KeyField, ResultCache, ToolCache};

/// The cache of a tool that declares one.
pub(super) fn cache_of(
    house: &Arc<ResultCache>,
    definition: &ToolDefinition,
    input: &Schema,
    policy: CachePolicy,
) -> Result<Arc<ToolCache>, Misuse> {
    let fields = policy.key_fields.as_deref();
    let fields = fields.map(|fields| fields.iter().map(|field| key_field(field, definition)).collect());
    check_warm_up(&policy, input)?;
    Ok(house.open(&definition.name, policy, fields.transpose()?))
}

/// A key field that is an argument of the tool, as far as its schema says what its arguments are.
fn key_field(text: &str, definition: &ToolDefinition) -> Result<KeyField, Misuse> {
    let no_field = |there_are: String| Misuse::CacheKeyField { field: text.into(), there_are };
    let field = KeyField::parse(text).ok_or_else(|| no_field(names_of(&definition.input_schema)))?;
    let mut schema = &definition.input_schema;
    for name in field.names() {
        let Some(properties) = schema.get("properties").and_then(Value::as_object) else { break };
        match properties.get(name) {
            Some(inner) => schema = inner,
            None if takes_others(schema) => break,
            None => return Err(no_field(names_of(schema))),
        }
    }
    Ok(field)
}

/// Whether a schema says in so many words that there may be members beside those that it names.
fn takes_others(schema: &Value) -> bool {
    schema.get("patternProperties").is_some()
        || schema.get("additionalProperties").is_some_and(|others| *others != Value::Bool(false))
}

fn names_of(schema: &Value) -> String {
    let properties = schema.get("properties").and_then(Value::as_object);
    properties.map_or_else(
        || "none".to_owned(),
        |properties| properties.keys().map(String::as_str).collect::<Vec<_>>().join(", "),
    )
}

fn check_warm_up(policy: &CachePolicy, input: &Schema) -> Result<(), Misuse> {
    if policy.warm.is_empty() {
        return Ok(());
    }
    if policy.sharing != CacheSharing::Public {
        let text = "nobody has asked yet, so its answers have to be for everybody; share it as `Public`";
        return Err(Misuse::CacheWarmUp(text.into()));
    }
    for (place, arguments) in policy.warm.iter().enumerate() {
        let violations = input.check_value(arguments).err().unwrap_or_default();
        if !violations.is_empty() {
            let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
            let text = format!("arguments {} of its list: {}", place + 1, violations.join("; "));
            return Err(Misuse::CacheWarmUp(text));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
