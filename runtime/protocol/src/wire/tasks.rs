//! Tasks as they stand on the wire: those of the extension `io.modelcontextprotocol/tasks`, and those that
//! revision 2025-11-25 had of its own.
//!
//! The two differ in names (`ttlMs`, `ttl`) and in shape: the extension's task stands flat in a result and
//! carries its own outcome, the older one stands in a member `task` and its outcome is asked for.

use serde::{Deserialize, Serialize};

use super::errors::ErrorObject;
use super::results::{Answer, Nothing, Page, ToolOutput};
use super::{Notification, Request};
use crate::client::{InputRequests, InputResponses};
use crate::method;
use crate::task::TaskStatus;
use crate::wire::notifications::NotificationMeta;
use crate::wire::requests::{PageParams, RequestMeta};

/// A task of the extension, with whatever its status brings along.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Task {
    /// Its id.
    pub task_id: String,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// What is going on, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// When it was made (ISO 8601).
    pub created_at: String,
    /// When it changed last (ISO 8601).
    pub last_updated_at: String,
    /// How long after it was made it may be forgotten; never, when null.
    #[serde(deserialize_with = "Option::deserialize")]
    pub ttl_ms: Option<u64>,
    /// How long to wait between two looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_interval_ms: Option<u64>,
    /// What it waits for, while it requires input.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input_requests: Option<InputRequests>,
    /// What came of it, once it is completed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<Answer<ToolOutput>>,
    /// Why it failed, once it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<ErrorObject>,
}

/// A task of 2025-11-25.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CoreTask {
    /// Its id.
    pub task_id: String,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// What is going on, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_message: Option<String>,
    /// When it was made (ISO 8601).
    pub created_at: String,
    /// When it changed last (ISO 8601).
    pub last_updated_at: String,
    /// How long after it was made, in milliseconds, it may be forgotten; never, when null.
    #[serde(deserialize_with = "Option::deserialize")]
    pub ttl: Option<u64>,
    /// How many milliseconds to wait between two looks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub poll_interval: Option<u64>,
}

/// A request about one task.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskParams {
    /// Which one.
    pub task_id: String,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// Answers to a task's questions.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct UpdateTaskParams {
    /// Which task.
    pub task_id: String,
    /// The answers, by the names of the questions.
    pub input_responses: InputResponses,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<RequestMeta>,
}

/// A task that has changed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskStatusParams<T> {
    /// The task as it is now.
    #[serde(flatten)]
    pub task: T,
    /// Metadata.
    #[serde(rename = "_meta", default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<NotificationMeta>,
}

/// The task that 2025-11-25 makes of a call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    /// The task.
    pub task: CoreTask,
}

/// The tasks of a page.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Tasks {
    /// Each of them.
    pub tasks: Vec<CoreTask>,
}

/// How is that task?
pub type GetTaskRequest = Request<method::GetTask, TaskParams>;
/// Here are answers to its questions.
pub type UpdateTaskRequest = Request<method::UpdateTask, UpdateTaskParams>;
/// Stop it.
pub type CancelTaskRequest = Request<method::CancelTask, TaskParams>;
/// Wait for its outcome (2025-11-25).
pub type GetTaskPayloadRequest = Request<method::TaskResult, TaskParams>;
/// Which tasks do I have (2025-11-25)?
pub type ListTasksRequest = Request<method::ListTasks, PageParams>;

/// The extension's answer in place of a tool's result: the `resultType` is `task`.
pub type CreateTaskResult = Answer<Task>;
/// How a task is.
pub type GetTaskResult = Answer<Task>;
/// Answers were taken.
pub type UpdateTaskResult = Answer<Nothing>;
/// A task is asked to stop.
pub type CancelTaskResult = Answer<Nothing>;
/// The same in 2025-11-25, where it says how the task is now.
pub type CoreCancelTaskResult = Answer<CoreTask>;
/// How a task of 2025-11-25 is.
pub type CoreGetTaskResult = Answer<CoreTask>;
/// The answer of 2025-11-25 to a call that becomes a task.
pub type CoreCreateTaskResult = Answer<Created>;
/// One page of tasks.
pub type ListTasksResult = Answer<Page<Tasks>>;

/// A task of the extension has changed.
pub type TaskStatusNotification = Notification<method::TaskChanged, TaskStatusParams<Task>>;
/// A task of 2025-11-25 has changed.
pub type CoreTaskStatusNotification = Notification<method::CoreTaskChanged, TaskStatusParams<CoreTask>>;
