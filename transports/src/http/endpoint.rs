//! Which route? The whole table of routes and methods, on one screen.

use std::time::Duration;

use bytes::Bytes;
use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Version};
use http_body::Body;
use impresario_engine::session::{Connection, error_reply};
use impresario_engine::{Caller, Dialect};
use impresario_protocol::{Era, Limits, McpError};

use super::head::{Field, Head};
use super::media::Accepts;
use super::reply_body::ReplyBody;
use super::request_headers;
use super::response::{self, Answer};
use super::site::{KnownHost, Site};
use super::streams::EventStream;
use super::{cors, post};

/// Answers one request of a connection. `known` is what was let through on it before.
pub(super) async fn answer<B>(
    site: &Site,
    connection: &Connection,
    caller: &Caller,
    known: &KnownHost,
    parts: &Parts,
    body: B,
) -> Answer
where
    B: Body<Data = Bytes>,
{
    let has_body = !body.is_end_stream();
    let head = Head::of(&parts.uri, &parts.headers);
    let mut answer = match site.refuse(&head, known) {
        Some(refusal) => refusal.unread(),
        None => {
            let answer = match (parts.uri.path(), &parts.method) {
                ("/mcp", &Method::POST) => post::answer(site, connection, caller, &head, body).await,
                (path, method) => without_body(site, caller, path, method, &head).unread(),
            };
            match head.origin {
                Field::Once(origin) => cors::allow(answer, origin),
                Field::Absent | Field::Repeated => answer,
            }
        }
    };
    // What HTTP itself asks of an answer: none to HEAD has a body, and a connection whose request was not read
    // to its end is closed, and says so.
    if answer.is_unread && has_body && parts.version < Version::HTTP_2 {
        answer = answer.with(CONNECTION, HeaderValue::from_static("close"));
    }
    if parts.method == Method::HEAD {
        answer.body = ReplyBody::default();
    }
    answer
}

/// Every route but the one that reads a body.
fn without_body(site: &Site, caller: &Caller, path: &str, method: &Method, head: &Head<'_>) -> Answer {
    match (path, method) {
        (_, &Method::CONNECT) => response::method_not_allowed("GET, POST, DELETE"),
        ("/healthz" | "/health", &Method::GET | &Method::HEAD) => response::text(StatusCode::OK, "ok"),
        ("/readyz", &Method::GET | &Method::HEAD) => readiness(site),
        ("/healthz" | "/health" | "/readyz", _) => response::method_not_allowed("GET, HEAD"),
        ("/mcp", &Method::OPTIONS) if !head.origin.is_absent() => cors::preflight(head.all),
        ("/mcp", &Method::GET | &Method::DELETE) => match request_headers::revision(head) {
            Err(error) => refused(&error),
            Ok(Some(revision)) if revision.era() == Era::Modern => response::method_not_allowed("POST"),
            Ok(_) if method == Method::GET => open_stream(site, caller, head),
            Ok(_) => close_session(site, caller, head),
        },
        ("/mcp", _) => response::method_not_allowed("GET, POST, DELETE"),
        _ => response::text(StatusCode::NOT_FOUND, "not found; MCP is served at /mcp"),
    }
}

fn readiness(site: &Site) -> Answer {
    if site.shared().closing.has_begun() {
        return response::text(StatusCode::SERVICE_UNAVAILABLE, "shutting down");
    }
    response::text(StatusCode::OK, "ready")
}

/// Opens a session's own stream (2025-11-25, basic/transports, "Listening for Messages from the Server").
fn open_stream(site: &Site, caller: &Caller, head: &Head<'_>) -> Answer {
    if head.accept.is_absent() || !Accepts::of(head).events {
        return response::text(StatusCode::NOT_ACCEPTABLE, "send Accept: text/event-stream");
    }
    let state = match site.named_session(caller, head) {
        Ok(state) => state,
        Err(error) => return refused(&error),
    };
    if !head.last_event_id.is_absent() {
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

fn close_session(site: &Site, caller: &Caller, head: &Head<'_>) -> Answer {
    let closed = site.named_session(caller, head).and_then(|state| site.sessions().close(state.id(), caller));
    match closed {
        Ok(()) => response::bare(StatusCode::NO_CONTENT),
        Err(error) => refused(&error),
    }
}

fn refused(error: &McpError) -> Answer {
    response::json(error_reply(None, error, Dialect::default()))
}
