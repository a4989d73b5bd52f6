//! Whole messages as they stand on the wire, as types: requests, results, notifications, errors.
//!
//! The engine never builds these on the way of a call; it reads views of the message and writes bytes. They are
//! for whoever stands on the other side of it: clients, tests, tools that look at traffic. What only some
//! revisions have is optional, so one type reads them all.

use serde::{Deserialize, Serialize};

use crate::Id;

pub use crate::client::JsonRpc;

pub mod errors;
pub mod notifications;
pub mod requests;
pub mod results;
pub mod tasks;

/// A request: the type `M` is its method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request<M, P> {
    /// The envelope's version.
    pub jsonrpc: JsonRpc,
    /// What the answer will carry.
    pub id: Id,
    /// What is asked.
    pub method: M,
    /// The details.
    pub params: P,
}

impl<M: Default, P> Request<M, P> {
    /// A request of that id.
    pub fn new(id: Id, params: P) -> Self {
        Self { jsonrpc: JsonRpc, id, method: M::default(), params }
    }
}

/// The answer to a request that succeeded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Response<R> {
    /// The envelope's version.
    pub jsonrpc: JsonRpc,
    /// The request's id.
    pub id: Id,
    /// What came of it.
    pub result: R,
}

/// A message that has no answer: the type `M` is its method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Notification<M, P> {
    /// The envelope's version.
    pub jsonrpc: JsonRpc,
    /// What is told.
    pub method: M,
    /// The details.
    pub params: P,
}

impl<M: Default, P> Notification<M, P> {
    /// A notification.
    pub fn new(params: P) -> Self {
        Self { jsonrpc: JsonRpc, method: M::default(), params }
    }
}
