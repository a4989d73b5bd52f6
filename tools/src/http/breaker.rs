//! A circuit breaker: an API that fails again and again is left alone for a while, and then asked by one call alone.

use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::settings;

/// The breaker of one API.
#[derive(Debug)]
pub(super) struct Breaker {
    /// Failures in a row after which it opens; 0 for never.
    failures_max: u32,
    open_for: Duration,
    /// Held for a few instructions, never across an await.
    state: Mutex<State>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Calls go through; so many failed since the last one that did not.
    Closed { failures: u32 },
    /// Nothing goes through before then.
    Open { until: Instant },
    /// One call is on its way, and decides.
    Probing,
}

/// Why a call does not go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeldBack {
    failures: u32,
    /// How long nothing will go through; nothing while one call is on its way to find out.
    pub(super) left: Option<Duration>,
}

/// Leave for one call. What became of it has to be said; a call that was dropped says nothing, and then another may
/// find out.
#[derive(Debug)]
pub(super) struct Leave<'b> {
    breaker: &'b Breaker,
    is_probe: bool,
    is_told: bool,
}

impl Breaker {
    pub(super) fn new(settings: &settings::Breaker) -> Self {
        let (failures_max, open_for) = (settings.failures, settings.open_for.0);
        Self { failures_max, open_for, state: Mutex::new(State::Closed { failures: 0 }) }
    }

    /// Leave to call, or why not.
    pub(super) fn enter(&self) -> Result<Leave<'_>, HeldBack> {
        let mut state = self.state();
        let held = |left| HeldBack { failures: self.failures_max, left };
        let is_probe = match *state {
            State::Closed { .. } => false,
            State::Probing => return Err(held(None)),
            State::Open { until } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(held(Some(left)));
                }
                *state = State::Probing;
                true
            }
        };
        Ok(Leave { breaker: self, is_probe, is_told: false })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A state is one value: it can't have been left half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leave<'_> {
    /// The API answered, or failed.
    pub(super) fn tell(mut self, is_failure: bool) {
        self.is_told = true;
        let breaker = self.breaker;
        let mut state = breaker.state();
        *state = match (*state, is_failure) {
            // A call from before it opened says nothing new, unless it is the one that was sent to find out.
            (State::Open { .. } | State::Probing, _) if !self.is_probe => return,
            (_, false) => State::Closed { failures: 0 },
            (State::Closed { failures }, true) if !breaker.opens_after(failures + 1) => {
                State::Closed { failures: failures + 1 }
            }
            (_, true) => State::Open { until: Instant::now() + breaker.open_for },
        };
    }
}

impl Breaker {
    fn opens_after(&self, failures: u32) -> bool {
        self.failures_max > 0 && failures >= self.failures_max
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if self.is_probe && !self.is_told {
            *self.breaker.state() = State::Open { until: Instant::now() };
        }
    }
}

impl fmt::Display for HeldBack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failures = self.failures;
        match self.left {
            Some(left) => {
                let seconds = left.as_secs_f64().ceil();
                write!(
                    f,
                    "it failed {failures} times in a row, so nothing is sent to it for {seconds} s; try again then"
                )
            }
            None => write!(
                f,
                "it failed {failures} times in a row, and one call is finding out whether it works again; try again in a moment"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::setting::Span;

    fn breaker(failures: u32) -> Breaker {
        Breaker::new(&settings::Breaker { failures, open_for: Span(Duration::from_secs(30)) })
    }

    fn fail(breaker: &Breaker, times: u32) {
        (0..times).for_each(|_| breaker.enter().unwrap().tell(true));
    }

    #[tokio::test(start_paused = true)]
    async fn it_opens_after_failures_in_a_row_and_closes_after_one_success() {
        let breaker = breaker(3);
        fail(&breaker, 2);
        breaker.enter().unwrap().tell(false);
        fail(&breaker, 3);
        let held = breaker.enter().unwrap_err();
        assert_eq!(held.left, Some(Duration::from_secs(30)));
        assert!(held.to_string().contains("for 30 s"), "{held}");

        tokio::time::advance(Duration::from_secs(30)).await;
        let probe = breaker.enter().unwrap();
        assert_eq!(breaker.enter().unwrap_err().left, None, "one alone");
        probe.tell(false);
        breaker.enter().unwrap().tell(false);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_that_fails_opens_it_again_and_one_that_is_dropped_lets_another_try() {
        let breaker = breaker(1);
        fail(&breaker, 1);
        tokio::time::advance(Duration::from_secs(30)).await;
        drop(breaker.enter().unwrap());
        breaker.enter().unwrap().tell(true);
        assert_eq!(breaker.enter().unwrap_err().left, Some(Duration::from_secs(30)));
    }

    #[tokio::test(start_paused = true)]
    async fn late_answers_of_earlier_calls_change_nothing() {
        let breaker = breaker(1);
        let (early, late) = (breaker.enter().unwrap(), breaker.enter().unwrap());
        early.tell(true);
        late.tell(false);
        assert!(breaker.enter().is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_it_never_opens() {
        let breaker = breaker(0);
        fail(&breaker, 1_000);
        assert!(breaker.enter().is_ok());
    }
}
