//! A lane: one thread with its own event loop, connections and workers.
//!
//! What belongs together stays on one lane, so an ordinary call crosses no thread. Other threads reach a lane
//! by sending it an errand.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use impresario_protocol::Limits;
use tokio::sync::oneshot;
use tokio::task::LocalSet;

use crate::actor::{Actor, Exit, Local, Remote, Untold};
use crate::hub;
use crate::lane_hub::LaneHub;
use crate::session::{SessionTable, Stage};
use crate::shared::Shared;
use crate::workers::{PoolConfig, Workers};

/// Errands that a lane's mailbox holds at the least, however few calls may be in flight: not every errand is
/// a call.
const ERRANDS_MIN: usize = 1_024;

/// Between two looks for what is over.
const SWEEP_INTERVAL: std::time::Duration = std::time::Duration::from_secs(1);

/// Something to do on a lane.
pub(crate) type Errand = Box<dyn FnOnce(&Rc<Stage>) + Send>;

/// Everything a lane can be told.
pub(crate) enum LaneMsg {
    /// Do this.
    Run(Errand),
    /// End, with everything that is on you.
    Stop,
}

/// The actor that stands for a lane.
pub(crate) struct Lane {
    stage: Rc<Stage>,
    /// Ends the lane's event loop when it is used or dropped.
    stop: Option<oneshot::Sender<()>>,
}

impl Actor for Lane {
    type Msg = LaneMsg;

    fn handle(&mut self, msg: LaneMsg, _me: &Local<Self>) -> Result<(), Exit> {
        match msg {
            LaneMsg::Run(errand) => {
                // An errand changes nothing of the lane's own, so nobody sees it half done.
                if catch_unwind(AssertUnwindSafe(|| errand(&self.stage))).is_err() {
                    tracing::error!("an errand panicked; the lane goes on");
                }
            }
            LaneMsg::Stop => {
                self.stop.take();
                return Err(Exit::Finished);
            }
        }
        Ok(())
    }
}

/// A lane that runs, as other threads see it.
#[derive(Debug)]
pub(crate) struct LaneHandle {
    lane: Remote<Lane>,
    thread: parking_lot::Mutex<Option<JoinHandle<()>>>,
}

/// Why an errand was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LaneError {
    /// The lane has as much to do as it may.
    #[error("the lane is busy; retry later")]
    Busy,
    /// The lane has ended.
    #[error("the runtime has shut down")]
    Ended,
}

impl LaneHandle {
    /// Starts a lane's thread.
    ///
    /// # Errors
    /// When the operating system gives no thread or no event loop.
    pub(crate) fn start(
        index: usize,
        lanes: usize,
        shared: Arc<Shared>,
        sessions: Arc<SessionTable>,
        pools: Arc<[PoolConfig]>,
    ) -> std::io::Result<Self> {
        let (lane_tx, lane_rx) = std::sync::mpsc::sync_channel(1);
        let name = format!("lane-{index}");
        let thread = std::thread::Builder::new().name(name).spawn(move || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(lane_tx.send(Err(error))),
            };
            hub::seat_on(index);
            LocalSet::new().block_on(&runtime, async {
                let restarts_max = Limits::size(shared.limits.actor_restarts_max);
                let mailbox_len_max = Limits::size(shared.limits.in_flight_max).max(ERRANDS_MIN);
                let workers =
                    Rc::new(Workers::new(&pools, lanes, restarts_max, &shared.closing, &shared.sealer));
                let hub =
                    Arc::new(LaneHub { hub: Arc::clone(&shared.hub), cache: Arc::clone(&shared.cache) });
                let stage = Rc::new(Stage { shared, sessions, hub, workers });
                tokio::task::spawn_local(Arc::clone(&stage.shared.hub).tell(index));
                if index == 0 {
                    tokio::task::spawn_local(sweep_sessions(stage.clone()));
                    tokio::task::spawn_local(sweep_tasks(stage.clone()));
                }
                let (stop, stopped) = oneshot::channel();
                let lane = Local::start(Lane { stage, stop: Some(stop) }, mailbox_len_max);
                if lane_tx.send(Ok(lane.remote())).is_ok() {
                    // An error says that the lane's actor has ended, which comes to the same.
                    drop(stopped.await);
                }
            });
        })?;
        let lane = lane_rx.recv().map_err(|_| std::io::Error::other("a lane ended before it began"))??;
        Ok(Self { lane, thread: parking_lot::Mutex::new(Some(thread)) })
    }

    /// Sends the lane an errand.
    ///
    /// # Errors
    /// When the lane is busy or has ended.
    pub(crate) fn run(&self, errand: Errand) -> Result<(), LaneError> {
        self.lane.tell(LaneMsg::Run(errand)).map_err(|untold| match untold {
            Untold::Full(_) => LaneError::Busy,
            Untold::Ended(_) => LaneError::Ended,
        })
    }

    /// Tells the lane to end and gives its thread, to be joined.
    pub(crate) fn stop(&self) -> Option<JoinHandle<()>> {
        // Refused only when it has ended already, or is so busy that it is left to the process's end.
        drop(self.lane.tell(LaneMsg::Stop));
        self.thread.lock().take()
    }
}

/// Forgets tasks whose time is over, for as long as the lane lives.
async fn sweep_tasks(stage: Rc<Stage>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        stage.shared.tasks.sweep().await;
    }
}

/// Ends sessions whose time is over, for as long as the lane lives.
async fn sweep_sessions(stage: Rc<Stage>) {
    loop {
        tokio::time::sleep(SWEEP_INTERVAL).await;
        stage.sessions.sweep();
    }
}
