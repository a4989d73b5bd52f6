//! Turns work into requests: which tool, which arguments, and what a right answer has.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Number, Value, json};

use crate::check::{Expectation, tool_result};
use crate::client::Item;
use crate::dialect::Ask;
use crate::fault::Fault;
use crate::probe::{Found, Tool};
use crate::work::{Call, Work};

/// The most kinds of work in a mix.
pub const MIX_MAX: usize = 64;
/// What is echoed to find out what a server puts around an echo.
const PROBE: &str = "impresario-loadtest-probe";

/// The requests of a work that is one request after the other.
///
/// # Errors
/// When the server has no such tool, or the arguments do not fit it.
pub async fn items(work: &Work, found: &mut Found) -> Result<Vec<Item>, Fault> {
    match work {
        Work::Mix(mix) => mixed(&mix.file, found).await,
        work => Ok(vec![item(work, found).await?]),
    }
}

async fn item(work: &Work, found: &mut Found) -> Result<Item, Fault> {
    match work {
        Work::Echo(echo) => echo_of(work, &echo.message, found).await,
        Work::Payload(payload) => {
            let size = usize::try_from(payload.size.0).unwrap_or(usize::MAX);
            echo_of(work, &"x".repeat(size), found).await
        }
        Work::Call(call) => {
            let ask = call_of(call, found.tools().await?.as_deref())?;
            Ok(Item { name: work.to_string(), ask, expectation: Expectation::ToolResult, weight: 1.0 })
        }
        Work::List(_) => {
            let ask = Ask::new("tools/list", json!({}));
            Ok(Item { name: work.to_string(), ask, expectation: Expectation::List("tools"), weight: 1.0 })
        }
        other => Err(Fault::plan(format!("`{other}` is no single request; use echo, call, list or payload"))),
    }
}

/// A call of a tool with arguments as words. Where the server's tools are not known, any tool is called, and the words
/// are typed by what they look like.
///
/// # Errors
/// When there is no such tool, or the arguments do not fit it.
pub fn call_of(call: &Call, tools: Option<&[Tool]>) -> Result<Ask, Fault> {
    let unknown = [Tool { name: call.tool.clone(), input_schema: Value::Null }];
    let tools = tools.unwrap_or(&unknown);
    let tool = tools.iter().find(|tool| tool.name == call.tool).ok_or_else(|| {
        let names: Vec<&str> = tools.iter().map(|tool| tool.name.as_str()).collect();
        Fault::plan(format!("the server has no tool `{}`; it has {}", call.tool, names.join(", ")))
    })?;
    let mut arguments = Map::new();
    for word in &call.arguments {
        let (name, value) = argument(word, &tool.input_schema)?;
        arguments.insert(name, value);
    }
    Ok(ask_of(tool, &arguments))
}

fn ask_of(tool: &Tool, arguments: &Map<String, Value>) -> Ask {
    let mut ask = Ask::call(&tool.name, arguments);
    parameter_headers(&tool.input_schema, arguments, &mut ask.parameter_headers);
    ask
}

/// The echo of a message, by whatever the tool `echo` calls its argument. What the server puts around an echo is
/// learned with another message, so that the answer is known exactly.
async fn echo_of(work: &Work, message: &str, found: &mut Found) -> Result<Item, Fault> {
    let tools = found.tools().await?.unwrap_or_default();
    let tool = tools
        .iter()
        .find(|tool| tool.name == "echo")
        .ok_or_else(|| Fault::plan("the server has no tool echo; use call TOOL"))?;
    let argument = text_argument(&tool.input_schema).ok_or_else(|| {
        Fault::plan("the server's tool echo does not take one text; use call echo name=value")
    })?;
    let with = |text: &str| ask_of(tool, &Map::from_iter([(argument.clone(), text.into())]));
    let result = found.ask(&with(PROBE)).await?;
    let echoed = tool_result(&result.to_string())
        .map_err(|trouble| Fault::failed(format!("the server's tool echo does not work: {trouble}")))?;
    let (before, after) = echoed.split_once(PROBE).ok_or_else(|| {
        Fault::plan("the server's tool echo does not return what it is given; use call echo name=value")
    })?;
    let expectation = Expectation::ToolText(format!("{before}{message}{after}"));
    Ok(Item { name: work.to_string(), ask: with(message), expectation, weight: 1.0 })
}

/// The name of a schema's one text: the only one, or the only one that is required.
fn text_argument(schema: &Value) -> Option<String> {
    let properties = schema.get("properties")?.as_object()?;
    let texts: Vec<&String> = properties
        .iter()
        .filter(|(_, schema)| kind(schema) == Some("string"))
        .map(|(name, _)| name)
        .collect();
    if let [only] = texts.as_slice() {
        return Some((*only).clone());
    }
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.is_some_and(|required| required.iter().any(|one| one == name));
    let mut needed = texts.into_iter().filter(|name| is_required(name));
    needed.next().filter(|_| needed.next().is_none()).cloned()
}

/// Reads `name=value` by the schema of `name`, and `name:=JSON`.
fn argument(word: &str, schema: &Value) -> Result<(String, Value), Fault> {
    let parts = word.split_once('=').filter(|(name, _)| !name.trim_end_matches(':').is_empty());
    let (name, text) = parts
        .ok_or_else(|| Fault::plan(format!("`{word}` is no argument; write name=value or name:=JSON")))?;
    let wrong =
        |name: &str, kind: &str| Fault::plan(format!("argument `{name}` must be {kind}, not `{text}`"));
    if let Some(name) = name.strip_suffix(':') {
        let value = serde_json::from_str(text).map_err(|_| wrong(name, "JSON"))?;
        return Ok((name.to_owned(), value));
    }
    let json = || serde_json::from_str::<Value>(text).ok();
    let property = schema.get("properties").and_then(|properties| properties.get(name));
    let value = match property.and_then(kind) {
        Some("string") => Value::from(text),
        Some("integer") => json()
            .filter(|value| value.is_i64() || value.is_u64())
            .ok_or_else(|| wrong(name, "a whole number"))?,
        Some("number") => json().filter(Value::is_number).ok_or_else(|| wrong(name, "a number"))?,
        Some("boolean") => json().filter(Value::is_boolean).ok_or_else(|| wrong(name, "true or false"))?,
        Some("array") => json().filter(Value::is_array).ok_or_else(|| wrong(name, "a JSON array"))?,
        Some("object") => json().filter(Value::is_object).ok_or_else(|| wrong(name, "a JSON object"))?,
        _ => json().unwrap_or_else(|| Value::from(text)),
    };
    Ok((name.to_owned(), value))
}

/// The one type of a schema, `null` not counted.
fn kind(schema: &Value) -> Option<&str> {
    match schema.get("type")? {
        Value::String(kind) => Some(kind),
        Value::Array(kinds) => {
            let mut kinds = kinds.iter().filter_map(Value::as_str).filter(|kind| *kind != "null");
            kinds.next().filter(|_| kinds.next().is_none())
        }
        _ => None,
    }
}

/// What a schema marks with `x-mcp-header` goes into a header too, in revisions that know of it.
fn parameter_headers(schema: &Value, arguments: &Map<String, Value>, headers: &mut Vec<(String, String)>) {
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return };
    for (name, schema) in properties {
        let value = match arguments.get(name) {
            None | Some(Value::Null) => continue,
            Some(value) => value,
        };
        if let Some(header) = schema.get("x-mcp-header").and_then(Value::as_str) {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            headers.push((format!("Mcp-Param-{header}"), text));
        }
        if let Some(inner) = value.as_object() {
            parameter_headers(schema, inner, headers);
        }
    }
}

/// The file of a mix.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MixFile {
    work: Vec<MixPart>,
}

/// One kind of work in it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MixPart {
    #[serde(rename = "do")]
    words: String,
    #[serde(default = "one")]
    weight: Number,
    name: Option<String>,
}

fn one() -> Number {
    Number::from(1)
}

async fn mixed(file: &Path, found: &mut Found) -> Result<Vec<Item>, Fault> {
    let fault = |reason: String| Fault::plan(format!("{}: {reason}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| fault(error.to_string()))?;
    let mix: MixFile = toml::from_str(&text).map_err(|error| fault(error.to_string()))?;
    if !(1..=MIX_MAX).contains(&mix.work.len()) {
        return Err(fault(format!("write 1 to {MIX_MAX} tables [[work]]")));
    }
    let mut items = Vec::new();
    for part in mix.work {
        let weight = part.weight.as_f64().filter(|weight| *weight > 0.0 && weight.is_finite());
        let weight =
            weight.ok_or_else(|| fault(format!("the weight of `{}` must be above 0", part.words)))?;
        let mut item = Box::pin(item(&Work::parse(&part.words)?, found)).await?;
        item.weight = weight;
        item.name = part.name.unwrap_or(item.name);
        items.push(item);
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tool() -> Tool {
        let schema = json!({ "type": "object", "required": ["text"], "properties": {
            "text": { "type": "string" }, "note": { "type": ["string", "null"] }, "count": { "type": "integer" },
            "share": { "type": "number" }, "is_new": { "type": "boolean" }, "list": { "type": "array" },
            "any": {}, "region": { "type": "string", "x-mcp-header": "Region" },
            "deep": { "type": "object", "properties": { "n": { "type": "integer", "x-mcp-header": "N" } } },
        } });
        Tool { name: "t".to_owned(), input_schema: schema }
    }

    #[test]
    fn arguments_are_typed_by_the_schema() {
        let rows = [
            ("text=5", Some(json!("5"))),
            ("note=null", Some(json!("null"))),
            ("count=5", Some(json!(5))),
            ("count=5.5", None),
            ("share=0.5", Some(json!(0.5))),
            ("share=x", None),
            ("is_new=true", Some(json!(true))),
            ("is_new=1", None),
            ("list=[1]", Some(json!([1]))),
            ("any={\"a\":1}", Some(json!({ "a": 1 }))),
            ("any=a=b", Some(json!("a=b"))),
            ("unknown=7", Some(json!(7))),
            ("text:=7", Some(json!(7))),
            ("text:=x", None),
            ("=5", None),
            ("text", None),
        ];
        for (word, expected) in rows {
            assert_eq!(argument(word, &tool().input_schema).ok().map(|(_, value)| value), expected, "{word}");
        }
    }

    #[test]
    fn marked_arguments_go_into_headers() {
        let arguments = ["region=eu".to_owned(), "deep={\"n\":3}".to_owned()].to_vec();
        let ask = call_of(&Call { tool: "t".to_owned(), arguments }, Some(&[tool()])).unwrap();
        let expected = [("Mcp-Param-Region", "eu"), ("Mcp-Param-N", "3")];
        assert_eq!(ask.parameter_headers, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        let fault =
            call_of(&Call { tool: "u".to_owned(), arguments: Vec::new() }, Some(&[tool()])).unwrap_err();
        assert_eq!(fault.to_string(), "the server has no tool `u`; it has t");
    }

    #[test]
    fn the_text_of_an_echo_is_found() {
        let rows = [
            (json!({ "properties": { "message": { "type": "string" } } }), Some("message")),
            (
                json!({ "properties": { "a": { "type": "string" }, "b": { "type": "string" } }, "required": ["b"] }),
                Some("b"),
            ),
            (json!({ "properties": { "a": { "type": "string" }, "b": { "type": "string" } } }), None),
            (json!({ "properties": { "n": { "type": "integer" } } }), None),
            (json!({}), None),
        ];
        for (schema, expected) in rows {
            assert_eq!(text_argument(&schema).as_deref(), expected, "{schema}");
        }
    }
}
