//! What a person made of a question.

use impresario_protocol::JsonObject;
use impresario_protocol::client::{ElicitAction, ElicitResult, InputResponse};

use crate::question::AskError;
use crate::tool_error::ToolError;

/// What a person made of a question. Saying no is an answer, not an error.
///
/// ```
/// use impresario_engine::{Elicited, ToolError};
///
/// let answer = Elicited::Accepted(3);
/// assert_eq!(answer.accepted_or("no number, no result").unwrap(), 3);
/// assert_eq!(Elicited::<u8>::Declined.accepted(), None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Elicited<T> {
    /// The form was sent, or the person agreed to go to the page.
    Accepted(T),
    /// The person said no.
    Declined,
    /// The person went away without a choice.
    Cancelled,
}

impl Elicited<JsonObject> {
    pub(super) fn of(key: &str, answer: InputResponse) -> Result<Self, AskError> {
        let InputResponse::Elicit(ElicitResult { action, content, .. }) = answer else {
            return Err(super::of_another_kind(key));
        };
        Ok(match action {
            ElicitAction::Accept => Self::Accepted(content.unwrap_or_default()),
            ElicitAction::Decline => Self::Declined,
            ElicitAction::Cancel => Self::Cancelled,
        })
    }
}

impl<T> Elicited<T> {
    /// What was filled in, if it was.
    #[must_use]
    pub fn accepted(self) -> Option<T> {
        match self {
            Self::Accepted(content) => Some(content),
            Self::Declined | Self::Cancelled => None,
        }
    }

    /// What was filled in; else a failure of the tool with that text.
    ///
    /// # Errors
    /// When the person declined or went away.
    pub fn accepted_or(self, text: impl Into<String>) -> Result<T, ToolError> {
        self.accepted().ok_or_else(|| ToolError::new(text))
    }

    /// Whether the person agreed.
    #[must_use]
    pub fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }

    /// The same answer with other content.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Elicited<U> {
        match self {
            Self::Accepted(content) => Elicited::Accepted(change(content)),
            Self::Declined => Elicited::Declined,
            Self::Cancelled => Elicited::Cancelled,
        }
    }
}
