//! Statements of the config file as tools: `SELECT … WHERE id = :id` with a schema of its own.
//!
//! A statement is looked at once, when the section is opened: the engine compiles it, says whether it writes and what
//! its parameters are. Whatever is wrong with it is told to whoever wrote the file, and not to a model later.

use std::sync::Arc;

use impresario_engine::{Context, JsonObject, ToolAnnotations, ToolError, ToolResult, ToolSpec};
use serde_json::{Value, json};

use super::Source;
use super::catalogue::meant;
use super::failure::Failure;
use super::guard::{first_word, one_statement};
use super::limits::answer_schema;
use super::question::{Described, Query, parameters, rewritten};
use super::settings::{ParameterKind, ParameterSettings, StatementSettings};
use super::tokens::tokens;
use super::value::Argument;
use crate::part::PartError;

/// What a statement may begin with. Nothing else is a question or a change of rows.
const BEGINNINGS: &[&str] =
    &["SELECT", "WITH", "VALUES", "TABLE", "INSERT", "UPDATE", "DELETE", "REPLACE", "MERGE"];

/// A statement that was looked at.
#[derive(Debug)]
struct Statement {
    sql: String,
    parameters: Vec<Parameter>,
    writes: bool,
    has_rows: bool,
}

#[derive(Debug)]
struct Parameter {
    name: String,
    /// As the engine names it; empty where it knows none.
    type_name: String,
    settings: ParameterSettings,
}

/// The tool that runs a statement.
///
/// # Errors
/// What is wrong with the statement, for whoever wrote it.
pub(super) async fn tool(
    source: &Arc<Source>,
    name: &str,
    settings: &StatementSettings,
) -> Result<ToolSpec, PartError> {
    let key = |member: &str| format!("statements.{name}.{member}");
    let statement = look_at(source, settings).await.map_err(|text| PartError::at(key("sql"), text))?;
    if statement.writes && !source.writes {
        return Err(PartError::at(key("sql"), "writes: set access = \"read-write\", or only read"));
    }
    let names: Vec<_> = statement.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    if let Some(unknown) = settings.parameters.keys().find(|known| !names.contains(&known.as_str())) {
        let meant = meant(unknown, names.iter().copied());
        return Err(PartError::at(
            key(&format!("parameters.{unknown}")),
            format!("does not stand in the sql{meant}"),
        ));
    }
    let schema = input_schema(&statement.parameters);
    let (reads, has_rows) = (!statement.writes, statement.has_rows);
    let (statement, asked) = (Arc::new(statement), Arc::clone(source));
    let spec = ToolSpec::from_context(source.tool_name(name), schema, move |ctx| {
        let (statement, source) = (Arc::clone(&statement), Arc::clone(&asked));
        async move { run(&statement, &source, &ctx).await }
    });
    let annotations = ToolAnnotations {
        read_only_hint: Some(reads),
        destructive_hint: Some(!reads),
        idempotent_hint: Some(reads),
        open_world_hint: Some(false),
        ..ToolAnnotations::default()
    };
    let spec = spec
        .title(settings.title.clone().unwrap_or_else(|| name.replace('_', " ")))
        .description(settings.description.clone().unwrap_or_else(|| format!("Run the statement {name}.")))
        .annotations(annotations)
        .output_schema(if reads { answer_schema() } else { written_schema(has_rows) })
        .timeout(source.call_timeout());
    Ok(spec)
}

async fn look_at(source: &Source, settings: &StatementSettings) -> Result<Statement, String> {
    let dialect = source.database.dialect();
    let tokens = tokens(&settings.sql, dialect).map_err(|refusal| refusal.to_string())?;
    let statement = one_statement(&tokens).map_err(|refusal| refusal.to_string())?;
    let first = first_word(statement).map_or("", |token| token.text);
    if !BEGINNINGS.iter().any(|beginning| beginning.eq_ignore_ascii_case(first)) {
        return Err(format!("begins with {first}: write a SELECT, INSERT, UPDATE or DELETE"));
    }
    let names = parameters(statement);
    let described = source.database.describe(statement, &names, &source.limits).await;
    let described = match described {
        Ok(described) => described,
        Err(Failure::Broken) => return Err("the database does not take it: the log says why".into()),
        Err(failure) => return Err(failure.hinted(|name| source.nearest(name)).text()),
    };
    let Described { writes, has_rows, parameters: types } = described;
    let parameters: Vec<_> = names
        .iter()
        .zip(types)
        .map(|(name, type_name)| Parameter {
            name: (*name).to_owned(),
            type_name,
            settings: settings.parameters.get(*name).cloned().unwrap_or_default(),
        })
        .collect();
    let sql =
        rewritten(statement, &names, |place| dialect.placeholder(place, &parameters[place - 1].type_name));
    Ok(Statement { sql, parameters, writes, has_rows })
}

async fn run(statement: &Statement, source: &Source, ctx: &Context) -> Result<ToolResult, ToolError> {
    let given = ctx.arguments_value();
    let mut arguments = Vec::new();
    for Parameter { name, type_name, settings } in &statement.parameters {
        let value = given.get(name).or(settings.default.as_ref()).unwrap_or(&Value::Null);
        let argument = Argument::new(value, type_name);
        arguments.push(argument.map_err(|wrong| ToolError::new(format!("`{name}` {wrong}")))?);
    }
    let query = Query { sql: statement.sql.clone(), arguments };
    if !statement.writes {
        let rows = source.database.read(query, &source.limits).await?;
        return Ok(ToolResult::structured(rows.into_answer(&source.limits)));
    }
    let rows = source.database.write(query, statement.has_rows, &source.limits).await?;
    let mut answer = JsonObject::new();
    answer.insert("rows_affected".into(), rows.affected.into());
    if statement.has_rows {
        answer.extend(rows.into_answer(&source.limits).as_object().cloned().unwrap_or_default());
    }
    Ok(ToolResult::structured(answer.into()))
}

/// The schema of the answer of a statement that writes.
fn written_schema(has_rows: bool) -> Value {
    let mut schema = if has_rows { answer_schema() } else { json!({ "type": "object", "properties": {} }) };
    schema["properties"]["rows_affected"] =
        json!({ "type": "integer", "description": "how many rows were written" });
    schema
}

fn input_schema(parameters: &[Parameter]) -> Value {
    let mut properties = JsonObject::new();
    let mut required = Vec::new();
    for Parameter { name, type_name, settings } in parameters {
        properties.insert(name.clone(), parameter_schema(type_name, settings));
        if settings.default.is_none() && !settings.optional {
            required.push(name.clone());
        }
    }
    json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
}

fn parameter_schema(type_name: &str, settings: &ParameterSettings) -> Value {
    let mut schema = match settings.kind {
        Some(ParameterKind::Array) => json!({ "type": "array" }),
        Some(kind) => json!({ "type": kind.name() }),
        None => schema_of_type(type_name),
    };
    if settings.optional && schema["type"].is_string() {
        schema["type"] = json!([schema["type"], "null"]);
    }
    if let Some(values) = &settings.values {
        schema["enum"] = values.iter().cloned().chain(settings.optional.then_some(Value::Null)).collect();
    }
    if let Some(default) = &settings.default {
        schema["default"] = default.clone();
    }
    if let Some(description) = &settings.description {
        schema["description"] = description.as_str().into();
    }
    schema
}

/// What JSON Schema says of a type of PostgreSQL; any plain value where the engine knows no type.
fn schema_of_type(type_name: &str) -> Value {
    if let Some(element) = type_name.strip_suffix("[]") {
        return json!({ "type": "array", "items": schema_of_type(element) });
    }
    match type_name {
        "" => json!({ "type": ["string", "number", "boolean", "null"] }),
        "smallint" | "integer" | "bigint" | "oid" => json!({ "type": "integer" }),
        "real" | "double precision" => json!({ "type": "number" }),
        // Text keeps all digits.
        "numeric" => json!({ "type": ["number", "string"] }),
        "boolean" => json!({ "type": "boolean" }),
        "json" | "jsonb" => json!({}),
        "date" => json!({ "type": "string", "format": "date" }),
        "uuid" => json!({ "type": "string", "format": "uuid" }),
        "bytea" => json!({ "type": "string", "contentEncoding": "base64" }),
        _ => json!({ "type": "string" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameters_schema_is_what_the_engine_and_the_file_say() {
        let file = |text: &str| serde_json::from_str::<ParameterSettings>(text).unwrap();
        let rows = [
            ("bigint", "{}", json!({ "type": "integer" })),
            ("text[]", "{}", json!({ "type": "array", "items": { "type": "string" } })),
            ("", r#"{"type": "integer", "default": 5}"#, json!({ "type": "integer", "default": 5 })),
            ("", r#"{"type": "string", "optional": true}"#, json!({ "type": ["string", "null"] })),
            (
                "text",
                r#"{"values": ["a"], "optional": true}"#,
                json!({ "type": ["string", "null"], "enum": ["a", null] }),
            ),
        ];
        for (type_name, settings, expected) in rows {
            assert_eq!(parameter_schema(type_name, &file(settings)), expected, "{type_name} {settings}");
        }
    }
}
