//! One thing that can change, and the subscribers that want to hear of it.
//!
//! A change is a round: a walk over the audience, in slices, from any number of threads in turn. A change in the
//! middle of a round lengthens it until everybody has been passed once since then, so at most one walk is under
//! way for each topic however fast it changes.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, OnceLock, Weak};

use impresario_protocol::ListKind;

use crate::sync::Mutex;

/// What a topic is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Subject {
    /// One of the lists.
    List(ListKind),
    /// The resource at that URI.
    Resource(Arc<str>),
    /// That there is nothing more to come.
    Closing,
}

/// One thing that can change.
#[derive(Debug)]
pub(crate) struct Topic<S> {
    subject: Subject,
    audience: Mutex<Audience<S>>,
    /// What is the same in everybody's notification, written by the first who sends it.
    written: OnceLock<Box<[u8]>>,
}

#[derive(Debug)]
struct Audience<S> {
    /// By key, so that a walk can go on where it stopped while others come and go.
    members: BTreeMap<u64, Weak<S>>,
    /// The walk that is under way.
    round: Option<Round>,
}

/// A walk over the audience.
#[derive(Debug, Default, Clone, Copy)]
struct Round {
    /// The last one who was passed.
    after: Option<u64>,
    /// The walk ends with this one; without it, with the last.
    until: Option<u64>,
    /// There was a change after this one was passed: then the walk starts once more, and ends with this one.
    again_until: Option<u64>,
}

impl<S> Default for Audience<S> {
    fn default() -> Self {
        Self { members: BTreeMap::new(), round: None }
    }
}

impl<S> Topic<S> {
    pub(super) fn new(subject: Subject) -> Self {
        Self { subject, audience: Mutex::default(), written: OnceLock::new() }
    }

    pub(super) fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The resource that it is about, or nothing.
    pub(crate) fn uri(&self) -> &str {
        match &self.subject {
            Subject::Resource(uri) => uri,
            Subject::List(_) | Subject::Closing => "",
        }
    }

    /// The part of its notification that all share, by `write` the first time.
    pub(crate) fn written(&self, write: impl FnOnce(&str) -> Vec<u8>) -> &[u8] {
        self.written.get_or_init(|| write(self.uri()).into())
    }

    /// Adds a subscriber under its key.
    pub(super) fn join(&self, key: u64, subscriber: &Arc<S>) {
        self.audience.lock().members.insert(key, Arc::downgrade(subscriber));
    }

    /// Says whether that was the last one.
    pub(super) fn leave(&self, key: u64) -> bool {
        let mut audience = self.audience.lock();
        audience.members.remove(&key);
        audience.members.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.audience.lock().members.len()
    }

    /// There is something to tell: says how many there are for whom the caller is to see that the walk is made;
    /// nothing when there is nobody, or a walk is under way that passes everybody once more.
    pub(super) fn begin_round(&self) -> Option<usize> {
        let mut audience = self.audience.lock();
        if let Some(round) = &mut audience.round {
            (round.until, round.again_until) = (None, round.after);
            return None;
        }
        let members = audience.members.len();
        if members == 0 {
            return None;
        }
        audience.round = Some(Round::default());
        Some(members)
    }

    /// The next of its walk, `len_max` at the most, and whether there are more.
    pub(super) fn next_slice(&self, len_max: usize) -> (Vec<Arc<S>>, bool) {
        let mut audience = self.audience.lock();
        let Audience { members, round } = &mut *audience;
        let Some(walk) = round else { return (Vec::new(), false) };
        let from = walk.after.map_or(Bound::Unbounded, Bound::Excluded);
        let until = walk.until.map_or(Bound::Unbounded, Bound::Included);
        let has_any = match (walk.after, walk.until) {
            (Some(after), Some(until)) => after < until,
            (None, _) | (_, None) => true,
        };
        let mut slice = Vec::new();
        let mut passed = 0;
        // An empty range must not be asked for.
        for (key, member) in members.range((from, if has_any { until } else { Bound::Unbounded })) {
            if !has_any || passed == len_max {
                break;
            }
            passed += 1;
            walk.after = Some(*key);
            // One that can't be had is about to leave.
            slice.extend(member.upgrade());
        }
        if passed == len_max {
            return (slice, true);
        }
        *round = walk.again_until.map(|until| Round { until: Some(until), ..Round::default() });
        (slice, round.is_some())
    }
}
