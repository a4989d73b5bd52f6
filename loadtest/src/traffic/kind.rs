//! What kind of answer something is: the part of an answer that has to be the same when it is asked for again.

use std::fmt;

use serde_json::Value;

/// A kind of answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// No message: what a notification gets.
    Nothing,
    /// A result.
    Result,
    /// A result of a tool that says it failed.
    FailedResult,
    /// An error.
    Error,
    /// Something else: a batch, a page, half an answer.
    Other,
}

impl fmt::Display for Kind {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Nothing => "no message",
            Self::Result => "a result",
            Self::FailedResult => "a result with isError",
            Self::Error => "an error",
            Self::Other => "something that is no answer",
        })
    }
}

/// What a client's message asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The request's id; none for what gets no answer of its own.
    pub id: Option<Value>,
    /// What to call it in tables: the method, and the tool's name.
    pub label: String,
}

/// Reads what a client's message asks for.
#[must_use]
pub fn asked(message: &[u8]) -> Asked {
    let Ok(Value::Object(message)) = serde_json::from_slice(message) else {
        return Asked { id: None, label: "other".into() };
    };
    let Some(method) = message.get("method").and_then(Value::as_str) else {
        return Asked { id: None, label: "an answer of the client".into() };
    };
    let name = message.get("params").and_then(|params| params.get("name")).and_then(Value::as_str);
    let label = match (method, name) {
        ("tools/call" | "prompts/get", Some(name)) => format!("{method} {name}"),
        _ => method.to_owned(),
    };
    Asked { id: message.get("id").cloned(), label }
}

/// The kind of the answer to that id, if this message is it.
#[must_use]
pub fn of_answer(id: &Value, message: &[u8]) -> Option<Kind> {
    let Ok(Value::Object(message)) = serde_json::from_slice(message) else { return None };
    (message.get("id") == Some(id)).then(|| of_message(&message)).flatten()
}

/// The kind of a whole body, which answers whatever was asked: a server that can't read the id leaves it out.
#[must_use]
pub fn of_body(body: &[u8]) -> Kind {
    if body.iter().all(u8::is_ascii_whitespace) {
        return Kind::Nothing;
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(message)) => of_message(&message).unwrap_or(Kind::Other),
        _ => Kind::Other,
    }
}

fn of_message(message: &serde_json::Map<String, Value>) -> Option<Kind> {
    if message.contains_key("error") {
        return Some(Kind::Error);
    }
    let failed = message.get("result")?.get("isError").and_then(Value::as_bool) == Some(true);
    Some(if failed { Kind::FailedResult } else { Kind::Result })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_have_a_kind() {
        let rows = [
            (json!({ "id": 1, "result": {} }), Kind::Result),
            (json!({ "id": 1, "result": { "isError": false } }), Kind::Result),
            (json!({ "id": 1, "result": { "isError": true } }), Kind::FailedResult),
            (json!({ "id": 1, "error": { "code": 1 } }), Kind::Error),
            (json!({ "method": "x" }), Kind::Other),
            (json!([]), Kind::Other),
        ];
        for (message, kind) in rows {
            assert_eq!(of_body(message.to_string().as_bytes()), kind, "{message}");
        }
        assert_eq!((of_body(b" \r\n"), of_body(b"<html>")), (Kind::Nothing, Kind::Other));
    }

    #[test]
    fn an_answer_is_known_by_its_id() {
        let message = br#"{"id":"1","result":{}}"#;
        assert_eq!(of_answer(&json!("1"), message), Some(Kind::Result));
        assert_eq!(of_answer(&json!(1), message), None);
        assert_eq!(of_answer(&json!(1), br#"{"id":1,"method":"sampling/createMessage"}"#), None);
    }

    #[test]
    fn what_is_asked_has_a_name() {
        let rows = [
            (r#"{"id":1,"method":"tools/call","params":{"name":"echo"}}"#, Some(json!(1)), "tools/call echo"),
            (r#"{"id":"a","method":"tools/list"}"#, Some(json!("a")), "tools/list"),
            (r#"{"method":"notifications/initialized"}"#, None, "notifications/initialized"),
            (r#"{"id":7,"result":{}}"#, None, "an answer of the client"),
            ("[]", None, "other"),
            ("", None, "other"),
        ];
        for (message, id, label) in rows {
            assert_eq!(asked(message.as_bytes()), Asked { id, label: label.into() });
        }
    }
}
