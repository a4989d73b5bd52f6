//! One who wants to hear of changes, and those it has not been told of.
//!
//! It keeps no queue of events: a flag for each list, and each watched resource at most once. However fast things
//! change and however slowly it reads, it holds no more than what it subscribed to, and every change it was not
//! told of is told once.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Weak};
use std::task::{Context as TaskContext, Poll, Waker};

use impresario_protocol::{Limits, ListKind, ListenFilter, McpError, Notification};

use super::topic::{self, Subject};
use super::{Hub, seat};
use crate::sync::Mutex;

/// One thing that can change, and the subscribers that want to hear of it.
pub(crate) type Topic = topic::Topic<Subscriber>;

/// One who wants to hear of changes, and those it has not been told of.
#[derive(Debug)]
pub struct Subscriber {
    key: u64,
    /// Itself, for the topics that it joins later.
    me: Weak<Self>,
    hub: Weak<Hub>,
    lists: Lists,
    /// Locked before the hub's topics.
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    watched: BTreeMap<Arc<str>, Arc<Topic>>,
    /// Lists that have changed since it was last told.
    changed_lists: Lists,
    /// Resources that have changed since it was last told, each once, the first first.
    changed: VecDeque<Arc<Topic>>,
    closed: bool,
    /// Streams that wait; a session may have several, and each change goes to one of them.
    readers: Vec<Reader>,
}

/// A stream that waits for a change.
#[derive(Debug)]
pub(super) struct Reader {
    pub(super) waker: Waker,
    /// The lane that it waits on, which is to wake it.
    pub(super) lane: Option<usize>,
}

/// The three lists that clients are told of, as a set.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Lists(u8);

impl Lists {
    const TOOLS: Self = Self(1);
    const PROMPTS: Self = Self(2);
    const RESOURCES: Self = Self(4);

    fn of(filter: &ListenFilter) -> Self {
        let wishes = [
            (filter.tools, Self::TOOLS),
            (filter.prompts, Self::PROMPTS),
            (filter.resources, Self::RESOURCES),
        ];
        wishes
            .into_iter()
            .filter(|(wanted, _)| *wanted)
            .fold(Self::default(), |lists, (_, list)| lists.and(list))
    }

    fn has(self, list: Self) -> bool {
        self.0 & list.0 != 0
    }

    fn and(self, list: Self) -> Self {
        Self(self.0 | list.0)
    }

    fn without(self, list: Self) -> Self {
        Self(self.0 & !list.0)
    }
}

impl From<ListKind> for Lists {
    fn from(kind: ListKind) -> Self {
        match kind {
            ListKind::Tools => Self::TOOLS,
            ListKind::Prompts => Self::PROMPTS,
            ListKind::Resources | ListKind::Templates => Self::RESOURCES,
        }
    }
}

/// What a subscriber gets to hear next.
#[derive(Debug, PartialEq)]
pub enum Change {
    /// Something changed.
    Notification(Notification),
    /// Nothing more will come.
    Closed,
}

/// What a subscriber gets to hear next, with what all who hear it share.
#[derive(Debug)]
pub(crate) enum Told {
    /// A list changed.
    List(ListKind),
    /// A resource changed.
    Resource(Arc<Topic>),
    /// Nothing more will come.
    Closed,
}

impl From<Told> for Change {
    fn from(told: Told) -> Self {
        match told {
            Told::List(kind) => Self::Notification(Notification::ListChanged(kind)),
            Told::Resource(topic) => {
                Self::Notification(Notification::ResourceUpdated { uri: topic.uri().to_owned() })
            }
            Told::Closed => Self::Closed,
        }
    }
}

impl Subscriber {
    /// One that has joined no topic yet.
    pub(super) fn new(key: u64, hub: &Arc<Hub>, filter: &ListenFilter) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            key,
            me: me.clone(),
            hub: Arc::downgrade(hub),
            lists: Lists::of(filter),
            state: Mutex::default(),
        })
    }

    pub(super) fn key(&self) -> u64 {
        self.key
    }

    /// Also tell it when that resource changes.
    ///
    /// # Errors
    /// When it watches as many as it may, or their URIs are as long as they may be together.
    pub fn watch(&self, uri: &str, limits: &Limits) -> Result<(), McpError> {
        let mut state = self.state.lock();
        if state.watched.contains_key(uri) {
            return Ok(());
        }
        let (uris_max, bytes_max) =
            (limits.subscriptions_per_session_max, limits.subscription_bytes_per_session_max);
        if state.watched.len() >= Limits::size(uris_max) {
            let message = format!("{uris_max} resources are watched already (subscriptions_per_session_max)");
            return Err(McpError::invalid_params(message));
        }
        let bytes: usize = state.watched.keys().map(|uri| uri.len()).sum();
        if bytes + uri.len() > Limits::size(bytes_max) {
            let message = format!(
                "the URIs of all watched resources would take more than {bytes_max} bytes \
                 (subscription_bytes_per_session_max)"
            );
            return Err(McpError::invalid_params(message));
        }
        self.join(&mut state, uri);
        Ok(())
    }

    /// Also tell it when that resource changes, of which its caller has counted how many there are.
    pub(super) fn watch_any(&self, uri: &str) {
        let mut state = self.state.lock();
        if !state.watched.contains_key(uri) {
            self.join(&mut state, uri);
        }
    }

    fn join(&self, state: &mut State, uri: &str) {
        if let (Some(hub), Some(me)) = (self.hub.upgrade(), self.me.upgrade()) {
            let topic = hub.watch(uri, &me);
            if let Subject::Resource(uri) = topic.subject() {
                state.watched.insert(Arc::clone(uri), Arc::clone(&topic));
            }
        }
    }

    /// No longer tell it when that resource changes.
    pub fn unwatch(&self, uri: &str) {
        let mut state = self.state.lock();
        let Some(topic) = state.watched.remove(uri) else { return };
        state.changed.retain(|changed| !Arc::ptr_eq(changed, &topic));
        // Under the lock: who watches it again must not be taken out for having left it before.
        if let Some(hub) = self.hub.upgrade() {
            hub.unwatch(&topic, self.key);
        }
    }

    /// What it wants to hear of.
    #[must_use]
    pub fn filter(&self) -> ListenFilter {
        ListenFilter {
            tools: self.lists.has(Lists::TOOLS),
            prompts: self.lists.has(Lists::PROMPTS),
            resources: self.lists.has(Lists::RESOURCES),
            uris: self.state.lock().watched.keys().map(|uri| uri.as_ref().to_owned()).collect(),
        }
    }

    /// Tells it that nothing more will come.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let readers = std::mem::take(&mut state.readers);
        drop(state);
        readers.into_iter().for_each(|reader| reader.waker.wake());
    }

    /// Something has changed that it asked for. The streams that wait for it are to be woken.
    pub(super) fn mark(&self, topic: &Arc<Topic>) -> Vec<Reader> {
        let mut state = self.state.lock();
        match topic.subject() {
            Subject::List(kind) => state.changed_lists = state.changed_lists.and((*kind).into()),
            Subject::Resource(uri) => {
                let is_watched = state.watched.get(uri).is_some_and(|watched| Arc::ptr_eq(watched, topic));
                if !is_watched {
                    return Vec::new();
                }
                if !state.changed.iter().any(|changed| Arc::ptr_eq(changed, topic)) {
                    state.changed.push_back(Arc::clone(topic));
                }
            }
            Subject::Closing => state.closed = true,
        }
        std::mem::take(&mut state.readers)
    }

    /// The next change it has not been told of.
    pub fn poll_change(&self, task: &mut TaskContext<'_>) -> Poll<Change> {
        self.poll_told(task).map(Change::from)
    }

    /// The next change it has not been told of.
    pub(crate) fn poll_told(&self, task: &mut TaskContext<'_>) -> Poll<Told> {
        let mut state = self.state.lock();
        for kind in [ListKind::Tools, ListKind::Prompts, ListKind::Resources] {
            if state.changed_lists.has(kind.into()) {
                state.changed_lists = state.changed_lists.without(kind.into());
                return Poll::Ready(Told::List(kind));
            }
        }
        if let Some(topic) = state.changed.pop_front() {
            return Poll::Ready(Told::Resource(topic));
        }
        if state.closed {
            return Poll::Ready(Told::Closed);
        }
        if !state.readers.iter().any(|reader| reader.waker.will_wake(task.waker())) {
            state.readers.push(Reader { waker: task.waker().clone(), lane: seat::seat() });
        }
        Poll::Pending
    }

    /// Waits for the next change.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next_change(&self) -> Change {
        std::future::poll_fn(|task| self.poll_change(task)).await
    }
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        let Some(hub) = self.hub.upgrade() else { return };
        for topic in [&hub.everybody, &hub.tools, &hub.prompts, &hub.resources] {
            topic.leave(self.key);
        }
        for topic in self.state.get_mut().watched.values() {
            hub.unwatch(topic, self.key);
        }
    }
}
