//! Streams of server-sent events: a call's own, and a session's.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use impresario_codec::sse;
use impresario_engine::gate::Entry;
use impresario_engine::session::{Exchange, Frame, SessionState, change_frame};
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream of events with comments in quiet times, so that nobody in between takes it for dead.
#[derive(Debug)]
pub(super) struct EventStream {
    source: Source,
    /// Written, and not yet taken.
    ready: VecDeque<Bytes>,
    keep_alive: Duration,
    /// When the next comment is due.
    quiet_until: Pin<Box<Sleep>>,
}

#[derive(Debug)]
enum Source {
    /// What is sent for one request; ends with its answer.
    Call(Exchange),
    /// What a session is told unasked; ends with the session.
    Session { state: Arc<SessionState>, _place: Entry },
    /// Nothing more.
    Ended,
}

impl EventStream {
    /// The stream of one request. `first` is what made it a stream.
    pub(super) fn of_call(exchange: Exchange, first: Option<&[u8]>, keep_alive: Duration) -> Self {
        let ready = first.into_iter().map(event).collect();
        Self::new(Source::Call(exchange), ready, keep_alive)
    }

    /// The stream of a request that was taken back: it ends without an answer.
    pub(super) fn empty(keep_alive: Duration) -> Self {
        Self::new(Source::Ended, VecDeque::new(), keep_alive)
    }

    /// A session's own stream.
    pub(super) fn of_session(state: Arc<SessionState>, place: Entry, keep_alive: Duration) -> Self {
        // A first comment, so that the client sees at once that the stream is open.
        let ready = VecDeque::from([Bytes::from_static(sse::KEEP_ALIVE)]);
        Self::new(Source::Session { state, _place: place }, ready, keep_alive)
    }

    fn new(source: Source, ready: VecDeque<Bytes>, keep_alive: Duration) -> Self {
        let quiet_until = Box::pin(sleep_until(Instant::now() + keep_alive));
        Self { source, ready, keep_alive, quiet_until }
    }

    /// The next bytes to send; nothing at the end.
    pub(super) fn poll_bytes(&mut self, task: &mut Context<'_>) -> Poll<Option<Bytes>> {
        if let Some(bytes) = self.ready.pop_front() {
            return Poll::Ready(Some(bytes));
        }
        match self.source.poll_message(task) {
            Poll::Ready(Some(message)) => {
                self.postpone_comment();
                return Poll::Ready(Some(event(&message)));
            }
            Poll::Ready(None) => return Poll::Ready(None),
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
    fn poll_message(&mut self, task: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        match self {
            Self::Call(exchange) => match exchange.poll_frame(task) {
                Poll::Ready(Frame::Message(message)) => Poll::Ready(Some(message)),
                Poll::Ready(Frame::Reply(reply)) => {
                    *self = Self::Ended;
                    Poll::Ready(Some(reply.into_bytes()))
                }
                Poll::Ready(Frame::Nothing) => {
                    *self = Self::Ended;
                    Poll::Ready(None)
                }
                Poll::Pending => Poll::Pending,
            },
            Self::Session { state, .. } => match state.subscriber().poll_change(task) {
                Poll::Ready(change) => {
                    let message = change_frame(change);
                    if message.is_none() {
                        *self = Self::Ended;
                    }
                    Poll::Ready(message)
                }
                Poll::Pending => Poll::Pending,
            },
            Self::Ended => Poll::Ready(None),
        }
    }
}

fn event(message: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(message.len() + 32);
    sse::write_event(&mut out, None, message);
    Bytes::from(out)
}
