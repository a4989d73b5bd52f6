//! Tools whose calls become tasks, and one whose calls never do.

use std::time::Duration;

use impresario::client::{BooleanSchema, InputRequest, RequestedSchema};
use impresario::{Context, Elicited, JsonObject, McpError, ToolError, ToolResult, tool};
use serde_json::Value;

use super::questions::text_form;

/// Greets at once, and is never a task.
#[tool]
pub(crate) fn greet(name: &str) -> String {
    format!("Hello, {name}!")
}

/// Waits for so many seconds, then gives a result.
#[tool(task = "optional")]
pub(crate) async fn slow_compute(seconds: u64, label: Option<&str>) -> String {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    format!("{}: computed for {seconds} s", label.unwrap_or("unnamed"))
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

/// The text of a form's field, when the form was filled in.
fn text_of(answer: Elicited<JsonObject>, field: &str) -> Option<String> {
    answer.accepted()?.get(field)?.as_str().map(ToOwned::to_owned)
}

/// Asks whether to delete a file, which does not exist.
#[tool(task = "optional")]
pub(crate) async fn confirm_delete(filename: &str, ctx: &Context) -> Result<String, ToolError> {
    let form = RequestedSchema::new().require("confirm", BooleanSchema::default());
    let answer = ctx.elicit_form("confirm", format!("Delete {filename}?"), form).await?;
    let confirmed = answer.accepted().is_some_and(|form| form.get("confirm") == Some(&Value::Bool(true)));
    Ok(if confirmed { format!("{filename} would be deleted") } else { format!("{filename} stays") })
}

/// Asks for two names at once.
#[tool(task = "optional")]
pub(crate) async fn multi_input(ctx: &Context) -> Result<String, ToolError> {
    let question = |message: &str| InputRequest::form(message, text_form("name"));
    let questions = [("first", question("The first name?")), ("second", question("The second name?"))];
    let answers = ctx.ask_all(questions).await?;
    Ok(format!("{} answers", answers.len()))
}

/// Asks for a name, and goes on as a task.
#[tool(task = "always", asks_first)]
pub(crate) async fn test_tool_with_task(ctx: &Context) -> Result<String, ToolError> {
    let answer = ctx.elicit_form("user_name", "What is your name?", text_form("name")).await?;
    ctx.begin_task().await?;
    tokio::time::sleep(Duration::from_millis(200)).await;
    Ok(format!("Hello, {}!", text_of(answer, "name").unwrap_or_else(|| "stranger".into())))
}
