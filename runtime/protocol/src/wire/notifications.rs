//! What either side tells the other without an answer.

use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use super::Notification;
use super::requests::SubscriptionFilter;
use crate::{Id, JsonObject, LogLevel, ProgressToken, method};

/// What every notification may carry beside its own details.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NotificationMeta {
    /// The subscription that it belongs to, by the id of the request that opened it.
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

/// Details of a notification that has none of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct BareParams {
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<NotificationMeta>,
}

/// A request that is taken back (basic/patterns/cancellation).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CancelledParams {
    /// Which one.
    pub request_id: Id,
    /// Why, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<NotificationMeta>,
}

/// How far a call is (basic/patterns/progress). Numbers are kept as they were written.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ProgressParams {
    /// The token that the client gave with the call.
    pub progress_token: ProgressToken,
    /// How much is done; it only grows.
    pub progress: Number,
    /// How much there is in all, when known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Number>,
    /// What is going on, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<NotificationMeta>,
}

/// A log line (server/utilities/logging).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogMessageParams {
    /// How grave it is.
    pub level: LogLevel,
    /// Which part of the server speaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub logger: Option<String>,
    /// What it says: any JSON.
    pub data: Value,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<NotificationMeta>,
}

/// A resource that has changed (server/resources, "Subscriptions").
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ResourceUpdatedParams {
    /// Which one.
    pub uri: String,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<NotificationMeta>,
}

/// What a listener will hear of (basic/patterns/subscriptions, "Acknowledgment").
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListenAcknowledgedParams {
    /// Those of its wishes that are granted.
    pub notifications: SubscriptionFilter,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<NotificationMeta>,
}

/// A request is taken back.
pub type CancelledNotification = Notification<method::Cancelled, CancelledParams>;
/// How far a call is.
pub type ProgressNotification = Notification<method::Progress, ProgressParams>;
/// A log line.
pub type LoggingMessageNotification = Notification<method::LogMessage, LogMessageParams>;
/// The list of tools has changed.
pub type ToolListChangedNotification = Notification<method::ToolsChanged, BareParams>;
/// The list of prompts has changed.
pub type PromptListChangedNotification = Notification<method::PromptsChanged, BareParams>;
/// The list of resources has changed.
pub type ResourceListChangedNotification = Notification<method::ResourcesChanged, BareParams>;
/// A resource has changed.
pub type ResourceUpdatedNotification = Notification<method::ResourceUpdated, ResourceUpdatedParams>;
/// What a listener will hear of.
pub type SubscriptionsAcknowledgedNotification =
    Notification<method::ListenAcknowledged, ListenAcknowledgedParams>;
