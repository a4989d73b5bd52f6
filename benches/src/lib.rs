//! What is measured, and with what: the inputs that all benches share.
//!
//! A number is worth something only next to another of the same work, so every bench, the count of allocations
//! and the count of instructions take their tools and requests from here, and nothing makes up its own.
#![forbid(unsafe_code)]

pub mod allocations;
pub mod bare;
pub mod catalogue;
pub mod client;
pub mod house;
pub mod instructions;
pub mod json;
pub mod lane;
pub mod workload;

pub use client::Client;
pub use house::House;
pub use workload::Workload;
