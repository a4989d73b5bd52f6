//! Tasks: calls that outlive their request. The table of them all, and what makes them durable.
//!
//! A task is made durable before anybody learns its id, and so is its end before anybody sees it. What is shown
//! stands in memory, bounded by `tasks_max` and `task_bytes_max`; the store is read once, at the start.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use dashmap::DashMap;
use impresario_protocol::{ErrorKind, Limits, McpError, Notification, ToolResult};
use serde_json::Value;

use crate::caller::Caller;
use crate::gate::{Counter, Entry};
use crate::question::Kept;
use crate::result_size::size_of_result;

use clock::Clock;
use room::Room;
use task::Unstored;
use writer::Writer;

pub(crate) use clock::iso8601;
pub use store::{MemoryStore, StoreChange, StoreError, TaskStore};
pub(crate) use task::{End, NewTask, Task, TaskView};

mod clock;
mod record;
mod room;
mod store;
mod task;
mod writer;

/// How much of a progress message a task shows.
const MESSAGE_CHARS_MAX: usize = 512;

/// Every task there is.
#[derive(Debug)]
pub struct TaskTable {
    by_id: DashMap<Arc<str>, Arc<Task>, ahash::RandomState>,
    room: Room,
    clock: Clock,
    writer: Writer,
    limits: Arc<Limits>,
    /// Tasks that run and would be lost if the house closed now.
    running: Arc<Counter>,
}

/// Why tasks can't be kept.
#[derive(Debug, thiserror::Error)]
pub enum TaskStoreError {
    /// The store can't be read.
    #[error("read the task store: {0}")]
    Store(#[from] StoreError),
    /// The operating system gives no thread for it.
    #[error("start the thread of the task store: {0}")]
    Thread(#[from] std::io::Error),
}

impl TaskTable {
    /// The table of what that store holds. Tasks that had not ended go on where `goes_on` says so of their tool,
    /// and come back to be begun again; the others have failed.
    ///
    /// # Errors
    /// When the store can't be read or written.
    pub(crate) fn open(
        limits: &Arc<Limits>,
        store: Option<Arc<dyn TaskStore>>,
        goes_on: impl Fn(&str) -> bool,
    ) -> Result<(Self, Vec<Arc<Task>>), TaskStoreError> {
        let (room, clock, by_id) = (Room::new(limits), Clock::start(), DashMap::default());
        let (mut unfinished, mut changes) = (Vec::new(), Vec::new());
        if let Some(store) = &store {
            let now_ms = clock.now_ms();
            for task in read_all(&**store, &room)? {
                if task.expires_ms() <= now_ms {
                    changes.push(StoreChange::Remove { id: Arc::clone(task.id()) });
                    continue;
                }
                if !task.has_ended() && goes_on(task.tool()) {
                    unfinished.push(Arc::clone(&task));
                } else if !task.has_ended() {
                    changes.push(fail_interrupted(&task, now_ms)?);
                }
                by_id.insert(Arc::clone(task.id()), task);
            }
            if !changes.is_empty() {
                store.commit(&changes)?;
            }
        }
        let writer = Writer::start(store)?;
        let table = Self { by_id, room, clock, writer, limits: Arc::clone(limits), running: Arc::default() };
        Ok((table, unfinished))
    }

    /// Makes a task. When this returns it is durable.
    ///
    /// # Errors
    /// Overloaded at a limit; an internal error when it can't be stored.
    pub(crate) async fn create(&self, new: NewTask) -> Result<Arc<Task>, McpError> {
        let places = self.room.enter(&new.caller, new.request.len())?;
        let task = Arc::new(Task::new(new_id(), new, places, self.clock.now_ms()));
        if let Err(error) = self.store(&task, None).await {
            tracing::error!(%error, tool = task.tool(), "a task can't be stored; its call is refused");
            return Err(McpError::new(ErrorKind::Internal, "the task can't be stored; nothing was executed"));
        }
        self.by_id.insert(Arc::clone(task.id()), Arc::clone(&task));
        tracing::debug!(task = %task.id(), tool = task.tool(), "a task was made");
        Ok(task)
    }

    /// The task of that id, if it is that caller's.
    ///
    /// # Errors
    /// When there is none, it has expired, or it belongs to somebody else: the three look alike.
    pub(crate) fn find(&self, id: &str, caller: &Caller) -> Result<Arc<Task>, McpError> {
        let task = self.get(id).filter(|task| task.is_open_to(caller));
        task.ok_or_else(|| {
            McpError::invalid_params("task not found: there is none of that id, or it has expired")
        })
    }

    /// The task of that id, whoever's it is.
    pub(crate) fn get(&self, id: &str) -> Option<Arc<Task>> {
        let task = self.by_id.get(id).map(|task| Arc::clone(&task))?;
        (task.expires_ms() > self.clock.now_ms()).then_some(task)
    }

    /// One page of a caller's tasks, oldest first, and where the next one begins. Without authentication these
    /// are the tasks of its session: whose the others are nobody knows.
    ///
    /// # Errors
    /// When the cursor is none of ours.
    pub(crate) fn list(
        &self,
        caller: &Caller,
        session: &Arc<Counter>,
        cursor: Option<&str>,
    ) -> Result<(Vec<Arc<Task>>, Option<String>), McpError> {
        let after = cursor.map(|cursor| read_cursor(cursor).ok_or_else(bad_cursor)).transpose()?;
        let now_ms = self.clock.now_ms();
        let is_listed = |task: &Task| {
            task.is_open_to(caller)
                && (caller.principal.is_some() || task.is_of(session))
                && task.expires_ms() > now_ms
        };
        let mut tasks: Vec<_> = self
            .by_id
            .iter()
            .filter(|task| is_listed(task))
            .map(|task| Arc::clone(&task))
            .filter(|task| after.as_ref().is_none_or(|after| place_of(task) > (after.0, &after.1)))
            .collect();
        tasks.sort_unstable_by(|one, other| place_of(one).cmp(&place_of(other)));
        let per_page = Limits::size(self.limits.page_items_max);
        let has_more = tasks.len() > per_page;
        tasks.truncate(per_page);
        let next = tasks.last().filter(|_| has_more).map(|last| write_cursor(last));
        Ok((tasks, next))
    }

    /// How a task is now.
    pub(crate) fn view(&self, task: &Task) -> TaskView {
        task.view(self.limits.task_poll_interval_ms)
    }

    /// How long that task may still take, in milliseconds.
    pub(crate) fn remaining_ms(&self, task: &Task) -> u64 {
        task.expires_ms().saturating_sub(self.clock.now_ms())
    }

    /// The time to live of a new task: what is asked for, within the limits.
    pub(crate) fn ttl_ms(&self, asked_ms: Option<u64>) -> u64 {
        let longest = self.limits.task_ttl_max_ms;
        let shortest = self.limits.task_poll_interval_ms.min(longest);
        asked_ms.unwrap_or(self.limits.task_ttl_ms).clamp(shortest, longest)
    }

    /// What a task's tool says of how far it is: to people, and to the client if it has given a token for that.
    pub(crate) fn tell_progress(&self, task: &Task, message: &str, progress: Option<Notification>) {
        let shown = message.chars().take(MESSAGE_CHARS_MAX).collect();
        task.set_progress(shown, progress, self.clock.now_ms());
    }

    /// Keeps what a task has asked and done so far. When this returns it is durable, unless the store refuses it.
    pub(crate) async fn keep(&self, task: &Task, kept: Kept) {
        let _storing = task.storing().await;
        if task.keep(kept)
            && let Err(error) = self.store(task, None).await
        {
            tracing::error!(%error, task = %task.id(), "what a task has done once can't be stored; after a crash it may be done again");
        }
    }

    /// Gives a task answers to what it asks. When this returns they are durable. Those that nobody waits for are
    /// ignored.
    ///
    /// # Errors
    /// When one does not fit its question, or they can't be stored: then none is taken.
    pub(crate) async fn answer(&self, task: &Task, answers: Vec<(String, Value)>) -> Result<(), McpError> {
        let _storing = task.storing().await;
        let Some(fitting) = task.fitting(answers)? else { return Ok(()) };
        if !task.keep(fitting.kept.clone()) {
            return Ok(());
        }
        if let Err(error) = self.store(task, None).await {
            tracing::error!(%error, task = %task.id(), "answers to a task can't be stored and are refused");
            return Err(McpError::new(
                ErrorKind::Internal,
                "the answers can't be stored; send them again later",
            ));
        }
        task.give(fitting, self.clock.now_ms());
        Ok(())
    }

    /// What a task waits for has changed.
    pub(crate) fn tell_asked(&self, task: &Task) {
        task.touch(self.clock.now_ms());
    }

    /// Ends a task. Of several ends the first counts; says whether it was this one. When this returns it is
    /// durable and can be seen; while the store refuses it, it is kept and tried again, and nobody sees it.
    pub(crate) async fn end(&self, task: &Task, end: End) -> bool {
        if !task.claim_end() {
            return false;
        }
        let _storing = task.storing().await;
        let end = self.fitted(task, end);
        if let Err((end, error)) = self.store_end(task, end).await {
            tracing::error!(%error, task = %task.id(), "the end of a task can't be stored; it is tried again");
            task.keep_unstored(end, self.clock.now_ms());
        }
        true
    }

    /// Stores an end that was claimed, and shows it. Gives it back when the store refuses it.
    async fn store_end(&self, task: &Task, (end, message): Unstored) -> Result<(), (Unstored, StoreError)> {
        let now_ms = self.clock.now_ms();
        if let Err(error) = self.store(task, Some((&end, message.as_deref(), now_ms))).await {
            return Err(((end, message), error));
        }
        tracing::debug!(task = %task.id(), tool = task.tool(), status = end.status().as_str(), "a task has ended");
        task.show_end(end, message, now_ms);
        Ok(())
    }

    /// Stores a task as it will be with that end, or without one as it is.
    async fn store(&self, task: &Task, end: Option<(&End, Option<&str>, u64)>) -> Result<(), StoreError> {
        self.writer.write(task.put(end)?).await
    }

    /// The end as it can be kept, and what it says to people.
    fn fitted(&self, task: &Task, end: End) -> Unstored {
        let size_of = |result: &ToolResult| size_of_result(result);
        let too_large = |size: usize, limit: &str, max: u64| {
            let text =
                format!("the result takes {size} bytes and does not fit into {max} ({limit}); ask for less");
            End::Completed(Arc::new(ToolResult::error(text)))
        };
        match end {
            End::Completed(result) => {
                let (size, max) = (size_of(&result), self.limits.task_result_bytes_max);
                if size > Limits::size(max) {
                    return (too_large(size, "task_result_bytes_max", max), None);
                }
                if !task.places().hold(size) {
                    return (too_large(size, "task_bytes_max", self.limits.task_bytes_max), None);
                }
                (End::Completed(result), None)
            }
            End::Failed(error) => {
                let message = error.message.clone().into_owned();
                task.places().hold(message.len());
                (End::Failed(error), Some(message))
            }
            End::Cancelled => {
                task.places().hold(0);
                (End::Cancelled, Some("the task was cancelled".into()))
            }
        }
    }

    /// Removes a task that nobody has heard of.
    pub(crate) async fn forget(&self, task: &Task) {
        self.by_id.remove(task.id());
        self.remove_stored(task).await;
    }

    /// Forgets the tasks whose time is over, and stores and shows ends that could not be stored before. Called now
    /// and then.
    pub(crate) async fn sweep(&self) {
        let now_ms = self.clock.now_ms();
        let is_due = |task: &Task| task.expires_ms() <= now_ms || task.is_unstored();
        let due: Vec<_> =
            self.by_id.iter().filter(|task| is_due(task)).map(|task| Arc::clone(&task)).collect();
        for task in due {
            if task.expires_ms() <= now_ms {
                self.expire(&task, now_ms).await;
            } else {
                self.store_again(&task).await;
            }
        }
        self.room.sweep();
    }

    async fn store_again(&self, task: &Task) {
        let _storing = task.storing().await;
        if let Some(end) = task.unstored()
            && let Err((_, error)) = self.store_end(task, end).await
        {
            tracing::warn!(%error, task = %task.id(), "the end of a task still can't be stored");
        }
    }

    async fn expire(&self, task: &Task, now_ms: u64) {
        tracing::debug!(task = %task.id(), tool = task.tool(), "a task's time is over");
        if task.claim_end() {
            let text = "the task's time to live is over";
            let end = End::Failed(McpError::new(ErrorKind::Internal, text));
            task.show_end(end, Some(text.into()), now_ms);
        } else if let Some((end, message)) = task.unstored() {
            // Its record is worth nothing from now on, so nothing else can come of it.
            task.show_end(end, message, now_ms);
        } else if !task.has_ended() {
            // Its end is being stored: it is removed after that, with the next sweep.
            return;
        }
        self.by_id.remove(task.id());
        self.remove_stored(task).await;
    }

    async fn remove_stored(&self, task: &Task) {
        let _storing = task.storing().await;
        let change = StoreChange::Remove { id: Arc::clone(task.id()) };
        if let Err(error) = self.writer.write(change).await {
            // At the next start it has expired, and goes then.
            tracing::warn!(%error, task = %task.id(), "a task can't be removed from the store");
        }
    }

    /// Whether tasks outlive the process.
    pub(crate) fn is_durable(&self) -> bool {
        self.writer.is_durable()
    }

    /// Counts a task that runs and would be lost if the house closed.
    pub(crate) fn enter_running(&self) -> Option<Entry> {
        self.running.enter(usize::MAX)
    }

    /// How many tasks run that would be lost if the house closed now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.get()
    }

    /// How many tasks there are, ended or not.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Waits until everything is stored, and stores no more.
    pub(crate) async fn close(&self) {
        let unstored: Vec<_> =
            self.by_id.iter().filter(|task| task.is_unstored()).map(|task| Arc::clone(&task)).collect();
        for task in unstored {
            self.store_again(&task).await;
        }
        self.writer.close().await;
    }
}

/// Every task of a store.
fn read_all(store: &dyn TaskStore, room: &Room) -> Result<Vec<Arc<Task>>, StoreError> {
    let (mut tasks, mut unreadable) = (Vec::new(), None);
    store.scan(&mut |id, bytes| match record::read(id, bytes) {
        Ok(record) => {
            let caller =
                Caller { principal: record.head.owner.as_deref().map(Into::into), ..Caller::default() };
            if let Some(places) = room.enter_again(&caller, bytes.len()) {
                tasks.push(Arc::new(Task::from_record(id.into(), record, places)));
            }
        }
        Err(error) => unreadable = Some(error),
    })?;
    unreadable.map_or(Ok(tasks), Err)
}

/// A task that ran when the process ended, and is not to be run again.
fn fail_interrupted(task: &Task, now_ms: u64) -> Result<StoreChange, StoreError> {
    let text = "the server stopped while the task ran, and its tool does not say that it may be run again";
    let end = End::Failed(McpError::new(ErrorKind::Internal, text));
    task.claim_end();
    let change = task.put(Some((&end, Some(text), now_ms)))?;
    task.show_end(end, Some(text.into()), now_ms);
    Ok(change)
}

/// Where a task stands in a list: by age, and by id where two are of one age.
fn place_of(task: &Task) -> (u64, &str) {
    (task.created_ms(), task.id())
}

fn write_cursor(last: &Task) -> String {
    let (created_ms, id) = place_of(last);
    URL_SAFE_NO_PAD.encode(format!("tasks:{created_ms}:{id}"))
}

fn read_cursor(cursor: &str) -> Option<(u64, String)> {
    let text = String::from_utf8(URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()?;
    let (created_ms, id) = text.strip_prefix("tasks:")?.split_once(':')?;
    Some((created_ms.parse().ok()?, id.to_owned()))
}

fn bad_cursor() -> McpError {
    McpError::invalid_params("invalid cursor; start again without one")
}

/// 192 random bits from the operating system, in letters, digits, `-` and `_`: who does not know an id does not
/// guess it.
fn new_id() -> Arc<str> {
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(random).into()
}

/// The parameters of a request, as a task keeps them.
pub(crate) fn kept_request(params: Option<impresario_codec::Node<'_>>) -> Bytes {
    let mut json = Vec::new();
    match params {
        Some(params) => params.write_json(&mut json),
        None => json.extend_from_slice(b"{}"),
    }
    json.into()
}

#[cfg(test)]
mod tests;
