//! How far a comparison has come, and how long the rest of it takes: by the clock of what was run already.

use std::cell::Cell;
use std::time::{Duration, Instant};

use crate::show::units;

/// All runs of a comparison.
#[derive(Debug)]
pub(super) struct Course {
    begun: Instant,
    runs: usize,
    /// How many have ended.
    ended: Cell<usize>,
    /// How long a run is meant to take.
    each: Duration,
}

impl Course {
    pub(super) fn begin(runs: usize, each: Duration) -> Self {
        Self { begun: Instant::now(), runs, ended: Cell::new(0), each }
    }

    /// One more run has ended.
    pub(super) fn step(&self) {
        self.ended.set(self.ended.get() + 1);
    }

    /// So many runs have ended, those that a server failed to make among them.
    pub(super) fn reach(&self, ended: usize) {
        self.ended.set(ended);
    }

    pub(super) fn ended(&self) -> usize {
        self.ended.get()
    }

    /// In words, before the first run.
    pub(super) fn outlook(&self) -> String {
        let runs = if self.runs == 1 { "1 run".to_owned() } else { format!("{} runs", self.runs) };
        format!("{runs}, {} at least", units::clock(self.left(Duration::ZERO).as_secs_f64()))
    }

    /// In words, for the run that is next.
    pub(super) fn rest(&self) -> String {
        let left = units::clock(self.left(self.begun.elapsed()).as_secs_f64());
        format!("run {} of {}, {left} left at least", self.ended.get() + 1, self.runs)
    }

    fn left(&self, passed: Duration) -> Duration {
        let (ended, to_come) = (self.ended.get(), self.runs.saturating_sub(self.ended.get()));
        let each = if ended == 0 { self.each } else { passed.div_f64(ended as f64).max(self.each) };
        each.mul_f64(to_come as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_takes_as_long_for_each_as_what_was_run() {
        let course = Course::begin(10, Duration::from_secs(4));
        assert_eq!(course.outlook(), "10 runs, 40.0 s at least");
        course.step();
        course.step();
        assert_eq!(course.left(Duration::from_secs(12)), Duration::from_secs(48));
        assert_eq!(course.left(Duration::from_secs(1)), Duration::from_secs(32));
        assert_eq!(course.rest(), "run 3 of 10, 32.0 s left at least");
        course.reach(course.ended() + 8);
        assert_eq!(course.left(Duration::from_secs(90)), Duration::ZERO);
    }
}
