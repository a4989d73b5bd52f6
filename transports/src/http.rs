//! Streamable HTTP, both eras on one endpoint: `POST /mcp`, and for the handshake era `GET` and `DELETE` too.
//!
//! A request's way: `guard` (whose site is this?), `endpoint` (which route?), `post` (read, parse, check the
//! headers against the body), the session actor, and back through `response`.

mod body;
mod config;
mod connection;
mod cors;
mod endpoint;
mod framing;
mod guard;
mod head;
mod media;
mod post;
mod pulse;
mod reply_body;
mod request_headers;
mod response;
mod server;
mod service;
mod site;
mod socket;
mod streams;

pub use config::HttpConfig;
pub use server::{HttpServer, serve};
pub use service::{HttpService, ServiceBody};
