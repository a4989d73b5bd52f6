//! Answers of tools that declare a cache, kept and given again.
//!
//! Each such tool has a [`ToolCache`] of its own, from its registration to its removal; here is what they share: one
//! bound for the bytes of all, the figures, and the ways to make them forget. Never kept: failures (unless the tool
//! chose their code), calls that told or asked their client anything on the way, and calls that a client sends again
//! with answers. A key holds everything that decided the answer, first of all who may share it.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};
use std::time::Duration;

use impresario_protocol::{Limits, ListKind};
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use held::Room;
use key::KeySeed;

pub use flight::{Flight, Joined};
pub use key::CacheKey;
pub(crate) use key::KeyField;
pub use policy::{CachePolicy, CacheSharing, Eviction};
pub use stats::{CacheFigures, CacheStats, ToolCacheStats};
pub use store::{Found, Kept, Ran, ToolCache};

mod flight;
mod held;
mod key;
mod policy;
mod scale;
mod stats;
mod store;
mod waiting;

/// What it takes to keep an answer, in bytes, beside the answer itself: its key, its place in the tables.
pub const ENTRY_BYTES: u64 = 512;

/// The kept answers of all tools.
#[derive(Debug)]
pub struct ResultCache {
    room: Arc<Room>,
    seed: KeySeed,
    ttl_max: Duration,
    entry_bytes_max: u64,
    eviction: Eviction,
    lanes: usize,
    /// Every tool's cache, for as long as its tool is there.
    tools: Mutex<Vec<Weak<ToolCache>>>,
    /// What the caches of removed tools have done.
    retired: Mutex<CacheFigures>,
    /// Places for calls that warm caches up (`cache_warm_calls_max`).
    pub(crate) warm_places: Semaphore,
}

impl ResultCache {
    /// Empty caches with the limits' bounds, whose hits are counted by so many lanes.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, which no runtime can do without.
    #[must_use]
    pub fn new(limits: &Limits, eviction: Eviction, lanes: usize) -> Arc<Self> {
        Arc::new(Self::within(limits, eviction, lanes))
    }

    fn within(limits: &Limits, eviction: Eviction, lanes: usize) -> Self {
        let warm_calls_max = Limits::size(limits.cache_warm_calls_max).min(Semaphore::MAX_PERMITS);
        Self {
            room: Room::new(limits.cache_bytes_max),
            seed: KeySeed::random(),
            ttl_max: Duration::from_millis(limits.cache_ttl_max_ms),
            entry_bytes_max: limits.cache_entry_bytes_max,
            eviction,
            lanes,
            tools: Mutex::default(),
            retired: Mutex::default(),
            warm_places: Semaphore::new(warm_calls_max),
        }
    }

    /// What has been done so far, and what is held now.
    #[must_use]
    pub fn stats(&self) -> CacheStats {
        let mut total = *self.retired.lock();
        let mut tools = BTreeMap::<_, (_, CacheFigures)>::new();
        for cache in self.tools() {
            cache.tidy();
            let figures = cache.figures();
            total.add(&figures);
            // A removed tool's last calls may still run beside the tool of that name that took its place.
            let (tags, sum) = tools.entry(cache.tool.clone()).or_default();
            sum.add(&figures);
            *tags = cache.policy.tags.clone();
        }
        let named =
            |(tool, (tags, figures)): (Box<str>, _)| ToolCacheStats { tool: tool.into(), tags, figures };
        CacheStats { total, bytes_max: self.room.bytes_max, tools: tools.into_iter().map(named).collect() }
    }

    /// Forgets the answers of the tool of that name, and says how many those were. As with everything that forgets,
    /// calls that come after it wait for no run that began before it.
    pub fn forget_tool(&self, name: &str) -> u64 {
        self.forget(|cache| &*cache.tool == name)
    }

    /// Forgets the answers of every tool with that tag, and says how many those were.
    pub fn forget_tag(&self, tag: &str) -> u64 {
        self.forget(|cache| cache.policy.tags.iter().any(|own| own == tag))
    }

    /// Forgets everything, and says how many answers those were.
    pub fn clear(&self) -> u64 {
        self.forget(|_| true)
    }

    /// Forgets what its tool wants to be forgotten when that list has changed.
    pub(crate) fn list_changed(&self, kind: ListKind) {
        self.forget(|cache| cache.policy.is_forgotten_on(kind));
    }

    fn forget(&self, is_meant: impl Fn(&ToolCache) -> bool) -> u64 {
        self.tools().filter(|cache| is_meant(cache)).map(|cache| cache.forget()).sum()
    }

    /// A cache for a tool that is being registered.
    pub(crate) fn open(
        self: &Arc<Self>,
        tool: &str,
        policy: CachePolicy,
        fields: Option<Box<[KeyField]>>,
    ) -> Arc<ToolCache> {
        let cache = Arc::new(ToolCache::new(self, tool, policy, fields));
        let mut tools = self.tools.lock();
        tools.retain(|cache| cache.strong_count() > 0);
        tools.push(Arc::downgrade(&cache));
        cache
    }

    fn tools(&self) -> impl Iterator<Item = Arc<ToolCache>> {
        let tools: Vec<_> = self.tools.lock().iter().filter_map(Weak::upgrade).collect();
        tools.into_iter()
    }

    fn retire(&self, done: &CacheFigures) {
        self.retired.lock().add(done);
    }

    /// Holds all tools together under their one bound, after one of them has kept something. What its own rules let
    /// go of goes first; then the tool that holds most gives up its oldest answers.
    fn make_room(&self, newest: &ToolCache) {
        if !self.room.is_exceeded() {
            return;
        }
        newest.tidy();
        if !self.room.is_exceeded() {
            return;
        }
        let tools: Vec<_> = self.tools().collect();
        tools.iter().for_each(|cache| cache.tidy());
        while self.room.is_exceeded() {
            // Of two that hold the same the one that has just kept something is spared.
            let is_other = |cache: &ToolCache| !std::ptr::eq(cache, newest);
            let largest = tools.iter().max_by_key(|cache| (cache.bytes(), is_other(cache)));
            if !largest.is_some_and(|cache| cache.give_up_oldest()) {
                break;
            }
        }
    }
}

impl Default for ResultCache {
    fn default() -> Self {
        Self::within(&Limits::default(), Eviction::default(), 0)
    }
}

#[cfg(test)]
mod tests;
