//! One tool's kept answers: made when the tool is registered, gone with its registration.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use impresario_codec::Node;
use impresario_protocol::{ErrorKind, Outcome, ToolResult};
use moka::Expiry;
use moka::notification::RemovalCause;
use moka::policy::EvictionPolicy;
use moka::sync::Cache as Store;
use tokio::time::Instant;

use super::held::{Held, Place};
use super::key::{CacheKey, KeyField};
use super::policy::{CachePolicy, Eviction};
use super::scale::Scale;
use super::stats::{CacheFigures, Counted, Counters};
use super::waiting::Flights;
use super::{ENTRY_BYTES, ResultCache};
use crate::call::Ending;
use crate::caller::Caller;
use crate::result_size::size_of_result;

/// One tool's kept answers.
#[derive(Debug)]
pub struct ToolCache {
    pub(super) tool: Box<str>,
    pub(super) policy: CachePolicy,
    fields: Option<Box<[KeyField]>>,
    house: Arc<ResultCache>,
    store: Store<CacheKey, Arc<Kept>, ahash::RandomState>,
    /// What the store holds; the store's listener has the other handle.
    held: Arc<Held>,
    /// Counts how often everything was forgotten. What was asked before is not kept after, nor given to anybody who
    /// asks after.
    epoch: AtomicU64,
    pub(super) flights: Flights,
    counters: Counters,
}

/// A kept answer.
#[derive(Debug)]
pub struct Kept {
    /// The answer.
    pub result: ToolResult,
    bytes: u64,
    place: Place,
    epoch: u64,
    fresh_until: Instant,
    /// Given until then while the tool runs for a newer one.
    stale_until: Instant,
    /// Given until then in place of a failure.
    error_until: Instant,
    keep_for: Duration,
}

/// What is kept for a call.
#[derive(Debug)]
pub enum Found {
    /// An answer to be given.
    Fresh(Arc<Kept>),
    /// An answer to be given while the tool runs for a newer one.
    Stale(Arc<Kept>),
    /// Nothing: the tool has to run.
    Nothing,
}

/// A finished run of a tool.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub ending: Ending,
    /// It sent progress or log messages to its client.
    pub was_noisy: bool,
}

impl ToolCache {
    pub(super) fn new(
        house: &Arc<ResultCache>,
        tool: &str,
        policy: CachePolicy,
        fields: Option<Box<[KeyField]>>,
    ) -> Self {
        let held = Held::new(&house.room);
        let eviction = match policy.eviction.unwrap_or(house.eviction) {
            Eviction::LeastFrequent => EvictionPolicy::tiny_lfu(),
            Eviction::LeastRecent => EvictionPolicy::lru(),
        };
        let scale = Scale::of(&policy, house.room.bytes_max);
        let leaving = Arc::clone(&held);
        let store = Store::builder()
            .max_capacity(scale.capacity)
            .weigher(move |_key, kept: &Arc<Kept>| scale.weight(kept.bytes))
            .eviction_policy(eviction)
            .expire_after(ByTime)
            .eviction_listener(move |_key, kept: Arc<Kept>, cause| {
                leaving.leave(kept.place);
                if cause == RemovalCause::Size {
                    leaving.count_eviction();
                }
            })
            .build_with_hasher(ahash::RandomState::new());
        Self {
            tool: tool.into(),
            policy,
            fields,
            house: Arc::clone(house),
            store,
            held,
            epoch: AtomicU64::new(0),
            flights: Flights::default(),
            counters: Counters::new(house.lanes),
        }
    }

    /// What the answer of this call would be kept under.
    #[must_use]
    pub fn key(&self, caller: &Caller, arguments: Option<Node<'_>>) -> CacheKey {
        self.house.seed.key(self.policy.sharing, caller, arguments, self.fields.as_deref())
    }

    /// What is kept for a call.
    #[must_use]
    pub fn look_up(&self, key: CacheKey) -> Found {
        let Some(kept) = self.current(key) else { return Found::Nothing };
        let now = Instant::now();
        if now < kept.fresh_until {
            self.counters.count(Counted::Hit, 1);
            Found::Fresh(kept)
        } else if now < kept.stale_until {
            self.counters.count(Counted::Stale, 1);
            Found::Stale(kept)
        } else {
            Found::Nothing
        }
    }

    /// The fresh answer under a key, uncounted.
    pub(super) fn fresh(&self, key: CacheKey) -> Option<Arc<Kept>> {
        self.current(key).filter(|kept| Instant::now() < kept.fresh_until)
    }

    /// What is kept under a key and was not forgotten.
    fn current(&self, key: CacheKey) -> Option<Arc<Kept>> {
        self.store.get(&key).filter(|kept| kept.epoch == self.epoch())
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(super) fn count(&self, counted: Counted, calls: usize) {
        self.counters.count(counted, calls as u64);
    }

    /// Keeps what a run gave if it may be kept. Where it failed, gives the answer that stands in for it, if there is
    /// one.
    pub(super) fn settle(&self, key: CacheKey, epoch: u64, ran: &Ran) -> Option<Arc<Kept>> {
        if self.epoch() != epoch {
            return None;
        }
        if let Some((result, ttl)) = self.worth_keeping(ran) {
            self.put(key, epoch, result.clone(), ttl);
        } else if ran.failed() {
            return self.current(key).filter(|kept| Instant::now() < kept.error_until);
        } else {
            // There is a newer answer than the kept one, if only for those who waited for it.
            self.store.invalidate(&key);
        }
        None
    }

    /// What may be kept of a run, and for how long.
    fn worth_keeping<'r>(&self, ran: &'r Ran) -> Option<(&'r ToolResult, Duration)> {
        let Ending::Answered(Outcome::Tool(result)) = &ran.ending else { return None };
        let ttl = match (result.is_error, &result.error_code) {
            (false, _) => self.policy.ttl,
            (true, Some(code)) if self.policy.kept_errors.contains(code) => self.policy.error_ttl,
            (true, _) => return None,
        };
        let bytes_max = self.policy.max_bytes.unwrap_or(u64::MAX).min(self.house.entry_bytes_max);
        let fits = size_of_result(result) as u64 <= bytes_max;
        (fits && !ran.was_noisy && !ttl.is_zero()).then_some((result, ttl))
    }

    fn put(&self, key: CacheKey, epoch: u64, result: ToolResult, ttl: Duration) {
        let now = Instant::now();
        let longest = self.house.ttl_max;
        let until = |window: Duration| if result.is_error { Duration::ZERO } else { window };
        let ttl = ttl.min(longest);
        let stale_for = ttl.saturating_add(until(self.policy.stale_while_revalidate)).min(longest);
        let error_for = ttl.saturating_add(until(self.policy.stale_if_error)).min(longest);
        let bytes = size_of_result(&result) as u64 + ENTRY_BYTES;
        let kept = Kept {
            bytes,
            place: self.held.enter(key, bytes, now),
            epoch,
            fresh_until: now + ttl,
            stale_until: now + stale_for,
            error_until: now + error_for,
            keep_for: stale_for.max(error_for),
            result,
        };
        self.store.insert(key, Arc::new(kept));
        if self.epoch() != epoch {
            self.store.invalidate(&key);
        }
        self.house.make_room(self);
    }

    /// Lets go of what has expired or does not fit.
    pub(super) fn tidy(&self) {
        self.store.run_pending_tasks();
    }

    pub(super) fn bytes(&self) -> u64 {
        self.held.bytes()
    }

    /// Gives up the answer that has been there the longest. Says whether there was one.
    pub(super) fn give_up_oldest(&self) -> bool {
        let oldest = self.held.give_up_oldest();
        oldest.iter().for_each(|key| self.store.invalidate(key));
        oldest.is_some()
    }

    /// Forgets everything, and says how many answers that were. Runs that have begun are not kept.
    pub(super) fn forget(&self) -> u64 {
        self.tidy();
        let forgotten = self.held.entries();
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.store.invalidate_all();
        self.tidy();
        forgotten
    }

    /// The arguments of the calls that fill it before anybody asks.
    pub(crate) fn warm_up_calls(&self) -> &[serde_json::Value] {
        &self.policy.warm
    }

    /// What it has done, and what it holds.
    pub(super) fn figures(&self) -> CacheFigures {
        self.held.figures(self.counters.figures())
    }
}

impl Drop for ToolCache {
    fn drop(&mut self) {
        let done = CacheFigures { entries: 0, bytes: 0, oldest_age_ms: None, ..self.figures() };
        self.house.retire(&done);
    }
}

impl Kept {
    /// The answer as the ending of a call.
    #[must_use]
    pub fn ending(&self) -> Ending {
        Ending::Answered(Outcome::Tool(self.result.clone()))
    }
}

impl Ran {
    /// A defect of the tool, which another run may not meet.
    pub(super) fn panicked(&self) -> bool {
        matches!(&self.ending, Ending::Failed(error) if error.kind == ErrorKind::Internal)
    }

    fn failed(&self) -> bool {
        match &self.ending {
            Ending::Answered(Outcome::Tool(result)) => result.is_error,
            Ending::Failed(_) | Ending::Refused(_) | Ending::TimedOut { .. } => true,
            Ending::Answered(_) | Ending::Rendered(_) | Ending::InputRequired(_) | Ending::Cancelled => false,
        }
    }
}

/// Each answer is held as long as anybody may be given it.
struct ByTime;

impl Expiry<CacheKey, Arc<Kept>> for ByTime {
    fn expire_after_create(&self, _: &CacheKey, kept: &Arc<Kept>, _: std::time::Instant) -> Option<Duration> {
        Some(kept.keep_for)
    }

    fn expire_after_update(
        &self,
        _: &CacheKey,
        kept: &Arc<Kept>,
        _: std::time::Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.keep_for)
    }
}
