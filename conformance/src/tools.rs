//! The tools of the fixture. Their names, texts and pauses are the suite's.
//!
//! `test_simple_text` stands first: the suite calls the first tool of the list with no arguments.

mod content;
pub(crate) mod questions;
mod reports;
mod schemas;
mod tasks;
mod triggers;

pub(crate) use triggers::keep;

use impresario::Builder;

/// Adds every tool.
pub(crate) fn install(builder: Builder) -> Builder {
    builder
        .tool(content::test_simple_text)
        .tool(content::test_image_content)
        .tool(content::test_audio_content)
        .tool(content::test_embedded_resource)
        .tool(content::test_multiple_content_types)
        .tool(content::test_error_handling)
        .tool(reports::test_tool_with_logging)
        .tool(reports::test_tool_with_progress)
        .tool(reports::test_reconnection)
        .tool(reports::test_logging_tool)
        .tool(reports::test_streaming_elicitation)
        .tool(schemas::json_schema_2020_12_tool())
        .tool(schemas::test_missing_capability)
        .tool(schemas::test_x_mcp_header)
        .tool(questions::test_sampling)
        .tool(questions::test_elicitation)
        .tool(questions::test_elicitation_sep1034_defaults)
        .tool(questions::test_elicitation_sep1330_enums)
        .tool(questions::test_input_required_result_elicitation)
        .tool(questions::test_input_required_result_sampling)
        .tool(questions::test_input_required_result_list_roots)
        .tool(questions::test_input_required_result_request_state)
        .tool(questions::test_input_required_result_tampered_state)
        .tool(questions::test_input_required_result_multiple_inputs)
        .tool(questions::test_input_required_result_multi_round)
        .tool(questions::test_input_required_result_capabilities)
        .tool(triggers::test_trigger_tool_change)
        .tool(triggers::test_trigger_prompt_change)
        .tool(tasks::greet)
        .tool(tasks::slow_compute)
        .tool(tasks::failing_job)
        .tool(tasks::protocol_error_job)
        .tool(tasks::confirm_delete)
        .tool(tasks::multi_input)
        .tool(tasks::test_tool_with_task)
}
