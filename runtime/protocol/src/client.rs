//! What a server can ask of a client while it works on a call: its model, its person, its folders.
//!
//! The question and the answer are the same wherever they travel: as a JSON-RPC request of the server's own in
//! a session, or inside a result that says what is missing, and a second request that brings it
//! (basic/patterns/mrtr).
//!
//! ```
//! use impresario_protocol::client::{InputRequest, RequestedSchema, StringSchema};
//!
//! let form = RequestedSchema::new().require("login", StringSchema::titled("GitHub login"));
//! let question = InputRequest::form("Who are you on GitHub?", form);
//! assert_eq!(question.capability(), "elicitation");
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Id;
use crate::literal::literals;
use crate::method;

pub use elicitation::{
    ElicitAction, ElicitFormParams, ElicitParams, ElicitResult, ElicitUrlParams, FormMode, UrlMode,
};
pub use fields::{
    ArrayType, BooleanSchema, BooleanType, Choice, MultiSelectItems, MultiSelectSchema, NumberSchema,
    NumberType, SingleSelectSchema, StringFormat, StringSchema, StringType, TitledItems,
    TitledMultiSelectSchema, TitledSingleSelectSchema,
};
pub use form::{Fields, ObjectType, PrimitiveSchema, RequestedSchema};
pub use roots::{ListRootsParams, ListRootsResult, Root};
pub use sampling::{
    ContextInclusion, CreateMessageParams, CreateMessageResult, ModelHint, ModelPreferences, SamplingBlock,
    SamplingContent, SamplingMessage, StopReason, ToolChoice, ToolChoiceMode, ToolResultContent,
    ToolResultType, ToolUseContent, ToolUseType,
};

mod elicitation;
mod fields;
mod form;
mod roots;
mod sampling;

literals! {
    /// The version of JSON-RPC that every message names.
    JsonRpc = "2.0";
}

/// A question of the server. As a message of its own it has an envelope; inside a result it has none.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Question<M, P> {
    /// The envelope's version, for a message of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jsonrpc: Option<JsonRpc>,
    /// The envelope's id, for a message of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What is asked.
    pub method: M,
    /// The details.
    pub params: P,
}

impl<M: Default, P> Question<M, P> {
    /// A question without an envelope.
    pub fn new(params: P) -> Self {
        Self { jsonrpc: None, id: None, method: M::default(), params }
    }

    /// The same question as a message of its own.
    #[must_use]
    pub fn with_id(self, id: Id) -> Self {
        Self { jsonrpc: Some(JsonRpc), id: Some(id), ..self }
    }
}

/// A question to the person (client/elicitation).
pub type ElicitRequest = Question<method::Elicit, ElicitParams>;
/// A question to the model (client/sampling).
pub type CreateMessageRequest = Question<method::CreateMessage, CreateMessageParams>;

/// A question for the folders that may be worked in (client/roots). The only one that needs no details.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ListRootsRequest {
    /// The envelope's version, for a message of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jsonrpc: Option<JsonRpc>,
    /// The envelope's id, for a message of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What is asked.
    pub method: method::ListRoots,
    /// The details, of which there are none but metadata.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub params: Option<ListRootsParams>,
}

/// One question, of whichever kind.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InputRequest {
    /// To the person.
    Elicit(Box<ElicitRequest>),
    /// To the model.
    CreateMessage(Box<CreateMessageRequest>),
    /// For the folders.
    ListRoots(ListRootsRequest),
}

/// Several questions by names of the server's own, asked at once (basic/patterns/mrtr, "Input Requests").
pub type InputRequests = BTreeMap<String, InputRequest>;

impl InputRequest {
    /// A form for the person to fill in.
    pub fn form(message: impl Into<String>, requested_schema: RequestedSchema) -> Self {
        let form =
            ElicitFormParams { message: message.into(), requested_schema, ..ElicitFormParams::default() };
        Self::Elicit(Box::new(ElicitRequest::new(ElicitParams::Form(form))))
    }

    /// A page for the person to go to.
    pub fn url(message: impl Into<String>, url: impl Into<String>) -> Self {
        let page = ElicitUrlParams { message: message.into(), url: url.into(), ..ElicitUrlParams::default() };
        Self::Elicit(Box::new(ElicitRequest::new(ElicitParams::Url(page))))
    }

    /// Messages for the model to go on from.
    #[must_use]
    pub fn sample(params: CreateMessageParams) -> Self {
        Self::CreateMessage(Box::new(CreateMessageRequest::new(params)))
    }

    /// The folders that may be worked in.
    #[must_use]
    pub fn roots() -> Self {
        Self::ListRoots(ListRootsRequest::default())
    }

    /// The method's name on the wire.
    #[must_use]
    pub fn method(&self) -> &'static str {
        match self {
            Self::Elicit(_) => method::Elicit::WORD,
            Self::CreateMessage(_) => method::CreateMessage::WORD,
            Self::ListRoots(_) => method::ListRoots::WORD,
        }
    }

    /// The capability without which a client can't be asked this.
    #[must_use]
    pub fn capability(&self) -> &'static str {
        match self {
            Self::Elicit(_) => "elicitation",
            Self::CreateMessage(_) => "sampling",
            Self::ListRoots(_) => "roots",
        }
    }
}

/// One answer, of whichever kind: told apart by the members that each kind must have.
///
/// What was asked decides what an answer has to be; an answer of another kind than its question is a mistake
/// of the client. Like every derived type it also reads an array of its members: whoever takes an answer from
/// a client checks first that it is an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum InputResponse {
    /// From the person.
    Elicit(ElicitResult),
    /// From the model.
    CreateMessage(Box<CreateMessageResult>),
    /// The folders.
    ListRoots(ListRootsResult),
}

/// The answers to several questions, by the names of the questions.
pub type InputResponses = BTreeMap<String, InputResponse>;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_question_is_the_same_with_and_without_an_envelope() {
        let bare = ElicitRequest::new(ElicitParams::Url(ElicitUrlParams::default()));
        let written = serde_json::to_value(&bare).unwrap();
        assert!(written.get("id").is_none() && written.get("jsonrpc").is_none(), "{written}");
        let enveloped = serde_json::to_value(bare.clone().with_id(Id::from(7_i64))).unwrap();
        assert_eq!((&enveloped["jsonrpc"], &enveloped["id"]), (&json!("2.0"), &json!(7)));
        assert_eq!(enveloped["params"], written["params"]);
    }

    #[test]
    fn questions_and_answers_are_told_apart() {
        let messages = vec![SamplingMessage::user("hello")];
        let questions = [
            InputRequest::form("m", RequestedSchema::new()),
            InputRequest::url("m", "https://example.com"),
            InputRequest::sample(CreateMessageParams::new(messages, 10)),
            InputRequest::roots(),
        ];
        for question in questions {
            let written = serde_json::to_value(&question).unwrap();
            assert_eq!(written["method"], question.method());
            assert_eq!(serde_json::from_value::<InputRequest>(written).unwrap(), question);
        }
        let answer = |json| serde_json::from_value::<InputResponse>(json).ok();
        assert!(matches!(answer(json!({ "action": "decline" })), Some(InputResponse::Elicit(_))));
        assert!(matches!(answer(json!({ "roots": [] })), Some(InputResponse::ListRoots(_))));
        assert_eq!(answer(json!({ "action": "maybe" })), None);
        assert_eq!(answer(json!({})), None);
    }
}
