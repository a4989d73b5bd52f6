//! Tasks: calls that outlive their request, and what a client gets to know of one.

use serde::{Deserialize, Serialize};

/// The identifier of the tasks extension, in the capabilities of both sides.
pub const TASKS_EXTENSION: &str = "io.modelcontextprotocol/tasks";
/// Member of a message's `_meta` that names the task it belongs to (2025-11-25, basic/utilities/tasks).
pub const RELATED_TASK: &str = "io.modelcontextprotocol/related-task";

/// Where a task is in its life. The last three are ends: none of them is ever left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// It runs.
    Working,
    /// It waits for an answer of its client.
    InputRequired,
    /// It has a result.
    Completed,
    /// It came to an error of the protocol.
    Failed,
    /// It was taken back.
    Cancelled,
}

impl TaskStatus {
    /// Its word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Working => "working",
            Self::InputRequired => "input_required",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether it is an end.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        match self {
            Self::Working | Self::InputRequired => false,
            Self::Completed | Self::Failed | Self::Cancelled => true,
        }
    }
}

/// What is known of a task beside its result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskInfo {
    /// Its id.
    pub id: String,
    /// Where it is in its life.
    pub status: TaskStatus,
    /// What is going on, for people.
    pub message: Option<String>,
    /// When it was made: milliseconds since 1970.
    pub created_ms: u64,
    /// When anything of this changed last: milliseconds since 1970.
    pub updated_ms: u64,
    /// How long after it was made it may be forgotten.
    pub ttl_ms: u64,
    /// How long a client should wait between two looks.
    pub poll_interval_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_one_word_and_three_of_them_are_ends() {
        use TaskStatus::{Cancelled, Completed, Failed, InputRequired, Working};
        let all = [Working, InputRequired, Completed, Failed, Cancelled];
        for status in all {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
        assert_eq!(all.into_iter().filter(|status| status.is_terminal()).count(), 3);
    }
}
