//! OpenAPI documents (3.0 and 3.1): each operation that is chosen becomes a tool.
//!
//! References are followed within the document alone: one that leads out of it is refused, never fetched. How deep and
//! how large a schema may be has bounds.

use std::collections::HashSet;

use impresario_engine::JsonObject;
use impresario_outbound::{Outbound, Request, Url};
use serde_json::Value;

use super::arguments::Arguments;
use super::open;
use super::request::Plan;
use super::settings::{Operations, Settings};
use crate::part::{Opening, PartError};
use reference::References;

mod choice;
mod operation;
mod reference;
mod schema;

/// Methods that an operation may have.
const METHODS: &[&str] = &["get", "head", "post", "put", "patch", "delete"];

/// An operation that became a tool.
#[derive(Debug)]
pub(super) struct Operation {
    pub(super) name: String,
    pub(super) title: Option<String>,
    pub(super) description: Option<String>,
    pub(super) arguments: Arguments,
    pub(super) plan: Plan,
    pub(super) output_schema: Option<Value>,
}

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    root: Value,
    /// Where it came from, if that is a URL: what is relative in it is relative to that.
    from: Option<Url>,
}

/// An operation as the document has it.
struct Written<'d> {
    method: &'static str,
    path: &'d str,
    /// What it says of all operations of the path, and of this one.
    item: &'d JsonObject,
    operation: &'d JsonObject,
}

/// Reads the document that the settings name.
///
/// # Errors
/// It can't be read, or is no document of ours.
pub(super) async fn load(
    written: &str,
    settings: &Settings,
    opening: &Opening,
) -> Result<Document, PartError> {
    let is_url = written.starts_with("http://") || written.starts_with("https://");
    let (text, from) = if is_url {
        let (text, from) =
            fetch(written, settings, opening).await.map_err(|problem| at("openapi", problem))?;
        (text, Some(from))
    } else {
        let path = opening.path(written);
        let failed = |problem: String| at("openapi", format!("can't read {}: {problem}", path.display()));
        let bytes = std::fs::metadata(&path).map_err(|error| failed(error.to_string()))?.len();
        if bytes > settings.answer_bytes_max.0 {
            return Err(failed(format!(
                "it is larger than {} bytes (`answer_bytes_max`)",
                settings.answer_bytes_max.0
            )));
        }
        (std::fs::read_to_string(&path).map_err(|error| failed(error.to_string()))?, None)
    };
    Document::parse(&text, from).map_err(|problem| at("openapi", problem))
}

/// A document that stands elsewhere: from its own host and no other, without anything that says who we are.
async fn fetch(written: &str, settings: &Settings, opening: &Opening) -> Result<(String, Url), String> {
    let url = Url::parse(written).map_err(|error| error.to_string())?;
    let config = open::config(settings, &url, opening).map_err(|error| error.to_string())?;
    let outbound = Outbound::new(&config).map_err(|error| error.to_string())?;
    let url = outbound.check(written).map_err(|refusal| refusal.to_string())?;
    let answer = outbound.send(Request::get(url)).await.map_err(|error| error.to_string())?;
    if !answer.status.is_success() {
        return Err(format!("{} answered {}", answer.url.host_str().unwrap_or_default(), answer.status));
    }
    let text = String::from_utf8(answer.body.to_vec()).map_err(|_| "the document is no UTF-8".to_owned())?;
    Ok((text, answer.url))
}

impl Document {
    /// Reads a document, JSON or YAML.
    ///
    /// # Errors
    /// What is wrong with it.
    fn parse(text: &str, from: Option<Url>) -> Result<Self, String> {
        let root: Value = if text.trim_start().starts_with('{') {
            serde_json::from_str(text).map_err(|error| format!("the document is no JSON: {error}"))?
        } else {
            serde_saphyr::from_str(text).map_err(|error| format!("the document is no YAML: {error}"))?
        };
        match root.get("openapi").and_then(Value::as_str) {
            Some(version) if version.starts_with("3.0") || version.starts_with("3.1") => {
                Ok(Self { root, from })
            }
            Some(version) => Err(format!("the document is of OpenAPI {version}; only 3.0 and 3.1 are read")),
            None if root.get("swagger").is_some() => {
                Err("the document is of Swagger 2; convert it to OpenAPI 3".into())
            }
            None => {
                Err("the document has no `openapi` with its version, so it is no OpenAPI document".into())
            }
        }
    }

    /// Where the document says that the API stands.
    ///
    /// # Errors
    /// It does not say it.
    pub(super) fn server(&self) -> Result<String, PartError> {
        let missing =
            || at("base_url", "the document names no server with a whole address; say where the API stands");
        let server = self.root.pointer("/servers/0").ok_or_else(missing)?;
        let mut url = server.get("url").and_then(Value::as_str).ok_or_else(missing)?.to_owned();
        for (name, variable) in server.get("variables").and_then(Value::as_object).into_iter().flatten() {
            let default = variable.get("default").and_then(Value::as_str).unwrap_or_default();
            url = url.replace(&format!("{{{name}}}"), default);
        }
        match (Url::parse(&url), &self.from) {
            (Ok(url), _) => Ok(url.into()),
            (Err(_), Some(from)) => from.join(&url).map(Into::into).map_err(|_| missing()),
            (Err(_), None) => Err(missing()),
        }
    }

    /// The operations that are chosen, as tools.
    ///
    /// # Errors
    /// There are none or too many, or one of them can't be a tool.
    pub(super) fn operations(&self, settings: &Operations) -> Result<Vec<Operation>, PartError> {
        let references = References::new(&self.root);
        let written = self.written(&references).map_err(|problem| at("openapi", problem))?;
        let chosen = choice::choose(&written, settings)?;
        let mut names = HashSet::new();
        let mut operations = Vec::new();
        for (name, written) in chosen {
            if !names.insert(name.clone()) {
                let problem =
                    format!("two operations are called {name}; give one another name in `operations.rename`");
                return Err(at("operations", problem));
            }
            let problem = |problem: String| {
                at("openapi", format!("operation {name}: {problem}; leave it out by `operations.exclude`"))
            };
            let operation =
                operation::read(&name, written, &references, settings.output_schemas).map_err(problem)?;
            operations.push(operation);
        }
        Ok(operations)
    }

    /// All operations, in the order in which they stand.
    fn written<'d>(&'d self, references: &References<'d>) -> Result<Vec<Written<'d>>, String> {
        let mut written = Vec::new();
        for (path, item) in self.root.get("paths").and_then(Value::as_object).into_iter().flatten() {
            let Some(item) = references.resolve(item)?.as_object() else { continue };
            for method in METHODS {
                if let Some(operation) = item.get(*method).and_then(Value::as_object) {
                    written.push(Written { method, path, item, operation });
                }
            }
        }
        Ok(written)
    }
}

fn at(key: &str, problem: impl Into<String>) -> PartError {
    PartError::at(key, problem)
}

#[cfg(test)]
mod tests;
