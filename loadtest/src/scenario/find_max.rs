//! Searches for the highest rate at which p99 stays under a bound and nothing goes wrong.
//!
//! A closed loop says roughly how much the server can do. From there open loops go up until a rate is bad, and then
//! halve the distance between the best and the worst until it is small. Latency counts from when requests should have left, so a rate that the server can't
//! keep up with shows at once, as waiting that grows.

use std::time::Duration;

use super::Stage;
use crate::client::Item;
use crate::fault::Fault;
use crate::load::group::{Group, Pace, Step};
use crate::load::slices::percentile_us;
use crate::load::{Measured, Run, measure};
use crate::plan::{Arrivals, FindMax, Rate, Stop};
use crate::result::{Figure, RunResult};
use crate::show::units;
use crate::summary::figure;

/// The first, closed loop takes at most so long.
const ESTIMATE_MAX: Duration = Duration::from_secs(3);
/// The search ends when its bounds are so close to each other.
const PRECISION: f64 = 0.02;
/// And at the latest after so many probes.
const PROBES_MAX: usize = 12;
/// A probe whose answers fall behind what was asked by more than this did not keep up.
const BEHIND_MAX: f64 = 0.02;

/// Searches.
///
/// # Errors
/// When no client can connect, or even the slowest probe misses the bound.
pub async fn run(stage: &Stage<'_>, items: Vec<Item>, search: &FindMax) -> Result<RunResult, Fault> {
    let Stop::After(duration) = stage.plan.stop else {
        return Err(Fault::plan("--find-max needs a --duration, not a --count"));
    };
    let closed = Pace::Closed { think_time: Duration::ZERO };
    let mut estimate =
        probe(stage, &items, closed, None, duration.min(ESTIMATE_MAX), "estimate".to_owned()).await?;
    let mut figures = Vec::new();
    let mut bounds = Bounds::from(estimate.rate_per_s(&estimate.all()));
    let (mut best, mut is_interrupted) = (None, estimate.is_interrupted);
    while let (Some(rate), false) = (bounds.next(figures.len()), is_interrupted) {
        let rates = Rate::Constant(rate);
        let arrivals =
            Arrivals { rate: rates.clone(), poisson: search.poisson, backlog_max: search.backlog_max };
        let open = Pace::Open(arrivals);
        let name = format!("probe {} of at most {PROBES_MAX}: {rate:.0}/s", figures.len() + 1);
        let measured = probe(stage, &items, open, Some(rates), duration, name).await?;
        is_interrupted = measured.is_interrupted;
        if is_interrupted {
            break;
        }
        let (is_good, told) = judge(&measured, rate, search.p99_bound);
        figures.push(told);
        bounds.narrow(rate, is_good);
        if is_good {
            best = Some((rate, measured));
        }
    }
    let Some((rate, mut measured)) = best else {
        if is_interrupted {
            // What a closed loop reached is known at least.
            estimate.is_interrupted = true;
            let mut result = stage.result(estimate, figures);
            "closed".clone_into(&mut result.load.shape);
            return Ok(result);
        }
        return Err(Fault::failed(no_good_rate(&figures)));
    };
    measured.is_interrupted = is_interrupted;
    figures.insert(0, figure("highest rate", rate, "1/s"));
    let mut result = stage.result(measured, figures);
    result.load.rate_per_s = Some(rate);
    Ok(result)
}

fn no_good_rate(tried: &[Figure]) -> String {
    let tried: Vec<String> = tried
        .iter()
        .map(|figure| format!("{}: {}", figure.name, units::figure(figure.value, &figure.unit)))
        .collect();
    format!("no rate was good; raise --p99-bound or --duration (tried: {})", tried.join(", "))
}

async fn probe(
    stage: &Stage<'_>,
    items: &[Item],
    pace: Pace,
    asked: Option<Rate>,
    duration: Duration,
    part: String,
) -> Result<Measured, Fault> {
    let group = Group {
        setup: stage.setup(items.to_vec()),
        clients: stage.plan.load.connections,
        step: Step::Ask,
        pace,
        first_series: 0,
    };
    let run = Run {
        plan: stage.plan,
        groups: vec![group],
        series: items.iter().map(|item| item.name.clone()).collect(),
        warm_up: stage.plan.warm_up,
        stop: Stop::After(duration),
        asked,
        part,
    };
    measure(run, stage.progress).await
}

/// Whether a probe is good, and what to tell of it.
fn judge(measured: &Measured, rate: f64, p99_bound: Duration) -> (bool, Figure) {
    let all = measured.all();
    let p99_us = percentile_us(&all.latencies, 0.99);
    let reached = measured.rate_per_s(&all);
    let verdict = if all.error_count() > 0 {
        format!("{} errors", all.error_count())
    } else if reached < rate * (1.0 - BEHIND_MAX) {
        format!("only {reached:.0}/s reached")
    } else if p99_us > p99_bound.as_secs_f64() * 1e6 {
        "too slow".to_owned()
    } else {
        "good".to_owned()
    };
    (verdict == "good", figure(&format!("p99 at {rate:.0}/s ({verdict})"), p99_us, "us"))
}

/// Where to begin, against what a closed loop reached.
const FIRST_SHARE: f64 = 0.7;
/// How to go up while no rate was bad.
const GROWTH: f64 = 1.4;

/// Between which rates the highest good one is.
#[derive(Debug)]
struct Bounds {
    good: f64,
    bad: f64,
    first: f64,
}

impl Bounds {
    /// From what a closed loop reached.
    fn from(reached: f64) -> Self {
        Self { good: 0.0, bad: f64::INFINITY, first: reached * FIRST_SHARE }
    }

    /// What to try next; none when that would tell nothing new.
    fn next(&self, probes: usize) -> Option<f64> {
        if probes >= PROBES_MAX {
            return None;
        }
        if self.bad.is_infinite() {
            return Some(self.first.max(self.good * GROWTH).max(1.0).round());
        }
        let middle = ((self.good + self.bad) / 2.0).round();
        (self.bad - self.good > self.bad * PRECISION && middle > self.good && middle < self.bad)
            .then_some(middle)
    }

    fn narrow(&mut self, rate: f64, is_good: bool) {
        if is_good { self.good = rate } else { self.bad = rate }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_search_closes_in_on_the_limit() {
        for limit in [900.0, 7_000.0, 9_800.0, 31_000.0] {
            let mut bounds = Bounds::from(10_000.0);
            let mut probes = 0;
            while let Some(rate) = bounds.next(probes) {
                bounds.narrow(rate, rate <= limit);
                probes += 1;
            }
            assert!(bounds.good <= limit && bounds.bad > limit, "{bounds:?}");
            assert!(limit - bounds.good <= limit * 2.0 * PRECISION, "{bounds:?} after {probes}");
        }
    }

    #[test]
    fn a_server_that_never_keeps_up_ends_the_search() {
        let mut bounds = Bounds::from(3.0);
        let rates: Vec<f64> = std::iter::from_fn(|| {
            let rate = bounds.next(0)?;
            bounds.narrow(rate, false);
            Some(rate)
        })
        .collect();
        assert_eq!(rates, [2.0, 1.0]);
    }
}
