//! Changes on their way to the store. A store that blocks gets a thread of its own, which makes one commit of
//! all changes that wait: however many tasks there are, the disk is waited for once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot};

use super::store::{StoreChange, StoreError, TaskStore};

/// Changes that wait for the store; whoever has one more waits too. Each task has one under way at a time.
const WAITING_MAX: usize = 1_024;
/// Changes of one commit.
const BATCH_MAX: usize = 256;

/// Brings changes to the store, if there is one.
#[derive(Debug)]
pub(super) enum Writer {
    /// Tasks live as long as the process.
    Nowhere,
    /// The store answers at once.
    Here(Arc<dyn TaskStore>),
    /// The store blocks.
    Thread {
        /// Taken when the house closes, which ends the thread.
        changes: Mutex<Option<mpsc::Sender<Waiting>>>,
        thread: Mutex<Option<JoinHandle<()>>>,
    },
}

/// A change, and who waits for it.
#[derive(Debug)]
pub(super) struct Waiting {
    change: StoreChange,
    done: oneshot::Sender<Result<(), StoreError>>,
}

impl Writer {
    /// A writer for that store.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(super) fn start(store: Option<Arc<dyn TaskStore>>) -> std::io::Result<Self> {
        let Some(store) = store else { return Ok(Self::Nowhere) };
        if !store.blocks() {
            return Ok(Self::Here(store));
        }
        let (changes_tx, changes_rx) = mpsc::channel(WAITING_MAX);
        let thread = std::thread::Builder::new().name("task-store".into());
        let thread = thread.spawn(move || write_until_closed(&store, changes_rx))?;
        Ok(Self::Thread { changes: Mutex::new(Some(changes_tx)), thread: Mutex::new(Some(thread)) })
    }

    /// Whether what is written outlives the process.
    pub(super) fn is_durable(&self) -> bool {
        !matches!(self, Self::Nowhere)
    }

    /// Makes a change; it is durable when this returns.
    pub(super) async fn write(&self, change: StoreChange) -> Result<(), StoreError> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Here(store) => store.commit(&[change]),
            Self::Thread { changes, .. } => {
                let closed = || StoreError::new("the task store is closed");
                let changes = changes.lock().clone().ok_or_else(closed)?;
                let (done, written) = oneshot::channel();
                changes.send(Waiting { change, done }).await.map_err(|_| closed())?;
                written.await.map_err(|_| closed())?
            }
        }
    }

    /// Takes no more changes, and waits until the last one is written.
    pub(super) async fn close(&self) {
        let Self::Thread { changes, thread } = self else { return };
        drop(changes.lock().take());
        let thread = thread.lock().take();
        if let Some(thread) = thread
            && !matches!(tokio::task::spawn_blocking(|| thread.join()).await, Ok(Ok(())))
        {
            tracing::error!("the thread of the task store had panicked");
        }
    }
}

fn write_until_closed(store: &Arc<dyn TaskStore>, mut changes: mpsc::Receiver<Waiting>) {
    while let Some(first) = changes.blocking_recv() {
        let (mut batch, mut waiting) = (vec![first.change], vec![first.done]);
        while batch.len() < BATCH_MAX
            && let Ok(next) = changes.try_recv()
        {
            batch.push(next.change);
            waiting.push(next.done);
        }
        let committed = catch_unwind(AssertUnwindSafe(|| store.commit(&batch)));
        let committed = committed.unwrap_or_else(|_| Err(StoreError::new("the task store panicked")));
        for done in waiting {
            // An error says that nobody waits for it any more.
            drop(done.send(committed.clone()));
        }
    }
}
