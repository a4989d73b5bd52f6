//! A batch, in the one revision that has them: all answers in one array, or a stream when something is to be said
//! before the last of them (2025-03-26, basic/transports, "Sending Messages to the Server").

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use impresario_codec::MessageKind;
use impresario_engine::Dialect;
use impresario_engine::session::{Connection, SessionState, Via, error_reply};

use super::calls::{Calls, Told};
use super::later;
use super::response::{self, Answer};
use super::site::Site;
use crate::incoming;

/// Answers the parts of a batch.
pub(super) async fn answer(
    site: &Site,
    connection: &Connection,
    session: Arc<SessionState>,
    parts: Vec<&[u8]>,
) -> Answer {
    let via = Via::Http { session: Some(Arc::clone(&session)), header: None };
    let mut waiting = Vec::new();
    let mut answers = Vec::new();
    for part in parts {
        match incoming::part(part, site.limits()) {
            Ok(message) if message.kind() == MessageKind::Request => {
                waiting.push(connection.request(message, via.clone()));
            }
            Ok(message) => connection.notify(message, via.clone()),
            Err(refused) => {
                answers
                    .push(error_reply(refused.id.as_ref(), &refused.error, Dialect::default()).into_bytes());
            }
        }
    }
    let mut calls = Calls::new(waiting);
    let keep_alive = Duration::from_millis(site.limits().sse_keep_alive_ms);
    let first = match tokio::time::timeout(keep_alive, collect(&mut calls, &mut answers)).await {
        Ok(None) => return all(&answers),
        Ok(first) => first,
        // Nothing for a while: from here on it is a stream, which can be kept alive.
        Err(_elapsed) => None,
    };
    let first = answers.into_iter().map(|answer| (answer, true)).chain(first.map(|first| (first, false)));
    response::events(later::record(site, &session, calls, first, false))
}

/// Collects answers until all are there, or gives what is to be said before.
async fn collect(calls: &mut Calls, answers: &mut Vec<Vec<u8>>) -> Option<Vec<u8>> {
    loop {
        match poll_fn(|task| calls.poll_next(task)).await {
            Some(Told { message, is_answer: true }) => answers.push(message),
            Some(Told { message, is_answer: false }) => return Some(message),
            None => return None,
        }
    }
}

/// All answers; nothing where nothing was asked.
fn all(answers: &[Vec<u8>]) -> Answer {
    if answers.is_empty() {
        return response::bare(StatusCode::ACCEPTED);
    }
    let mut body = answers.join(&b',');
    body.insert(0, b'[');
    body.push(b']');
    response::json_bytes(body)
}
