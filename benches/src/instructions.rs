//! How many instructions a server runs in user space for one request.
//!
//! Time differs from run to run and from machine to machine; this count hardly does. callgrind runs the server
//! alone, in a process of its own, and counts everything in it, from start to end. Two runs with different
//! numbers of requests tell what one request costs: the difference, divided. The client sends the next request
//! only when every thread of the server sleeps again, so that each request finds it in the same state.

mod callgrind;
mod figures;
mod subject;

pub use callgrind::profile;
pub use figures::{Figures, Machine};
pub use subject::{Served, Subject};

use anyhow::ensure;

/// Requests of the shorter run: those that fill pools and buffers are in both.
const WARM_UP_REQUESTS: u64 = 200;
/// How many requests more the longer run has.
const COUNTED_REQUESTS: u64 = 1_000;

/// Instructions for one request.
///
/// # Errors
/// When valgrind can't be run, or the server gives a wrong answer.
pub fn per_request(subject: Subject) -> anyhow::Result<u64> {
    // There are two cores even on small machines, and neither run looks at a clock.
    let (short, long) = std::thread::scope(|scope| {
        let long = scope.spawn(|| callgrind::count(subject, WARM_UP_REQUESTS + COUNTED_REQUESTS));
        let short = callgrind::count(subject, WARM_UP_REQUESTS);
        (short, long.join())
    });
    let (short, long) = (short?, long.map_err(|_panic| anyhow::anyhow!("a client panicked"))??);
    ensure!(long > short, "{}: more requests took fewer instructions", subject.name());
    Ok((long - short) / COUNTED_REQUESTS)
}
