//! Where the records of tasks are kept so that they survive the process.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;

/// Keeps records under ids, without knowing what is in them.
///
/// [`commit`](Self::commit) is called by one thread at a time, never by a lane, unless the store says that it
/// [does not block](Self::blocks).
pub trait TaskStore: fmt::Debug + Send + Sync + 'static {
    /// Makes all of these changes, or none: durable when it returns. Of two that name one id the later counts.
    ///
    /// # Errors
    /// When they could not be made, or not made durable.
    fn commit(&self, changes: &[StoreChange]) -> Result<(), StoreError>;

    /// Shows every record there is.
    ///
    /// # Errors
    /// When not all of them can be read.
    fn scan(&self, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError>;

    /// Whether a commit may take longer than a lane can wait. A store that only computes says no.
    fn blocks(&self) -> bool {
        true
    }
}

/// One change to a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChange {
    /// Keep this record under this id, in place of what is there.
    Put {
        /// The id.
        id: Arc<str>,
        /// The record.
        record: Bytes,
    },
    /// Forget what is under this id, if anything.
    Remove {
        /// The id.
        id: Arc<str>,
    },
}

/// Why a store did not do what it was asked to. For logs and whoever starts the server; never told to a client.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(String);

impl StoreError {
    /// An error that says what went wrong and what to change.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }
}

impl<S: TaskStore + ?Sized> TaskStore for Arc<S> {
    fn commit(&self, changes: &[StoreChange]) -> Result<(), StoreError> {
        (**self).commit(changes)
    }

    fn scan(&self, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
        (**self).scan(visit)
    }

    fn blocks(&self) -> bool {
        (**self).blocks()
    }
}

/// A store that outlives the runtime but not the process: for tests. Clones share their records.
#[derive(Debug, Clone, Default)]
pub struct MemoryStore {
    records: Arc<Mutex<BTreeMap<Arc<str>, Bytes>>>,
}

impl TaskStore for MemoryStore {
    fn commit(&self, changes: &[StoreChange]) -> Result<(), StoreError> {
        let mut records = self.records.lock();
        for change in changes {
            match change {
                StoreChange::Put { id, record } => records.insert(Arc::clone(id), record.clone()),
                StoreChange::Remove { id } => records.remove(id),
            };
        }
        Ok(())
    }

    fn scan(&self, visit: &mut dyn FnMut(&str, &[u8])) -> Result<(), StoreError> {
        self.records.lock().iter().for_each(|(id, record)| visit(id, record));
        Ok(())
    }

    fn blocks(&self) -> bool {
        false
    }
}
