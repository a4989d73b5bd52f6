//! A long text is sent from where it is where it stands in an answer of its own. It must come whole and in its place
//! from everywhere else too: streams, recorded ones, batches, answers that are kept, tasks.

use std::time::Duration;

use impresario_engine::{CachePolicy, Content, Context, MemoryStore, TaskSupport, ToolResult, ToolSpec};
use serde_json::{Value, json};

use crate::house::{House, any, house_with, number};
use crate::http::{Http, LegacySession, modern_bytes};
use crate::messages::{LEGACY, MODERN, legacy, modern, tool, with_progress};
use crate::pipe::Pipe;
use crate::wait::within;

const EXTENSION: &str = "io.modelcontextprotocol/tasks";

/// Long and short texts, with and without something to escape.
fn texts() -> Vec<String> {
    let plain = "0123456789".repeat(10_000);
    let escaped = "\"quoted\"\n\u{1}é".repeat(2_000);
    vec!["first".into(), escaped, plain.clone(), "between".into(), plain, "last".into()]
}

async fn long(ctx: Context) -> ToolResult {
    if number(&ctx, "says") > 0 {
        ctx.progress(1.0, None, None);
    }
    let content: Vec<_> = texts().into_iter().map(Content::text).collect();
    ToolResult { structured_content: Some(json!({ "behind": true })), ..ToolResult::from(content) }
}

fn open() -> House {
    house_with(
        |_| (),
        |builder, _| {
            let hour = CachePolicy::ttl(Duration::from_secs(3_600));
            builder
                .tool(ToolSpec::from_context("long", any(), long))
                .tool(ToolSpec::from_context("kept", any(), long).cache(hour))
                .tool(ToolSpec::from_context("as_task", any(), long).task(TaskSupport::Optional))
        },
    )
}

/// Fails unless a result holds the texts, each in its place, and what follows them.
fn assert_whole(result: &Value, what: &str) {
    let blocks = result["content"].as_array().unwrap_or_else(|| panic!("{what}: no content"));
    let found: Vec<_> = blocks.iter().map(|block| block["text"].as_str().unwrap()).collect();
    assert!(found == texts(), "{what}: other texts");
    if what != "2025-03-26" {
        assert_eq!(result["structuredContent"], json!({ "behind": true }), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plain_answers_streams_and_kept_answers() {
    let house = open();
    let (mut pipe, mut old) = (Pipe::open(&house.runtime), Pipe::open_legacy(&house.runtime).await);
    let mut http = Http::connect(house.serve()).await;
    let session = LegacySession::open(&mut http, LEGACY).await;
    let client = impresario_transports::in_process::connect(&house.runtime).await.unwrap();
    for name in ["long", "kept", "kept"] {
        assert_whole(&pipe.modern(1, name, json!({})).await["result"], name);
        assert_whole(&old.legacy(1, name, json!({})).await["result"], name);
        let request = modern(1, "tools/call", tool(name, json!({})));
        assert_whole(&http.modern(&request).await.message()["result"], name);
        let request = legacy(1, "tools/call", tool(name, json!({})));
        assert_whole(&session.post(&mut http, &request).await.message()["result"], name);
        let result = client.call_tool(name, json!({})).await.unwrap();
        assert_whole(&serde_json::to_value(&result).unwrap(), name);
    }
    let says = || with_progress(tool("long", json!({ "says": 1 })), "t");
    let streamed = http.modern(&modern(1, "tools/call", says())).await;
    assert!(streamed.head.is_stream() && streamed.events().len() == 2);
    assert_whole(&streamed.message()["result"], "a stream");
    let recorded = session.post(&mut http, &legacy(1, "tools/call", says())).await;
    assert!(recorded.head.is_stream() && recorded.body.contains("\nid: "), "a stream that is recorded");
    assert_whole(&recorded.message()["result"], "a recorded stream");
    let id = recorded.body.lines().find_map(|line| line.strip_prefix("id: ")).unwrap();
    let [session_id, version] = session.headers();
    let again = [session_id, version, ("accept", "text/event-stream"), ("last-event-id", id)];
    let replayed = http.get("/mcp", &again).await;
    assert_eq!(replayed.head.status, 200, "{replayed:?}");
    assert_whole(&replayed.message()["result"], "a stream that is resumed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn batches() {
    const BATCHING: &str = "2025-03-26";
    let house = open();
    let batch: Vec<_> = ["long", "kept", "long", "kept"]
        .iter()
        .enumerate()
        .map(|(id, name)| legacy(id, "tools/call", tool(name, json!({ "says": id % 2 }))))
        .collect();
    let batch = Value::from(batch);
    let check = |answers: &Value| {
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), 4);
        answers.iter().for_each(|answer| assert_whole(&answer["result"], BATCHING));
    };
    let mut pipe = Pipe::open_as(&house.runtime, BATCHING).await;
    check(&pipe.ask(&batch).await);
    let mut http = Http::connect(house.serve()).await;
    let session = LegacySession::open(&mut http, BATCHING).await;
    let answer = session.post(&mut http, &batch).await;
    let answers = match answer.head.is_stream() {
        false => answer.json(),
        true => answer.events().into_iter().filter(|event| event.get("result").is_some()).collect(),
    };
    check(&answers);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tasks_of_both_revisions_and_after_a_restart() {
    let store = MemoryStore::default();
    let lasting = || {
        house_with(
            |_| (),
            |builder, _| {
                let tool = ToolSpec::from_context("as_task", any(), long).task(TaskSupport::Optional);
                builder.tool(tool).task_store(store.clone())
            },
        )
    };
    let house = lasting();
    let mut pipe = Pipe::open(&house.runtime);
    let mut old = Pipe::open_legacy(&house.runtime).await;
    let mut ask = tool("as_task", json!({}));
    ask["task"] = json!({});
    let made = old.ask(&legacy(1, "tools/call", ask)).await;
    let id = made["result"]["task"]["taskId"].clone();
    let outcome = old.ask(&legacy(2, "tasks/result", json!({ "taskId": id }))).await;
    assert_whole(&outcome["result"], "tasks/result");
    let made = pipe.ask(&knowing("tools/call", tool("as_task", json!({})))).await;
    let id = made["result"]["taskId"].clone();
    let mut http = Http::connect(house.serve()).await;
    let listen = knowing("subscriptions/listen", json!({ "notifications": { "taskIds": [id] } }));
    http.send(&modern_bytes(http.address(), &listen)).await;
    assert!(http.head().await.is_stream());
    let told = within("the task is told to have ended", async {
        loop {
            let event = http.event().await.unwrap();
            if event["params"]["status"] == json!("completed") {
                return event;
            }
        }
    });
    assert_whole(&told.await["params"]["result"], "notifications/tasks");
    let get = knowing("tasks/get", json!({ "taskId": id }));
    assert_whole(&pipe.ask(&get).await["result"]["result"], "tasks/get");
    house.runtime.shutdown().await;
    let again = lasting();
    assert_whole(&Pipe::open(&again.runtime).ask(&get).await["result"]["result"], "from the store");
}

/// A request of a client that knows tasks.
fn knowing(method: &str, mut params: Value) -> Value {
    params["_meta"] =
        json!({ "io.modelcontextprotocol/clientCapabilities": { "extensions": { EXTENSION: {} } } });
    let request = modern("q", method, params);
    assert_eq!(request["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], json!(MODERN));
    request
}
