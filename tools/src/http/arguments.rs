//! What a tool takes: the schema that clients see, and what stands in for arguments that were not given.

use impresario_engine::JsonObject;
use serde_json::{Value, json};

use crate::part::PartError;

/// The arguments of a tool.
#[derive(Debug, Clone, Default)]
pub(super) struct Arguments {
    properties: JsonObject,
    required: Vec<String>,
    defaults: JsonObject,
}

impl Arguments {
    /// Reads `arguments` of a tool: a schema for each, in which `required` says whether it must be given. Without that
    /// it must, unless it has a default.
    ///
    /// # Errors
    /// Which key below the tool's own is wrong.
    pub(super) fn read(written: &JsonObject) -> Result<Self, PartError> {
        let mut arguments = Self::default();
        for (name, schema) in written {
            let Value::Object(schema) = schema else {
                let problem = r#"write a schema, such as `{ type = "string" }`"#;
                return Err(PartError::at(format!("arguments.{name}"), problem));
            };
            let mut schema = schema.clone();
            // Of an object `required` may also be the list of its members.
            let said = schema.get("required").and_then(Value::as_bool);
            if said.is_some() {
                schema.shift_remove("required");
            }
            let is_required = said.unwrap_or(!schema.contains_key("default"));
            arguments.add(name, Value::Object(schema), is_required);
        }
        Ok(arguments)
    }

    /// One more argument.
    pub(super) fn add(&mut self, name: &str, schema: Value, is_required: bool) {
        if is_required {
            self.required.push(name.to_owned());
        }
        if let Some(default) = schema.get("default") {
            self.defaults.insert(name.to_owned(), default.clone());
        }
        self.properties.insert(name.to_owned(), schema);
    }

    /// Whether there is one of that name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.properties.contains_key(name)
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.properties.keys().map(String::as_str)
    }

    /// What clients see.
    pub(super) fn schema(&self) -> Value {
        let mut schema =
            json!({ "type": "object", "properties": self.properties, "additionalProperties": false });
        if !self.required.is_empty() {
            schema["required"] = json!(self.required);
        }
        schema
    }

    /// What stands in for arguments that were not given.
    pub(super) fn defaults(&self) -> JsonObject {
        self.defaults.clone()
    }
}

/// Holds the names that stand in a call against the arguments that there are.
///
/// # Errors
/// The key of a name that is no argument, or an argument that is used nowhere.
pub(super) fn check_names<'n>(
    known: &[&str],
    used: impl IntoIterator<Item = (&'static str, &'n str)>,
    unused_key: &str,
) -> Result<(), PartError> {
    let mut left: Vec<&str> = known.to_vec();
    for (key, name) in used {
        if !known.contains(&name) {
            let known = if known.is_empty() {
                "there are none".into()
            } else {
                format!("those are {}", known.join(", "))
            };
            return Err(PartError::at(key, format!("`{{{name}}}` is not among the arguments; {known}")));
        }
        left.retain(|unused| *unused != name);
    }
    match left.first() {
        Some(unused) => Err(PartError::at(
            format!("{unused_key}{unused}"),
            format!("it is used nowhere; write `{{{unused}}}` where it belongs, or leave it out"),
        )),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_required_unless_it_says_otherwise() {
        let written = json!({
            "plain": { "type": "string" },
            "optional": { "type": "string", "required": false },
            "defaulted": { "type": "integer", "default": 7 },
            "object": { "type": "object", "required": ["a"] },
        });
        let arguments = Arguments::read(written.as_object().unwrap()).unwrap();
        let schema = arguments.schema();
        assert_eq!(schema["required"], json!(["plain", "object"]));
        assert_eq!(schema["properties"]["optional"], json!({ "type": "string" }));
        assert_eq!(schema["properties"]["object"]["required"], json!(["a"]));
        assert_eq!(Value::Object(arguments.defaults()), json!({ "defaulted": 7 }));
        let wrong = Arguments::read(json!({ "a": "string" }).as_object().unwrap()).unwrap_err();
        assert_eq!(wrong.key, "arguments.a");
    }

    #[test]
    fn names_that_do_not_meet_are_found() {
        let check = |used: &[(&'static str, &str)]| {
            check_names(&["city", "days"], used.iter().copied(), "arguments.")
        };
        assert!(check(&[("path", "city"), ("query", "days")]).is_ok());
        let misspelled = check(&[("path", "citty")]).unwrap_err();
        assert_eq!(
            misspelled.to_string(),
            "path: `{citty}` is not among the arguments; those are city, days"
        );
        assert_eq!(check(&[("path", "city")]).unwrap_err().key, "arguments.days");
    }
}
