//! What the server tells a client without being asked for an answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Id, ListKind, LogLevel, TaskInfo};

/// A message from the server that expects no answer. Era-free: the session decides how it is written.
#[derive(Debug, Clone, PartialEq)]
pub enum Notification {
    /// How far a call is.
    Progress {
        /// The token the client gave with the call.
        token: ProgressToken,
        /// How much is done; it only grows.
        progress: f64,
        /// How much there is in all, when known.
        total: Option<f64>,
        /// What is going on, for people.
        message: Option<String>,
    },
    /// A log line for the client.
    Log {
        /// How grave it is.
        level: LogLevel,
        /// Which part of the server speaks.
        logger: Option<String>,
        /// What it says: any JSON.
        data: Value,
    },
    /// A list has changed and is worth fetching again.
    ListChanged(ListKind),
    /// A resource that was subscribed to has changed.
    ResourceUpdated {
        /// Which one.
        uri: String,
    },
    /// A task that somebody waits for has changed.
    TaskChanged(Box<TaskInfo>),
    /// What a task tells while somebody waits for it.
    OfTask {
        /// The task's id.
        task_id: String,
        /// What it tells.
        told: Box<Notification>,
    },
}

impl Notification {
    /// About how many bytes it takes, in memory and on the wire.
    #[must_use]
    pub fn size(&self) -> usize {
        const ENVELOPE: usize = 96;
        ENVELOPE
            + match self {
                Self::Progress { message, .. } => message.as_deref().map_or(0, str::len),
                Self::Log { logger, data, .. } => logger.as_deref().map_or(0, str::len) + size_of_value(data),
                Self::ListChanged(_) => 0,
                Self::ResourceUpdated { uri } => uri.len(),
                Self::TaskChanged(task) => task.id.len() + task.message.as_deref().map_or(0, str::len),
                Self::OfTask { task_id, told } => task_id.len() + told.size(),
            }
    }
}

/// About how many bytes a JSON value takes.
#[must_use]
pub fn size_of_value(value: &Value) -> usize {
    match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 8,
        Value::String(text) => text.len() + 2,
        Value::Array(items) => 2 + items.iter().map(size_of_value).sum::<usize>(),
        Value::Object(members) => {
            2 + members.iter().map(|(name, value)| name.len() + 4 + size_of_value(value)).sum::<usize>()
        }
    }
}

/// What a client wants its progress messages to carry: a string or an integer, echoed as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ProgressToken(pub Id);
