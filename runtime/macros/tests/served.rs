//! Functions with the macros, registered in a runtime and asked over its protocol, and called as functions.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]
#![allow(clippy::needless_pass_by_value, reason = "a completion is given its request by value")]

use std::borrow::Cow;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::session::{Connection, ConnectionKind, Frame, Via};
use impresario_engine::{
    Caller, CompletionRequest, Context, Json, Limits, McpError, PromptMessage, Runtime, ToolError, prompt,
    resource, tool,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Add two numbers.
///
/// Both are floats.
#[tool(
    title = "Add",
    timeout = "5s",
    cache(ttl = "5m", scope = "public", max_bytes = 65536),
    annotations(read_only, destructive = false),
    icon = "https://example.org/add.png",
    icon = "data:image/png;base64,AA=="
)]
async fn add(#[doc = "first addend"] a: f64, b: f64) -> f64 {
    a + b
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Mode {
    Fast,
    Slow,
}

/// Everything that a cache may be told.
#[tool(cache(
    ttl = "5m", scope = "tenant", max_bytes = 65536, entries_max = 100, bytes_max = 1048576, eviction = "lru",
    key_fields = ["a"], errors = ["not_found", "gone"], error_ttl = "30s", stale_while_revalidate = "1m",
    stale_if_error = "1h", tags = ["sums"], forget_on_list_changed = ["tools", "resources", "prompts"]
))]
fn kept(a: f64, b: f64) -> f64 {
    a + b
}

#[tool(cache(ttl = "5m", scope = "public", key_fields = [], warm = [serde_json::json!({ "a": 1.0 })]))]
fn warmed(a: f64) -> f64 {
    a
}

/// Its own name, `add` and `ctx` are names of parameters, too.
#[tool(name = "find.lines", description = "Find lines.")]
async fn query(
    /// what to look for
    query: &str,
    #[serde(rename = "theMode")] mode: Option<Mode>,
    #[schemars(range(min = 1, max = 9))]
    #[arg(default = 3)]
    mut limit: u8,
    #[serde(rename = "kind")]
    #[arg(default = "none", header = "Kind")]
    r#type: String,
    add: Option<&str>,
    words: Vec<Cow<'_, str>>,
    ctx: &Context,
    _: Context,
) -> Result<String, ToolError> {
    limit += 1;
    if ctx.is_cancelled() {
        return Err(ToolError::from("cancelled"));
    }
    Ok(format!("{query} {mode:?} {limit} {type} {add:?} {words:?}"))
}

/// Blocks.
#[tool(blocking)]
fn halve(number: u64) -> Result<u64, String> {
    if number.is_multiple_of(2) { Ok(number / 2) } else { Err(format!("{number} is odd")) }
}

#[derive(Serialize, JsonSchema)]
struct Sizes {
    first: usize,
    second: usize,
}

#[tool]
fn sizes(first: &str, second: &str) -> Json<Sizes> {
    Json(Sizes { first: first.len(), second: second.len() })
}

/// Counts down by calling itself.
#[tool]
fn countdown(from: u32) -> String {
    if from == 0 { "0".into() } else { format!("{from} {}", countdown(from - 1)) }
}

#[tool]
fn nothing() {}

/// Shows what it was given, and more than it should.
#[tool(output(clean, bidi = "escape", bytes_max = 64))]
fn screened(
    #[serde(rename = "theText")]
    #[arg(text(max_chars = 5, pattern = "[a-z ]*", bidi = "strip"))]
    text: &str,
    #[arg(text(strict))] words: Vec<String>,
) -> String {
    format!("\u{1b}[1m{text}\u{1b}[m\u{202e} {words:?}")
}

/// The settings.
#[resource(uri = "config://app", mime_type = "text/x-settings", cache(ttl = "1m", scope = "public"))]
fn settings() -> &'static str {
    "dark"
}

fn titles(request: CompletionRequest) -> Vec<String> {
    request.among(["emma", "persuasion"])
}

#[resource(uri = "book://{title}/{number}{?format}", name = "page")]
async fn page_of_book(
    number: u32,
    #[arg(complete = titles)] title: &str,
    format: Option<String>,
    ctx: Context,
) -> Result<String, McpError> {
    if ctx.is_cancelled() {
        return Err(McpError::internal());
    }
    Ok(format!("{title} {number} {format:?}"))
}

/// Explain a subject.
#[prompt(title = "Explain")]
async fn explain(
    /// what to explain
    subject: &str,
    #[arg(complete = ["easy", "hard"])] level: Option<&str>,
    #[arg(complete = |request: CompletionRequest| vec![format!("{}0", request.value)])] minutes: Option<u8>,
) -> Vec<PromptMessage> {
    vec![PromptMessage::user(format!("{subject} {level:?} {minutes:?}"))]
}

/// The result or the error that a server with all these answers.
fn ask(method: &str, params: &Value) -> Value {
    let runtime = Runtime::builder()
        .tool(add)
        .tool(query)
        .tool(halve)
        .tool(sizes)
        .tool(countdown)
        .tool(nothing)
        .tool(screened)
        .resource(settings)
        .resource(page_of_book)
        .prompt(explain)
        .lanes(1)
        .start()
        .unwrap();
    reply(&runtime, method, params)
}

/// The result or the error that this server answers.
fn reply(runtime: &Runtime, method: &str, params: &Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let (answer_tx, answer_rx) = sync_channel(1);
    let errand = move |stage: &std::rc::Rc<impresario_engine::session::Stage>| {
        let message = Message::parse(request.as_bytes(), &DecodeLimits::from(&Limits::default())).unwrap();
        let connection = Connection::open(stage.clone(), Caller::default(), ConnectionKind::Pipe);
        let mut exchange = connection.request(message, Via::InProcess);
        tokio::task::spawn_local(async move {
            if let Frame::Reply(reply) = exchange.next_frame().await {
                answer_tx.send(reply.into_bytes()).unwrap();
            }
            connection.close();
        });
    };
    runtime.on_lane(0, errand).unwrap();
    let body = answer_rx.recv_timeout(Duration::from_secs(10)).unwrap();
    let mut answer: Value = serde_json::from_slice(&body).unwrap();
    let member = if answer.get("error").is_some() { "error" } else { "result" };
    answer[member].take()
}

/// The text of a tool's answer, or `error: …`.
fn call(name: &str, arguments: &Value) -> String {
    let answer = ask("tools/call", &json!({"name": name, "arguments": arguments}));
    match (answer["message"].as_str(), answer["isError"].as_bool()) {
        (Some(message), _) => format!("error: {message}"),
        (None, Some(true)) => format!("error: {}", answer["content"][0]["text"].as_str().unwrap()),
        (None, _) => answer["content"][0]["text"].as_str().unwrap_or("").to_owned(),
    }
}

fn listed(method: &str, list: &str, name: &str) -> Value {
    let answer = ask(method, &json!({}));
    let items = answer[list].as_array().unwrap();
    items.iter().find(|item| item["name"] == name).unwrap().clone()
}

#[test]
fn every_setting_of_a_cache_reaches_the_runtime() {
    let runtime = Runtime::builder().tool(kept).tool(warmed).lanes(1).start().unwrap();
    for b in [1.0, 2.0] {
        let answer = reply(&runtime, "tools/call", &json!({"name": "kept", "arguments": {"a": 1.0, "b": b}}));
        assert_eq!(answer["content"][0]["text"], "2", "b does not tell calls apart");
    }
    let warm = std::iter::repeat_with(|| runtime.cache().stats());
    let mut looks = warm.take_while(|stats| stats.total.misses < 2);
    let late = std::time::Instant::now() + Duration::from_secs(10);
    assert!(looks.all(|_| std::time::Instant::now() < late), "the warm-up call was never made");
    let stats = runtime.cache().stats();
    let tool = |name: &str| stats.tools.iter().find(|tool| tool.tool == name).unwrap();
    assert_eq!(tool("kept").tags, ["sums"]);
    assert_eq!((tool("kept").figures.hits, tool("kept").figures.misses), (1, 1));
    assert_eq!((tool("warmed").figures.hits, tool("warmed").figures.misses), (0, 1));
}

#[tokio::test]
async fn a_name_is_still_the_function() {
    assert_eq!(add(1.0, 2.0).await.to_string(), "3");
    assert_eq!(halve(4), Ok(2));
    assert_eq!(countdown(2), "2 1 0");
    let () = nothing();
    // Borrowed arguments need not live longer than the call.
    let (short, long) = (String::from("a"), String::from("abc"));
    assert_eq!(sizes(&short, &long).0.second, 3);
    assert_eq!(settings(), "dark");
    assert_eq!(explain(&short, Some("easy"), None).await, [PromptMessage::user("a Some(\"easy\") None")]);
    let again = add;
    assert_eq!(again(1.5, 1.5).await.to_string(), "3");
    assert_eq!(format!("{add:?}"), "add");
}

#[test]
fn a_tool_is_described_by_its_attributes_and_doc_comment() {
    let described = listed("tools/list", "tools", "add");
    let number = json!({"type": "number"});
    let expected = json!({
        "name": "add",
        "title": "Add",
        "description": "Add two numbers.\n\nBoth are floats.",
        "icons": [{"src": "https://example.org/add.png"}, {"src": "data:image/png;base64,AA=="}],
        "inputSchema": {
            "type": "object",
            "properties": {"a": {"type": "number", "description": "first addend"}, "b": number},
            "required": ["a", "b"],
        },
        "annotations": {"readOnlyHint": true, "destructiveHint": false},
    });
    assert_eq!(described, expected);
}

#[test]
fn parameters_become_properties() {
    let described = listed("tools/list", "tools", "find.lines");
    assert_eq!(described["description"], "Find lines.");
    let schema = &described["inputSchema"];
    assert_eq!(schema["required"], json!(["query", "words"]));
    let properties = &schema["properties"];
    assert_eq!(properties["query"], json!({"type": "string", "description": "what to look for"}));
    let limit = json!({"type": "integer", "minimum": 1, "maximum": 9, "default": 3});
    assert_eq!(properties["limit"], limit);
    assert_eq!(properties["kind"], json!({"type": "string", "default": "none", "x-mcp-header": "Kind"}));
    assert_eq!(properties["theMode"]["enum"], json!(["fast", "slow", null]));
    let names: Vec<_> = properties.as_object().unwrap().keys().collect();
    assert_eq!(names.len(), 6, "{names:?}");
    let described = listed("tools/list", "tools", "sizes");
    assert_eq!(described["outputSchema"]["required"], json!(["first", "second"]));
    assert_eq!(listed("tools/list", "tools", "nothing")["inputSchema"]["type"], "object");
}

#[test]
fn calls_reach_the_function() {
    let rows = [
        ("add", json!({"a": 1, "b": 2.5}), "3.5"),
        ("find.lines", json!({"query": "q", "words": []}), "q None 4 none None []"),
        (
            "find.lines",
            json!({"query": "q\n", "theMode": "slow", "limit": 7, "kind": "t", "add": "x", "words": ["a"]}),
            "q\n Some(Slow) 8 t Some(\"x\") [\"a\"]",
        ),
        ("halve", json!({"number": 4}), "2"),
        ("halve", json!({"number": 3}), "error: 3 is odd"),
        ("sizes", json!({"first": "a", "second": "é"}), r#"{"first":1,"second":2}"#),
        ("countdown", json!({"from": 2}), "2 1 0"),
        ("nothing", json!({}), ""),
        ("nothing", json!({"unknown": 1}), ""),
        ("screened", json!({"theText": "a\u{202e}b", "words": ["c\nd"]}), "ab\\u{202e} [\"c\\nd\"]"),
        (
            "screened",
            json!({"theText": "A", "words": ["\u{200b}"]}),
            "error: invalid arguments for screened: `theText` must match the pattern `[a-z ]*`, got \"A\"; \
             `words` must not hold invisible characters, got U+200B at character 1",
        ),
    ];
    for (name, arguments, expected) in rows {
        assert_eq!(call(name, &arguments), expected, "{name} {arguments}");
    }
    for (name, arguments) in
        [("add", json!({"a": 1})), ("find.lines", json!({"query": "q", "words": [], "limit": 10}))]
    {
        assert!(call(name, &arguments).starts_with("error: "), "{name} {arguments}");
    }
}

#[test]
fn resources_and_templates_are_read() {
    let described = listed("resources/list", "resources", "settings");
    let expected = json!({
        "uri": "config://app", "name": "settings", "description": "The settings.", "mimeType": "text/x-settings",
    });
    assert_eq!(described, expected);
    let read = ask("resources/read", &json!({"uri": "config://app"}));
    assert_eq!((&read["contents"][0]["text"], &read["ttlMs"]), (&json!("dark"), &json!(60_000)));

    let described = listed("resources/templates/list", "resourceTemplates", "page");
    assert_eq!(described["uriTemplate"], "book://{title}/{number}{?format}");
    let rows = [
        ("book://emma/3", "text", "emma 3 None"),
        ("book://a%20b/3?format=x", "text", "a b 3 Some(\"x\")"),
        ("book://emma/three", "message", "`number` can't be read as u32: three"),
    ];
    for (uri, member, expected) in rows {
        let answer = ask("resources/read", &json!({"uri": uri}));
        let found = answer["contents"][0].get(member).or(answer.get(member));
        assert_eq!(found, Some(&json!(expected)), "{uri}: {answer}");
    }
}

#[test]
fn prompts_are_filled_in() {
    let described = listed("prompts/list", "prompts", "explain");
    let expected = json!({
        "name": "explain",
        "title": "Explain",
        "description": "Explain a subject.",
        "arguments": [
            {"name": "subject", "description": "what to explain", "required": true},
            {"name": "level", "required": false},
            {"name": "minutes", "required": false},
        ],
    });
    assert_eq!(described, expected);
    let get = |arguments: Value| ask("prompts/get", &json!({"name": "explain", "arguments": arguments}));
    let filled = get(json!({"subject": "rust", "minutes": "5"}));
    assert_eq!(filled["messages"][0]["content"]["text"], "rust None Some(5)");
    assert!(get(json!({})).to_string().contains("subject"));
    assert_eq!(
        get(json!({"subject": "rust", "minutes": "300"}))["message"],
        "`minutes` can't be read as u8: 300"
    );
}

#[test]
fn values_are_suggested() {
    let prompt = json!({"type": "ref/prompt", "name": "explain"});
    let template = json!({"type": "ref/resource", "uri": "book://{title}/{number}{?format}"});
    let rows = [
        (&prompt, "level", "h", json!(["hard"])),
        (&prompt, "level", "", json!(["easy", "hard"])),
        (&prompt, "minutes", "1", json!(["10"])),
        (&template, "title", "pers", json!(["persuasion"])),
    ];
    for (reference, name, value, expected) in rows {
        let answer = ask(
            "completion/complete",
            &json!({"ref": reference, "argument": {"name": name, "value": value}}),
        );
        assert_eq!(answer["completion"]["values"], expected, "{name} {value}: {answer}");
    }
}
