//! Prompts: templates of messages that a person picks and fills in.

use std::sync::Arc;

use impresario_protocol::{McpError, Outcome, PromptArgument, PromptDefinition, PromptMessage, PromptResult};

use crate::call::Ending;
use crate::completion::{Complete, CompletionRequest};
use crate::context::Context;
use crate::described::described;
use crate::template::Variables;
use crate::tool::CallFuture;

/// A prompt as its author writes it down.
#[derive(Clone)]
pub struct PromptSpec {
    pub(crate) definition: PromptDefinition,
    pub(crate) fill: Arc<dyn Fn(Variables, Context) -> CallFuture + Send + Sync>,
    /// Suggestions for an argument, by its name.
    pub(crate) completions: Vec<(String, Complete)>,
}

/// What can be registered as a prompt: a spec, or the name of a function with `#[prompt]`.
pub trait IntoPrompt {
    /// The prompt, written down.
    fn into_prompt(self) -> PromptSpec;
}

impl IntoPrompt for PromptSpec {
    fn into_prompt(self) -> PromptSpec {
        self
    }
}

impl PromptSpec {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.definition.name
    }

    /// A prompt that an async closure fills in from its arguments.
    pub fn new<F, Fut>(name: impl Into<String>, fill: F) -> Self
    where
        F: Fn(Variables, Context) -> Fut + Send + Sync + 'static,
        Fut: Future + 'static,
        Fut::Output: IntoPromptResult,
    {
        let fill = Arc::new(fill);
        let fill = Arc::new(move |arguments: Variables, ctx: Context| -> CallFuture {
            let fill = Arc::clone(&fill);
            Box::pin(async move {
                match fill(arguments, ctx).await.into_prompt_result() {
                    Ok(result) => Ending::Answered(Outcome::Prompt(result)),
                    Err(error) => Ending::Failed(error),
                }
            })
        });
        let definition = PromptDefinition { name: name.into(), ..PromptDefinition::default() };
        Self { definition, fill, completions: Vec::new() }
    }

    /// One more argument.
    #[must_use]
    pub fn argument(mut self, argument: PromptArgument) -> Self {
        self.definition.arguments.push(argument);
        self
    }

    /// Suggests values for an argument while a person types.
    #[must_use]
    pub fn complete<F>(mut self, argument: &str, suggest: F) -> Self
    where
        F: Fn(CompletionRequest) -> Vec<String> + Send + Sync + 'static,
    {
        self.completions.push((argument.into(), Arc::new(suggest)));
        self
    }
}

described!(PromptSpec);

/// What filling in a prompt may return.
pub trait IntoPromptResult {
    /// The messages, or why there are none.
    ///
    /// # Errors
    /// The prompt's own failure.
    fn into_prompt_result(self) -> Result<PromptResult, McpError>;
}

impl IntoPromptResult for PromptResult {
    fn into_prompt_result(self) -> Result<PromptResult, McpError> {
        Ok(self)
    }
}

impl IntoPromptResult for Vec<PromptMessage> {
    fn into_prompt_result(self) -> Result<PromptResult, McpError> {
        Ok(PromptResult { messages: self, ..PromptResult::default() })
    }
}

impl IntoPromptResult for String {
    fn into_prompt_result(self) -> Result<PromptResult, McpError> {
        vec![PromptMessage::user(self)].into_prompt_result()
    }
}

impl IntoPromptResult for &str {
    fn into_prompt_result(self) -> Result<PromptResult, McpError> {
        self.to_owned().into_prompt_result()
    }
}

impl<T: IntoPromptResult> IntoPromptResult for Result<T, McpError> {
    fn into_prompt_result(self) -> Result<PromptResult, McpError> {
        self?.into_prompt_result()
    }
}
