//! What one tool's cache holds: how much, since when, and what it had to give up.
//!
//! The store decides what stays; whatever leaves it, for whatever reason, leaves here too, so that the sum over all
//! tools is exact and can be held under one bound.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::time::Instant;

use super::key::CacheKey;
use super::stats::CacheFigures;

/// The bytes that all tools' answers take together.
#[derive(Debug)]
pub(super) struct Room {
    bytes: AtomicU64,
    pub(super) bytes_max: u64,
}

impl Room {
    pub(super) fn new(bytes_max: u64) -> Arc<Self> {
        Arc::new(Self { bytes: AtomicU64::new(0), bytes_max })
    }

    pub(super) fn is_exceeded(&self) -> bool {
        self.bytes.load(Ordering::Acquire) > self.bytes_max
    }
}

/// What one tool's cache holds.
#[derive(Debug)]
pub(super) struct Held {
    room: Arc<Room>,
    bytes: AtomicU64,
    evictions: AtomicU64,
    order: Mutex<Order>,
}

/// What is held, oldest first.
#[derive(Debug, Default)]
struct Order {
    next: u64,
    places: BTreeMap<u64, Ticket>,
}

#[derive(Debug)]
struct Ticket {
    key: CacheKey,
    since: Instant,
    bytes: u64,
}

/// Where an answer stands among those of its tool.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place(u64);

impl Held {
    pub(super) fn new(room: &Arc<Room>) -> Arc<Self> {
        let (bytes, evictions) = (AtomicU64::new(0), AtomicU64::new(0));
        Arc::new(Self { room: Arc::clone(room), bytes, evictions, order: Mutex::default() })
    }

    /// An answer comes in.
    pub(super) fn enter(&self, key: CacheKey, bytes: u64, now: Instant) -> Place {
        self.bytes.fetch_add(bytes, Ordering::AcqRel);
        self.room.bytes.fetch_add(bytes, Ordering::AcqRel);
        let mut order = self.order.lock();
        let place = order.next;
        order.next += 1;
        order.places.insert(place, Ticket { key, since: now, bytes });
        Place(place)
    }

    /// An answer is gone.
    pub(super) fn leave(&self, place: Place) {
        if let Some(ticket) = self.order.lock().places.remove(&place.0) {
            self.forget(ticket.bytes);
        }
    }

    /// The answer that has been there the longest is given up; the store is to let go of it.
    pub(super) fn give_up_oldest(&self) -> Option<CacheKey> {
        let (_, oldest) = self.order.lock().places.pop_first()?;
        self.forget(oldest.bytes);
        self.count_eviction();
        Some(oldest.key)
    }

    fn forget(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::AcqRel);
        self.room.bytes.fetch_sub(bytes, Ordering::AcqRel);
    }

    /// One went because there was no room for all.
    pub(super) fn count_eviction(&self) {
        self.evictions.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Acquire)
    }

    pub(super) fn entries(&self) -> u64 {
        self.order.lock().places.len() as u64
    }

    /// These figures with what is held.
    pub(super) fn figures(&self, counted: CacheFigures) -> CacheFigures {
        let order = self.order.lock();
        let oldest = order.places.first_key_value().map(|(_, ticket)| ticket.since.elapsed().as_millis());
        CacheFigures {
            evictions: self.evictions.load(Ordering::Relaxed),
            entries: order.places.len() as u64,
            bytes: self.bytes(),
            oldest_age_ms: oldest.map(|age_ms| u64::try_from(age_ms).unwrap_or(u64::MAX)),
            ..counted
        }
    }
}

impl Drop for Held {
    /// The tool is gone, and all its answers with it.
    fn drop(&mut self) {
        self.room.bytes.fetch_sub(*self.bytes.get_mut(), Ordering::AcqRel);
    }
}
