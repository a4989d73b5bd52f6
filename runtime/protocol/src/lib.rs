//! MCP as types: what is asked (`Operation`), what came of it (`Outcome`), and the words both are made of.
//!
//! Nothing here does I/O, spawns, or knows of tokio. Everything but [`revision`] is free of eras: which
//! revision a client speaks decides how these types are read and written, and that happens in the
//! engine's session, not here.
//!
//! What a server may ask of a client stands in [`client`], and whole messages, for whoever reads or writes them
//! on the other side, in [`wire`].
//!
//! ```
//! use impresario_protocol::{Content, ToolResult};
//!
//! let result = ToolResult::from(vec![Content::text("4 files")]);
//! assert!(!result.is_error);
//! ```
#![forbid(unsafe_code)]

pub mod capabilities;
pub mod client;
pub mod content;
pub mod definition;
pub mod error;
pub mod id;
pub mod limits;
mod literal;
pub mod log_level;
pub mod method;
pub mod notification;
pub mod operation;
pub mod outcome;
pub mod revision;
pub mod task;
pub mod wire;

pub use capabilities::{ClientCapabilities, Implementation, ServerCapabilities};
pub use content::{Annotations, Audience, Content, Icon, IconTheme, ResourceContents, ResourceLink};
pub use definition::{
    CacheHint, CacheScope, PromptArgument, PromptDefinition, ResourceDefinition, TaskSupport,
    TemplateDefinition, ToolAnnotations, ToolDefinition, ToolExecution,
};
pub use error::{ErrorKind, Fault, McpError};
pub use id::Id;
pub use limits::{LimitError, LimitInfo, Limits};
pub use log_level::LogLevel;
pub use notification::{Notification, ProgressToken};
pub use operation::{CompletionTarget, ListKind, ListenFilter, Operation};
pub use outcome::{
    Completion, ExtensionResult, Outcome, PromptMessage, PromptResult, ReadResult, ToolResult,
};
pub use revision::{Era, Revision};
pub use task::{TaskInfo, TaskStatus};

/// A JSON object, in the order its members were written.
pub type JsonObject = serde_json::Map<String, serde_json::Value>;
