//! Calls of one tool with many keys, of which some are asked for more often: how often does it run, and how long do calls
//! take? With a single key, everybody asks for the same: what happens when a kept answer expires?

use std::time::Duration;

use serde_json::{Value, json};

use super::Stage;
use crate::check::{Expectation, tool_result};
use crate::client::Item;
use crate::dialect::Ask;
use crate::fault::Fault;
use crate::items::call_of;
use crate::load::group::Step;
use crate::plan::Plan;
use crate::result::RunResult;
use crate::summary::figure;
use crate::work::{Cache, Call, Work};

/// Does the plan's work.
///
/// # Errors
/// When there is no such tool or argument, its runs are not told, or nobody can connect.
pub async fn run(mut stage: Stage<'_>, cache: &Cache) -> Result<RunResult, Fault> {
    if !cache.skew.is_finite() || cache.skew < 0.0 {
        return Err(Fault::plan("--skew must be 0 or more"));
    }
    let tools = stage.found.tools().await?;
    let item = |key: u32| {
        let mut arguments = cache.arguments.clone();
        arguments.push(format!("{}={key}", cache.key));
        let ask = call_of(&Call { tool: cache.tool.clone(), arguments }, tools.as_deref())?;
        let weight = f64::from(key).powf(-cache.skew);
        Ok(Item { name: cache.tool.clone(), ask, expectation: Expectation::ToolResult, weight })
    };
    let items = (1..=cache.keys).map(item).collect::<Result<Vec<_>, Fault>>()?;
    let asks_runs = cache.runs.as_deref().map(|words| runs_call(words, tools.as_deref())).transpose()?;
    let before = runs(&mut stage, asks_runs.as_ref()).await?;
    // Every run is counted, so every call has to be.
    let warm_up = if before.is_some() { Duration::ZERO } else { stage.plan.warm_up };
    let plan = Plan { warm_up, ..stage.plan.clone() };
    let mut stage = Stage { plan: &plan, ..stage };
    let group = stage.group(items, Step::Draw)?;
    let measured = stage.measure(vec![group], vec![cache.tool.clone()]).await?;
    let after = runs(&mut stage, asks_runs.as_ref()).await?;
    let mut figures = Vec::new();
    if let (Some(before), Some(after)) = (before, after) {
        // The second look counted itself.
        let runs = after.saturating_sub(before).saturating_sub(1) as f64;
        let calls = measured.all().answers().max(1) as f64;
        figures.push(figure("runs of the tool", runs, "runs"));
        figures.push(figure("calls without a run", 100.0 * (1.0 - runs / calls).max(0.0), "%"));
    }
    Ok(stage.result(measured, figures))
}

/// The call that says how often the tool has run.
fn runs_call(words: &str, tools: Option<&[crate::probe::Tool]>) -> Result<Ask, Fault> {
    match Work::parse(&format!("call {words}"))? {
        Work::Call(call) => call_of(&call, tools),
        other => Err(Fault::plan(format!("--runs takes a call, not `{other}`"))),
    }
}

async fn runs(stage: &mut Stage<'_>, ask: Option<&Ask>) -> Result<Option<u64>, Fault> {
    let Some(ask) = ask else { return Ok(None) };
    let result: Value = stage.found.ask(ask).await?;
    let said = tool_result(&result.to_string())
        .map_err(|trouble| Fault::plan(format!("the call of --runs does not work: {trouble}")))?;
    let runs = said.trim().parse().map_err(|_| {
        Fault::plan(format!("the call of --runs must answer with a number of runs, not {}", json!(said)))
    })?;
    Ok(Some(runs))
}
