//! What a tool function may return, and the schemas of its types.

use impresario_protocol::{Content, ToolResult};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde_json::Value;

use crate::tool_error::ToolError;

/// What a tool function may return.
pub trait IntoToolResult {
    /// The result, or how the tool failed.
    ///
    /// # Errors
    /// The tool's own failure.
    fn into_tool_result(self) -> Result<ToolResult, ToolError>;

    /// The schema of the structured output, for types that have one.
    #[must_use]
    fn output_schema() -> Option<Value> {
        None
    }
}

/// Structured output: any type with a schema. Clients that read no structured output get it as JSON text.
///
/// ```
/// use impresario_engine::Json;
///
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Summary {
///     average: f64,
///     count: usize,
/// }
///
/// async fn summary() -> Json<Summary> {
///     Json(Summary { average: 2.5, count: 4 })
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

impl<T: Serialize + JsonSchema> IntoToolResult for Json<T> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        match serde_json::to_value(self.0) {
            Ok(value) => Ok(ToolResult::structured(value)),
            Err(error) => Err(ToolError::new(format!("the result can't be written as JSON: {error}"))),
        }
    }

    fn output_schema() -> Option<Value> {
        Some(schema_of_output::<T>())
    }
}

impl<T: IntoToolResult, E: Into<ToolError>> IntoToolResult for Result<T, E> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        self.map_err(Into::into)?.into_tool_result()
    }

    fn output_schema() -> Option<Value> {
        T::output_schema()
    }
}

impl IntoToolResult for ToolResult {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(self)
    }
}

impl IntoToolResult for () {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::default())
    }
}

impl IntoToolResult for Content {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::from(vec![self]))
    }
}

impl IntoToolResult for Vec<Content> {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::from(self))
    }
}

impl IntoToolResult for &str {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::text(self))
    }
}

impl IntoToolResult for String {
    fn into_tool_result(self) -> Result<ToolResult, ToolError> {
        Ok(ToolResult::text(self))
    }
}

macro_rules! as_text {
    ($($type:ty),+) => { $(
        impl IntoToolResult for $type {
            fn into_tool_result(self) -> Result<ToolResult, ToolError> {
                Ok(ToolResult::text(self.to_string()))
            }
        }
    )+ };
}

as_text!(bool, char, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64);

/// The JSON Schema (2020-12) of a type that is read: a tool's arguments. Sub-schemas stand inline, because
/// many clients do not follow references.
#[must_use]
pub fn schema_of<T: JsonSchema>() -> Value {
    plain(
        SchemaSettings::draft2020_12()
            .with(|settings| settings.inline_subschemas = true)
            .into_generator()
            .into_root_schema_for::<T>(),
    )
}

/// The JSON Schema (2020-12) of a type that is written: a tool's structured output.
fn schema_of_output<T: JsonSchema>() -> Value {
    let settings =
        SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    plain(settings.into_generator().into_root_schema_for::<T>())
}

/// A schema without what says nothing to a client: the name of a Rust type, the default dialect, and formats
/// that only Rust has.
fn plain(schema: Schema) -> Value {
    let mut schema = schema.to_value();
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("title");
        members.shift_remove("$schema");
    }
    remove_rust_formats(&mut schema);
    schema
}

/// `double`, `uint32` and the like are no formats of JSON Schema, and strict validators complain about them.
fn remove_rust_formats(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_rusts = |format: &str| {
                matches!(format, "double" | "float" | "int" | "uint")
                    || format
                        .strip_prefix('u')
                        .unwrap_or(format)
                        .strip_prefix("int")
                        .is_some_and(|bits| bits.parse::<u8>().is_ok())
            };
            if members.get("format").and_then(Value::as_str).is_some_and(is_rusts) {
                members.shift_remove("format");
            }
            members.values_mut().for_each(remove_rust_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(remove_rust_formats),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_schema_says_what_clients_understand_and_nothing_of_rust() {
        #[derive(JsonSchema)]
        #[expect(dead_code, reason = "only its schema is looked at")]
        struct Arguments {
            /// how many
            count: u32,
            ratio: Option<f64>,
        }
        let expected = json!({
            "type": "object",
            "properties": {
                "count": { "description": "how many", "type": "integer", "minimum": 0 },
                "ratio": { "type": ["number", "null"] },
            },
            "required": ["count"],
        });
        assert_eq!(schema_of::<Arguments>(), expected);
    }
}
