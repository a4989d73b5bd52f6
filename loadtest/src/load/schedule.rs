//! When requests of an open loop should leave: pure arithmetic, without a clock.
//!
//! The rate over time is a row of straight lines. Its integral says how many requests should have left at a moment;
//! request `k` leaves when the integral reaches `k`. So nothing drifts, and drawing the steps of `k` from an exponential
//! distribution gives Poisson arrivals at any changing rate.

use std::collections::VecDeque;
use std::time::Duration;

use crate::plan::Rate;

use super::random::Random;

/// A stretch of time with a rate that changes evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Segment {
    length_s: f64,
    from: f64,
    to: f64,
}

impl Segment {
    fn count(self) -> f64 {
        self.length_s * (self.from + self.to) / 2.0
    }

    /// When the integral within this segment reaches `count`.
    fn at(self, count: f64) -> f64 {
        let slope = (self.to - self.from) / self.length_s;
        if !self.length_s.is_finite() || slope.abs() < 1e-9 {
            return count / self.from;
        }
        // The root of slope/2 t² + from t = count, in the form that loses no digits when the slope is small.
        let root = (self.from * self.from + 2.0 * slope * count).max(0.0).sqrt();
        2.0 * count / (self.from + root)
    }
}

/// The moments at which one thread's requests should leave, counted from the start of the warm-up.
#[derive(Debug)]
pub struct Schedule {
    segments: VecDeque<Segment>,
    /// Where the first segment begins.
    begin_s: f64,
    /// How much of the integral is used up within the first segment.
    count: f64,
    draw: Option<Random>,
}

/// One thread's part of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Which thread.
    pub index: usize,
    /// Of how many.
    pub of: usize,
}

impl Schedule {
    /// The schedule of one thread. Without a measured time it goes on for ever, which a constant rate alone can.
    #[must_use]
    pub fn new(
        rate: &Rate,
        warm_up: Duration,
        measured: Option<Duration>,
        share: Share,
        draw: Option<Random>,
    ) -> Self {
        let divide = |rate: f64| rate / share.of as f64;
        let segment =
            |length_s: f64, from: f64, to: f64| Segment { length_s, from: divide(from), to: divide(to) };
        let first = rate.after(0.0);
        let mut segments = VecDeque::from([segment(warm_up.as_secs_f64(), first, first)]);
        let length_s = measured.map_or(f64::INFINITY, |measured| measured.as_secs_f64());
        match rate {
            Rate::Constant(rate) => segments.push_back(segment(length_s, *rate, *rate)),
            Rate::Ramp { from, to } => segments.push_back(segment(length_s, *from, *to)),
            Rate::Steps(rates) => {
                let length_s = length_s / rates.len() as f64;
                segments.extend(rates.iter().map(|rate| segment(length_s, *rate, *rate)));
            }
        }
        // The threads' requests interleave.
        Self { segments, begin_s: 0.0, count: share.index as f64 / share.of as f64, draw }
    }
}

impl Iterator for Schedule {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        loop {
            let segment = *self.segments.front()?;
            if self.count < segment.count() || !segment.length_s.is_finite() {
                let at = self.begin_s + segment.at(self.count);
                self.count += self.draw.as_mut().map_or(1.0, Random::exponential);
                return Some(Duration::from_secs_f64(at));
            }
            self.count -= segment.count();
            self.begin_s += segment.length_s;
            self.segments.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALONE: Share = Share { index: 0, of: 1 };

    fn times(rate: &Rate, seconds: u64, share: Share) -> Vec<f64> {
        let measured = Some(Duration::from_secs(seconds));
        Schedule::new(rate, Duration::ZERO, measured, share, None).map(|at| at.as_secs_f64()).collect()
    }

    #[test]
    fn a_constant_rate_is_even() {
        assert_eq!(times(&Rate::Constant(4.0), 1, ALONE), [0.0, 0.25, 0.5, 0.75]);
        let warm = Schedule::new(&Rate::Constant(2.0), Duration::from_secs(1), None, ALONE, None);
        let ats: Vec<u128> = warm.take(5).map(|at| at.as_millis()).collect();
        assert_eq!(ats, [0, 500, 1000, 1500, 2000]);
    }

    #[test]
    fn threads_share_a_rate() {
        let mut all: Vec<f64> =
            (0..2).flat_map(|index| times(&Rate::Constant(4.0), 1, Share { index, of: 2 })).collect();
        all.sort_by(f64::total_cmp);
        assert_eq!(all, [0.0, 0.25, 0.5, 0.75]);
    }

    #[test]
    fn steps_and_ramps_send_what_they_should() {
        assert_eq!(times(&Rate::Steps(vec![2.0, 4.0]), 2, ALONE), [0.0, 0.5, 1.0, 1.25, 1.5, 1.75]);
        for (from, to) in [(10.0, 1000.0), (1000.0, 10.0), (100.0, 100.000_000_001)] {
            let ats = times(&Rate::Ramp { from, to }, 10, ALONE);
            let whole = (from + to) * 5.0;
            assert!((ats.len() as f64 - whole).abs() <= 1.0, "{from} to {to}: {}", ats.len());
            assert!(ats.windows(2).all(|pair| pair[0] < pair[1]) && *ats.last().unwrap() <= 10.0);
            let half = ats.iter().filter(|at| **at < 5.0).count() as f64;
            let expected = 5.0 * (from + (from + to) / 2.0) / 2.0;
            assert!((half - expected).abs() <= 1.0, "{half} instead of {expected}");
        }
    }

    #[test]
    fn poisson_arrivals_have_the_rate_and_the_spread() {
        let draw = Some(Random::new(7));
        let schedule = Schedule::new(
            &Rate::Constant(1000.0),
            Duration::ZERO,
            Some(Duration::from_secs(20)),
            ALONE,
            draw,
        );
        let ats: Vec<f64> = schedule.map(|at| at.as_secs_f64()).collect();
        assert!((19_400..20_600).contains(&ats.len()), "{}", ats.len());
        let gaps: Vec<f64> = ats.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let above_mean = gaps.iter().filter(|gap| **gap > 0.001).count() as f64 / gaps.len() as f64;
        assert!((above_mean - (-1.0_f64).exp()).abs() < 0.02, "{above_mean}");
    }
}
