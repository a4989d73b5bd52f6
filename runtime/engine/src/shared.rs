//! What all lanes share: the registry, the sessions, the limits, and whether the house is closing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use impresario_protocol::{CacheHint, Implementation, Limits};
use tokio::sync::Notify;

use crate::cache::ResultCache;
use crate::call::CallLimits;
use crate::gate::{Counter, Gate};
use crate::hub::Hub;
use crate::registry::Registry;
use crate::workers::BlockingPool;

/// What all lanes share.
#[derive(Debug)]
pub struct Shared {
    /// Every limit.
    pub limits: Arc<Limits>,
    /// What is offered.
    pub registry: Registry,
    /// Who wants to hear of changes.
    pub hub: Arc<Hub>,
    /// Who may do something now.
    pub gate: Gate,
    /// Kept answers.
    pub cache: ResultCache,
    /// What the server says of itself.
    pub identity: Identity,
    /// The threads of each pool, by its name.
    pub blocking: Vec<(String, Arc<BlockingPool>)>,
    /// Whether the house is closing.
    pub closing: Arc<Closing>,
    /// How many connections are open, over all transports.
    pub connections: Arc<Counter>,
}

/// What the server says of itself.
#[derive(Debug, Clone, Default)]
pub struct Identity {
    /// Name and version.
    pub implementation: Implementation,
    /// How a model should use it.
    pub instructions: Option<String>,
    /// How long clients may keep lists and descriptions, and for whom.
    pub list_cache: CacheHint,
}

impl Shared {
    /// The bounds of one call.
    #[must_use]
    pub fn call_limits(&self) -> CallLimits {
        CallLimits {
            notifications_max: Limits::size(self.limits.notifications_per_call_max),
            progress_per_second_max: u32::try_from(self.limits.progress_per_second_max).unwrap_or(u32::MAX),
        }
    }

    /// The threads of the pool of that name.
    #[must_use]
    pub fn blocking_pool(&self, name: &str) -> Option<&Arc<BlockingPool>> {
        self.blocking.iter().find(|(pool, _)| pool == name).map(|(_, threads)| threads)
    }
}

/// Whether the house is closing: first it takes nothing new and finishes what runs, then it is over.
#[derive(Debug, Default)]
pub struct Closing {
    begun: Latch,
    over: Latch,
}

impl Closing {
    /// Takes nothing new from now on.
    pub fn begin(&self) {
        self.begun.set();
    }

    /// What still runs is to end now.
    pub fn end(&self) {
        self.over.set();
    }

    /// Whether it has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.begun.is_set()
    }

    /// Resolves when it has begun.
    pub async fn begun(&self) {
        self.begun.wait().await;
    }

    /// Resolves when it is over.
    pub async fn over(&self) {
        self.over.wait().await;
    }
}

/// Something that happens once.
#[derive(Debug, Default)]
struct Latch {
    is_set: AtomicBool,
    changed: Notify,
}

impl Latch {
    fn set(&self) {
        self.is_set.store(true, Ordering::Release);
        self.changed.notify_waiters();
    }

    fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    async fn wait(&self) {
        let mut changed = std::pin::pin!(self.changed.notified());
        // Listening first: what is set between the two lines is not missed.
        changed.as_mut().enable();
        if !self.is_set() {
            changed.await;
        }
    }
}
