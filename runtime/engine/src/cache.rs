//! Answers of tools that declare a cache, kept and given again.
//!
//! Equal calls that arrive together run the tool once. The run belongs to nobody: a client that leaves does
//! not stop it for the others, and when it fails by a panic the next one in line tries. Never kept: failures,
//! and calls that told their client anything on the way. A key holds everything that decided the answer:
//! the tool's registration, its arguments in canonical order, and, unless the tool says that its answers are
//! public, the caller.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use impresario_codec::{Node, NodeKind};
use impresario_protocol::{CacheScope, ErrorKind, Limits, Outcome, ToolResult};
use moka::Expiry;
use moka::future::Cache as Store;
use moka::policy::EvictionPolicy;
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::call::Ending;
use crate::caller::Caller;
use crate::tool::{CachePolicy, Tool, size_of_result};

/// Which answers stay when there is no room for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Eviction {
    /// Those that are asked for most often (TinyLFU).
    #[default]
    LeastFrequent,
    /// Those that were asked for last (LRU).
    LeastRecent,
}

/// What an answer is kept under: a keyed 128-bit hash of everything that decided it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CacheKey(u128);

/// Kept answers of all tools.
#[derive(Debug)]
pub struct ResultCache {
    store: Store<CacheKey, Kept, ahash::RandomState>,
    /// Random for each process, so that nobody can look for collisions.
    hash_key: [u8; 16],
    ttl_max: Duration,
    entry_bytes_max: u64,
}

#[derive(Debug, Clone)]
struct Kept {
    result: Arc<ToolResult>,
    weight: u32,
    ttl: Duration,
}

/// An ending that is given to those who wait for it and not kept.
#[derive(Debug)]
struct NotKept(Box<Ending>);

/// A finished run of a tool.
#[derive(Debug)]
pub struct Ran {
    /// How it ended.
    pub ending: Ending,
    /// It sent progress or log messages to its client.
    pub was_noisy: bool,
}

impl ResultCache {
    /// An empty cache with the limits' bounds.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, which no runtime can do without.
    #[must_use]
    pub fn new(limits: &Limits, eviction: Eviction) -> Self {
        let mut hash_key = [0; 16];
        getrandom::fill(&mut hash_key).expect("the operating system gives random bytes");
        let policy = match eviction {
            Eviction::LeastFrequent => EvictionPolicy::tiny_lfu(),
            Eviction::LeastRecent => EvictionPolicy::lru(),
        };
        let store = Store::builder()
            .max_capacity(limits.cache_bytes_max)
            .weigher(|_key, kept: &Kept| kept.weight)
            .eviction_policy(policy)
            .expire_after(ByTtl)
            .build_with_hasher(ahash::RandomState::new());
        let ttl_max = Duration::from_millis(limits.cache_ttl_max_ms);
        Self { store, hash_key, ttl_max, entry_bytes_max: limits.cache_entry_bytes_max }
    }

    /// What the answer of this call would be kept under.
    #[must_use]
    pub fn key(
        &self,
        tool: &Tool,
        policy: &CachePolicy,
        caller: &Caller,
        arguments: Option<Node<'_>>,
    ) -> CacheKey {
        let mut parts = Parts(SipHasher13::new_with_key(&self.hash_key));
        parts.bytes(tool.definition.name.as_bytes());
        parts.number(tool.generation);
        match policy.scope {
            CacheScope::Public => parts.number(0),
            CacheScope::Private => {
                parts.number(1);
                let (principal, address) = caller.partition();
                parts.bytes(principal.as_bytes());
                parts.bytes(address.map(|address| address.to_string()).unwrap_or_default().as_bytes());
            }
        }
        match arguments {
            Some(arguments) => parts.node(arguments),
            None => parts.number(0),
        }
        CacheKey(parts.0.finish128().as_u128())
    }

    /// The kept answer, when there is one that is still fresh.
    #[must_use]
    pub fn get(&self, key: CacheKey) -> Option<Arc<ToolResult>> {
        let looked_up = self.store.get(&key);
        futures_util::pin_mut!(looked_up);
        looked_up.now_or_never().flatten().map(|kept: Kept| kept.result)
    }

    /// The kept answer, or that of a run; whoever asks for the same meanwhile waits for the one run.
    ///
    /// # Cancel safety
    /// None: poll it in a task of its own, or a caller that leaves takes the run with it.
    pub async fn get_or_run<F>(&self, key: CacheKey, policy: &CachePolicy, run: impl Fn() -> F) -> Ending
    where
        F: Future<Output = Ran>,
    {
        loop {
            let is_leader = AtomicBool::new(false);
            let kept = self.store.try_get_with(key, async {
                is_leader.store(true, Ordering::Relaxed);
                self.keep(run().await, policy)
            });
            match kept.await {
                Ok(kept) => return Ending::Answered(Outcome::Tool(ToolResult::clone(&kept.result))),
                Err(not_kept) => {
                    let panicked =
                        matches!(&*not_kept.0, Ending::Failed(error) if error.kind == ErrorKind::Internal);
                    if is_leader.load(Ordering::Relaxed) || !panicked {
                        return Ending::clone(&not_kept.0);
                    }
                }
            }
        }
    }

    fn keep(&self, ran: Ran, policy: &CachePolicy) -> Result<Kept, NotKept> {
        let Ending::Answered(Outcome::Tool(result)) = &ran.ending else {
            return Err(NotKept(Box::new(ran.ending)));
        };
        let bytes = size_of_result(result) as u64;
        let bytes_max = policy.max_bytes.unwrap_or(u64::MAX).min(self.entry_bytes_max);
        if result.is_error || ran.was_noisy || bytes > bytes_max {
            return Err(NotKept(Box::new(ran.ending)));
        }
        let weight = u32::try_from(bytes).unwrap_or(u32::MAX);
        Ok(Kept { result: Arc::new(result.clone()), weight, ttl: policy.ttl.min(self.ttl_max) })
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.store.invalidate_all();
    }
}

/// Each answer has the time to live that its tool declared.
struct ByTtl;

impl Expiry<CacheKey, Kept> for ByTtl {
    fn expire_after_create(&self, _: &CacheKey, kept: &Kept, _: Instant) -> Option<Duration> {
        Some(kept.ttl)
    }

    fn expire_after_update(
        &self,
        _: &CacheKey,
        kept: &Kept,
        _: Instant,
        _: Option<Duration>,
    ) -> Option<Duration> {
        Some(kept.ttl)
    }
}

/// Hashes parts, each with its length before it, so that no two lists of parts look alike.
struct Parts(SipHasher13);

impl Parts {
    fn number(&mut self, number: u64) {
        std::hash::Hasher::write(&mut self.0, &number.to_le_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        std::hash::Hasher::write(&mut self.0, bytes);
    }

    /// A value in canonical form: members sorted by name. Depth is bounded by the decoder.
    fn node(&mut self, node: Node<'_>) {
        self.number(node.kind() as u64);
        match node.kind() {
            NodeKind::Null => {}
            NodeKind::Bool => self.number(u64::from(node.as_bool() == Some(true))),
            NodeKind::Integer => match node.as_i64() {
                Some(number) => self.number(number.cast_unsigned()),
                None => self.bytes(&node.as_u64().unwrap_or_default().to_be_bytes()),
            },
            NodeKind::Float => self.number(node.as_f64().unwrap_or_default().to_bits()),
            NodeKind::String => self.bytes(node.as_str().unwrap_or_default().as_bytes()),
            NodeKind::Array => {
                self.number(node.len() as u64);
                node.elements().for_each(|element| self.node(element));
            }
            NodeKind::Object => {
                let mut members: Vec<_> = node.members().collect();
                members.sort_unstable_by_key(|(name, _)| *name);
                self.number(members.len() as u64);
                for (name, value) in members {
                    self.bytes(name.as_bytes());
                    self.node(value);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
