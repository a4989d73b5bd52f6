//! Answers as HTTP: statuses, headers, and bodies that are whole or stream.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderName, HeaderValue, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use impresario_engine::session::{Reply, Verdict};
use impresario_protocol::{Era, ErrorKind};

use super::pulse::{Answering, Progress};
use super::streams::EventStream;

/// The body of an answer.
#[derive(Debug, Default)]
pub(super) struct ReplyBody {
    content: Content,
    /// Says that the connection is in use, as long as the body is.
    answering: Option<Answering>,
    /// Tells a watcher whether the reader takes what is there for it.
    progress: Option<Rc<Progress>>,
}

#[derive(Debug, Default)]
enum Content {
    #[default]
    Nothing,
    /// All of it is there.
    Whole(Bytes),
    /// Server-sent events, as they come.
    Events(Box<EventStream>),
}

/// A whole body is handed over in pieces of so much, so that a reader that takes nothing is noticed.
const PIECE_BYTES: usize = 256 * 1024;

impl ReplyBody {
    pub(super) fn empty() -> Self {
        Self::default()
    }

    pub(super) fn whole(bytes: Bytes) -> Self {
        let content = if bytes.is_empty() { Content::Nothing } else { Content::Whole(bytes) };
        Self { content, ..Self::default() }
    }

    /// The bytes of a body that does not stream.
    pub(super) fn into_bytes(self) -> Option<Bytes> {
        match self.content {
            Content::Whole(bytes) => Some(bytes),
            Content::Nothing | Content::Events(_) => None,
        }
    }

    /// Keeps the connection from being taken for idle as long as this is sent.
    pub(super) fn keep(&mut self, answering: Answering) {
        self.answering = Some(answering);
    }

    /// What tells whether the reader takes what is there for it, for bodies that take several pieces.
    pub(super) fn progress(&mut self) -> Option<&Rc<Progress>> {
        let is_long = match &self.content {
            Content::Nothing => false,
            Content::Whole(bytes) => bytes.len() > PIECE_BYTES,
            Content::Events(_) => true,
        };
        is_long.then(|| &*self.progress.get_or_insert_default())
    }

    fn poll_bytes(&mut self, task: &mut Context<'_>) -> Poll<Option<Bytes>> {
        match &mut self.content {
            Content::Nothing => Poll::Ready(None),
            Content::Whole(bytes) if bytes.len() > PIECE_BYTES => {
                Poll::Ready(Some(bytes.split_to(PIECE_BYTES)))
            }
            Content::Whole(bytes) => {
                let last = std::mem::take(bytes);
                self.content = Content::Nothing;
                Poll::Ready(Some(last))
            }
            Content::Events(events) => events.poll_bytes(task),
        }
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        let this = self.get_mut();
        let bytes = this.poll_bytes(task);
        if let Some(progress) = &this.progress {
            progress.on_poll(matches!(bytes, Poll::Ready(Some(_))));
        }
        bytes.map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Nothing)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Nothing => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Events(_) => SizeHint::default(),
        }
    }
}

/// An answer as one JSON object.
pub(super) fn json(reply: Reply) -> Response<ReplyBody> {
    let (status, retry_after) = (status(&reply), retry_after(&reply));
    let mut response = Response::new(ReplyBody::whole(Bytes::from(reply.body)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Server-sent events, as they come.
pub(super) fn events(stream: EventStream) -> Response<ReplyBody> {
    let mut response =
        Response::new(ReplyBody { content: Content::Events(Box::new(stream)), ..ReplyBody::default() });
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Proxies that buffer would hold events back (streamable-http, "Receiving Messages").
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    response
}

/// A request whose length could be understood in two ways; nothing more is read from its connection.
pub(super) fn ambiguous() -> Response<ReplyBody> {
    let mut response =
        text(StatusCode::BAD_REQUEST, "send one Content-Length, or a body that is chunked and nothing else");
    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    response
}

/// Marks an answer that was made without reading the request's body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Unread;

/// The answer, marked.
pub(super) fn unread(mut response: Response<ReplyBody>) -> Response<ReplyBody> {
    response.extensions_mut().insert(Unread);
    response
}

/// A status alone.
pub(super) fn bare(status: StatusCode) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::empty());
    *response.status_mut() = status;
    response
}

/// A status with a line for people.
pub(super) fn text(status: StatusCode, text: &str) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::whole(Bytes::from(format!("{text}\n"))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

/// A method that the route does not have.
pub(super) fn method_not_allowed(allowed: &'static str) -> Response<ReplyBody> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    response.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    response
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
