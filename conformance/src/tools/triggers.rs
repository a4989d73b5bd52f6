//! Tools that change what the server offers while it runs, so that subscribers hear of it.

use std::sync::OnceLock;

use impresario::{PromptSpec, Runtime, ToolError, ToolSpec, no_arguments, tool};

/// The runtime that serves these tools. A tool is made before its runtime is, so it finds it here.
static RUNTIME: OnceLock<Runtime> = OnceLock::new();

/// Remembers the runtime that the tools are to change.
pub(crate) fn keep(runtime: Runtime) {
    // The first one stays: a process serves one fixture.
    drop(RUNTIME.set(runtime));
}

fn runtime() -> Result<&'static Runtime, ToolError> {
    RUNTIME.get().ok_or_else(|| ToolError::from("the server is still starting; call again"))
}

/// Adds the tool `test_dynamic_tool`, or removes it again.
#[tool]
pub(crate) fn test_trigger_tool_change() -> Result<&'static str, ToolError> {
    const NAME: &str = "test_dynamic_tool";
    let runtime = runtime()?;
    if !runtime.remove_tool(NAME) {
        let tool = ToolSpec::from_context(NAME, no_arguments(), |_ctx| async { "here for now" });
        let added = runtime.add_tool(tool.description("Comes and goes."));
        added.map_err(|error| ToolError::new(error.to_string()))?;
    }
    Ok("Mutation triggered")
}

/// Adds the prompt `test_dynamic_prompt`, or removes it again.
#[tool]
pub(crate) fn test_trigger_prompt_change() -> Result<&'static str, ToolError> {
    const NAME: &str = "test_dynamic_prompt";
    let runtime = runtime()?;
    if !runtime.remove_prompt(NAME) {
        let prompt = PromptSpec::new(NAME, |_arguments, _ctx| async { "here for now" });
        let added = runtime.add_prompt(prompt.description("Comes and goes."));
        added.map_err(|error| ToolError::new(error.to_string()))?;
    }
    Ok("Mutation triggered")
}
