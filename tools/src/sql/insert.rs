//! `insert_record`: one row into one table, its values bound.

use std::sync::Arc;

use impresario_engine::{JsonObject, ToolAnnotations, ToolError, ToolResult, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Source;
use super::catalogue::Table;
use super::guard::quoted;
use super::question::Query;
use super::tokens::Dialect;
use super::value::Argument;

/// A row to be.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Record {
    /// the table's name, as list_tables says it
    table: String,
    /// values by column name; columns that are left out get their default
    data: JsonObject,
}

/// The tool.
pub(super) fn tool(source: &Arc<Source>) -> ToolSpec {
    let asked = Arc::clone(source);
    let annotations = ToolAnnotations {
        read_only_hint: Some(false),
        destructive_hint: Some(false),
        idempotent_hint: Some(false),
        open_world_hint: Some(false),
        ..ToolAnnotations::default()
    };
    ToolSpec::new(source.tool_name("insert_record"), move |record: Record, _ctx| {
        let source = Arc::clone(&asked);
        async move { answer(&source, &record).await }
    })
    .title("Insert a record")
    .description(
        "Insert one row into a table, and answer with the row as it is stored. describe_table names the columns.",
    )
    .annotations(annotations)
    .output_schema(json!({
        "type": "object",
        "properties": { "inserted": { "type": "object", "description": "the row as it is stored" } },
        "required": ["inserted"],
    }))
    .timeout(source.call_timeout())
}

async fn answer(source: &Source, record: &Record) -> Result<ToolResult, ToolError> {
    let table = source.table(&record.table).await?;
    let query = built(&table, &record.data, source.database.dialect())?;
    let mut rows = source.database.write(query, true, &source.limits).await?;
    // The row may be too large to be shown, but it is stored.
    let inserted = rows.rows.pop().map_or_else(|| json!({}), Value::Object);
    Ok(ToolResult::structured(json!({ "inserted": inserted })))
}

fn built(table: &Table, data: &JsonObject, dialect: Dialect) -> Result<Query, ToolError> {
    let (mut names, mut places, mut arguments) = (Vec::new(), Vec::new(), Vec::new());
    for (name, value) in data {
        let column = table.column(name)?;
        if column.generated {
            return Err(ToolError::new(format!("{name} is computed by the database: leave it out")));
        }
        arguments.push(Argument::new(value, &column.cast).map_err(|wrong| format!("`data.{name}` {wrong}"))?);
        names.push(quoted(&column.name));
        places.push(dialect.placeholder(arguments.len(), &column.cast));
    }
    let values = if names.is_empty() {
        "DEFAULT VALUES".to_owned()
    } else {
        format!("({}) VALUES ({})", names.join(", "), places.join(", "))
    };
    let sql = format!("INSERT INTO {} {values} RETURNING {}", table.quoted, table.quoted_columns());
    Ok(Query { sql, arguments })
}
