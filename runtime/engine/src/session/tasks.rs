//! What is asked about tasks, in the words of both revisions that have them.
//!
//! A call becomes a task where its tool says so and its client knows tasks. 2026-07-28 declares the extension
//! with each request, and the server decides; in 2025-11-25 the client asks for a task with each call.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use impresario_codec::{Message, Node};
use impresario_protocol::task::TASKS_EXTENSION;
use impresario_protocol::{Era, ErrorKind, Limits, McpError, Operation, Outcome, Revision, TaskSupport};
use serde_json::json;

use super::run_tool::run_tool;
use super::{Session, Stage, task_outcome, task_render, task_run};
use crate::call::{Call, CallEvent, CancelReason, ClientSource, Ending, Facts};
use crate::caller::ClientFacts;
use crate::gate::Counter;
use crate::in_flight::InFlight;
use crate::question::{Asks, Kept};
use crate::task_watch::TaskWatch;
use crate::tasks::{End, NewTask, Task, kept_request};
use crate::tool::Tool;

/// Whether a revision has the methods of tasks, and this one.
pub(super) fn is_method(method: &str, revision: Revision) -> bool {
    match (method, revision.era()) {
        ("tasks/get" | "tasks/cancel" | "tasks/update", Era::Modern) => true,
        ("tasks/get" | "tasks/cancel" | "tasks/result" | "tasks/list", Era::Legacy) => {
            revision >= Revision::V2025_11_25
        }
        _ => false,
    }
}

/// What a request asks about tasks; nothing when it is about something else.
pub(super) fn operation_of(message: &Message) -> Option<Result<Operation<'_, Node<'_>>, McpError>> {
    let method = message.method();
    let text = |name: &str| {
        let value = message.param(name).and_then(Node::as_str);
        value.ok_or_else(|| McpError::invalid_params(format!("{method}: params.{name} must be a string")))
    };
    let operation = match method {
        "tasks/get" => text("taskId").map(|id| Operation::GetTask { id }),
        "tasks/cancel" => text("taskId").map(|id| Operation::CancelTask { id }),
        "tasks/result" => text("taskId").map(|id| Operation::TaskResult { id }),
        "tasks/list" => match message.param("cursor") {
            None => Ok(Operation::ListTasks { cursor: None }),
            Some(_) => text("cursor").map(|cursor| Operation::ListTasks { cursor: Some(cursor) }),
        },
        "tasks/update" => text("taskId").and_then(|id| {
            let responses = message.param("inputResponses").filter(|responses| responses.is_object());
            let wrong = || McpError::invalid_params("tasks/update: params.inputResponses must be an object");
            Ok(Operation::UpdateTask { id, responses: responses.ok_or_else(wrong)? })
        }),
        _ => return None,
    };
    Some(operation)
}

/// Whether the client of a call says that it knows tasks.
fn knows_tasks(call: &Call) -> bool {
    declares_tasks(call.client())
}

fn declares_tasks(client: &ClientFacts) -> bool {
    let extensions = client.capabilities().and_then(|capabilities| capabilities.extensions.as_ref());
    extensions.is_some_and(|extensions| extensions.contains_key(TASKS_EXTENSION))
}

fn needs_tasks(what: &str) -> McpError {
    let missing = json!({ "requiredCapabilities": { "extensions": { TASKS_EXTENSION: {} } } });
    let text = format!("{what} needs a client that declares the extension {TASKS_EXTENSION}");
    McpError::new(ErrorKind::MissingCapability, text).with_data(missing)
}

/// The tasks that a listener wants to hear of, of those that are its own; nothing when it names none.
pub(super) fn watched(stage: &Stage, call: &Call, facts: &Facts) -> Result<Option<Arc<TaskWatch>>, McpError> {
    let filter = call.message().param("notifications");
    let Some(ids) = filter.and_then(|filter| filter.get("taskIds")) else { return Ok(None) };
    let wrong = |what: &str| McpError::invalid_params(format!("subscriptions/listen: {what}"));
    let max = Limits::size(stage.shared.limits.subscriptions_per_session_max);
    if !ids.is_array() || !ids.elements().all(|id| id.as_str().is_some()) {
        return Err(wrong("params.notifications.taskIds must be an array of task ids"));
    }
    if ids.len() > max {
        return Err(wrong(&format!("more than {max} tasks (subscriptions_per_session_max)")));
    }
    let client = match &facts.client {
        ClientSource::Said(client) => client.clone(),
        ClientSource::Request(read) => read(call.message()),
    };
    if !declares_tasks(&client) {
        return Err(needs_tasks("listening for tasks"));
    }
    let find = |id: Node<'_>| stage.shared.tasks.find(id.as_str()?, &facts.caller).ok();
    let tasks: Vec<_> = ids.elements().filter_map(find).collect();
    let watch = TaskWatch::new(tasks.iter().map(|task| Arc::clone(task.id())).collect());
    tasks.iter().for_each(|task| task.add_watch(&watch));
    Ok(Some(watch))
}

impl Session {
    /// Whether there are tasks here at all; else there are no methods for them.
    pub(super) fn has_tasks(&self) -> bool {
        self.stage.shared.registry.snapshot().makes_tasks() || !self.stage.shared.tasks.is_empty()
    }

    /// The time to live of the task that a call becomes; nothing when it is a plain call.
    ///
    /// # Errors
    /// When the tool runs only as a task and the client knows none, or the other way round.
    pub(super) fn task_ttl_ms(&self, call: &Call, tool: &Tool) -> Result<Option<u64>, McpError> {
        let policy = tool.task.as_deref();
        let asked = call.message().task();
        if policy.is_none() && asked.is_none() {
            return Ok(None);
        }
        let tasks = &self.stage.shared.tasks;
        let support = policy.map_or(TaskSupport::Never, |policy| policy.support);
        let own_ms = policy.and_then(|policy| policy.ttl_ms);
        let name = &tool.definition.name;
        let refused =
            |what: &str| McpError::new(ErrorKind::MethodNotFound, format!("the tool {name} {what}"));
        let revision = call.facts().dialect.0;
        // A client in this process waits for its calls, and would not outlive them: they run plainly.
        if call.facts().is_in_process {
            return Ok(None);
        }
        match (revision.era(), support) {
            (_, TaskSupport::Never) if revision == Revision::V2025_11_25 && self.has_tasks() => {
                Err(refused("never runs as a task; call it without `task`"))
            }
            (_, TaskSupport::Never) => Ok(None),
            (Era::Modern, _) if knows_tasks(call) => Ok(Some(tasks.ttl_ms(own_ms))),
            (Era::Modern, TaskSupport::Always) => Err(needs_tasks(&format!("the tool {name}"))),
            (Era::Legacy, _) if revision >= Revision::V2025_11_25 && asked.is_some() => {
                let asked_ms = asked.map(asked_ttl_ms).transpose()?.flatten();
                Ok(Some(tasks.ttl_ms(asked_ms.or(own_ms))))
            }
            (Era::Legacy, TaskSupport::Always) => {
                Err(refused("runs only as a task; call it with `task`, as 2025-11-25 has it"))
            }
            (Era::Modern | Era::Legacy, TaskSupport::Optional) => Ok(None),
        }
    }

    /// What a plain call of a tool gets that runs only as a task: as much time as its task would have.
    pub(super) fn timeout_as_task(&self, call: &Call, tool: &Tool) -> Option<Duration> {
        let policy = tool.task.as_deref().filter(|policy| policy.support == TaskSupport::Always)?;
        if !call.facts().is_in_process {
            return None;
        }
        let ttl = Duration::from_millis(self.stage.shared.tasks.ttl_ms(policy.ttl_ms));
        Some(policy.timeout.map_or(ttl, |own| own.min(ttl)))
    }

    /// Makes a task of a call that was let in: now, or when its tool wants to go on as one.
    pub(super) fn start_task(&self, call: &Arc<Call>, tool: Arc<Tool>, ttl_ms: u64, calls: &Arc<Counter>) {
        let new = NewTask {
            caller: call.facts().caller.clone(),
            client: call.client().clone(),
            tool: tool.definition.name.clone(),
            request: kept_request(call.message().params()),
            ttl_ms,
            session: Arc::downgrade(calls),
            kept: brought(call),
        };
        let asks_first = tool.task.as_deref().is_some_and(|policy| policy.asks_first);
        let (stage, call) = (Rc::clone(&self.stage), Arc::clone(call));
        if asks_first && matches!(call.facts().asks, Asks::ByRetry(_)) {
            tokio::task::spawn_local(ask_first(stage, call, tool, new));
        } else {
            tokio::task::spawn_local(make(stage, call, tool, new));
        }
    }

    /// Performs what is asked about a task.
    pub(super) fn perform_on_task(
        &self,
        call: &Arc<Call>,
        operation: &Operation<'_, Node<'_>>,
        calls: &Arc<Counter>,
        in_flight: Option<&Arc<InFlight<Call>>>,
    ) -> Result<(), McpError> {
        let method = call.message().method();
        let dialect = call.facts().dialect;
        if !is_method(method, dialect.0) || !self.has_tasks() {
            return Err(McpError::method_not_found(method));
        }
        if dialect.0.era() == Era::Modern && !knows_tasks(call) {
            return Err(needs_tasks(method));
        }
        let shared = &self.stage.shared;
        let find = |id: &str| shared.tasks.find(id, &call.facts().caller);
        match *operation {
            Operation::GetTask { id } => {
                let view = shared.tasks.view(&*find(id)?);
                call.finish(Ending::Rendered(task_render::state(&view, dialect, &shared.identity)));
            }
            Operation::ListTasks { cursor } => {
                let (tasks, next) = shared.tasks.list(&call.facts().caller, calls, cursor)?;
                let views: Vec<_> = tasks.iter().map(|task| shared.tasks.view(task)).collect();
                let page = task_render::page(&views, next.as_deref(), dialect, &shared.identity);
                call.finish(Ending::Rendered(page));
            }
            Operation::CancelTask { id } => {
                let task = find(id)?;
                self.admit(call, calls, in_flight)?;
                tokio::task::spawn_local(cancel(Rc::clone(&self.stage), Arc::clone(call), task));
            }
            Operation::TaskResult { id } => {
                let task = find(id)?;
                self.admit(call, calls, in_flight)?;
                let is_of_session = task.is_of(calls);
                let wait = task_outcome::wait(Rc::clone(&self.stage), Arc::clone(call), task, is_of_session);
                tokio::task::spawn_local(wait);
            }
            Operation::UpdateTask { id, responses } => {
                let task = find(id)?;
                let answers = responses.members().map(|(key, answer)| (key.to_owned(), answer.to_value()));
                let answers: Vec<_> = answers.collect();
                self.admit(call, calls, in_flight)?;
                let (stage, call) = (Rc::clone(&self.stage), Arc::clone(call));
                tokio::task::spawn_local(async move {
                    call.finish(match stage.shared.tasks.answer(&task, answers).await {
                        Ok(()) => Ending::Answered(Outcome::Done),
                        Err(error) => refusal(error),
                    });
                });
            }
            _ => return Err(McpError::method_not_found(method)),
        }
        Ok(())
    }
}

/// Makes a task, and begins it. The call is answered once the task is durable.
async fn make(stage: Rc<Stage>, call: Arc<Call>, tool: Arc<Tool>, new: NewTask) {
    let tasks = &stage.shared.tasks;
    match tasks.create(new).await {
        // The client left before it could know of the task.
        Ok(task) if call.is_ended() => tasks.forget(&task).await,
        Ok(task) => {
            let view = tasks.view(&task);
            let made = task_render::created(&view.info, call.facts().dialect, &stage.shared.identity);
            call.finish(Ending::Rendered(made));
            task_run::begin(&stage, task, tool);
        }
        Err(error) => call.finish(refusal(error)),
    }
}

/// Runs a tool plainly until it wants to go on as a task, if it ever does.
async fn ask_first(stage: Rc<Stage>, call: Arc<Call>, tool: Arc<Tool>, new: NewTask) {
    let first = Arc::new(Call::before_task(&call));
    run_tool(&stage, &first, Arc::clone(&tool), tool.timeout);
    loop {
        let next = poll_fn(|context| match first.begins_task() {
            true => Poll::Ready(None),
            false => first.poll_event(context).map(Some),
        });
        let next = tokio::select! {
            next = next => next,
            () = poll_fn(|context| call.poll_cancelled(context)) => return first.cancel(CancelReason::Asked),
        };
        match next {
            None => {
                let kept = first.kept_questions();
                first.cancel(CancelReason::Asked);
                return make(stage, call, tool, NewTask { kept, ..new }).await;
            }
            Some(CallEvent::Notification(notification)) => call.notify(notification),
            // Where calls come again with answers, nothing is said on their streams.
            Some(CallEvent::Told(_)) => {}
            Some(CallEvent::Ended(ending)) => return call.finish(ending),
        }
    }
}

/// What a call brings that was asked before it became a task.
fn brought(call: &Call) -> Option<Kept> {
    match &call.facts().asks {
        Asks::ByRetry(Some(resumed)) => resumed.kept.clone(),
        _ => None,
    }
}

/// What a call asks its task to be kept (2025-11-25, basic/utilities/tasks, "Task Parameters").
fn asked_ttl_ms(task: Node<'_>) -> Result<Option<u64>, McpError> {
    let wrong = |what: &str| McpError::invalid_params(format!("tools/call: params.task{what}"));
    if !task.is_object() {
        return Err(wrong(" must be an object"));
    }
    match task.get("ttl") {
        None => Ok(None),
        Some(ttl) if ttl.is_null() => Ok(None),
        Some(ttl) => {
            ttl.as_u64().map(Some).ok_or_else(|| wrong(".ttl must be a whole number of milliseconds"))
        }
    }
}

/// Cancels a task. 2026-07-28 acknowledges that the wish was heard, 2025-11-25 says how the task is now and
/// refuses one that had ended.
async fn cancel(stage: Rc<Stage>, call: Arc<Call>, task: Arc<Task>) {
    let (tasks, dialect) = (&stage.shared.tasks, call.facts().dialect);
    let was_ended = !tasks.end(&task, End::Cancelled).await;
    if dialect.0.era() == Era::Modern {
        return call.finish(Ending::Answered(Outcome::Done));
    }
    // Another end may still be on its way to the store.
    until_ended(&stage, &task).await;
    if task.is_unstored() {
        let text = "the task has stopped, but that can't be stored yet; look at it again later";
        return call.finish(Ending::Failed(McpError::new(ErrorKind::Internal, text)));
    }
    let view = tasks.view(&task);
    if was_ended {
        let status = task_render::status_of(&view, dialect).as_str();
        let text = format!("the task has ended already: it is {status}");
        return call.finish(Ending::Failed(McpError::invalid_params(text)));
    }
    call.finish(Ending::Rendered(task_render::state(&view, dialect, &stage.shared.identity)));
}

/// Resolves when a task has ended or its end can't be stored yet, or the house closes for good.
async fn until_ended(stage: &Stage, task: &Task) {
    let is_over = || task.has_ended() || task.is_unstored();
    while !is_over() && !stage.shared.closing.is_over() {
        let mut changed = std::pin::pin!(task.changed());
        changed.as_mut().enable();
        if !is_over() {
            tokio::select! {
                () = changed => {}
                () = stage.shared.closing.over() => {}
            }
        }
    }
}

fn refusal(error: McpError) -> Ending {
    if error.is_retryable() { Ending::Refused(error) } else { Ending::Failed(error) }
}
