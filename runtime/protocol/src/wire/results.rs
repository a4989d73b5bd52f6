//! What a server answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Response;
use crate::client::InputRequests;
use crate::literal::literals;
use crate::{
    CacheHint, Completion, Content, Id, Implementation, JsonObject, PromptDefinition, PromptMessage,
    ResourceContents, ResourceDefinition, ServerCapabilities, TemplateDefinition, ToolDefinition,
};

literals! {
    /// The type of a result that asks for something before it can be given.
    InputRequired = "input_required";
}

/// What kind of result it is. A result that does not say is complete.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResultType {
    /// The request is done.
    #[default]
    Complete,
    /// The server needs something first.
    InputRequired,
    /// Something of an extension's own.
    #[serde(untagged)]
    Other(String),
}

/// Something is needed before the request can be done: ask it again, with the answers
/// (basic/patterns/mrtr).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct InputRequiredResult {
    /// Which kind of result this is.
    pub result_type: InputRequired,
    /// The questions, by names of the server's own.
    #[serde(default, skip_serializing_if = "InputRequests::is_empty")]
    pub input_requests: InputRequests,
    /// To be brought back unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<ResultMeta>,
}

/// A result, or what is needed first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum ResultOrInput<R> {
    /// Something is needed first.
    Input(Box<InputRequiredResult>),
    /// The result.
    Complete(R),
}

/// What every result may say beside its own members.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResultMeta {
    /// Who answers.
    #[serde(rename = "io.modelcontextprotocol/serverInfo", default, skip_serializing_if = "Option::is_none")]
    pub server_info: Option<Implementation>,
    /// The subscription that ends with this result, by the id of the request that opened it.
    #[serde(
        rename = "io.modelcontextprotocol/subscriptionId",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub subscription_id: Option<Id>,
    /// Whatever extensions add.
    #[serde(flatten)]
    pub other: JsonObject,
}

/// A result: what its kind has, and what every result has.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer<R> {
    /// What kind of result it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_type: Option<ResultType>,
    /// What its kind has.
    #[serde(flatten)]
    pub result: R,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<ResultMeta>,
}

/// What a tool gave.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ToolOutput {
    /// For the model.
    pub content: Vec<Content>,
    /// For programs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub structured_content: Option<Value>,
    /// The tool failed. Unsaid, it did not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_error: Option<bool>,
}

/// A prompt, filled in.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FilledPrompt {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The messages, in order.
    pub messages: Vec<PromptMessage>,
}

/// Suggested values.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suggestions {
    /// The values.
    pub completion: Completion,
}

/// What stands at a URI.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadContents {
    /// The contents.
    pub contents: Vec<ResourceContents>,
    /// How long they may be kept, and for whom.
    #[serde(flatten)]
    pub cache: Option<CacheHint>,
}

/// What a server says of itself without a handshake.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Description {
    /// The revisions that it speaks.
    pub supported_versions: Vec<String>,
    /// What it can do.
    pub capabilities: ServerCapabilities,
    /// How a model should use it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// How long this may be kept, and for whom.
    #[serde(flatten)]
    pub cache: Option<CacheHint>,
}

/// The members of a result that has none of its own.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nothing {}

/// One page of a list: its items under their own name, and where it goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Page<I> {
    /// The items.
    #[serde(flatten)]
    pub items: I,
    /// Where the next page begins; none after the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// How long this page may be kept, and for whom.
    #[serde(flatten)]
    pub cache: Option<CacheHint>,
}

/// The tools of a page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tools {
    /// Each of them.
    pub tools: Vec<ToolDefinition>,
}

/// The prompts of a page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Prompts {
    /// Each of them.
    pub prompts: Vec<PromptDefinition>,
}

/// The resources of a page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Resources {
    /// Each of them.
    pub resources: Vec<ResourceDefinition>,
}

/// The resource templates of a page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Templates {
    /// Each of them.
    pub resource_templates: Vec<TemplateDefinition>,
}

/// What a tool gave.
pub type CallToolResult = Answer<ToolOutput>;
/// A prompt, filled in.
pub type GetPromptResult = Answer<FilledPrompt>;
/// What stands at a URI.
pub type ReadResourceResult = Answer<ReadContents>;
/// Suggested values.
pub type CompleteResult = Answer<Suggestions>;
/// What a server says of itself.
pub type DiscoverResult = Answer<Description>;
/// A subscription has ended as it should.
pub type SubscriptionsListenResult = Answer<Nothing>;
/// One page of the tools.
pub type ListToolsResult = Answer<Page<Tools>>;
/// One page of the prompts.
pub type ListPromptsResult = Answer<Page<Prompts>>;
/// One page of the resources.
pub type ListResourcesResult = Answer<Page<Resources>>;
/// One page of the resource templates.
pub type ListResourceTemplatesResult = Answer<Page<Templates>>;

/// The answer to a call of a tool.
pub type CallToolResultResponse = Response<ResultOrInput<CallToolResult>>;
/// The answer to a request for a prompt.
pub type GetPromptResultResponse = Response<ResultOrInput<GetPromptResult>>;
/// The answer to a request for a resource.
pub type ReadResourceResultResponse = Response<ResultOrInput<ReadResourceResult>>;
/// The answer to a request for suggestions.
pub type CompleteResultResponse = Response<CompleteResult>;
/// The answer to the question who the server is.
pub type DiscoverResultResponse = Response<DiscoverResult>;
/// The end of a subscription.
pub type SubscriptionsListenResultResponse = Response<SubscriptionsListenResult>;
/// The answer to a request for a page of tools.
pub type ListToolsResultResponse = Response<ListToolsResult>;
/// The answer to a request for a page of prompts.
pub type ListPromptsResultResponse = Response<ListPromptsResult>;
/// The answer to a request for a page of resources.
pub type ListResourcesResultResponse = Response<ListResourcesResult>;
/// The answer to a request for a page of resource templates.
pub type ListResourceTemplatesResultResponse = Response<ListResourceTemplatesResult>;
