//! How many tasks there may be, and how many bytes of them.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use dashmap::DashMap;
use impresario_protocol::{Limits, McpError};

use crate::caller::Caller;
use crate::gate::{Counter, Entry};

/// What a caller should wait after a refusal.
const RETRY_AFTER_MS: u64 = 5_000;

/// The room that all tasks share.
#[derive(Debug)]
pub(super) struct Room {
    /// How many tasks each caller has; an entry without tasks is removed by the sweep.
    per_client: DashMap<Client, Arc<Counter>, ahash::RandomState>,
    tasks: Arc<Counter>,
    bytes: Arc<AtomicU64>,
    tasks_max: usize,
    per_client_max: usize,
    bytes_max: u64,
}

/// Who is counted as one: a principal, or while nobody is authenticated an address.
type Client = (Option<Arc<str>>, Option<IpAddr>);

/// What one task takes of the room, given back with it.
#[derive(Debug)]
pub(super) struct Places {
    _task: Entry,
    _of_client: Entry,
    held: AtomicU64,
    all: Arc<AtomicU64>,
    bytes_max: u64,
}

impl Room {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            per_client: DashMap::default(),
            tasks: Arc::default(),
            bytes: Arc::default(),
            tasks_max: Limits::size(limits.tasks_max),
            per_client_max: Limits::size(limits.tasks_per_client_max),
            bytes_max: limits.task_bytes_max,
        }
    }

    /// Places for one more task of that caller, with a request of so many bytes.
    ///
    /// # Errors
    /// Overloaded, naming the limit.
    pub(super) fn enter(&self, caller: &Caller, bytes: usize) -> Result<Places, McpError> {
        let (per_client_max, tasks_max) = (self.per_client_max, self.tasks_max);
        let of_client = self
            .counter_of(caller)
            .enter(per_client_max)
            .ok_or_else(|| refused(&format!("you have {per_client_max} tasks"), "tasks_per_client_max"))?;
        let task = self.tasks.enter(tasks_max);
        let task = task.ok_or_else(|| refused(&format!("there are {tasks_max} tasks"), "tasks_max"))?;
        let places = self.places(task, of_client);
        if !places.hold(bytes) {
            let has = format!("tasks take {} bytes", self.bytes_max);
            return Err(refused(&has, "task_bytes_max"));
        }
        Ok(places)
    }

    /// Places for a task that was stored: it has been let in before.
    pub(super) fn enter_again(&self, caller: &Caller, bytes: usize) -> Option<Places> {
        let of_client = self.counter_of(caller).enter(usize::MAX)?;
        let places = self.places(self.tasks.enter(usize::MAX)?, of_client);
        places.held.store(bytes as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Some(places)
    }

    /// Forgets callers that have no tasks any more.
    pub(super) fn sweep(&self) {
        self.per_client.retain(|_, tasks| tasks.get() > 0 || Arc::strong_count(tasks) > 1);
    }

    fn counter_of(&self, caller: &Caller) -> Arc<Counter> {
        let client = match &caller.principal {
            Some(principal) => (Some(Arc::clone(principal)), None),
            None => (None, caller.address),
        };
        Arc::clone(&self.per_client.entry(client).or_default())
    }

    fn places(&self, task: Entry, of_client: Entry) -> Places {
        let (all, bytes_max) = (Arc::clone(&self.bytes), self.bytes_max);
        Places { _task: task, _of_client: of_client, held: AtomicU64::new(0), all, bytes_max }
    }
}

impl Places {
    /// Holds so many bytes in place of what was held before. Says whether there is room for them.
    pub(super) fn hold(&self, bytes: usize) -> bool {
        let (bytes, before) = (bytes as u64, self.held.load(Ordering::Relaxed));
        let all = self.all.fetch_add(bytes, Ordering::Relaxed).saturating_add(bytes);
        if all.saturating_sub(before) > self.bytes_max {
            self.all.fetch_sub(bytes, Ordering::Relaxed);
            return false;
        }
        self.all.fetch_sub(before, Ordering::Relaxed);
        self.held.store(bytes, Ordering::Relaxed);
        true
    }
}

impl Drop for Places {
    fn drop(&mut self) {
        self.all.fetch_sub(self.held.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

fn refused(has: &str, limit: &str) -> McpError {
    let text =
        format!("{has}, which is the limit ({limit}); wait for some to end and expire, or retry later");
    McpError::overloaded(text, RETRY_AFTER_MS)
}
