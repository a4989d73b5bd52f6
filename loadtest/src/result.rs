//! What one run found out, as it is written to JSON, compared, checked against a baseline and drawn.
//!
//! Times end in their unit. Latencies are those of answers that were right; what went wrong is counted by kind and
//! never mixed in.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The version of this format that we write.
pub const FORMAT: u32 = 1;

/// One run: what was asked, on which machine, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// Always [`FORMAT`] in what we write.
    pub format: u32,
    /// When the measured part began, RFC 3339 in UTC.
    pub started_at: String,
    /// The command line that was given, so that anyone can repeat it.
    pub command_line: Vec<String>,
    /// What the server is called in tables: given by the user, or taken from its address.
    pub name: String,
    /// The work in a few words, like `call add a=1 b=2`.
    pub work: String,
    /// The machine that made the load.
    pub machine: Machine,
    /// The server, as it introduced itself.
    pub target: TargetFacts,
    /// How the load was offered.
    pub load: LoadFacts,
    /// How long the measured part took, without warm-up.
    pub measured_s: f64,
    /// Latencies and errors: first of everything together, then of each part a scenario tells apart (the tools of a
    /// mix, the two tenants of noisy-neighbour).
    pub series: Vec<Series>,
    /// The measured time in equal slices.
    pub slices: Vec<Slice>,
    /// What the server used, where its process is known.
    pub server: Option<ProcessUse>,
    /// What the generator used. Close to one core's 1.0 for each of its threads means that it was itself the limit.
    pub generator: ProcessUse,
    /// What a scenario measures beside latency, like `memory per idle session`.
    pub figures: Vec<Figure>,
    /// True if the run was interrupted before it was complete.
    pub interrupted: bool,
}

/// The machine a run was made on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// The processor's name.
    pub cpu: String,
    /// How many cores this process may use.
    pub cores: usize,
    /// Total memory.
    pub memory_bytes: u64,
    /// Operating system and kernel release.
    pub os: String,
    /// Processor architecture.
    pub architecture: String,
    /// Version of the generator.
    pub generator_version: String,
    /// Whether the generator was built with optimization; figures of a debug build mean nothing.
    pub optimized: bool,
}

/// The server under load.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetFacts {
    /// A URL, or the command that was started.
    pub address: String,
    /// `streamable-http`, `http+sse` or `stdio`.
    pub transport: String,
    /// The protocol revision spoken.
    pub revision: String,
    /// The name that the server gave itself, empty if it gave none.
    pub server_name: String,
    /// Its version, empty if it gave none.
    pub server_version: String,
}

/// How the load was offered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadFacts {
    /// `closed`: each connection asks when its last answer came. `open`: requests leave by the clock; `steps` and
    /// `ramp` are open loops too.
    pub shape: String,
    /// Connections, or processes over stdio.
    pub connections: usize,
    /// Sessions on each connection.
    pub sessions_per_connection: usize,
    /// The rate asked for in an open loop; with steps or a ramp, the last one.
    pub rate_per_s: Option<f64>,
    /// The rates of the steps, or the two ends of a ramp.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rates_per_s: Vec<f64>,
    /// Threads of the generator.
    pub threads: usize,
    /// Length of the part that was not measured.
    pub warm_up_s: f64,
    /// The pause between an answer and the next request of the same session.
    pub think_time_ms: f64,
}

/// Latencies and errors of one kind of work.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// `all`, or what is told apart.
    pub name: String,
    /// Right answers.
    pub answers: u64,
    /// Right answers for each second of measured time.
    pub rate_per_s: f64,
    /// What went wrong, by kind.
    pub errors: BTreeMap<String, ErrorCount>,
    /// Bytes received in the bodies of right answers.
    pub received_bytes: u64,
    /// Bytes sent in the bodies of requests.
    pub sent_bytes: u64,
    /// Latency of right answers. In an open loop counted from when the request should have left.
    pub latency: Latency,
}

/// A distribution of latencies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// Smallest.
    pub min_us: f64,
    /// Arithmetic mean.
    pub mean_us: f64,
    /// Median.
    pub p50_us: f64,
    /// 90 of 100 are at most this.
    pub p90_us: f64,
    /// 99 of 100.
    pub p99_us: f64,
    /// 999 of 1,000.
    pub p999_us: f64,
    /// 9,999 of 10,000.
    pub p9999_us: f64,
    /// Largest.
    pub max_us: f64,
    /// The whole distribution in nanoseconds: HdrHistogram V2, compressed, in base64, which other tools read too.
    pub histogram: String,
}

/// Errors of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// How many.
    pub count: u64,
    /// The first one's words.
    pub example: String,
}

/// One slice of the measured time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Slice {
    /// Where it begins, counted from the start of the measured part.
    pub at_s: f64,
    /// How long it is.
    pub length_s: f64,
    /// Right answers.
    pub answers: u64,
    /// Errors of every kind.
    pub errors: u64,
    /// The rate asked for in an open loop.
    pub asked_rate_per_s: Option<f64>,
    /// Median latency, zero without answers.
    pub p50_us: f64,
    /// 99 of 100.
    pub p99_us: f64,
    /// Largest.
    pub max_us: f64,
}

/// What a process used while it was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ProcessUse {
    /// Its process id.
    pub pid: u32,
    /// Processor time in user code.
    pub user_cpu_s: f64,
    /// Processor time in the kernel on its behalf.
    pub system_cpu_s: f64,
    /// Both, divided by the right answers.
    pub cpu_us_per_answer: f64,
    /// Both, divided by the measured time: 1.0 is one core.
    pub cpu_share: f64,
    /// Resident memory when the measured part ended.
    pub rss_bytes: u64,
    /// The most resident memory that was seen in any slice.
    pub rss_peak_bytes: u64,
    /// Whether it was gone when the measured part ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ended: bool,
}

/// One number that a scenario measured beside latency.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// What it is, in a few words.
    pub name: String,
    /// How much.
    pub value: f64,
    /// Of what, like `bytes` or `1/s`.
    pub unit: String,
}
