//! Who wants to hear of which change, and how they are told without keeping anybody else waiting.
//!
//! Every list and every watched URI is a `Topic` with the subscribers that asked for it, so a change touches
//! nobody else. A small audience is marked by whoever reports the change; a large one in slices, by a lane's
//! `Teller`, which also wakes the streams of its own lane a few at a time: between two slices the lane does
//! whatever else it has to do. Nothing is queued for a subscriber: see [`Subscriber`].

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::sync::{Arc, OnceLock};

use impresario_protocol::{ListKind, ListenFilter};

use crate::sync::{AtomicBool, AtomicU64, AtomicUsize, Mutex, Ordering};
use subscriber::Reader;
use teller::{MARKS_PER_SLICE, Teller};
use topic::Subject;

pub(crate) use seat::{seat, seat_on};
pub use subscriber::{Change, Subscriber};
pub(crate) use subscriber::{Told, Topic};

mod seat;
mod subscriber;
mod teller;
mod topic;

/// Everybody who wants to hear of changes.
pub struct Hub {
    next_key: AtomicU64,
    tools: Arc<Topic>,
    prompts: Arc<Topic>,
    resources: Arc<Topic>,
    /// Whoever subscribed, whatever to.
    everybody: Arc<Topic>,
    /// The resources that somebody watches. Locked before a topic's audience, and after a subscriber.
    watched: Mutex<HashMap<Arc<str>, Arc<Topic>, ahash::RandomState>>,
    /// One for each lane; without any, whoever reports a change tells everybody himself.
    tellers: Box<[Teller]>,
    /// Whose turn it is to tell a large audience.
    next_teller: AtomicUsize,
    is_closed: AtomicBool,
    listening: OnceLock<Listening>,
}

/// What has to know that a list has changed before any client is told.
type Listening = Box<dyn Fn(ListKind) + Send + Sync>;

impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").field("subscribers", &self.len()).finish_non_exhaustive()
    }
}

impl Default for Hub {
    fn default() -> Self {
        Self::new(0)
    }
}

impl Hub {
    /// A hub whose large audiences are told by that many lanes, each of which runs `Hub::tell`.
    #[must_use]
    pub fn new(lanes: usize) -> Self {
        Self {
            next_key: AtomicU64::new(0),
            tools: Arc::new(Topic::new(Subject::List(ListKind::Tools))),
            prompts: Arc::new(Topic::new(Subject::List(ListKind::Prompts))),
            resources: Arc::new(Topic::new(Subject::List(ListKind::Resources))),
            everybody: Arc::new(Topic::new(Subject::Closing)),
            watched: Mutex::default(),
            tellers: (0..lanes).map(|_| Teller::default()).collect(),
            next_teller: AtomicUsize::new(0),
            is_closed: AtomicBool::new(false),
            listening: OnceLock::new(),
        }
    }

    /// Adds a subscriber. It is removed when the last handle to it is dropped.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, filter: ListenFilter) -> Arc<Subscriber> {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let subscriber = Subscriber::new(key, self, &filter);
        self.everybody.join(key, &subscriber);
        for topic in self.lists_of(&filter) {
            topic.join(key, &subscriber);
        }
        for uri in filter.uris {
            subscriber.watch_any(&uri);
        }
        // Joined first: whoever closes the hub has either found it among everybody, or closed before this line.
        if self.is_closed.load(Ordering::Acquire) {
            subscriber.close();
        }
        subscriber
    }

    /// Has something told of changed lists before everybody else. Only the first asks with success.
    pub(crate) fn on_list_changed(&self, listening: impl Fn(ListKind) + Send + Sync + 'static) {
        let is_first = self.listening.set(Box::new(listening)).is_ok();
        debug_assert!(is_first, "one listens");
    }

    /// Tells everybody who asked for it that a list has changed.
    pub fn list_changed(&self, kind: ListKind) {
        if let Some(listening) = self.listening.get() {
            listening(kind);
        }
        self.changed(self.list(kind));
    }

    /// Tells everybody who subscribed to it that a resource has changed.
    pub fn resource_updated(&self, uri: &str) {
        let topic = self.watched.lock().get(uri).cloned();
        if let Some(topic) = topic {
            self.changed(&topic);
        }
    }

    /// Ends every subscription: each is told that there is nothing more to come.
    pub fn close(&self) {
        self.is_closed.store(true, Ordering::Release);
        // Marked at once and by the caller, who has nothing else to do, for the lanes may end before they could.
        self.everybody.begin_round();
        while self.mark_slice(&self.everybody) {}
    }

    /// How many subscribers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.everybody.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Tells what is to be told from this lane, for as long as the lane lives, and never more than a slice at once.
    pub(crate) async fn tell(self: Arc<Self>, lane: usize) {
        while let Some(teller) = self.tellers.get(lane) {
            teller.work().await;
            self.tell_slice(lane);
            // Behind whatever has come in meanwhile.
            tokio::task::yield_now().await;
        }
    }

    /// One lane's next slice: wakes some of its streams, and marks a part of one audience.
    pub(crate) fn tell_slice(&self, lane: usize) -> Slice {
        let teller = &self.tellers[lane];
        let woken = teller.wake_some();
        let mut marked = 0;
        if let Some(topic) = teller.next_topic() {
            marked = topic.len().min(MARKS_PER_SLICE);
            if self.mark_slice(&topic) {
                teller.take_on(topic);
            }
        }
        Slice { woken, marked }
    }

    /// A topic has changed: marks its audience now if it is small, or leaves that to a lane.
    fn changed(&self, topic: &Arc<Topic>) {
        let Some(audience) = topic.begin_round() else { return };
        if self.tellers.is_empty() {
            while self.mark_slice(topic) {}
        } else if audience > MARKS_PER_SLICE || self.mark_slice(topic) {
            let turn = self.next_teller.fetch_add(1, Ordering::Relaxed);
            self.tellers[turn % self.tellers.len()].take_on(Arc::clone(topic));
        }
    }

    /// Marks the next few of a topic's audience, and has their streams woken. Says whether there are more.
    fn mark_slice(&self, topic: &Arc<Topic>) -> bool {
        let (slice, has_more) = topic.next_slice(MARKS_PER_SLICE);
        for subscriber in slice {
            subscriber.mark(topic).into_iter().for_each(|reader| self.wake(reader));
        }
        has_more
    }

    /// Wakes who waits on no lane at once, and leaves the others to their lane.
    fn wake(&self, reader: Reader) {
        match reader.lane.and_then(|lane| self.tellers.get(lane)) {
            Some(teller) => teller.wake_later(reader.waker),
            None => reader.waker.wake(),
        }
    }

    fn list(&self, kind: ListKind) -> &Arc<Topic> {
        match kind {
            ListKind::Tools => &self.tools,
            ListKind::Prompts => &self.prompts,
            // One notification covers resources and their templates.
            ListKind::Resources | ListKind::Templates => &self.resources,
        }
    }

    fn lists_of(&self, filter: &ListenFilter) -> impl Iterator<Item = &Arc<Topic>> {
        let lists = [
            (filter.tools, &self.tools),
            (filter.prompts, &self.prompts),
            (filter.resources, &self.resources),
        ];
        lists.into_iter().filter_map(|(wanted, topic)| wanted.then_some(topic))
    }

    /// Has a subscriber told of a resource. The topic is there from its first watcher to its last.
    fn watch(&self, uri: &str, subscriber: &Arc<Subscriber>) -> Arc<Topic> {
        let mut watched = self.watched.lock();
        if !watched.contains_key(uri) {
            let uri: Arc<str> = uri.into();
            watched.insert(Arc::clone(&uri), Arc::new(Topic::new(Subject::Resource(uri))));
        }
        let topic = Arc::clone(&watched[uri]);
        topic.join(subscriber.key(), subscriber);
        topic
    }

    fn unwatch(&self, topic: &Topic, key: u64) {
        let Subject::Resource(uri) = topic.subject() else { return };
        let mut watched = self.watched.lock();
        if topic.leave(key)
            && let Entry::Occupied(place) = watched.entry(Arc::clone(uri))
        {
            place.remove();
        }
    }

    /// How many resources somebody watches.
    #[cfg(test)]
    fn watched_len(&self) -> usize {
        self.watched.lock().len()
    }

    /// Whether anybody watches a resource.
    #[cfg(all(test, feature = "model"))]
    pub(crate) fn watches_anything(&self) -> bool {
        self.watched_len() > 0
    }
}

/// What one slice did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slice {
    /// Streams that were woken.
    pub(crate) woken: usize,
    /// Subscribers that were marked, at the most.
    pub(crate) marked: usize,
}

#[cfg(test)]
mod tests;
