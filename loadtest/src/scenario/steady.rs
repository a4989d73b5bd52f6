//! One request after the other, or by the clock: echo, call, list, payload, and mixes of them.

use super::{Stage, find_max};
use crate::fault::Fault;
use crate::items::items;
use crate::load::group::Step;
use crate::plan::Shape;
use crate::result::RunResult;

/// Does the plan's work.
///
/// # Errors
/// When the work does not suit the server, or nobody can connect.
pub async fn run(mut stage: Stage<'_>) -> Result<RunResult, Fault> {
    let items = items(&stage.plan.work, &mut stage.found).await?;
    if let Shape::FindMax(search) = &stage.plan.load.shape {
        return find_max::run(&stage, items, search).await;
    }
    let series = items.iter().map(|item| item.name.clone()).collect();
    let group = stage.group(items, Step::Ask)?;
    let measured = stage.measure(vec![group], series).await?;
    Ok(stage.result(measured, Vec::new()))
}
