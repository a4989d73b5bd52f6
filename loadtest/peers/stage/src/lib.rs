//! What every peer in Rust stands on: the same options, runtime, listener and tools, so that only the servers
//! themselves differ.
#![forbid(unsafe_code)]

pub mod listener;
pub mod options;
pub mod reply;
pub mod tools;
