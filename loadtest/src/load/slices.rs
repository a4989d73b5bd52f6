//! The measured time in slices: ticks of all threads put together, and their percentiles.

use hdrhistogram::Histogram;

use super::recorder::{Portion, histogram};
use crate::result::Slice;

/// The most slices that a result has. A run without a known end makes its slices longer rather than have more.
pub const SLICES_MAX: usize = 1_000;

/// Collects slices out of ticks.
#[derive(Debug)]
pub struct Slices {
    slices: Vec<Slice>,
    /// The slice that is being filled.
    latencies: Histogram<u64>,
    errors: u64,
    begun_s: f64,
    ticks: usize,
    ticks_per_slice: usize,
}

impl Slices {
    /// Slices of so many ticks.
    #[must_use]
    pub fn new(ticks_per_slice: usize) -> Self {
        Self {
            slices: Vec::new(),
            latencies: histogram(),
            errors: 0,
            begun_s: 0.0,
            ticks: 0,
            ticks_per_slice: ticks_per_slice.max(1),
        }
    }

    /// Adds a tick that ended at `end_s`. True if it ended a slice, which then has the rate that `asked` says was asked
    /// for in its middle.
    pub fn add(&mut self, tick: &Portion, end_s: f64, asked: impl Fn(f64) -> Option<f64>) -> bool {
        self.keep(tick);
        self.ticks += 1;
        let is_full = self.ticks >= self.ticks_per_slice;
        if is_full {
            self.finish(end_s, asked);
        }
        is_full
    }

    /// Adds what came behind the last tick, to the slice it belongs to.
    pub fn finish_with(&mut self, tick: &Portion, end_s: f64, asked: impl Fn(f64) -> Option<f64>) {
        self.keep(tick);
        let is_sliver = end_s - self.begun_s < self.slices.last().map_or(0.0, |slice| slice.length_s / 2.0);
        match self.slices.last_mut() {
            Some(last) if is_sliver => {
                // Too short for a rate of its own: it lengthens the last slice, whose percentiles stay as they are.
                last.answers += self.latencies.len();
                last.errors += self.errors;
                last.length_s = end_s - last.at_s;
                last.max_us = last.max_us.max(micros(self.latencies.max()));
            }
            _ => self.finish(end_s, asked),
        }
    }

    /// The slices so far.
    #[must_use]
    pub fn all(&self) -> &[Slice] {
        &self.slices
    }

    fn keep(&mut self, tick: &Portion) {
        self.latencies.add(&tick.latencies).expect("all have the same bounds");
        self.errors += tick.error_count();
    }

    fn finish(&mut self, end_s: f64, asked: impl Fn(f64) -> Option<f64>) {
        self.slices.push(Slice {
            at_s: self.begun_s,
            length_s: end_s - self.begun_s,
            answers: self.latencies.len(),
            errors: self.errors,
            asked_rate_per_s: asked(f64::midpoint(self.begun_s, end_s)),
            p50_us: percentile_us(&self.latencies, 0.5),
            p99_us: percentile_us(&self.latencies, 0.99),
            max_us: micros(self.latencies.max()),
        });
        self.latencies.reset();
        self.errors = 0;
        self.begun_s = end_s;
        self.ticks = 0;
        if self.slices.len().is_multiple_of(SLICES_MAX / 2) {
            self.ticks_per_slice *= 2;
        }
    }
}

/// A percentile in microseconds; zero of nothing.
#[must_use]
pub fn percentile_us(latencies: &Histogram<u64>, share: f64) -> f64 {
    if latencies.is_empty() { 0.0 } else { micros(latencies.value_at_quantile(share)) }
}

/// Nanoseconds as microseconds.
#[must_use]
pub fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1e3
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::client::Moved;
    use crate::load::recorder::Recorder;

    fn tick(micros: &[u64]) -> Portion {
        let mut recorder = Recorder::new(1);
        let begun = Instant::now();
        for one in micros {
            recorder.answered(0, begun, begun + Duration::from_micros(*one), Moved::default());
        }
        recorder.take().remove(0)
    }

    fn nothing(_at_s: f64) -> Option<f64> {
        None
    }

    #[test]
    fn ticks_make_slices() {
        let mut slices = Slices::new(2);
        assert!(!slices.add(&tick(&[100]), 0.5, nothing));
        assert!(slices.add(&tick(&[300, 300]), 1.0, |at_s| Some(3.0 * at_s)));
        slices.add(&tick(&[]), 1.5, nothing);
        slices.finish_with(&tick(&[900]), 1.6, nothing);
        let all = slices.all();
        assert_eq!(all.iter().map(|slice| slice.answers).collect::<Vec<_>>(), [3, 1]);
        assert_eq!((all[0].at_s, all[0].length_s, all[0].asked_rate_per_s), (0.0, 1.0, Some(1.5)));
        assert!((all[0].p50_us - 300.0).abs() < 1.0 && (all[1].max_us - 900.0).abs() < 1.0);
    }

    #[test]
    fn a_sliver_joins_the_last_slice() {
        let mut slices = Slices::new(1);
        slices.add(&tick(&[100]), 1.0, nothing);
        slices.finish_with(&tick(&[5000]), 1.01, nothing);
        let [only] = slices.all() else { panic!("{:?}", slices.all()) };
        assert_eq!((only.answers, only.length_s), (2, 1.01));
        assert!(only.max_us > 4990.0);
    }

    #[test]
    fn there_are_never_many_slices() {
        let mut slices = Slices::new(1);
        for at in 0..20_000 {
            slices.add(&tick(&[]), f64::from(at), nothing);
        }
        assert!(slices.all().len() < 4 * SLICES_MAX, "{}", slices.all().len());
    }
}
