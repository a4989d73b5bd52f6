//! Which route? The whole table of routes and methods, on one screen.

use std::time::Duration;

use bytes::Bytes;
use http::header::ORIGIN;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body::Body;
use impresario_engine::session::{Connection, error_reply};
use impresario_engine::{Caller, Dialect};
use impresario_protocol::{Era, Limits, McpError, Revision};

use super::request_headers::PROTOCOL_VERSION;
use super::response::{self, ReplyBody};
use super::site::Site;
use super::streams::EventStream;
use super::{cors, post};

/// Answers one request of a connection.
pub(super) async fn answer<B>(
    site: &Site,
    connection: &Connection,
    caller: &Caller,
    request: Request<B>,
) -> Response<ReplyBody>
where
    B: Body<Data = Bytes>,
{
    let (head, body) = request.into_parts();
    if let Some(refusal) = site.refuse(&head.uri, &head.headers) {
        return refusal;
    }
    let mut response = match (head.uri.path(), &head.method) {
        ("/healthz" | "/health", &Method::GET | &Method::HEAD) => response::text(StatusCode::OK, "ok"),
        ("/readyz", &Method::GET | &Method::HEAD) => readiness(site),
        ("/healthz" | "/health" | "/readyz", _) => response::method_not_allowed("GET, HEAD"),
        ("/mcp", &Method::POST) => post::answer(site, connection, caller, &head.headers, body).await,
        ("/mcp", &Method::OPTIONS) if head.headers.contains_key(ORIGIN) => cors::preflight(&head.headers),
        ("/mcp", _) if is_modern(&head.headers) => response::method_not_allowed("POST"),
        ("/mcp", &Method::GET) => open_stream(site, caller, &head.headers),
        ("/mcp", &Method::DELETE) => close_session(site, caller, &head.headers),
        ("/mcp", _) => response::method_not_allowed("GET, POST, DELETE"),
        _ => response::text(StatusCode::NOT_FOUND, "not found; MCP is served at /mcp"),
    };
    cors::allow(head.headers.get(ORIGIN), response.headers_mut());
    response
}

fn readiness(site: &Site) -> Response<ReplyBody> {
    if site.shared().closing.has_begun() {
        return response::text(StatusCode::SERVICE_UNAVAILABLE, "shutting down");
    }
    response::text(StatusCode::OK, "ready")
}

/// Opens a session's own stream (2025-11-25, basic/transports, "Listening for Messages from the Server").
fn open_stream(site: &Site, caller: &Caller, headers: &HeaderMap) -> Response<ReplyBody> {
    if !post::accepts(headers, "text/event-stream") || !headers.contains_key(http::header::ACCEPT) {
        return response::text(StatusCode::NOT_ACCEPTABLE, "send Accept: text/event-stream");
    }
    let state = match site.named_session(caller, headers) {
        Ok(state) => state,
        Err(error) => return refused(&error),
    };
    let Some(place) = state.open_stream(Limits::size(site.limits().streams_per_session_max)) else {
        let text = "this session has as many streams as it may (streams_per_session_max)";
        return response::text(StatusCode::CONFLICT, text);
    };
    let keep_alive = Duration::from_millis(site.limits().sse_keep_alive_ms);
    response::events(EventStream::of_session(state, place, keep_alive))
}

fn close_session(site: &Site, caller: &Caller, headers: &HeaderMap) -> Response<ReplyBody> {
    let closed =
        site.named_session(caller, headers).and_then(|state| site.sessions().close(state.id(), caller));
    match closed {
        Ok(()) => response::bare(StatusCode::NO_CONTENT),
        Err(error) => refused(&error),
    }
}

fn refused(error: &McpError) -> Response<ReplyBody> {
    response::json(error_reply(None, error, Dialect::default()))
}

/// Whether the header names a revision that has neither sessions nor streams of their own.
fn is_modern(headers: &HeaderMap) -> bool {
    let named = headers.get(&PROTOCOL_VERSION).and_then(|value| value.to_str().ok());
    named.and_then(Revision::parse).is_some_and(|revision| revision.era() == Era::Modern)
}
