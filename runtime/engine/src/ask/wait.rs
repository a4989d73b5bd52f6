//! Waiting on a thread of a blocking pool, for tools that are no futures.
//!
//! In a session the thread waits for the answer. Where a call has to end to ask, nothing may run any further:
//! the thread unwinds out of the tool with a payload of our own, which is no panic and prints none.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::thread::Thread;

use crate::call::{Call, Ending};
use crate::question::Sealer;

/// Why a thread leaves a tool: its call has to end to ask.
struct Interrupted;

thread_local! {
    /// A blocking tool runs on this thread.
    static RUNS_A_TOOL: Cell<bool> = const { Cell::new(false) };
}

/// Runs a blocking tool on this thread, until its end or until it has to ask.
pub(crate) fn run_on_thread(call: &Call, sealer: &Sealer, run: impl FnOnce() -> Ending) -> Ending {
    RUNS_A_TOOL.set(true);
    // What the tool holds is gone after it unwinds, so nobody sees it half changed.
    let ran = catch_unwind(AssertUnwindSafe(run));
    RUNS_A_TOOL.set(false);
    match ran {
        Ok(ending) => ending,
        Err(payload) if payload.is::<Interrupted>() => {
            // It has none only when the client has taken the call back meanwhile.
            call.end_interruption(sealer).unwrap_or(Ending::Cancelled)
        }
        Err(panic) => resume_unwind(panic),
    }
}

/// Waits for a future on this thread.
pub(super) fn wait<F: Future>(call: &Call, future: F) -> F::Output {
    assert!(
        RUNS_A_TOOL.get(),
        "Context::wait is for blocking tools (#[tool(blocking)]); a tool that runs on a lane awaits instead"
    );
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut task = TaskContext::from_waker(&waker);
    let mut future = pin!(future);
    // While this thread polls, the call's worker must not end the call between two questions.
    call.hold_questions();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut task) {
            call.release_questions();
            return output;
        }
        if call.begin_interruption() {
            // The hold stays, so that it is this thread that ends the call.
            resume_unwind(Box::new(Interrupted));
        }
        std::thread::park();
    }
}

/// Wakes a thread that waits.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
