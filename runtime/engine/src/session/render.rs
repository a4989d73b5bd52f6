//! What is sent unchanged until something is added or removed: pages of lists, descriptions of the server.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use impresario_protocol::task::TASKS_EXTENSION;
use impresario_protocol::{
    Era, JsonObject, Limits, ListKind, McpError, PromptDefinition, ResourceDefinition, Revision,
    ServerCapabilities, TemplateDefinition, ToolExecution,
};
use serde_json::{Value, json};

use super::downgrade;
use super::encode::{close_result, written};
use super::object::Object;
use super::operation::bad_cursor;
use crate::dialect::Dialect;
use crate::registry::Snapshot;
use crate::rendered::Piece;
use crate::shared::Shared;
use crate::tool::Tool;

/// One page of a list, as a result with the brace that ends its response.
pub(super) fn page(
    shared: &Shared,
    dialect: Dialect,
    kind: ListKind,
    cursor: Option<&str>,
) -> Result<Bytes, McpError> {
    let snapshot = shared.registry.snapshot();
    let render = || pages(shared, &snapshot, dialect.0, kind);
    let pages = snapshot.rendered.get(Piece::Pages(kind), dialect, render);
    let number = match cursor {
        None => 0,
        Some(cursor) => read_cursor(kind, cursor).ok_or_else(bad_cursor)?,
    };
    pages.get(number).cloned().ok_or_else(bad_cursor)
}

/// What the server says of itself: the result of `initialize` or of `server/discover`.
pub(super) fn description(shared: &Shared, dialect: Dialect) -> Bytes {
    let snapshot = shared.registry.snapshot();
    let render = || vec![written(|out| write_description(out, shared, &snapshot, dialect.0))];
    snapshot.rendered.get(Piece::Description, dialect, render).first().cloned().unwrap_or_default()
}

fn write_description(out: &mut Vec<u8>, shared: &Shared, snapshot: &Snapshot, revision: Revision) {
    let identity = &shared.identity;
    let mut object = Object::open(out);
    match revision.era() {
        Era::Legacy => {
            object.text("protocolVersion", revision.as_str());
            object.serialized("capabilities", &capabilities(snapshot, revision));
            object.serialized("serverInfo", &downgrade::implementation(&identity.implementation, revision));
        }
        Era::Modern => {
            object.serialized("supportedVersions", &Revision::ALL.map(Revision::as_str));
            object.serialized("capabilities", &capabilities(snapshot, revision));
            object.serialized("ttlMs", &identity.list_cache.ttl_ms);
            object.serialized("cacheScope", &identity.list_cache.cache_scope);
        }
    }
    if let Some(instructions) = &identity.instructions {
        object.text("instructions", instructions);
    }
    close_result(object, revision, identity);
}

/// What is declared. Lists are always there, because something may be added while the server runs.
fn capabilities(snapshot: &Snapshot, revision: Revision) -> ServerCapabilities {
    let object = |value: Value| value.as_object().cloned();
    ServerCapabilities {
        tools: object(json!({ "listChanged": true })),
        resources: object(json!({ "listChanged": true, "subscribe": true })),
        prompts: object(json!({ "listChanged": true })),
        // The capability came with 2025-03-26; the method is older.
        completions: (snapshot.completes() && revision >= Revision::V2025_03_26).then(JsonObject::new),
        logging: Some(JsonObject::new()),
        tasks: (snapshot.makes_tasks() && revision == Revision::V2025_11_25)
            .then(|| object(json!({ "list": {}, "cancel": {}, "requests": { "tools": { "call": {} } } })))
            .flatten(),
        extensions: extensions(snapshot, revision),
    }
}

/// Extensions and their settings. Not yet a word of 2025-11-25, whose capabilities are an open set; clients look for it
/// there already.
fn extensions(snapshot: &Snapshot, revision: Revision) -> Option<JsonObject> {
    let mut settings = snapshot.extension_settings();
    if snapshot.makes_tasks() && revision.era() == Era::Modern {
        settings.insert(TASKS_EXTENSION.into(), json!({}));
    }
    Some(settings).filter(|settings| !settings.is_empty() && revision >= Revision::V2025_11_25)
}

fn pages(shared: &Shared, snapshot: &Snapshot, revision: Revision, kind: ListKind) -> Vec<Bytes> {
    let items: Vec<Value> = match kind {
        ListKind::Tools => snapshot.tools().iter().map(|tool| tool_for(tool, revision)).collect(),
        ListKind::Resources => {
            snapshot.resources().iter().map(|resource| resource_for(&resource.definition, revision)).collect()
        }
        ListKind::Templates => snapshot
            .templates()
            .iter()
            .map(|template| template_for(&template.spec.definition, revision))
            .collect(),
        ListKind::Prompts => {
            snapshot.prompts().iter().map(|prompt| prompt_for(&prompt.definition, revision)).collect()
        }
    };
    let per_page = Limits::size(shared.limits.page_items_max);
    let chunks: Vec<&[Value]> = if items.is_empty() { vec![&[]] } else { items.chunks(per_page).collect() };
    let last = chunks.len() - 1;
    let page = |(number, items): (usize, &&[Value])| {
        written(|out| {
            let mut object = Object::open(out);
            object.serialized(name_of(kind), items);
            if number < last {
                object.text("nextCursor", &write_cursor(kind, number + 1));
            }
            if revision.era() == Era::Modern {
                object.serialized("ttlMs", &shared.identity.list_cache.ttl_ms);
                object.serialized("cacheScope", &shared.identity.list_cache.cache_scope);
            }
            close_result(object, revision, &shared.identity);
        })
    };
    chunks.iter().enumerate().map(page).collect()
}

fn name_of(kind: ListKind) -> &'static str {
    match kind {
        ListKind::Tools => "tools",
        ListKind::Resources => "resources",
        ListKind::Templates => "resourceTemplates",
        ListKind::Prompts => "prompts",
    }
}

/// A cursor names its list and its page, so that one list's does not open another.
fn write_cursor(kind: ListKind, page: usize) -> String {
    URL_SAFE_NO_PAD.encode(format!("{}:{page}", name_of(kind)))
}

fn read_cursor(kind: ListKind, cursor: &str) -> Option<usize> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    text.strip_prefix(name_of(kind))?.strip_prefix(':')?.parse().ok().filter(|page| *page > 0)
}

/// A tool as this revision describes it: members that it does not know are left out.
fn tool_for(tool: &Tool, revision: Revision) -> Value {
    let support = tool.task.as_deref().map(|policy| policy.support);
    let mut tool = tool.definition.clone();
    if revision == Revision::V2025_11_25 && support.is_some() {
        tool.execution = Some(ToolExecution { task_support: support });
    }
    if revision < Revision::V2025_03_26 {
        tool.annotations = None;
    }
    // Until 2026-07-28 structured output is an object.
    let describes_object = |schema: &Value| schema.get("type").and_then(Value::as_str) == Some("object");
    if revision.era() == Era::Legacy && !tool.output_schema.as_ref().is_some_and(describes_object) {
        tool.output_schema = None;
    }
    if revision < Revision::V2025_06_18 {
        (tool.title, tool.output_schema, tool.meta) = (None, None, None);
    }
    if revision < Revision::V2025_11_25 {
        tool.icons.clear();
    }
    if revision.era() == Era::Legacy {
        with_object_properties(&mut tool.input_schema);
    }
    to_value(&tool)
}

/// Older revisions want an object where JSON Schema also allows `true`.
fn with_object_properties(schema: &mut Value) {
    if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
        for property in properties.values_mut() {
            match property {
                Value::Bool(true) => *property = json!({}),
                Value::Bool(false) => *property = json!({ "not": {} }),
                Value::Null | Value::Number(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {}
            }
        }
    }
}

fn resource_for(definition: &ResourceDefinition, revision: Revision) -> Value {
    let mut resource = definition.clone();
    resource.annotations = downgrade::annotations(resource.annotations, revision);
    if revision < Revision::V2025_06_18 {
        (resource.title, resource.meta) = (None, None);
    }
    if revision < Revision::V2025_11_25 {
        resource.icons.clear();
    }
    to_value(&resource)
}

fn template_for(definition: &TemplateDefinition, revision: Revision) -> Value {
    let mut template = definition.clone();
    template.annotations = downgrade::annotations(template.annotations, revision);
    if revision < Revision::V2025_06_18 {
        (template.title, template.meta) = (None, None);
    }
    if revision < Revision::V2025_11_25 {
        template.icons.clear();
    }
    to_value(&template)
}

fn prompt_for(definition: &PromptDefinition, revision: Revision) -> Value {
    let mut prompt = definition.clone();
    if revision < Revision::V2025_06_18 {
        (prompt.title, prompt.meta) = (None, None);
        prompt.arguments.iter_mut().for_each(|argument| argument.title = None);
    }
    if revision < Revision::V2025_11_25 {
        prompt.icons.clear();
    }
    to_value(&prompt)
}

fn to_value(definition: &impl serde::Serialize) -> Value {
    serde_json::to_value(definition).unwrap_or_else(|error| {
        tracing::error!(%error, "a definition could not be written and is sent as null");
        Value::Null
    })
}
