//! Streams of server-sent events: a call's own, a session's, and the one stream of an HTTP+SSE session.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use impresario_codec::sse;
use impresario_engine::gate::Entry;
use impresario_engine::session::{Exchange, Frame, Playback, Played, SessionState, change_frame};
use impresario_protocol::Limits;
use tokio::time::{Instant, Sleep, sleep_until};

use super::event::{event, resumable_event};
use super::outbox::Outlet;

/// A stream of events with comments in quiet times, so that nobody in between takes it for dead.
#[derive(Debug)]
pub(super) struct EventStream {
    source: Source,
    /// Written, and not yet taken.
    ready: VecDeque<Bytes>,
    keep_alive: Duration,
    /// When the next comment is due.
    quiet_until: Pin<Box<Sleep>>,
    /// What the next event of a tape says of when to come back.
    retry_ms: Option<u64>,
}

#[derive(Debug)]
enum Source {
    /// What is sent for one request; ends with its answer.
    Call(Exchange),
    /// What was and is recorded for a call; ends with its answer, or when the client is to come back.
    Playback(Playback),
    /// What a session is told unasked, recorded where it can be resumed; ends with the session.
    Session { state: Arc<SessionState>, playback: Option<Playback>, _place: Entry },
    /// Everything that is sent in an HTTP+SSE session.
    HttpSse(Outlet),
    /// Nothing more.
    Ended,
}

impl EventStream {
    /// The stream of one request. `first` is what made it a stream.
    pub(super) fn of_call(exchange: Exchange, first: Option<&[u8]>, keep_alive: Duration) -> Self {
        let ready = first.into_iter().map(event).collect();
        Self::new(Source::Call(exchange), ready, keep_alive)
    }

    /// A call's stream that can be resumed. `begins` says that the client gets an id before the first message.
    pub(super) fn of_playback(playback: Playback, begins: bool, limits: &Limits) -> Self {
        let (first_id, retry_ms) = (playback.first_id(), retry_ms(&playback, limits));
        Self::of_tape(Source::Playback(playback), begins.then_some(first_id), retry_ms, limits)
    }

    /// The stream of a request that was taken back: it ends without an answer.
    pub(super) fn empty(keep_alive: Duration) -> Self {
        Self::new(Source::Ended, VecDeque::new(), keep_alive)
    }

    /// A session's own stream that can't be resumed.
    pub(super) fn of_session(state: Arc<SessionState>, place: Entry, keep_alive: Duration) -> Self {
        // A first comment, so that the client sees at once that the stream is open.
        let ready = VecDeque::from([Bytes::from_static(sse::KEEP_ALIVE)]);
        Self::new(Source::Session { state, playback: None, _place: place }, ready, keep_alive)
    }

    /// A session's own stream that can be resumed. `begins` as above.
    pub(super) fn of_recorded_session(
        state: Arc<SessionState>,
        place: Entry,
        playback: Playback,
        begins: bool,
        limits: &Limits,
    ) -> Self {
        let (first_id, retry_ms) = (playback.first_id(), retry_ms(&playback, limits));
        let source = Source::Session { state, playback: Some(playback), _place: place };
        Self::of_tape(source, begins.then_some(first_id), retry_ms, limits)
    }

    /// The stream of an HTTP+SSE session.
    pub(super) fn of_http_sse(outlet: Outlet, keep_alive: Duration) -> Self {
        Self::new(Source::HttpSse(outlet), VecDeque::new(), keep_alive)
    }

    fn of_tape(source: Source, first_id: Option<String>, retry_ms: u64, limits: &Limits) -> Self {
        let (first, retry_ms) = match first_id {
            Some(id) => (resumable_event(&id, Some(retry_ms), b""), None),
            None => (Bytes::from_static(sse::KEEP_ALIVE), Some(retry_ms)),
        };
        let keep_alive = Duration::from_millis(limits.sse_keep_alive_ms);
        Self { retry_ms, ..Self::new(source, VecDeque::from([first]), keep_alive) }
    }

    fn new(source: Source, ready: VecDeque<Bytes>, keep_alive: Duration) -> Self {
        let quiet_until = Box::pin(sleep_until(Instant::now() + keep_alive));
        Self { source, ready, keep_alive, quiet_until, retry_ms: None }
    }

    /// The next bytes to send; nothing at the end.
    pub(super) fn poll_bytes(&mut self, task: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(bytes) = self.ready.pop_front() {
            return Poll::Ready(Some(bytes));
        }
        match self.source.poll_event(task, &mut self.retry_ms) {
            Poll::Ready(Some(event)) => {
                self.postpone_comment();
                return Poll::Ready(Some(event));
            }
            Poll::Ready(None) => {
                // What it stood for is given back at once, not when the connection lets go of it.
                self.source = Source::Ended;
                return Poll::Ready(None);
            }
            Poll::Pending => {}
        }
        if self.quiet_until.as_mut().poll(task).is_ready() {
            self.postpone_comment();
            // Polled once more, so that its waker is registered again.
            task.waker().wake_by_ref();
            return Poll::Ready(Some(Bytes::from_static(sse::KEEP_ALIVE)));
        }
        Poll::Pending
    }

    fn postpone_comment(&mut self) {
        self.quiet_until.as_mut().reset(Instant::now() + self.keep_alive);
    }
}

impl Source {
    /// The next event. `retry_ms` goes with the first one that can name it.
    fn poll_event(&mut self, task: &mut Context<'_>, retry_ms: &mut Option<u64>) -> Poll<Option<Bytes>> {
        let played = |played: Option<Played>, retry_ms: &mut Option<u64>| {
            played.map(|Played { id, message }| resumable_event(&id, retry_ms.take(), &message))
        };
        match self {
            Self::Call(exchange) => match exchange.poll_frame(task) {
                Poll::Ready(Frame::Message(message)) => Poll::Ready(Some(event(&message))),
                Poll::Ready(Frame::Reply(reply)) => {
                    *self = Self::Ended;
                    Poll::Ready(Some(event(&reply.into_bytes())))
                }
                Poll::Ready(Frame::Nothing) => Poll::Ready(None),
                Poll::Pending => Poll::Pending,
            },
            Self::Playback(playback) => playback.poll_next(task).map(|next| played(next, retry_ms)),
            Self::Session { state, playback: None, .. } => {
                state.subscriber().poll_change(task).map(|change| change_frame(change).as_deref().map(event))
            }
            Self::Session { state, playback: Some(playback), .. } => loop {
                match playback.poll_next(task) {
                    Poll::Pending => {}
                    next @ Poll::Ready(_) => return next.map(|next| played(next, retry_ms)),
                }
                match state.subscriber().poll_change(task).map(change_frame) {
                    Poll::Ready(Some(message)) => playback.push(message),
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Pending => return Poll::Pending,
                }
            },
            Self::HttpSse(outlet) => outlet.poll_next(task),
            Self::Ended => Poll::Ready(None),
        }
    }
}

/// When a client that was cut off is to come back. Spread, so that those of one moment do not come back in one.
fn retry_ms(playback: &Playback, limits: &Limits) -> u64 {
    let retry_ms = limits.sse_retry_ms;
    retry_ms + retry_ms * u64::from(playback.jitter()) / 1024
}
