//! Questions to the client: how a call may ask, what it has asked, and what came back. Free of eras.
//!
//! A tool asks under a key of its own, and the answer is found under that key, whether it comes while the tool
//! waits or with a later request that runs the tool again. What a tool author sees of this is in `ask`.

use std::sync::Arc;

use impresario_protocol::client::InputRequest;
use impresario_protocol::{ErrorKind, Id, McpError};
use serde_json::{Value, json};

pub(crate) use check::check;
pub use open::OpenQuestions;
pub(crate) use record::{Answered, Asked, AskedLimits, Begun, Once};
pub use sealed::Resumed;
pub use sealed::Sealer;
pub(crate) use sealed::{Bound, Kept, KeptState, invalid_answer};

mod check;
mod open;
mod record;
mod sealed;

/// How a call may ask its client. `C` is the call.
#[derive(Debug)]
pub enum Asks<C> {
    /// Not at all, and why.
    Never(&'static str),
    /// By messages of our own on the call's stream; the call waits for the answers.
    InSession(Arc<OpenQuestions<C>>),
    /// By ending; the client sends the request again, with the answers. What an earlier run left, if any.
    ByRetry(Option<Box<Resumed>>),
    /// As a task, which shows what it asks to whoever looks at it; the call waits. What an earlier run left.
    InTask(Box<Resumed>),
}

impl<C> Default for Asks<C> {
    fn default() -> Self {
        Self::Never("nothing can be asked of this client here")
    }
}

/// What ends a call that has to be sent again with answers.
#[derive(Debug, Clone)]
pub struct InputRequired {
    /// The questions, by the tool's keys.
    pub requests: Vec<(String, Arc<InputRequest>)>,
    /// What is to be brought back unchanged.
    pub state: String,
}

/// A message about a question that goes to a client on its call's stream.
#[derive(Debug, Clone)]
pub enum Told {
    /// A question, under an id of ours.
    Asked(Id, Arc<InputRequest>),
    /// A question is no longer of interest.
    Withdrawn(Id),
    /// What the person was sent to a page for is settled.
    Settled(Id),
}

/// Why a question got no answer that a tool could use.
///
/// Returned from a tool with `?` it becomes the failure that the client should see.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum AskError {
    /// The client has not declared that it can be asked this. See [`crate::ClientFacts`] for how to look first.
    #[error("this needs a client that can be asked: yours has not declared the capabilities {missing}")]
    NotSupported {
        /// The capabilities that are missing.
        missing: Value,
    },
    /// This call can't ask at all.
    #[error("{0}")]
    NotHere(&'static str),
    /// The client answered with an error.
    #[error("the client refused the question `{key}`: {message} ({code})")]
    Refused {
        /// Which question.
        key: String,
        /// The code of its error.
        code: i64,
        /// What it said.
        message: String,
    },
    /// The answer is none to this question.
    #[error("the answer to `{key}` is not valid: {why}")]
    InvalidAnswer {
        /// Which question.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nobody answered in time.
    #[error("nobody answered the question `{key}` in time (question_timeout_ms)")]
    NeverAnswered {
        /// Which question.
        key: String,
    },
    /// The call was cancelled or has ended.
    #[error("the call ended before the question `{key}` was answered")]
    CallEnded {
        /// Which question.
        key: String,
    },
    /// A mistake of the tool's author: one key stands for two questions in one call.
    #[error("the key `{key}` stands for two different questions in one call; give each a key of its own")]
    KeyReused {
        /// The key.
        key: String,
    },
    /// A mistake of the tool's author: the form can't be shown by clients.
    #[error("the form of `{key}` can't be asked: {why}")]
    BadForm {
        /// Which question.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// What was kept can't be read or written as the type that is asked for.
    #[error("what `{key}` keeps can't be read or written: {why}")]
    BadValue {
        /// Which one.
        key: String,
        /// What is wrong with it.
        why: String,
    },
    /// The call has asked too often.
    #[error("this call has asked {max} times already (question_rounds_max)")]
    TooManyRounds {
        /// How often it may.
        max: u64,
    },
    /// Too many questions are open.
    #[error("{max} questions are open already (questions_per_session_max); ask again later")]
    TooManyQuestions {
        /// How many may be.
        max: usize,
    },
}

impl AskError {
    /// The same as an error of the protocol, for what can't tell a failure in a result.
    #[must_use]
    pub fn into_mcp_error(self) -> McpError {
        let text = self.to_string();
        let kind = match self {
            Self::NotSupported { missing } => {
                let data = json!({ "requiredCapabilities": missing });
                return McpError::new(ErrorKind::MissingCapability, text).with_data(data);
            }
            Self::InvalidAnswer { .. } => ErrorKind::InvalidParams,
            _ => ErrorKind::Internal,
        };
        McpError::new(kind, text)
    }
}

impl From<AskError> for McpError {
    fn from(error: AskError) -> Self {
        error.into_mcp_error()
    }
}
