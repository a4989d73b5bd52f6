//! Rules at work: calls to a whole runtime, and what their tools and their clients see.

use std::rc::Rc;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use impresario_codec::{DecodeLimits, Message};
use impresario_protocol::{
    CacheScope, Content, Limits, McpError, ResourceContents, ResourceLink, TaskSupport, ToolResult,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::*;
use crate::cache::CachePolicy;
use crate::caller::Caller;
use crate::context::Context;
use crate::runtime::{Builder, Runtime};
use crate::session::{Connection, ConnectionKind, Frame, Stage, Via};
use crate::tool::ToolSpec;

/// What a server with that one tool answers.
fn call(builder: Builder, tool: ToolSpec, arguments: &Value) -> Value {
    let params = json!({ "name": tool.name(), "arguments": arguments });
    let runtime = builder.tool(tool).lanes(1).start().unwrap();
    ask(&runtime, &params, Via::InProcess)
}

fn ask(runtime: &Runtime, params: &Value, via: Via) -> Value {
    let request = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params }).to_string();
    let (answer_tx, answer_rx) = sync_channel(1);
    let errand = move |stage: &Rc<Stage>| {
        let message = Message::parse(request.as_bytes(), &DecodeLimits::from(&Limits::default())).unwrap();
        let connection = Connection::open(stage.clone(), Caller::default(), ConnectionKind::Pipe);
        let mut exchange = connection.request(message, via);
        tokio::task::spawn_local(async move {
            if let Frame::Reply(reply) = exchange.next_frame().await {
                answer_tx.send(reply.into_bytes()).unwrap();
            }
            connection.close();
        });
    };
    runtime.on_lane(0, errand).unwrap();
    let body = answer_rx.recv_timeout(Duration::from_secs(60)).unwrap();
    serde_json::from_slice(&body).unwrap()
}

fn text_of(answer: &Value) -> &str {
    answer["result"]["content"][0]["text"].as_str().unwrap_or_default()
}

#[derive(Deserialize, JsonSchema)]
struct Search {
    query: String,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    filter: Option<Filter>,
}

#[derive(Deserialize, JsonSchema)]
struct Filter {
    lines: Vec<Line>,
}

#[derive(Deserialize, JsonSchema)]
struct Line {
    text: String,
}

/// Shows what it was given, read as a type.
fn search() -> ToolSpec {
    ToolSpec::new("search", |search: Search, _ctx| async move {
        let lines = search.filter.map(|filter| filter.lines).unwrap_or_default();
        let lines: Vec<_> = lines.into_iter().map(|line| line.text).collect();
        format!("{:?} {:?} {lines:?}", search.query, search.tags)
    })
    .argument("query", TextRule::clean().max_chars(10))
    .argument("tags", TextRule::default().pattern("[a-z]+").bidi(Mark::Strip))
    .argument("filter.lines.text", TextRule::strict())
}

#[test]
fn typed_arguments_are_cleaned_or_refused_wherever_they_stand() {
    let rows = [
        (json!({"query": "clean"}), false, r#""clean" [] []"#),
        (json!({"query": "\u{1b}[1mbo\u{202e}ld\u{1b}[m"}), false, r#""bold" [] []"#),
        (json!({"query": "q", "tags": ["a\u{202e}b", "c"]}), false, r#""q" ["ab", "c"] []"#),
        (json!({"query": "q", "filter": {"lines": [{"text": "x"}]}}), false, r#""q" [] ["x"]"#),
        (
            json!({"query": "eleven char", "tags": ["A"], "filter": {"lines": [{"text": "x"}, {"text": "\0"}]}}),
            true,
            "invalid arguments for search: `query` must have at most 10 characters, got 11; \
             `tags` must match the pattern `[a-z]+`, got \"A\"; \
             `filter.lines.text` must not hold control characters, got U+0000 at character 1",
        ),
        (
            json!({"query": 1}),
            true,
            "invalid arguments for search: `query` must be a string, got the integer 1",
        ),
    ];
    for (arguments, is_error, expected) in rows {
        let answer = call(Runtime::builder(), search(), &arguments);
        assert_eq!(text_of(&answer), expected, "{arguments}");
        assert_eq!(answer["result"]["isError"] == true, is_error, "{arguments}");
    }
}

#[test]
fn what_is_left_must_still_be_what_the_tool_takes() {
    let schema = json!({"type": "object", "properties": {"name": {"type": "string", "minLength": 1}}});
    let tool = ToolSpec::from_context("greet", schema, |ctx: Context| async move {
        ctx.arguments_value()["name"].as_str().unwrap_or_default().to_owned()
    });
    let tool = tool.argument("name", TextRule::clean());
    let answer = call(Runtime::builder(), tool.clone(), &json!({"name": "\u{200b}"}));
    let expected = "invalid arguments for greet: `name` must have at least 1 character, got 0";
    assert_eq!(text_of(&answer), expected);
    // Untyped arguments are cleaned as well, and so are those of a tool with a cache.
    let arguments = json!({"name": "A\u{200b}da", "other": [1, -2.5, "\u{200b}"]});
    assert_eq!(text_of(&call(Runtime::builder(), tool.clone(), &arguments)), "Ada");
    let cached = tool.cache(CachePolicy::ttl(Duration::from_secs(60)).scope(CacheScope::Public));
    assert_eq!(text_of(&call(Runtime::builder(), cached, &arguments)), "Ada");
}

#[test]
fn a_task_sees_what_its_call_would_have_seen() {
    let (seen_tx, seen_rx) = sync_channel(1);
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}}});
    let tool = ToolSpec::from_context("greet", schema, move |ctx: Context| {
        let seen_tx = seen_tx.clone();
        async move { seen_tx.send(ctx.arguments_value()).unwrap() }
    });
    let tool = tool.argument("name", TextRule::clean()).task(TaskSupport::Always);
    let runtime = Runtime::builder().tool(tool).lanes(1).start().unwrap();
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": {"extensions": {"io.modelcontextprotocol/tasks": {}}},
    });
    let params = json!({"name": "greet", "arguments": {"name": "A\u{200b}da"}, "_meta": meta});
    let begun = ask(&runtime, &params, Via::Pipe);
    assert_eq!(begun["result"]["resultType"], "task", "{begun}");
    assert_eq!(seen_rx.recv_timeout(Duration::from_secs(60)).unwrap(), json!({"name": "Ada"}));
}

#[test]
fn a_rule_that_can_not_be_meant_is_refused_at_the_start() {
    let refused = |path: &str, rule: TextRule| {
        let error = Runtime::builder().tool(search().argument(path, rule)).lanes(1).start().unwrap_err();
        error.to_string()
    };
    assert_eq!(
        refused("wording", TextRule::strict()),
        "tool `search` can't be registered: it has a rule for the argument `wording`, which it does not take; \
         it takes: query, tags, filter"
    );
    assert!(refused("query", TextRule::default().pattern("(?=a)")).contains(
        "its rule for the argument `query` can't hold: the pattern `(?=a)` can't be used: error: look-around"
    ));
}

const DIRTY: &str = "\u{1b}[31mred\u{1b}[m\u{202e}";

/// A tool that answers so.
fn answering(result: ToolResult) -> ToolSpec {
    let schema = json!({"type": "object"});
    ToolSpec::from_context("answer", schema, move |_ctx| {
        let result = result.clone();
        async move { result }
    })
}

#[test]
fn every_text_of_an_answer_is_cleaned() {
    let result = ToolResult {
        content: vec![
            Content::text(DIRTY),
            Content::resource(ResourceContents::text("a://b", DIRTY)),
            Content::link(ResourceLink {
                uri: "a://b".into(),
                name: DIRTY.into(),
                title: Some(DIRTY.into()),
                description: Some(DIRTY.into()),
                ..ResourceLink::default()
            }),
        ],
        is_error: true,
        ..ToolResult::default()
    };
    let answer =
        call(Runtime::builder(), answering(result.clone()).output_rule(OutputRule::clean()), &json!({}));
    assert_eq!(
        answer["result"]["content"],
        json!([
            {"type": "text", "text": "red"},
            {"type": "resource", "resource": {"uri": "a://b", "mimeType": "text/plain", "text": "red"}},
            {"type": "resource_link", "uri": "a://b", "name": "red", "title": "red", "description": "red"},
        ])
    );
    // The builder's rule is for tools that have none of their own.
    let builder = || Runtime::builder().output_rule(OutputRule::clean());
    assert_eq!(text_of(&call(builder(), answering(result.clone()), &json!({}))), "red");
    let kept = answering(result).output_rule(OutputRule::KEEP);
    assert_eq!(text_of(&call(builder(), kept, &json!({}))), DIRTY);

    let failing = ToolSpec::from_context("fail", json!({"type": "object"}), |_ctx| async {
        Err::<(), _>(crate::ToolError::from(McpError::invalid_params(DIRTY)))
    });
    assert_eq!(call(builder(), failing, &json!({}))["error"]["message"], "red");
}

#[test]
fn structured_content_is_cleaned_before_it_is_checked() {
    let structured = json!({"names": ["\u{1b}[1mada\u{1b}[m"], "bad\u{200b}": 1});
    let schema = json!({
        "type": "object",
        "properties": {"names": {"items": {"type": "string", "pattern": "^[a-z]+$"}}, "bad": {"type": "integer"}},
        "additionalProperties": false,
    });
    let tool = answering(ToolResult::structured(structured)).output_schema(schema);
    let answer = call(Runtime::builder(), tool.clone().output_rule(OutputRule::clean()), &json!({}));
    let cleaned = json!({"names": ["ada"], "bad": 1});
    assert_eq!(answer["result"]["structuredContent"], cleaned);
    // Its text stays the same as JSON.
    assert_eq!(serde_json::from_str::<Value>(text_of(&answer)).unwrap(), cleaned);
    // Without the rule the same answer breaks the schema.
    assert!(call(Runtime::builder(), tool, &json!({}))["error"].is_object());
}

#[test]
fn what_is_too_long_is_cut_or_refused() {
    let capped = OutputRule::clean().bytes_max(10);
    let answer =
        |result: ToolResult| call(Runtime::builder(), answering(result).output_rule(capped), &json!({}));
    let texts =
        |parts: &[&str]| ToolResult::from(parts.iter().map(|part| Content::text(*part)).collect::<Vec<_>>());
    let shown = |answer: &Value| -> Vec<String> {
        let content = answer["result"]["content"].as_array().unwrap();
        content.iter().map(|block| block["text"].as_str().unwrap().to_owned()).collect()
    };
    // What is stripped does not count.
    assert_eq!(shown(&answer(texts(&["\u{1b}[31m0123456789\u{1b}[m"]))), ["0123456789"]);
    let note = "[cut: these are the first 9 of 15 bytes (bytes_max); ask for less]";
    assert_eq!(shown(&answer(texts(&["012345678ä", "rest"]))), ["012345678", note]);
    let structured = answer(ToolResult::structured(json!({"a": "0123456789"})));
    assert_eq!(structured["result"]["isError"], true);
    assert_eq!(
        text_of(&structured),
        "the result of answer is larger than 10 bytes (bytes_max); ask for less"
    );
}
