//! Every message that we send, in every revision, over a pipe and over HTTP, is one that its revision allows.
//!
//! The specification is no part of the project. `MCP_SPEC_DIR` names the folder where it lies; without it
//! these tests say that they were skipped.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use impresario_protocol::{Era, Revision};
use impresario_transports::Serve as _;
use impresario_transports::http::HttpConfig;
use impresario_transports::lines;
use serde_json::json;

use client::{Client, Wire};
use http_wire::Http;
use judge::Judge;
use pipe_wire::Pipe;
use schemas::Schemas;

#[path = "specification/client.rs"]
mod client;
#[path = "specification/house.rs"]
mod house;
#[path = "specification/http_wire.rs"]
mod http_wire;
#[path = "specification/judge.rs"]
mod judge;
#[path = "specification/pipe_wire.rs"]
mod pipe_wire;
#[path = "specification/schemas.rs"]
mod schemas;
#[path = "specification/script.rs"]
mod script;

/// Longer than any session takes: one that hangs is to fail, not to hang.
const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn every_message_on_a_pipe_is_one_that_its_revision_allows() {
    let Some(folder) = schemas::folder() else { return };
    let mut faults = Vec::new();
    for revision in Revision::ALL {
        let runtime = house::open();
        let (ours, theirs) = tokio::io::duplex(64 * 1024);
        let (read, write) = tokio::io::split(theirs);
        let mut client = Client::new(Wire::Pipe(Pipe::new(ours)), judge(&folder, revision));
        let session = async {
            tokio::join!(lines::serve(&runtime, read, write), script::hold(&mut client, &runtime)).0
        };
        tokio::time::timeout(PATIENCE, session).await.expect("the session ends").unwrap();
        faults.extend(conclude(client.judge, &[]));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[tokio::test]
async fn every_message_over_http_is_one_that_its_revision_allows() {
    let Some(folder) = schemas::folder() else { return };
    let mut faults = Vec::new();
    for revision in Revision::ALL {
        let runtime = house::open();
        let service = runtime.http_service(HttpConfig::default());
        let mut client = Client::new(Wire::Http(Box::new(Http::new(service))), judge(&folder, revision));
        let session = script::hold(&mut client, &runtime);
        tokio::time::timeout(PATIENCE, session).await.expect("the session ends");
        let of_http: &[&str] = if client.is_modern() { &["error -32020"] } else { &[] };
        faults.extend(conclude(client.judge, of_http));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_judge_finds_what_is_wrong() {
    let Some(folder) = schemas::folder() else { return };
    let wrong = [
        (Revision::V2026_07_28, "ping", json!({ "id": 1, "result": { "resultType": "complete" } })),
        (
            Revision::V2026_07_28,
            "prompts/get",
            json!({ "id": 1, "result": { "resultType": "complete", "messages": [] } }),
        ),
        (Revision::V2025_11_25, "tools/list", json!({ "id": 1, "result": { "tools": [], "ttlMs": 1 } })),
        (Revision::V2025_11_25, "tools/list", json!({ "id": 1, "result": { "tools": [{ "name": "a" }] } })),
        (Revision::V2025_11_25, "tools/list", json!({ "id": null, "result": { "tools": [] } })),
        (
            Revision::V2025_06_18,
            "tools/call",
            json!({ "id": 1, "result": { "content": [], "structuredContent": [] } }),
        ),
        (
            Revision::V2025_03_26,
            "prompts/list",
            json!({ "id": 1, "result": { "prompts": [{ "name": "a", "title": "A" }] } }),
        ),
        (Revision::V2025_03_26, "no/such/method", json!({ "id": 1, "result": {} })),
        (
            Revision::V2024_11_05,
            "",
            json!({ "method": "notifications/subscriptions/acknowledged", "params": {} }),
        ),
        (Revision::V2024_11_05, "", json!({ "method": "notifications/resources/updated", "params": {} })),
        (Revision::V2024_11_05, "ping", json!({ "id": 1, "error": { "code": -32600 } })),
        (Revision::V2025_11_25, "tools/call", json!({ "id": 1, "result": { "task": { "taskId": "a" } } })),
        (
            Revision::V2025_11_25,
            "tasks/get",
            json!({ "id": 1, "result": { "taskId": "a", "status": "done" } }),
        ),
        (Revision::V2025_11_25, "tasks/result", json!({ "id": 1, "result": { "content": [] } })),
        (Revision::V2025_11_25, "", json!({ "method": "notifications/tasks", "params": { "taskId": "a" } })),
        (
            Revision::V2026_07_28,
            "tasks/get",
            json!({ "id": 1, "result": { "resultType": "complete", "taskId": "a", "status": "working" } }),
        ),
    ];
    for (revision, asked, mut message) in wrong {
        message["jsonrpc"] = json!("2.0");
        let mut judge = judge(&folder, revision);
        judge.hear(Some(asked), &message);
        assert!(!judge.faults.is_empty(), "{revision} {asked}: {message}");
    }
    let mut judge = judge(&folder, Revision::V2025_11_25);
    judge.hear(Some("tools/list"), &json!({ "jsonrpc": "2.0", "id": 1, "result": { "tools": [] } }));
    assert_eq!(judge.faults, [] as [String; 0]);
}

fn judge(folder: &Path, revision: Revision) -> Judge {
    Judge::new(Schemas::of(folder, revision), Schemas::of_tasks(folder), revision)
}

/// What was wrong with a session's messages, and which kinds it should have provoked and did not.
fn conclude(judge: Judge, of_transport: &[&str]) -> Vec<String> {
    let everywhere = [
        "ListToolsResult",
        "ListResourcesResult",
        "ListResourceTemplatesResult",
        "ListPromptsResult",
        "CallToolResult",
        "ReadResourceResult",
        "GetPromptResult",
        "CompleteResult",
        "ProgressNotification",
        "LoggingMessageNotification",
        "ToolListChangedNotification",
        "ResourceListChangedNotification",
        "PromptListChangedNotification",
        "ResourceUpdatedNotification",
        "error -32700",
        "error -32600",
        "error -32601",
        "error -32602",
        "error -32603",
        "error 42900",
        "error 50300",
    ];
    let of_era: &[&str] = match judge.revision.era() {
        Era::Legacy => &["InitializeResult", "EmptyResult", "error -32002"],
        Era::Modern => &[
            "DiscoverResult",
            "SubscriptionsAcknowledgedNotification",
            "SubscriptionsListenResult",
            "error -32021",
            "error -32022",
        ],
    };
    let of_revision: &[&str] =
        if judge.revision == Revision::V2025_03_26 { &["JSONRPCBatchResponse"] } else { &[] };
    let of_tasks: &[&str] = match judge.revision {
        Revision::V2026_07_28 => &[
            "CreateTaskResult",
            "GetTaskResult",
            "UpdateTaskResult",
            "CancelTaskResult",
            "TaskStatusNotification",
        ],
        Revision::V2025_11_25 => &[
            "CreateTaskResult",
            "GetTaskResult",
            "GetTaskPayloadResult",
            "ListTasksResult",
            "CancelTaskResult",
            "TaskStatusNotification",
        ],
        _ => &[],
    };
    let of_revision = of_revision.iter().chain(of_tasks);
    let expected =
        everywhere.iter().chain(of_era).chain(of_revision).chain(of_transport).map(|kind| kind.to_string());
    let expected: BTreeSet<String> = expected.collect();
    let differ = expected
        .symmetric_difference(&judge.seen)
        .map(|kind| format!("{kind}: expected or seen, but not both"));
    let faults = judge.faults.into_iter().chain(differ);
    faults.map(|fault| format!("{}: {fault}", judge.revision)).collect()
}
