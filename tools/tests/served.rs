//! The packs as a client meets them: offered by a runtime and asked over the protocol.

#![cfg(all(feature = "calc", feature = "lab"))]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::sync::mpsc::sync_channel;
use std::time::Duration;

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::call::CancelReason;
use impresario_engine::session::{Connection, ConnectionKind, Frame, Via};
use impresario_engine::{Caller, Limits, PoolConfig, Runtime};
use impresario_tools::PACKS;
use serde_json::{Value, json};

/// A runtime with every pack, and a single thread for blocking tools.
fn runtime() -> Runtime {
    let pool = PoolConfig { blocking_threads: 1, ..PoolConfig::new("default", &Limits::default()) };
    let builder = PACKS.iter().fold(Runtime::builder(), |builder, pack| (pack.install)(builder));
    builder.pool(pool).lanes(1).start().unwrap()
}

/// Everything that is sent for a request, in order; with `cancel`, the request is taken back at once.
fn frames(runtime: &Runtime, method: &str, params: &Value, cancel: bool) -> Vec<Value> {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let message = Message::parse(request.as_bytes(), &DecodeLimits::from(&Limits::default())).unwrap();
    let (frames_tx, frames_rx) = sync_channel(1);
    let errand = move |stage: &std::rc::Rc<impresario_engine::session::Stage>| {
        let connection = Connection::open(stage.clone(), Caller::default(), ConnectionKind::Pipe);
        let mut exchange = connection.request(message, Via::InProcess);
        tokio::task::spawn_local(async move {
            if cancel {
                exchange.call().cancel(CancelReason::Asked);
            }
            let mut frames = Vec::new();
            loop {
                match exchange.next_frame().await {
                    Frame::Message(json) => frames.push(serde_json::from_slice(&json).unwrap()),
                    Frame::Reply(reply) => {
                        break frames.push(serde_json::from_slice(&reply.into_bytes()).unwrap());
                    }
                    Frame::Nothing => break,
                }
            }
            connection.close();
            frames_tx.send(frames).unwrap();
        });
    };
    runtime.on_lane(0, errand).unwrap();
    frames_rx.recv_timeout(Duration::from_secs(20)).unwrap()
}

/// The result or the error that a request is answered with.
fn ask(runtime: &Runtime, method: &str, params: &Value) -> Value {
    let mut reply = frames(runtime, method, params, false).pop().unwrap();
    let member = if reply.get("error").is_some() { "error" } else { "result" };
    reply[member].take()
}

fn call(runtime: &Runtime, name: &str, arguments: &Value) -> Value {
    ask(runtime, "tools/call", &json!({"name": name, "arguments": arguments}))
}

/// What a model reads of an answer: its text, after `error: ` where the tool failed.
fn text_of(answer: &Value) -> String {
    let text = answer["content"][0]["text"].as_str().or(answer["message"].as_str()).unwrap_or_default();
    let failed = answer["isError"] == true || answer.get("code").is_some();
    format!("{}{text}", if failed { "error: " } else { "" })
}

#[test]
fn tools_answer_their_calls() {
    let runtime = runtime();
    let rows = [
        ("add", json!({"a": 2, "b": 3}), "5"),
        ("add", json!({"a": 2, "b": 3.5}), "5.5"),
        ("calculate", json!({"operation": "multiply", "a": 6, "b": 7}), "42"),
        ("calculate_bmi", json!({"weight_kg": 70, "height_m": 1.75}), "BMI 22.86 (normal)"),
        ("echo", json!({"message": "to be, \"or\" not"}), "to be, \"or\" not"),
        ("blob", json!({"size": 3}), "xxx"),
        ("sleep", json!({"ms": 1}), "slept 1 ms"),
        ("spin", json!({"ms": 1}), "computed for 1 ms"),
    ];
    for (name, arguments, expected) in rows {
        assert_eq!(text_of(&call(&runtime, name, &arguments)), expected, "{name} {arguments}");
    }
}

#[test]
fn structured_output_is_also_told_as_text() {
    let runtime = runtime();
    let items = json!([{"id": 1, "value": 2, "category": "A"}, {"id": "b", "value": 5.5, "category": "B"}]);
    let rows = [
        (
            "analyze_data",
            json!({"data": [1, 2, 0.25], "operations": ["count", "max"]}),
            json!({"count": 3, "max": 2.0, "threshold": 0.5, "above_threshold": 2}),
        ),
        (
            "process_data",
            json!({"data": items, "operation": "sum"}),
            json!({"operation": "sum", "result": 7.5, "ids": [1, "b"]}),
        ),
        (
            "process_data",
            json!({"data": items, "operation": "count", "filter": {"minValue": 3}}),
            json!({"operation": "count", "result": 1.0, "ids": ["b"]}),
        ),
    ];
    for (name, arguments, expected) in rows {
        let answer = call(&runtime, name, &arguments);
        assert_eq!(answer["structuredContent"], expected, "{name} {arguments}");
        assert_eq!(serde_json::from_str::<Value>(&text_of(&answer)).unwrap(), expected, "{name} {arguments}");
    }
    let answer = call(&runtime, "calculate_bmi", &json!({"weight_kg": 70, "height_m": 1.75}));
    assert_eq!(answer["structuredContent"], json!({"bmi": 22.86, "category": "normal"}));
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let runtime = runtime();
    let rows = [
        ("calculate", json!({"operation": "divide", "a": 1, "b": 0}), "by zero"),
        ("calculate", json!({"operation": "modulo", "a": 1, "b": 2}), "operation"),
        ("calculate_bmi", json!({"weight_kg": 0, "height_m": 1.75}), "weight_kg"),
        ("calculate_bmi", json!({"weight_kg": 70, "height_m": -1}), "height_m"),
        ("calculate_bmi", json!({"weight_kg": 70, "height_m": 175}), "height_m"),
        ("analyze_data", json!({"data": [], "operations": ["count"]}), "`data` is empty"),
        ("analyze_data", json!({"data": [1], "operations": []}), "operations"),
        ("analyze_data", json!({"data": ["1"], "operations": ["count"]}), "data"),
        ("process_data", json!({"data": [], "operation": "sum", "filter": {"min_value": 3}}), "min_value"),
        ("blob", json!({"size": 8 * 1024 * 1024 + 1}), "size"),
        ("progress", json!({"steps": 0, "ms": 0}), "steps"),
        ("fail", json!({"message": "as asked"}), "as asked"),
        ("panic", json!({}), "internal error"),
    ];
    for (name, arguments, expected) in rows {
        let text = text_of(&call(&runtime, name, &arguments));
        assert!(text.starts_with("error: ") && text.contains(expected), "{name} {arguments}: {text}");
    }
    assert_eq!(text_of(&call(&runtime, "echo", &json!({"message": "still here"}))), "still here");
}

#[test]
fn a_cancelled_computation_frees_its_thread() {
    let runtime = runtime();
    let forever = json!({"name": "spin", "arguments": {"ms": 600_000}});
    assert_eq!(frames(&runtime, "tools/call", &forever, true), Vec::<Value>::new());
    // There is one thread for blocking tools: this call waits until the first has left it.
    assert_eq!(text_of(&call(&runtime, "spin", &json!({"ms": 1}))), "computed for 1 ms");
}

#[test]
fn progress_is_told_step_by_step() {
    let params = json!({
        "name": "progress",
        "arguments": {"steps": 3, "ms": 1},
        "_meta": {"progressToken": "token"},
    });
    let told = frames(&runtime(), "tools/call", &params, false);
    let steps: Vec<_> = told.iter().filter(|frame| frame["method"] == "notifications/progress").collect();
    assert_eq!(steps.len(), 3, "{told:?}");
    for (step, frame) in (1..).zip(steps) {
        let params = &frame["params"];
        assert_eq!(
            (&params["progressToken"], &params["message"]),
            (&json!("token"), &json!(format!("step {step} of 3")))
        );
        assert_eq!(
            (params["progress"].as_f64(), params["total"].as_f64()),
            (Some(f64::from(step)), Some(3.0))
        );
    }
    assert_eq!(text_of(&told[3]["result"]), "3 steps done");
}

/// The parameters of a call in 2026-07-28, by a client that can be asked anything.
fn askable(name: &str, arguments: &Value) -> Value {
    let able = json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
        "io.modelcontextprotocol/clientCapabilities": able,
    });
    json!({"name": name, "arguments": arguments, "_meta": meta})
}

#[test]
fn tools_ask_and_go_on_with_the_answer() {
    let runtime = runtime();
    let (form, page) = (json!({}), json!({"url": "https://example.org/sign-in"}));
    let said = |action: &str| json!({"action": action});
    let named = json!({"action": "accept", "content": {"name": "Ada"}});
    let text = json!({"role": "assistant", "model": "m", "content": {"type": "text", "text": "hello"}});
    let roots = json!({"roots": [{"uri": "file:///a"}, {"uri": "file:///b"}]});
    let rows = [
        ("ask", &form, "elicitation/create", &named, "Hello, Ada!"),
        ("ask", &form, "elicitation/create", &said("decline"), "Hello, whoever you are!"),
        ("ask_in_task", &form, "elicitation/create", &named, "Hello, Ada!"),
        ("ask_page", &page, "elicitation/create", &said("accept"), "accepted"),
        ("ask_page", &page, "elicitation/create", &said("decline"), "declined"),
        ("ask_page", &page, "elicitation/create", &said("cancel"), "cancelled"),
        ("sample_text", &json!({"prompt": "Say hello."}), "sampling/createMessage", &text, "hello"),
        ("show_roots", &form, "roots/list", &roots, "file:///a\nfile:///b"),
    ];
    for (name, arguments, method, answer, expected) in rows {
        let mut params = askable(name, arguments);
        let first = ask(&runtime, "tools/call", &params);
        let questions = first["inputRequests"].as_object().unwrap_or_else(|| panic!("{name}: {first}"));
        let (key, question) = questions.iter().next().unwrap();
        assert_eq!(question["method"], method, "{name}");
        params["requestState"] = first["requestState"].clone();
        params["inputResponses"] = json!({key: answer});
        assert_eq!(text_of(&ask(&runtime, "tools/call", &params)), expected, "{name} {answer}");
    }
}

#[test]
fn every_tool_is_described_for_a_model() {
    let tools = ask(&runtime(), "tools/list", &json!({}));
    let tools = tools["tools"].as_array().unwrap();
    for tool in tools {
        let name = tool["name"].as_str().unwrap();
        for member in ["title", "description"] {
            assert!(tool[member].as_str().is_some_and(|text| !text.is_empty()), "{name} has no {member}");
        }
        assert_eq!(tool["annotations"]["readOnlyHint"], !["counter", "ask_twice"].contains(&name), "{name}");
        let properties = tool["inputSchema"]["properties"].as_object().cloned().unwrap_or_default();
        for (parameter, schema) in properties {
            assert!(schema["description"].is_string(), "{name}: {parameter} has no description");
        }
    }
    let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap()).collect();
    let calc = ["add", "calculate", "calculate_bmi", "analyze_data", "process_data"];
    let lab = [
        "echo",
        "blob",
        "sleep",
        "spin",
        "fail",
        "panic",
        "counter",
        "progress",
        "long_task",
        "slow_count",
        "kept_count",
        "print",
        "ask",
        "ask_twice",
        "ask_in_task",
        "ask_page",
        "sample_text",
        "show_roots",
    ];
    assert_eq!(names, [&calc[..], &lab[..]].concat());
}

#[test]
fn schemas_say_what_an_argument_may_be() {
    let tools = ask(&runtime(), "tools/list", &json!({}));
    let schema = |tool: &str, pointer: &str| {
        let tool = tools["tools"].as_array().unwrap().iter().find(|listed| listed["name"] == tool).unwrap();
        tool.pointer(pointer).cloned().unwrap_or_default()
    };
    let rows = [
        ("add", "/inputSchema/required", json!(["a", "b"])),
        ("calculate_bmi", "/inputSchema/properties/height_m/exclusiveMinimum", json!(0)),
        ("calculate_bmi", "/outputSchema/required", json!(["bmi", "category"])),
        ("analyze_data", "/inputSchema/properties/threshold/default", json!(0.5)),
        ("analyze_data", "/inputSchema/required", json!(["data", "operations"])),
        ("process_data", "/inputSchema/required", json!(["data", "operation"])),
        ("process_data", "/inputSchema/properties/data/items/required", json!(["id", "value", "category"])),
        ("blob", "/inputSchema/properties/size/maximum", json!(8 * 1024 * 1024)),
    ];
    for (tool, pointer, expected) in rows {
        assert_eq!(schema(tool, pointer), expected, "{tool} {pointer}");
    }
    let operations = schema("calculate", "/inputSchema/properties/operation").to_string();
    for operation in ["add", "subtract", "multiply", "divide"] {
        assert!(operations.contains(&format!("\"{operation}\"")), "{operations}");
    }
}

#[test]
fn resources_prompts_and_suggestions_are_served() {
    let runtime = runtime();
    let greeting = ask(&runtime, "resources/read", &json!({"uri": "greeting://Ada"}));
    assert_eq!(greeting["contents"][0]["text"], "Hello, Ada!");
    let operations = ask(&runtime, "resources/read", &json!({"uri": "calc://operations"}));
    assert_eq!(operations["contents"][0]["text"], r#"["add","subtract","multiply","divide"]"#);
    assert_eq!(operations["contents"][0]["mimeType"], "application/json");
    let arguments = json!({"operation": "division", "level": "advanced"});
    let prompt = ask(&runtime, "prompts/get", &json!({"name": "math_helper", "arguments": arguments}));
    assert!(prompt["messages"][0]["content"]["text"].as_str().unwrap().contains("division"), "{prompt}");
    let missing = ask(&runtime, "prompts/get", &json!({"name": "math_helper"}));
    assert!(missing["message"].as_str().unwrap().contains("operation"), "{missing}");

    let prompt = json!({"type": "ref/prompt", "name": "math_helper"});
    let template = json!({"type": "ref/resource", "uri": "greeting://{name}"});
    let rows = [
        (&prompt, "operation", "add", json!(["addition"])),
        (&prompt, "level", "", json!(["beginner", "intermediate", "advanced"])),
        (&template, "name", "a", json!(["Ada", "Alan"])),
    ];
    for (reference, name, value, expected) in rows {
        let params = json!({"ref": reference, "argument": {"name": name, "value": value}});
        let answer = ask(&runtime, "completion/complete", &params);
        assert_eq!(answer["completion"]["values"], expected, "{name} {value}");
    }
}
