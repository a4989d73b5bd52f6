//! Which route? The whole table of routes and methods, on one screen.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::ORIGIN;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use impresario_engine::session::{Connection, SessionState, SessionTable, error_reply};
use impresario_engine::{Caller, Dialect, Shared};
use impresario_protocol::{Era, Limits, McpError, Revision};

use super::request_headers::{PROTOCOL_VERSION, SESSION_ID};
use super::response::{self, ReplyBody};
use super::streams::EventStream;
use super::{HttpConfig, cors, guard, post};

/// What answers requests: the same on every lane.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    config: Arc<HttpConfig>,
    shared: Arc<Shared>,
    sessions: Arc<SessionTable>,
}

impl Endpoint {
    pub(super) fn new(config: Arc<HttpConfig>, shared: Arc<Shared>, sessions: Arc<SessionTable>) -> Self {
        Self { config, shared, sessions }
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Answers one request of a connection.
    pub(super) async fn answer<B>(&self, connection: &Connection, caller: &Caller, request: Request<B>) -> Response<ReplyBody>
    where
        B: Body<Data = Bytes>,
    {
        let (head, body) = request.into_parts();
        if let Err(refusal) = guard::check(&self.config, &head.uri, &head.headers) {
            return response::text(refusal.status(), refusal.text());
        }
        let mut response = match self.refuse_size(&head.uri, &head.headers) {
            Some(refusal) => refusal,
            None => match (head.uri.path(), &head.method) {
                ("/healthz" | "/health", &Method::GET | &Method::HEAD) => response::text(StatusCode::OK, "ok"),
                ("/readyz", &Method::GET | &Method::HEAD) => self.readiness(),
                ("/healthz" | "/health" | "/readyz", _) => response::method_not_allowed("GET, HEAD"),
                ("/mcp", &Method::POST) => post::answer(self, connection, caller, &head.headers, body).await,
                ("/mcp", &Method::OPTIONS) if head.headers.contains_key(ORIGIN) => cors::preflight(&head.headers),
                ("/mcp", _) if is_modern(&head.headers) => response::method_not_allowed("POST"),
                ("/mcp", &Method::GET) => self.open_stream(caller, &head.headers),
                ("/mcp", &Method::DELETE) => self.close_session(caller, &head.headers),
                ("/mcp", _) => response::method_not_allowed("GET, POST, DELETE"),
                _ => response::text(StatusCode::NOT_FOUND, "not found; MCP is served at /mcp"),
            },
        };
        cors::allow(head.headers.get(ORIGIN), response.headers_mut());
        response
    }

    /// The session that a header names.
    pub(super) fn session(&self, id: &HeaderValue, caller: &Caller) -> Result<Arc<SessionState>, McpError> {
        const ID_BYTES_MAX: usize = 256;
        let id = id.as_bytes();
        let is_visible = id.iter().all(|byte| (0x21..=0x7e).contains(byte));
        match std::str::from_utf8(id) {
            Ok(id) if is_visible && (1..=ID_BYTES_MAX).contains(&id.len()) => self.sessions.find(id, caller),
            _ => Err(McpError::invalid_request("the Mcp-Session-Id header is malformed")),
        }
    }

    /// Headers and URIs beyond their limits.
    fn refuse_size(&self, uri: &Uri, headers: &HeaderMap) -> Option<Response<ReplyBody>> {
        let limits = self.limits();
        let uri_bytes = uri.path_and_query().map_or(0, |path| path.as_str().len());
        if uri_bytes > Limits::size(limits.uri_bytes_max) {
            return Some(response::text(StatusCode::URI_TOO_LONG, "the URI is too long (uri_bytes_max)"));
        }
        let size = |(name, value): (&http::HeaderName, &HeaderValue)| name.as_str().len() + value.len();
        let all: usize = headers.iter().map(size).sum();
        let longest = headers.values().map(HeaderValue::len).max().unwrap_or(0);
        let too_large = all > Limits::size(limits.header_bytes_max)
            || longest > Limits::size(limits.header_value_bytes_max)
            || headers.len() > Limits::size(limits.header_count_max);
        too_large.then(|| {
            let text = "the headers are too large (header_bytes_max, header_value_bytes_max, header_count_max)";
            response::text(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, text)
        })
    }

    fn readiness(&self) -> Response<ReplyBody> {
        if self.shared.closing.has_begun() {
            return response::text(StatusCode::SERVICE_UNAVAILABLE, "shutting down");
        }
        response::text(StatusCode::OK, "ready")
    }

    /// Opens a session's own stream (2025-11-25, basic/transports, "Listening for Messages from the Server").
    fn open_stream(&self, caller: &Caller, headers: &HeaderMap) -> Response<ReplyBody> {
        if !post::accepts(headers, "text/event-stream") || !headers.contains_key(http::header::ACCEPT) {
            return response::text(StatusCode::NOT_ACCEPTABLE, "send Accept: text/event-stream");
        }
        let state = match self.named_session(caller, headers) {
            Ok(state) => state,
            Err(error) => return refused(&error),
        };
        let Some(place) = state.open_stream(Limits::size(self.limits().streams_per_session_max)) else {
            let text = "this session has as many streams as it may (streams_per_session_max)";
            return response::text(StatusCode::CONFLICT, text);
        };
        let keep_alive = Duration::from_millis(self.limits().sse_keep_alive_ms);
        response::events(EventStream::of_session(state, place, keep_alive))
    }

    fn close_session(&self, caller: &Caller, headers: &HeaderMap) -> Response<ReplyBody> {
        let closed = self.named_session(caller, headers).and_then(|state| self.sessions.close(state.id(), caller));
        match closed {
            Ok(()) => response::bare(StatusCode::NO_CONTENT),
            Err(error) => refused(&error),
        }
    }

    fn named_session(&self, caller: &Caller, headers: &HeaderMap) -> Result<Arc<SessionState>, McpError> {
        let id = headers.get(&SESSION_ID).ok_or_else(|| McpError::invalid_request("no Mcp-Session-Id header"))?;
        self.session(id, caller)
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
