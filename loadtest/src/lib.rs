//! A load generator for any MCP server, as a library; `impresario-loadtest` is its command.
#![forbid(unsafe_code)]

// What is asked for.
pub mod options;
pub mod plan;
pub mod revision;
pub mod units;
pub mod url;
pub mod work;

// The wire.
pub mod check;
pub mod client;
pub mod dialect;
pub mod parse;
pub mod request;
pub mod trouble;
pub mod wire;

// The run.
pub mod command;
pub mod fault;
pub mod interruption;
pub mod items;
pub mod load;
pub mod probe;
pub mod progress;
pub mod run;
pub mod scenario;
pub mod summary;

// Traffic of others, written down and played again.
pub mod traffic;

// What was found.
pub mod calendar;
pub mod machine;
pub mod process;
pub mod result;

// What is made of it.
pub mod baseline;
pub mod compare;
pub mod comparison;
pub mod output;
pub mod report;
pub mod saved;
pub mod server;
pub mod show;
pub mod statistics;

#[cfg(test)]
mod invented;
