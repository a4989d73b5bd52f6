//! The runtime: lanes that run, and the handle by which a program holds them.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use impresario_protocol::{ListKind, McpError};

use crate::cache::ResultCache;
use crate::lane::{Errand, LaneError, LaneHandle};
use crate::offer::{Offer, OfferNames};
use crate::prompt::IntoPrompt;
use crate::registry::BuildError;
use crate::resource::IntoResource;
use crate::session::{SessionTable, Stage, begin_again, warm_up};
use crate::shared::Shared;
use crate::tasks::Task;
use crate::tool::IntoTool;

pub use builder::{Builder, StartError};

mod builder;

/// A running house: cheap to clone, usable from any thread. Its lanes are threads of its own, so it works in
/// any program, with any tokio runtime or none.
///
/// ```
/// use impresario_engine::{Runtime, ToolSpec, no_arguments};
///
/// # fn main() -> Result<(), impresario_engine::StartError> {
/// let answer = ToolSpec::from_context("answer", no_arguments(), |_ctx| async { 42 });
/// let runtime = Runtime::builder().name("deep-thought").tool(answer).lanes(1).start()?;
/// assert_eq!(runtime.lanes(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Runtime {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    sessions: Arc<SessionTable>,
    lanes: Vec<LaneHandle>,
    /// The lane that the next stranger gets.
    next_lane: AtomicUsize,
}

impl Runtime {
    /// Starts to put a runtime together.
    #[must_use]
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// How many lanes there are.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.inner.lanes.len()
    }

    /// What all lanes share.
    #[must_use]
    pub fn shared(&self) -> &Arc<Shared> {
        &self.inner.shared
    }

    /// The sessions that clients name by an id.
    #[must_use]
    pub fn sessions(&self) -> &Arc<SessionTable> {
        &self.inner.sessions
    }

    /// Runs something on a lane.
    ///
    /// # Errors
    /// When the lane is busy or has ended.
    pub fn on_lane(
        &self,
        lane: usize,
        errand: impl FnOnce(&Rc<Stage>) + Send + 'static,
    ) -> Result<(), LaneError> {
        let errand: Errand = Box::new(errand);
        self.inner.lanes.get(lane).ok_or(LaneError::Ended)?.run(errand)
    }

    /// A lane for something that has none yet: each in turn.
    #[must_use]
    pub fn next_lane(&self) -> usize {
        self.inner.next_lane.fetch_add(1, Ordering::Relaxed) % self.lanes()
    }

    /// Adds a tool while the server runs; clients that asked for it are told.
    ///
    /// # Errors
    /// When it can't be offered, as at build time.
    pub fn add_tool(&self, tool: impl IntoTool) -> Result<(), BuildError> {
        self.exchange(&OfferNames::default(), Offer::default().tool(tool))
    }

    /// Removes a tool; its running calls go on to their end. Says whether there was one.
    pub fn remove_tool(&self, name: &str) -> bool {
        self.inner.shared.registry.remove_tool(name)
    }

    /// Adds a resource or a family of them while the server runs.
    ///
    /// # Errors
    /// When it can't be offered, as at build time.
    pub fn add_resource(&self, resource: impl IntoResource) -> Result<(), BuildError> {
        self.inner.shared.registry.add_resource(resource.into_resource())
    }

    /// Removes a resource by its URI, or a family by its template. Says whether there was one.
    pub fn remove_resource(&self, uri: &str) -> bool {
        self.inner.shared.registry.remove_resource(uri)
    }

    /// Adds a prompt while the server runs.
    ///
    /// # Errors
    /// When it can't be offered, as at build time.
    pub fn add_prompt(&self, prompt: impl IntoPrompt) -> Result<(), BuildError> {
        self.inner.shared.registry.add_prompt(prompt.into_prompt())
    }

    /// Removes a prompt. Says whether there was one.
    pub fn remove_prompt(&self, name: &str) -> bool {
        self.inner.shared.registry.remove_prompt(name)
    }

    /// Takes away what is named and offers something else, in one change: nobody sees a state between the two,
    /// and whoever asked to hear of a list is told once. Calls that run finish on what they began with.
    ///
    /// # Errors
    /// For the first thing that can't be offered, as at build time; nothing has changed then.
    pub fn exchange(&self, withdrawn: &OfferNames, offer: Offer) -> Result<(), BuildError> {
        let warm = offer.warm();
        self.inner.shared.registry.exchange(withdrawn, offer)?;
        self.warm_up(warm);
        Ok(())
    }

    /// Tells clients that subscribed to it that a resource has changed.
    pub fn resource_updated(&self, uri: &str) {
        self.inner.shared.hub.resource_updated(uri);
    }

    /// Tells clients that asked for it that a list is worth fetching again.
    pub fn list_changed(&self, kind: ListKind) {
        self.inner.shared.hub.list_changed(kind);
    }

    /// The kept answers of tools: what they have done so far, and ways to forget them.
    #[must_use]
    pub fn cache(&self) -> &ResultCache {
        &self.inner.shared.cache
    }

    /// Whether new work is taken: false once a shutdown has begun.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.inner.shared.closing.has_begun()
    }

    /// Closes the house: takes nothing new, ends subscriptions with their completion result, lets what runs
    /// finish within `drain_timeout_ms`, answers the rest with an error, and ends the lanes.
    pub async fn shutdown(&self) {
        let shared = &self.inner.shared;
        shared.closing.begin();
        shared.hub.close();
        let window = Duration::from_millis(shared.limits.drain_timeout_ms);
        if !self.quiet_within(window).await {
            tracing::warn!(
                calls = shared.gate.calls(),
                "the drain window is over; what still runs is answered with an error"
            );
            shared.closing.end();
            const ANSWERS_WINDOW: Duration = Duration::from_secs(1);
            self.quiet_within(ANSWERS_WINDOW).await;
        }
        shared.tasks.close().await;
        shared.blocking.iter().for_each(|(_, threads)| threads.close());
        let threads: Vec<_> = self.inner.lanes.iter().filter_map(LaneHandle::stop).collect();
        let joined =
            tokio::task::spawn_blocking(move || threads.into_iter().all(|thread| thread.join().is_ok()));
        const LANES_WINDOW: Duration = Duration::from_secs(1);
        match tokio::time::timeout(LANES_WINDOW, joined).await {
            Ok(Ok(true)) => {}
            Ok(_) => tracing::error!("a lane had panicked"),
            Err(_elapsed) => {
                tracing::error!("a lane does not end: a tool on it never yields; it is left behind")
            }
        }
    }

    /// Makes the calls that tools of those names want to have been made before anybody asks.
    fn warm_up(&self, tools: Vec<String>) {
        if tools.is_empty() {
            return;
        }
        if let Err(error) = self.on_lane(self.next_lane(), move |stage| warm_up(stage, &tools)) {
            tracing::warn!(%error, "caches can't be warmed up");
        }
    }

    /// Spreads tasks that are to be run again over the lanes.
    fn begin_again(&self, mut unfinished: Vec<Arc<Task>>) {
        let per_lane = unfinished.len().div_ceil(self.lanes()).max(1);
        for lane in 0..self.lanes() {
            let tasks: Vec<_> = unfinished.drain(..per_lane.min(unfinished.len())).collect();
            if tasks.is_empty() {
                return;
            }
            if let Err(error) = self.on_lane(lane, move |stage| begin_again(stage, tasks)) {
                tracing::error!(%error, "tasks can't be begun again");
            }
        }
    }

    /// Waits until no call is in flight and no connection is open. Says whether that came to be in time.
    async fn quiet_within(&self, window: Duration) -> bool {
        const LOOK_INTERVAL: Duration = Duration::from_millis(5);
        let shared = &self.inner.shared;
        let quiet = async {
            while shared.gate.calls() > 0 || shared.connections.get() > 0 || shared.tasks.running() > 0 {
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        };
        tokio::time::timeout(window, quiet).await.is_ok()
    }
}

impl Drop for Inner {
    /// A house that nobody holds any more closes at once.
    fn drop(&mut self) {
        self.shared.closing.begin();
        self.shared.hub.close();
        self.shared.blocking.iter().for_each(|(_, threads)| threads.close());
        for lane in &self.lanes {
            // The threads end by themselves; waiting for them here could be waiting for the caller's own.
            drop(lane.stop());
        }
    }
}

/// What a busy or ended lane means to a client.
impl From<LaneError> for McpError {
    fn from(error: LaneError) -> Self {
        const RETRY_AFTER_MS: u64 = 1_000;
        match error {
            LaneError::Busy => Self::overloaded("the server is busy; retry later", RETRY_AFTER_MS),
            LaneError::Ended => Self::shutting_down(),
        }
    }
}
