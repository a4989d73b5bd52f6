//! What a handshake settled: the session of the legacy era, whatever connection its messages take.

use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use impresario_protocol::{Limits, LogLevel, Revision};
use tokio::time::Instant;

use crate::call::Call;
use crate::caller::{Caller, ClientFacts};
use crate::gate::{Counter, Entry};
use crate::hub::Subscriber;
use crate::in_flight::InFlight;
use crate::question::OpenQuestions;

use super::replay::Replay;
use super::replay_store::ReplayStore;

/// A session of the handshake era. On HTTP it is found by its id from whichever lane a request comes to.
#[derive(Debug)]
pub struct SessionState {
    id: Arc<str>,
    revision: Revision,
    caller: Caller,
    client: ClientFacts,
    /// Position in [`LogLevel::ALL`] of the mildest log messages that the client wants.
    log_level: AtomicU8,
    in_flight: Arc<InFlight<Call>>,
    calls: Arc<Counter>,
    streams: Arc<Counter>,
    /// What its streams can replay; most sessions have no such stream.
    replay: OnceLock<Arc<Replay>>,
    /// What its client was asked and has not answered.
    questions: Arc<OpenQuestions<Call>>,
    /// The changes that it is to be told of.
    subscriber: Arc<Subscriber>,
    opened_at: Instant,
    /// Milliseconds from `opened_at` to the last message.
    last_used_ms: AtomicU64,
    is_initialized: AtomicBool,
}

impl SessionState {
    /// A session that a handshake has just opened.
    pub(super) fn new(
        id: Arc<str>,
        revision: Revision,
        caller: Caller,
        client: ClientFacts,
        subscriber: Arc<Subscriber>,
        in_flight: Arc<InFlight<Call>>,
    ) -> Self {
        /// Sent until the client says otherwise (2025-11-25, server/utilities/logging).
        const INFO: u8 = 1;
        Self {
            id,
            revision,
            caller,
            client,
            log_level: AtomicU8::new(INFO),
            in_flight,
            calls: Arc::default(),
            streams: Arc::default(),
            replay: OnceLock::new(),
            questions: Arc::default(),
            subscriber,
            opened_at: Instant::now(),
            last_used_ms: AtomicU64::new(0),
            is_initialized: AtomicBool::new(false),
        }
    }

    /// Its id: at least 128 random bits.
    #[must_use]
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }

    /// The revision that was negotiated.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// Who opened it.
    #[must_use]
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// What the client said of itself.
    #[must_use]
    pub fn client(&self) -> &ClientFacts {
        &self.client
    }

    /// Its calls by their ids.
    #[must_use]
    pub fn in_flight(&self) -> &Arc<InFlight<Call>> {
        &self.in_flight
    }

    /// How many calls it has in flight.
    #[must_use]
    pub fn calls(&self) -> &Arc<Counter> {
        &self.calls
    }

    /// What its client was asked and has not answered.
    #[must_use]
    pub fn questions(&self) -> &Arc<OpenQuestions<Call>> {
        &self.questions
    }

    /// The changes it is to be told of.
    #[must_use]
    pub fn subscriber(&self) -> &Arc<Subscriber> {
        &self.subscriber
    }

    /// Opens one more stream from us to the client, unless there are `max` already.
    #[must_use]
    pub fn open_stream(&self, max: usize) -> Option<Entry> {
        self.touch();
        self.streams.enter(max)
    }

    /// Whether its streams can be resumed; they can since 2025-03-26.
    #[must_use]
    pub fn can_resume(&self) -> bool {
        self.revision >= Revision::V2025_03_26
    }

    /// Whether its client connects again when we close a stream before the answer (SEP-1699, with 2025-11-25). Then a
    /// stream begins with an event that has an id and no message; older clients would take that for a broken one.
    #[must_use]
    pub fn polls(&self) -> bool {
        self.revision >= Revision::V2025_11_25
    }

    /// What its streams can replay, made by whoever asks first.
    pub(super) fn replay(&self, store: &Arc<ReplayStore>, limits: &Arc<Limits>) -> &Arc<Replay> {
        self.replay.get_or_init(|| Replay::open(store, limits))
    }

    /// What its streams can replay, if any ever could.
    pub(super) fn kept_replay(&self) -> Option<&Arc<Replay>> {
        self.replay.get()
    }

    /// Whether JSON-RPC batches may be sent: in one revision alone they may.
    #[must_use]
    pub fn allows_batches(&self) -> bool {
        self.revision == Revision::V2025_03_26
    }

    /// The mildest log messages that the client wants.
    #[must_use]
    pub fn log_level(&self) -> LogLevel {
        LogLevel::ALL[usize::from(self.log_level.load(Ordering::Relaxed)).min(LogLevel::ALL.len() - 1)]
    }

    pub(super) fn set_log_level(&self, level: LogLevel) {
        let place = LogLevel::ALL.iter().position(|other| *other == level).unwrap_or_default();
        self.log_level.store(u8::try_from(place).unwrap_or_default(), Ordering::Relaxed);
    }

    pub(super) fn set_initialized(&self) {
        self.is_initialized.store(true, Ordering::Relaxed);
    }

    /// The client has just been heard of.
    pub fn touch(&self) {
        let now_ms = u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last_used_ms.store(now_ms, Ordering::Relaxed);
    }

    /// Whether nobody waits for anything from it: no call, no stream.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.get() == 0 && self.streams.get() == 0
    }

    /// Milliseconds since it was opened.
    pub(super) fn age_ms(&self) -> u64 {
        u64::try_from(self.opened_at.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Milliseconds since the client was last heard of.
    pub(super) fn unused_ms(&self) -> u64 {
        self.age_ms().saturating_sub(self.last_used_ms.load(Ordering::Relaxed))
    }

    /// Whether the client has completed the handshake, or used the session as if it had.
    pub(super) fn is_initialized(&self) -> bool {
        self.is_initialized.load(Ordering::Relaxed)
    }
}
