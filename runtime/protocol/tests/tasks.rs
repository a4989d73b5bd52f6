//! The wire types of tasks, held against the schemas of both specifications that have them: whatever a schema allows
//! is read and written again as the same JSON, and what it refuses for want of a member is refused by the type too.
//!
//! The specification is no part of the project. `MCP_SPEC_DIR` names the folder where it lies; without it these tests
//! say that they were skipped.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]
#![allow(clippy::needless_pass_by_value, reason = "the tests write their values where they are passed")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use impresario_protocol::wire::requests::CallToolParams;
use impresario_protocol::wire::tasks;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

type Again = fn(&Value) -> Result<Value, String>;

/// A definition, the type of ours that stands for it, and values that say everything it allows.
type Row = (&'static str, Again, Vec<Value>);

fn again<T: DeserializeOwned + Serialize>(value: &Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(&read).map_err(|error| error.to_string())
}

/// The schema in that file of the specification's folder; nothing when there is no such folder.
fn schema(file: &str) -> Option<Value> {
    let Some(folder) = std::env::var_os("MCP_SPEC_DIR") else {
        // Written past the test runner, which shows nothing of a test that passes.
        let skipped = "skipped: MCP_SPEC_DIR does not name the folder of the specification\n";
        io::stderr().write_all(skipped.as_bytes()).unwrap();
        return None;
    };
    Some(serde_json::from_slice(&fs::read(PathBuf::from(folder).join(file)).unwrap()).unwrap())
}

/// What is wrong with a value that should be of that definition.
fn faults(schema: &Value, definition: &str, value: &Value) -> Vec<String> {
    assert!(schema["$defs"].get(definition).is_some(), "the schema has no `{definition}`");
    let mut schema = schema.clone();
    schema["allOf"] = json!([{ "$ref": format!("#/$defs/{definition}") }]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    validator.iter_errors(value).map(|error| format!("{error} at `{}`", error.instance_path())).collect()
}

/// The members that a definition names, with those of the definitions that it is made of.
fn members(schema: &Value, definition: &Value, found: &mut BTreeSet<String>) {
    if let Some(name) = definition["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
        members(schema, &schema["$defs"][name], found);
    }
    for part in ["allOf", "anyOf"].iter().filter_map(|word| definition[*word].as_array()).flatten() {
        members(schema, part, found);
    }
    found.extend(definition["properties"].as_object().into_iter().flatten().map(|(name, _)| name.clone()));
}

fn hold(schema: &Value, rows: Vec<Row>) {
    for (definition, again, values) in rows {
        let mut said = BTreeSet::new();
        for value in &values {
            assert_eq!(faults(schema, definition, value), [] as [String; 0], "{definition}: {value}");
            assert_eq!(again(value).as_ref(), Ok(value), "{definition}");
            said.extend(value.as_object().unwrap().keys().cloned());
            for name in value.as_object().unwrap().keys() {
                let mut without = value.clone();
                without.as_object_mut().unwrap().remove(name);
                let is_fine = faults(schema, definition, &without).is_empty();
                // A word that says which kind it is may be left out in older revisions, and so in the type.
                if name != "resultType" && !is_fine && !is_of_status(name) {
                    assert!(again(&without).is_err(), "{definition} without {name}: {without}");
                }
            }
        }
        let mut known = BTreeSet::new();
        members(schema, &schema["$defs"][definition], &mut known);
        assert_eq!(said, known, "{definition}: every member is in some value");
    }
}

/// Members that one status must have and others must not: the type has them all as options.
fn is_of_status(name: &str) -> bool {
    matches!(name, "result" | "error" | "inputRequests")
}

const WORDS: [&str; 5] = ["working", "input_required", "completed", "failed", "cancelled"];

fn meta() -> Value {
    json!({ "com.example/note": { "kept": true } })
}

fn core_task(status: &str) -> Value {
    json!({
        "taskId": "t-1", "status": status, "statusMessage": "on the way", "createdAt": "2026-01-31T12:00:00Z",
        "lastUpdatedAt": "2026-01-31T12:00:01.500Z", "ttl": 60_000, "pollInterval": 500,
    })
}

fn with(mut value: Value, more: Value) -> Value {
    let Value::Object(more) = more else { unreachable!("it is an object") };
    value.as_object_mut().unwrap().extend(more);
    value
}

fn request(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": 7, "method": method, "params": params })
}

#[test]
fn the_tasks_of_2025_11_25_are_those_of_its_schema() {
    let Some(schema) = schema("2025-11-25/schema.json") else { return };
    let every = || WORDS.map(core_task).to_vec();
    let bare = json!({
        "taskId": "t-1", "status": "working", "createdAt": "2026-01-31T12:00:00Z",
        "lastUpdatedAt": "2026-01-31T12:00:00Z", "ttl": null,
    });
    let answers = || -> Vec<_> {
        every().into_iter().chain([bare.clone()]).map(|task| with(task, json!({ "_meta": meta() }))).collect()
    };
    let about = |method: &str| vec![request(method, json!({ "taskId": "t-1" }))];
    let told: Vec<_> = every()
        .into_iter()
        .map(|task| json!({ "jsonrpc": "2.0", "method": "notifications/tasks/status", "params": task }))
        .collect();
    hold(
        &schema,
        vec![
            ("Task", again::<tasks::CoreTask>, [every(), vec![bare.clone()]].concat()),
            ("GetTaskRequest", again::<tasks::GetTaskRequest>, about("tasks/get")),
            ("CancelTaskRequest", again::<tasks::CancelTaskRequest>, about("tasks/cancel")),
            ("GetTaskPayloadRequest", again::<tasks::GetTaskPayloadRequest>, about("tasks/result")),
            (
                "ListTasksRequest",
                again::<tasks::ListTasksRequest>,
                vec![request("tasks/list", json!({ "cursor": "c" })), request("tasks/list", json!({}))],
            ),
            (
                "CreateTaskResult",
                again::<tasks::CoreCreateTaskResult>,
                vec![json!({ "task": bare }), json!({ "task": core_task("working"), "_meta": meta() })],
            ),
            ("GetTaskResult", again::<tasks::CoreGetTaskResult>, answers()),
            ("CancelTaskResult", again::<tasks::CoreCancelTaskResult>, answers()),
            (
                "ListTasksResult",
                again::<tasks::ListTasksResult>,
                vec![json!({ "tasks": [] }), json!({ "tasks": every(), "nextCursor": "c", "_meta": meta() })],
            ),
            ("TaskStatusNotification", again::<tasks::CoreTaskStatusNotification>, told),
            ("TaskStatusNotificationParams", again::<tasks::TaskStatusParams<tasks::CoreTask>>, answers()),
            (
                "CallToolRequestParams",
                again::<CallToolParams>,
                vec![
                    json!({ "name": "index", "arguments": { "deep": true }, "task": { "ttl": 1 }, "_meta": { "progressToken": 1 } }),
                    json!({ "name": "index", "task": {} }),
                ],
            ),
        ],
    );
}

fn task(status: &str, more: Value) -> Value {
    let task = json!({
        "taskId": "t-1", "status": status, "statusMessage": "on the way", "createdAt": "2026-01-31T12:00:00Z",
        "lastUpdatedAt": "2026-01-31T12:00:01.500Z", "ttlMs": 60_000, "pollIntervalMs": 500,
    });
    with(task, more)
}

/// A task of every status, with what it brings along.
fn every_task() -> Vec<Value> {
    let form = json!({ "mode": "form", "message": "Who?", "requestedSchema": { "type": "object", "properties": {} } });
    vec![
        task("working", json!({})),
        task(
            "input_required",
            json!({ "inputRequests": { "who": { "method": "elicitation/create", "params": form } } }),
        ),
        task(
            "completed",
            json!({ "result": { "content": [{ "type": "text", "text": "done" }], "isError": true } }),
        ),
        task("failed", json!({ "error": { "code": -32603, "message": "broken", "data": { "why": 1 } } })),
        task("cancelled", json!({ "ttlMs": null })),
    ]
}

#[test]
fn the_tasks_of_the_extension_are_those_of_its_schema() {
    let Some(schema) = schema("extensions/tasks.schema.json") else { return };
    let of_result = |result_type: &str| json!({ "resultType": result_type, "_meta": meta() });
    let about = |method: &str| vec![request(method, json!({ "taskId": "t-1" }))];
    let answers = json!({ "taskId": "t-1", "inputResponses": { "who": { "action": "accept", "content": { "name": "Ada" } } } });
    let done = || vec![of_result("complete")];
    let states =
        || every_task().into_iter().map(|task| with(task, of_result("complete"))).collect::<Vec<_>>();
    let created = WORDS.map(|word| with(task(word, json!({})), of_result("task"))).to_vec();
    let params: Vec<_> = every_task()
        .into_iter()
        .map(|task| with(task, json!({ "_meta": { "io.modelcontextprotocol/subscriptionId": "s" } })))
        .collect();
    let told = params
        .iter()
        .map(|params| json!({ "jsonrpc": "2.0", "method": "notifications/tasks", "params": params }))
        .collect();
    hold(
        &schema,
        vec![
            ("Task", again::<tasks::Task>, WORDS.map(|word| task(word, json!({}))).to_vec()),
            ("DetailedTask", again::<tasks::Task>, every_task()),
            ("GetTaskRequest", again::<tasks::GetTaskRequest>, about("tasks/get")),
            ("CancelTaskRequest", again::<tasks::CancelTaskRequest>, about("tasks/cancel")),
            ("UpdateTaskRequest", again::<tasks::UpdateTaskRequest>, vec![request("tasks/update", answers)]),
            ("CreateTaskResult", again::<tasks::CreateTaskResult>, created),
            ("GetTaskResult", again::<tasks::GetTaskResult>, states()),
            ("UpdateTaskResult", again::<tasks::UpdateTaskResult>, done()),
            ("CancelTaskResult", again::<tasks::CancelTaskResult>, done()),
            ("TaskStatusNotification", again::<tasks::TaskStatusNotification>, told),
            ("TaskStatusNotificationParams", again::<tasks::TaskStatusParams<tasks::Task>>, params),
        ],
    );
}
