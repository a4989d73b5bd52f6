//! What came of a request, whatever revision will carry it back.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Audience, CacheHint, Content, JsonObject, ResourceContents};

/// The result of an operation that ran to its end.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Nothing to tell but that it is done.
    Done,
    /// A tool ran: well, or with `is_error`.
    Tool(ToolResult),
    /// A resource was read.
    Read(ReadResult),
    /// A prompt was filled in.
    Prompt(PromptResult),
    /// Values were suggested.
    Completion(Completion),
    /// A method of an extension answered.
    Extension(ExtensionResult),
}

/// What a tool returned (server/tools, "Tool Result").
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolResult {
    /// For the model: blocks of content.
    #[serde(default)]
    pub content: Vec<Content>,
    /// For programs: JSON that matches the tool's `outputSchema`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// The tool failed; the content says how, so that the model can mend its call.
    #[serde(default)]
    pub is_error: bool,
    /// Extra metadata for extensions.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<JsonObject>,
    /// Which failure it was, for the server itself: the protocol has no word for it, so it is never sent.
    #[serde(skip)]
    pub error_code: Option<Cow<'static, str>>,
}

impl ToolResult {
    /// One block of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::from(vec![Content::text(text)])
    }

    /// A failure that the model can read and mend.
    pub fn error(text: impl Into<String>) -> Self {
        Self { is_error: true, ..Self::text(text) }
    }

    /// Structured output, and the same as text for clients that read no structured output.
    #[must_use]
    pub fn structured(value: Value) -> Self {
        let content = vec![Content::text(value.to_string())];
        Self { content, structured_content: Some(value), ..Self::default() }
    }
}

impl From<Vec<Content>> for ToolResult {
    fn from(content: Vec<Content>) -> Self {
        Self { content, ..Self::default() }
    }
}

/// What reading a resource gave (server/resources, "Reading Resources").
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ReadResult {
    /// The contents: one, or several for a resource that is a collection.
    pub contents: Vec<ResourceContents>,
    /// How long and for whom they may be kept.
    pub cache: CacheHint,
    /// Extra metadata for extensions.
    pub meta: Option<JsonObject>,
}

impl From<ResourceContents> for ReadResult {
    fn from(contents: ResourceContents) -> Self {
        Self { contents: vec![contents], ..Self::default() }
    }
}

/// A prompt, filled in (server/prompts, "Getting a Prompt").
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PromptResult {
    /// What the prompt is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The messages, in order.
    pub messages: Vec<PromptMessage>,
    /// Extra metadata for extensions.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<JsonObject>,
}

/// One message of a prompt.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PromptMessage {
    /// Who speaks.
    pub role: Audience,
    /// What is said.
    pub content: Content,
}

impl PromptMessage {
    /// Text that the user says.
    pub fn user(text: impl Into<String>) -> Self {
        Self { role: Audience::User, content: Content::text(text) }
    }

    /// Text that the assistant says.
    pub fn assistant(text: impl Into<String>) -> Self {
        Self { role: Audience::Assistant, content: Content::text(text) }
    }
}

/// Suggested values for an argument (server/utilities/completion).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Completion {
    /// At most 100 values, best first.
    pub values: Vec<String>,
    /// How many there are in all, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// Whether there are more than these.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub has_more: Option<bool>,
}

/// What a method of an extension answers: members that the extension defines.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ExtensionResult {
    /// The members, in order.
    pub members: JsonObject,
    /// How long and for whom it may be kept, where the extension says that its results carry that.
    pub cache: Option<CacheHint>,
}
