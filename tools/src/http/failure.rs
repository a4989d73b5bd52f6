//! How a call of an API fails: what the model is told, and by which code programs know it.

use std::time::Duration;

use impresario_engine::{ErrorKind, McpError, ToolError};
use impresario_outbound::{Fault, OutboundError};

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The arguments make no request.
    InvalidArguments,
    /// The API has nothing there.
    NotFound,
    /// The API does not let us.
    Denied,
    /// The API has had enough of us for now.
    RateLimited,
    /// The API refuses the request as it is.
    Rejected,
    /// The API fails, or the way to it.
    UpstreamFailed,
    /// The API did not answer in time.
    TimedOut,
    /// Calls are held back, because the API failed too often.
    Unavailable,
    /// The guard does not let the request out.
    Refused,
    /// The answer is not what it has to be.
    UnexpectedAnswer,
}

impl Kind {
    /// The code that a failure of this kind carries.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::InvalidArguments => "invalid_arguments",
            Self::NotFound => "not_found",
            Self::Denied => "denied",
            Self::RateLimited => "rate_limited",
            Self::Rejected => "rejected",
            Self::UpstreamFailed => "upstream_failed",
            Self::TimedOut => "timed_out",
            Self::Unavailable => "unavailable",
            Self::Refused => "refused",
            Self::UnexpectedAnswer => "unexpected_answer",
        }
    }

    /// What a status means that is no success.
    pub(super) fn of_status(status: u16) -> Self {
        match status {
            404 | 410 => Self::NotFound,
            401 | 403 => Self::Denied,
            429 => Self::RateLimited,
            408 | 504 => Self::TimedOut,
            400..=499 => Self::Rejected,
            _ => Self::UpstreamFailed,
        }
    }
}

/// Why a call has no result.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) kind: Kind,
    /// It reaches the model: what is wrong and what to change, without secrets.
    pub(super) text: String,
    /// Whether the same request may succeed a moment later.
    pub(super) is_transient: bool,
    /// When the API asks to be left alone until then.
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// A failure that another try does not mend.
    pub(super) fn new(kind: Kind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), is_transient: false, retry_after: None }
    }

    /// Whether it says that the API is ill, and not that it did not like the request.
    pub(super) fn is_apis(&self) -> bool {
        matches!(self.kind, Kind::UpstreamFailed | Kind::TimedOut)
    }
}

impl From<OutboundError> for Failure {
    fn from(error: OutboundError) -> Self {
        let kind = match (&error, error.fault()) {
            (OutboundError::TimedOut { .. } | OutboundError::TooSlow { .. }, _) => Kind::TimedOut,
            (OutboundError::TooLarge { .. }, _) => Kind::UnexpectedAnswer,
            (_, Fault::Request) => Kind::Refused,
            (_, Fault::Here) => Kind::Unavailable,
            (_, Fault::Upstream) => Kind::UpstreamFailed,
        };
        Self { is_transient: error.is_transient(), ..Self::new(kind, error.to_string()) }
    }
}

/// A failed tool. Codes are set here and nowhere else.
pub(super) fn failure(failure: Failure) -> ToolError {
    tracing::debug!(code = failure.kind.code(), text = %failure.text, "a call of an API failed");
    ToolError::new(failure.text).code(failure.kind.code())
}

/// A resource that can't be read.
pub(super) fn unreadable(uri: &str, failure: Failure) -> McpError {
    tracing::debug!(code = failure.kind.code(), text = %failure.text, "a resource of an API can't be read");
    match failure.kind {
        Kind::NotFound => McpError::resource_not_found(uri),
        Kind::InvalidArguments | Kind::Rejected => McpError::invalid_params(failure.text),
        Kind::RateLimited | Kind::Unavailable => {
            let after = failure.retry_after.unwrap_or(Duration::from_secs(1));
            McpError::overloaded(failure.text, u64::try_from(after.as_millis()).unwrap_or(u64::MAX))
        }
        Kind::Denied | Kind::UpstreamFailed | Kind::TimedOut | Kind::Refused | Kind::UnexpectedAnswer => {
            McpError::new(ErrorKind::Internal, failure.text)
        }
    }
}
