//! What the server tells a client without being asked for an answer.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Id, ListKind};

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
}

/// What a client wants its progress messages to carry: a string or an integer, echoed as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgressToken(pub Id);

/// Gravity of a log message (RFC 5424), mildest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// Details for finding faults.
    Debug,
    /// Ordinary progress.
    Info,
    /// Ordinary, but significant.
    Notice,
    /// Something to look at.
    Warning,
    /// Something failed.
    Error,
    /// A part of the system failed.
    Critical,
    /// Somebody must act at once.
    Alert,
    /// The system can't be used.
    Emergency,
}

impl LogLevel {
    /// Every level, mildest first.
    pub const ALL: [Self; 8] = [
        Self::Debug,
        Self::Info,
        Self::Notice,
        Self::Warning,
        Self::Error,
        Self::Critical,
        Self::Alert,
        Self::Emergency,
    ];

    /// The level of that name, exactly as it stands on the wire.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == text)
    }

    /// The level's name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Notice => "notice",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::Alert => "alert",
            Self::Emergency => "emergency",
        }
    }
}
