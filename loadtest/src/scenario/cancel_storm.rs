//! Takes calls back while they run, beside clients that ask for something cheap: does the work stop, do others suffer?

use std::time::Duration;

use super::Stage;
use crate::check::Expectation;
use crate::client::Item;
use crate::fault::Fault;
use crate::items::call_of;
use crate::load::group::{Group, Pace, Step};
use crate::load::slices::percentile_us;
use crate::result::RunResult;
use crate::summary::figure;
use crate::work::{Call, CancelStorm};

/// Half of the connections call and take back; the other half ask for something cheap.
///
/// # Errors
/// When there is no such tool, or nobody can connect.
pub async fn run(mut stage: Stage<'_>, storm: &CancelStorm) -> Result<RunResult, Fault> {
    stage.needs_streamable_http("cancel-storm")?;
    let call = Call { tool: storm.tool.clone(), arguments: storm.arguments.clone() };
    let ask = call_of(&call, stage.found.tools().await?.as_deref())?;
    let cancelled = "cancelled".to_owned();
    let item = Item { name: cancelled.clone(), ask, expectation: Expectation::ToolResult, weight: 1.0 };
    let others = stage.cheapest();
    let half = (stage.plan.load.connections / 2).max(1);
    let series = vec![cancelled, format!("others: {}", others.name)];
    let calling = Group { clients: half, ..stage.group(vec![item], Step::Cancel { after: storm.after })? };
    let asking = Group {
        setup: stage.setup(vec![others]),
        clients: half,
        step: Step::Ask,
        pace: Pace::Closed { think_time: Duration::from_millis(1) },
        first_series: 1,
    };
    let measured = stage.measure(vec![calling, asking], series).await?;
    let [(_, taken_back), (_, asked)] = measured.series.as_slice() else {
        return Err(Fault::failed("a series is missing"));
    };
    let figures = vec![
        figure("calls cancelled", measured.rate_per_s(taken_back), "1/s"),
        figure("p99 of the others", percentile_us(&asked.latencies, 0.99), "us"),
    ];
    Ok(stage.result(measured, figures))
}
