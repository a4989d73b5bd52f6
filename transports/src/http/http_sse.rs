//! HTTP+SSE, the transport of 2024-11-05: `GET /sse` opens a session and its one stream, `POST /messages` says something
//! in it, and what comes back takes the stream.
//!
//! A session lives on the lane that holds its stream and ends with it. Posts come in on any lane and reach it through a
//! bounded queue.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use impresario_codec::sse;
use impresario_engine::session::{Connection, ConnectionKind, Places, SessionTable, error_reply};
use impresario_engine::{Caller, Dialect};
use impresario_protocol::{Limits, McpError};
use tokio::sync::mpsc;

use super::body::{self, BodyError};
use super::head::Head;
use super::http_sse_sessions::{Listed, Said};
use super::media::{self, Accepts};
use super::outbox::{Outbox, outbox};
use super::response::{self, Answer};
use super::site::Site;
use super::streams::EventStream;
use crate::conversation::{Conversation, Out as _};
use crate::incoming::{self, Incoming};

/// Where clients post to.
pub(super) const MESSAGES: &str = "/messages";

/// One session, on the lane of its stream.
struct Session {
    conversation: Conversation<Outbox>,
    inbox: mpsc::Receiver<Said>,
    allows_batches: Arc<AtomicBool>,
    _places: Places,
}

/// `GET /sse`: opens a session and its stream.
pub(super) fn open(site: &Site, connection: &Connection, caller: &Caller, head: &Head<'_>) -> Answer {
    if !Accepts::of(head).events {
        return response::text(StatusCode::NOT_ACCEPTABLE, "send Accept: text/event-stream");
    }
    if site.shared().closing.has_begun() {
        return refused(&McpError::shutting_down());
    }
    let places = match site.sessions().enter(caller) {
        Ok(places) => places,
        Err(error) => return refused(&error),
    };
    let limits = site.limits();
    let id = SessionTable::new_id();
    let (inbox_tx, inbox) = mpsc::channel(Limits::size(limits.session_mailbox_messages_max));
    let (outbox, outlet) = outbox(Limits::size(limits.sse_out_bytes_max));
    let allows_batches = Arc::<AtomicBool>::default();
    let listed =
        Listed { caller: caller.clone(), inbox: inbox_tx, allows_batches: Arc::clone(&allows_batches) };
    site.http_sse().insert(Arc::clone(&id), listed);
    let actor = connection.open_beside(caller.clone(), ConnectionKind::Pipe);
    let conversation = Conversation::new(actor, outbox);
    let session = Session { conversation, inbox, allows_batches, _places: places };
    tokio::task::spawn_local(session.hold(site.clone(), id));
    response::events(EventStream::of_http_sse(outlet, Duration::from_millis(limits.sse_keep_alive_ms)))
}

/// `POST /messages`: one message of a session. The order of the checks is that of `POST /mcp`.
pub(super) async fn post<B>(site: &Site, caller: &Caller, head: &Head<'_>, body: B) -> Answer
where
    B: Body<Data = Bytes>,
{
    let limits = site.limits();
    if body.size_hint().lower() > limits.body_bytes_max {
        return BodyError::TooLarge.answer(limits).unread();
    }
    if let Some(refusal) = media::refuse_body(head) {
        return refusal.unread();
    }
    let bytes = match body::read(body, limits).await {
        Ok(bytes) => bytes,
        Err(error) => return error.answer(limits).unread(),
    };
    let listed = site.http_sse().named(head.uri, caller);
    let may_batch =
        || Ok(listed.as_ref().is_some_and(|listed| listed.allows_batches.load(Ordering::Acquire)));
    let said = match incoming::read(&bytes, limits, may_batch) {
        Ok(Incoming::Message(message)) => Said::Message(message),
        Ok(Incoming::Batch(_)) => Said::Batch(bytes.to_vec()),
        Err(refused) => {
            return response::json(error_reply(refused.id.as_ref(), &refused.error, Dialect::default()));
        }
    };
    let Some(listed) = listed else { return unknown_session() };
    if site.shared().closing.has_begun() {
        return refused(&McpError::shutting_down());
    }
    match listed.inbox.try_send(said) {
        Ok(()) => response::bare(StatusCode::ACCEPTED),
        Err(mpsc::error::TrySendError::Full(_)) => {
            const RETRY_AFTER_MS: u64 = 1_000;
            let text = "this session has as much to do as it may, or does not read its stream \
                        (session_mailbox_messages_max); retry later";
            refused(&McpError::overloaded(text, RETRY_AFTER_MS))
        }
        Err(mpsc::error::TrySendError::Closed(_)) => unknown_session(),
    }
}

fn unknown_session() -> Answer {
    response::text(StatusCode::NOT_FOUND, "session not found; open one with GET /sse")
}

fn refused(error: &McpError) -> Answer {
    response::json(error_reply(None, error, Dialect::default()))
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    ClientLeft,
    TooSlow,
    NeverInitialized,
    TooOld,
    HouseCloses,
}

impl Session {
    /// Has the conversation until the client leaves or is cut, or the house closes; then lets what runs finish.
    async fn hold(mut self, site: Site, id: Arc<str>) {
        let out = self.conversation.out.clone();
        let stall_timeout = Duration::from_millis(site.limits().sse_send_stall_ms);
        let end = tokio::select! {
            end = self.talk(&site, &id) => end,
            () = out.stalled(stall_timeout) => End::TooSlow,
        };
        site.http_sse().remove(&id);
        match end {
            End::ClientLeft if out.bytes() > 0 => {
                tracing::info!(
                    unsent_bytes = out.bytes(),
                    "an HTTP+SSE client has left before it read everything"
                );
            }
            End::ClientLeft | End::HouseCloses => {}
            End::TooSlow => {
                tracing::warn!(
                    unsent_bytes = out.bytes(),
                    "an HTTP+SSE client reads too slowly and is cut (sse_out_bytes_max, sse_send_stall_ms)"
                );
                out.cut();
            }
            End::NeverInitialized | End::TooOld => {
                tracing::info!(
                    ?end,
                    "an HTTP+SSE session ends (initialized_timeout_ms, session_lifetime_max_ms)"
                );
                out.cut();
            }
        }
        // What was accepted before is answered too.
        self.inbox.close();
        while let Ok(said) = self.inbox.try_recv() {
            self.on_said(said, site.limits()).await;
        }
        self.conversation.end().await;
        out.finish();
    }

    async fn talk(&mut self, site: &Site, id: &str) -> End {
        let limits = site.limits();
        let endpoint = format!("{MESSAGES}?session={id}");
        let mut event = Vec::new();
        sse::write_named_event(&mut event, "endpoint", None, endpoint.as_bytes());
        if self.conversation.out.send_event(event.into()).await.is_err() {
            return End::ClientLeft;
        }
        let out = self.conversation.out.clone();
        let mut too_old =
            std::pin::pin!(tokio::time::sleep(Duration::from_millis(limits.session_lifetime_max_ms)));
        let mut too_late =
            std::pin::pin!(tokio::time::sleep(Duration::from_millis(limits.initialized_timeout_ms)));
        loop {
            let is_open = self.conversation.connection.session_state().is_some();
            let said = tokio::select! {
                said = self.inbox.recv() => said,
                () = out.closed() => return End::ClientLeft,
                () = site.shared().closing.begun() => return End::HouseCloses,
                () = &mut too_old => return End::TooOld,
                () = &mut too_late, if !is_open => return End::NeverInitialized,
            };
            let Some(said) = said else { return End::ClientLeft };
            self.on_said(said, limits).await;
        }
    }

    async fn on_said(&mut self, said: Said, limits: &Limits) {
        match said {
            Said::Message(message) => {
                let opens_session = message.method() == "initialize";
                self.conversation.on_message(message).await;
                if opens_session {
                    let state = self.conversation.connection.session_state();
                    let may_batch = state.is_some_and(|state| state.allows_batches());
                    self.allows_batches.store(may_batch, Ordering::Release);
                }
            }
            Said::Batch(body) => {
                // It was taken apart before, when it came in.
                if let Ok(Incoming::Batch(parts)) = incoming::read(&body, limits, || Ok(true)) {
                    self.conversation.on_batch(&parts);
                }
            }
        }
    }
}
