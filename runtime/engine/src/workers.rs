//! Pools of tool-worker actors. A pool is a bulkhead: when one is slow or full, no other notices.
//!
//! Each lane has its own slice of every pool, so an ordinary call never leaves its lane. A pool also has
//! threads for blocking tools, shared by all lanes. What finds no idle worker waits in a bounded queue, where each
//! caller has a line of its own; what finds no room, or waits too long, is refused.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use impresario_protocol::{Limits, McpError};
use tokio::time::Instant;

use crate::actor::{Exit, Local, Restarts, Untold};
use crate::call::{Call, CancelReason, Ending};
use crate::caller::Share;
use crate::closing::Closing;
use crate::question::Sealer;
use crate::tool::{CallFuture, Tool};

use fair_queue::FairQueue;
use worker::{Worker, WorkerMsg};

pub use blocking::BlockingPool;

mod blocking;
mod fair_queue;
mod worker;

/// The pool of every tool that names none.
pub const DEFAULT_POOL: &str = "default";

/// How a pool is sized.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolConfig {
    /// Its name.
    pub name: String,
    /// Async calls at once, over all lanes.
    pub workers: usize,
    /// Calls that wait for a worker, per lane for async ones.
    pub queue_max: usize,
    /// How long a call may wait.
    pub queue_timeout: Duration,
    /// Threads for blocking tools.
    pub blocking_threads: usize,
    /// Threads that timed-out blocking calls may keep before the pool stops replacing them.
    pub stuck_threads_max: usize,
}

impl PoolConfig {
    /// A pool of that name, sized by the limits.
    #[must_use]
    pub fn new(name: impl Into<String>, limits: &Limits) -> Self {
        Self {
            name: name.into(),
            workers: Limits::size(limits.pool_workers),
            queue_max: Limits::size(limits.pool_queue_max),
            queue_timeout: Duration::from_millis(limits.pool_queue_timeout_ms),
            blocking_threads: Limits::size(limits.blocking_threads),
            stuck_threads_max: Limits::size(limits.blocking_stuck_threads_max),
        }
    }
}

/// Something to do for a call.
pub struct Job {
    /// The call that gets the ending.
    pub call: Arc<Call>,
    /// What is to be done.
    pub work: CallFuture,
    /// How long it may take, from its start.
    pub timeout: Duration,
    /// What a cancelled tool that watches for it may take to clean up.
    pub cancel_grace: Duration,
    /// The tool that is run, when it is one: its answer is held against its output schema.
    pub tool: Option<Arc<Tool>>,
}

impl Job {
    /// Ends the job's call.
    fn finish(&self, mut ending: Ending) {
        if let Some(tool) = &self.tool {
            tool.check_output(&mut ending);
        }
        self.call.finish(ending);
    }
}

impl std::fmt::Debug for Job {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Job").field("call", &self.call).finish_non_exhaustive()
    }
}

/// One lane's slices of all pools.
#[derive(Debug)]
pub struct Workers {
    /// In the order of the pools.
    slices: Vec<Rc<Slice>>,
    /// The place of the pool of every tool that names none.
    default_place: usize,
}

impl Workers {
    /// The slices of one of `lanes` lanes.
    #[must_use]
    pub fn new(
        pools: &[PoolConfig],
        lanes: usize,
        restarts_max: usize,
        closing: &Arc<Closing>,
        sealer: &Arc<Sealer>,
    ) -> Self {
        let slice = |pool: &PoolConfig| Slice::new(pool, lanes, restarts_max, closing, sealer);
        let default_place = pools.iter().position(|pool| pool.name == DEFAULT_POOL).unwrap_or(0);
        Self { slices: pools.iter().map(slice).collect(), default_place }
    }

    /// Hands a job to an idle worker of its tool's pool, or queues it. The call gets its ending in any case.
    pub fn submit(&self, job: Job) {
        let place = job.tool.as_ref().map_or(self.default_place, |tool| tool.pool_place);
        match self.slices.get(place) {
            Some(slice) => slice.submit(job),
            None => job.call.finish(Ending::Failed(McpError::internal())),
        }
    }

    /// How many workers are busy in that pool on this lane.
    #[must_use]
    pub fn busy(&self, pool: &str) -> usize {
        let slice = self.slices.iter().find(|slice| slice.name == pool);
        slice.map_or(0, |slice| slice.state.borrow().busy())
    }
}

/// One lane's part of a pool.
#[derive(Debug)]
struct Slice {
    name: String,
    workers_max: usize,
    queue_timeout: Duration,
    /// When it is over, calls that still run are answered with an error.
    closing: Arc<Closing>,
    /// Seals what calls leave with their clients when they have to end to ask.
    sealer: Arc<Sealer>,
    state: RefCell<SliceState>,
}

#[derive(Debug)]
struct SliceState {
    /// Workers that have nothing to do. Workers are made when they are first needed.
    idle: Vec<Local<Worker>>,
    /// How many workers there are, idle or busy.
    workers: usize,
    /// Jobs that found no idle worker, in a line for each who asks.
    queue: FairQueue<Share, Job>,
    /// The task that refuses jobs whose time in the queue is over is running.
    is_watched: bool,
    restarts: Restarts,
}

impl SliceState {
    fn busy(&self) -> usize {
        self.workers - self.idle.len()
    }
}

impl Slice {
    fn new(
        pool: &PoolConfig,
        lanes: usize,
        restarts_max: usize,
        closing: &Arc<Closing>,
        sealer: &Arc<Sealer>,
    ) -> Rc<Self> {
        let state = SliceState {
            idle: Vec::new(),
            workers: 0,
            queue: FairQueue::new(pool.queue_max),
            is_watched: false,
            restarts: Restarts::new(restarts_max),
        };
        Rc::new(Self {
            name: pool.name.clone(),
            workers_max: pool.workers.div_ceil(lanes.max(1)).max(1),
            queue_timeout: pool.queue_timeout,
            closing: Arc::clone(closing),
            sealer: Arc::clone(sealer),
            state: RefCell::new(state),
        })
    }

    fn submit(self: &Rc<Self>, job: Job) {
        // No borrow may be held while the worker runs: the job's first poll may submit another job.
        match self.idle_worker() {
            Some(worker) => self.run(&worker, job),
            None => self.enqueue(job),
        }
    }

    fn idle_worker(self: &Rc<Self>) -> Option<Local<Worker>> {
        let mut state = self.state.borrow_mut();
        if let Some(worker) = state.idle.pop() {
            return Some(worker);
        }
        if state.workers >= self.workers_max {
            return None;
        }
        state.workers += 1;
        Some(self.hire())
    }

    /// A new worker, supervised: when it ends, its place is free for another one.
    fn hire(self: &Rc<Self>) -> Local<Worker> {
        const MAILBOX_LEN_MAX: usize = 4;
        let worker = Local::start(Worker::new(Rc::downgrade(self)), MAILBOX_LEN_MAX);
        let slice = Rc::downgrade(self);
        worker.on_exit(move |exit| {
            if let Some(slice) = slice.upgrade() {
                slice.on_worker_exit(exit);
            }
        });
        worker
    }

    fn on_worker_exit(self: &Rc<Self>, exit: Exit) {
        tracing::error!(pool = %self.name, ?exit, "a worker ended; its call is answered as an internal error");
        let mut state = self.state.borrow_mut();
        if state.restarts.allow() {
            state.workers -= 1;
        } else {
            tracing::error!(pool = %self.name, "workers of this pool end too often; this one is replaced in a minute");
            drop(state);
            let slice = Rc::clone(self);
            tokio::task::spawn_local(async move {
                tokio::time::sleep(Duration::from_secs(60)).await;
                slice.state.borrow_mut().workers -= 1;
            });
        }
    }

    fn run(&self, worker: &Local<Worker>, job: Job) {
        if let Err(Untold::Full(WorkerMsg::Run(job)) | Untold::Ended(WorkerMsg::Run(job))) =
            worker.tell(WorkerMsg::Run(job))
        {
            tracing::error!(pool = %self.name, "an idle worker took no job");
            job.call.finish(Ending::Failed(McpError::internal()));
        }
    }

    /// A worker has nothing to do: it gets the oldest job that still has time, or becomes idle.
    fn next_job(&self, worker: &Local<Worker>) -> Option<Job> {
        if self.closing.is_over() {
            self.end_queued();
        }
        let mut state = self.state.borrow_mut();
        while let Some((give_up_at, job)) = state.queue.pop() {
            if job.call.is_ended() {
                continue;
            }
            if give_up_at <= Instant::now() {
                drop(state);
                self.refuse_waited(&job.call);
                state = self.state.borrow_mut();
                continue;
            }
            return Some(job);
        }
        state.idle.push(worker.clone());
        None
    }

    fn enqueue(self: &Rc<Self>, job: Job) {
        let mut state = self.state.borrow_mut();
        state.queue.retain(|job| !job.call.is_ended());
        let whose = job.call.facts().caller.share();
        let shed = state.queue.push(whose, Instant::now() + self.queue_timeout, job);
        if state.queue.len() > 0 && !state.is_watched {
            state.is_watched = true;
            tokio::task::spawn_local(Rc::clone(self).watch_queue());
        }
        drop(state);
        if let Some(shed) = shed {
            shed.call.finish(Ending::Refused(self.refusal("its queue is full (pool_queue_max)")));
        }
    }

    /// Refuses jobs whose time in the queue is over, as long as there are any in it.
    async fn watch_queue(self: Rc<Self>) {
        loop {
            let Some(next) = self.state.borrow().queue.next_give_up() else { break };
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                () = self.closing.over() => self.end_queued(),
            }
            let overdue = self.state.borrow_mut().queue.take_overdue(Instant::now());
            overdue.iter().for_each(|job| self.refuse_waited(&job.call));
        }
        self.state.borrow_mut().is_watched = false;
    }

    /// The drain window is over: what still waits will not be begun any more.
    fn end_queued(&self) {
        let queued = self.state.borrow_mut().queue.drain();
        queued.for_each(|job| job.call.cancel(CancelReason::Shutdown));
    }

    fn refuse_waited(&self, call: &Call) {
        call.finish(Ending::Refused(self.refusal("no worker became free in time (pool_queue_timeout_ms)")));
    }

    fn refusal(&self, reason: &str) -> McpError {
        const RETRY_AFTER_MS: u64 = 1_000;
        let text = format!("the pool `{}` is busy: {reason}; retry later", self.name);
        McpError::overloaded(text, RETRY_AFTER_MS)
    }
}

#[cfg(test)]
mod tests;
