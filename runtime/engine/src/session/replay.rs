//! What was sent on a session's streams, kept for a while: for clients whose connection broke.
//!
//! A stream that can be resumed is a tape. What is recorded on it has a position; a reader plays it from where its
//! client says that it was cut off (2025-03-26 to 2025-11-25, basic/transports, "Resumability and Redelivery"). The
//! tape of a call goes on while nobody reads it. Tapes are bounded for each session and for the process, and old ones
//! are forgotten: messages before answers, what was sent before what was not. What a reader is about to get is never
//! taken from it.

use std::collections::HashMap;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use impresario_protocol::{Limits, McpError};
use parking_lot::Mutex;
use tokio::time::Instant;

use super::replay_store::{Holder, ReplayStore};
use tape::{Event, Tape};

mod tape;

/// Whose messages a tape holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TapeKind {
    /// Those of a call, or of the calls of a batch. It ends with the last answer.
    Call,
    /// What a session is told unasked. It ends with the session.
    Session,
}

/// The tapes of one session.
#[derive(Debug)]
pub struct Replay {
    /// Under which the process's store lists it.
    key: u64,
    store: Arc<ReplayStore>,
    limits: Arc<Limits>,
    tapes: Mutex<Tapes>,
}

#[derive(Debug, Default)]
struct Tapes {
    by_name: HashMap<Arc<str>, Tape, ahash::RandomState>,
    events: usize,
    bytes: usize,
    /// The session has ended; nothing more is kept.
    is_closed: bool,
}

/// Writes a call's tape, whether anybody reads it or not. Dropped, it ends the tape.
#[derive(Debug)]
pub struct Recorder {
    replay: Arc<Replay>,
    name: Arc<str>,
}

/// Reads a tape for one connection. Another reader of the same tape takes its place.
#[derive(Debug)]
pub struct Playback {
    replay: Arc<Replay>,
    name: Arc<str>,
    kind: TapeKind,
    generation: u64,
}

/// One recorded message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Played {
    /// Names the tape and the position on it.
    pub id: String,
    /// The JSON-RPC message.
    pub message: Bytes,
}

impl Replay {
    /// No tapes yet, in that store.
    pub(super) fn open(store: &Arc<ReplayStore>, limits: &Arc<Limits>) -> Arc<Self> {
        let (held_in, limits) = (Arc::clone(store), Arc::clone(limits));
        store.enter(|key| Self { key, store: held_in, limits, tapes: Mutex::default() })
    }

    /// Begins the tape of a call, with a reader at its beginning.
    #[must_use]
    pub fn record_call(self: &Arc<Self>) -> (Recorder, Playback) {
        let playback = self.begin(TapeKind::Call);
        (Recorder { replay: Arc::clone(self), name: Arc::clone(&playback.name) }, playback)
    }

    /// Begins a tape of what the session is told unasked; its reader writes it too.
    #[must_use]
    pub fn record_session(self: &Arc<Self>) -> Playback {
        let kept_max = Limits::size(self.limits.streams_per_session_max);
        self.tapes.lock().forget_left_sessions(kept_max, &self.store);
        self.begin(TapeKind::Session)
    }

    fn begin(self: &Arc<Self>, kind: TapeKind) -> Playback {
        let name = new_name();
        let mut tapes = self.tapes.lock();
        let mut tape = Tape::new(kind);
        let generation = tape.attach(0);
        tape.has_ended_at = tapes.is_closed.then(Instant::now);
        tapes.by_name.insert(Arc::clone(&name), tape);
        Playback { replay: Arc::clone(self), name, kind, generation }
    }

    /// A reader that goes on after the event of that id.
    ///
    /// # Errors
    /// When no tape of this session has such an event, or the answer that followed is not kept any more. Then nothing
    /// is read and nobody's reading is disturbed.
    pub fn resume(self: &Arc<Self>, last_event_id: &str) -> Result<Playback, McpError> {
        self.expire();
        let unknown =
            || McpError::invalid_request("Last-Event-ID names no event of this session that is still kept");
        let (name, position) = last_event_id.rsplit_once('.').ok_or_else(unknown)?;
        let position = position_of(position).ok_or_else(unknown)?;
        let mut tapes = self.tapes.lock();
        let (name, tape) = match tapes.by_name.get_key_value(name) {
            Some((name, tape)) if tape.can_resume(position) => (Arc::clone(name), tape),
            _ => return Err(unknown()),
        };
        let kind = tape.kind;
        let tape = tapes.by_name.get_mut(&name).ok_or_else(unknown)?;
        let generation = tape.attach(position);
        Ok(Playback { replay: Arc::clone(self), name, kind, generation })
    }

    /// Whose messages the tape holds that an id names, if there is such a tape.
    #[must_use]
    pub fn kind_of(&self, last_event_id: &str) -> Option<TapeKind> {
        let (name, _) = last_event_id.rsplit_once('.')?;
        self.tapes.lock().by_name.get(name).map(|tape| tape.kind)
    }

    /// How many tapes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tapes.lock().by_name.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets what is too old.
    pub(super) fn expire(&self) {
        let event_ttl = Duration::from_millis(self.limits.replay_ttl_ms);
        let ended_ttl = Duration::from_millis(self.limits.replay_ended_ttl_ms);
        let mut tapes = self.tapes.lock();
        let now = Instant::now();
        let mut gone = (0, 0);
        tapes.by_name.retain(|_, tape| {
            let freed = tape.expire(now, event_ttl);
            gone = (gone.0 + freed.0, gone.1 + freed.1);
            let is_over = tape.is_over(now, event_ttl, ended_ttl);
            if is_over {
                let freed = tape.clear();
                gone = (gone.0 + freed.0, gone.1 + freed.1);
            }
            !is_over
        });
        tapes.free(gone, &self.store);
    }

    /// The session is over. Who reads gets the rest, of a call to the last word about its end; everything else is
    /// forgotten.
    pub(super) fn close(&self) {
        let mut tapes = self.tapes.lock();
        tapes.is_closed = true;
        let (mut freed, mut wakers) = ((0, 0), Vec::new());
        tapes.by_name.retain(|_, tape| {
            // A call was taken back before this, and whoever records it ends its tape.
            if tape.kind == TapeKind::Session {
                wakers.extend(tape.end());
            }
            if tape.is_left() {
                let (events, bytes) = tape.clear();
                freed = (freed.0 + events, freed.1 + bytes);
                wakers.extend(tape.recorder.take());
            }
            !tape.is_left()
        });
        tapes.free(freed, &self.store);
        drop(tapes);
        wakers.into_iter().for_each(Waker::wake);
    }

    fn push(&self, name: &str, message: Bytes, is_answer: bool) {
        let (events_max, bytes_max) =
            (Limits::size(self.limits.replay_events_max), Limits::size(self.limits.replay_bytes_max));
        let mut tapes = self.tapes.lock();
        let Some(tape) = tapes.by_name.get_mut(name) else { return };
        let event = Event::new(message, is_answer);
        let bytes = event.bytes();
        let waker = tape.push(event);
        tapes.events += 1;
        tapes.bytes += bytes;
        self.store.add(bytes);
        // The newest alone is kept however long it is, so that no answer is too long to be delivered.
        let lost = tapes.trim(events_max, bytes_max, 1, &self.store);
        drop(tapes);
        if lost > 0 {
            tracing::warn!(
                lost,
                "answers that nobody fetched were given up (replay_bytes_max, replay_events_max)"
            );
        }
        if let Some(waker) = waker {
            waker.wake();
        }
        self.store.shed();
    }

    /// Something for a tape, and whoever is to be woken for it. Nothing when the tape is gone.
    fn with<T>(&self, name: &str, change: impl FnOnce(&mut Tape) -> T) -> Option<T> {
        self.tapes.lock().by_name.get_mut(name).map(change)
    }
}

impl Holder for Replay {
    fn bytes(&self) -> usize {
        self.tapes.lock().bytes
    }

    fn shed(&self, bytes: usize) {
        let mut tapes = self.tapes.lock();
        let wanted = tapes.bytes.saturating_sub(bytes);
        let lost = tapes.trim(usize::MAX, wanted, 0, &self.store);
        drop(tapes);
        tracing::warn!(lost_answers = lost, "what could be replayed was given up (replay_total_bytes_max)");
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        let freed = self.tapes.get_mut().bytes;
        self.store.remove(self.key, freed);
    }
}

impl Tapes {
    fn free(&mut self, (events, bytes): (usize, usize), store: &ReplayStore) {
        self.events -= events;
        self.bytes -= bytes;
        store.subtract(bytes);
    }

    /// Gives up events until the bounds hold or only `kept` are left. Says how many answers were lost by it.
    fn trim(&mut self, events_max: usize, bytes_max: usize, kept: usize, store: &ReplayStore) -> usize {
        let mut lost = 0;
        while (self.events > events_max || self.bytes > bytes_max) && self.events > kept {
            let least = self.by_name.iter().filter_map(|(name, tape)| Some((tape.least_worth()?, name)));
            let Some((worth, name)) = least.min_by(|one, other| one.0.cmp(&other.0)) else { break };
            let name = Arc::clone(name);
            let Some(tape) = self.by_name.get_mut(&name) else { break };
            let bytes = tape.give_up_oldest();
            lost += usize::from(worth.is_unsent_answer());
            if tape.is_used_up() {
                self.by_name.remove(&name);
            }
            self.free((1, bytes), store);
        }
        lost
    }

    /// Forgets the tapes of a session's own streams that were left longest, but for `kept_max`.
    fn forget_left_sessions(&mut self, kept_max: usize, store: &ReplayStore) {
        let left = self.by_name.iter().filter(|(_, tape)| tape.kind == TapeKind::Session && tape.is_left());
        let mut left: Vec<_> = left.map(|(name, tape)| (tape.left_at, Arc::clone(name))).collect();
        left.sort_unstable();
        let surplus = left.len().saturating_sub(kept_max.saturating_sub(1));
        for (_, name) in left.into_iter().take(surplus) {
            if let Some(mut tape) = self.by_name.remove(&name) {
                self.free(tape.clear(), store);
            }
        }
    }
}

impl Recorder {
    /// Records a message; an answer is given up last.
    pub fn push(&self, message: impl Into<Bytes>, is_answer: bool) {
        self.replay.push(&self.name, message.into(), is_answer);
    }

    /// Whether the next message may be recorded: nobody reads, or who reads has taken everything. A slow reader leaves
    /// messages where they come from, which has bounds of its own.
    pub fn poll_room(&self, task: &mut TaskContext<'_>) -> Poll<()> {
        self.replay.with(&self.name, |tape| tape.poll_room(task)).unwrap_or(Poll::Ready(()))
    }

    /// Ends the connection of whoever reads, once it has taken everything. The tape goes on.
    pub fn dismiss_reader(&self) {
        if let Some(Some(waker)) = self.replay.with(&self.name, Tape::dismiss_reader) {
            waker.wake();
        }
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        let mut tapes = self.replay.tapes.lock();
        let Some(tape) = tapes.by_name.get_mut(&self.name) else { return };
        let waker = tape.end();
        if tape.is_used_up() {
            tapes.by_name.remove(&self.name);
        }
        drop(tapes);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl Playback {
    /// Whose messages it reads.
    #[must_use]
    pub fn kind(&self) -> TapeKind {
        self.kind
    }

    /// The id of the tape's beginning, before any message.
    #[must_use]
    pub fn first_id(&self) -> String {
        id(&self.name, 0)
    }

    /// Different for each tape, for spreading what they do over time.
    #[must_use]
    pub fn jitter(&self) -> u8 {
        self.name.bytes().fold(0, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte))
    }

    /// Records a message on the tape of a session's own stream.
    pub fn push(&self, message: impl Into<Bytes>) {
        self.replay.push(&self.name, message.into(), false);
    }

    /// The next message. Nothing at the end: of the tape, or of this reading of it.
    pub fn poll_next(&self, task: &mut TaskContext<'_>) -> Poll<Option<Played>> {
        let mut recorder = None;
        let polled = self.replay.with(&self.name, |tape| {
            let polled = tape.poll_next(self.generation, task);
            if polled.is_ready() {
                recorder = tape.recorder.take();
            }
            polled
        });
        if let Some(recorder) = recorder {
            recorder.wake();
        }
        match polled {
            Some(Poll::Pending) => Poll::Pending,
            Some(Poll::Ready(Some((position, message)))) => {
                Poll::Ready(Some(Played { id: id(&self.name, position), message }))
            }
            Some(Poll::Ready(None)) | None => Poll::Ready(None),
        }
    }
}

impl Drop for Playback {
    fn drop(&mut self) {
        let mut tapes = self.replay.tapes.lock();
        let Some(tape) = tapes.by_name.get_mut(&self.name) else { return };
        let recorder = tape.detach(self.generation);
        let (is_left, is_used_up) = (tape.is_left(), tape.is_used_up());
        if (is_used_up || is_left && tapes.is_closed)
            && let Some(mut tape) = tapes.by_name.remove(&self.name)
        {
            tapes.free(tape.clear(), &self.replay.store);
        }
        drop(tapes);
        if let Some(recorder) = recorder {
            recorder.wake();
        }
    }
}

fn id(name: &str, position: u64) -> String {
    format!("{name}.{position}")
}

/// A position as we write it, and in no other way.
fn position_of(text: &str) -> Option<u64> {
    let position: u64 = text.parse().ok()?;
    (position.to_string() == text).then_some(position)
}

/// 128 random bits.
fn new_name() -> Arc<str> {
    let mut random = [0_u8; 16];
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(random).into()
}

#[cfg(test)]
mod tests;
