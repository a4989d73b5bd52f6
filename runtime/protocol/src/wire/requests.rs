//! What a client asks.

use serde::{Deserialize, Serialize};

use super::Request;
use crate::client::InputResponses;
use crate::{ClientCapabilities, Implementation, JsonObject, LogLevel, ProgressToken, method};

/// What every request says beside its own details (basic, "Per-request protocol fields").
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestMeta {
    /// The revision that the request is written in.
    #[serde(
        rename = "io.modelcontextprotocol/protocolVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub protocol_version: Option<String>,
    /// Who asks.
    #[serde(rename = "io.modelcontextprotocol/clientInfo", default, skip_serializing_if = "Option::is_none")]
    pub client_info: Option<Implementation>,
    /// What the client can do.
    #[serde(
        rename = "io.modelcontextprotocol/clientCapabilities",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub client_capabilities: Option<ClientCapabilities>,
    /// The mildest log messages that the client wants for this request; without it, none.
    #[serde(rename = "io.modelcontextprotocol/logLevel", default, skip_serializing_if = "Option::is_none")]
    pub log_level: Option<LogLevel>,
    /// What messages about its progress are to carry; without it, there are none.
    #[serde(rename = "progressToken", default, skip_serializing_if = "Option::is_none")]
    pub progress_token: Option<ProgressToken>,
    /// Whatever extensions add.
    #[serde(flatten)]
    pub other: JsonObject,
}

/// Details of a request that has none of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BareParams {
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// One page of a list.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct PageParams {
    /// Where to go on, from the page before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// What a request brings when it is sent again with what was missing (basic/patterns/mrtr).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Resumption {
    /// The answers to the server's questions.
    #[serde(default, skip_serializing_if = "InputResponses::is_empty")]
    pub input_responses: InputResponses,
    /// What the server gave to be brought back unchanged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_state: Option<String>,
}

/// What 2025-11-25 adds to a call that is to become a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskMetadata {
    /// How many milliseconds the task is wanted to be kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ttl: Option<u64>,
    /// Whatever else it says.
    #[serde(flatten)]
    pub other: JsonObject,
}

/// Run a tool.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct CallToolParams {
    /// Which one.
    pub name: String,
    /// Its arguments.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<JsonObject>,
    /// It is to become a task, where 2025-11-25 is spoken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<TaskMetadata>,
    /// What was missing before.
    #[serde(flatten)]
    pub resumption: Resumption,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// Read a resource.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ReadResourceParams {
    /// Where it stands.
    pub uri: String,
    /// What was missing before.
    #[serde(flatten)]
    pub resumption: Resumption,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// Fill in a prompt.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GetPromptParams {
    /// Which one.
    pub name: String,
    /// Its arguments; their values are texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<JsonObject>,
    /// What was missing before.
    #[serde(flatten)]
    pub resumption: Resumption,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// Suggest values for an argument.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CompleteParams {
    /// What the argument belongs to.
    pub r#ref: Reference,
    /// The argument, as far as it was typed.
    pub argument: TypedArgument,
    /// What is settled already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<CompletionContext>,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// What an argument belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type")]
pub enum Reference {
    /// A prompt.
    #[serde(rename = "ref/prompt")]
    Prompt {
        /// Its name.
        name: String,
        /// Its name for people.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        title: Option<String>,
    },
    /// A resource template.
    #[serde(rename = "ref/resource")]
    Template {
        /// The template.
        uri: String,
    },
}

/// An argument, as far as it was typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypedArgument {
    /// Its name.
    pub name: String,
    /// What was typed.
    pub value: String,
}

/// What is settled while an argument is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CompletionContext {
    /// The other arguments; their values are texts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<JsonObject>,
}

/// Which changes a listener wants to hear of, or will (basic/patterns/subscriptions).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SubscriptionFilter {
    /// Tools came or went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools_list_changed: Option<bool>,
    /// Prompts came or went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts_list_changed: Option<bool>,
    /// Resources came or went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources_list_changed: Option<bool>,
    /// These resources changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resource_subscriptions: Option<Vec<String>>,
    /// These tasks changed, where the client knows tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_ids: Option<Vec<String>>,
}

/// Stay open and tell of changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListenParams {
    /// Of which.
    pub notifications: SubscriptionFilter,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// Who are you and what can you do?
pub type DiscoverRequest = Request<method::Discover, BareParams>;
/// Run a tool.
pub type CallToolRequest = Request<method::CallTool, CallToolParams>;
/// Read a resource.
pub type ReadResourceRequest = Request<method::ReadResource, ReadResourceParams>;
/// Fill in a prompt.
pub type GetPromptRequest = Request<method::GetPrompt, GetPromptParams>;
/// Suggest values for an argument.
pub type CompleteRequest = Request<method::Complete, CompleteParams>;
/// Stay open and tell of changes.
pub type SubscriptionsListenRequest = Request<method::Listen, ListenParams>;
/// One page of the tools.
pub type ListToolsRequest = Request<method::ListTools, PageParams>;
/// One page of the prompts.
pub type ListPromptsRequest = Request<method::ListPrompts, PageParams>;
/// One page of the resources.
pub type ListResourcesRequest = Request<method::ListResources, PageParams>;
/// One page of the resource templates.
pub type ListResourceTemplatesRequest = Request<method::ListTemplates, PageParams>;
