//! `query`: any one SELECT, on a connection that can only read.

use std::sync::Arc;

use impresario_engine::{ToolError, ToolResult, ToolSpec};
use schemars::JsonSchema;
use serde::Deserialize;

use super::Source;
use super::guard::free_query;
use super::limits::answer_schema;
use super::question::Query;
use super::tokens::Dialect;

/// A question in SQL.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Question {
    /// one SELECT (or WITH … SELECT, or VALUES)
    sql: String,
}

/// The tool.
pub(super) fn tool(source: &Arc<Source>) -> ToolSpec {
    let asked = Arc::clone(source);
    let engine = match source.database.dialect() {
        Dialect::Sqlite => "SQLite",
        Dialect::Postgres => "PostgreSQL",
    };
    ToolSpec::new(source.tool_name("query"), move |question: Question, _ctx| {
        let source = Arc::clone(&asked);
        async move { answer(&source, &question.sql).await }
    })
    .title("Query with SQL")
    .description(format!(
        "Ask the database with one SELECT in the SQL of {engine}. Nothing can be written. Answers are cut at {} rows.",
        source.limits.rows_max
    ))
    .annotations(super::reading())
    .output_schema(answer_schema())
    .timeout(source.call_timeout())
}

async fn answer(source: &Source, sql: &str) -> Result<ToolResult, ToolError> {
    let sql =
        free_query(sql, source.database.dialect()).map_err(|refusal| ToolError::new(refusal.to_string()))?;
    let query = Query { sql, arguments: Vec::new() };
    let rows = source.database.read_visible(query, &source.visible, &source.limits).await;
    let rows = rows.map_err(|failure| failure.hinted(|name| source.nearest(name)))?;
    Ok(ToolResult::structured(rows.into_answer(&source.limits)))
}
