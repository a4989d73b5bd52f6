//! Streamable HTTP, both eras on one endpoint: `POST /mcp`, and for the handshake era `GET` and `DELETE` too. On request
//! also HTTP+SSE, at `/sse` and `/messages`.
//!
//! A request's way: `guard` (whose site is this?), `endpoint` (which route?), `post` (read, parse, check the
//! headers against the body), the session actor, and back through `response`.

mod admin;
mod batch;
mod body;
mod calls;
mod config;
mod connection;
mod cors;
mod endpoint;
mod event;
mod exposure;
mod framing;
mod guard;
mod head;
mod http_sse;
mod http_sse_sessions;
mod later;
mod media;
mod open_stream;
mod outbox;
mod post;
mod pulse;
mod reply_body;
mod request_headers;
mod response;
mod server;
mod service;
mod site;
mod socket;
mod stream;
mod streams;
mod wire;

pub use admin::AdminSocket;
pub use config::HttpConfig;
pub use server::{HttpServer, serve, serve_unix};
pub use service::{HttpService, ServiceBody};
