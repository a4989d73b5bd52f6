//! Every official example is read into the type of ours that stands for it, and written again as the same JSON.
//!
//! The examples are no part of the project. `MCP_SPEC_DIR` names the folder of the specification; without it
//! the test says that it was skipped. A folder of examples that no type stands for fails it.
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use impresario_protocol::client::{
    BooleanSchema, CreateMessageParams, CreateMessageRequest, CreateMessageResult, ElicitFormParams,
    ElicitRequest, ElicitResult, ElicitUrlParams, InputRequests, InputResponses, ListRootsRequest,
    ListRootsResult, ModelPreferences, MultiSelectSchema, NumberSchema, PrimitiveSchema, Root,
    SamplingMessage, SingleSelectSchema, StringSchema, TitledMultiSelectSchema, TitledSingleSelectSchema,
    ToolResultContent, ToolUseContent,
};
use impresario_protocol::wire::{errors, notifications, requests, results};
use impresario_protocol::{
    ClientCapabilities, Content, ResourceContents, ResourceDefinition, ServerCapabilities, ToolDefinition,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// The revision whose specification comes with examples.
const REVISION: &str = "2026-07-28";

#[test]
fn every_example_is_written_as_it_was_read() {
    let Some(folder) = std::env::var_os("MCP_SPEC_DIR") else {
        // Written past the test runner, which shows nothing of a test that passes.
        writeln!(io::stderr(), "skipped: MCP_SPEC_DIR does not name the folder of the specification")
            .unwrap();
        return;
    };
    let folders = entries(&PathBuf::from(folder).join(REVISION).join("examples"));
    let files: Vec<_> = folders.iter().flat_map(|folder| entries(folder)).collect();
    assert!(files.len() >= folders.len() && !folders.is_empty(), "every folder holds an example");
    let faults: Vec<_> = files.iter().filter_map(|file| check(file).err()).collect();
    assert!(faults.is_empty(), "{} of {} examples:\n{}", faults.len(), files.len(), faults.join("\n"));
}

#[test]
fn a_folder_without_a_type_is_a_fault() {
    let fault = as_type("NoSuchThing", &Value::Null).unwrap_err();
    assert!(fault.contains("NoSuchThing"), "{fault}");
}

#[test]
fn a_member_that_gets_lost_is_a_fault() {
    let root = serde_json::json!({ "uri": "file:///a", "surplus": true });
    assert_ne!(as_type("Root", &root).unwrap(), root);
    assert!(as_type("Root", &serde_json::json!({ "name": "a" })).is_err());
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let read = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut entries: Vec<_> = read.map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

/// Reads one example and writes it again.
fn check(file: &Path) -> Result<(), String> {
    let example: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let folder = file.parent().and_then(Path::file_name).unwrap().to_string_lossy();
    let name = file.file_name().unwrap().to_string_lossy();
    let written = as_type(&folder, &example).map_err(|error| format!("{folder}/{name}: {error}"))?;
    if written == example { Ok(()) } else { Err(format!("{folder}/{name} becomes {written}")) }
}

/// The example, read into the type that stands for its folder and written again.
fn as_type(folder: &str, example: &Value) -> Result<Value, String> {
    let again = match folder {
        "AudioContent" | "EmbeddedResource" | "ImageContent" | "ResourceLink" | "TextContent" => {
            written::<Content>
        }
        "BlobResourceContents" | "TextResourceContents" => written::<ResourceContents>,
        "ClientCapabilities" => written::<ClientCapabilities>,
        "Resource" => written::<ResourceDefinition>,
        "ServerCapabilities" => written::<ServerCapabilities>,
        "Tool" => written::<ToolDefinition>,

        "BooleanSchema" => field::<BooleanSchema>,
        "NumberSchema" => field::<NumberSchema>,
        "StringSchema" => field::<StringSchema>,
        "TitledMultiSelectEnumSchema" => field::<TitledMultiSelectSchema>,
        "TitledSingleSelectEnumSchema" => field::<TitledSingleSelectSchema>,
        "UntitledMultiSelectEnumSchema" => field::<MultiSelectSchema>,
        "UntitledSingleSelectEnumSchema" => field::<SingleSelectSchema>,

        "CreateMessageRequest" => written::<CreateMessageRequest>,
        "CreateMessageRequestParams" => written::<CreateMessageParams>,
        "CreateMessageResult" => written::<CreateMessageResult>,
        "ElicitRequest" => written::<ElicitRequest>,
        "ElicitRequestFormParams" => written::<ElicitFormParams>,
        "ElicitRequestURLParams" => written::<ElicitUrlParams>,
        "ElicitResult" => written::<ElicitResult>,
        "InputRequests" => written::<InputRequests>,
        "InputResponses" => written::<InputResponses>,
        "ListRootsRequest" => written::<ListRootsRequest>,
        "ListRootsResult" => written::<ListRootsResult>,
        "ModelPreferences" => written::<ModelPreferences>,
        "Root" => written::<Root>,
        "SamplingMessage" => written::<SamplingMessage>,
        "ToolResultContent" => written::<ToolResultContent>,
        "ToolUseContent" => written::<ToolUseContent>,

        "CallToolRequest" => written::<requests::CallToolRequest>,
        "CallToolRequestParams" => written::<requests::CallToolParams>,
        "CompleteRequest" => written::<requests::CompleteRequest>,
        "CompleteRequestParams" => written::<requests::CompleteParams>,
        "DiscoverRequest" => written::<requests::DiscoverRequest>,
        "GetPromptRequest" => written::<requests::GetPromptRequest>,
        "GetPromptRequestParams" => written::<requests::GetPromptParams>,
        "ListPromptsRequest" => written::<requests::ListPromptsRequest>,
        "ListResourceTemplatesRequest" => written::<requests::ListResourceTemplatesRequest>,
        "ListResourcesRequest" => written::<requests::ListResourcesRequest>,
        "ListToolsRequest" => written::<requests::ListToolsRequest>,
        "PaginatedRequestParams" => written::<requests::PageParams>,
        "ReadResourceRequest" => written::<requests::ReadResourceRequest>,
        "SubscriptionsListenRequest" => written::<requests::SubscriptionsListenRequest>,

        "CallToolResult" => written::<results::CallToolResult>,
        "CallToolResultResponse" => written::<results::CallToolResultResponse>,
        "CompleteResult" => written::<results::CompleteResult>,
        "CompleteResultResponse" => written::<results::CompleteResultResponse>,
        "DiscoverResult" => written::<results::DiscoverResult>,
        "DiscoverResultResponse" => written::<results::DiscoverResultResponse>,
        "GetPromptResult" => written::<results::GetPromptResult>,
        "GetPromptResultResponse" => written::<results::GetPromptResultResponse>,
        "InputRequiredResult" => written::<results::InputRequiredResult>,
        "ListPromptsResult" => written::<results::ListPromptsResult>,
        "ListPromptsResultResponse" => written::<results::ListPromptsResultResponse>,
        "ListResourceTemplatesResult" => written::<results::ListResourceTemplatesResult>,
        "ListResourceTemplatesResultResponse" => written::<results::ListResourceTemplatesResultResponse>,
        "ListResourcesResult" => written::<results::ListResourcesResult>,
        "ListResourcesResultResponse" => written::<results::ListResourcesResultResponse>,
        "ListToolsResult" => written::<results::ListToolsResult>,
        "ListToolsResultResponse" => written::<results::ListToolsResultResponse>,
        "ReadResourceResult" => written::<results::ReadResourceResult>,
        "ReadResourceResultResponse" => written::<results::ReadResourceResultResponse>,
        "SubscriptionsListenResult" => written::<results::SubscriptionsListenResult>,
        "SubscriptionsListenResultResponse" => written::<results::SubscriptionsListenResultResponse>,

        "CancelledNotification" => written::<notifications::CancelledNotification>,
        "CancelledNotificationParams" => written::<notifications::CancelledParams>,
        "LoggingMessageNotification" => written::<notifications::LoggingMessageNotification>,
        "LoggingMessageNotificationParams" => written::<notifications::LogMessageParams>,
        "ProgressNotification" => written::<notifications::ProgressNotification>,
        "ProgressNotificationParams" => written::<notifications::ProgressParams>,
        "PromptListChangedNotification" => written::<notifications::PromptListChangedNotification>,
        "ResourceListChangedNotification" => written::<notifications::ResourceListChangedNotification>,
        "ResourceUpdatedNotification" => written::<notifications::ResourceUpdatedNotification>,
        "ResourceUpdatedNotificationParams" => written::<notifications::ResourceUpdatedParams>,
        "SubscriptionsAcknowledgedNotification" => {
            written::<notifications::SubscriptionsAcknowledgedNotification>
        }
        "ToolListChangedNotification" => written::<notifications::ToolListChangedNotification>,

        "HeaderMismatchError" => written::<errors::HeaderMismatchError>,
        "InternalError"
        | "InvalidParamsError"
        | "InvalidRequestError"
        | "MethodNotFoundError"
        | "ParseError" => written::<errors::ErrorObject>,
        "MissingRequiredClientCapabilityError" => written::<errors::MissingRequiredClientCapabilityError>,
        "UnsupportedProtocolVersionError" => written::<errors::UnsupportedProtocolVersionError>,

        unknown => return Err(format!("no type of ours stands for `{unknown}`; name one here")),
    };
    again(example)
}

fn written<T: DeserializeOwned + Serialize>(example: &Value) -> Result<Value, String> {
    let read: T = serde_json::from_value(example.clone()).map_err(|error| error.to_string())?;
    serde_json::to_value(&read).map_err(|error| error.to_string())
}

/// A form's field, which must also be told apart from all other kinds of fields.
fn field<T>(example: &Value) -> Result<Value, String>
where
    T: DeserializeOwned + Serialize + Into<PrimitiveSchema>,
{
    let kind: T = serde_json::from_value(example.clone()).map_err(|error| error.to_string())?;
    let any: PrimitiveSchema = serde_json::from_value(example.clone()).map_err(|error| error.to_string())?;
    if any != kind.into() {
        return Err(format!("it is taken for another kind of field: {any:?}"));
    }
    written::<T>(example)
}
