//! A distribution of latencies read back from a result, several rounds of one server added up.

use base64::Engine;
use hdrhistogram::Histogram;
use hdrhistogram::serialization::Deserializer;

use crate::result::{Latency, RunResult};

/// A histogram's text that is longer than this was not written by us.
const HISTOGRAM_TEXT_MAX: usize = 4 << 20;
/// Where on the axis of percentiles values are taken: so many for each nine.
const POINTS_PER_NINE: u32 = 24;

/// Latencies of one server.
#[derive(Debug)]
pub(super) struct Distribution {
    histogram: Option<Histogram<u64>>,
    /// The percentiles that the result names, for results without a histogram that can be read.
    named: Vec<(f64, f64)>,
}

impl Distribution {
    /// Of everything that all `rounds` measured; nothing if there was no answer.
    pub(super) fn of(rounds: &[RunResult]) -> Option<Self> {
        let latencies: Vec<&Latency> = rounds
            .iter()
            .filter_map(|round| round.series.first())
            .filter(|all| all.answers > 0)
            .map(|all| &all.latency)
            .collect();
        let last = latencies.last()?;
        let mut sum: Option<Histogram<u64>> = None;
        for histogram in latencies.iter().filter_map(|latency| decode(&latency.histogram)) {
            match &mut sum {
                Some(sum) => {
                    sum.auto(true);
                    // Values that don't fit are those of a histogram that we did not write.
                    let _ = sum.add(&histogram);
                }
                None => sum = Some(histogram),
            }
        }
        let named = [
            (0.0, last.min_us),
            (0.5, last.p50_us),
            (0.9, last.p90_us),
            (0.99, last.p99_us),
            (0.999, last.p999_us),
            (0.9999, last.p9999_us),
        ];
        Some(Self { histogram: sum.filter(|sum| !sum.is_empty()), named: named.to_vec() })
    }

    /// How many nines there are values for.
    pub(super) fn nines(&self) -> f64 {
        match &self.histogram {
            Some(histogram) => (histogram.len() as f64).log10().clamp(1.0, 6.0),
            None => 4.0,
        }
    }

    /// Points of the percentile curve: how many nines, and the latency in microseconds.
    pub(super) fn curve(&self) -> Vec<(f64, f64)> {
        let nines = self.nines();
        let Some(histogram) = &self.histogram else {
            return self.named.iter().map(|(quantile, us)| (nines_of(*quantile), *us)).collect();
        };
        let steps = (nines * f64::from(POINTS_PER_NINE)).ceil() as u32;
        (0..=steps)
            .map(|step| nines * f64::from(step) / f64::from(steps))
            .map(|at| (at, histogram.value_at_quantile(1.0 - 10_f64.powf(-at)) as f64 / 1e3))
            .collect()
    }

    /// The latency that this part of all stays under, in microseconds.
    pub(super) fn quantile(&self, quantile: f64) -> f64 {
        match &self.histogram {
            Some(histogram) => histogram.value_at_quantile(quantile) as f64 / 1e3,
            None => self.named.iter().rev().find(|(at, _)| *at <= quantile).map_or(0.0, |(_, us)| *us),
        }
    }

    /// The share of all answers in each of the ranges between neighbouring `edges_us`.
    pub(super) fn shares(&self, edges_us: &[f64]) -> Vec<f64> {
        let Some(histogram) = &self.histogram else { return Vec::new() };
        let total = histogram.len().max(1) as f64;
        let mut shares = vec![0.0; edges_us.len().saturating_sub(1)];
        for recorded in histogram.iter_recorded() {
            let us = recorded.value_iterated_to() as f64 / 1e3;
            let at = edges_us.partition_point(|edge| *edge <= us);
            if let Some(share) = at.checked_sub(1).and_then(|at| shares.get_mut(at)) {
                *share += recorded.count_at_value() as f64 / total;
            }
        }
        shares
    }
}

/// How many nines a quantile has: 0.9 has one, 0.99 two.
pub(super) fn nines_of(quantile: f64) -> f64 {
    -(1.0 - quantile).max(1e-9).log10()
}

fn decode(text: &str) -> Option<Histogram<u64>> {
    if text.is_empty() || text.len() > HISTOGRAM_TEXT_MAX {
        return None;
    }
    let bytes = base64::engine::general_purpose::STANDARD.decode(text).ok()?;
    Deserializer::new().deserialize(&mut bytes.as_slice()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn rounds_are_added_up() {
        let one = Distribution::of(&[invented::result("a", 1.0)]).unwrap();
        let both = Distribution::of(&[invented::result("a", 1.0), invented::result("a", 3.0)]).unwrap();
        assert!(both.nines() > one.nines());
        assert!(both.quantile(0.5) > one.quantile(0.5));
        let shares = both.shares(&[0.0, 1e3, 1e9]);
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{shares:?}");
    }

    #[test]
    fn a_curve_rises() {
        let curve = Distribution::of(&[invented::result("a", 1.0)]).unwrap().curve();
        assert!(curve.len() > 50);
        assert!(curve.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1));
    }

    #[test]
    fn a_histogram_that_cannot_be_read_leaves_the_named_percentiles() {
        let mut result = invented::result("a", 1.0);
        result.series[0].latency.histogram = "bm9uc2Vuc2U=".to_owned();
        let named = Distribution::of(&[result.clone()]).unwrap();
        assert_eq!(named.curve().len(), 6);
        assert!((named.quantile(0.99) - result.series[0].latency.p99_us).abs() < f64::EPSILON);
        result.series[0].answers = 0;
        assert!(Distribution::of(&[result]).is_none());
    }
}
