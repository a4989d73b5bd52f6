//! A question as a future: asked when it is first polled, withdrawn when it is dropped.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use impresario_protocol::client::{InputRequest, InputResponse};
use serde_json::Value;

use crate::call::Call;
use crate::question::AskError;

/// One question of a call.
#[derive(Debug)]
pub(crate) struct Asking {
    call: Arc<Call>,
    key: String,
    /// Until it is asked.
    question: Option<Box<InputRequest>>,
    /// It is asked and not answered.
    is_open: bool,
}

impl Asking {
    pub(crate) fn new(call: &Arc<Call>, key: &str, question: InputRequest) -> Self {
        let question = Some(Box::new(question));
        Self { call: Arc::clone(call), key: key.into(), question, is_open: false }
    }
}

impl Future for Asking {
    type Output = Result<InputResponse, AskError>;

    fn poll(mut self: Pin<&mut Self>, task: &mut TaskContext<'_>) -> Poll<Self::Output> {
        if let Some(question) = self.question.take() {
            match self.call.ask(&self.key, *question) {
                Ok(Some(answer)) => return Poll::Ready(answer),
                Ok(None) => self.is_open = true,
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        let answer = self.call.poll_answer(&self.key, task);
        self.is_open = answer.is_pending();
        answer
    }
}

impl Drop for Asking {
    fn drop(&mut self) {
        if self.is_open {
            self.call.leave_question(&self.key);
        }
    }
}

/// Something that is being done once. Dropped before it is done, it was not done.
#[derive(Debug)]
pub(super) struct Doing<'c> {
    call: &'c Arc<Call>,
    key: &'c str,
    value: Option<Value>,
}

impl<'c> Doing<'c> {
    pub(super) fn new(call: &'c Arc<Call>, key: &'c str) -> Self {
        Self { call, key, value: None }
    }

    pub(super) fn done(&mut self, value: Value) {
        self.value = Some(value);
    }
}

impl Drop for Doing<'_> {
    fn drop(&mut self) {
        self.call.end_once(self.key, self.value.take());
    }
}
