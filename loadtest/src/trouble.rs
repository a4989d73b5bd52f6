//! What can be wrong with one answer, or with getting one. Counted by kind, never mixed into latencies.

use std::borrow::Cow;
use std::fmt;
use std::io;

/// Longest text of a server that is kept as an example.
const EXCERPT_CHARS_MAX: usize = 200;

/// What went wrong with one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// No connection.
    Connect(String),
    /// The connection ended before the answer, or in the middle of it.
    Closed(String),
    /// No answer in time.
    Timeout,
    /// What came is not HTTP.
    BadHttp(String),
    /// Another status than the right one, and the body's beginning.
    Status(u16, String),
    /// A body that is neither JSON nor events.
    ContentType(String),
    /// A body that can't be read as JSON-RPC.
    BadMessage(String),
    /// An answer to another request.
    WrongId(String),
    /// A body that ends without an answer.
    NoAnswer,
    /// A JSON-RPC error.
    Rpc(i64, String),
    /// A result with `isError`.
    ToolError(String),
    /// A result that is none yet: `input_required`, `task`.
    Unfinished(String),
    /// A right answer with the wrong content.
    WrongContent(String),
    /// An answer to a call that was to be taken back.
    AnsweredEarly,
    /// An open loop's request that found the backlog full.
    NotSent,
    /// A notification that a listener should have got and did not.
    NotHeard,
}

impl Trouble {
    /// A connection that could not be used any further.
    #[must_use]
    pub fn closed(error: &io::Error) -> Self {
        Self::Closed(error.to_string())
    }

    /// A wrong status, with as much of the body as an example needs.
    #[must_use]
    pub fn status(status: u16, body: &[u8]) -> Self {
        Self::Status(status, told(body).unwrap_or_else(|| excerpt(body)))
    }

    /// The name under which it is counted.
    #[must_use]
    pub fn kind(&self) -> Cow<'static, str> {
        match self {
            Self::Connect(_) => "connect".into(),
            Self::Closed(_) => "closed".into(),
            Self::Timeout => "timeout".into(),
            Self::BadHttp(_) => "bad http".into(),
            Self::Status(status, _) => format!("http {status}").into(),
            Self::ContentType(_) => "content type".into(),
            Self::BadMessage(_) => "bad message".into(),
            Self::WrongId(_) => "wrong id".into(),
            Self::NoAnswer => "no answer".into(),
            Self::Rpc(code, _) => format!("rpc {code}").into(),
            Self::ToolError(_) => "tool error".into(),
            Self::Unfinished(_) => "unfinished".into(),
            Self::WrongContent(_) => "wrong content".into(),
            Self::AnsweredEarly => "answered early".into(),
            Self::NotSent => "not sent".into(),
            Self::NotHeard => "not heard".into(),
        }
    }

    /// Whether the connection is at the start of the next answer, so that it can be used again.
    #[must_use]
    pub fn leaves_connection_usable(&self) -> bool {
        match self {
            Self::Connect(_) | Self::Closed(_) | Self::Timeout | Self::BadHttp(_) => false,
            Self::Status(..)
            | Self::ContentType(_)
            | Self::BadMessage(_)
            | Self::WrongId(_)
            | Self::NoAnswer
            | Self::Rpc(..)
            | Self::ToolError(_)
            | Self::Unfinished(_)
            | Self::WrongContent(_)
            | Self::AnsweredEarly
            | Self::NotSent
            | Self::NotHeard => true,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(text) => write!(out, "can't connect: {text}"),
            Self::Closed(text) => write!(out, "the connection ended before the answer: {text}"),
            Self::Timeout => out.write_str("no answer in time"),
            Self::BadHttp(text) => write!(out, "the answer is not HTTP: {text}"),
            Self::Status(status, body) if body.is_empty() => write!(out, "status {status}"),
            Self::Status(status, body) => write!(out, "status {status}: {body}"),
            Self::ContentType(kind) => write!(out, "content type `{kind}` instead of JSON or events"),
            Self::BadMessage(text) => write!(out, "the answer is not JSON-RPC: {text}"),
            Self::WrongId(text) => write!(out, "the answer is to another request: {text}"),
            Self::NoAnswer => out.write_str("the body ended without an answer"),
            Self::Rpc(code, text) => write!(out, "error {code}: {text}"),
            Self::ToolError(text) => write!(out, "the tool failed: {text}"),
            Self::Unfinished(kind) => write!(out, "the result is not final: {kind}"),
            Self::WrongContent(text) => write!(out, "the answer has the wrong content: {text}"),
            Self::AnsweredEarly => {
                out.write_str("the call was answered before it was taken back; give it longer work")
            }
            Self::NotSent => out.write_str("too many requests were waiting for a connection"),
            Self::NotHeard => out.write_str("a listener did not hear of a change in time"),
        }
    }
}

/// What a body says in words, where it is a JSON-RPC error.
fn told(body: &[u8]) -> Option<String> {
    let body: serde_json::Value = serde_json::from_slice(body).ok()?;
    let error = body.get("error")?;
    let message = error.get("message")?.as_str().filter(|message| !message.is_empty())?;
    let code = error.get("code").and_then(serde_json::Value::as_i64);
    let message = excerpt(message.as_bytes());
    Some(code.map_or(message.clone(), |code| format!("{message} (error {code})")))
}

/// The beginning of a text, for an example.
#[must_use]
pub fn excerpt(bytes: &[u8]) -> String {
    let start = &bytes[..bytes.len().min(EXCERPT_CHARS_MAX * 4)];
    let text: String = String::from_utf8_lossy(start).chars().take(EXCERPT_CHARS_MAX).collect();
    let is_cut = bytes.len() > start.len() || text.len() < start.len();
    if is_cut { text + "…" } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        let refusal = br#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"the body is too long"}}"#;
        assert_eq!(
            Trouble::status(413, refusal).to_string(),
            "status 413: the body is too long (error -32600)"
        );
        for body in ["not found", r#"{"error":"no"}"#, r#"{"error":{"message":""}}"#] {
            assert_eq!(Trouble::status(404, body.as_bytes()).to_string(), format!("status 404: {body}"));
        }
        assert_eq!(Trouble::status(500, b"").to_string(), "status 500");
    }
}
