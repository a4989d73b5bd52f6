//! JSON-RPC messages of both eras, and what is read out of the answers.
#![allow(clippy::needless_pass_by_value, reason = "the tests write their values where they are passed")]

use serde_json::{Value, json};

/// The revision of the era without handshakes.
pub(crate) const MODERN: &str = "2026-07-28";
/// The last revision of the era with handshakes.
pub(crate) const LEGACY: &str = "2025-11-25";

/// The metadata that every modern request carries.
pub(crate) fn meta() -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": MODERN,
        "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1" },
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A request of the handshake era.
pub(crate) fn legacy<I: Into<Value>>(id: I, method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "id": id.into(), "method": method, "params": params })
}

/// A request that carries its own metadata; what `params._meta` has already stays.
pub(crate) fn modern<I: Into<Value>>(id: I, method: &str, mut params: Value) -> Value {
    let mut all = meta();
    if let Some(given) = params.get("_meta").and_then(Value::as_object) {
        for (name, value) in given {
            all[name] = value.clone();
        }
    }
    params["_meta"] = all;
    legacy(id, method, params)
}

/// The handshake of a revision.
pub(crate) fn initialize(id: impl Into<Value>, revision: &str) -> Value {
    let client = json!({ "name": "test", "version": "1" });
    legacy(id, "initialize", json!({ "protocolVersion": revision, "clientInfo": client, "capabilities": {} }))
}

/// A notification.
pub(crate) fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

/// The parameters of a tool call.
pub(crate) fn tool(name: &str, arguments: Value) -> Value {
    json!({ "name": name, "arguments": arguments })
}

/// The same parameters, asking for progress under that token.
pub(crate) fn with_progress(mut params: Value, token: impl Into<Value>) -> Value {
    params["_meta"] = json!({ "progressToken": token.into() });
    params
}

/// The text of a tool's result that did not fail.
pub(crate) fn text_of(answer: &Value) -> &str {
    let result = &answer["result"];
    assert_ne!(result["isError"], json!(true), "{answer}");
    result["content"][0]["text"].as_str().unwrap_or_else(|| panic!("no text in {answer}"))
}

/// The code and the message of an error.
pub(crate) fn error_of(answer: &Value) -> (i64, &str) {
    let error = &answer["error"];
    let code = error["code"].as_i64().unwrap_or_else(|| panic!("no error in {answer}"));
    (code, error["message"].as_str().unwrap_or_default())
}

/// Fails unless the answer is an error of that code whose message names that limit.
pub(crate) fn assert_refused(answer: &Value, code: i64, limit: &str) {
    let (found, message) = error_of(answer);
    assert_eq!(found, code, "{answer}");
    assert!(message.contains(limit), "the message does not name `{limit}`: {answer}");
}
