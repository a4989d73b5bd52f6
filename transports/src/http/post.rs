//! `POST /mcp`: one message (or, in one revision, a batch of them) and what comes back for it.
//!
//! The order of the checks is the order of the errors: size, content type, parse, shape of the message,
//! headers against body, session; the rest is the session actor's.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_ENCODING, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use http_body::Body;
use impresario_codec::{Message, MessageKind};
use impresario_engine::session::{
    Connection, Exchange, Frame, SessionState, Via, error_reply, names_revision,
};
use impresario_engine::{Caller, Dialect};
use impresario_protocol::{Era, McpError, Revision};

use super::body::{self, BodyError};
use super::request_headers::{self, SESSION_ID};
use super::response::{self, ReplyBody};
use super::site::Site;
use super::streams::EventStream;
use crate::incoming::{self, Incoming, Refused};

/// Answers a POST.
pub(super) async fn answer<B>(
    site: &Site,
    connection: &Connection,
    caller: &Caller,
    headers: &HeaderMap,
    body: B,
) -> Response<ReplyBody>
where
    B: Body<Data = Bytes>,
{
    if body.size_hint().lower() > site.limits().body_bytes_max {
        return response::unread(BodyError::TooLarge.response(site.limits()));
    }
    if let Some(refusal) = refuse_media(headers) {
        return response::unread(refusal);
    }
    let bytes = match body::read(body, site.limits()).await {
        Ok(bytes) => bytes,
        Err(error) => return response::unread(error.response(site.limits())),
    };
    let post = Post { site, connection, caller, headers };
    post.answer(&bytes).await.unwrap_or_else(|refused| {
        response::json(error_reply(refused.id.as_ref(), &refused.error, Dialect::default()))
    })
}

/// One POST whose body was read.
struct Post<'p> {
    site: &'p Site,
    connection: &'p Connection,
    caller: &'p Caller,
    headers: &'p HeaderMap,
}

impl Post<'_> {
    async fn answer(&self, bytes: &[u8]) -> Result<Response<ReplyBody>, Refused> {
        let mut session = None;
        let allows_batches = || {
            let header = request_headers::revision(self.headers)?;
            if header.is_some_and(|header| header.era() == Era::Modern) {
                return Ok(false);
            }
            session = self.named_session()?;
            Ok(session.as_ref().is_some_and(|session| session.allows_batches()))
        };
        match incoming::read(bytes, self.site.limits(), allows_batches)? {
            Incoming::Message(message) => self.message(message).await,
            Incoming::Batch(parts) => Ok(self.batch(parts, Via::Http { session, header: None }).await),
        }
    }

    async fn message(&self, message: Message) -> Result<Response<ReplyBody>, Refused> {
        let id = message.id().cloned();
        let with_id = |error| Refused { id: id.clone(), error };
        let via = self.via(&message).map_err(with_id)?;
        match message.kind() {
            MessageKind::Request => Ok(self.request(message, via).await),
            MessageKind::Notification => {
                self.connection.notify(message, via);
                Ok(response::bare(StatusCode::ACCEPTED))
            }
            MessageKind::Response if matches!(via, Via::Http { session: Some(_), .. }) => {
                Ok(response::bare(StatusCode::ACCEPTED))
            }
            MessageKind::Response => Err(with_id(McpError::invalid_request(
                "a response belongs to a session; nothing was asked here",
            ))),
        }
    }

    /// Finds out in which era the message is spoken, and the session that it belongs to.
    fn via(&self, message: &Message) -> Result<Via, McpError> {
        let header = request_headers::revision(self.headers);
        let is_modern =
            matches!(header, Ok(Some(header)) if header.era() == Era::Modern) || names_revision(message);
        if is_modern {
            if message.kind() == MessageKind::Request {
                request_headers::check(self.headers, message, self.site.shared())?;
            }
            return Ok(Via::Http { session: None, header: Some(Revision::LATEST) });
        }
        let header = header?;
        let session = self.session(message)?;
        if let Some(session) = &session {
            session.touch();
        }
        Ok(Via::Http { session, header })
    }

    /// The session that the message names. A handshake opens one, and a notification that names none has no
    /// effect; everything else must name one (2025-11-25, basic/transports, "Session Management").
    fn session(&self, message: &Message) -> Result<Option<Arc<SessionState>>, McpError> {
        if message.method() == "initialize" {
            return Ok(None);
        }
        match self.named_session()? {
            None if message.kind() != MessageKind::Notification => Err(McpError::invalid_request(
                "no Mcp-Session-Id header; send initialize first, and then its id",
            )),
            session => Ok(session),
        }
    }

    /// The session that the headers name, if they name one.
    fn named_session(&self) -> Result<Option<Arc<SessionState>>, McpError> {
        let id = request_headers::session_id(self.headers)?;
        id.map(|id| self.site.session(id, self.caller)).transpose()
    }

    async fn request(&self, message: Message, via: Via) -> Response<ReplyBody> {
        let mut exchange = self.connection.request(message, via);
        let keep_alive = Duration::from_millis(self.site.limits().sse_keep_alive_ms);
        let Some(frame) = first_frame(&mut exchange, keep_alive).await else {
            // Nothing for a while: from here on it is a stream, which can be kept alive.
            return response::events(EventStream::of_call(exchange, None, keep_alive));
        };
        match frame {
            Frame::Reply(reply) => {
                let opened = exchange.call().facts().opened_session.clone();
                let mut answer = response::json(reply);
                if let Some(id) = opened
                    && let Ok(id) = HeaderValue::from_str(&id)
                {
                    answer.headers_mut().insert(SESSION_ID, id);
                }
                answer
            }
            Frame::Notification(message) => {
                response::events(EventStream::of_call(exchange, Some(&message), keep_alive))
            }
            Frame::Nothing => response::events(EventStream::empty(keep_alive)),
        }
    }

    /// A batch, in the one revision that has them: all answers in one array, without notifications.
    async fn batch(&self, parts: Vec<&[u8]>, via: Via) -> Response<ReplyBody> {
        let mut waiting = Vec::new();
        let mut answers: Vec<Vec<u8>> = Vec::new();
        for part in parts {
            match incoming::part(part, self.site.limits()) {
                Ok(message) if message.kind() == MessageKind::Request => {
                    waiting.push(self.connection.request(message, via.clone()));
                }
                Ok(message) => self.connection.notify(message, via.clone()),
                Err(refused) => {
                    answers.push(error_reply(refused.id.as_ref(), &refused.error, Dialect::default()).body);
                }
            }
        }
        for mut exchange in waiting {
            loop {
                match exchange.next_frame().await {
                    Frame::Notification(_) => {}
                    Frame::Reply(reply) => break answers.push(reply.body),
                    Frame::Nothing => break,
                }
            }
        }
        if answers.is_empty() {
            return response::bare(StatusCode::ACCEPTED);
        }
        let mut body = answers.join(&b',');
        body.insert(0, b'[');
        body.push(b']');
        let mut response = Response::new(ReplyBody::whole(Bytes::from(body)));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

/// The first frame, unless it takes longer than `patience`.
async fn first_frame(exchange: &mut Exchange, patience: Duration) -> Option<Frame> {
    // Most calls have ended here; a timer is made only for those that have not.
    let at_once = poll_fn(|task| Poll::Ready(exchange.poll_frame(task))).await;
    match at_once {
        Poll::Ready(frame) => Some(frame),
        Poll::Pending if exchange.is_listening() => Some(exchange.next_frame().await),
        Poll::Pending => tokio::time::timeout(patience, exchange.next_frame()).await.ok(),
    }
}

/// Why these headers describe a body that we do not read, or an answer that we can't give.
fn refuse_media(headers: &HeaderMap) -> Option<Response<ReplyBody>> {
    let unsupported = |text| Some(response::text(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    let mut codings = headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .flat_map(|codings| codings.as_bytes().split(|byte| *byte == b','));
    if codings.any(|coding| !coding.trim_ascii().eq_ignore_ascii_case(b"identity")) {
        return unsupported("send the body without a content encoding");
    }
    let media = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = media.and_then(|media| media.split(';').next()).unwrap_or_default().trim();
    if !essence.eq_ignore_ascii_case("application/json") || headers.get_all(CONTENT_TYPE).iter().count() > 1 {
        return unsupported("send Content-Type: application/json");
    }
    if !accepts(headers, "application/json") || !accepts(headers, "text/event-stream") {
        let text = "send Accept: application/json, text/event-stream";
        return Some(response::text(StatusCode::NOT_ACCEPTABLE, text));
    }
    None
}

/// Whether an answer of that type is accepted. Without the header, everything is.
pub(super) fn accepts(headers: &HeaderMap, wanted: &str) -> bool {
    if !headers.contains_key(ACCEPT) {
        return true;
    }
    let (family, _) = wanted.split_once('/').unwrap_or((wanted, ""));
    let matches = |range: &str| {
        let mut parts = range.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default();
        let is_refused = parts.any(|parameter| {
            parameter
                .strip_prefix("q=")
                .is_some_and(|quality| quality.parse::<f32>().is_ok_and(|quality| quality <= 0.0))
        });
        let wildcard = essence
            .strip_suffix("/*")
            .is_some_and(|range| range == "*" || range.eq_ignore_ascii_case(family));
        (essence.eq_ignore_ascii_case(wanted) || wildcard) && !is_refused
    };
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accept_is_read_with_wildcards_and_refusals() {
        for (accept, json, events) in [
            ("application/json, text/event-stream", true, true),
            ("application/json", true, false),
            ("text/event-stream;q=0.5 , Application/JSON", true, true),
            ("*/*", true, true),
            ("text/*", false, true),
            ("application/json;q=0, text/event-stream", false, true),
            ("application/jsonp", false, false),
            ("", false, false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(ACCEPT, HeaderValue::from_static(accept));
            assert_eq!(accepts(&headers, "application/json"), json, "{accept}");
            assert_eq!(accepts(&headers, "text/event-stream"), events, "{accept}");
        }
        assert!(accepts(&HeaderMap::new(), "application/json"));
    }
}
