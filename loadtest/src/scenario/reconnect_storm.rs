//! Connects, asks, disconnects, again and again, as clients do behind a load balancer that was restarted.

use super::Stage;
use crate::fault::Fault;
use crate::load::group::Step;
use crate::result::RunResult;
use crate::work::ReconnectStorm;

/// Each client connects anew for every few requests. Its sessions are opened once and used over all its connections.
///
/// # Errors
/// When nobody can connect.
pub async fn run(stage: Stage<'_>, storm: &ReconnectStorm) -> Result<RunResult, Fault> {
    let group = stage.group(vec![stage.cheapest()], Step::Reconnect { requests: storm.requests })?;
    let measured = stage.measure(vec![group], vec!["connections".to_owned()]).await?;
    Ok(stage.result(measured, Vec::new()))
}
