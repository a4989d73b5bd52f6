//! Waiting for a task's outcome, as 2025-11-25 has it: one request that stays open until the task has ended.
//!
//! What the task asks goes out on this request's stream as questions of the session, and what changes is told
//! there, as is its progress when the session is the one that asked for it. A client that goes away and asks again gets the questions again: the first answer counts.

use std::future::poll_fn;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::{AbortHandle, Abortable, abortable};
use futures_util::stream::FuturesUnordered;
use impresario_protocol::client::InputRequest;
use impresario_protocol::task::RELATED_TASK;
use impresario_protocol::{JsonObject, McpError, Notification, Outcome, TaskInfo};
use serde_json::json;

use super::{Stage, task_render, task_run};
use crate::ask::Asking;
use crate::call::{Call, Ending};
use crate::question::{Answered, AskError};
use crate::tasks::{End, Task, TaskView};

/// A question of the task that was passed on, and its key.
type Asked = Pin<Box<dyn Future<Output = (String, Answered)>>>;

/// One request that waits for a task.
struct Waiting {
    stage: Rc<Stage>,
    call: Arc<Call>,
    task: Arc<Task>,
    /// The session is the one that made the task, and knows the progress token that it gave with the call.
    is_of_session: bool,
    told: TaskInfo,
    /// Questions that were passed on, by their keys.
    passed_on: Vec<(String, AbortHandle)>,
    asked: FuturesUnordered<Abortable<Asked>>,
}

/// Answers a call with what came of a task, once it has ended.
pub(super) async fn wait(stage: Rc<Stage>, call: Arc<Call>, task: Arc<Task>, is_of_session: bool) {
    let told = stage.shared.tasks.view(&task).info;
    let (passed_on, asked) = (Vec::new(), FuturesUnordered::new());
    let mut waiting = Waiting { stage, call, task, is_of_session, told, passed_on, asked };
    waiting.until_ended().await;
}

impl Waiting {
    async fn until_ended(&mut self) {
        let (stage, call, task) = (Rc::clone(&self.stage), Arc::clone(&self.call), Arc::clone(&self.task));
        loop {
            let mut changed = std::pin::pin!(task.changed());
            changed.as_mut().enable();
            let view = stage.shared.tasks.view(&task);
            if let Some(end) = &view.end {
                return call.finish(outcome(end, &task));
            }
            self.tell(&view);
            self.pass_on(&view);
            tokio::select! {
                () = changed => {}
                Some(asked) = self.asked.next() => if let Ok((key, answer)) = asked {
                    self.on_answer(&key, answer).await;
                },
                () = poll_fn(|context| call.poll_cancelled(context)) => return,
                () = closing(&stage, &task) => {
                    return call.finish(Ending::Failed(McpError::shutting_down()));
                }
            }
        }
    }

    /// Tells the client how the task is, when that has changed.
    fn tell(&mut self, view: &TaskView) {
        let mut info = view.info.clone();
        info.status = task_render::status_of(view, self.call.facts().dialect);
        if info != self.told {
            self.told = info.clone();
            self.call.notify(Notification::TaskChanged(Box::new(info)));
        }
        // Each message goes out on one stream: whoever waits and is first takes it.
        if self.is_of_session
            && let Some(progress) = self.task.take_progress()
        {
            let task_id = self.task.id().to_string();
            self.call.notify(Notification::OfTask { task_id, told: Box::new(progress) });
        }
    }

    /// Asks the client what the task asks. What is no longer of interest is withdrawn by being dropped.
    fn pass_on(&mut self, view: &TaskView) {
        self.passed_on.retain(|(key, asking)| {
            let is_open = view.questions.iter().any(|(open, _)| open == key);
            if !is_open {
                asking.abort();
            }
            is_open
        });
        for (key, question) in &view.questions {
            if !self.passed_on.iter().any(|(known, _)| known == key) {
                let asking = asking(Arc::clone(&self.call), key.clone(), InputRequest::clone(question));
                let (asking, handle) = abortable(asking);
                self.passed_on.push((key.clone(), handle));
                self.asked.push(asking);
            }
        }
    }

    async fn on_answer(&mut self, key: &str, answer: Answered) {
        let tasks = &self.stage.shared.tasks;
        let answer = match answer {
            // It is stored before the tool gets it.
            Ok(answer) => match serde_json::to_value(&answer) {
                Ok(value) => match tasks.answer(&self.task, vec![(key.to_owned(), value)]).await {
                    Ok(()) => return,
                    Err(error) => Err(AskError::InvalidAnswer { key: key.into(), why: error.to_string() }),
                },
                Err(error) => Err(AskError::InvalidAnswer { key: key.into(), why: error.to_string() }),
            },
            // This request is over; another one may bring the answer.
            Err(AskError::CallEnded { .. }) => return,
            Err(error) => Err(error),
        };
        if let Some(run) = self.task.run() {
            run.settle(key, answer);
            tasks.tell_asked(&self.task);
        }
    }
}

fn asking(call: Arc<Call>, key: String, question: InputRequest) -> Asked {
    Box::pin(async move {
        let answer = Asking::new(&call, &key, question).await;
        (key, answer)
    })
}

/// Resolves when nothing can come of a task in this process any more.
async fn closing(stage: &Stage, task: &Task) {
    if task_run::goes_on_later(stage, task) {
        stage.shared.closing.begun().await;
    } else {
        stage.shared.closing.over().await;
    }
}

/// What the call that became the task would have been answered with.
fn outcome(end: &End, task: &Task) -> Ending {
    match end {
        End::Completed(result) => {
            let mut result = (**result).clone();
            let related = json!({ "taskId": &**task.id() });
            result.meta.get_or_insert_with(JsonObject::new).insert(RELATED_TASK.into(), related);
            Ending::Answered(Outcome::Tool(result))
        }
        End::Failed(error) => Ending::Failed(error.clone()),
        End::Cancelled => Ending::Failed(McpError::invalid_request("the task was cancelled")),
    }
}
