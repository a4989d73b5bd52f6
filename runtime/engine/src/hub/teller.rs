//! What one lane still has to tell, and how much of it at once.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use super::subscriber::Topic;
use crate::sync::Mutex;

/// Streams that a lane wakes at once; fewer in a model, which can't look at many. Each takes some microseconds to write what it has to say, and a call that
/// comes in meanwhile waits for these and no more.
pub(crate) const WAKES_PER_SLICE: usize = if cfg!(feature = "model") { 1 } else { 32 };

/// Subscribers that are marked at once: a lock and a flag each.
pub(crate) const MARKS_PER_SLICE: usize = if cfg!(feature = "model") { 1 } else { 128 };

/// What one lane still has to tell.
#[derive(Debug, Default)]
pub(super) struct Teller {
    duty: Mutex<Duty>,
}

#[derive(Debug, Default)]
struct Duty {
    /// Topics whose walks are under way, each at most once.
    topics: VecDeque<Arc<Topic>>,
    /// Streams of this lane that have something to say: at most as many as there are.
    wakers: VecDeque<Waker>,
    /// The lane's task, while it has nothing to do.
    idle: Option<Waker>,
}

impl Teller {
    /// Walks that topic's audience, behind what there is already.
    pub(super) fn take_on(&self, topic: Arc<Topic>) {
        self.add(|duty| duty.topics.push_back(topic));
    }

    /// Wakes a stream of this lane, behind those that were to be woken before.
    pub(super) fn wake_later(&self, waker: Waker) {
        self.add(|duty| duty.wakers.push_back(waker));
    }

    fn add(&self, add: impl FnOnce(&mut Duty)) {
        let mut duty = self.duty.lock();
        add(&mut duty);
        let idle = duty.idle.take();
        drop(duty);
        if let Some(idle) = idle {
            idle.wake();
        }
    }

    /// Waits until there is something to do.
    pub(super) async fn work(&self) {
        poll_fn(|task| self.poll_work(task)).await;
    }

    fn poll_work(&self, task: &TaskContext<'_>) -> Poll<()> {
        let mut duty = self.duty.lock();
        if duty.topics.is_empty() && duty.wakers.is_empty() {
            duty.idle = Some(task.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(())
    }

    /// Wakes as many streams as may be woken at once. Says how many.
    pub(super) fn wake_some(&self) -> usize {
        let mut duty = self.duty.lock();
        let count = duty.wakers.len().min(WAKES_PER_SLICE);
        let due: Vec<_> = duty.wakers.drain(..count).collect();
        if duty.wakers.is_empty() {
            // What a change to ten thousand took is not kept for ever.
            duty.wakers = VecDeque::new();
        }
        drop(duty);
        due.into_iter().for_each(Waker::wake);
        count
    }

    /// The topic whose turn it is.
    pub(super) fn next_topic(&self) -> Option<Arc<Topic>> {
        self.duty.lock().topics.pop_front()
    }
}
