//! Asking the client, as tools, resources and prompts do it: its person, its model, its folders.
//!
//! One way of writing for every revision. Where there is a session the question goes out as a message and the
//! call waits. Where there is none the call ends, and when the client sends the request again with the answer
//! everything runs from its start: each question that was answered is answered at once, by its key. So what has
//! effects comes after the last question, or into [`Context::once`].

use std::future::Future;

use impresario_protocol::JsonObject;
use impresario_protocol::client::{
    CreateMessageParams, CreateMessageResult, InputRequest, InputResponse, RequestedSchema, Root,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::context::Context;
use crate::question::{AskError, Once};

pub(crate) use asking::Asking;
pub use elicited::Elicited;
pub use form::{Form, FormChoice, FormField, FormProblem};
pub(crate) use wait::run_on_thread;

mod asking;
mod elicited;
mod form;
mod wait;

impl Context {
    /// Asks the person to fill in a form, whose fields are those of `T`. Never for secrets: for those send the
    /// person to a page, by [`Context::elicit_url`].
    ///
    /// # Errors
    /// When there is no answer that could be used; [`AskError`] says why.
    pub async fn elicit<T: Form>(
        &self,
        key: &str,
        message: impl Into<String>,
    ) -> Result<Elicited<T>, AskError> {
        let form = T::requested_schema()
            .map_err(|problem| AskError::BadForm { key: key.into(), why: problem.to_string() })?;
        let content = match self.elicit_form(key, message, form).await? {
            Elicited::Accepted(content) => content,
            Elicited::Declined => return Ok(Elicited::Declined),
            Elicited::Cancelled => return Ok(Elicited::Cancelled),
        };
        let read = serde_json::from_value(Value::Object(content));
        read.map(Elicited::Accepted)
            .map_err(|error| AskError::InvalidAnswer { key: key.into(), why: error.to_string() })
    }

    /// Asks the person to fill in a form. What comes back fits the form.
    ///
    /// # Errors
    /// As [`Context::elicit`].
    pub async fn elicit_form(
        &self,
        key: &str,
        message: impl Into<String>,
        form: RequestedSchema,
    ) -> Result<Elicited<JsonObject>, AskError> {
        let answer = self.ask(key, InputRequest::form(message, form)).await?;
        Elicited::of(key, answer)
    }

    /// Asks the person to go to a page, where what is entered never passes the client: for secrets, payments,
    /// sign-ins. Accepted says that the person agreed to go there, not that anything is done.
    ///
    /// # Errors
    /// As [`Context::elicit`].
    pub async fn elicit_url(
        &self,
        key: &str,
        message: impl Into<String>,
        url: impl Into<String>,
    ) -> Result<Elicited<()>, AskError> {
        let answer = self.ask(key, InputRequest::url(message, url)).await?;
        Ok(Elicited::of(key, answer)?.map(drop))
    }

    /// Tells the client that what its person was sent to a page for is settled, where the revision has a word
    /// for it.
    pub fn url_settled(&self, key: &str) {
        self.call().tell_settled(key);
    }

    /// Asks the client's model to go on from messages.
    ///
    /// # Errors
    /// When there is no answer that could be used; [`AskError`] says why.
    pub async fn sample(
        &self,
        key: &str,
        params: CreateMessageParams,
    ) -> Result<CreateMessageResult, AskError> {
        match self.ask(key, InputRequest::sample(params)).await? {
            InputResponse::CreateMessage(said) => Ok(*said),
            InputResponse::Elicit(_) | InputResponse::ListRoots(_) => Err(of_another_kind(key)),
        }
    }

    /// The folders that the client lets servers work in. A wish, not a fence: the server keeps itself inside.
    ///
    /// # Errors
    /// When there is no answer that could be used; [`AskError`] says why.
    pub async fn list_roots(&self) -> Result<Vec<Root>, AskError> {
        const KEY: &str = "roots";
        match self.ask(KEY, InputRequest::roots()).await? {
            InputResponse::ListRoots(listed) => Ok(listed.roots),
            InputResponse::Elicit(_) | InputResponse::CreateMessage(_) => Err(of_another_kind(KEY)),
        }
    }

    /// Asks a question of any kind.
    ///
    /// # Errors
    /// When there is no answer that could be used; [`AskError`] says why.
    pub async fn ask(&self, key: &str, question: InputRequest) -> Result<InputResponse, AskError> {
        Asking::new(self.call(), key, question).await
    }

    /// Asks several questions at once, and gives the answers in their order.
    ///
    /// # Errors
    /// The first of the errors, when there is one.
    pub async fn ask_all<K: Into<String>>(
        &self,
        questions: impl IntoIterator<Item = (K, InputRequest)>,
    ) -> Result<Vec<InputResponse>, AskError> {
        let asking = |(key, question): (K, InputRequest)| Asking::new(self.call(), &key.into(), question);
        futures_util::future::try_join_all(questions.into_iter().map(asking)).await
    }

    /// Does something once, however often the call is run: its result is kept for the runs that follow.
    ///
    /// The client may still send an older state again, so what must not happen twice under any circumstances
    /// needs a guard of its own.
    ///
    /// # Errors
    /// When the key stands for something else too, or the result can't be kept.
    pub async fn once<T, F>(&self, key: &str, work: F) -> Result<T, AskError>
    where
        T: Serialize + DeserializeOwned,
        F: Future<Output = T>,
    {
        let bad = |error: serde_json::Error| AskError::BadValue { key: key.into(), why: error.to_string() };
        match self.call().begin_once(key)? {
            Once::Done(value) => serde_json::from_value(value).map_err(bad),
            Once::Due => {
                let mut doing = asking::Doing::new(self.call(), key);
                let result = work.await;
                doing.done(serde_json::to_value(&result).map_err(bad)?);
                drop(doing);
                // A task that survives does not do it again, so that is written down before the next step.
                if let Some(keeper) = &self.call().facts().keeper {
                    keeper.keep().await;
                }
                Ok(result)
            }
        }
    }

    /// Waits in a blocking tool for something that this context gives: an answer, or what is done once.
    ///
    /// # Panics
    /// In a tool that runs on a lane, which may never wait: such a tool awaits.
    pub fn wait<F: Future>(&self, future: F) -> F::Output {
        wait::wait(self.call(), future)
    }
}

/// Answers are checked against their questions, so this is a mistake of ours.
fn of_another_kind(key: &str) -> AskError {
    AskError::InvalidAnswer { key: key.into(), why: "it is of another kind than the question".into() }
}
