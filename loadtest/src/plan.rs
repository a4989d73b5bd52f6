//! What one run is to do: which server, which work, in which shape, for how long.
//!
//! A plan is data. `options.rs` and `work.rs` read it from a command line; `run.rs` carries it out.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use crate::revision::Revision;
use crate::work::Work;

/// Everything one run needs to know.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What to call the server in tables; its address if absent.
    pub name: Option<String>,
    /// The server.
    pub target: Target,
    /// What to ask it.
    pub work: Work,
    /// How to ask.
    pub load: Load,
    /// How long to ask before anything is measured.
    pub warm_up: Duration,
    /// When the measured part ends.
    pub stop: Stop,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// Threads that make load; connections are shared out among them.
    pub threads: usize,
    /// The cores they are bound to, in turn; none: wherever the system puts them.
    pub pin: Vec<usize>,
    /// Where the draws of a mix and of Poisson arrivals begin, so that a run can be repeated.
    pub seed: u64,
    /// The server's process, where the user knows it.
    pub server_pid: Option<u32>,
    /// Where to learn what to ask and which answers are right, if not from the target itself: the target is then no MCP
    /// server, but one that repeats what this one answers.
    pub model: Option<Target>,
    /// The command line this plan was read from, for the result.
    pub command_line: Vec<String>,
}

/// Where the server is and how to speak to it.
#[derive(Debug, Clone)]
pub struct Target {
    /// Where it is.
    pub address: Address,
    /// Which transport to use for a URL.
    pub transport: Transport,
    /// Which revision to speak; none: the newest that both sides know.
    pub revision: Option<Revision>,
    /// Headers for every request, such as an authorization.
    pub headers: Vec<(String, String)>,
    /// Whom to trust over https.
    pub trust: Trust,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// It listens.
    Url(crate::url::Url),
    /// It is started: a program and its arguments. Each connection is a process.
    Command(Vec<String>),
}

impl fmt::Display for Address {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url(url) => write!(out, "{url}"),
            Self::Command(words) => out.write_str(&shell_words::join(words)),
        }
    }
}

/// Which HTTP transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Transport {
    /// Streamable HTTP, and HTTP+SSE when the server refuses that as one of 2024-11-05 does.
    #[default]
    Auto,
    /// Streamable HTTP.
    Http,
    /// HTTP+SSE of 2024-11-05.
    Sse,
}

/// Whom to trust over https.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Trust {
    /// The authorities that this machine trusts.
    #[default]
    Native,
    /// The authorities in a PEM file, and no others.
    File(PathBuf),
    /// Anybody: for test servers alone.
    Anybody,
}

/// How load is offered.
#[derive(Debug, Clone)]
pub struct Load {
    /// Closed or open.
    pub shape: Shape,
    /// Connections, or processes over stdio.
    pub connections: usize,
    /// Legacy sessions on each connection, used in turn.
    pub sessions_per_connection: usize,
    /// The pause between an answer and the next request of a connection, in a closed loop.
    pub think_time: Duration,
}

/// When a request leaves.
#[derive(Debug, Clone, PartialEq)]
pub enum Shape {
    /// Each connection asks when its last answer came.
    Closed,
    /// Requests leave by the clock, and latency is counted from when they should have left.
    Open(Arrivals),
    /// Open loops at changing rates, to find the highest that the server keeps up with.
    FindMax(FindMax),
}

/// The clock of an open loop.
#[derive(Debug, Clone, PartialEq)]
pub struct Arrivals {
    /// How many a second.
    pub rate: Rate,
    /// Drawn gaps, as of many independent clients, in place of equal ones.
    pub poisson: bool,
    /// How many requests may wait for a free connection; one more is not sent, and counted as an error.
    pub backlog_max: usize,
}

/// A rate over the measured time.
#[derive(Debug, Clone, PartialEq)]
pub enum Rate {
    /// The same all the time.
    Constant(f64),
    /// Rising or falling evenly from one to the other.
    Ramp {
        /// At the start.
        from: f64,
        /// At the end.
        to: f64,
    },
    /// Each for an equal part of the time.
    Steps(Vec<f64>),
}

impl Rate {
    /// The rate after a share (0 to 1) of the time.
    #[must_use]
    pub fn after(&self, share: f64) -> f64 {
        let share = share.clamp(0.0, 1.0);
        match self {
            Self::Constant(rate) => *rate,
            Self::Ramp { from, to } => from + (to - from) * share,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a share of a short list"
            )]
            Self::Steps(rates) => {
                let step = (share * rates.len() as f64) as usize;
                rates.get(step).or(rates.last()).copied().unwrap_or_default()
            }
        }
    }
}

/// What to look for.
#[derive(Debug, Clone, PartialEq)]
pub struct FindMax {
    /// The p99 that a rate must stay under.
    pub p99_bound: Duration,
    /// Drawn gaps in place of equal ones.
    pub poisson: bool,
    /// See [`Arrivals::backlog_max`].
    pub backlog_max: usize,
}

/// When the measured part ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// After so long.
    After(Duration),
    /// After so many requests.
    Count(u64),
}
