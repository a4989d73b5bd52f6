//! Who wants to hear of which change, and what they have not been told yet.
//!
//! A subscriber keeps no queue of events: three flags for the lists and a set of URIs. However fast things
//! change and however slowly it reads, it holds no more than what it subscribed to, and every change it
//! was not told of is told once.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context as TaskContext, Poll, Waker};

use dashmap::DashMap;
use impresario_protocol::{ListKind, ListenFilter, McpError, Notification};
use parking_lot::Mutex;

/// Everybody who wants to hear of changes.
#[derive(Debug, Default)]
pub struct Hub {
    next_key: AtomicU64,
    subscribers: DashMap<u64, Weak<Subscriber>, ahash::RandomState>,
}

impl Hub {
    /// Adds a subscriber. It is removed when the last handle to it is dropped.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, filter: ListenFilter) -> Arc<Subscriber> {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let interest = Interest { lists: Lists::of(&filter), uris: filter.uris.into_iter().collect() };
        let state = Mutex::new(State { interest, ..State::default() });
        let subscriber = Arc::new(Subscriber { key, hub: Arc::downgrade(self), state });
        self.subscribers.insert(key, Arc::downgrade(&subscriber));
        subscriber
    }

    /// Tells everybody who asked for it that a list has changed.
    pub fn list_changed(&self, kind: ListKind) {
        self.for_each(|state| {
            let change = Lists::from(kind);
            let wanted = state.interest.lists.intersects(change);
            if wanted {
                state.changed.lists.add(change);
            }
            wanted
        });
    }

    /// Tells everybody who subscribed to it that a resource has changed.
    pub fn resource_updated(&self, uri: &str) {
        self.for_each(|state| {
            let wanted = state.interest.uris.contains(uri);
            if wanted && !state.changed.uris.contains(uri) {
                state.changed.uris.insert(uri.to_owned());
            }
            wanted
        });
    }

    /// Ends every subscription: each is told that there is nothing more to come.
    pub fn close(&self) {
        self.for_each(|state| {
            state.closed = true;
            true
        });
    }

    /// How many subscribers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.subscribers.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.subscribers.is_empty()
    }

    /// Changes each subscriber's state, and wakes those for which `change` says so.
    fn for_each(&self, mut change: impl FnMut(&mut State) -> bool) {
        // Dropping the last handle to a subscriber removes it from the map, and wakers run foreign code: both
        // happen with no lock of the map held.
        let subscribers: Vec<_> =
            self.subscribers.iter().filter_map(|entry| entry.value().upgrade()).collect();
        for subscriber in subscribers {
            let mut state = subscriber.state.lock();
            let readers = if change(&mut state) { std::mem::take(&mut state.readers) } else { Vec::new() };
            drop(state);
            readers.into_iter().for_each(Waker::wake);
        }
    }
}

/// One who wants to hear of changes, and those it has not been told of.
#[derive(Debug)]
pub struct Subscriber {
    key: u64,
    hub: Weak<Hub>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    interest: Interest,
    /// What has changed since it was last told.
    changed: Interest,
    closed: bool,
    /// Streams that wait; a session may have several, and each change goes to one of them.
    readers: Vec<Waker>,
}

#[derive(Debug, Default)]
struct Interest {
    lists: Lists,
    uris: BTreeSet<String>,
}

/// The three lists that clients are told of, as a set.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Lists(u8);

impl Lists {
    const TOOLS: Self = Self(1);
    const PROMPTS: Self = Self(2);
    const RESOURCES: Self = Self(4);

    fn of(filter: &ListenFilter) -> Self {
        let mut lists = Self::default();
        for (wanted, list) in [
            (filter.tools, Self::TOOLS),
            (filter.prompts, Self::PROMPTS),
            (filter.resources, Self::RESOURCES),
        ] {
            if wanted {
                lists.add(list);
            }
        }
        lists
    }

    fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    fn add(&mut self, other: Self) {
        self.0 |= other.0;
    }

    fn remove(&mut self, other: Self) {
        self.0 &= !other.0;
    }
}

impl From<ListKind> for Lists {
    fn from(kind: ListKind) -> Self {
        match kind {
            ListKind::Tools => Self::TOOLS,
            ListKind::Prompts => Self::PROMPTS,
            // One notification covers resources and their templates.
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

impl Subscriber {
    /// Also tell it when that resource changes; at most `uris_max` in all.
    ///
    /// # Errors
    /// When it watches as many as it may.
    pub fn watch(&self, uri: &str, uris_max: usize) -> Result<(), McpError> {
        let mut state = self.state.lock();
        if state.interest.uris.len() >= uris_max && !state.interest.uris.contains(uri) {
            let message = format!("{uris_max} resources are watched already (subscriptions_per_session_max)");
            return Err(McpError::invalid_params(message));
        }
        state.interest.uris.insert(uri.to_owned());
        Ok(())
    }

    /// No longer tell it when that resource changes.
    pub fn unwatch(&self, uri: &str) {
        let mut state = self.state.lock();
        state.interest.uris.remove(uri);
        state.changed.uris.remove(uri);
    }

    /// What it wants to hear of.
    #[must_use]
    pub fn filter(&self) -> ListenFilter {
        let state = self.state.lock();
        let wants = |list| state.interest.lists.intersects(list);
        ListenFilter {
            tools: wants(Lists::TOOLS),
            prompts: wants(Lists::PROMPTS),
            resources: wants(Lists::RESOURCES),
            uris: state.interest.uris.iter().cloned().collect(),
        }
    }

    /// Tells it that nothing more will come.
    pub fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        let readers = std::mem::take(&mut state.readers);
        drop(state);
        readers.into_iter().for_each(Waker::wake);
    }

    /// The next change it has not been told of.
    pub fn poll_change(&self, task: &mut TaskContext<'_>) -> Poll<Change> {
        let mut state = self.state.lock();
        for (list, kind) in [
            (Lists::TOOLS, ListKind::Tools),
            (Lists::PROMPTS, ListKind::Prompts),
            (Lists::RESOURCES, ListKind::Resources),
        ] {
            if state.changed.lists.intersects(list) {
                state.changed.lists.remove(list);
                return Poll::Ready(Change::Notification(Notification::ListChanged(kind)));
            }
        }
        if let Some(uri) = state.changed.uris.pop_first() {
            return Poll::Ready(Change::Notification(Notification::ResourceUpdated { uri }));
        }
        if state.closed {
            return Poll::Ready(Change::Closed);
        }
        if !state.readers.iter().any(|reader| reader.will_wake(task.waker())) {
            state.readers.push(task.waker().clone());
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
        if let Some(hub) = self.hub.upgrade() {
            hub.subscribers.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next(subscriber: &Subscriber) -> Poll<Change> {
        subscriber.poll_change(&mut TaskContext::from_waker(Waker::noop()))
    }

    fn told(subscriber: &Subscriber) -> Vec<Change> {
        let mut changes = Vec::new();
        while let Poll::Ready(change) = next(subscriber) {
            let closed = change == Change::Closed;
            changes.push(change);
            if closed {
                break;
            }
        }
        changes
    }

    #[test]
    fn a_subscriber_hears_what_it_asked_for_once_however_often_it_changes() {
        let hub = Arc::new(Hub::default());
        let filter = ListenFilter { tools: true, uris: vec!["a:1".into()], ..ListenFilter::default() };
        let subscriber = hub.subscribe(filter);
        for _ in 0..1_000 {
            hub.list_changed(ListKind::Tools);
            hub.list_changed(ListKind::Prompts);
            hub.resource_updated("a:1");
            hub.resource_updated("a:2");
        }
        let expected = [
            Change::Notification(Notification::ListChanged(ListKind::Tools)),
            Change::Notification(Notification::ResourceUpdated { uri: "a:1".into() }),
        ];
        assert_eq!(told(&subscriber), expected);
        hub.resource_updated("a:1");
        assert_eq!(told(&subscriber).len(), 1);
    }

    #[test]
    fn one_subscriber_watches_no_more_than_it_may() {
        let hub = Arc::new(Hub::default());
        let subscriber = hub.subscribe(ListenFilter::default());
        subscriber.watch("a:1", 2).unwrap();
        subscriber.watch("a:2", 2).unwrap();
        subscriber.watch("a:2", 2).unwrap();
        assert!(subscriber.watch("a:3", 2).is_err());
        subscriber.unwatch("a:1");
        subscriber.watch("a:3", 2).unwrap();
        hub.resource_updated("a:1");
        assert_eq!(told(&subscriber), []);
    }

    #[test]
    fn a_closed_hub_ends_its_subscribers_after_what_they_still_have_to_hear() {
        let hub = Arc::new(Hub::default());
        let subscriber = hub.subscribe(ListenFilter { prompts: true, ..ListenFilter::default() });
        hub.list_changed(ListKind::Prompts);
        hub.close();
        assert_eq!(told(&subscriber).len(), 2);
        assert_eq!(next(&subscriber), Poll::Ready(Change::Closed));
    }

    #[test]
    fn a_dropped_subscriber_leaves_nothing_behind() {
        let hub = Arc::new(Hub::default());
        let subscriber = hub.subscribe(ListenFilter::default());
        assert_eq!(hub.len(), 1);
        drop(subscriber);
        assert!(hub.is_empty());
    }
}
