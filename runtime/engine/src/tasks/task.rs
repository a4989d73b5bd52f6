//! One task: what is known of it, and the only ways in which it changes.
//!
//! An end is claimed first, then made durable, then shown. So nobody ever sees an end that a crash could take
//! back, and of two ends that come together (done, cancelled, too late) one counts.

use std::sync::{Arc, Weak};

use bytes::Bytes;
use impresario_protocol::client::{InputRequest, InputResponse};
use impresario_protocol::{McpError, Notification, TaskInfo, TaskStatus, ToolResult};
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

use super::record::{self, Head, Record};
use super::room::Places;
use super::store::{StoreChange, StoreError};
use crate::call::{Call, CancelReason};
use crate::caller::{Caller, ClientFacts};
use crate::gate::Counter;
use crate::question::{Kept, KeptState, check, invalid_answer};
use crate::task_watch::TaskWatch;

/// How a task ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// The tool came to a result, maybe one that says that it failed.
    Completed(Arc<ToolResult>),
    /// The call came to an error of the protocol.
    Failed(McpError),
    /// It was taken back.
    Cancelled,
}

impl End {
    pub(super) fn status(&self) -> TaskStatus {
        match self {
            Self::Completed(_) => TaskStatus::Completed,
            Self::Failed(_) => TaskStatus::Failed,
            Self::Cancelled => TaskStatus::Cancelled,
        }
    }
}

/// What a task is made from.
#[derive(Debug)]
pub(crate) struct NewTask {
    pub(crate) caller: Caller,
    pub(crate) client: ClientFacts,
    pub(crate) tool: String,
    /// The parameters of the call, as JSON without line breaks.
    pub(crate) request: Bytes,
    pub(crate) ttl_ms: u64,
    /// The calls of the session that it was made in, which stand for the session.
    pub(crate) session: Weak<Counter>,
    /// What was asked and done before the call became a task.
    pub(crate) kept: Option<Kept>,
}

/// One task.
#[derive(Debug)]
pub(crate) struct Task {
    id: Arc<str>,
    /// The principal that it belongs to; none where nobody is authenticated, and then its id is the key.
    owner: Option<Arc<str>>,
    tool: String,
    client: ClientFacts,
    created_ms: u64,
    ttl_ms: u64,
    session: Weak<Counter>,
    places: Places,
    state: Mutex<State>,
    /// Held while a change of it is on its way to the store, so that an older one never follows a newer one.
    storing: tokio::sync::Mutex<()>,
    /// Told of every change.
    changed: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    message: Option<String>,
    updated_ms: u64,
    /// Empty once the task has ended.
    request: Bytes,
    /// The call that does it, while one does.
    run: Option<Arc<Call>>,
    /// What it has asked and done, as it is stored.
    kept: Option<Kept>,
    /// Its end, when the store has refused it: it is shown once it is stored.
    unstored: Option<Unstored>,
    /// How far it is, when nobody has been told yet.
    progress: Option<Notification>,
    watches: Vec<Weak<TaskWatch>>,
}

/// What a task says while its end can't be stored.
const UNSTORED: &str = "the task has stopped; how it ended can't be stored yet and is tried again";

/// An end that the store has refused, and what it says to people.
pub(super) type Unstored = (End, Option<String>);

#[derive(Debug)]
enum Phase {
    Running,
    /// Its end is being stored.
    Ending,
    Ended(End),
}

/// A task as it is at one moment.
#[derive(Debug, Clone)]
pub(crate) struct TaskView {
    pub(crate) info: TaskInfo,
    pub(crate) end: Option<End>,
    /// What it waits for, by the tool's keys.
    pub(crate) questions: Vec<(String, Arc<InputRequest>)>,
}

/// Answers that were held against their questions and are still to be stored.
pub(super) struct Fitting {
    run: Arc<Call>,
    pub(super) kept: Kept,
    answers: Vec<(String, InputResponse)>,
}

impl Task {
    pub(super) fn new(id: Arc<str>, new: NewTask, places: Places, now_ms: u64) -> Self {
        let NewTask { caller, client, tool, request, ttl_ms, session, kept } = new;
        let state = State::new(Phase::Running, None, now_ms, request, kept);
        Self {
            id,
            owner: caller.principal,
            tool,
            client,
            created_ms: now_ms,
            ttl_ms,
            session,
            places,
            state: Mutex::new(state),
            storing: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        }
    }

    /// A task as it was stored. One that had not ended has not ended yet.
    pub(super) fn from_record(id: Arc<str>, record: Record, places: Places) -> Self {
        let Record { head, request, result } = record;
        let phase = match (head.status, result, head.error) {
            (TaskStatus::Working | TaskStatus::InputRequired, ..) => Phase::Running,
            (TaskStatus::Completed, Some(result), _) => Phase::Ended(End::Completed(Arc::new(result))),
            (TaskStatus::Failed, _, Some(error)) => Phase::Ended(End::Failed(error.into())),
            (TaskStatus::Completed | TaskStatus::Failed, ..) => {
                Phase::Ended(End::Failed(McpError::internal()))
            }
            (TaskStatus::Cancelled, ..) => Phase::Ended(End::Cancelled),
        };
        let state = State::new(phase, head.message, head.updated_ms, request, head.kept);
        let client = match head.capabilities {
            Some(capabilities) => ClientFacts::new(head.client, capabilities),
            None => ClientFacts::default(),
        };
        Self {
            id,
            owner: head.owner.map(Into::into),
            tool: head.tool,
            client,
            created_ms: head.created_ms,
            ttl_ms: head.ttl_ms,
            session: Weak::new(),
            places,
            state: Mutex::new(state),
            storing: tokio::sync::Mutex::default(),
            changed: Notify::new(),
        }
    }

    pub(crate) fn id(&self) -> &Arc<str> {
        &self.id
    }

    pub(crate) fn tool(&self) -> &str {
        &self.tool
    }

    pub(crate) fn client(&self) -> &ClientFacts {
        &self.client
    }

    pub(crate) fn owner(&self) -> Option<&Arc<str>> {
        self.owner.as_ref()
    }

    pub(super) fn created_ms(&self) -> u64 {
        self.created_ms
    }

    pub(super) fn places(&self) -> &Places {
        &self.places
    }

    /// Whether it may be named to that caller: it belongs to the caller, or to nobody that is known.
    pub(super) fn is_open_to(&self, caller: &Caller) -> bool {
        self.owner == caller.principal
    }

    /// Whether it was made in the session that those calls stand for.
    pub(crate) fn is_of(&self, session: &Arc<Counter>) -> bool {
        std::ptr::eq(self.session.as_ptr(), Arc::as_ptr(session))
    }

    /// When it may be forgotten.
    pub(super) fn expires_ms(&self) -> u64 {
        self.created_ms.saturating_add(self.ttl_ms)
    }

    /// The parameters of the call; empty once the task has ended.
    pub(crate) fn request(&self) -> Bytes {
        self.state.lock().request.clone()
    }

    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.state.lock().phase, Phase::Ended(_))
    }

    /// How it is now.
    pub(crate) fn view(&self, poll_interval_ms: u64) -> TaskView {
        let state = self.state.lock();
        let end = match &state.phase {
            Phase::Ended(end) => Some(end.clone()),
            Phase::Running | Phase::Ending => None,
        };
        // The call tells how it is itself, so that nobody sees a question that has its answer.
        let questions = match (&state.phase, &state.run) {
            (Phase::Running, Some(run)) => run.open_questions(),
            _ => Vec::new(),
        };
        let waits = if questions.is_empty() { TaskStatus::Working } else { TaskStatus::InputRequired };
        let info = TaskInfo {
            id: self.id.to_string(),
            status: end.as_ref().map_or(waits, End::status),
            message: state.unstored.as_ref().map_or(state.message.clone(), |_| Some(UNSTORED.into())),
            created_ms: self.created_ms,
            updated_ms: state.updated_ms,
            ttl_ms: self.ttl_ms,
            poll_interval_ms,
        };
        TaskView { info, end, questions }
    }

    /// Resolves at the next change after this was called and first polled or enabled.
    pub(crate) fn changed(&self) -> Notified<'_> {
        self.changed.notified()
    }

    /// Tells that watch of every change from now on.
    pub(crate) fn add_watch(&self, watch: &Arc<TaskWatch>) {
        let mut state = self.state.lock();
        state.watches.retain(|watch| watch.strong_count() > 0);
        state.watches.push(Arc::downgrade(watch));
    }

    /// That call does it from now on. Says whether it is still to be done.
    pub(crate) fn run_by(&self, call: &Arc<Call>) -> bool {
        let mut state = self.state.lock();
        let is_running = matches!(state.phase, Phase::Running);
        if is_running {
            state.run = Some(Arc::clone(call));
        }
        is_running
    }

    /// What an earlier run has asked and done.
    pub(crate) fn kept(&self) -> Option<Kept> {
        self.state.lock().kept.clone()
    }

    /// Answers to its open questions, held against them; those that nobody waits for are left out. Nothing,
    /// when none is left.
    ///
    /// # Errors
    /// When an answer does not fit its question: then none is taken.
    pub(super) fn fitting(&self, answers: Vec<(String, Value)>) -> Result<Option<Fitting>, McpError> {
        let Some(run) = self.state.lock().run.clone() else { return Ok(None) };
        let Some(mut kept) = run.kept_questions() else { return Ok(None) };
        let questions = run.open_questions();
        let mut fitting = Vec::new();
        for (key, answer) in answers {
            let Some((_, question)) = questions.iter().find(|(open, _)| *open == key) else { continue };
            let answer = check(question, answer).map_err(|why| invalid_answer(&key, &why))?;
            if let Some(record) = kept.records.iter_mut().find(|record| record.key == key) {
                record.state = KeptState::Answered(answer.clone());
            }
            fitting.push((key, answer));
        }
        let is_any = !fitting.is_empty();
        Ok(is_any.then_some(Fitting { run, kept, answers: fitting }))
    }

    /// Keeps what was asked and done as it is to be stored. Says whether the task still runs.
    pub(super) fn keep(&self, kept: Kept) -> bool {
        let mut state = self.state.lock();
        let is_running = matches!(state.phase, Phase::Running);
        if is_running {
            state.kept = Some(kept);
        }
        is_running
    }

    /// Gives answers that are stored to whoever waits for them.
    pub(super) fn give(&self, fitting: Fitting, now_ms: u64) {
        self.state.lock().updated_ms = now_ms;
        for (key, answer) in fitting.answers {
            fitting.run.settle(&key, Ok(answer));
        }
        self.tell();
    }

    /// The call that does it, while one does.
    pub(crate) fn run(&self) -> Option<Arc<Call>> {
        self.state.lock().run.clone()
    }

    /// What it waits for has changed.
    pub(super) fn touch(&self, now_ms: u64) {
        let mut state = self.state.lock();
        if matches!(state.phase, Phase::Running) {
            state.updated_ms = now_ms;
            drop(state);
            self.tell();
        }
    }

    /// Waits until no change of it is on its way to the store, and keeps others from it meanwhile.
    pub(super) async fn storing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.storing.lock().await
    }

    /// What is going on, for people, and for the client that gave a token with the call.
    pub(super) fn set_progress(&self, message: String, progress: Option<Notification>, now_ms: u64) {
        let mut state = self.state.lock();
        if !matches!(state.phase, Phase::Running) {
            return;
        }
        let is_told = progress.is_some();
        state.progress = progress.or(state.progress.take());
        if state.message.as_ref() == Some(&message) {
            drop(state);
            if is_told {
                self.changed.notify_waiters();
            }
            return;
        }
        state.message = Some(message);
        state.updated_ms = now_ms;
        drop(state);
        self.tell();
    }

    /// How far it is, if nobody has been told yet. Nothing once it has ended.
    pub(crate) fn take_progress(&self) -> Option<Notification> {
        self.state.lock().progress.take()
    }

    /// Takes the right to end it. Only one gets it.
    pub(super) fn claim_end(&self) -> bool {
        let mut state = self.state.lock();
        let is_mine = matches!(state.phase, Phase::Running);
        if is_mine {
            state.phase = Phase::Ending;
        }
        is_mine
    }

    /// Shows its end; whoever does this has claimed it.
    pub(super) fn show_end(&self, end: End, message: Option<String>, now_ms: u64) {
        let mut state = self.state.lock();
        debug_assert!(matches!(state.phase, Phase::Ending), "an end is claimed before it is shown");
        state.phase = Phase::Ended(end);
        state.message = message.or(state.message.take());
        state.updated_ms = now_ms;
        (state.request, state.kept) = (Bytes::new(), None);
        (state.unstored, state.progress) = (None, None);
        self.stop(state);
    }

    /// Keeps the end that its store has refused, to be tried again; whoever does this has claimed it.
    pub(super) fn keep_unstored(&self, unstored: Unstored, now_ms: u64) {
        let mut state = self.state.lock();
        debug_assert!(matches!(state.phase, Phase::Ending), "an end is claimed before it is stored");
        (state.unstored, state.progress) = (Some(unstored), None);
        state.updated_ms = now_ms;
        self.stop(state);
    }

    /// Tells that its work is over.
    fn stop(&self, mut state: MutexGuard<'_, State>) {
        let run = state.run.take();
        drop(state);
        self.tell();
        // A run that has ended by itself takes no notice.
        if let Some(run) = run {
            run.cancel(CancelReason::Asked);
        }
    }

    /// Whether it has an end that its store has refused.
    pub(crate) fn is_unstored(&self) -> bool {
        self.state.lock().unstored.is_some()
    }

    /// The end that its store has refused.
    pub(super) fn unstored(&self) -> Option<Unstored> {
        self.state.lock().unstored.clone()
    }

    /// The change that stores it as it will be with that end, or without one as it is.
    pub(super) fn put(&self, end: Option<(&End, Option<&str>, u64)>) -> Result<StoreChange, StoreError> {
        let mut head = Head::new(
            self.tool.clone(),
            self.owner.as_deref().map(Into::into),
            end.map_or(TaskStatus::Working, |(end, ..)| end.status()),
        );
        let state = self.state.lock();
        let (message, updated_ms) = (state.message.clone(), state.updated_ms);
        let request = if end.is_none() { state.request.clone() } else { Bytes::new() };
        head.kept = state.kept.clone().filter(|_| end.is_none());
        drop(state);
        (head.created_ms, head.ttl_ms) = (self.created_ms, self.ttl_ms);
        head.message = end.and_then(|(_, message, _)| message).map(ToOwned::to_owned).or(message);
        head.updated_ms = end.map_or(updated_ms, |(.., now_ms)| now_ms);
        let mut result = None;
        match end {
            None => {
                head.client = self.client.implementation().cloned();
                head.capabilities = self.client.capabilities().cloned();
            }
            Some((End::Completed(completed), ..)) => result = Some(&**completed),
            Some((End::Failed(error), ..)) => head.error = Some(error.into()),
            Some((End::Cancelled, ..)) => {}
        }
        let record = record::write(&head, &request, result)?;
        Ok(StoreChange::Put { id: Arc::clone(&self.id), record })
    }

    fn tell(&self) {
        self.changed.notify_waiters();
        let watches: Vec<_> = self.state.lock().watches.iter().filter_map(Weak::upgrade).collect();
        watches.iter().for_each(|watch| watch.tell(&self.id));
    }
}

impl State {
    fn new(
        phase: Phase,
        message: Option<String>,
        updated_ms: u64,
        request: Bytes,
        kept: Option<Kept>,
    ) -> Self {
        let (run, unstored, progress, watches) = (None, None, None, Vec::new());
        Self { phase, message, updated_ms, request, run, kept, unstored, progress, watches }
    }
}
