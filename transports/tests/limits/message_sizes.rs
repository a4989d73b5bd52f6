//! What one message may be: bodies, lines, ids, names, metadata, batches, results.

use impresario_engine::{Limits, ResourceContents, TemplateSpec, ToolSpec};
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::house::{House, any, house, house_with};
use crate::http::{Http, LegacySession, mirrored, modern_bytes, post_head};
use crate::messages::{assert_refused, error_of, legacy, modern, text_of, tool};
use crate::pipe::Pipe;

/// A modern call of `echo`, as text, filled up with blanks to that length.
fn padded_echo(length: usize) -> String {
    let text = modern(1, "tools/call", tool("echo", json!({}))).to_string();
    assert!(text.len() <= length, "the limit is too small for the test");
    format!("{text:length$}")
}

fn echo_bytes(http: &Http, body: &str) -> Vec<u8> {
    let headers = mirrored(&serde_json::from_str(body).unwrap());
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    format!("{}\r\n{body}", post_head(http.address(), body.len(), &headers)).into_bytes()
}

async fn assert_healthy(house: &House, http: &mut Http) {
    let begun = house.probe.begun.get();
    let answer = http.modern(&modern("healthy", "tools/call", tool("echo", json!({ "a": 1 })))).await;
    assert_eq!(text_of(&answer.json()), r#"{"a":1}"#);
    assert_eq!(house.probe.begun.get(), begun + 1);
}

async fn assert_pipe_healthy(pipe: &mut Pipe) {
    let answer = pipe.modern("healthy", "echo", json!({ "a": 1 })).await;
    assert_eq!((&answer["id"], text_of(&answer)), (&json!("healthy"), r#"{"a":1}"#));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn body_bytes_max_is_the_largest_body_that_is_read() {
    const MAX: usize = 600;
    let house = house(|limits| limits.body_bytes_max = MAX as u64);
    let address = house.serve();
    for length in [MAX - 1, MAX] {
        let mut http = Http::connect(address).await;
        let bytes = echo_bytes(&http, &padded_echo(length));
        http.send(&bytes).await;
        assert_eq!(text_of(&http.answer().await.json()), "{}");
    }
    let begun = house.probe.begun.get();
    let mut http = Http::connect(address).await;
    let bytes = echo_bytes(&http, &padded_echo(MAX + 1));
    http.send(&bytes).await;
    let answer = http.answer().await;
    assert_eq!(answer.head.status, 413);
    assert_refused(&answer.json(), -32600, "body_bytes_max");
    // The same in chunks, which do not say beforehand how much will come.
    let mut http = Http::connect(address).await;
    let head = post_head(address, 0, &[]).replace("content-length: 0", "transfer-encoding: chunked");
    let (first, rest) = (padded_echo(MAX + 1), "0\r\n\r\n");
    let chunk = format!("{head}\r\n{:x}\r\n{first}\r\n{rest}", first.len());
    http.send(chunk.as_bytes()).await;
    let answer = http.answer().await;
    assert_eq!(answer.head.status, 413);
    assert_refused(&answer.json(), -32600, "body_bytes_max");
    assert_eq!(house.probe.begun.get(), begun, "what was refused was not executed");
    assert_healthy(&house, &mut Http::connect(address).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn body_bytes_max_holds_for_the_mounted_service_too() {
    const MAX: usize = 600;
    let house = house(|limits| limits.body_bytes_max = MAX as u64);
    let service = house.runtime.http_service(HttpConfig::default());
    for (length, status) in [(MAX - 1, 200), (MAX, 200), (MAX + 1, 413)] {
        let body = padded_echo(length);
        let mut request = http::Request::post("/mcp")
            .header("host", "localhost")
            .header("content-type", "application/json");
        for (name, value) in mirrored(&serde_json::from_str(&body).unwrap()) {
            request = request.header(name, value);
        }
        let request = request.body(http_body_util::Full::new(bytes::Bytes::from(body))).unwrap();
        let answer = service.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{length}");
        let body = http_body_util::BodyExt::collect(answer.into_body()).await.unwrap().to_bytes();
        if status == 413 {
            assert_refused(&serde_json::from_slice(&body).unwrap(), -32600, "body_bytes_max");
        }
    }
    assert_eq!(house.probe.begun.get(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn line_bytes_max_is_the_longest_line_that_is_read() {
    const MAX: usize = 600;
    let house = house(|limits| limits.line_bytes_max = MAX as u64);
    let mut pipe = Pipe::open(&house.runtime);
    for length in [MAX - 1, MAX] {
        pipe.send_text(&padded_echo(length)).await;
        assert_eq!(text_of(&pipe.next().await.unwrap()), "{}");
    }
    pipe.send_text(&padded_echo(MAX + 1)).await;
    let refusal = pipe.next().await.unwrap();
    assert_refused(&refusal, -32600, "line_bytes_max");
    assert_eq!(refusal.get("id"), None);
    pipe.send_text(&"x".repeat(100 * MAX)).await;
    assert_refused(&pipe.next().await.unwrap(), -32600, "line_bytes_max");
    assert_eq!(house.probe.begun.get(), 2);
    assert_pipe_healthy(&mut pipe).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn result_bytes_max_turns_larger_results_into_errors() {
    const MAX: usize = 1_000;
    /// What a block of content counts beside its text.
    const BLOCK: usize = 64;
    let house = house(|limits| limits.result_bytes_max = MAX as u64);
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    for size in [MAX - BLOCK - 1, MAX - BLOCK] {
        let answer = pipe.legacy(1, "blob", json!({ "size": size })).await;
        assert_eq!(text_of(&answer).len(), size);
    }
    let answer = pipe.legacy(1, "blob", json!({ "size": MAX - BLOCK + 1 })).await;
    assert_eq!(answer["result"]["isError"], json!(true), "{answer}");
    let text = answer["result"]["content"][0]["text"].as_str().unwrap();
    assert!(text.contains("result_bytes_max"), "{text}");
    let client = house.runtime.connect().await.unwrap();
    let result = client.call_tool("blob", json!({ "size": MAX })).await.unwrap();
    assert!(result.is_error && result.content[0].as_text().unwrap().contains("result_bytes_max"));
    assert_pipe_healthy(&mut pipe).await;
}

/// A call of `echo` with arrays inside each other, so that the whole message has that depth.
fn nested_echo(depth: usize) -> Value {
    // The message, its params, the arguments.
    const AROUND: usize = 3;
    let nested = (0..depth - AROUND).fold(json!(0), |inner, _| json!([inner]));
    modern(7, "tools/call", tool("echo", json!({ "x": nested })))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_depth_max_is_the_deepest_message_that_is_parsed() {
    const MAX: usize = 10;
    let house = house(|limits| limits.json_depth_max = MAX as u64);
    let mut http = Http::connect(house.serve()).await;
    let mut pipe = Pipe::open(&house.runtime);
    for depth in [MAX - 1, MAX] {
        assert!(text_of(&http.modern(&nested_echo(depth)).await.json()).starts_with(r#"{"x":[["#));
        assert!(text_of(&pipe.ask(&nested_echo(depth)).await).starts_with(r#"{"x":[["#));
    }
    let begun = house.probe.begun.get();
    let answer = http.modern(&nested_echo(MAX + 1)).await;
    assert_eq!(answer.head.status, 400);
    assert_refused(&answer.json(), -32700, "json_depth_max");
    assert_refused(&pipe.ask(&nested_echo(MAX + 1)).await, -32700, "json_depth_max");
    assert_eq!(house.probe.begun.get(), begun);
    assert_healthy(&house, &mut http).await;
    assert_pipe_healthy(&mut pipe).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn id_bytes_max_is_the_longest_id_that_is_taken() {
    const MAX: usize = 8;
    let house = house(|limits| limits.id_bytes_max = MAX as u64);
    let mut http = Http::connect(house.serve()).await;
    let mut pipe = Pipe::open(&house.runtime);
    let call = |length| modern("i".repeat(length), "tools/call", tool("echo", json!({})));
    for length in [MAX - 1, MAX] {
        for answer in [http.modern(&call(length)).await.json(), pipe.ask(&call(length)).await] {
            assert_eq!(answer["id"], json!("i".repeat(length)));
            assert_eq!(text_of(&answer), "{}");
        }
    }
    let begun = house.probe.begun.get();
    let answer = http.modern(&call(MAX + 1)).await;
    assert_eq!(answer.head.status, 400);
    for answer in [answer.json(), pipe.ask(&call(MAX + 1)).await] {
        assert_refused(&answer, -32600, "id_bytes_max");
        assert_eq!(answer.get("id"), None);
    }
    assert_eq!(house.probe.begun.get(), begun);
    let answer = pipe.modern(1, "echo", json!({})).await;
    assert_eq!(text_of(&answer), "{}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn method_bytes_max_is_the_longest_method_that_is_looked_up() {
    // As long as `tools/call`, the longest that the test needs.
    const MAX: usize = 10;
    let house = house(|limits| limits.method_bytes_max = MAX as u64);
    let mut http = Http::connect(house.serve()).await;
    let mut pipe = Pipe::open(&house.runtime);
    for length in [MAX - 1, MAX] {
        let call = modern(1, &"m".repeat(length), json!({}));
        assert_eq!(http.modern(&call).await.head.status, 404);
        assert_eq!(error_of(&pipe.ask(&call).await).0, -32601);
    }
    let call = modern(1, &"m".repeat(MAX + 1), json!({}));
    let answer = http.modern(&call).await;
    assert_eq!(answer.head.status, 400);
    assert_refused(&answer.json(), -32600, "method_bytes_max");
    assert_refused(&pipe.ask(&call).await, -32600, "method_bytes_max");
    assert_healthy(&house, &mut http).await;
    assert_pipe_healthy(&mut pipe).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn name_bytes_max_is_the_longest_name_of_a_tool() {
    const MAX: usize = 20;
    let named = |length| ToolSpec::from_context("n".repeat(length), any(), |_ctx| async { "named" });
    let limited = |limits: &mut Limits| limits.name_bytes_max = MAX as u64;
    let house = house_with(limited, |builder, _| builder.tool(named(MAX - 1)).tool(named(MAX)));
    let refused = house.runtime.add_tool(named(MAX + 1)).unwrap_err().to_string();
    assert!(refused.contains("nnnn") && refused.contains("name_bytes_max"), "{refused}");
    let mut http = Http::connect(house.serve()).await;
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    for length in [MAX - 1, MAX] {
        let params = tool(&"n".repeat(length), json!({}));
        assert_eq!(text_of(&http.modern(&modern(1, "tools/call", params.clone())).await.json()), "named");
        assert_eq!(text_of(&pipe.ask(&legacy(1, "tools/call", params)).await), "named");
    }
    for method in ["tools/call", "prompts/get"] {
        let params = tool(&"n".repeat(MAX + 1), json!({}));
        let answer = http.modern(&modern(1, method, params.clone())).await;
        assert_eq!(answer.head.status, 200);
        assert_refused(&answer.json(), -32602, "name_bytes_max");
        assert_refused(&pipe.ask(&legacy(1, method, params)).await, -32602, "name_bytes_max");
    }
    assert_healthy(&house, &mut http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn uri_bytes_max_is_the_longest_resource_uri_and_request_uri() {
    const MAX: usize = 64;
    let template = TemplateSpec::new("any:{+rest}", "any", |_variables, _ctx| async {
        ResourceContents::text("any:x", "read")
    });
    let house =
        house_with(|limits| limits.uri_bytes_max = MAX as u64, |builder, _| builder.resource(template));
    let address = house.serve();
    let mut http = Http::connect(address).await;
    for (length, status) in [(MAX - 1, 200), (MAX, 200), (MAX + 1, 414)] {
        let answer = http.get(&format!("{:?<length$}", "/healthz"), &[]).await;
        assert_eq!(answer.head.status, status, "{length}");
        assert_eq!(status == 414, answer.body.contains("uri_bytes_max"), "{}", answer.body);
    }
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    let uri = |length: usize| format!("any:{}", "u".repeat(length - 4));
    for length in [MAX - 1, MAX] {
        let read = json!({ "uri": uri(length) });
        let answer = http.modern(&modern(1, "resources/read", read.clone())).await.json();
        assert_eq!(answer["result"]["contents"][0]["text"], json!("read"), "{answer}");
        let answer = pipe.ask(&legacy(1, "resources/read", read.clone())).await;
        assert_eq!(answer["result"]["contents"][0]["text"], json!("read"), "{answer}");
        assert!(pipe.ask(&legacy(1, "resources/subscribe", read)).await.get("result").is_some());
    }
    let read = json!({ "uri": uri(MAX + 1) });
    assert_refused(
        &http.modern(&modern(1, "resources/read", read.clone())).await.json(),
        -32602,
        "uri_bytes_max",
    );
    assert_refused(&pipe.ask(&legacy(1, "resources/read", read.clone())).await, -32002, "uri_bytes_max");
    assert_refused(&pipe.ask(&legacy(1, "resources/subscribe", read)).await, -32002, "uri_bytes_max");
    let listen = json!({ "notifications": { "resourceSubscriptions": [uri(MAX + 1)] } });
    assert_refused(
        &http.modern(&modern(1, "subscriptions/listen", listen)).await.json(),
        -32602,
        "uri_bytes_max",
    );
    assert_healthy(&house, &mut http).await;
}

/// Calls `echo` with that much more in its metadata, and says whether it was done.
async fn with_meta(house: &House, extra: Value, limit: &str) -> bool {
    let mut http = Http::connect(house.serve()).await;
    let mut pipe = Pipe::open(&house.runtime);
    let begun = house.probe.begun.get();
    let mut params = tool("echo", json!({}));
    params["_meta"] = extra;
    let call = modern(1, "tools/call", params);
    let answers = [http.modern(&call).await.json(), pipe.ask(&call).await];
    let done = answers[0].get("result").is_some();
    for answer in &answers {
        if done { assert_eq!(text_of(answer), "{}") } else { assert_refused(answer, -32602, limit) }
    }
    assert_eq!(house.probe.begun.get(), if done { begun + 2 } else { begun });
    assert_healthy(house, &mut http).await;
    assert_pipe_healthy(&mut pipe).await;
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meta_keys_max_is_how_many_members_metadata_has() {
    let own = crate::messages::meta().as_object().unwrap().len();
    let house = house(|limits| limits.meta_keys_max = own as u64 + 2);
    for (more, done) in [(1, true), (2, true), (3, false)] {
        let extra = (0..more)
            .map(|key| (format!("example.com/{key}"), json!(key)))
            .collect::<serde_json::Map<_, _>>();
        assert_eq!(with_meta(&house, extra.into(), "meta_keys_max").await, done, "{more}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meta_depth_max_is_how_deep_metadata_is() {
    let house = house(|limits| limits.meta_depth_max = 4);
    for (arrays, done) in [(2, true), (3, true), (4, false)] {
        let nested = (0..arrays).fold(json!(0), |inner, _| json!([inner]));
        assert_eq!(
            with_meta(&house, json!({ "example.com/x": nested }), "meta_depth_max").await,
            done,
            "{arrays}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meta_bytes_max_is_how_long_metadata_is_as_json() {
    const MAX: usize = 400;
    let house = house(|limits| limits.meta_bytes_max = MAX as u64);
    let mut empty = crate::messages::meta();
    empty["example.com/x"] = json!("");
    let own = empty.to_string().len();
    for (length, done) in [(MAX - 1, true), (MAX, true), (MAX + 1, false)] {
        let extra = json!({ "example.com/x": "x".repeat(length - own) });
        assert_eq!(with_meta(&house, extra, "meta_bytes_max").await, done, "{length}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batch_messages_max_is_the_longest_batch() {
    const MAX: usize = 3;
    const BATCHES: &str = "2025-03-26";
    let house = house(|limits| limits.batch_messages_max = MAX as u64);
    let mut http = Http::connect(house.serve()).await;
    let session = LegacySession::open(&mut http, BATCHES).await;
    let mut pipe = Pipe::open_as(&house.runtime, BATCHES).await;
    let batch =
        |count| Value::from_iter((0..count).map(|id| legacy(id, "tools/call", tool("echo", json!({})))));
    for count in [MAX - 1, MAX] {
        for answer in [session.post(&mut http, &batch(count)).await.json(), pipe.ask(&batch(count)).await] {
            assert_eq!(answer.as_array().map(Vec::len), Some(count), "{answer}");
        }
    }
    let begun = house.probe.begun.get();
    let answer = session.post(&mut http, &batch(MAX + 1)).await;
    assert_eq!(answer.head.status, 400);
    assert_refused(&answer.json(), -32600, "batch_messages_max");
    assert_refused(&pipe.ask(&batch(MAX + 1)).await, -32600, "batch_messages_max");
    assert_eq!(house.probe.begun.get(), begun);
    assert_healthy(&house, &mut http).await;
    assert_eq!(text_of(&pipe.legacy(9, "echo", json!({})).await), "{}");
}

#[test]
fn a_padded_echo_is_what_it_claims_to_be() {
    assert_eq!(padded_echo(500).len(), 500);
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    assert!(modern_bytes(address, &nested_echo(8)).starts_with(b"POST /mcp HTTP/1.1\r\n"));
}
