//! A load generator for any MCP server, as a library; `impresario-loadtest` is its command.
#![forbid(unsafe_code)]

// What is asked for.
pub mod options;
pub mod plan;
pub mod revision;
pub mod units;
pub mod url;
pub mod work;

// The run.
pub mod fault;
pub mod progress;
pub mod run;

// Traffic of others, written down and played again.
pub mod traffic;

// What was found.
pub mod machine;
pub mod process;
pub mod result;
