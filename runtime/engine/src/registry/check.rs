//! What is checked when something is registered: a misuse is told here, naming the culprit, and never
//! surfaces in a client's call.

use std::collections::HashSet;
use std::time::Duration;

use impresario_codec::{Schema, SchemaError, SchemaLimits};
use impresario_protocol::{Limits, TaskSupport};
use serde_json::Value;

use super::call_timeout;
use crate::hygiene::{ArgumentRules, RulesError, TextRuleError};
use crate::prompt::PromptSpec;
use crate::resource::TemplateSpec;
use crate::template::{TemplateError, UriTemplate};
use crate::tool::{HeaderParameter, TaskPolicy, Tool, ToolSpec};

/// Something that can't be registered, and why.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{subject} can't be registered: {misuse}")]
pub struct BuildError {
    /// What can't be registered.
    pub subject: Subject,
    /// Why.
    pub misuse: Misuse,
}

/// What was to be registered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Subject {
    /// The tool of that name.
    #[error("tool `{0}`")]
    Tool(String),
    /// The resource at that URI.
    #[error("resource `{0}`")]
    Resource(String),
    /// The template of that text.
    #[error("resource template `{0}`")]
    Template(String),
    /// The prompt of that name.
    #[error("prompt `{0}`")]
    Prompt(String),
    /// The extension of that identifier.
    #[error("extension `{0}`")]
    Extension(String),
    /// The pool of that name.
    #[error("pool `{0}`")]
    Pool(String),
}

impl Subject {
    pub(crate) fn misused(self, misuse: Misuse) -> BuildError {
        BuildError { subject: self, misuse }
    }
}

/// Why something can't be registered.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Misuse {
    /// Something of that name is there already.
    #[error("there is one of that name already")]
    Twice,
    /// The name is no name.
    #[error("its name must be 1 to {max} characters (name_bytes_max) out of A-Z a-z 0-9 _ - .")]
    Name {
        /// The longest that a name may be.
        max: u64,
    },
    /// The URI is no URI.
    #[error("its URI needs a scheme, as in `config://app`")]
    Uri,
    /// The template can't be read or matched.
    #[error("{0}")]
    Template(#[from] TemplateError),
    /// The schema of the arguments is no schema, or one that we refuse.
    #[error("its input schema is refused: {0}")]
    InputSchema(SchemaError),
    /// Arguments are always an object.
    #[error("its input schema must have `\"type\": \"object\"` at the top")]
    InputNotObject,
    /// A schema that is listed is an object.
    #[error("its output schema must be an object, not `true` or `false`")]
    OutputNotObject,
    /// The schema of the output is no schema, or one that we refuse.
    #[error("its output schema is refused: {0}")]
    OutputSchema(SchemaError),
    /// A header can't be made from that parameter.
    #[error("`x-mcp-header` on `{parameter}`: {reason}")]
    Header {
        /// The parameter.
        parameter: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// There is no pool of that name.
    #[error("there is no pool `{pool}`; there are: {there_are}")]
    NoSuchPool {
        /// What the tool names.
        pool: String,
        /// The pools there are.
        there_are: String,
    },
    /// It says how its tasks are to be kept, but it makes none.
    #[error(
        "it sets `restart`, `task_ttl` or `asks_first`, but its calls never become tasks; add `task = \"optional\"`"
    )]
    NeverATask,
    /// Suggestions for something that is not there.
    #[error("completion is given for `{0}`, which it does not have")]
    CompletesNothing(String),
    /// The method of an extension can't be told from another's.
    #[error("its method `{0}` is somebody's already")]
    MethodTwice(String),
    /// A rule for an argument is none.
    #[error("its rule for the argument `{argument}` can't hold: {reason}")]
    TextRule {
        /// The argument's path.
        argument: String,
        /// Why.
        reason: TextRuleError,
    },
    /// A rule for something that the tool does not take.
    #[error("it has a rule for the argument `{argument}`, which it does not take; it takes: {takes}")]
    NoSuchArgument {
        /// The argument's path.
        argument: String,
        /// The arguments there are.
        takes: String,
    },
    /// Two arguments of one name.
    #[error("it takes two arguments `{0}`")]
    ArgumentTwice(String),
    /// Its cache is to tell calls apart by an argument that it does not have: all would share one answer.
    #[error("its cache's key field `{field}` is no argument of it; there are: {there_are}")]
    CacheKeyField {
        /// The field.
        field: String,
        /// The arguments there are.
        there_are: String,
    },
    /// Its cache can't be warmed up so.
    #[error("its cache can't be warmed up: {0}")]
    CacheWarmUp(String),
}

impl From<RulesError> for Misuse {
    fn from(error: RulesError) -> Self {
        match error {
            RulesError::Rule { argument, reason } => Self::TextRule { argument, reason },
            RulesError::NoSuchArgument { argument, takes } => Self::NoSuchArgument { argument, takes },
        }
    }
}

/// Checks a tool and makes it callable; its cache is checked and made on its own.
pub(super) fn tool(
    spec: ToolSpec,
    schemas: &SchemaLimits,
    limits: &Limits,
    pools: &[String],
) -> Result<Tool, Misuse> {
    let ToolSpec {
        mut definition,
        run,
        pool,
        timeout,
        cache: _,
        headers,
        requires,
        task,
        arguments,
        output_rule,
    } = spec;
    name(&definition.name, limits.name_bytes_max)?;
    if definition.input_schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(Misuse::InputNotObject);
    }
    for (parameter, header) in headers {
        mark_header(&mut definition.input_schema, &parameter, &header)?;
    }
    let headers = header_parameters(&definition.input_schema)?;
    let arguments = ArgumentRules::compile(arguments, &definition.input_schema)?.map(Box::new);
    let input = Schema::compile(&definition.input_schema, schemas).map_err(Misuse::InputSchema)?;
    if definition.output_schema.as_ref().is_some_and(|schema| !schema.is_object()) {
        return Err(Misuse::OutputNotObject);
    }
    let output = definition.output_schema.as_ref().map(|schema| Schema::compile(schema, schemas));
    let output = output.transpose().map_err(Misuse::OutputSchema)?;
    let pool = pool.unwrap_or_else(|| crate::workers::DEFAULT_POOL.into());
    let Some(pool_place) = pools.iter().position(|known| *known == pool) else {
        return Err(Misuse::NoSuchPool { pool, there_are: pools.join(", ") });
    };
    let task = task_policy(task, timeout)?;
    let timeout = call_timeout(timeout, limits);
    let result_bytes_max = Limits::size(limits.result_bytes_max);
    Ok(Tool {
        definition,
        input,
        output,
        headers,
        run,
        pool,
        pool_place,
        timeout,
        cache: None,
        task,
        requires,
        result_bytes_max,
        arguments,
        output_rule: output_rule.unwrap_or_default(),
    })
}

/// How calls become tasks; nothing for a tool whose calls never do.
fn task_policy(task: TaskPolicy, timeout: Option<Duration>) -> Result<Option<Box<TaskPolicy>>, Misuse> {
    match task.support {
        TaskSupport::Never if task.restart || task.ttl_ms.is_some() || task.asks_first => {
            Err(Misuse::NeverATask)
        }
        TaskSupport::Never => Ok(None),
        TaskSupport::Optional | TaskSupport::Always => Ok(Some(Box::new(TaskPolicy { timeout, ..task }))),
    }
}

/// Names of tools and prompts (server/tools, "Tool Names").
fn name(name: &str, max: u64) -> Result<(), Misuse> {
    let fits = (1..=Limits::size(max)).contains(&name.len());
    let plain = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if fits && plain { Ok(()) } else { Err(Misuse::Name { max }) }
}

/// A URI has a scheme: a letter, then letters, digits, `+`, `-` or `.`, then a colon (RFC 3986, 3.1).
pub(super) fn uri(uri: &str) -> Result<(), Misuse> {
    let scheme = uri.split_once(':').map_or("", |(scheme, _)| scheme);
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.');
    let good = scheme.starts_with(|c: char| c.is_ascii_alphabetic()) && scheme.chars().all(letters);
    if good { Ok(()) } else { Err(Misuse::Uri) }
}

/// A template can be matched, and completes only variables that it has.
pub(super) fn template(spec: &TemplateSpec) -> Result<UriTemplate, Misuse> {
    uri(&spec.definition.uri_template)?;
    let pattern = UriTemplate::parse(&spec.definition.uri_template)?;
    let variables: HashSet<&str> = pattern.variables().collect();
    match spec.completions.iter().find(|(variable, _)| !variables.contains(variable.as_str())) {
        Some((stranger, _)) => Err(Misuse::CompletesNothing(stranger.clone())),
        None => Ok(pattern),
    }
}

/// A prompt's arguments are named once each, and it completes only arguments that it takes.
pub(super) fn prompt(spec: &PromptSpec, limits: &Limits) -> Result<(), Misuse> {
    name(&spec.definition.name, limits.name_bytes_max)?;
    let mut names = HashSet::new();
    for argument in &spec.definition.arguments {
        if !names.insert(argument.name.as_str()) {
            return Err(Misuse::ArgumentTwice(argument.name.clone()));
        }
    }
    match spec.completions.iter().find(|(argument, _)| !names.contains(argument.as_str())) {
        Some((stranger, _)) => Err(Misuse::CompletesNothing(stranger.clone())),
        None => Ok(()),
    }
}

/// Writes `x-mcp-header` on a top-level parameter.
fn mark_header(schema: &mut Value, parameter: &str, header: &str) -> Result<(), Misuse> {
    let property = schema.pointer_mut("/properties").and_then(|properties| properties.get_mut(parameter));
    let Some(property) = property.and_then(Value::as_object_mut) else {
        return Err(Misuse::Header { parameter: parameter.into(), reason: "the tool has no such parameter" });
    };
    property.insert(HEADER_KEYWORD.into(), header.into());
    Ok(())
}

const HEADER_KEYWORD: &str = "x-mcp-header";

/// The parameters that are mirrored into headers. Every annotation must stand on a primitive property that
/// a chain of `properties` alone leads to (basic/transports/streamable-http, "Schema Extension").
fn header_parameters(schema: &Value) -> Result<Vec<HeaderParameter>, Misuse> {
    let mut found = Vec::new();
    collect_headers(schema, &mut Vec::new(), &mut found)?;
    let annotations = count_annotations(schema);
    if annotations != found.len() {
        let reason = "only properties that a chain of `properties` leads to can be mirrored";
        return Err(Misuse::Header { parameter: String::new(), reason });
    }
    Ok(found)
}

fn collect_headers(
    schema: &Value,
    path: &mut Vec<String>,
    found: &mut Vec<HeaderParameter>,
) -> Result<(), Misuse> {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(()) };
    for (key, property) in properties {
        path.push(key.clone());
        if let Some(header) = property.get(HEADER_KEYWORD) {
            let parameter = || path.join(".");
            let header = header.as_str().unwrap_or_default();
            if let Err(reason) = check_header(header, property) {
                return Err(Misuse::Header { parameter: parameter(), reason });
            }
            let header = format!("mcp-param-{}", header.to_ascii_lowercase());
            if found.iter().any(|other| other.header == header) {
                let reason = "another parameter has the same header";
                return Err(Misuse::Header { parameter: parameter(), reason });
            }
            found.push(HeaderParameter { path: path.clone(), header });
        }
        collect_headers(property, path, found)?;
        path.pop();
    }
    Ok(())
}

fn check_header(header: &str, property: &Value) -> Result<(), &'static str> {
    let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if header.is_empty() || !header.bytes().all(token) {
        return Err("the header must be a token (RFC 9110, 5.6.2)");
    }
    match property.get("type").and_then(Value::as_str) {
        Some("string" | "integer" | "boolean") => Ok(()),
        _ => Err("only a parameter of type string, integer or boolean can be mirrored"),
    }
}

/// How often the keyword stands anywhere in the schema, as a keyword rather than as a property's name.
fn count_annotations(schema: &Value) -> usize {
    match schema {
        Value::Object(members) => members
            .iter()
            .map(|(key, value)| match key.as_str() {
                HEADER_KEYWORD => 1,
                "properties" | "$defs" | "definitions" | "patternProperties" | "dependentSchemas" => {
                    value.as_object().map_or(0, |named| named.values().map(count_annotations).sum())
                }
                "enum" | "const" | "default" | "examples" => 0,
                _ => count_annotations(value),
            })
            .sum(),
        Value::Array(items) => items.iter().map(count_annotations).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn headers_of(schema: &Value) -> Result<Vec<String>, String> {
        header_parameters(schema)
            .map(|found| {
                found.into_iter().map(|one| format!("{} {}", one.path.join("."), one.header)).collect()
            })
            .map_err(|misuse| misuse.to_string())
    }

    #[test]
    fn headers_are_found_along_properties_and_nowhere_else() {
        let text = json!({"type": "string", "x-mcp-header": "Region"});
        let good =
            json!({"type": "object", "properties": {"a": {"type": "object", "properties": {"b": text}}}});
        assert_eq!(headers_of(&good), Ok(vec!["a.b mcp-param-region".into()]));
        let named = json!({"type": "object", "properties": {"x-mcp-header": {"type": "string"}}});
        assert_eq!(headers_of(&named), Ok(vec![]));
        for bad in [
            json!({"type": "object", "properties": {"a": {"type": "array", "items": text}}}),
            json!({"type": "object", "anyOf": [{"properties": {"a": text}}]}),
            json!({"type": "object", "properties": {"a": {"type": "number", "x-mcp-header": "N"}}}),
            json!({"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": ""}}}),
            json!({"type": "object", "properties": {"a": {"type": "string", "x-mcp-header": "a b"}}}),
            json!({"type": "object", "properties": {"a": text, "b": {"type": "string", "x-mcp-header": "REGION"}}}),
        ] {
            assert!(headers_of(&bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_and_uris() {
        for good in ["a", "DATA_EXPORT_v2", "admin.tools.list", &"x".repeat(128)] {
            assert!(name(good, 128).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\n", "ä", &"x".repeat(129)] {
            assert!(name(bad, 128).is_err(), "{bad}");
        }
        for (text, good) in
            [("config://app", true), ("a:b", true), ("app", false), ("://x", false), ("1a:b", false)]
        {
            assert_eq!(uri(text).is_ok(), good, "{text}");
        }
    }
}
