//! Which route? The whole table of routes and methods, on one screen.

use bytes::Bytes;
use http::header::CONNECTION;
use http::request::Parts;
use http::{HeaderValue, Method, StatusCode, Version};
use http_body::Body;
use impresario_engine::session::{Connection, error_reply};
use impresario_engine::{Caller, Dialect};
use impresario_protocol::{Era, McpError};

use super::head::{Field, Head};
use super::reply_body::ReplyBody;
use super::request_headers;
use super::response::{self, Answer};
use super::site::{KnownHost, Site};
use super::{cors, http_sse, open_stream, post};

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
                ("/messages" | "/messages/", &Method::POST) if site.serves_http_sse() => {
                    Box::pin(http_sse::post(site, caller, &head, body)).await
                }
                ("/sse", &Method::GET) if site.serves_http_sse() => {
                    http_sse::open(site, connection, caller, &head).unread()
                }
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

/// Every route but those that read a body, or open a session for a connection.
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
            Ok(_) if method == Method::GET => open_stream::answer(site, caller, head),
            Ok(_) => close_session(site, caller, head),
        },
        ("/sse" | "/messages" | "/messages/", &Method::OPTIONS)
            if site.serves_http_sse() && !head.origin.is_absent() =>
        {
            cors::preflight(head.all)
        }
        // Clients of both transports try Streamable HTTP here first, and understand this answer.
        ("/sse", _) if site.serves_http_sse() => response::method_not_allowed("GET"),
        ("/messages" | "/messages/", _) if site.serves_http_sse() => response::method_not_allowed("POST"),
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
