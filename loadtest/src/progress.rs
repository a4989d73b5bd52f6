//! What a run tells while it runs, a few times a second, to whoever shows it.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::sync::watch;

use crate::result::Slice;

/// Where the newest [`Progress`] is put. Nobody has to look.
pub type ProgressSender = watch::Sender<Progress>;

/// What a run is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// Looking at the server: transport, revision, tools.
    #[default]
    Probing,
    /// Opening connections and sessions.
    Connecting {
        /// How many are open.
        done: usize,
        /// How many there will be.
        of: usize,
    },
    /// Offering load that is not measured.
    WarmUp,
    /// Offering load that is measured.
    Measuring,
    /// Leaving alone what was opened.
    LeftAlone,
    /// Waiting for the last answers, closing sessions and connections.
    Closing,
}

/// The state of a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// What a scenario in several parts is at, like `probe 3: 40000/s`; empty for one in a single part.
    pub part: String,
    /// Time in this phase.
    pub elapsed: Duration,
    /// How long this phase will take, where that is known.
    pub total: Option<Duration>,
    /// How much of this phase is done, from 0 to 1, by time or by count.
    pub done_share: f64,
    /// Right answers in the measured part.
    pub answers: u64,
    /// Errors in the measured part.
    pub errors: u64,
    /// The same errors by kind.
    pub errors_by_kind: BTreeMap<String, u64>,
    /// Right answers for each second, lately.
    pub rate_per_s: f64,
    /// The rate asked for in an open loop.
    pub asked_rate_per_s: Option<f64>,
    /// Median latency, lately.
    pub p50_us: f64,
    /// 90 of 100.
    pub p90_us: f64,
    /// 99 of 100.
    pub p99_us: f64,
    /// Largest, lately.
    pub max_us: f64,
    /// The newest whole slice of the measured part.
    pub last_slice: Option<Slice>,
    /// The server's share of one core and its resident bytes, where its process is known.
    pub server: Option<(f64, u64)>,
    /// The generator's share of one core.
    pub generator_cpu_share: f64,
}

/// A place for progress, and the end to look at.
#[must_use]
pub fn channel() -> (ProgressSender, watch::Receiver<Progress>) {
    watch::channel(Progress::default())
}
