//! Who answers the server's questions: a person, a model and a list of folders, in the way a check has told them.
//!
//! It also hears the progress of calls, because the library has one handler for both.
#![expect(deprecated, reason = "sampling and roots are on their way out, but servers may ask for them still")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rmcp::model::{
    ClientCapabilities, ClientConfig, CreateMessageRequestParams, CreateMessageResult, ElicitRequestParams,
    ElicitResult, ElicitationAction, ErrorData, Implementation, ListRootsResult, ProgressNotificationParam,
    Root, SamplingMessage,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ClientHandler, RoleClient};
use serde_json::{Value, json};

pub(crate) const ROOTS: [&str; 2] = ["file:///home/ada/first", "file:///home/ada/second%20folder"];

/// What a client declares.
#[derive(Clone, Copy)]
pub(crate) enum Role {
    /// Nothing.
    Plain,
    /// That it answers every kind of question.
    Answering,
    /// That it answers, and knows tasks.
    WithTasks,
}

impl Role {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Answering => ", answering",
            Self::WithTasks => ", with tasks",
        }
    }

    fn capabilities(self) -> ClientCapabilities {
        let mut declared = json!({});
        if !matches!(self, Self::Plain) {
            declared = json!({"elicitation": {"form": {}, "url": {}}, "sampling": {}, "roots": {}});
        }
        if matches!(self, Self::WithTasks) {
            declared["extensions"] = json!({"io.modelcontextprotocol/tasks": {}});
        }
        serde_json::from_value(declared).expect("the library knows every capability that is written here")
    }
}

#[derive(Default)]
struct State {
    answers: VecDeque<ElicitResult>,
    asked: Vec<String>,
    progress: Vec<f64>,
}

#[derive(Clone)]
pub(crate) struct Person {
    role: Role,
    state: Arc<Mutex<State>>,
}

impl Person {
    pub(crate) fn new(role: Role) -> Self {
        Self { role, state: Arc::default() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What comes next, one answer for each question.
    pub(crate) fn will(&self, answers: impl IntoIterator<Item = ElicitResult>) {
        let mut state = self.state();
        state.answers = answers.into_iter().collect();
        state.asked.clear();
    }

    /// Each question since then: its message, and its form's fields or its page's address in brackets.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.state().asked.clone()
    }

    pub(crate) fn progress(&self) -> Vec<f64> {
        self.state().progress.clone()
    }

    /// The answer to a question that came in a call's or a task's own words.
    pub(crate) fn answer(&self, question: ElicitRequestParams) -> Result<ElicitResult, ErrorData> {
        let asked = match question {
            ElicitRequestParams::FormElicitationParams { message, requested_schema, .. } => {
                let fields: Vec<_> = requested_schema.properties.into_keys().collect();
                format!("{message} [{}]", fields.join(","))
            }
            ElicitRequestParams::UrlElicitationParams { message, url, .. } => format!("{message} [{url}]"),
            _ => return Err(ErrorData::invalid_params("a mode that this client does not know", None)),
        };
        let mut state = self.state();
        state.asked.push(asked);
        let unasked = || ErrorData::internal_error("no check expects this question", None);
        state.answers.pop_front().ok_or_else(unasked)
    }
}

pub(crate) fn accept(content: Value) -> ElicitResult {
    ElicitResult::new(ElicitationAction::Accept).with_content(content)
}

/// What the model says.
pub(crate) fn said_to(prompt: &str) -> String {
    format!("{prompt} 日本語 \"quoted\"")
}

impl ClientHandler for Person {
    fn get_info(&self) -> ClientConfig {
        ClientConfig::new(self.role.capabilities(), Implementation::new("impresario-clients", "1.0.0"))
    }

    async fn on_progress(&self, note: ProgressNotificationParam, _: NotificationContext<RoleClient>) {
        self.state().progress.push(note.progress);
    }

    async fn create_elicitation(
        &self,
        params: ElicitRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<ElicitResult, ErrorData> {
        self.answer(params)
    }

    async fn create_message(
        &self,
        params: CreateMessageRequestParams,
        _: RequestContext<RoleClient>,
    ) -> Result<CreateMessageResult, ErrorData> {
        let first = params.messages.into_iter().next().map(|message| message.content.into_vec());
        let text = first.as_deref().and_then(<[_]>::first).and_then(|block| block.as_text());
        let prompt = text.ok_or_else(|| ErrorData::invalid_params("no text to go on from", None))?;
        let message = SamplingMessage::assistant_text(said_to(&prompt.text));
        Ok(CreateMessageResult::new(message, "a-model".into()))
    }

    async fn list_roots(&self, _: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Ok(ListRootsResult::new(ROOTS.map(Root::new).to_vec()))
    }
}
