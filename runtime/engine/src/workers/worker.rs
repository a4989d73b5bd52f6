//! A tool-worker actor: does one job at a time.
//!
//! A job is polled once right away, on the caller's stack. Most tools are done then. One that is not
//! becomes a task with its deadline and its cancellation, and the worker is busy until the task ends.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Weak;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker, ready};
use std::time::Duration;

use impresario_protocol::McpError;
use tokio::time::Instant;

use super::{Job, Slice};
use crate::actor::{Actor, Exit, Local};
use crate::call::{Call, CancelReason, Ending};
use crate::closing::Closing;
use crate::question::Sealer;
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
            let ending = match poll_caught(&mut job.work, &mut task) {
                Poll::Ready(ending) => ending,
                Poll::Pending => match self.interruption(&job) {
                    Some(ending) => ending,
                    None => break,
                },
            };
            job.finish(ending);
            discard(job);
            match self.next_job(me)? {
                Some(next) => job = next,
                None => return Ok(()),
            }
        }
        let (me, slice) = (me.clone(), self.slice.upgrade());
        let Some(house) = slice.map(|slice| (Arc::clone(&slice.closing), Arc::clone(&slice.sealer))) else {
            return Err(Exit::Finished);
        };
        tokio::task::spawn_local(async move {
            finish(job, &house.0, &house.1).await;
            // Refused only when the worker has ended, and then nobody waits for it.
            drop(me.tell(WorkerMsg::Finished));
        });
        Ok(())
    }

    /// The ending of a job that can't go on without an answer from its client.
    fn interruption(&self, job: &Job) -> Option<Ending> {
        job.call.interruption(&self.slice.upgrade()?.sealer)
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

/// Drives a job that was not done at once, until it ends, has to ask, is cancelled, or runs out of time.
async fn finish(mut job: Job, closing: &Closing, sealer: &Sealer) {
    tokio::select! {
        biased;
        ending = until_cancelled(&mut job.work, &job.call, sealer) => if let Some(ending) = ending {
            job.finish(ending);
            return discard(job);
        },
        () = time_is_over(&job.call, job.timeout) => {
            job.call.cancel(CancelReason::TimedOut);
            job.call.finish(Ending::TimedOut { after: job.timeout });
        }
        () = closing.over() => job.call.cancel(CancelReason::Shutdown),
    }
    clean_up(&mut job).await;
    discard(job);
}

/// Resolves when a call has used up its time. While a question to its client is open that time stands still:
/// the person decides how long, up to a limit of its own, at which the question is given up.
async fn time_is_over(call: &Call, timeout: Duration) {
    let (mut since, mut left) = (Instant::now(), timeout);
    let mut alarm = pin!(tokio::time::sleep(timeout));
    let mut stands_still = false;
    poll_fn(|task| {
        loop {
            match call.question_deadline() {
                Some(deadline) => {
                    if !std::mem::replace(&mut stands_still, true) {
                        left = left.saturating_sub(since.elapsed());
                    }
                    if alarm.deadline() != deadline {
                        alarm.as_mut().reset(deadline);
                    }
                    ready!(alarm.as_mut().poll(task));
                    call.give_up_questions(Instant::now());
                }
                None => {
                    if std::mem::replace(&mut stands_still, false) {
                        since = Instant::now();
                        alarm.as_mut().reset(since + left);
                    }
                    return alarm.as_mut().poll(task);
                }
            }
        }
    })
    .await;
}

/// Drops a job. What a tool keeps may panic while it is dropped, and that must cost nobody a worker.
fn discard(job: Job) {
    if catch_unwind(AssertUnwindSafe(|| drop(job))).is_err() {
        tracing::error!("a tool panicked while it was dropped");
    }
}

/// The job's ending, or nothing when the call is cancelled first and so has its ending already.
async fn until_cancelled(work: &mut CallFuture, call: &Call, sealer: &Sealer) -> Option<Ending> {
    poll_fn(|task| {
        if let Poll::Ready(ending) = poll_caught(work, task) {
            return Poll::Ready(Some(ending));
        }
        if let Some(ending) = call.interruption(sealer) {
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
