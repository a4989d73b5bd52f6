//! What all lanes share: the registry, the sessions, the limits, and whether the house is closing.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use impresario_protocol::{CacheHint, Implementation, Limits};

use crate::cache::ResultCache;
use crate::call::CallLimits;
use crate::closing::Closing;
use crate::gate::{Counter, Gate};
use crate::hub::Hub;
use crate::question::Sealer;
use crate::registry::Registry;
use crate::tasks::TaskTable;
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
    pub cache: Arc<ResultCache>,
    /// Seals what calls leave with their clients.
    pub sealer: Arc<Sealer>,
    /// Calls that outlive their request.
    pub tasks: TaskTable,
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
#[derive(Debug, Clone)]
pub struct Identity {
    /// Name and version.
    pub implementation: Implementation,
    /// The same as JSON.
    pub(crate) implementation_json: Box<[u8]>,
    /// The last members of nearly every result, which it is part of; written by the first.
    pub(crate) end_of_result: OnceLock<Box<[u8]>>,
    /// How a model should use it.
    pub instructions: Option<String>,
    /// How long clients may keep lists and descriptions, and for whom.
    pub list_cache: CacheHint,
}

impl Identity {
    /// What a server says of itself.
    #[must_use]
    pub fn new(implementation: Implementation, instructions: Option<String>, list_cache: CacheHint) -> Self {
        let mut json = Vec::new();
        if let Err(error) = impresario_codec::write_serialized(&mut json, &implementation) {
            tracing::error!(%error, "the server's name and version can't be written");
            json = b"{}".to_vec();
        }
        let (implementation_json, end_of_result) = (json.into(), OnceLock::new());
        Self { implementation, implementation_json, end_of_result, instructions, list_cache }
    }
}

impl Shared {
    /// The bounds of one call.
    #[must_use]
    pub fn call_limits(&self) -> CallLimits {
        call_limits(&self.limits)
    }

    /// The threads of the pool of that name.
    #[must_use]
    pub fn blocking_pool(&self, name: &str) -> Option<&Arc<BlockingPool>> {
        self.blocking.iter().find(|(pool, _)| pool == name).map(|(_, threads)| threads)
    }
}

/// The bounds of one call.
pub(crate) fn call_limits(limits: &Limits) -> CallLimits {
    CallLimits {
        notifications_max: Limits::size(limits.notifications_per_call_max),
        notification_bytes_max: Limits::size(limits.out_bytes_max),
        progress_per_second_max: u32::try_from(limits.progress_per_second_max).unwrap_or(u32::MAX),
        questions_max: Limits::size(limits.questions_per_session_max),
        question_rounds_max: limits.question_rounds_max,
        question_timeout: Duration::from_millis(limits.question_timeout_ms),
    }
}
