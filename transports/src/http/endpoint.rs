//! Which route? The whole table of routes and methods, on one screen.

use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, ORIGIN};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Version};
use http_body::Body;
use impresario_engine::session::{Connection, error_reply};
use impresario_engine::{Caller, Dialect};
use impresario_protocol::{Era, Limits, McpError};

use super::request_headers;
use super::response::{self, ReplyBody, Unread};
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
    let has_body = !body.is_end_stream();
    if let Some(refusal) = site.refuse(&head.uri, &head.headers) {
        return finish(response::unread(refusal), &head, has_body);
    }
    let mut response = match (head.uri.path(), &head.method) {
        ("/mcp", &Method::POST) => post::answer(site, connection, caller, &head.headers, body).await,
        (path, method) => response::unread(without_body(site, caller, path, method, &head.headers)),
    };
    cors::allow(head.headers.get(ORIGIN), response.headers_mut());
    finish(response, &head, has_body)
}

/// Every route but the one that reads a body.
fn without_body(
    site: &Site,
    caller: &Caller,
    path: &str,
    method: &Method,
    headers: &HeaderMap,
) -> Response<ReplyBody> {
    match (path, method) {
        (_, &Method::CONNECT) => response::method_not_allowed("GET, POST, DELETE"),
        ("/healthz" | "/health", &Method::GET | &Method::HEAD) => response::text(StatusCode::OK, "ok"),
        ("/readyz", &Method::GET | &Method::HEAD) => readiness(site),
        ("/healthz" | "/health" | "/readyz", _) => response::method_not_allowed("GET, HEAD"),
        ("/mcp", &Method::OPTIONS) if headers.contains_key(ORIGIN) => cors::preflight(headers),
        ("/mcp", &Method::GET | &Method::DELETE) => match request_headers::revision(headers) {
            Err(error) => refused(&error),
            Ok(Some(revision)) if revision.era() == Era::Modern => response::method_not_allowed("POST"),
            Ok(_) if method == Method::GET => open_stream(site, caller, headers),
            Ok(_) => close_session(site, caller, headers),
        },
        ("/mcp", _) => response::method_not_allowed("GET, POST, DELETE"),
        _ => response::text(StatusCode::NOT_FOUND, "not found; MCP is served at /mcp"),
    }
}

/// What HTTP itself asks of an answer: none to HEAD has a body, and a connection whose request was not read
/// to its end is closed, and says so.
fn finish(mut response: Response<ReplyBody>, head: &Parts, has_body: bool) -> Response<ReplyBody> {
    let is_unread = response.extensions_mut().remove::<Unread>().is_some();
    if is_unread && has_body && head.version < Version::HTTP_2 {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if head.method == Method::HEAD {
        *response.body_mut() = ReplyBody::empty();
    }
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
    if headers.contains_key("last-event-id") {
        // No event of ours has an id, so this one is of no stream of ours.
        return refused(&McpError::invalid_request(
            "streams are not resumable here; leave Last-Event-ID out",
        ));
    }
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
