//! One tenant floods the server; another one asks a little, by the clock. The quiet one's p99 is measured twice: alone,
//! and beside the flood.

use std::sync::Arc;
use std::time::Duration;

use super::Stage;
use crate::client::{Item, Setup};
use crate::dialect::Carriage;
use crate::fault::Fault;
use crate::items::items;
use crate::load::group::{Group, Pace, Step};
use crate::load::recorder::Portion;
use crate::load::slices::percentile_us;
use crate::load::{Measured, Run, measure};
use crate::plan::{Arrivals, Rate, Stop};
use crate::result::RunResult;
use crate::summary::figure;
use crate::work::{Echo, NoisyNeighbour, Work};

/// The quiet tenant's connections.
const QUIET_CLIENTS: usize = 8;
/// How many of its requests may wait.
const QUIET_BACKLOG_MAX: usize = 10_000;

/// Measures the quiet tenant alone for half of the time, and beside the flood for the other half.
///
/// # Errors
/// When the server has no echo, or nobody can connect.
pub async fn run(mut stage: Stage<'_>, noisy: &NoisyNeighbour) -> Result<RunResult, Fault> {
    let Stop::After(duration) = stage.plan.stop else {
        return Err(Fault::plan("noisy-neighbour needs a --duration, not a --count"));
    };
    let echo = Work::Echo(Echo { message: "hello".to_owned() });
    let items = items(&echo, &mut stage.found).await?;
    let quiet = tenant(&stage, &items, noisy.quiet_header.as_ref(), "quiet tenant");
    let flood = tenant(&stage, &items, noisy.flood_header.as_ref(), "flooding tenant");
    let rate = Rate::Constant(noisy.quiet_rate);
    let arrivals = Arrivals { rate, poisson: true, backlog_max: QUIET_BACKLOG_MAX };
    let quiet = Group {
        setup: quiet,
        clients: QUIET_CLIENTS,
        step: Step::Ask,
        pace: Pace::Open(arrivals),
        first_series: 0,
    };
    let flood = Group {
        setup: flood,
        clients: stage.plan.load.connections,
        step: Step::Ask,
        pace: Pace::Closed { think_time: Duration::ZERO },
        first_series: 1,
    };
    let alone = part(&stage, vec![quiet.clone()], "quiet tenant alone", duration / 2).await?;
    let beside = if alone.is_interrupted {
        None
    } else {
        Some(part(&stage, vec![quiet, flood], "beside the flood", duration / 2).await?)
    };
    Ok(together(&stage, alone, beside))
}

/// The setup of a tenant: the same server, with a header of its own.
fn tenant(stage: &Stage<'_>, items: &[Item], header: Option<&(String, String)>, name: &str) -> Arc<Setup> {
    let mut items = items.to_vec();
    items.iter_mut().for_each(|item| item.name = name.to_owned());
    let mut setup = (*stage.setup(items)).clone();
    if let (Carriage::Http(_, headers), Some(header)) = (&mut setup.dialect.carriage, header) {
        headers.retain(|(known, _)| !known.eq_ignore_ascii_case(&header.0));
        headers.push(header.clone());
    }
    Arc::new(setup)
}

async fn part(
    stage: &Stage<'_>,
    groups: Vec<Group>,
    part: &str,
    length: Duration,
) -> Result<Measured, Fault> {
    let run = Run {
        plan: stage.plan,
        groups,
        series: vec!["quiet".to_owned(), "flood".to_owned()],
        warm_up: stage.plan.warm_up,
        stop: Stop::After(length),
        asked: None,
        part: part.to_owned(),
    };
    measure(run, stage.progress).await
}

/// One result of both parts; times and processor time are those of the part with the flood.
fn together(stage: &Stage<'_>, alone: Measured, beside: Option<Measured>) -> RunResult {
    let p99_us = |portion: &Portion| percentile_us(&portion.latencies, 0.99);
    let quiet_alone = alone.series.first().map(|(_, portion)| portion.clone()).unwrap_or_default();
    let mut figures = vec![figure("p99 of the quiet tenant alone", p99_us(&quiet_alone), "us")];
    let Some(mut measured) = beside else {
        return stage.result(alone, figures);
    };
    if let Some((_, quiet)) = measured.series.first() {
        figures.push(figure("p99 of the quiet tenant beside the flood", p99_us(quiet), "us"));
        let ratio = p99_us(quiet) / p99_us(&quiet_alone).max(f64::MIN_POSITIVE);
        figures.push(figure("how much the flood slows it", ratio, "times"));
    }
    measured.series.iter_mut().for_each(|(name, _)| {
        if name == "quiet" {
            "quiet, beside the flood".clone_into(name);
        }
    });
    let alone_per_s = alone.rate_per_s(&quiet_alone);
    measured.series.insert(0, ("quiet, alone".to_owned(), quiet_alone));
    let mut result = stage.result(measured, figures);
    // The part alone has a beginning of its own, and so a rate.
    if let Some(series) = result.series.iter_mut().find(|series| series.name == "quiet, alone") {
        series.rate_per_s = alone_per_s;
    }
    result
}
