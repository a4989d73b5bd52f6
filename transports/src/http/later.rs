//! Calls that were not answered at once: as one JSON object a little later, or as a stream.
//!
//! In a session whose streams can be resumed, what a stream carries is recorded by a task of its own, so that it goes
//! on when the client is cut off. Calls that are answered at once never come here and pay for none of it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::HeaderValue;
use impresario_engine::Caller;
use impresario_engine::session::{Exchange, Frame, Reply, SessionState};
use impresario_protocol::Era;

use super::calls::Calls;
use super::head::Head;
use super::request_headers::SESSION_ID;
use super::response::{self, Answer};
use super::site::Site;
use super::streams::EventStream;

/// What a call that takes its time begins with.
enum Begin {
    Frame(Frame),
    /// The tool wants its client to come back later.
    CloseStream,
    /// Nothing for a while.
    Quiet,
}

/// Answers a call of which that much was there at once.
pub(super) async fn answer(
    site: &Site,
    caller: &Caller,
    head: &Head<'_>,
    mut exchange: Exchange,
    at_once: Poll<Frame>,
) -> Answer {
    let keep_alive = Duration::from_millis(site.limits().sse_keep_alive_ms);
    let session = resumable(site, caller, head, &exchange);
    let begin = match at_once {
        Poll::Ready(frame) => Begin::Frame(frame),
        Poll::Pending if exchange.is_listening() => Begin::Frame(exchange.next_frame().await),
        Poll::Pending => {
            let polls = session.as_ref().is_some_and(|session| session.polls());
            // A client that has no id yet can't come back, so it is given one soon.
            let begin = Duration::from_millis(site.limits().sse_begin_ms);
            let patience = if polls { keep_alive.min(begin) } else { keep_alive };
            wait(&mut exchange, polls, patience).await
        }
    };
    let (first, closes) = match begin {
        Begin::Frame(Frame::Reply(reply)) => return whole(&exchange, reply),
        Begin::Frame(Frame::Nothing) => return response::events(EventStream::empty(keep_alive)),
        Begin::Frame(Frame::Message(message)) => (Some(message), false),
        Begin::CloseStream => (None, true),
        Begin::Quiet => (None, false),
    };
    let Some(session) = session else {
        exchange.settle();
        return response::events(EventStream::of_call(exchange, first.as_deref(), keep_alive));
    };
    let stream =
        record(site, &session, Calls::new(vec![exchange]), first.map(|first| (first, false)), closes);
    response::events(stream)
}

/// An answer with nothing before it, as one JSON object.
pub(super) fn whole(exchange: &Exchange, reply: Reply) -> Answer {
    let opened = exchange.call().facts().opened_session.clone();
    let answer = response::json(reply);
    match opened.map(|id| HeaderValue::from_str(&id)) {
        Some(Ok(id)) => answer.with(SESSION_ID, id),
        Some(Err(_)) | None => answer,
    }
}

/// The stream of calls that goes on when its client is cut off. `first` is what they begin with, and whether that is an
/// answer; `closes` says that the client is to come back for the rest.
pub(super) fn record(
    site: &Site,
    session: &SessionState,
    calls: Calls,
    first: impl IntoIterator<Item = (Vec<u8>, bool)>,
    closes: bool,
) -> EventStream {
    let (recorder, playback) = site.sessions().replay(session).record_call();
    for (message, is_answer) in first {
        recorder.push(message, is_answer);
    }
    if closes {
        recorder.dismiss_reader();
    }
    let polls = session.polls();
    tokio::task::spawn_local(calls.record(recorder, polls));
    EventStream::of_playback(playback, polls, site.limits())
}

/// The session whose streams the call's stream belongs to, if they can be resumed.
fn resumable(
    site: &Site,
    caller: &Caller,
    head: &Head<'_>,
    exchange: &Exchange,
) -> Option<Arc<SessionState>> {
    if exchange.era() == Era::Modern {
        return None;
    }
    site.named_session(caller, head).ok().filter(|session| session.can_resume())
}

async fn wait(exchange: &mut Exchange, polls: bool, patience: Duration) -> Begin {
    let begin = poll_fn(|task| match exchange.poll_frame(task) {
        Poll::Ready(frame) => Poll::Ready(Begin::Frame(frame)),
        Poll::Pending if polls && exchange.call().takes_close_stream() => Poll::Ready(Begin::CloseStream),
        Poll::Pending => Poll::Pending,
    });
    tokio::time::timeout(patience, begin).await.unwrap_or(Begin::Quiet)
}
