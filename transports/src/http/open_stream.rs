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
    let stream = match site.named_session(caller, head) {
        Ok(state) if head.last_event_id.is_absent() => open(site, state),
        Ok(state) => resume(site, state, head.last_event_id),
        Err(error) => Err(refused(&error)),
    };
    stream.map_or_else(|refusal| refusal, response::events)
}

fn open(site: &Site, state: Arc<SessionState>) -> Result<EventStream, Answer> {
    let place = place(site, &state)?;
    if !state.can_resume() {
        let keep_alive = Duration::from_millis(site.limits().sse_keep_alive_ms);
        return Ok(EventStream::of_session(state, place, keep_alive));
    }
    let playback = site.sessions().replay(&state).record_session();
    let begins = state.polls();
    Ok(EventStream::of_recorded_session(state, place, playback, begins, site.limits()))
}

fn resume(site: &Site, state: Arc<SessionState>, last: Field<'_>) -> Result<EventStream, Answer> {
    let bad = |text: &'static str| refused(&McpError::invalid_request(text));
    if !state.can_resume() {
        return Err(bad("streams of 2024-11-05 are not resumable; leave Last-Event-ID out"));
    }
    let Ok(Some(last)) = last.text() else { return Err(bad("send one Last-Event-ID, as it was received")) };
    let replay = site.sessions().replay(&state);
    // Looked at first: nobody's reading is disturbed by a client that has as many streams as it may.
    if replay.kind_of(last) == Some(TapeKind::Session) {
        let place = place(site, &state)?;
        let playback = replay.resume(last).map_err(|error| refused(&error))?;
        return Ok(EventStream::of_recorded_session(state, place, playback, false, site.limits()));
    }
    state.touch();
    let playback = replay.resume(last).map_err(|error| refused(&error))?;
    Ok(EventStream::of_playback(playback, false, site.limits()))
}

fn place(site: &Site, state: &SessionState) -> Result<Entry, Answer> {
    state.open_stream(Limits::size(site.limits().streams_per_session_max)).ok_or_else(|| {
        let text = "this session has as many streams as it may (streams_per_session_max)";
        response::text(StatusCode::CONFLICT, text)
    })
}

fn refused(error: &McpError) -> Answer {
    response::json(error_reply(None, error, Dialect::default()))
}
