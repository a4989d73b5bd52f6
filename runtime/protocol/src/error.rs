//! What went wrong, whose fault it is, and whether to try again.
//!
//! An [`McpError`] becomes a JSON-RPC error; which code and HTTP status it gets depends on the client's
//! revision and is decided in one function of the engine's session. A tool that *failed* is not an error
//! of this kind: it is a result with `is_error` set.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Who has to change something for the request to succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The client sent something that can't be served.
    Caller,
    /// The tool, resource or prompt behind the request.
    Tool,
    /// This server: a bug, an overload, or a shutdown.
    Server,
}

/// The question each error answers differently: what does the client get told?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorKind {
    /// The bytes are not JSON, or JSON beyond our limits.
    Parse,
    /// JSON, but not a JSON-RPC message that may be sent here and now.
    InvalidRequest,
    /// An id that is already in flight on this connection.
    DuplicateId,
    /// A method that this server does not have.
    MethodNotFound,
    /// Parameters that the method does not take.
    InvalidParams,
    /// Metadata that every request of its revision must carry is missing or mistyped.
    MissingMetadata,
    /// The HTTP headers say something else than the body.
    HeaderMismatch,
    /// A revision that we do not speak.
    UnsupportedRevision,
    /// The client has not declared a capability that the request needs.
    MissingCapability,
    /// No resource stands at that URI.
    ResourceNotFound,
    /// No such session, or not this caller's.
    SessionNotFound,
    /// Too much at once: try again later.
    Overloaded,
    /// The server is going down and takes nothing new.
    ShuttingDown,
    /// A defect on our side, or a tool that panicked. Never carries internals.
    Internal,
}

/// An error that can reach a client.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct McpError {
    /// What kind of error: decides code, status and fault.
    pub kind: ErrorKind,
    /// One sentence for a person or a model: what is wrong and what to change.
    pub message: Cow<'static, str>,
    /// Further members for machines, sent as the error's `data`.
    pub data: Option<Box<Value>>,
    /// For overloads: how many milliseconds to wait before the next try.
    pub retry_after_ms: Option<u64>,
}

impl McpError {
    /// An error of that kind with that message.
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self { kind, message: message.into(), data: None, retry_after_ms: None }
    }

    /// The bytes can't be read as JSON.
    #[must_use]
    pub fn parse(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Parse, message)
    }

    /// Not a JSON-RPC message that may be sent here and now.
    #[must_use]
    pub fn invalid_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidRequest, message)
    }

    /// The method exists, its parameters are wrong.
    #[must_use]
    pub fn invalid_params(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::InvalidParams, message)
    }

    /// This server has no such method.
    #[must_use]
    pub fn method_not_found(method: &str) -> Self {
        Self::new(ErrorKind::MethodNotFound, format!("method not found: {}", Shown(method)))
    }

    /// No tool of that name that this caller may see.
    #[must_use]
    pub fn unknown_tool(name: &str) -> Self {
        Self::invalid_params(format!("unknown tool: {}; tools/list names the tools there are", Shown(name)))
    }

    /// No prompt of that name that this caller may see.
    #[must_use]
    pub fn unknown_prompt(name: &str) -> Self {
        let shown = Shown(name);
        Self::invalid_params(format!("unknown prompt: {shown}; prompts/list names the prompts there are"))
    }

    /// No resource at that URI.
    #[must_use]
    pub fn resource_not_found(uri: &str) -> Self {
        Self::new(ErrorKind::ResourceNotFound, "resource not found").with_data(json!({ "uri": uri }))
    }

    /// A defect on our side; the client is told nothing of its inside.
    #[must_use]
    pub fn internal() -> Self {
        Self::new(ErrorKind::Internal, "internal error")
    }

    /// Refused because a queue or a quota is full; nothing was executed.
    #[must_use]
    pub fn overloaded(message: impl Into<Cow<'static, str>>, retry_after_ms: u64) -> Self {
        let mut error = Self::new(ErrorKind::Overloaded, message);
        error.retry_after_ms = Some(retry_after_ms);
        error
    }

    /// Refused because the server is going down; nothing was executed.
    #[must_use]
    pub fn shutting_down() -> Self {
        Self::new(ErrorKind::ShuttingDown, "the server is shutting down; retry against another instance")
    }

    /// The same error with a `data` member.
    #[must_use]
    pub fn with_data(mut self, data: Value) -> Self {
        self.data = Some(Box::new(data));
        self
    }

    /// Whose fault this is.
    #[must_use]
    pub fn fault(&self) -> Fault {
        match self.kind {
            ErrorKind::Internal => Fault::Tool,
            ErrorKind::Overloaded | ErrorKind::ShuttingDown => Fault::Server,
            ErrorKind::Parse
            | ErrorKind::InvalidRequest
            | ErrorKind::DuplicateId
            | ErrorKind::MethodNotFound
            | ErrorKind::InvalidParams
            | ErrorKind::MissingMetadata
            | ErrorKind::HeaderMismatch
            | ErrorKind::UnsupportedRevision
            | ErrorKind::MissingCapability
            | ErrorKind::ResourceNotFound
            | ErrorKind::SessionNotFound => Fault::Caller,
        }
    }

    /// Whether the same request may succeed later, unchanged.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Overloaded | ErrorKind::ShuttingDown)
    }
}

/// A name from a client, shortened and made printable for use inside an error text.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'a>(pub &'a str);

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        const SHOWN_CHARS_MAX: usize = 64;
        let mut characters = self.0.chars();
        for character in characters.by_ref().take(SHOWN_CHARS_MAX) {
            if character.is_control() {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        if characters.next().is_some() { f.write_str("…") } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_from_a_client_is_shortened_and_its_control_characters_are_escaped() {
        assert_eq!(Shown("add").to_string(), "add");
        assert_eq!(Shown("a\nb\u{1b}[31m").to_string(), "a\\nb\\u{1b}[31m");
        assert_eq!(Shown(&"x".repeat(65)).to_string(), format!("{}…", "x".repeat(64)));
    }

    #[test]
    fn only_what_may_succeed_unchanged_is_retryable() {
        assert!(McpError::overloaded("full", 1_000).is_retryable());
        assert!(McpError::shutting_down().is_retryable());
        assert!(!McpError::unknown_tool("x").is_retryable());
        assert!(!McpError::internal().is_retryable());
    }
}
