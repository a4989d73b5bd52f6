//! The prompts of the fixture: without and with arguments, with a resource, with a picture, and with a question.

use impresario::{Audience, Builder, Content, Context, McpError, PromptMessage, ResourceContents, prompt};

use crate::RED_PIXEL_PNG;
use crate::tools::questions::text_form;

/// Adds every prompt.
pub(crate) fn install(builder: Builder) -> Builder {
    builder
        .prompt(test_simple_prompt)
        .prompt(test_prompt_with_arguments)
        .prompt(test_prompt_with_embedded_resource)
        .prompt(test_prompt_with_image)
        .prompt(test_input_required_result_prompt)
}

/// A prompt without arguments.
#[prompt]
fn test_simple_prompt() -> &'static str {
    "This is a simple prompt for testing."
}

/// A prompt that shows its two arguments.
#[prompt]
fn test_prompt_with_arguments(
    /// First test argument
    #[arg(complete = ["test", "testValue1"])]
    arg1: &str,
    /// Second test argument
    #[arg(complete = ["test", "testValue2"])]
    arg2: &str,
) -> String {
    format!("Prompt with arguments: arg1='{arg1}', arg2='{arg2}'")
}

/// A prompt with a resource inside.
#[prompt]
#[expect(
    non_snake_case,
    reason = "the suite names the argument so, and an argument of a prompt has no other name"
)]
fn test_prompt_with_embedded_resource(
    /// URI of the resource to embed
    resourceUri: &str,
) -> Vec<PromptMessage> {
    let resource = ResourceContents::text(resourceUri, "Embedded resource content for testing.");
    vec![
        shown(Content::resource(resource)),
        PromptMessage::user("Please process the embedded resource above."),
    ]
}

/// A prompt with a picture inside.
#[prompt]
fn test_prompt_with_image() -> Vec<PromptMessage> {
    let picture = Content::image(RED_PIXEL_PNG, "image/png");
    vec![shown(picture), PromptMessage::user("Please analyze the image above.")]
}

/// A prompt that asks for its context.
#[prompt]
async fn test_input_required_result_prompt(ctx: &Context) -> Result<String, McpError> {
    let question = "What context should the prompt use?";
    let answer = ctx.elicit_form("user_context", question, text_form("context")).await?;
    let content = answer.accepted().unwrap_or_default();
    let context = content.get("context").and_then(serde_json::Value::as_str);
    Ok(format!("Answer in this context: {}", context.unwrap_or("none")))
}

/// What the user shows.
fn shown(content: Content) -> PromptMessage {
    PromptMessage { role: Audience::User, content }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_shown() {
        let text = test_prompt_with_arguments("one", "two");
        assert_eq!(text, "Prompt with arguments: arg1='one', arg2='two'");
    }

    #[test]
    fn the_resource_stands_before_the_question() {
        let messages = test_prompt_with_embedded_resource("test://example");
        assert!(matches!(messages[0].content, Content::Resource { .. }));
        assert!(messages[1].content.as_text().unwrap().contains("above"));
    }
}
