//! A task's tool at work: on the lane where the task was made, past the request that asked for it.

use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use impresario_codec::{DecodeLimits, Message};
use impresario_protocol::{ErrorKind, Id, McpError, Notification, Outcome, ProgressToken, ToolResult};

use super::Stage;
use super::era::progress_token;
use super::run_tool::run_tool;
use crate::call::{Call, CallEvent, ClientSource, Ending, Facts};
use crate::caller::Caller;
use crate::question::{Asks, Resumed};
use crate::task_keeper::Keeper;
use crate::tasks::{End, Task};
use crate::tool::Tool;

/// Begins tasks that the process before this one did not finish.
pub(crate) fn begin_again(stage: &Rc<Stage>, tasks: Vec<Arc<Task>>) {
    for task in tasks {
        let tool = stage.shared.registry.snapshot().tool(task.tool()).cloned();
        match tool {
            Some(tool) => begin(stage, task, tool),
            // It was there when the house opened; the sweep ends its task when its time is over.
            None => tracing::error!(task = %task.id(), "the tool of a task is gone"),
        }
    }
}

/// Begins a task.
pub(super) fn begin(stage: &Rc<Stage>, task: Arc<Task>, tool: Arc<Tool>) {
    tokio::task::spawn_local(run(Rc::clone(stage), task, tool));
}

/// Whether a task of this tool is run again by the next process when this one ends.
pub(super) fn goes_on_later(stage: &Stage, task: &Task) -> bool {
    let snapshot = stage.shared.registry.snapshot();
    stage.shared.tasks.is_durable()
        && snapshot
            .tool(task.tool())
            .and_then(|tool| tool.task.as_deref())
            .is_some_and(|policy| policy.restart)
}

/// Runs a task to its end.
async fn run(stage: Rc<Stage>, task: Arc<Task>, tool: Arc<Tool>) {
    let tasks = &stage.shared.tasks;
    let goes_on_later = goes_on_later(&stage, &task);
    // What the next process takes up again need not be waited for when the house closes.
    let _running = if goes_on_later { None } else { tasks.enter_running() };
    let ending = loop {
        let ending = run_once(&stage, &task, &tool).await;
        let Some(Ending::Refused(refused)) = &ending else { break ending };
        // No worker was free. The task was accepted, so it waits for one as long as it lives.
        let pause = Duration::from_millis(refused.retry_after_ms.unwrap_or(1_000));
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = stage.shared.closing.over() => break Some(Ending::Failed(McpError::shutting_down())),
        }
    };
    let Some(ending) = ending else { return };
    match end_of(ending) {
        End::Failed(error) if error.kind == ErrorKind::ShuttingDown => {
            if !goes_on_later {
                let text = "the server was shut down before the task had ended";
                tasks.end(&task, End::Failed(McpError::new(ErrorKind::Internal, text))).await;
            }
        }
        end => {
            tasks.end(&task, end).await;
        }
    }
}

/// Runs a task's tool; nothing when the task has ended in another way before.
async fn run_once(stage: &Rc<Stage>, task: &Arc<Task>, tool: &Arc<Tool>) -> Option<Ending> {
    let (keeper, mut due) = Keeper::new();
    let call = match call_for(stage, task, keeper) {
        Ok(call) => Arc::new(call),
        Err(error) => return Some(Ending::Failed(error)),
    };
    if !task.run_by(&call) {
        return None;
    }
    // Its request is as it came; what is refused here was accepted by an earlier process with other rules.
    if let Some(mistakes) = tool.screen(&call) {
        return Some(Ending::Answered(Outcome::Tool(ToolResult::error(mistakes))));
    }
    let remaining = Duration::from_millis(stage.shared.tasks.remaining_ms(task));
    let own = tool.task.as_deref().and_then(|policy| policy.timeout);
    let timeout = own.map_or(remaining, |own| own.min(remaining));
    let token = progress_token(call.message()).ok().flatten();
    run_tool(stage, &call, Arc::clone(tool), timeout);
    let tasks = &stage.shared.tasks;
    loop {
        let event = tokio::select! {
            event = call.next_event() => event,
            Some(wish) = due.next() => {
                if let Some(kept) = call.kept_questions() {
                    tasks.keep(task, kept).await;
                }
                // An error says that the tool does not wait for it any more.
                wish.send(()).ok();
                continue;
            }
        };
        match event {
            CallEvent::Notification(Notification::Progress { progress, total, message, .. }) => {
                let shown = message.clone().unwrap_or_else(|| match total {
                    Some(total) => format!("{progress} of {total}"),
                    None => progress.to_string(),
                });
                let told =
                    token.clone().map(|token| Notification::Progress { token, progress, total, message });
                tasks.tell_progress(task, &shown, told);
            }
            CallEvent::Notification(_) => {}
            CallEvent::Told(_) => tasks.tell_asked(task),
            CallEvent::Ended(ending) => return Some(ending),
        }
    }
}

/// The call that a tool sees: what was asked, freed of the request that asked it.
fn call_for(stage: &Stage, task: &Task, keeper: Keeper) -> Result<Call, McpError> {
    let mut request = Vec::with_capacity(128 + task.request().len());
    request.extend_from_slice(b"{\"jsonrpc\":\"2.0\",\"id\":");
    impresario_codec::write_str(&mut request, task.id());
    request.extend_from_slice(b",\"method\":\"tools/call\",\"params\":");
    request.extend_from_slice(&task.request());
    request.push(b'}');
    let shared = &stage.shared;
    let message = Message::parse(&request, &DecodeLimits::from(&*shared.limits));
    let message = message.map_err(|unreadable| unreadable.error)?;
    let call = Call::new(message, shared.call_limits());
    call.accept(Facts {
        caller: Caller { principal: task.owner().cloned(), ..Caller::default() },
        client: ClientSource::Said(task.client().clone()),
        asks: Asks::InTask(Box::new(Resumed { kept: task.kept(), loose: Vec::new() })),
        // Its progress is the task's message, whether anybody asked for it or not.
        progress_token: Some(ProgressToken(Id::from_text("task"))),
        keeper: Some(keeper),
        ..Facts::default()
    });
    Ok(call)
}

/// How a task ends whose call has ended so.
fn end_of(ending: Ending) -> End {
    match ending {
        Ending::Answered(Outcome::Tool(result)) => End::Completed(Arc::new(result)),
        Ending::Answered(_) | Ending::Rendered(_) | Ending::InputRequired(_) => {
            End::Failed(McpError::internal())
        }
        Ending::Failed(error) | Ending::Refused(error) => End::Failed(error),
        Ending::TimedOut { after } => {
            let text =
                format!("the task did not end within {} ms (its timeout or its ttl)", after.as_millis());
            End::Failed(McpError::new(ErrorKind::Internal, text))
        }
        Ending::Cancelled => End::Cancelled,
    }
}
