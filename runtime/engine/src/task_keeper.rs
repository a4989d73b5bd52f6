//! How the run of a task has what it did made durable before it goes on, without knowing of tables and stores.

use tokio::sync::{mpsc, oneshot};

/// Whoever wants something kept, waiting for it.
type Wish = oneshot::Sender<()>;

/// The run's end.
#[derive(Debug)]
pub(crate) struct Keeper(mpsc::Sender<Wish>);

/// The end of whoever keeps what the run has done.
#[derive(Debug)]
pub(crate) struct Due(mpsc::Receiver<Wish>);

impl Keeper {
    /// Both ends.
    pub(crate) fn new() -> (Self, Due) {
        // Whoever has one more wish waits for its turn.
        let (wish_tx, wish_rx) = mpsc::channel(1);
        (Self(wish_tx), Due(wish_rx))
    }

    /// Resolves when everything is kept that the run has done so far, or nobody keeps anything any more.
    pub(crate) async fn keep(&self) {
        let (kept_tx, kept_rx) = oneshot::channel();
        if self.0.send(kept_tx).await.is_ok() {
            // An error says that the run is over, which its tool learns in another way.
            drop(kept_rx.await);
        }
    }
}

impl Due {
    /// The next wish.
    pub(crate) async fn next(&mut self) -> Option<Wish> {
        self.0.recv().await
    }
}
