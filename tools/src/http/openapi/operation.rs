//! One operation as a tool: its parameters and its body as arguments.

use impresario_engine::JsonObject;
use impresario_outbound::{HeaderName, header};
use serde_json::{Value, json};

use super::choice::sanitized;
use super::reference::References;
use super::schema::{Writer, expanded};
use super::{Operation, Written};
use crate::http::arguments::Arguments;
use crate::http::query::{Parameter, Style};
use crate::http::request::{BodyPlan, Plan, header_name, method};
use crate::http::template::{Json, Path, Text, encoded};

/// What a model reads of an operation is cut here.
const DESCRIPTION_CHARS_MAX: usize = 2_000;

/// Reads an operation.
///
/// # Errors
/// Why it can't be a tool.
pub(super) fn read(
    name: &str,
    written: &Written<'_>,
    references: &References<'_>,
    with_output_schema: bool,
) -> Result<Operation, String> {
    let mut reading = Reading::default();
    for parameter in parameters(written, references)? {
        reading.parameter(parameter, references)?;
    }
    if let Some(body) = written.operation.get("requestBody") {
        reading.body(references.resolve(body)?, references)?;
    }
    let Reading { arguments, in_path, query, headers, body } = reading;
    let path = Path::parse(written.path)?
        .rename(|name| in_path.iter().find(|(known, _)| known == name).map(|(_, argument)| argument.clone()));
    let path = path.map_err(|name| format!("nothing says what `{{{name}}}` in its path is"))?;
    let text = |key: &str| {
        let text = written.operation.get(key)?.as_str()?.trim();
        (!text.is_empty()).then(|| text.chars().take(DESCRIPTION_CHARS_MAX).collect::<String>())
    };
    let output_schema = if with_output_schema { output_schema(written, references) } else { None };
    Ok(Operation {
        name: name.to_owned(),
        title: text("summary"),
        description: text("description").or_else(|| text("summary")),
        arguments,
        plan: Plan { method: method(written.method)?, path, query, headers, body },
        output_schema,
    })
}

/// The operation's parameters, and those of its path that it does not have itself.
fn parameters<'d>(written: &Written<'d>, references: &References<'d>) -> Result<Vec<&'d JsonObject>, String> {
    let mut parameters: Vec<&'d JsonObject> = Vec::new();
    for holder in [written.operation, written.item] {
        for parameter in holder.get("parameters").and_then(Value::as_array).into_iter().flatten() {
            let parameter = references.resolve(parameter)?;
            let parameter = parameter.as_object().ok_or("one of its parameters is no object")?;
            let is_same = |known: &&JsonObject| {
                known.get("name") == parameter.get("name") && known.get("in") == parameter.get("in")
            };
            if !parameters.iter().any(is_same) {
                parameters.push(parameter);
            }
        }
    }
    Ok(parameters)
}

/// An operation that is being read.
#[derive(Default)]
struct Reading {
    arguments: Arguments,
    /// Names in the path, and the arguments that stand for them.
    in_path: Vec<(String, String)>,
    query: Vec<Parameter>,
    headers: Vec<(HeaderName, Text)>,
    body: Option<BodyPlan>,
}

impl Reading {
    fn parameter<'d>(
        &mut self,
        parameter: &'d JsonObject,
        references: &References<'d>,
    ) -> Result<(), String> {
        let text = |key: &str| parameter.get(key).and_then(Value::as_str);
        let name = text("name").ok_or("one of its parameters has no name")?;
        let place = text("in").unwrap_or_default();
        let is_required = parameter.get("required") == Some(&Value::Bool(true));
        let unsupported = |what: String| Err(format!("parameter {name}: {what} is not supported"));
        let content = parameter.get("content").and_then(Value::as_object);
        if place == "header" && is_ours(name) || place == "cookie" && !is_required {
            return Ok(());
        }
        let style = match (place, text("style"), content) {
            ("path", None | Some("simple"), None) | ("header", None | Some("simple"), None) => {
                Style::Repeated
            }
            ("query", _, Some(_)) => Style::Json,
            ("query", Some("deepObject"), None) => Style::Deep,
            ("query", Some("spaceDelimited"), None) => Style::Joined("%20"),
            ("query", Some("pipeDelimited"), None) => Style::Joined("%7C"),
            ("query", None | Some("form"), None) => match parameter.get("explode") {
                Some(Value::Bool(false)) => Style::Joined(","),
                _ => Style::Repeated,
            },
            (_, Some(style), _) => return unsupported(format!("the style {style} in {place}")),
            (place, None, _) => return unsupported(format!("such a parameter in {place:?}")),
        };
        let schema =
            content.and_then(|content| content.values().next()?.get("schema")).or(parameter.get("schema"));
        let mut schema = match schema {
            Some(schema) => expanded(references, schema, Writer::Us)?,
            None => json!({}),
        };
        if let (Some(description), Some(schema)) = (text("description"), schema.as_object_mut()) {
            schema.insert("description".into(), description.into());
        }
        let argument = self.argument(name, place);
        self.arguments.add(&argument, schema, is_required || place == "path");
        let value = Text::argument(&argument);
        match place {
            "path" => self.in_path.push((name.to_owned(), argument)),
            "header" => self.headers.push((header_name(name)?, value)),
            _ => self.query.push(Parameter { name: encoded(name), value: Json::Text(value), style }),
        }
        Ok(())
    }

    fn body<'d>(&mut self, body: &'d Value, references: &References<'d>) -> Result<(), String> {
        let is_required = body.get("required") == Some(&Value::Bool(true));
        let content = body.get("content").and_then(Value::as_object);
        let of = |is_it: fn(&str) -> bool| {
            content?
                .iter()
                .find(|(media_type, _)| is_it(media_type.split(';').next().unwrap_or_default().trim()))
        };
        let argument = self.argument("body", "request");
        let value = Text::argument(&argument);
        let (media, plan) = if let Some((_, media)) =
            of(|name| name == "application/json" || name.ends_with("+json"))
        {
            (media, BodyPlan::Json(Json::Text(value)))
        } else if let Some((_, media)) = of(|name| name == "application/x-www-form-urlencoded") {
            // The members of an object become fields of their own.
            let field =
                Parameter { name: encoded(&argument), value: Json::Text(value), style: Style::Repeated };
            (media, BodyPlan::Form(vec![field]))
        } else if let Some((_, media)) = of(|name| name.starts_with("text/")) {
            (media, BodyPlan::Text(value))
        } else if is_required {
            let media_types: Vec<&String> = content.into_iter().flat_map(|content| content.keys()).collect();
            return Err(format!("a body of {media_types:?} is not supported"));
        } else {
            return Ok(());
        };
        let mut schema = match media.get("schema") {
            Some(schema) => expanded(references, schema, Writer::Us)?,
            None => json!({}),
        };
        if let (Some(description), Some(schema)) = (body.get("description"), schema.as_object_mut()) {
            schema.insert("description".into(), description.clone());
        }
        self.arguments.add(&argument, schema, is_required);
        self.body = Some(plan);
        Ok(())
    }

    /// A name for an argument that no other has.
    fn argument(&self, name: &str, place: &str) -> String {
        let plain = Some(sanitized(name)).filter(|name| !name.is_empty() && !self.arguments.has(name));
        let numbered = (2..).map(|number| format!("{place}_{}_{number}", sanitized(name)));
        let mut others = std::iter::once(format!("{place}_{}", sanitized(name))).chain(numbered);
        plain.or_else(|| others.find(|name| !self.arguments.has(name))).unwrap_or_default()
    }
}

/// Headers that OpenAPI says are described elsewhere; who we are is written in the settings.
fn is_ours(name: &str) -> bool {
    [header::ACCEPT, header::CONTENT_TYPE, header::AUTHORIZATION]
        .iter()
        .any(|ours| name.eq_ignore_ascii_case(ours.as_str()))
}

/// The schema of what comes back, if it is an object's.
fn output_schema(written: &Written<'_>, references: &References<'_>) -> Option<Value> {
    let responses = written.operation.get("responses")?;
    let response = ["200", "201", "2XX"].iter().find_map(|status| responses.get(*status))?;
    let schema = references.resolve(response).ok()?.pointer("/content/application~1json/schema")?;
    let schema = expanded(references, schema, Writer::Api).ok()?;
    (schema.get("type").and_then(Value::as_str) == Some("object")).then_some(schema)
}
