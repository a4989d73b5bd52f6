//! Answers as HTTP: statuses, headers, and what goes into their bodies.

use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use impresario_engine::session::{Reply, Verdict};
use impresario_protocol::{Era, ErrorKind};

use super::reply_body::{Chunk, ReplyBody};
use super::streams::EventStream;

/// An answer, before it goes onto a connection.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    media: Option<&'static str>,
    /// Headers beside the media type; most answers have none.
    others: Vec<(HeaderName, HeaderValue)>,
    pub(super) body: ReplyBody,
    /// It was made without reading the request's body.
    pub(super) is_unread: bool,
}

impl Answer {
    fn new(status: StatusCode, media: Option<&'static str>, body: ReplyBody) -> Self {
        Self { status, media, others: Vec::new(), body, is_unread: false }
    }

    /// The answer with one header more.
    pub(super) fn with(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.others.push((name, value));
        self
    }

    /// The answer, marked as made without reading the request's body.
    pub(super) fn unread(self) -> Self {
        Self { is_unread: true, ..self }
    }

    /// The answer as hyper takes it. Its headers are written into `spare`, the map of the request: hyper hands it
    /// on to the connection's next request, so that none of them allocates a map.
    pub(super) fn into_response(self, mut spare: HeaderMap) -> Response<ReplyBody> {
        spare.clear();
        if let Some(media) = self.media {
            spare.insert(CONTENT_TYPE, HeaderValue::from_static(media));
        }
        for (name, value) in self.others {
            spare.append(name, value);
        }
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        *response.headers_mut() = spare;
        response
    }
}

/// An answer as one JSON object.
pub(super) fn json(reply: Reply) -> Answer {
    let (status, retry_after) = (status(&reply), retry_after(&reply));
    let (written, inset, inset_at) = reply.into_parts();
    let body = ReplyBody::whole(Chunk::new(written, inset, inset_at));
    let answer = Answer::new(status, Some("application/json"), body);
    match retry_after {
        Some(seconds) => answer.with(RETRY_AFTER, HeaderValue::from(seconds)),
        None => answer,
    }
}

/// An answer as JSON that was put together elsewhere.
pub(super) fn json_bytes(body: Vec<u8>) -> Answer {
    Answer::new(StatusCode::OK, Some("application/json"), ReplyBody::bytes(body))
}

/// Server-sent events, as they come.
pub(super) fn events(stream: EventStream) -> Answer {
    Answer::new(StatusCode::OK, Some("text/event-stream"), ReplyBody::events(stream))
        .with(CACHE_CONTROL, HeaderValue::from_static("no-cache"))
        // Proxies that buffer would hold events back (streamable-http, "Receiving Messages").
        .with(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"))
}

/// A request whose length could be understood in two ways; nothing more is read from its connection.
pub(super) fn ambiguous() -> Answer {
    text(StatusCode::BAD_REQUEST, "send one Content-Length, or a body that is chunked and nothing else")
        .with(CONNECTION, HeaderValue::from_static("close"))
}

/// A status alone.
pub(super) fn bare(status: StatusCode) -> Answer {
    Answer::new(status, None, ReplyBody::default())
}

/// A status with a line for people.
pub(super) fn text(status: StatusCode, text: &str) -> Answer {
    Answer::new(status, Some("text/plain; charset=utf-8"), ReplyBody::bytes(format!("{text}\n")))
}

/// A method that the route does not have.
pub(super) fn method_not_allowed(allowed: &'static str) -> Answer {
    text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed").with(ALLOW, HeaderValue::from_static(allowed))
}

/// The status of an answer. Where the eras disagree, they do so on purpose: modern clients tell the eras
/// apart by a 400, so an application's -32602 is a 200 (2026-07-28, streamable-http, "Backward
/// Compatibility").
fn status(reply: &Reply) -> StatusCode {
    let Verdict::Error { kind, .. } = reply.verdict else { return StatusCode::OK };
    match kind {
        ErrorKind::Parse
        | ErrorKind::InvalidRequest
        | ErrorKind::MissingMetadata
        | ErrorKind::HeaderMismatch
        | ErrorKind::UnsupportedRevision
        | ErrorKind::MissingCapability => StatusCode::BAD_REQUEST,
        ErrorKind::MethodNotFound => match reply.era {
            Era::Legacy => StatusCode::OK,
            Era::Modern => StatusCode::NOT_FOUND,
        },
        ErrorKind::SessionNotFound => StatusCode::NOT_FOUND,
        ErrorKind::Overloaded => StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::ShuttingDown => StatusCode::SERVICE_UNAVAILABLE,
        ErrorKind::DuplicateId
        | ErrorKind::InvalidParams
        | ErrorKind::ResourceNotFound
        | ErrorKind::Internal => StatusCode::OK,
    }
}

/// Whole seconds to wait, at least one.
fn retry_after(reply: &Reply) -> Option<u64> {
    match reply.verdict {
        Verdict::Error { retry_after_ms: Some(ms), .. } => Some(ms.div_ceil(1_000).max(1)),
        Verdict::Error { .. } | Verdict::Result => None,
    }
}
