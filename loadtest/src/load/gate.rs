//! May one more request leave, and does it count? The same answer for all threads of a run.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::plan::Stop;

/// What the gate says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Go, but it is warm-up.
    WarmUp,
    /// Go, and it counts.
    Measured,
    /// The run is over.
    Over,
}

/// The run's beginning and end.
#[derive(Debug)]
pub struct Gate {
    /// When load begins.
    pub start: Instant,
    /// When it begins to count.
    pub measured: Instant,
    /// When it ends, unless it ends by count.
    pub end: Option<Instant>,
    /// How many more count, if there is such a bound.
    left: Option<AtomicU64>,
    is_stopped: AtomicBool,
}

impl Gate {
    /// A run that begins then.
    #[must_use]
    pub fn new(start: Instant, warm_up: Duration, stop: Stop) -> Self {
        let measured = start + warm_up;
        let (end, left) = match stop {
            Stop::After(duration) => (Some(measured + duration), None),
            Stop::Count(count) => (None, Some(AtomicU64::new(count))),
        };
        Self { start, measured, end, left, is_stopped: AtomicBool::new(false) }
    }

    /// Asks for a request that leaves, or should have left, at that moment.
    pub fn admit(&self, at: Instant) -> Admission {
        if self.is_stopped.load(Ordering::Relaxed) || self.end.is_some_and(|end| at >= end) {
            return Admission::Over;
        }
        if at < self.measured {
            return Admission::WarmUp;
        }
        match &self.left {
            Some(left) => {
                let took =
                    left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
                if took.is_ok() { Admission::Measured } else { Admission::Over }
            }
            None => Admission::Measured,
        }
    }

    /// Ends the run now.
    pub fn stop(&self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }

    /// Whether the run was ended early.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.is_stopped.load(Ordering::Relaxed)
    }

    /// How many more count, if there is such a bound.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        self.left.as_ref().map(|left| left.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_a_warm_up_and_an_end() {
        let start = Instant::now();
        let gate = Gate::new(start, Duration::from_secs(1), Stop::After(Duration::from_secs(2)));
        let rows = [
            (0, Admission::WarmUp),
            (999, Admission::WarmUp),
            (1000, Admission::Measured),
            (2999, Admission::Measured),
            (3000, Admission::Over),
        ];
        for (millis, expected) in rows {
            assert_eq!(gate.admit(start + Duration::from_millis(millis)), expected, "{millis}");
        }
        gate.stop();
        assert_eq!(gate.admit(start), Admission::Over);
    }

    #[test]
    fn a_count_counts_only_what_is_measured() {
        let start = Instant::now();
        let gate = Gate::new(start, Duration::from_secs(1), Stop::Count(2));
        let late = start + Duration::from_secs(100);
        let rows = [
            (start, Admission::WarmUp),
            (late, Admission::Measured),
            (late, Admission::Measured),
            (late, Admission::Over),
        ];
        for (at, expected) in rows {
            assert_eq!(gate.admit(at), expected);
        }
        assert_eq!(gate.left(), Some(0));
    }
}
