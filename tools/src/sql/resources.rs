//! The schema as resources and as tools: which tables there are, and what is in them.

use std::sync::Arc;

use impresario_engine::{
    McpError, ResourceContents, ResourceSpec, TemplateSpec, ToolError, ToolResult, ToolSpec, UriTemplate,
    Variables,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Source;
use super::catalogue::Catalogue;

/// Which table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Which {
    /// the table's name, as list_tables says it
    table: String,
}

/// `list_tables`.
pub(super) fn list_tables(source: &Arc<Source>) -> ToolSpec {
    let asked = Arc::clone(source);
    ToolSpec::from_context(source.tool_name("list_tables"), impresario_engine::no_arguments(), move |_ctx| {
        let source = Arc::clone(&asked);
        async move {
            let catalogue = source.read_catalogue().await.map_err(ToolError::from)?;
            Ok::<_, ToolError>(ToolResult::structured(listed(&catalogue)))
        }
    })
    .title("List tables")
    .description("List the tables and views of the database, with the names of their columns.")
    .annotations(super::reading())
    .output_schema(json!({
        "type": "object",
        "properties": { "tables": { "type": "array", "items": { "type": "object" } } },
        "required": ["tables"],
    }))
    .timeout(source.call_timeout())
}

/// `describe_table`.
pub(super) fn describe_table(source: &Arc<Source>) -> ToolSpec {
    let asked = Arc::clone(source);
    ToolSpec::new(source.tool_name("describe_table"), move |which: Which, _ctx| {
        let source = Arc::clone(&asked);
        async move {
            let table = source.table(&which.table).await?;
            Ok::<_, ToolError>(ToolResult::structured(json!(table)))
        }
    })
    .title("Describe a table")
    .description(
        "Describe one table or view: its columns, their types, the primary key, what they reference.",
    )
    .annotations(super::reading())
    .output_schema(json!({
        "type": "object",
        "properties": {
            "name": { "type": "string" },
            "kind": { "type": "string" },
            "columns": { "type": "array", "items": { "type": "object" } },
        },
        "required": ["name", "kind", "columns"],
    }))
    .timeout(source.call_timeout())
}

/// The tables in short.
fn listed(catalogue: &Catalogue) -> Value {
    let tables = catalogue.tables.iter().map(|table| {
        let columns: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let mut listed = json!({ "name": table.name, "kind": table.kind, "columns": columns });
        if let Some(description) = &table.description {
            listed["description"] = description.as_str().into();
        }
        listed
    });
    json!({ "tables": tables.collect::<Vec<_>>() })
}

/// `sql://NAME/schema`: everything there is.
pub(super) fn schema(source: &Arc<Source>) -> ResourceSpec {
    let asked = Arc::clone(source);
    let uri = format!("sql://{}/schema", source.name);
    ResourceSpec::new(uri.clone(), format!("{} schema", source.name), move |_ctx| {
        let (source, uri) = (Arc::clone(&asked), uri.clone());
        async move {
            let catalogue = source.read_catalogue().await.map_err(McpError::from)?;
            Ok::<_, McpError>(contents(&uri, &json!({ "tables": catalogue.tables })))
        }
    })
    .title(format!("Schema of {}", source.name))
    .description("All tables and views with their columns, as JSON.")
    .mime_type("application/json")
}

/// `sql://NAME/tables/{table}`: one table.
pub(super) fn tables(source: &Arc<Source>) -> TemplateSpec {
    let (asked, suggesting) = (Arc::clone(source), Arc::clone(source));
    let text = format!("sql://{}/tables/{{table}}", source.name);
    let template = UriTemplate::parse(&text);
    TemplateSpec::new(text, format!("{} table", source.name), move |variables: Variables, _ctx| {
        let (source, template) = (Arc::clone(&asked), template.clone());
        async move {
            let name = variables.get("table").unwrap_or_default();
            let uri = template.map(|template| template.expand(|_| Some(name.to_owned()))).unwrap_or_default();
            let Ok(table) = source.table(name).await else { return Err(McpError::resource_not_found(&uri)) };
            Ok(contents(&uri, &json!(table)))
        }
    })
    .title(format!("Table of {}", source.name))
    .description("One table or view with its columns, as JSON.")
    .mime_type("application/json")
    .complete("table", move |request| {
        let (_, catalogue) = suggesting.known();
        request.among(catalogue.tables.iter().map(|table| table.name.as_str()))
    })
}

fn contents(uri: &str, value: &Value) -> ResourceContents {
    ResourceContents::text(uri, value.to_string()).with_mime_type("application/json")
}
