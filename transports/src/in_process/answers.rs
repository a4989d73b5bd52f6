//! A client in this process that answers what tools ask: for embedders with a person at hand, and for tests.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use impresario_engine::{ClientCapabilities, InputRequired};
use impresario_protocol::client::{InputRequest, InputResponse};
use serde_json::{Map, Value, json};

type Answering = Pin<Box<dyn Future<Output = InputResponse> + Send>>;

/// Answers questions, by what the client says that it can be asked.
#[derive(Clone)]
pub(super) struct Answers {
    capabilities: Value,
    answer: Arc<dyn Fn(String, InputRequest) -> Answering + Send + Sync>,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").field("capabilities", &self.capabilities).finish_non_exhaustive()
    }
}

impl Answers {
    pub(super) fn new<F, Fut>(capabilities: &ClientCapabilities, answer: F) -> Self
    where
        F: Fn(String, InputRequest) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = InputResponse> + Send + 'static,
    {
        let capabilities = serde_json::to_value(capabilities).unwrap_or_default();
        Self { capabilities, answer: Arc::new(move |key, question| Box::pin(answer(key, question))) }
    }

    /// Says with a request what the client can be asked.
    pub(super) fn declare(&self, params: &mut Value) {
        params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = self.capabilities.clone();
    }

    /// The same request with the answers that it needs.
    pub(super) async fn again(&self, mut params: Value, required: InputRequired) -> Value {
        let mut responses = Map::new();
        for (key, question) in required.requests {
            let answer = (self.answer)(key.clone(), InputRequest::clone(&question)).await;
            responses.insert(key, serde_json::to_value(answer).unwrap_or_default());
        }
        params["inputResponses"] = Value::Object(responses);
        params["requestState"] = json!(required.state);
        params
    }
}
