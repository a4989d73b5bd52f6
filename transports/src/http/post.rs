//! `POST /mcp`: one message (or, in one revision, a batch of them) and what comes back for it.
//!
//! The order of the checks is the order of the errors: size, content type, parse, shape of the message,
//! headers against body, session; the rest is the session actor's.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use impresario_codec::{Message, MessageKind, is_batch};
use impresario_engine::session::{
    Connection, Exchange, Frame, SessionState, Via, error_reply, names_revision,
};
use impresario_engine::{Caller, Dialect};
use impresario_protocol::{Era, McpError, Revision};

use super::body::{self, BodyError, Text};
use super::head::Head;
use super::media;
use super::request_headers;
use super::response::{self, Answer};
use super::site::Site;
use super::{batch, later};
use crate::incoming::{self, Incoming, Refused};

/// Answers a POST.
pub(super) async fn answer<B>(
    site: &Site,
    connection: &Connection,
    caller: &Caller,
    head: &Head<'_>,
    body: B,
) -> Answer
where
    B: Body<Data = Bytes>,
{
    if body.size_hint().lower() > site.limits().body_bytes_max {
        return BodyError::TooLarge.answer(site.limits()).unread();
    }
    if let Some(refusal) = media::refuse(head) {
        return refusal.unread();
    }
    let mut text = match body::read(body, site.limits()).await {
        Ok(text) => text,
        Err(error) => return error.answer(site.limits()).unread(),
    };
    let post = Post { site, connection, caller, head };
    // Whatever needs no waiting is done without a future of its own: each would move the message and the answer once
    // more (1.5 k of the 23 k instructions of a `tools/list`).
    let mut exchange = match post.begin(&mut text) {
        Ok(Begun::Answered(answer)) => return answer,
        Ok(Begun::Call(exchange)) => exchange,
        Ok(Begun::Batch(parts, session)) => {
            return Box::pin(batch::answer(site, connection, session, parts)).await;
        }
        Err(refused) => {
            return response::json(error_reply(refused.id.as_ref(), &refused.error, Dialect::default()));
        }
    };
    // Most calls have ended here.
    match poll_fn(|task| Poll::Ready(exchange.poll_frame(task))).await {
        Poll::Ready(Frame::Reply(reply)) => later::whole(&exchange, reply),
        at_once => Box::pin(later::answer(site, caller, head, exchange, at_once)).await,
    }
}

/// What becomes of a body that was read.
enum Begun<'t> {
    /// It has its answer.
    Answered(Answer),
    /// It is a call, and is being done.
    Call(Exchange),
    /// It is a batch.
    Batch(Vec<&'t [u8]>, Arc<SessionState>),
}

/// One POST whose body was read.
struct Post<'p> {
    site: &'p Site,
    connection: &'p Connection,
    caller: &'p Caller,
    head: &'p Head<'p>,
}

impl Post<'_> {
    fn begin<'t>(&self, text: &'t mut Text) -> Result<Begun<'t>, Refused> {
        if let Some(gathered) = text.take_gathered(|bytes| !is_batch(bytes)) {
            return self.message(incoming::message_in_place(gathered, self.site.limits())?);
        }
        let mut session = None;
        let allows_batches = || {
            let header = request_headers::revision(self.head)?;
            if header.is_some_and(|header| header.era() == Era::Modern) {
                return Ok(false);
            }
            session = self.named_session()?;
            Ok(session.as_ref().is_some_and(|session| session.allows_batches()))
        };
        match incoming::read(text, self.site.limits(), allows_batches)? {
            Incoming::Message(message) => self.message(message),
            Incoming::Batch(parts) => {
                let Some(session) = session else { return Err(McpError::internal().into()) };
                Ok(Begun::Batch(parts, session))
            }
        }
    }

    fn message<'t>(&self, message: Message) -> Result<Begun<'t>, Refused> {
        let via = match self.via(&message) {
            Ok(via) => via,
            Err(error) => return Err(Refused { id: message.id().cloned(), error }),
        };
        match message.kind() {
            MessageKind::Request => Ok(Begun::Call(self.connection.request(message, via))),
            MessageKind::Notification => {
                self.connection.notify(message, via);
                Ok(Begun::Answered(response::bare(StatusCode::ACCEPTED)))
            }
            MessageKind::Response if matches!(via, Via::Http { session: Some(_), .. }) => {
                self.connection.notify(message, via);
                Ok(Begun::Answered(response::bare(StatusCode::ACCEPTED)))
            }
            MessageKind::Response => {
                let text = "a response belongs to a session; nothing was asked here";
                Err(Refused { id: message.id().cloned(), error: McpError::invalid_request(text) })
            }
        }
    }

    /// Finds out in which era the message is spoken, and the session that it belongs to.
    fn via(&self, message: &Message) -> Result<Via, McpError> {
        let header = request_headers::revision(self.head);
        let is_modern =
            matches!(header, Ok(Some(header)) if header.era() == Era::Modern) || names_revision(message);
        if is_modern {
            if message.kind() == MessageKind::Request {
                request_headers::check(self.head, message, self.site.shared())?;
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
        let id = request_headers::session_id(self.head)?;
        id.map(|id| self.site.session(id, self.caller)).transpose()
    }
}
