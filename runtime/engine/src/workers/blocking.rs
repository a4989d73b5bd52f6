//! Threads for tools that block or compute, so that no lane ever waits for one.
//!
//! A thread survives a panicking tool. A thread whose call was given up (it ran out of time, or its client
//! took it back) no longer counts: another takes its place, up to a number of such stuck threads, and the
//! stuck one ends when its tool returns.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use impresario_protocol::McpError;
use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use super::PoolConfig;
use crate::call::Ending;

/// The blocking threads of one pool.
#[derive(Debug)]
pub struct BlockingPool {
    name: String,
    threads_max: usize,
    queue_max: usize,
    queue_timeout: Duration,
    stuck_max: usize,
    state: Mutex<State>,
    /// Something was queued, or the pool closes.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    queue: VecDeque<Queued>,
    /// Threads that count: not those that were given up and replaced.
    threads: usize,
    idle: usize,
    /// Threads whose work was given up and has not come back.
    stuck: usize,
    closed: bool,
}

struct Queued {
    work: Box<dyn FnOnce() + Send>,
    stage: Arc<AtomicU8>,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { queue, threads, idle, stuck, closed } = self;
        let queued = queue.len();
        write!(
            f,
            "State {{ queued: {queued}, threads: {threads}, idle: {idle}, stuck: {stuck}, closed: {closed} }}"
        )
    }
}

/// Where a piece of work is.
mod stage {
    pub(super) const QUEUED: u8 = 0;
    pub(super) const BEGUN: u8 = 1;
    pub(super) const DONE: u8 = 2;
    /// Nobody wants it any more, and it had not begun.
    pub(super) const WITHDRAWN: u8 = 3;
    /// Nobody wants it any more, and it runs; another thread has taken its thread's place.
    pub(super) const REPLACED: u8 = 4;
    /// Nobody wants it any more, and it runs; its thread goes on afterwards.
    pub(super) const UNREPLACED: u8 = 5;
}

/// A piece of work that was submitted. Dropping it gives the work up.
#[derive(Debug)]
struct Ticket {
    pool: Arc<BlockingPool>,
    stage: Arc<AtomicU8>,
    /// The work's ending has come: there is nothing left to give up.
    has_ended: bool,
}

impl Ticket {
    /// Withdraws the work if it has not begun, and says whether that was so.
    fn withdraw(&self) -> bool {
        self.stage
            .compare_exchange(stage::QUEUED, stage::WITHDRAWN, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.has_ended && !self.withdraw() {
            self.pool.give_up(&self.stage);
        }
    }
}

impl BlockingPool {
    /// A pool whose threads are started when they are first needed.
    #[must_use]
    pub fn new(config: &PoolConfig) -> Arc<Self> {
        Arc::new(Self {
            name: config.name.clone(),
            threads_max: config.blocking_threads.max(1),
            queue_max: config.queue_max,
            queue_timeout: config.queue_timeout,
            stuck_max: config.stuck_threads_max,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Runs `work` on the next idle thread and waits for its ending.
    ///
    /// # Cancel safety
    /// Dropping the future withdraws work that has not begun; work that runs is given up, and another
    /// thread takes its thread's place.
    pub async fn run(self: Arc<Self>, work: impl FnOnce() -> Ending + Send + 'static) -> Ending {
        let (ending_tx, mut ending_rx) = oneshot::channel();
        let (begun_tx, begun_rx) = oneshot::channel();
        let work = move || {
            begun_tx.send(()).ok();
            // The closure is gone after a panic, so nobody sees what it left half done.
            let ending = catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_panic| {
                tracing::error!("a blocking tool panicked; its call is answered as an internal error");
                Ending::Failed(McpError::internal())
            });
            ending_tx.send(ending).ok();
        };
        let mut ticket = match self.submit(Box::new(work)) {
            Ok(ticket) => ticket,
            Err(refusal) => return Ending::Refused(refusal),
        };
        if tokio::time::timeout(self.queue_timeout, begun_rx).await.is_err() && ticket.withdraw() {
            return Ending::Refused(self.refusal("no thread became free in time (pool_queue_timeout_ms)"));
        }
        let ending = (&mut ending_rx).await.unwrap_or_else(|_closed| Ending::Failed(McpError::internal()));
        ticket.has_ended = true;
        ending
    }

    /// Takes nothing more, and lets the threads end when the queue is empty.
    pub fn close(&self) {
        self.state.lock().closed = true;
        self.changed.notify_all();
    }

    /// How many threads count, and how many are stuck.
    #[must_use]
    pub fn threads(&self) -> (usize, usize) {
        let state = self.state.lock();
        (state.threads, state.stuck)
    }

    fn submit(self: &Arc<Self>, work: Box<dyn FnOnce() + Send>) -> Result<Ticket, McpError> {
        let mut state = self.state.lock();
        if state.closed {
            return Err(McpError::shutting_down());
        }
        state.queue.retain(|queued| queued.stage.load(Ordering::Acquire) == stage::QUEUED);
        let free = state.idle + self.threads_max.saturating_sub(state.threads);
        if state.queue.len() >= self.queue_max + free {
            return Err(self.refusal("its queue is full (pool_queue_max)"));
        }
        let stage = Arc::new(AtomicU8::new(stage::QUEUED));
        state.queue.push_back(Queued { work, stage: Arc::clone(&stage) });
        if state.queue.len() > state.idle
            && state.threads < self.threads_max
            && let Err(refusal) = self.start_thread(&mut state)
        {
            state.queue.pop_back();
            return Err(refusal);
        }
        drop(state);
        self.changed.notify_one();
        Ok(Ticket { pool: Arc::clone(self), stage, has_ended: false })
    }

    fn refusal(&self, reason: &str) -> McpError {
        const RETRY_AFTER_MS: u64 = 1_000;
        let text = format!("the pool `{}` is busy: {reason}; retry later", self.name);
        McpError::overloaded(text, RETRY_AFTER_MS)
    }

    fn start_thread(self: &Arc<Self>, state: &mut State) -> Result<(), McpError> {
        let pool = Arc::clone(self);
        let name = format!("blocking-{}", self.name);
        match std::thread::Builder::new().name(name).spawn(move || pool.run_thread()) {
            Ok(_detached) => {
                state.threads += 1;
                Ok(())
            }
            // Other threads of the pool will come to it; without any, nobody would.
            Err(_) if state.threads > 0 => Ok(()),
            Err(error) => {
                tracing::error!(pool = %self.name, %error, "no blocking thread can be started");
                Err(self.refusal("no thread can be started"))
            }
        }
    }

    /// Nobody waits any more for work that may be running.
    fn give_up(self: &Arc<Self>, work: &AtomicU8) {
        let mut state = self.state.lock();
        let replace = state.stuck < self.stuck_max;
        let given_up = if replace { stage::REPLACED } else { stage::UNREPLACED };
        // The lock is held where work becomes done too, so what begins here as running still runs.
        if work.compare_exchange(stage::BEGUN, given_up, Ordering::AcqRel, Ordering::Acquire).is_err() {
            return;
        }
        state.stuck += 1;
        if !replace {
            tracing::error!(pool = %self.name, stuck = state.stuck, "too many stuck threads; this one is not replaced");
            return;
        }
        state.threads -= 1;
        if !state.queue.is_empty()
            && let Err(error) = self.start_thread(&mut state)
        {
            tracing::error!(pool = %self.name, %error, "a stuck thread is not replaced");
        }
    }

    fn run_thread(self: Arc<Self>) {
        while let Some(queued) = self.next() {
            let begun = queued.stage.compare_exchange(
                stage::QUEUED,
                stage::BEGUN,
                Ordering::AcqRel,
                Ordering::Acquire,
            );
            if begun.is_err() {
                continue;
            }
            (queued.work)();
            if !self.done(&queued.stage) {
                return;
            }
        }
    }

    /// A thread is done with its work. Says whether the thread goes on.
    fn done(&self, work: &AtomicU8) -> bool {
        let mut state = self.state.lock();
        match work.swap(stage::DONE, Ordering::AcqRel) {
            stage::REPLACED => {
                state.stuck -= 1;
                false
            }
            stage::UNREPLACED => {
                state.stuck -= 1;
                true
            }
            _ => true,
        }
    }

    fn next(&self) -> Option<Queued> {
        let mut state = self.state.lock();
        loop {
            if let Some(queued) = state.queue.pop_front() {
                return Some(queued);
            }
            if state.closed {
                state.threads -= 1;
                return None;
            }
            state.idle += 1;
            self.changed.wait(&mut state);
            state.idle -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use futures_util::FutureExt as _;
    use impresario_protocol::{Limits, Outcome};

    use super::*;

    fn pool(threads: usize, queue_max: usize, stuck_threads_max: usize) -> Arc<BlockingPool> {
        let limits = Limits::default();
        let config = PoolConfig::new("t", &limits);
        BlockingPool::new(&PoolConfig { blocking_threads: threads, queue_max, stuck_threads_max, ..config })
    }

    /// Work that says when it has begun and goes on when it is let.
    fn held() -> (impl FnOnce() -> Ending, Receiver<()>, Sender<()>) {
        let (begun_tx, begun_rx) = channel();
        let (go_tx, go_rx) = channel::<()>();
        let work = move || {
            begun_tx.send(()).ok();
            go_rx.recv().ok();
            Ending::Answered(Outcome::Done)
        };
        (work, begun_rx, go_tx)
    }

    #[tokio::test]
    async fn a_full_queue_refuses_at_once() {
        let pool = pool(1, 1, 0);
        let (work, begun, go) = held();
        let mut first = Box::pin(Arc::clone(&pool).run(work));
        assert!(first.as_mut().now_or_never().is_none());
        begun.recv().unwrap();
        let mut second = Box::pin(Arc::clone(&pool).run(|| Ending::Answered(Outcome::Done)));
        assert!(second.as_mut().now_or_never().is_none());
        let third = Arc::clone(&pool).run(|| unreachable!("it was refused")).await;
        assert!(matches!(third, Ending::Refused(error) if error.message.contains("pool_queue_max")));
        go.send(()).unwrap();
        assert!(matches!(first.await, Ending::Answered(_)));
        assert!(matches!(second.await, Ending::Answered(_)));
    }

    #[tokio::test]
    async fn a_panic_costs_one_piece_of_work_and_no_thread() {
        let pool = pool(1, 8, 0);
        let ending = Arc::clone(&pool).run(|| panic!("on purpose")).await;
        assert!(matches!(ending, Ending::Failed(error) if error.message == "internal error"));
        assert!(matches!(Arc::clone(&pool).run(|| Ending::Cancelled).await, Ending::Cancelled));
        assert_eq!(pool.threads(), (1, 0));
    }

    #[tokio::test]
    async fn a_stuck_thread_is_replaced_up_to_a_number_and_leaves_when_it_comes_back() {
        let pool = pool(1, 8, 1);
        let mut gone = Vec::new();
        for _ in 0..2 {
            let (work, begun, go) = held();
            let mut running = Box::pin(Arc::clone(&pool).run(work));
            assert!(running.as_mut().now_or_never().is_none());
            begun.recv().unwrap();
            drop(running);
            gone.push(go);
        }
        // The second is one too many: its thread is not replaced, and what follows waits for it.
        assert_eq!(pool.threads(), (1, 2));
        let mut waits = Box::pin(Arc::clone(&pool).run(|| Ending::Answered(Outcome::Done)));
        assert!(waits.as_mut().now_or_never().is_none());
        drop(gone);
        assert!(matches!(waits.await, Ending::Answered(_)));
        while pool.threads() != (1, 0) {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_waits_too_long_is_refused_and_never_begins() {
        let pool = pool(1, 8, 0);
        let (work, begun, go) = held();
        let mut first = Box::pin(Arc::clone(&pool).run(work));
        assert!(first.as_mut().now_or_never().is_none());
        begun.recv().unwrap();
        let ending = Arc::clone(&pool).run(|| unreachable!("its time was over")).await;
        assert!(matches!(ending, Ending::Refused(error) if error.message.contains("pool_queue_timeout_ms")));
        go.send(()).unwrap();
        assert!(matches!(first.await, Ending::Answered(_)));
    }
}
