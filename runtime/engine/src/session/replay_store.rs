//! How many bytes all sessions together keep for replay, and who gives some up when that is too much.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use dashmap::DashMap;
use impresario_protocol::Limits;

/// Who keeps bytes, and can give some up.
pub(super) trait Holder: std::fmt::Debug + Send + Sync {
    /// Bytes that it keeps.
    fn bytes(&self) -> usize;

    /// Gives up at least so many bytes, if it can.
    fn shed(&self, bytes: usize);
}

/// The bytes that all sessions together keep.
#[derive(Debug)]
pub(super) struct ReplayStore {
    bytes: AtomicUsize,
    bytes_max: usize,
    next_key: AtomicU64,
    pub(super) holders: DashMap<u64, Weak<dyn Holder>, ahash::RandomState>,
}

impl ReplayStore {
    pub(super) fn new(limits: &Limits) -> Arc<Self> {
        Arc::new(Self {
            bytes: AtomicUsize::new(0),
            bytes_max: Limits::size(limits.replay_total_bytes_max),
            next_key: AtomicU64::new(0),
            holders: DashMap::default(),
        })
    }

    /// Lists one more holder, under the key that it gets. It takes itself out when it is dropped.
    pub(super) fn enter<H: Holder + 'static>(&self, make: impl FnOnce(u64) -> H) -> Arc<H> {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let holder = Arc::new(make(key));
        let listed: Weak<H> = Arc::downgrade(&holder);
        self.holders.insert(key, listed);
        holder
    }

    /// Bytes that are kept.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Acquire)
    }

    pub(super) fn add(&self, bytes: usize) {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
    }

    pub(super) fn subtract(&self, bytes: usize) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    pub(super) fn remove(&self, key: u64, bytes: usize) {
        self.subtract(bytes);
        self.holders.remove(&key);
    }

    /// When more is kept than may be, the largest holders give up what they can, until there is some room again.
    pub(super) fn shed(&self) {
        if self.bytes() <= self.bytes_max {
            return;
        }
        let target = self.bytes_max - self.bytes_max / 16;
        // Dropping the last handle to a holder removes it from the map: with no lock of the map held.
        let holders: Vec<_> = self.holders.iter().filter_map(|holder| holder.value().upgrade()).collect();
        let mut holders: Vec<_> = holders.into_iter().map(|holder| (holder.bytes(), holder)).collect();
        holders.sort_unstable_by_key(|(bytes, _)| std::cmp::Reverse(*bytes));
        for (_, holder) in holders {
            let surplus = self.bytes().saturating_sub(target);
            if surplus == 0 {
                return;
            }
            holder.shed(surplus);
        }
    }
}
