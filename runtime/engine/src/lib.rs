//! The engine: lanes, the actors on them, and what they need to answer a request.
//!
//! A request's way: a transport hands a message to its connection's [`session`] actor, which reads it by the
//! rules of its revision, asks the [`gate`], looks into the [`cache`], and submits a job to a pool of
//! [`workers`]; the answer reaches the transport through the [`call`]. Calls go down by import; answers come
//! up only through what was handed down with the request.
//!
//! Nothing here touches a socket or knows a tool pack. Embedders use the `impresario` crate, which
//! re-exports what they need.
#![forbid(unsafe_code)]

pub mod actor;
mod ask;
mod authentication;
pub mod cache;
pub mod call;
mod caller;
mod closing;
mod completion;
mod context;
mod described;
mod dialect;
mod extension;
pub mod gate;
pub mod hub;
mod hygiene;
mod in_flight;
mod lane;
mod lane_hub;
#[cfg(all(test, feature = "model"))]
mod models;
mod offer;
mod principal;
mod prompt;
mod question;
pub mod registry;
mod rendered;
mod resource;
mod result_size;
mod runtime;
pub mod session;
mod shared;
mod sync;
mod task_keeper;
mod task_watch;
mod tasks;
mod template;
mod tool;
mod tool_error;
mod tool_result;
pub mod workers;

pub use ask::{Elicited, Form, FormChoice, FormField, FormProblem};
pub use authentication::{
    AuthRefusal, Authenticator, Denied, Document, Field, Fields, PeerCertificate, Place, Shown, Verdict,
    Verifying,
};
pub use cache::{CacheFigures, CachePolicy, CacheSharing, CacheStats, Eviction, ResultCache, ToolCacheStats};
pub use caller::{Abilities, Caller, ClientFacts};
pub use closing::Closing;
pub use completion::CompletionRequest;
pub use context::Context;
pub use dialect::Dialect;
pub use extension::{ExtensionParams, ExtensionSpec};
pub use hygiene::{Mark, OutputRule, TextCheck, TextRule, TextRuleError, Treatment};
pub use impresario_macros::{Form, prompt, resource, tool};
pub use impresario_protocol::client;
pub use impresario_protocol::{
    Annotations, Audience, CacheHint, CacheScope, ClientCapabilities, Completion, Content, ErrorKind,
    ExtensionResult, Icon, IconTheme, Implementation, JsonObject, Limits, ListKind, ListenFilter, LogLevel,
    McpError, PromptArgument, PromptMessage, PromptResult, ReadResult, ResourceContents, ResourceLink,
    TaskSupport, ToolAnnotations, ToolResult,
};
pub use lane::LaneError;
pub use offer::{Offer, OfferNames};
pub use principal::{AuthMethod, NameError, Principal, ScopeTree, Scopes, is_scope};
pub use prompt::{IntoPrompt, IntoPromptResult, PromptSpec};
pub use question::{AskError, Asks, InputRequired, OpenQuestions, Resumed, Sealer, Told};
pub use registry::{BuildError, Misuse, Subject};
pub use resource::{IntoReadResult, IntoResource, ResourceEntry, ResourceSpec, TemplateSpec};
pub use runtime::{Builder, Runtime, StartError};
pub use shared::{Identity, Shared};
pub use tasks::{MemoryStore, StoreChange, StoreError, TaskStore, TaskStoreError, TaskTable};
pub use template::{TemplateError, UriTemplate, Variables};
pub use tool::{HeaderParameter, IntoTool, NoArguments, Tool, ToolSpec, no_arguments};
pub use tool_error::ToolError;
pub use tool_result::{IntoToolResult, Json, schema_of};
pub use workers::PoolConfig;

/// What the macros' code names. Not for anybody else.
#[doc(hidden)]
pub mod __private {
    pub use {schemars, serde, serde_json};
}
