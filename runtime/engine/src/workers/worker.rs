//! A tool-worker actor: does one job at a time.
//!
//! A job is polled once right away, on the caller's stack. Most tools are done then. One that is not
//! becomes a task with its deadline and its cancellation, and the worker is busy until the task ends.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Weak;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use impresario_protocol::McpError;

use super::{Job, Slice};
use crate::actor::{Actor, Exit, Local};
use crate::call::{Call, CancelReason, Ending};
use crate::closing::Closing;
use crate::tool::CallFuture;

/// Does one job at a time for its slice of a pool.
pub(super) struct Worker {
    slice: Weak<Slice>,
}

/// Everything a worker can be told.
pub(super) enum WorkerMsg {
    /// Do this.
    Run(Job),
    /// The job that was not done at once has ended.
    Finished,
}

impl Worker {
    pub(super) fn new(slice: Weak<Slice>) -> Self {
        Self { slice }
    }
}

impl Actor for Worker {
    type Msg = WorkerMsg;

    fn handle(&mut self, msg: WorkerMsg, me: &Local<Self>) -> Result<(), Exit> {
        match msg {
            WorkerMsg::Run(job) => self.run(job, me),
            WorkerMsg::Finished => self.go_on(me),
        }
    }
}

impl Worker {
    /// Does the job, and those that wait behind it, until one is not done at once or none is left.
    fn run(&self, mut job: Job, me: &Local<Self>) -> Result<(), Exit> {
        loop {
            let mut task = TaskContext::from_waker(Waker::noop());
            let Poll::Ready(ending) = poll_caught(&mut job.work, &mut task) else { break };
            job.finish(ending);
            discard(job);
            match self.next_job(me)? {
                Some(next) => job = next,
                None => return Ok(()),
            }
        }
        let (me, closing) = (me.clone(), self.slice.upgrade().map(|slice| Arc::clone(&slice.closing)));
        tokio::task::spawn_local(async move {
            finish(job, closing).await;
            // Refused only when the worker has ended, and then nobody waits for it.
            drop(me.tell(WorkerMsg::Finished));
        });
        Ok(())
    }

    fn go_on(&self, me: &Local<Self>) -> Result<(), Exit> {
        match self.next_job(me)? {
            Some(job) => self.run(job, me),
            None => Ok(()),
        }
    }

    /// The next job that waits; without one, the worker is idle from now on.
    fn next_job(&self, me: &Local<Self>) -> Result<Option<Job>, Exit> {
        self.slice.upgrade().map(|slice| slice.next_job(me)).ok_or(Exit::Finished)
    }
}

/// Drives a job that was not done at once, until it ends, is cancelled, or runs out of time.
async fn finish(mut job: Job, closing: Option<Arc<Closing>>) {
    let closed = async {
        match closing {
            Some(closing) => closing.over().await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        ending = until_cancelled(&mut job.work, &job.call) => if let Some(ending) = ending {
            job.finish(ending);
            return discard(job);
        },
        () = tokio::time::sleep(job.timeout) => {
            job.call.cancel(CancelReason::TimedOut);
            job.call.finish(Ending::TimedOut { after: job.timeout });
        }
        () = closed => job.call.cancel(CancelReason::Shutdown),
    }
    clean_up(&mut job).await;
    discard(job);
}

/// Drops a job. What a tool keeps may panic while it is dropped, and that must cost nobody a worker.
fn discard(job: Job) {
    if catch_unwind(AssertUnwindSafe(|| drop(job))).is_err() {
        tracing::error!("a tool panicked while it was dropped");
    }
}

/// The job's ending, or nothing when the call is cancelled first and so has its ending already.
async fn until_cancelled(work: &mut CallFuture, call: &Call) -> Option<Ending> {
    poll_fn(|task| {
        if let Poll::Ready(ending) = poll_caught(work, task) {
            return Poll::Ready(Some(ending));
        }
        call.poll_cancelled(task).map(|()| None)
    })
    .await
}

/// A tool that watches for its cancellation gets a moment to clean up; any other does not.
async fn clean_up(job: &mut Job) {
    if job.call.watches_cancel() {
        let ended = poll_fn(|task| poll_caught(&mut job.work, task));
        if tokio::time::timeout(job.cancel_grace, ended).await.is_err() {
            tracing::warn!(call = ?job.call, "a cancelled tool did not end in its grace (cancel_grace_ms) and is dropped");
        }
    }
}

/// Polls a job; a panic costs this job alone and tells the client nothing of its inside.
fn poll_caught(work: &mut CallFuture, task: &mut TaskContext<'_>) -> Poll<Ending> {
    // The future is not polled again after a panic, so nobody sees it half changed.
    match catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(task))) {
        Ok(poll) => poll,
        Err(_panic) => {
            tracing::error!("a tool, resource or prompt panicked; its call is answered as an internal error");
            *work = Box::pin(std::future::pending());
            Poll::Ready(Ending::Failed(McpError::internal()))
        }
    }
}

/// A job is moved on every call: the compiler tells when it grows.
const _: () = assert!(size_of::<Job>() <= 72);
