//! Bytes to messages and back: the only crate that touches JSON text.
//!
//! A [`Message`] is parsed in place by simd-json: one copy into a padded buffer of this thread's pool, a tape
//! of nodes that point into that buffer, and views ([`Node`]) that borrow from both. Nothing here does I/O,
//! knows an era, or recurses deeper than the depth that the caller allows.
//!
//! ```
//! use impresario_codec::{DecodeLimits, Message};
//! use impresario_protocol::Limits;
//!
//! let limits = DecodeLimits::from(&Limits::default());
//! let body = br#"{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"add"}}"#;
//! let message = Message::parse(body, &limits).expect("it is a request");
//! assert_eq!(message.method(), "tools/call");
//! let name = message.params().and_then(|params| params.get("name")).and_then(|name| name.as_str());
//! assert_eq!(name, Some("add"));
//! ```
#![forbid(unsafe_code)]

mod batch;
mod buffer;
mod deserialize;
mod document;
mod gathered;
mod lines;
mod message;
mod node;
mod pool;
mod raw;
mod schema;
pub mod sse;
mod write;

pub use batch::{is_batch, split_batch};
pub use buffer::Buffer;
pub use deserialize::DeserializeError;
pub use document::Document;
pub use gathered::Gathered;
pub use lines::{Line, LineDecoder};
pub use message::{DecodeError, DecodeLimits, Message, MessageKind};
pub use node::{Elements, Members, Node, NodeIndex, NodeKind};
pub use schema::{Schema, SchemaError, SchemaLimits, Violation};
pub use write::{is_plain, write_serialized, write_str};
