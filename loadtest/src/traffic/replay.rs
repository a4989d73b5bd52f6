//! `replay`: plays a recording to a server, and says what was different.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use http::{HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use crate::calendar;
use crate::fault::Fault;
use crate::interruption::asked_to_end;
use crate::machine;
use crate::process::{self, Usage};
use crate::progress::{Progress, ProgressSender};
use crate::result::{FORMAT, LoadFacts, ProcessUse, RunResult, TargetFacts};
use crate::traffic::recording::{self, Recording, Transport};
use crate::traffic::script::Script;
use crate::traffic::speed::Speed;
use crate::traffic::tally::Tally;
use crate::traffic::{child, client, player};
use crate::units::duration;
use crate::url::Url;

/// Most requests that wait for their turn at a time, in all copies together.
pub const WAITING_MAX: usize = 5_000_000;
/// How often it is told how far the replay is.
const TOLD_EVERY: Duration = Duration::from_millis(250);
/// Most copies of a recorded connection.
pub const COPIES_MAX: usize = 10_000;

/// Play a recording to a server: everything is asked again, and the answers have to be of the same kind.
#[derive(Debug, Clone, clap::Args)]
pub struct ReplayOptions {
    /// What `record` wrote
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The server, for a recording of HTTP
    #[arg(value_name = "URL", required_unless_present = "command", conflicts_with = "command")]
    pub url: Option<Url>,
    /// The server, for a recording of stdio
    #[arg(long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// How fast: 1x is the recording's own timing, 2x twice as fast, max as fast as answers come
    #[arg(long, value_name = "FACTOR", default_value = "1x")]
    pub speed: Speed,
    /// Play it so many times, one after the other
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub loops: u64,
    /// Play so many copies of every recorded connection at once; over stdio, of the process
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=COPIES_MAX as i64))]
    pub connections_factor: u16,
    /// An HTTP header for every request, in place of a redacted one, like 'Authorization: Bearer …'
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = header, env = "IMPRESARIO_LOADTEST_HEADER", hide_env_values = true)]
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Trust the authorities in this PEM file, and no others
    #[arg(long, value_name = "FILE")]
    pub cacert: Option<PathBuf>,
    /// How long to wait for one answer
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "30s")]
    pub timeout: Duration,
    /// Play what there is of a recording that was cut off, and leave out what can't be played
    #[arg(long)]
    pub partial: bool,
    /// What to call the server in tables
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The server's process, to measure its processor time and memory
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,
}

fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    // The value may be a secret: it is not repeated.
    let wrong = || "write a header as NAME: VALUE".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let mut value: HeaderValue = value.trim().parse().map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok((name.trim().parse().map_err(|_| wrong())?, value))
}

/// What is played, by whom.
enum Stage {
    Http(Arc<player::Player>),
    Stdio(Arc<child::Player>),
}

impl ReplayOptions {
    /// Plays it. Ends early, with what was found so far, on Ctrl-C.
    ///
    /// # Errors
    /// When the recording can't be read or played to that server; what the server does wrongly is in the result.
    pub async fn run(&self, progress: &ProgressSender) -> Result<RunResult, Fault> {
        let recording = recording::read(&self.file, self.partial)?;
        let stage = self.stage(&recording)?;
        let started_at = calendar::rfc3339(SystemTime::now());
        let before = Uses::sample(self.server_pid);
        let begin = Instant::now();
        let copies = usize::from(self.connections_factor);
        let playing = async {
            for _ in 0..self.loops {
                match &stage {
                    Stage::Http(player) => player.play(copies).await,
                    Stage::Stdio(player) => player.play(copies).await,
                }
            }
        };
        let telling = async {
            let mut ticks = tokio::time::interval(TOLD_EVERY);
            loop {
                ticks.tick().await;
                progress.send_replace(self.progress(&stage, begin.elapsed()));
            }
        };
        let interrupted = tokio::select! {
            () = playing => false,
            () = telling => false,
            () = asked_to_end() => true,
        };
        let measured = begin.elapsed();
        Ok(self.result(&recording, &stage, started_at, measured, &before, interrupted))
    }

    /// Where it is at: by the recording's clock, or at `max` by the number of requests.
    fn progress(&self, stage: &Stage, elapsed: Duration) -> Progress {
        let (tally, length_us, requests) = match stage {
            Stage::Http(player) => (&player.tally, player.script.length_us, player.script.exchanges.len()),
            Stage::Stdio(player) => (&player.tally, player.lines.length_us, player.lines.answers()),
        };
        let told = tally.lock().unwrap_or_else(PoisonError::into_inner).progress(elapsed);
        let (total, done, of) = match self.speed {
            Speed::Times(factor) => {
                let total = Duration::from_micros(length_us).mul_f64(self.loops as f64 / factor);
                (Some(total), elapsed.as_secs_f64(), total.as_secs_f64())
            }
            Speed::Max => {
                let requests = requests as f64 * f64::from(self.connections_factor) * self.loops as f64;
                (None, (told.answers + told.errors) as f64, requests)
            }
        };
        Progress { total, done_share: if of > 0.0 { (done / of).min(1.0) } else { 0.0 }, ..told }
    }

    fn stage(&self, recording: &Recording) -> Result<Stage, Fault> {
        let wrong = |reason| Fault::plan(format!("{}: {reason}", self.file.display()));
        let (tally, started) = (Mutex::<Tally>::default(), Instant::now());
        let (speed, timeout) = (self.speed, self.timeout);
        let copies = usize::from(self.connections_factor);
        let bounded = |count: usize| match count.saturating_mul(copies) {
            0 => Err(Fault::plan(format!("{}: there is nothing to play in it", self.file.display()))),
            waiting if waiting > WAITING_MAX => Err(Fault::plan(format!(
                "{waiting} requests at a time are more than {WAITING_MAX}: lower --connections-factor"
            ))),
            _ => Ok(()),
        };
        match (recording.opening.transport, &self.url, &self.command) {
            (Transport::Http, Some(url), _) => {
                let script = Script::new(recording, self.partial).map_err(wrong)?;
                bounded(script.exchanges.len())?;
                let client = client::build(self.cacert.as_deref())?;
                let headers: HeaderMap = self.headers.iter().cloned().collect();
                let target = url.clone();
                let player =
                    player::Player { script, target, client, headers, speed, timeout, tally, started };
                Ok(Stage::Http(Arc::new(player)))
            }
            (Transport::Stdio, _, Some(command)) => {
                let lines = child::Lines::new(recording, self.partial).map_err(wrong)?;
                bounded(recording.lines.len())?;
                let command = shell_words::split(command).ok().filter(|words| !words.is_empty());
                let command =
                    command.ok_or_else(|| Fault::plan("--command needs a program and its arguments"))?;
                Ok(Stage::Stdio(Arc::new(child::Player { lines, command, speed, timeout, tally, started })))
            }
            (Transport::Http, None, _) => Err(wrong("a recording of HTTP is played to a URL".to_owned())),
            (Transport::Stdio, _, None) => {
                Err(wrong("a recording of stdio is played to a --command".to_owned()))
            }
        }
    }

    fn result(
        &self,
        recording: &Recording,
        stage: &Stage,
        started_at: String,
        measured: Duration,
        before: &Uses,
        interrupted: bool,
    ) -> RunResult {
        let (tally, connections, length_us, transport) = match stage {
            Stage::Http(player) => {
                (&player.tally, player.script.connections.len(), player.script.length_us, "streamable-http")
            }
            Stage::Stdio(player) => (&player.tally, 1, player.lines.length_us, "stdio"),
        };
        let tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
        let series = tally.series(measured, Duration::from_micros(length_us));
        let answers = series[0].answers;
        let address = match (&self.url, &self.command) {
            (Some(url), _) => url.to_string(),
            (None, command) => command.clone().unwrap_or_default(),
        };
        let factor = usize::from(self.connections_factor);
        let after = Uses::sample(self.server_pid);
        RunResult {
            format: FORMAT,
            started_at,
            command_line: std::env::args().collect(),
            name: self.name.clone().unwrap_or_else(|| address.clone()),
            work: format!("replay {} at {}", self.file.display(), self.speed),
            machine: machine::describe(),
            target: TargetFacts {
                address,
                transport: transport.to_owned(),
                revision: revisions(recording),
                server_name: String::new(),
                server_version: String::new(),
            },
            load: LoadFacts {
                shape: "replay".to_owned(),
                rates_per_s: Vec::new(),
                connections: connections * factor,
                sessions_per_connection: 1,
                rate_per_s: None,
                threads: tokio::runtime::Handle::current().metrics().num_workers(),
                warm_up_s: 0.0,
                think_time_ms: 0.0,
            },
            measured_s: measured.as_secs_f64(),
            series,
            slices: tally.slices(measured),
            server: self
                .server_pid
                .and_then(|pid| used(pid, before.server?, after.server?, measured, answers)),
            generator: used(
                std::process::id(),
                before.own.unwrap_or_default(),
                after.own.unwrap_or_default(),
                measured,
                answers,
            )
            .unwrap_or_else(|| unmeasured(std::process::id())),
            figures: Vec::new(),
            interrupted,
        }
    }
}

/// What this process and the server's had used at a moment.
struct Uses {
    own: Option<Usage>,
    server: Option<Usage>,
}

impl Uses {
    fn sample(server_pid: Option<u32>) -> Self {
        let server = server_pid.and_then(|pid| process::sample_tree(pid).ok());
        Self { own: process::sample_own().ok(), server }
    }
}

fn used(pid: u32, before: Usage, after: Usage, measured: Duration, answers: u64) -> Option<ProcessUse> {
    let used = after.since(&before);
    let cpu_s = used.cpu().as_secs_f64();
    let seconds = measured.as_secs_f64();
    (seconds > 0.0).then(|| ProcessUse {
        pid,
        user_cpu_s: used.user_cpu.as_secs_f64(),
        system_cpu_s: used.system_cpu.as_secs_f64(),
        cpu_us_per_answer: if answers == 0 { 0.0 } else { cpu_s * 1e6 / answers as f64 },
        cpu_share: cpu_s / seconds,
        rss_bytes: after.rss_bytes,
        rss_peak_bytes: after.rss_bytes.max(before.rss_bytes),
        ended: false,
    })
}

fn unmeasured(pid: u32) -> ProcessUse {
    ProcessUse {
        pid,
        user_cpu_s: 0.0,
        system_cpu_s: 0.0,
        cpu_us_per_answer: 0.0,
        cpu_share: 0.0,
        rss_bytes: 0,
        rss_peak_bytes: 0,
        ended: false,
    }
}

/// The revisions that the recording's clients named in headers, or in what they asked on stdio.
fn revisions(recording: &Recording) -> String {
    use crate::traffic::recording::Entry;
    let mut found = BTreeMap::new();
    for line in &recording.lines {
        if let Entry::Request { headers, .. } = &line.entry
            && let Some(revision) = headers.get("mcp-protocol-version")
        {
            found.insert(revision.clone(), ());
        }
    }
    found.into_keys().collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_is_none_is_not_repeated() {
        assert!(header("Authorization: Bearer x").is_ok());
        for text in ["secret-4711", "a b: secret-4711", "a: b\n4711"] {
            assert!(!header(text).unwrap_err().contains("4711"));
        }
    }
}
