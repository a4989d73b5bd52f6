//! Tools whose arguments or callers must fulfil something: a schema of every feature, a header, a capability.

use impresario::{Context, ErrorKind, McpError, ToolError, ToolSpec, tool};
use serde_json::{Value, json};

/// Takes arguments whose schema uses most of JSON Schema 2020-12.
pub(crate) fn json_schema_2020_12_tool() -> ToolSpec {
    ToolSpec::from_context("json_schema_2020_12_tool", rich_schema(), |ctx| async move {
        format!("JSON Schema 2020-12 tool called with: {}", ctx.arguments_value())
    })
    .description("Takes arguments whose schema uses references, conditions and combinations.")
}

fn rich_schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "$defs": {
            "address": {
                "$anchor": "addressDef",
                "type": "object",
                "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
            },
        },
        "properties": {
            "name": {"type": "string"},
            "address": {"$ref": "#/$defs/address"},
            "contactMethod": {"type": "string", "enum": ["phone", "email"]},
            "phone": {"type": "string"},
            "email": {"type": "string"},
        },
        "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
        "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
        "then": {"required": ["phone"]},
        "else": {"required": ["email"]},
        "additionalProperties": false,
    })
}

/// Works only for clients that can ask their model.
#[tool]
pub(crate) fn test_missing_capability(ctx: &Context) -> Result<&'static str, ToolError> {
    if ctx.client().capabilities().is_some_and(|capabilities| capabilities.sampling.is_some()) {
        return Ok("Success");
    }
    let text = "this tool needs the client capability `sampling`; declare it";
    let error = McpError::new(ErrorKind::MissingCapability, text);
    Err(error.with_data(json!({"requiredCapabilities": {"sampling": {}}})).into())
}

/// Tells the region that the client also named in a header.
#[tool]
pub(crate) fn test_x_mcp_header(
    /// the region
    #[arg(header = "Region", default = "")]
    region: &str,
) -> String {
    format!("region={region}")
}
