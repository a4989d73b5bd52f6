//! Impresario hosts tools for agents over MCP, in every revision of the protocol.
//!
//! A tool is a plain function. A runtime has threads of its own (lanes), so it starts inside any program and
//! serves over HTTP, over stdio, or to clients in the same process:
//!
//! ```
//! use impresario::{Runtime, Serve as _, tool};
//!
//! /// Add two numbers.
//! #[tool]
//! async fn add(#[doc = "first addend"] a: f64, b: f64) -> f64 {
//!     a + b
//! }
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let runtime = Runtime::builder().name("adder").tool(add).start()?;
//!
//! // Over HTTP: http://127.0.0.1:PORT/mcp
//! let server = runtime.serve_http(impresario::HttpConfig::on(([127, 0, 0, 1], 0).into()))?;
//! assert!(server.url().ends_with("/mcp"));
//!
//! // In this process, as in a unit test:
//! let client = runtime.connect().await?;
//! let sum = client.call_tool("add", serde_json::json!({ "a": 2, "b": 3 })).await?;
//! assert_eq!(sum.content[0].as_text(), Some("5"));
//!
//! runtime.shutdown().await;
//! # Ok(())
//! # }
//! ```
//!
//! # Where to look
//!
//! | you want to | look at |
//! |---|---|
//! | write a tool, a resource, a prompt as a function | [`macro@tool`], [`macro@resource`], [`macro@prompt`] |
//! | write one from a closure, or with a schema of your own | [`ToolSpec`], [`ResourceSpec`], [`TemplateSpec`], [`PromptSpec`] |
//! | report progress, log, notice a cancellation, know the caller | [`Context`] |
//! | return text, pictures, structured data, or a failure | [`IntoToolResult`], [`Json`], [`Content`], [`ToolError`] |
//! | ask the person, the model, or for the folders | [`Context::elicit`], [`Context::sample`], [`Context::list_roots`], [`macro@Form`] |
//! | keep the answers of a costly tool | [`CachePolicy`] |
//! | run calls that outlive their request, and the process | [`ToolSpec::task`], [`Builder::task_store`], [`TaskStore`] |
//! | run slow tools beside quick ones | [`PoolConfig`], [`Builder::pool`] |
//! | add and remove tools while the server runs | [`Runtime::add_tool`] |
//! | extend the protocol by methods of your own | [`ExtensionSpec`] |
//! | mount it in an axum or hyper application | [`Serve::http_service`] |
//! | change a limit | [`Limits`] |
#![forbid(unsafe_code)]

#[cfg(feature = "command")]
pub mod command;
#[cfg(feature = "command")]
mod config;
#[cfg(feature = "command")]
mod spelling;

pub use impresario_engine::*;
pub use impresario_protocol::{ListenFilter, Notification};
#[cfg(feature = "store")]
pub use impresario_store::{FileStore, OpenError};
pub use impresario_tools as packs;
pub use impresario_transports::http::{HttpConfig, HttpServer, HttpService};
pub use impresario_transports::in_process::{Client, Running};
pub use impresario_transports::tls::{ClientAuth, TlsConfig, TlsError, TlsReloader};
pub use impresario_transports::{Serve, UnixSocket, lines};

/// The examples of `docs/`, compiled and run as tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/tools.md")]
struct ToolsGuide;

/// The example of the guide to caching.
#[cfg(doctest)]
#[doc = include_str!("../../docs/caching.md")]
struct CachingGuide;

/// The examples of the guide to tools that ask.
#[cfg(doctest)]
#[doc = include_str!("../../docs/asking.md")]
struct AskingGuide;

/// The examples of `docs/skills.md`, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../docs/skills.md")]
struct SkillsGuide;

/// The example of the page about tasks.
#[cfg(all(doctest, feature = "store"))]
#[doc = include_str!("../../docs/tasks.md")]
struct TasksGuide;

/// The examples of the README, compiled as tests.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;

/// The examples of the page about hygiene.
#[cfg(doctest)]
#[doc = include_str!("../../docs/hygiene.md")]
struct HygieneGuide;

/// The example of the page about the pack `files`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/packs/files.md")]
struct FilesGuide;

/// The example of the page about the pack `command`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/packs/command.md")]
struct CommandGuide;

/// The example of the page about the pack `http`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/packs/http.md")]
struct HttpGuide;

/// The example of the page about the pack `sql`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/packs/sql.md")]
struct SqlGuide;

/// The example of the page about the pack `calc`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/packs/calc.md")]
struct CalcGuide;

/// The example of the page about the pack `lab`.
#[cfg(doctest)]
#[doc = include_str!("../../docs/packs/lab.md")]
struct LabGuide;
