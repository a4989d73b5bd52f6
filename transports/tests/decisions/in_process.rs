//! The rows that a client in this process can bring about: typed values in, typed errors out.

use impresario_protocol::{ErrorKind, McpError};
use impresario_transports::Serve as _;
use impresario_transports::in_process::Client;
use serde_json::{Value, json};

use crate::support::house::{House, SECRET, take};

async fn enter(house: &House) -> Client {
    house.runtime.connect().await.expect("the house is open")
}

async fn is_healthy(client: &Client, after: &str) {
    let result = client.call_tool("echo", json!({ "message": "hi" })).await.expect("a result");
    assert_eq!(result.content[0].as_text(), Some("hi"), "after {after}");
}

fn kind<T>(result: Result<T, McpError>) -> Option<ErrorKind> {
    result.err().map(|error| error.kind)
}

#[tokio::test]
async fn tools_are_called_rightly_or_refused() {
    let house = House::open();
    let client = enter(&house).await;
    let invalid = Some(ErrorKind::InvalidParams);
    let long = "x".repeat(129);
    for name in ["nope", "Count", "", "\n", "gone", "count\0", &long] {
        assert_eq!(kind(client.call_tool(name, json!({})).await), invalid, "rows 68 and 71, {name:?}");
        is_healthy(&client, name).await;
    }
    for arguments in [json!("x"), json!([]), json!(5), json!(true), Value::Null] {
        assert_eq!(kind(client.call_tool("count", arguments.clone()).await), invalid, "row 69, {arguments}");
        is_healthy(&client, "row 69").await;
    }
    for arguments in [json!({}), json!({ "n": "1" }), json!({ "n": 11 }), json!({ "n": 1, "more": 1 })] {
        let result = client.call_tool("typed", arguments.clone()).await.expect("a result");
        assert!(result.is_error, "row 70, {arguments}");
        is_healthy(&client, "row 70").await;
    }
    assert_eq!(house.ran(), 0);
    for tool in ["panic_now", "panic_later", "panic_blocking"] {
        let error = client.call_tool(tool, json!({})).await.expect_err("it panics");
        assert_eq!(error.kind, ErrorKind::Internal, "row 79, {tool}");
        assert!(!error.to_string().contains(SECRET), "row 79, {tool}: {error}");
        is_healthy(&client, tool).await;
    }
    client.call_tool("count", json!({})).await.expect("a result");
    assert_eq!(house.ran(), 4);
}

#[tokio::test]
async fn resources_prompts_and_completions_are_there_or_not() {
    let house = House::open();
    let client = enter(&house).await;
    for uri in
        ["test://missing", "file:///etc/passwd", "javascript:alert(1)", "", "::", "note://a/../b", "\0"]
    {
        assert_eq!(
            kind(client.read_resource(uri).await),
            Some(ErrorKind::ResourceNotFound),
            "rows 73 and 74, {uri:?}"
        );
        is_healthy(&client, uri).await;
    }
    let invalid = Some(ErrorKind::InvalidParams);
    assert_eq!(kind(client.get_prompt("nope", json!({})).await), invalid, "row 76");
    for arguments in [json!({}), json!({ "name": 5 }), json!("Ada"), json!([])] {
        assert_eq!(kind(client.get_prompt("greet", arguments.clone()).await), invalid, "row 76, {arguments}");
        is_healthy(&client, "row 76").await;
    }
    assert_eq!(kind(client.complete_prompt("nope", "name", "").await), invalid, "row 77");
    assert_eq!(client.complete_prompt("greet", "name", "A").await.expect("a completion").values, ["Ada"]);
    let bare = House::bare();
    let client = enter(&bare).await;
    assert_eq!(
        kind(client.complete_prompt("greet", "name", "").await),
        Some(ErrorKind::MethodNotFound),
        "row 77"
    );
    assert_eq!(kind(client.read_resource("test://fixed").await), Some(ErrorKind::ResourceNotFound), "row 73");
    is_healthy(&client, "row 77").await;
}

#[tokio::test]
async fn a_call_that_is_dropped_is_taken_back_and_one_too_many_is_refused() {
    let house = House::with(|limits| limits.in_flight_max = 1);
    let client = enter(&house).await;
    let held = client.start_tool("hold", json!({})).expect("the house is open");
    take(&house.held.begun).await;
    let refused = client.call_tool("count", json!({})).await.expect_err("row 111");
    assert_eq!((refused.kind, refused.retry_after_ms.is_some()), (ErrorKind::Overloaded, true), "row 111");
    assert_eq!(house.ran(), 0, "row 111");
    drop(held);
    take(&house.held.dropped).await;
    is_healthy(&client, "row 111").await;
}
