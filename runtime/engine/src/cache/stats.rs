//! What the caches have done, counted so that no two lanes write the same cache line for a hit.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use crate::hub::seat;

/// What all caches have done and hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheStats {
    /// All tools together, with those that were removed meanwhile.
    pub total: CacheFigures,
    /// What all answers together may take (`cache_bytes_max`).
    pub bytes_max: u64,
    /// Each tool that declares a cache, by name.
    pub tools: Vec<ToolCacheStats>,
}

/// What one tool's cache has done since the tool was registered, and what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCacheStats {
    /// The tool's name.
    pub tool: String,
    /// The names by which it is forgotten together with others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its figures.
    #[serde(flatten)]
    pub figures: CacheFigures,
}

/// What a cache has done, and what it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheFigures {
    /// Calls answered by an answer that was fresh.
    pub hits: u64,
    /// Calls that ran the tool.
    pub misses: u64,
    /// Calls answered by an answer whose time was over, because a newer one was on its way or did not come. One that
    /// had waited for it has been counted among the misses or the coalesced as well.
    pub stale_hits: u64,
    /// Calls that waited for the run of an equal one.
    pub coalesced: u64,
    /// Answers that went because there was no room for all.
    pub evictions: u64,
    /// Answers that are kept.
    pub entries: u64,
    /// What they take, with what it takes to keep them.
    pub bytes: u64,
    /// The age of the oldest of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_age_ms: Option<u64>,
}

impl CacheFigures {
    /// How many calls did not have to wait for the tool, of all: 0 to 1, and 0 without any call.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let (hits, waited) = (self.hits + self.stale_hits, self.misses + self.coalesced);
        if hits == 0 { 0.0 } else { hits as f64 / (hits + waited) as f64 }
    }

    /// These and the others together.
    pub(super) fn add(&mut self, other: &Self) {
        self.hits += other.hits;
        self.misses += other.misses;
        self.stale_hits += other.stale_hits;
        self.coalesced += other.coalesced;
        self.evictions += other.evictions;
        self.entries += other.entries;
        self.bytes += other.bytes;
        self.oldest_age_ms = self.oldest_age_ms.max(other.oldest_age_ms);
    }
}

/// What happened to calls, counted by each lane in a line of its own.
#[derive(Debug)]
pub(super) struct Counters(Box<[Stripe]>);

/// One lane's counts. Two lines long, because processors fetch lines in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Stripe([AtomicU64; 4]);

/// What happened to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// It had a fresh answer.
    Hit,
    /// It ran the tool.
    Miss,
    /// It had a stale answer.
    Stale,
    /// It waited for an equal one.
    Coalesced,
}

impl Counters {
    /// Counters of so many lanes, and of everybody else.
    pub(super) fn new(lanes: usize) -> Self {
        Self((0..=lanes).map(|_| Stripe::default()).collect())
    }

    /// So many more.
    pub(super) fn count(&self, counted: Counted, calls: u64) {
        let others = self.0.len() - 1;
        let Stripe(counts) = &self.0[seat().unwrap_or(others).min(others)];
        counts[counted as usize].fetch_add(calls, Ordering::Relaxed);
    }

    /// The sums.
    pub(super) fn figures(&self) -> CacheFigures {
        let sum = |counted: Counted| {
            self.0.iter().map(|Stripe(counts)| counts[counted as usize].load(Ordering::Relaxed)).sum()
        };
        CacheFigures {
            hits: sum(Counted::Hit),
            misses: sum(Counted::Miss),
            stale_hits: sum(Counted::Stale),
            coalesced: sum(Counted::Coalesced),
            ..CacheFigures::default()
        }
    }
}
