//! Tools whose calls become tasks, and one whose calls never do.

use std::time::Duration;

use impresario::{Context, Elicited, Form, McpError, ToolError, ToolResult, tool};
use schemars::JsonSchema;
use serde::Deserialize;

/// Greets at once, and is never a task.
#[tool]
pub(crate) fn greet(name: &str) -> String {
    format!("Hello, {name}!")
}

/// Waits for so many seconds, then gives a result.
#[tool(task = "optional")]
pub(crate) async fn slow_compute(seconds: u64, #[default("unnamed")] label: &str) -> String {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    format!("{label}: computed for {seconds} s")
}

/// Fails as a tool fails, after a second.
#[tool(task = "always")]
pub(crate) async fn failing_job() -> Result<ToolResult, ToolError> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    Err(ToolError::from("the job failed, as it always does"))
}

/// Fails as the protocol fails.
#[tool(task = "optional")]
pub(crate) async fn protocol_error_job() -> Result<ToolResult, ToolError> {
    Err(ToolError::from(McpError::internal()))
}

#[derive(Debug, Deserialize, JsonSchema, Form)]
#[schemars(crate = "schemars")]
struct Confirmation {
    /// Whether to go on
    confirm: bool,
}

#[derive(Debug, Deserialize, JsonSchema, Form)]
#[schemars(crate = "schemars")]
struct Name {
    /// A name
    name: String,
}

/// Asks whether to delete a file, which does not exist.
#[tool(task = "optional")]
pub(crate) async fn confirm_delete(filename: &str, ctx: &Context) -> Result<String, ToolError> {
    let answer = ctx.elicit::<Confirmation>("confirm", format!("Delete {filename}?")).await?;
    Ok(match answer {
        Elicited::Accepted(Confirmation { confirm: true }) => format!("{filename} would be deleted"),
        Elicited::Accepted(_) | Elicited::Declined | Elicited::Cancelled => format!("{filename} stays"),
    })
}

/// Asks for two names at once.
#[tool(task = "optional")]
pub(crate) async fn multi_input(ctx: &Context) -> Result<String, ToolError> {
    let (one, other) = futures_util::future::try_join(
        ctx.elicit::<Name>("first", "What is the first name?"),
        ctx.elicit::<Name>("second", "What is the second name?"),
    )
    .await?;
    let name = |answer: Elicited<Name>| answer.accepted().map_or_else(|| "nobody".into(), |given| given.name);
    Ok(format!("{} and {}", name(one), name(other)))
}

/// Asks for a name, and goes on as a task.
#[tool(task = "always", asks_first)]
pub(crate) async fn test_tool_with_task(ctx: &Context) -> Result<String, ToolError> {
    let answer = ctx.elicit::<Name>("user_name", "What is your name?").await?;
    ctx.begin_task().await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(format!("Hello, {}!", answer.accepted_or("no name, no greeting")?.name))
}
