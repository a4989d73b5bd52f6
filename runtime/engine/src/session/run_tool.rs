//! A tool's work, handed to its pool.

use std::sync::Arc;
use std::time::Duration;

use impresario_protocol::McpError;

use super::Stage;
use crate::ask::run_on_thread;
use crate::call::{Call, Ending};
use crate::context::Context;
use crate::tool::{CallFuture, Run, Tool};
use crate::workers::Job;

/// Hands a tool's work to its pool, for as long as it may take.
pub(super) fn run_tool(stage: &Stage, call: &Arc<Call>, tool: Arc<Tool>, timeout: Duration) {
    let ctx = Context::new(Arc::clone(call), Arc::clone(&stage.hub));
    let work: CallFuture = match &tool.run {
        Run::Lane(run) => run(ctx),
        Run::Blocking(run) => match stage.shared.blocking_pool(&tool.pool) {
            Some(threads) => {
                let (run, sealer, call) =
                    (Arc::clone(run), Arc::clone(&stage.shared.sealer), Arc::clone(call));
                let run = move || run_on_thread(&call, &sealer, || run(ctx));
                Box::pin(Arc::clone(threads).run(run))
            }
            None => return call.finish(Ending::Failed(McpError::internal())),
        },
    };
    let cancel_grace = Duration::from_millis(stage.shared.limits.cancel_grace_ms);
    let call = Arc::clone(call);
    let job = Job { call, work, timeout, cancel_grace, tool: Some(tool) };
    stage.workers.submit(job);
}
