//! How many tasks there are, how large, and how long they are kept.

use std::time::Duration;

use impresario_engine::{TaskSupport, ToolSpec};
use impresario_protocol::Limits;
use serde_json::{Value, json};

use crate::house::{House, any, hold, house_with, number};
use crate::messages::{assert_refused, legacy, modern, text_of, tool};
use crate::pipe::Pipe;
use crate::wait::within;

fn open(change: impl FnOnce(&mut Limits)) -> House {
    house_with(change, |builder, probe| {
        let large =
            ToolSpec::from_context("large", any(), |ctx| async move { "x".repeat(number(&ctx, "size")) });
        builder
            .tool(hold("task", probe).task(TaskSupport::Optional))
            .tool(large.task(TaskSupport::Optional))
            .tool(hold("short", probe).task(TaskSupport::Optional).task_ttl(Duration::from_secs(90)))
    })
}

fn request(method: &str, mut params: Value) -> Value {
    let knows = json!({ "extensions": { "io.modelcontextprotocol/tasks": {} } });
    params["_meta"] = json!({ "io.modelcontextprotocol/clientCapabilities": knows });
    modern(1, method, params)
}

async fn start(pipe: &mut Pipe, name: &str, arguments: Value) -> Value {
    pipe.ask(&request("tools/call", tool(name, arguments))).await
}

async fn get(pipe: &mut Pipe, task: &Value) -> Value {
    pipe.ask(&request("tasks/get", json!({ "taskId": task["result"]["taskId"] }))).await
}

/// The text that a task ends with.
async fn outcome(pipe: &mut Pipe, task: &Value) -> Value {
    let looking = async {
        loop {
            let mut view = get(pipe, task).await;
            if view["result"]["status"] == json!("completed") {
                return view["result"]["result"].take();
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    within("the task has ended", looking).await
}

#[tokio::test]
async fn tasks_max_is_how_many_are_kept_whoever_has_them() {
    let house = open(|limits| limits.tasks_max = 2);
    let mut pipe = Pipe::open(&house.runtime);
    for _ in 0..2 {
        assert_eq!(start(&mut pipe, "task", json!({})).await["result"]["resultType"], json!("task"));
    }
    assert_refused(&start(&mut pipe, "task", json!({})).await, 42900, "tasks_max");
    assert_eq!((house.runtime.shared().tasks.len(), house.calls()), (2, 0));
}

#[tokio::test]
async fn tasks_per_client_max_is_how_many_one_caller_has() {
    let house = open(|limits| limits.tasks_per_client_max = 1);
    let mut pipe = Pipe::open(&house.runtime);
    start(&mut pipe, "task", json!({})).await;
    assert_refused(&start(&mut pipe, "task", json!({})).await, 42900, "tasks_per_client_max");
    assert_eq!(house.probe.begun.get(), 1);
}

#[tokio::test]
async fn task_ttl_ms_is_how_long_one_is_kept_that_asks_for_nothing_else() {
    let house = open(|limits| (limits.task_ttl_ms, limits.task_poll_interval_ms) = (150, 1));
    let mut pipe = Pipe::open(&house.runtime);
    let task = start(&mut pipe, "task", json!({})).await;
    assert_eq!(task["result"]["ttlMs"], json!(150));
    let other = start(&mut pipe, "short", json!({})).await;
    assert_eq!(other["result"]["ttlMs"], json!(90_000), "it has its own");
    let gone = async {
        while get(&mut pipe, &task).await.get("error").is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    within("the task has expired", gone).await;
    assert_refused(&get(&mut pipe, &task).await, -32602, "expired");
    // Its tool is stopped with it.
    house.probe.gone.reaches(1).await;
}

#[tokio::test]
async fn task_ttl_max_ms_is_the_longest_that_a_client_or_a_tool_gets() {
    let house = open(|limits| limits.task_ttl_max_ms = 60_000);
    let mut pipe = Pipe::open_legacy(&house.runtime).await;
    for (asked, given) in [(59_999, 59_999), (60_000, 60_000), (60_001, 60_000), (1, 1_000)] {
        let mut params = tool("task", json!({}));
        params["task"] = json!({ "ttl": asked });
        let task = pipe.ask(&legacy(1, "tools/call", params)).await;
        assert_eq!(task["result"]["task"]["ttl"], json!(given), "{task}");
    }
    let mut pipe = Pipe::open(&house.runtime);
    assert_eq!(start(&mut pipe, "short", json!({})).await["result"]["ttlMs"], json!(60_000));
}

#[tokio::test]
async fn task_poll_interval_ms_is_what_clients_are_told() {
    let house = open(|limits| limits.task_poll_interval_ms = 250);
    let mut pipe = Pipe::open(&house.runtime);
    let task = start(&mut pipe, "task", json!({})).await;
    assert_eq!(task["result"]["pollIntervalMs"], json!(250));
    assert_eq!(get(&mut pipe, &task).await["result"]["pollIntervalMs"], json!(250));
}

#[tokio::test]
async fn task_result_bytes_max_is_what_one_task_may_come_to() {
    /// What a block takes beside its text.
    const BLOCK: u64 = 64;
    let house = open(|limits| limits.task_result_bytes_max = 1_000 + BLOCK);
    let mut pipe = Pipe::open(&house.runtime);
    let fits = start(&mut pipe, "large", json!({ "size": 1_000 })).await;
    assert_eq!(text_of(&json!({ "result": outcome(&mut pipe, &fits).await })).len(), 1_000);
    let large = start(&mut pipe, "large", json!({ "size": 1_001 })).await;
    let said = outcome(&mut pipe, &large).await;
    assert_eq!(said["isError"], json!(true));
    assert!(said["content"][0]["text"].as_str().unwrap().contains("task_result_bytes_max"), "{said}");
    let plain = pipe.modern(2, "large", json!({ "size": 1_001 })).await;
    assert_eq!(text_of(&plain).len(), 1_001, "a plain call has another limit");
}

#[tokio::test]
async fn task_bytes_max_bounds_requests_and_results_of_all_tasks() {
    let house = open(|limits| limits.task_bytes_max = 4_000);
    let mut pipe = Pipe::open(&house.runtime);
    let padding = |bytes: usize| json!({ "padding": "y".repeat(bytes) });
    assert_refused(&start(&mut pipe, "task", padding(4_000)).await, 42900, "task_bytes_max");
    let held = start(&mut pipe, "task", padding(2_000)).await;
    assert_eq!(held["result"]["resultType"], json!("task"), "{held}");
    let large = start(&mut pipe, "large", json!({ "size": 3_000 })).await;
    let said = outcome(&mut pipe, &large).await;
    assert!(said["content"][0]["text"].as_str().unwrap().contains("task_bytes_max"), "{said}");
    pipe.ask(&request("tasks/cancel", json!({ "taskId": held["result"]["taskId"] }))).await;
    let fits = start(&mut pipe, "large", json!({ "size": 3_000 })).await;
    assert!(outcome(&mut pipe, &fits).await.get("isError").is_none());
}
