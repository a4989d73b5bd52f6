//! How a tool says that it failed.

use std::borrow::Cow;
use std::fmt;

use impresario_protocol::{McpError, ToolResult};

use crate::question::AskError;

/// A tool's failure: what the model is told so that it can mend its call, or an error of the protocol.
///
/// ```
/// use impresario_engine::ToolError;
///
/// fn divide(a: f64, b: f64) -> Result<f64, ToolError> {
///     if b == 0.0 {
///         return Err(ToolError::from("b is 0: division by zero has no result; pass another b"));
///     }
///     Ok(a / b)
/// }
/// ```
#[derive(Debug, Clone)]
pub struct ToolError(Repr);

#[derive(Debug, Clone)]
enum Repr {
    Failed(Box<ToolResult>),
    Protocol(McpError),
}

impl ToolError {
    /// A failure with that text. It reaches the client: no secrets, no internal paths.
    pub fn new(text: impl Into<String>) -> Self {
        Self::with_result(ToolResult::text(text))
    }

    /// A failure with any content; `is_error` is set here.
    #[must_use]
    pub fn with_result(result: ToolResult) -> Self {
        Self(Repr::Failed(Box::new(ToolResult { is_error: true, ..result })))
    }

    /// The same failure by a name for programs, like `not_found`. It is not sent; a
    /// [cache](crate::CachePolicy::keep_errors) may keep failures of that name. An error of the protocol has a code
    /// already and gets no other.
    #[must_use]
    pub fn code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        if let Repr::Failed(result) = &mut self.0 {
            result.error_code = Some(code.into());
        }
        self
    }

    /// What a failure becomes: a result with `is_error`, or an error of the protocol.
    ///
    /// # Errors
    /// The protocol error, when it was made from one.
    pub fn into_result(self) -> Result<ToolResult, McpError> {
        match self.0 {
            Repr::Failed(result) => Ok(*result),
            Repr::Protocol(error) => Err(error),
        }
    }
}

impl fmt::Display for ToolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Failed(result) => {
                let text = result.content.iter().filter_map(impresario_protocol::Content::as_text);
                f.write_str(&text.collect::<Vec<_>>().join("\n"))
            }
            Repr::Protocol(error) => fmt::Display::fmt(error, f),
        }
    }
}

impl std::error::Error for ToolError {}

impl From<String> for ToolError {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for ToolError {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl From<McpError> for ToolError {
    fn from(error: McpError) -> Self {
        Self(Repr::Protocol(error))
    }
}

impl From<AskError> for ToolError {
    /// A client that lacks a capability is told so in its own revision's way; everything else is a failure that
    /// the model can read.
    fn from(error: AskError) -> Self {
        match error {
            AskError::NotSupported { .. } => Self(Repr::Protocol(error.into_mcp_error())),
            other => Self::new(other.to_string()),
        }
    }
}
