//! Calls of an API as the runtime offers them: tools and resources.

use std::sync::Arc;
use std::time::Duration;

use impresario_engine::{
    CachePolicy, CacheScope, Content, Context, JsonObject, McpError, ReadResult, ResourceContents,
    ResourceEntry, ResourceSpec, TemplateSpec, ToolAnnotations, ToolResult, ToolSpec, UriTemplate, Variables,
};
use impresario_outbound::Method;
use serde_json::Value;

use super::api::{Api, Call};
use super::arguments::{Arguments, check_names};
use super::failure::{failure, unreadable};
use super::openapi::Operation;
use super::request::Plan;
use super::response::{Mapping, Output};
use super::settings::{RequestSettings, ResourceSettings, Settings, ToolSettings};
use crate::part::PartError;

/// The runtime's own clock for a call starts before ours and has to end after it, so that our words are heard.
const SLACK: Duration = Duration::from_secs(1);

/// A tool of the settings.
///
/// # Errors
/// Which key is wrong.
pub(super) fn tool(
    api: &Arc<Api>,
    settings: &Settings,
    name: &str,
    tool: &ToolSettings,
) -> Result<ToolSpec, PartError> {
    let here = |error| below(&format!("tools.{name}"), error);
    let arguments = Arguments::read(&tool.arguments).map_err(here)?;
    let known: Vec<&str> = arguments.names().collect();
    let timeout = tool.timeout.map_or(settings.timeout.0, |timeout| timeout.0);
    let call = call(tool.request(), &known, "arguments.", tool.idempotent, timeout).map_err(here)?;
    let annotations = annotations(&call, tool.read_only);
    let mut spec = spec(api, format!("{}{name}", settings.prefix), &arguments, call)
        .description(tool.description.clone())
        .annotations(annotations);
    if let Some(title) = &tool.title {
        spec = spec.title(title.clone());
    }
    if let Some(schema) = &tool.output_schema {
        spec = spec.output_schema(schema.clone());
    }
    Ok(spec)
}

/// A tool of an OpenAPI document.
pub(super) fn operation(api: &Arc<Api>, settings: &Settings, operation: Operation) -> ToolSpec {
    let Operation { name, title, description, arguments, plan, output_schema } = operation;
    let is_idempotent = plan.method.is_idempotent();
    let call = Call { plan, mapping: Mapping::default(), is_idempotent, timeout: settings.timeout.0 };
    let annotations = annotations(&call, None);
    let mut spec = spec(api, format!("{}{name}", settings.prefix), &arguments, call).annotations(annotations);
    if let Some(title) = title {
        spec = spec.title(title);
    }
    if let Some(description) = description {
        spec = spec.description(description);
    }
    match output_schema {
        Some(schema) => spec.output_schema(schema),
        None => spec,
    }
}

/// A resource of the settings, or a family of them.
///
/// # Errors
/// Which key is wrong.
pub(super) fn resource(
    api: &Arc<Api>,
    settings: &Settings,
    name: &str,
    resource: &ResourceSettings,
) -> Result<ResourceEntry, PartError> {
    let here = |error| below(&format!("resources.{name}"), error);
    let template = UriTemplate::parse(&resource.uri);
    let template = template.map_err(|error| here(PartError::at("uri", error.to_string())))?;
    let known: Vec<&str> = template.variables().collect();
    let call = call(resource.request(), &known, "uri.", None, settings.timeout.0).map_err(here)?;
    let reader = Arc::new(Reader { api: Arc::clone(api), call, mime_type: resource.mime_type.clone() });
    let name = format!("{}{name}", settings.prefix);
    // What is read depends on nobody who reads it: nothing of the caller goes to the API.
    let cache = resource.ttl.map(|ttl| CachePolicy::ttl(ttl.0).scope(CacheScope::Public));
    macro_rules! described {
        ($spec:expr) => {{
            let mut spec = $spec;
            if let Some(title) = &resource.title {
                spec = spec.title(title.clone());
            }
            if let Some(description) = &resource.description {
                spec = spec.description(description.clone());
            }
            if let Some(mime_type) = &resource.mime_type {
                spec = spec.mime_type(mime_type.clone());
            }
            if let Some(cache) = cache {
                spec = spec.cache(cache);
            }
            spec
        }};
    }
    if known.is_empty() {
        let uri = resource.uri.clone();
        let read = move |_ctx| {
            let (reader, uri) = (Arc::clone(&reader), uri.clone());
            async move { reader.read(&uri, &JsonObject::new()).await }
        };
        return Ok(ResourceEntry::Resource(described!(ResourceSpec::new(resource.uri.clone(), name, read))));
    }
    let read = move |variables: Variables, _ctx: Context| {
        let (reader, template) = (Arc::clone(&reader), template.clone());
        async move {
            let arguments =
                variables.iter().map(|(name, value)| (name.to_owned(), Value::from(value))).collect();
            let uri = template.expand(|name| variables.get(name).map(str::to_owned));
            reader.read(&uri, &arguments).await
        }
    };
    Ok(ResourceEntry::Template(described!(TemplateSpec::new(resource.uri.clone(), name, read))))
}

/// A call of the settings.
fn call(
    settings: RequestSettings<'_>,
    known: &[&str],
    unused_key: &str,
    is_idempotent: Option<bool>,
    timeout: Duration,
) -> Result<Call, PartError> {
    let plan = Plan::read(settings)?;
    let mapping = Mapping::read(settings)?;
    check_names(known, plan.names().into_iter().chain(mapping.names()), unused_key)?;
    if mapping.follow.is_some() && plan.method != Method::GET {
        return Err(PartError::at("follow", "only a GET can be followed by another request"));
    }
    let is_idempotent = is_idempotent.unwrap_or(plan.method.is_idempotent());
    Ok(Call { plan, mapping, is_idempotent, timeout })
}

/// A tool that makes that call.
fn spec(api: &Arc<Api>, name: String, arguments: &Arguments, call: Call) -> ToolSpec {
    let timeout = call.timeout + SLACK;
    let (api, call, defaults) = (Arc::clone(api), Arc::new(call), Arc::new(arguments.defaults()));
    let run = move |ctx: Context| {
        let (api, call, defaults) = (Arc::clone(&api), Arc::clone(&call), Arc::clone(&defaults));
        async move {
            let mut arguments = JsonObject::clone(&defaults);
            if let Value::Object(given) = ctx.arguments_value() {
                arguments.extend(given);
            }
            api.call(&call, &arguments).await.map(result).map_err(failure)
        }
    };
    ToolSpec::from_context(name, arguments.schema(), run).timeout(timeout)
}

/// How a call behaves: as its method says, unless its author knows better.
fn annotations(call: &Call, read_only: Option<bool>) -> ToolAnnotations {
    let is_read_only = read_only.unwrap_or(call.plan.method.is_safe());
    ToolAnnotations {
        read_only_hint: Some(is_read_only),
        destructive_hint: Some(!is_read_only && call.plan.method != Method::POST),
        idempotent_hint: Some(call.is_idempotent),
        open_world_hint: Some(true),
        ..ToolAnnotations::default()
    }
}

/// What a tool answers with.
fn result(output: Output) -> ToolResult {
    match output {
        Output::Text(text) => ToolResult::text(text),
        Output::Json(value @ (Value::Object(_) | Value::Array(_))) => ToolResult::structured(value),
        Output::Json(value) => {
            ToolResult::text(super::template::plain(&value).unwrap_or_else(|| "null".into()))
        }
        Output::File { url, media_type, bytes } => {
            ToolResult::from(vec![match media_type.split('/').next() {
                Some("image") => Content::image(bytes, media_type),
                Some("audio") => Content::audio(bytes, media_type),
                _ => Content::resource(ResourceContents::blob(url, bytes).with_mime_type(media_type)),
            }])
        }
    }
}

/// What reads a resource.
struct Reader {
    api: Arc<Api>,
    call: Call,
    /// In place of what the API says.
    mime_type: Option<String>,
}

impl Reader {
    async fn read(&self, uri: &str, arguments: &JsonObject) -> Result<ReadResult, McpError> {
        let output = self.api.call(&self.call, arguments).await.map_err(|failed| unreadable(uri, failed))?;
        let (contents, mime_type) = match output {
            Output::Text(text) => (ResourceContents::text(uri, text), "text/plain".to_owned()),
            Output::Json(value) => {
                (ResourceContents::text(uri, value.to_string()), "application/json".to_owned())
            }
            Output::File { media_type, bytes, .. } => (ResourceContents::blob(uri, bytes), media_type),
        };
        Ok(contents.with_mime_type(self.mime_type.clone().unwrap_or(mime_type)).into())
    }
}

fn below(key: &str, error: PartError) -> PartError {
    let key = if error.key.is_empty() { key.to_owned() } else { format!("{key}.{}", error.key) };
    PartError { key, ..error }
}
