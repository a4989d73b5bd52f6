//! `GET /mcp`: a session's own stream, or one that a client was cut off from (2025-11-25, basic/transports, "Listening
//! for Messages from the Server" and "Resumability and Redelivery").

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use impresario_engine::gate::Entry;
use impresario_engine::session::{SessionState, TapeKind, error_reply};
use impresario_engine::{Caller, Dialect};
use impresario_protocol::{Limits, McpError};

use super::head::{Field, Head};
use super::media::Accepts;
use super::response::{self, Answer};
use super::site::Site;
use super::streams::EventStream;

/// Opens a session's own stream, or goes on with the one that the client names.
pub(super) fn answer(site: &Site, caller: &Caller, head: &Head<'_>) -> Answer {
    if head.accept.is_absent() || !Accepts::of(head).events {
        return response::text(StatusCode::NOT_ACCEPTABLE, "send Accept: text/event-stream");
    }
    match site.named_session(caller, head) {
        Ok(state) if head.last_event_id.is_absent() => open(site, state),
        Ok(state) => resume(site, state, head.last_event_id),
        Err(error) => refused(&error),
    }
}

fn open(site: &Site, state: Arc<SessionState>) -> Answer {
    let Some(place) = place(site, &state) else { return no_place() };
    if !state.can_resume() {
        let keep_alive = Duration::from_millis(site.limits().sse_keep_alive_ms);
        return response::events(EventStream::of_session(state, place, keep_alive));
    }
    let playback = site.sessions().replay(&state).record_session();
    let begins = state.polls();
    response::events(EventStream::of_recorded_session(state, place, playback, begins, site.limits()))
}

fn resume(site: &Site, state: Arc<SessionState>, last: Field<'_>) -> Answer {
    let bad = |text: &'static str| refused(&McpError::invalid_request(text));
    if !state.can_resume() {
        return bad("streams of this session's revision are not resumable; leave Last-Event-ID out");
    }
    let Ok(Some(last)) = last.text() else { return bad("send one Last-Event-ID, as it was received") };
    let replay = site.sessions().replay(&state);
    // Looked at first: nobody's reading is disturbed by a client that has as many streams as it may.
    let place = match replay.kind_of(last) {
        Some(TapeKind::Session) => match place(site, &state) {
            Some(place) => Some(place),
            None => return no_place(),
        },
        Some(TapeKind::Call) | None => None,
    };
    state.touch();
    let stream = match (replay.resume(last), place) {
        (Err(error), _) => return refused(&error),
        (Ok(playback), Some(place)) => {
            EventStream::of_recorded_session(state, place, playback, false, site.limits())
        }
        (Ok(playback), None) => EventStream::of_playback(playback, false, site.limits()),
    };
    response::events(stream)
}

fn place(site: &Site, state: &SessionState) -> Option<Entry> {
    state.open_stream(Limits::size(site.limits().streams_per_session_max))
}

fn no_place() -> Answer {
    let text = "this session has as many streams as it may (streams_per_session_max)";
    response::text(StatusCode::CONFLICT, text)
}

fn refused(error: &McpError) -> Answer {
    response::json(error_reply(None, error, Dialect::default()))
}
