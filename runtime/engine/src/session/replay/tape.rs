//! One stream's messages with their positions, whoever reads them, and what of them is worth least.

use std::collections::VecDeque;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::TapeKind;

/// What a kept event takes beside its message.
const EVENT_BYTES: usize = 64;

/// One stream's messages.
#[derive(Debug)]
pub(super) struct Tape {
    pub(super) kind: TapeKind,
    /// Oldest first. Positions rise, and some at the beginning may be missing.
    events: VecDeque<(u64, Event)>,
    /// The position of the newest event; 0 is the beginning.
    last: u64,
    /// Up to where events were handed to a reader, this one or one before.
    sent: u64,
    reader: Option<Reader>,
    generations: u64,
    /// When the last reader left.
    pub(super) left_at: Instant,
    pub(super) has_ended_at: Option<Instant>,
    /// An answer that nobody had got was given up.
    lacks_answer: bool,
    /// Who writes, while it waits for the reader.
    pub(super) recorder: Option<Waker>,
}

/// A message, as it is kept.
#[derive(Debug)]
pub(super) struct Event {
    message: Bytes,
    is_answer: bool,
    at: Instant,
}

/// Who reads a tape.
#[derive(Debug)]
pub(super) struct Reader {
    generation: u64,
    /// Up to where it has read.
    position: u64,
    waker: Option<Waker>,
    /// It is to leave once it has read everything.
    is_dismissed: bool,
}

/// What an event is worth: those that were sent before those that were not, messages before answers, old before new.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Worth {
    is_unsent: bool,
    is_answer: bool,
    at: Instant,
}

impl Worth {
    pub(super) fn is_unsent_answer(self) -> bool {
        self.is_unsent && self.is_answer
    }
}

impl Event {
    pub(super) fn new(message: Bytes, is_answer: bool) -> Self {
        Self { message, is_answer, at: Instant::now() }
    }

    pub(super) fn bytes(&self) -> usize {
        self.message.len() + EVENT_BYTES
    }
}

impl Tape {
    pub(super) fn new(kind: TapeKind) -> Self {
        Self {
            kind,
            events: VecDeque::new(),
            last: 0,
            sent: 0,
            reader: None,
            generations: 0,
            left_at: Instant::now(),
            has_ended_at: None,
            lacks_answer: false,
            recorder: None,
        }
    }

    /// Puts a reader at a position; one that reads already is sent away.
    pub(super) fn attach(&mut self, position: u64) -> u64 {
        self.generations += 1;
        let generation = self.generations;
        let reader = Reader { generation, position, waker: None, is_dismissed: false };
        if let Some(Reader { waker: Some(waker), .. }) = self.reader.replace(reader) {
            waker.wake();
        }
        generation
    }

    /// A reader leaves. Gives whoever waited for it to read.
    pub(super) fn detach(&mut self, generation: u64) -> Option<Waker> {
        if self.reader.as_ref().is_none_or(|reader| reader.generation != generation) {
            return None;
        }
        self.reader = None;
        self.left_at = Instant::now();
        self.recorder.take()
    }

    pub(super) fn is_left(&self) -> bool {
        self.reader.is_none()
    }

    /// Whether a reader that has got everything up to there can go on.
    pub(super) fn can_resume(&self, position: u64) -> bool {
        position <= self.last && !(self.lacks_answer && position < self.last)
    }

    /// Records an event. Gives the reader that waits for it.
    pub(super) fn push(&mut self, event: Event) -> Option<Waker> {
        self.last += 1;
        self.events.push_back((self.last, event));
        self.reader.as_mut().and_then(|reader| reader.waker.take())
    }

    /// The tape is over. Gives the reader that waits for more.
    pub(super) fn end(&mut self) -> Option<Waker> {
        self.has_ended_at.get_or_insert_with(Instant::now);
        self.reader.as_mut().and_then(|reader| reader.waker.take())
    }

    pub(super) fn dismiss_reader(&mut self) -> Option<Waker> {
        let reader = self.reader.as_mut()?;
        reader.is_dismissed = true;
        reader.waker.take()
    }

    pub(super) fn poll_room(&mut self, task: &mut TaskContext<'_>) -> Poll<()> {
        match &self.reader {
            Some(reader) if reader.position < self.last => {
                self.recorder = Some(task.waker().clone());
                Poll::Pending
            }
            _ => Poll::Ready(()),
        }
    }

    pub(super) fn poll_next(
        &mut self,
        generation: u64,
        task: &mut TaskContext<'_>,
    ) -> Poll<Option<(u64, Bytes)>> {
        let Some(reader) = self.reader.as_mut().filter(|reader| reader.generation == generation) else {
            return Poll::Ready(None);
        };
        let from = self.events.partition_point(|(position, _)| *position <= reader.position);
        if let Some((position, event)) = self.events.get(from) {
            reader.position = *position;
            self.sent = self.sent.max(*position);
            return Poll::Ready(Some((*position, event.message.clone())));
        }
        reader.position = self.last;
        if self.has_ended_at.is_some() || reader.is_dismissed {
            return Poll::Ready(None);
        }
        reader.waker = Some(task.waker().clone());
        Poll::Pending
    }

    /// What the oldest event is worth, if it may be given up: a reader has it, or nobody reads.
    pub(super) fn least_worth(&self) -> Option<Worth> {
        let (position, event) = self.events.front()?;
        if self.reader.as_ref().is_some_and(|reader| reader.position < *position) {
            return None;
        }
        Some(Worth { is_unsent: *position > self.sent, is_answer: event.is_answer, at: event.at })
    }

    /// Gives up the oldest event, and says how many bytes that frees.
    pub(super) fn give_up_oldest(&mut self) -> usize {
        let Some((position, event)) = self.events.pop_front() else { return 0 };
        self.lacks_answer |= event.is_answer && position > self.sent;
        event.bytes()
    }

    /// Whether nothing more can come from it for anybody.
    pub(super) fn is_used_up(&self) -> bool {
        self.has_ended_at.is_some() && self.events.is_empty() && self.reader.is_none()
    }

    /// Gives up events that are too old and that no reader is about to get. Says how many, of how many bytes.
    pub(super) fn expire(&mut self, now: Instant, ttl: Duration) -> (usize, usize) {
        let mut freed = (0, 0);
        while let Some(worth) = self.least_worth()
            && now.duration_since(worth.at) >= ttl
        {
            freed = (freed.0 + 1, freed.1 + self.give_up_oldest());
        }
        freed
    }

    /// Whether nobody reads it and its time is over.
    pub(super) fn is_over(&self, now: Instant, session_ttl: Duration, ended_ttl: Duration) -> bool {
        let (since, ttl) = match self.has_ended_at {
            Some(ended_at) => (ended_at.max(self.left_at), ended_ttl),
            None if self.kind == TapeKind::Session => (self.left_at, session_ttl),
            None => return false,
        };
        self.reader.is_none() && now.duration_since(since) >= ttl
    }

    /// Gives up everything. Says how many events, of how many bytes.
    pub(super) fn clear(&mut self) -> (usize, usize) {
        let freed = (self.events.len(), self.events.iter().map(|(_, event)| event.bytes()).sum());
        self.events.clear();
        freed
    }
}
