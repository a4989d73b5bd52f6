//! How many bytes all sessions together keep for replay, and who gives some up when that is too much.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use dashmap::DashMap;
use impresario_protocol::Limits;

use super::replay::Replay;

/// The bytes that all sessions together keep.
#[derive(Debug)]
pub(super) struct ReplayStore {
    bytes: AtomicUsize,
    bytes_max: usize,
    next_key: AtomicU64,
    pub(super) holders: DashMap<u64, Weak<Replay>, ahash::RandomState>,
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

    /// Room for one more session's tapes. It is given back when they are dropped.
    pub(super) fn open(self: &Arc<Self>, limits: &Arc<Limits>) -> Arc<Replay> {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let replay = Arc::new(Replay::new(key, Arc::clone(self), Arc::clone(limits)));
        self.holders.insert(key, Arc::downgrade(&replay));
        replay
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
