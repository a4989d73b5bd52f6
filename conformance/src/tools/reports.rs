//! Tools that tell something while they run: log messages and progress.

use std::time::Duration;

use impresario::{Context, LogLevel, tool};

/// Between two reports, so that they are seen to come one by one.
const PAUSE: Duration = Duration::from_millis(50);

/// Sends three log messages while it runs.
#[tool]
pub(crate) async fn test_tool_with_logging(ctx: &Context) -> &'static str {
    ctx.log(LogLevel::Info, "Tool execution started");
    tokio::time::sleep(PAUSE).await;
    ctx.log(LogLevel::Info, "Tool processing data");
    tokio::time::sleep(PAUSE).await;
    ctx.log(LogLevel::Info, "Tool execution completed");
    "Tool with logging executed successfully"
}

/// Reports its progress three times: at the start, half way and at the end.
#[tool]
pub(crate) async fn test_tool_with_progress(ctx: &Context) -> String {
    const TOTAL: Option<f64> = Some(100.0);
    ctx.progress(0.0, TOTAL, Some("Completed step 0 of 100"));
    tokio::time::sleep(PAUSE).await;
    ctx.progress(50.0, TOTAL, Some("Completed step 50 of 100"));
    tokio::time::sleep(PAUSE).await;
    ctx.progress(100.0, TOTAL, Some("Completed step 100 of 100"));
    let meta = ctx.meta().unwrap_or_default();
    meta["progressToken"].as_str().unwrap_or("no progress token").to_owned()
}

/// Closes its stream half way, so that its client has to come back for the answer.
#[tool]
pub(crate) async fn test_reconnection(ctx: &Context) -> &'static str {
    tokio::time::sleep(PAUSE).await;
    ctx.close_stream();
    tokio::time::sleep(PAUSE * 2).await;
    "Reconnection test completed"
}

/// Sends one log message, which only clients that asked for log messages get.
#[tool]
pub(crate) fn test_logging_tool(ctx: &Context) -> &'static str {
    ctx.log(LogLevel::Info, "Logging evaluated");
    "Logging evaluated"
}

/// Reports on its own stream and asks its client for nothing.
#[tool]
pub(crate) fn test_streaming_elicitation(ctx: &Context) -> &'static str {
    ctx.progress(1.0, Some(1.0), None);
    "Streaming complete"
}
