//! Impresario hosts tools for agents over MCP, in every revision of the protocol.
#![forbid(unsafe_code)]

pub mod command;

pub use impresario_engine::*;
