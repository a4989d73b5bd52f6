//! What a listener has not been told yet of the tasks it watches.
//!
//! It keeps no queue of events, only which of its tasks have changed: however often they do and however slowly
//! it reads, it is told of each one's newest state once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};

use parking_lot::Mutex;

/// One listener's tasks.
#[derive(Debug)]
pub struct TaskWatch {
    ids: Vec<Arc<str>>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Tasks that have changed since it was told of them.
    changed: BTreeSet<Arc<str>>,
    reader: Option<Waker>,
}

impl TaskWatch {
    /// Watches those tasks, and is told first how each of them is.
    pub(crate) fn new(ids: Vec<Arc<str>>) -> Arc<Self> {
        let state = State { changed: ids.iter().cloned().collect(), reader: None };
        Arc::new(Self { ids, state: Mutex::new(state) })
    }

    /// The tasks that are watched.
    pub(crate) fn ids(&self) -> &[Arc<str>] {
        &self.ids
    }

    /// That task has changed.
    pub(crate) fn tell(&self, id: &Arc<str>) {
        let mut state = self.state.lock();
        state.changed.insert(Arc::clone(id));
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
    }

    /// The next task that has changed.
    pub(crate) fn poll_changed(&self, task: &mut TaskContext<'_>) -> Poll<Arc<str>> {
        let mut state = self.state.lock();
        if let Some(id) = state.changed.pop_first() {
            return Poll::Ready(id);
        }
        state.reader = Some(task.waker().clone());
        Poll::Pending
    }
}
