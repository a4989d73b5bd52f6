//! A load generator for any MCP server, as a library; `impresario-loadtest` is its command.
#![forbid(unsafe_code)]

pub mod result;

pub mod comparison;

pub mod machine;
pub mod process;
pub mod show;
pub mod statistics;

#[cfg(test)]
mod invented;
