//! Puts a runtime together: what it offers, how it is sized, what it calls itself.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use impresario_protocol::{CacheHint, CacheScope, Implementation, LimitError, Limits};

use super::{Inner, Runtime};
use crate::cache::{Eviction, ResultCache};
use crate::closing::Closing;
use crate::extension::ExtensionSpec;
use crate::gate::{Counter, Gate};
use crate::hub::Hub;
use crate::hygiene::OutputRule;
use crate::lane::LaneHandle;
use crate::offer::{Offer, OfferNames};
use crate::prompt::IntoPrompt;
use crate::question::Sealer;
use crate::registry::{BuildError, Misuse, Registry, Subject};
use crate::resource::IntoResource;
use crate::session::SessionTable;
use crate::shared::{Identity, Shared};
use crate::tasks::{TaskStore, TaskStoreError, TaskTable};
use crate::tool::{IntoTool, ToolSpec};
use crate::workers::{BlockingPool, DEFAULT_POOL, PoolConfig};

/// What can go wrong when a runtime is started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Something can't be offered.
    #[error(transparent)]
    Build(#[from] BuildError),
    /// A limit can't be set.
    #[error(transparent)]
    Limit(#[from] LimitError),
    /// Tasks can't be kept where they are to be.
    #[error(transparent)]
    TaskStore(#[from] TaskStoreError),
    /// The operating system gives no thread.
    #[error("start a lane: {0}")]
    Lane(#[from] std::io::Error),
}

/// A runtime that is being put together.
#[derive(Debug, Default)]
pub struct Builder {
    identity: Option<Implementation>,
    instructions: Option<String>,
    list_cache: Option<CacheHint>,
    offer: Offer,
    pools: Vec<PoolConfig>,
    limits: Limits,
    lanes: Option<usize>,
    eviction: Eviction,
    output_rule: OutputRule,
    task_store: Option<Arc<dyn TaskStore>>,
    state_keys: StateKeys,
}

/// The keys that seal what calls leave with their clients.
#[derive(Default)]
struct StateKeys(Vec<[u8; 32]>);

impl std::fmt::Debug for StateKeys {
    /// No keys.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("StateKeys").field(&self.0.len()).finish()
    }
}

impl Builder {
    /// The server's name for programs.
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.identity_mut().name = name.into();
        self
    }

    /// The server's version.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.identity_mut().version = version.into();
        self
    }

    /// Everything the server says of itself: name, version, title, description, icons.
    #[must_use]
    pub fn implementation(mut self, implementation: Implementation) -> Self {
        self.identity = Some(implementation);
        self
    }

    /// How a model should use the server.
    #[must_use]
    pub fn instructions(mut self, instructions: impl Into<String>) -> Self {
        self.instructions = Some(instructions.into());
        self
    }

    /// How long clients may keep lists and the server's description; by default a minute, for everybody.
    #[must_use]
    pub fn list_cache(mut self, hint: CacheHint) -> Self {
        self.list_cache = Some(hint);
        self
    }

    /// One more tool.
    #[must_use]
    pub fn tool(mut self, tool: impl IntoTool) -> Self {
        self.offer.tools.push(tool.into_tool());
        self
    }

    /// Several more tools.
    #[must_use]
    pub fn tools(mut self, tools: impl IntoIterator<Item = ToolSpec>) -> Self {
        self.offer.tools.extend(tools);
        self
    }

    /// One more resource or family of resources.
    #[must_use]
    pub fn resource(mut self, resource: impl IntoResource) -> Self {
        self.offer.resources.push(resource.into_resource());
        self
    }

    /// One more prompt.
    #[must_use]
    pub fn prompt(mut self, prompt: impl IntoPrompt) -> Self {
        self.offer.prompts.push(prompt.into_prompt());
        self
    }

    /// One more extension of the protocol.
    #[must_use]
    pub fn extension(mut self, extension: ExtensionSpec) -> Self {
        self.offer.extensions.push(extension);
        self
    }

    /// Everything of an offer too.
    #[must_use]
    pub fn offer(mut self, offer: Offer) -> Self {
        self.offer = std::mem::take(&mut self.offer).and(offer);
        self
    }

    /// One more pool of workers, or another size for the one named `default`.
    #[must_use]
    pub fn pool(mut self, pool: PoolConfig) -> Self {
        self.pools.push(pool);
        self
    }

    /// Every limit at once.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// How many lanes (threads with connections) there are; by default one for each core.
    #[must_use]
    pub fn lanes(mut self, lanes: usize) -> Self {
        self.lanes = Some(lanes.max(1));
        self
    }

    /// Which kept answers stay when there is no room for all, for tools that do not say so themselves.
    #[must_use]
    pub fn eviction(mut self, eviction: Eviction) -> Self {
        self.eviction = eviction;
        self
    }

    /// What answers of tools may hold that have no [rule](ToolSpec::output_rule) of their own.
    #[must_use]
    pub fn output_rule(mut self, rule: OutputRule) -> Self {
        self.output_rule = rule;
        self
    }

    /// A key that seals what calls leave with their clients while they wait for answers (`requestState`).
    /// Replicas that share it resume one another's calls; without one, each process has a random key. Given
    /// more than once, the first seals and all open, so that a key can be replaced.
    #[must_use]
    pub fn state_key(mut self, key: [u8; 32]) -> Self {
        self.state_keys.0.push(key);
        self
    }

    /// Where tasks are kept so that they survive the process. Without a store they end with it.
    #[must_use]
    pub fn task_store(mut self, store: impl TaskStore) -> Self {
        self.task_store = Some(Arc::new(store));
        self
    }

    /// Checks everything and starts the lanes.
    ///
    /// # Errors
    /// When something can't be offered, naming it, or when no thread can be started.
    pub fn start(mut self) -> Result<Runtime, StartError> {
        let pools = self.sized_pools()?;
        let limits = Arc::new(self.limits);
        let lanes = self.lanes.unwrap_or_else(cores);
        let hub = Arc::new(Hub::new(lanes));
        let names = pools.iter().map(|pool| pool.name.clone()).collect();
        let cache = ResultCache::new(&limits, self.eviction, lanes);
        let forgetting = Arc::clone(&cache);
        hub.on_list_changed(move |kind| forgetting.list_changed(kind));
        let registry = Registry::new(Arc::clone(&hub), Arc::clone(&limits), names, Arc::clone(&cache));
        let registry = registry.with_output_rule(self.output_rule);
        let warm = self.offer.warm();
        registry.exchange(&OfferNames::default(), self.offer)?;
        let implementation = self.identity.unwrap_or_else(unnamed);
        let list_cache = self.list_cache.unwrap_or(DEFAULT_LIST_CACHE);
        let identity = Identity::new(implementation, self.instructions, list_cache);
        let (tasks, unfinished) = TaskTable::open(&limits, self.task_store, |tool| {
            let snapshot = registry.snapshot();
            snapshot.tool(tool).and_then(|tool| tool.task.as_deref()).is_some_and(|task| task.restart)
        })?;
        let shared = Arc::new(Shared {
            tasks,
            registry,
            hub: Arc::clone(&hub),
            gate: Gate::new(&limits),
            cache,
            sealer: Arc::new(Sealer::new(&self.state_keys.0, &limits)),
            identity,
            blocking: pools.iter().map(|pool| (pool.name.clone(), BlockingPool::new(pool))).collect(),
            closing: Arc::new(Closing::default()),
            connections: Arc::<Counter>::default(),
            limits: Arc::clone(&limits),
        });
        let sessions = Arc::new(SessionTable::new(hub, limits));
        let pools: Arc<[PoolConfig]> = pools.into();
        let lane = |index| {
            LaneHandle::start(index, lanes, Arc::clone(&shared), Arc::clone(&sessions), Arc::clone(&pools))
        };
        let lanes = (0..lanes).map(lane).collect::<Result<_, _>>()?;
        let next_lane = AtomicUsize::new(0);
        let runtime = Runtime { inner: Arc::new(Inner { shared, sessions, lanes, next_lane }) };
        runtime.begin_again(unfinished);
        runtime.warm_up(warm);
        Ok(runtime)
    }

    /// The pools, the default one always among them, each name once.
    fn sized_pools(&mut self) -> Result<Vec<PoolConfig>, BuildError> {
        let mut pools = std::mem::take(&mut self.pools);
        if !pools.iter().any(|pool| pool.name == DEFAULT_POOL) {
            pools.insert(0, PoolConfig::new(DEFAULT_POOL, &self.limits));
        }
        for (place, pool) in pools.iter().enumerate() {
            if pools[..place].iter().any(|other| other.name == pool.name) {
                return Err(Subject::Pool(pool.name.clone()).misused(Misuse::Twice));
            }
        }
        Ok(pools)
    }

    fn identity_mut(&mut self) -> &mut Implementation {
        self.identity.get_or_insert_with(unnamed)
    }
}

/// Lists are the same for everybody until something is added or removed, and then clients are told.
const DEFAULT_LIST_CACHE: CacheHint = CacheHint { ttl_ms: 60_000, cache_scope: CacheScope::Public };

fn unnamed() -> Implementation {
    let version = env!("CARGO_PKG_VERSION").into();
    Implementation { name: "impresario".into(), version, ..Implementation::default() }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
