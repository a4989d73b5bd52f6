//! One request under way: what was asked, by whom, and where its answer goes.
//!
//! A [`Call`] is shared by three sides. The transport that received it polls it for notifications and the
//! ending; the worker that does it finishes it; whoever may cancel it does so. It ends exactly once: the
//! first ending wins, later ones are dropped, and nothing is sent after it.

use std::collections::VecDeque;
use std::fmt;
use std::future::poll_fn;
use std::sync::{Arc, OnceLock};
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use impresario_codec::{Document, Message, Node};
use impresario_protocol::{Id, LogLevel, McpError, Notification, Outcome, ProgressToken};

use crate::caller::{Caller, ClientFacts};
use crate::dialect::Dialect;
use crate::gate::Permit;
use crate::hub::Subscriber;
use crate::in_flight::InFlight;
use crate::question::{Asked, Asks, InputRequired, Told};
use crate::sync::{AtomicBool, Mutex, Ordering};
use crate::task_keeper::Keeper;
use crate::task_watch::TaskWatch;

use progress::Progress;

mod on_behalf;
mod progress;
mod questions;
mod spare;

/// How a call ended. They are told apart in replies, audit and metrics.
#[derive(Debug, Clone)]
pub enum Ending {
    /// It ran to its end; a tool that failed is such an outcome too.
    Answered(Outcome),
    /// It is a result that was written beforehand, in the call's own dialect, with the brace that ends its
    /// response.
    Rendered(Bytes),
    /// It could not be done: the request was wrong, or we are.
    Failed(McpError),
    /// It was not begun: a queue or a quota was full.
    Refused(McpError),
    /// It ran longer than it may.
    TimedOut {
        /// What it was given.
        after: Duration,
    },
    /// It goes on when the client sends it again with answers.
    InputRequired(Box<InputRequired>),
    /// The client took it back, or left. Nothing is sent.
    Cancelled,
}

/// Why a call is cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CancelReason {
    /// The client said so.
    Asked,
    /// The client closed the stream that the answer was to take.
    Disconnected,
    /// It ran longer than it may.
    TimedOut,
    /// The server's drain window is over.
    Shutdown,
}

/// What a transport gets to send next.
#[derive(Debug)]
pub enum CallEvent {
    /// A message about the call, before its answer.
    Notification(Notification),
    /// A message about a question of the call.
    Told(Told),
    /// The answer; nothing follows.
    Ended(Ending),
}

/// What the session found out about a request when it accepted it.
#[derive(Debug, Default)]
pub struct Facts {
    /// How the answer is to be written.
    pub dialect: Dialect,
    /// Who asks.
    pub caller: Caller,
    /// Where what the client said of itself is to be found.
    pub client: ClientSource,
    /// What the client wants its progress messages to carry; without one there are none.
    pub progress_token: Option<ProgressToken>,
    /// The mildest log messages that the client wants; without one there are none.
    pub log_level: Option<LogLevel>,
    /// The session that the call opened, by the id that the client is to name from now on.
    pub opened_session: Option<Arc<str>>,
    /// For a call that stays open and listens: the changes it is to be told of.
    pub listener: Option<Arc<Subscriber>>,
    /// How the call may ask its client.
    pub asks: Asks<Call>,
    /// The client is in this process.
    pub is_in_process: bool,
    /// What makes durable what the call has done, where it does a task.
    pub(crate) keeper: Option<Keeper>,
    /// The tool may go on as a task when it wants to.
    pub may_begin_task: bool,
    /// For a call that listens: the tasks that it is to be told of.
    pub watch: Option<Arc<TaskWatch>>,
}

/// Where what a client said of itself is to be found.
#[derive(Debug, Clone)]
pub enum ClientSource {
    /// In its handshake, or nowhere.
    Said(ClientFacts),
    /// In the request, where it was checked and is read when somebody asks for it. Few tools do.
    Request(fn(&Message) -> ClientFacts),
}

impl Default for ClientSource {
    fn default() -> Self {
        Self::Said(ClientFacts::default())
    }
}

/// Bounds of what one call may have unsent.
#[derive(Debug, Clone, Copy)]
pub struct CallLimits {
    /// Notifications that wait to be sent; beyond, the oldest go.
    pub notifications_max: usize,
    /// Bytes of them; beyond, the oldest go.
    pub notification_bytes_max: usize,
    /// Progress messages a second, after a burst.
    pub progress_per_second_max: u32,
    /// Questions that may be open.
    pub questions_max: usize,
    /// How often it may ask.
    pub question_rounds_max: u64,
    /// How long a question waits in a session.
    pub question_timeout: Duration,
}

/// One request under way.
pub struct Call {
    source: Source,
    facts: OnceLock<Facts>,
    /// What the client said of itself, once somebody has asked for it.
    client: OnceLock<ClientFacts>,
    /// The arguments in place of the request's, where something was stripped from those. Few calls have any.
    cleaned: OnceLock<Box<Document>>,
    cancelled: AtomicBool,
    limits: CallLimits,
    state: Mutex<State>,
}

/// Where a call's request comes from.
enum Source {
    Message(Message),
    /// Another call asks for the same; this one goes on when that one is taken back.
    Call(Arc<Call>),
}

#[derive(Default)]
struct State {
    /// Unsent notifications, oldest first; at most `limits.notifications_max`.
    notifications: VecDeque<Notification>,
    unsent_bytes: usize,
    ending: Option<Ending>,
    /// The ending was set: nothing more is taken.
    ended: bool,
    /// The side that sends: woken by every notification and by the ending.
    reader: Option<Waker>,
    /// Tasks of the tool that wait for a cancellation.
    cancel_wakers: Vec<Waker>,
    /// The tool has asked to be told of a cancellation, so it gets time to clean up.
    watches_cancel: bool,
    /// Given back the moment the call ends.
    permit: Option<Permit>,
    /// Where the call stands under its id; it is taken out the moment it ends.
    listed_in: Option<Arc<InFlight<Call>>>,
    progress: Progress,
    /// The tool wants the stream closed that its answer is to take.
    closes_stream: bool,
    /// What the call has asked its client; few calls do.
    asked: Option<Box<Asked>>,
    /// Its tool wants to go on as a task.
    begins_task: bool,
}

impl Call {
    /// A call for a message that has just arrived.
    #[must_use]
    pub fn new(message: Message, limits: CallLimits) -> Self {
        Self::from_source(Source::Message(message), OnceLock::new(), limits)
    }

    /// Forgets what was asked but for its id. A listener is there for days and needs no more of its request.
    pub(crate) fn forget_parts(&mut self) {
        if let Source::Message(message) = &mut self.source {
            *message = std::mem::replace(message, Message::vacant()).into_id_alone();
        }
    }

    fn from_source(source: Source, facts: OnceLock<Facts>, limits: CallLimits) -> Self {
        let (client, cleaned) = (OnceLock::new(), OnceLock::new());
        let cancelled = AtomicBool::new(false);
        Self { source, facts, client, cleaned, cancelled, limits, state: Mutex::default() }
    }

    /// The request itself.
    #[must_use]
    pub fn message(&self) -> &Message {
        match &self.source {
            Source::Message(message) => message,
            Source::Call(other) => other.message(),
        }
    }

    /// The request's id.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        self.message().id()
    }

    /// What the session found out about it. Before it was accepted: nothing known.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        static UNKNOWN: OnceLock<Facts> = OnceLock::new();
        self.facts.get().unwrap_or_else(|| UNKNOWN.get_or_init(Facts::default))
    }

    /// What the client said of itself.
    #[must_use]
    pub fn client(&self) -> &ClientFacts {
        match &self.facts().client {
            ClientSource::Said(client) => client,
            ClientSource::Request(read) => self.client.get_or_init(|| read(self.message())),
        }
    }

    /// The arguments of the request, when it has any, without what the tool's rules strip from them.
    #[must_use]
    pub fn arguments(&self) -> Option<Node<'_>> {
        match (&self.source, self.cleaned.get()) {
            (_, Some(cleaned)) => Some(cleaned.root()),
            (Source::Message(message), None) => message.param("arguments"),
            (Source::Call(other), None) => other.arguments(),
        }
    }

    /// Puts other arguments in the place of the request's. Done once, before the tool sees them.
    pub(crate) fn clean_arguments(&self, cleaned: Document) {
        let first = self.cleaned.set(Box::new(cleaned));
        debug_assert!(first.is_ok(), "arguments are cleaned once");
    }

    /// Writes down what the session found out. Done once, before the call is submitted.
    pub(crate) fn accept(&self, facts: Facts) {
        let first = self.facts.set(facts);
        debug_assert!(first.is_ok(), "a call is accepted once");
    }

    /// Lists the call under its id, where there is a table, and keeps its permit and its place there until it ends.
    ///
    /// # Errors
    /// When that id is in flight already.
    pub(crate) fn hold(
        self: &Arc<Self>,
        permit: Permit,
        table: Option<&Arc<InFlight<Self>>>,
    ) -> Result<(), McpError> {
        // Whoever finds the call in the table may end it at once, and must find there what is to be given back.
        let mut state = self.state.lock();
        debug_assert!(!state.ended, "a call is admitted before anybody could end it");
        if let (Some(table), Some(id)) = (table, self.id()) {
            table.enter(id, self)?;
        }
        state.permit = Some(permit);
        state.listed_in = table.cloned();
        Ok(())
    }

    /// Ends the call. The first ending wins.
    pub fn finish(&self, ending: Ending) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        // Given back before the answer can be seen, so that the next request finds the place free.
        state.permit = None;
        if let (Some(table), Some(id)) = (state.listed_in.take(), self.id()) {
            table.forget(id);
        }
        state.ended = true;
        state.ending = Some(ending);
        let reader = state.reader.take();
        let mut watchers = std::mem::take(&mut state.cancel_wakers);
        let asked = state.asked.as_deref_mut();
        if let Some(asked) = asked {
            self.end_questions(asked, &mut watchers);
        }
        drop(state);
        for waker in watchers.into_iter().chain(reader) {
            waker.wake();
        }
    }

    /// Asks whoever does the call to stop. An asked-for or disconnected call ends at once, so that nothing
    /// is sent any more; the worker notices and stops.
    pub fn cancel(&self, reason: CancelReason) {
        self.cancelled.store(true, Ordering::Release);
        let watchers = std::mem::take(&mut self.state.lock().cancel_wakers);
        for waker in watchers {
            waker.wake();
        }
        match reason {
            CancelReason::Asked | CancelReason::Disconnected => self.finish(Ending::Cancelled),
            CancelReason::Shutdown => self.finish(Ending::Failed(McpError::shutting_down())),
            CancelReason::TimedOut => {}
        }
    }

    /// Whether the call was cancelled or ran out of time.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    /// Whether the call has an ending already.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.state.lock().ended
    }

    /// Whether the tool watches for a cancellation itself.
    #[must_use]
    pub(crate) fn watches_cancel(&self) -> bool {
        self.state.lock().watches_cancel
    }

    /// Resolves when the call is cancelled, for the worker that does it.
    pub(crate) fn poll_cancelled(&self, task: &mut TaskContext<'_>) -> Poll<()> {
        if self.is_cancelled() {
            return Poll::Ready(());
        }
        let mut state = self.state.lock();
        if !state.cancel_wakers.iter().any(|waker| waker.will_wake(task.waker())) {
            state.cancel_wakers.push(task.waker().clone());
        }
        drop(state);
        if self.is_cancelled() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Resolves when the call is cancelled, for a tool that wants to clean up.
    pub(crate) async fn cancelled(&self) {
        self.state.lock().watches_cancel = true;
        poll_fn(|task| self.poll_cancelled(task)).await;
    }

    /// Queues a notification about the call. When too many are unsent the oldest goes: a reader that falls
    /// behind sees the newest.
    pub(crate) fn notify(&self, notification: Notification) {
        let mut state = self.state.lock();
        let per_second_max = self.limits.progress_per_second_max;
        if state.ended || !state.progress.admits(&notification, per_second_max) {
            return;
        }
        let bytes = notification.size();
        if bytes > self.limits.notification_bytes_max {
            return;
        }
        state.unsent_bytes += bytes;
        state.notifications.push_back(notification);
        while state.notifications.len() > self.limits.notifications_max
            || state.unsent_bytes > self.limits.notification_bytes_max
        {
            state.take_notification();
        }
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Asks the transport to close the stream that the answer is to take, where the client comes back for it.
    pub(crate) fn close_stream(&self) {
        let mut state = self.state.lock();
        state.closes_stream = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// Whether the stream is to be closed. Told once for each time that the tool asks for it.
    #[must_use]
    pub fn takes_close_stream(&self) -> bool {
        std::mem::take(&mut self.state.lock().closes_stream)
    }

    /// The next thing to send, when there is one.
    pub fn poll_event(&self, task: &mut TaskContext<'_>) -> Poll<CallEvent> {
        let mut state = self.state.lock();
        if let Some(notification) = state.take_notification() {
            return Poll::Ready(CallEvent::Notification(notification));
        }
        if let Some(told) = state.asked.as_mut().and_then(|asked| asked.unsent.pop_front()) {
            return Poll::Ready(CallEvent::Told(told));
        }
        if let Some(ending) = state.ending.take() {
            return Poll::Ready(CallEvent::Ended(ending));
        }
        if state.ended {
            // The ending was taken before; there is nothing more to come.
            return Poll::Ready(CallEvent::Ended(Ending::Cancelled));
        }
        match &mut state.reader {
            Some(reader) => reader.clone_from(task.waker()),
            none => *none = Some(task.waker().clone()),
        }
        Poll::Pending
    }

    /// Waits for the next thing to send.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next_event(&self) -> CallEvent {
        poll_fn(|task| self.poll_event(task)).await
    }

    /// Waits for the ending; notifications before it are dropped.
    pub async fn ended(&self) -> Ending {
        loop {
            if let CallEvent::Ended(ending) = self.next_event().await {
                return ending;
            }
        }
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, method) = (self.id(), self.message().method());
        f.debug_struct("Call").field("id", &id).field("method", &method).finish_non_exhaustive()
    }
}

impl State {
    fn take_notification(&mut self) -> Option<Notification> {
        let oldest = self.notifications.pop_front()?;
        self.unsent_bytes -= oldest.size();
        Some(oldest)
    }
}

#[cfg(test)]
mod tests;
