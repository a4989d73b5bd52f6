//! The clock of an open loop: hands out the moments at which requests should leave, to whichever connection is free.
//!
//! A moment that comes while no connection is free waits, and latency is counted from it all the same: so a server that
//! stalls is seen to stall by every request that it kept waiting. The queue is bounded; what does not fit is counted.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::task::{Poll, Waker};
use std::time::Instant;

use super::gate::{Admission, Gate};
use super::schedule::Schedule;
use super::timer::Timer;

/// A moment at which a request should leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Departure {
    /// The moment.
    pub at: Instant,
    /// Whether the request counts.
    pub is_measured: bool,
}

/// The departures of one thread.
#[derive(Debug)]
pub struct Clock {
    /// Departures that nobody has taken yet; never more than `backlog_max`.
    due: RefCell<VecDeque<Departure>>,
    /// Connections that wait for one; never more than there are connections, but for spurious wake-ups.
    waiting: RefCell<VecDeque<Waker>>,
    backlog_max: usize,
    is_over: Cell<bool>,
}

impl Clock {
    /// A clock whose backlog is bounded so.
    #[must_use]
    pub fn new(backlog_max: usize) -> Self {
        Self { due: RefCell::default(), waiting: RefCell::default(), backlog_max, is_over: Cell::new(false) }
    }

    /// Waits for a departure; none when there will be no more.
    pub async fn next(&self) -> Option<Departure> {
        poll_fn(|ctx| {
            if let Some(departure) = self.due.borrow_mut().pop_front() {
                return Poll::Ready(Some(departure));
            }
            if self.is_over.get() {
                return Poll::Ready(None);
            }
            self.waiting.borrow_mut().push_back(ctx.waker().clone());
            Poll::Pending
        })
        .await
    }

    /// Lets departures out as their moments come, until the schedule or the run ends. `not_sent` is told of each that
    /// found the backlog full.
    ///
    /// # Errors
    /// When the system has no timer for us.
    pub async fn run(
        &self,
        mut schedule: Schedule,
        gate: &Gate,
        mut not_sent: impl FnMut(),
    ) -> io::Result<()> {
        let timer = Timer::new()?;
        let mut next = schedule.next();
        while let Some(offset) = next {
            let at = gate.start + offset;
            if at > Instant::now() {
                timer.until(at).await?;
            }
            match gate.admit(at) {
                Admission::Over => break,
                admission => self.let_out(at, admission == Admission::Measured, &mut not_sent),
            }
            next = schedule.next();
        }
        self.end();
        Ok(())
    }

    /// Nothing more will be let out; what waits may still be taken.
    pub fn end(&self) {
        self.is_over.set(true);
        self.waiting.borrow_mut().drain(..).for_each(Waker::wake);
    }

    /// Takes away what nobody has taken.
    pub fn clear(&self) -> Vec<Departure> {
        self.due.borrow_mut().drain(..).collect()
    }

    fn let_out(&self, at: Instant, is_measured: bool, not_sent: &mut impl FnMut()) {
        let mut due = self.due.borrow_mut();
        if due.len() >= self.backlog_max {
            if is_measured {
                not_sent();
            }
            return;
        }
        due.push_back(Departure { at, is_measured });
        drop(due);
        if let Some(waker) = self.waiting.borrow_mut().pop_front() {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::load::schedule::Share;
    use crate::plan::{Rate, Stop};

    #[tokio::test]
    async fn departures_keep_their_moments_when_nobody_is_free() {
        let start = Instant::now() - Duration::from_secs(1);
        let gate = Gate::new(start, Duration::ZERO, Stop::After(Duration::from_millis(500)));
        let clock = Clock::new(3);
        let share = Share { index: 0, of: 1 };
        let schedule = Schedule::new(
            &Rate::Constant(10.0),
            Duration::ZERO,
            Some(Duration::from_millis(500)),
            share,
            None,
        );
        let mut not_sent = 0;
        clock.run(schedule, &gate, || not_sent += 1).await.unwrap();
        assert_eq!(not_sent, 2);
        for millis in [0, 100, 200] {
            let departure = clock.next().await.unwrap();
            assert_eq!(departure, Departure { at: start + Duration::from_millis(millis), is_measured: true });
        }
        assert_eq!(clock.next().await, None);
    }
}
