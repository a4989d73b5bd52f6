//! The flags that every scenario has, and the plan that they make.

use std::path::PathBuf;
use std::time::Duration;

use crate::fault::Fault;
use crate::plan::{Address, Arrivals, FindMax, Load, Plan, Rate, Shape, Stop, Target, Transport, Trust};
use crate::revision::Revision;
use crate::units::{duration, header, rate};
use crate::work::Work;

/// Most threads that make load.
pub const THREADS_MAX: usize = 256;
/// Most connections.
pub const CONNECTIONS_MAX: usize = 200_000;
/// Most sessions on one connection.
pub const SESSIONS_PER_CONNECTION_MAX: usize = 10_000;

/// How to speak to a server, wherever it is.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "The server")]
pub struct TargetOptions {
    /// Protocol revision: auto, or one of 2024-11-05, 2025-03-26, 2025-06-18, 2025-11-25, 2026-07-28
    #[arg(long, value_name = "REVISION", value_parser = revision, default_value = "auto")]
    pub revision: RevisionChoice,
    /// Transport for a URL; auto falls back to HTTP+SSE where Streamable HTTP is refused
    #[arg(long, value_name = "TRANSPORT", value_enum, default_value_t)]
    pub transport: Transport,
    /// An HTTP header for every request, like 'Authorization: Bearer …'; repeat it for several
    #[arg(
        long = "header",
        value_name = "NAME: VALUE",
        value_parser = header,
        env = "IMPRESARIO_LOADTEST_HEADER",
        hide_env_values = true
    )]
    pub headers: Vec<(String, String)>,
    /// Trust the authorities in this PEM file, and no others
    #[arg(long, value_name = "FILE", conflicts_with = "insecure")]
    pub cacert: Option<PathBuf>,
    /// Trust any certificate: for test servers alone
    #[arg(long)]
    pub insecure: bool,
}

/// A revision, or the newest that both sides know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RevisionChoice(pub Option<Revision>);

impl TargetOptions {
    /// The server at an address, spoken to by these flags.
    #[must_use]
    pub fn target(&self, address: Address) -> Target {
        let trust = match (&self.cacert, self.insecure) {
            (Some(file), _) => Trust::File(file.clone()),
            (None, true) => Trust::Anybody,
            (None, false) => Trust::Native,
        };
        Target {
            address,
            transport: self.transport,
            revision: self.revision.0,
            headers: self.headers.clone(),
            trust,
        }
    }
}

impl Address {
    /// Reads the address of a server that listens.
    ///
    /// # Errors
    /// When it is no URL.
    pub fn url(text: &str) -> Result<Self, Fault> {
        text.parse().map(Self::Url).map_err(Fault::Plan)
    }

    /// Reads the command line of a server on stdio, split as a shell would.
    ///
    /// # Errors
    /// When it is empty or can't be split.
    pub fn command(line: &str) -> Result<Self, Fault> {
        let words = shell_words::split(line)
            .map_err(|error| Fault::plan(format!("the command `{line}` can't be split: {error}")))?;
        if words.is_empty() {
            return Err(Fault::plan("--command is empty; write a program and its arguments"));
        }
        Ok(Self::Command(words))
    }
}

/// How much load, in which shape, for how long, from which threads.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The load")]
pub struct LoadOptions {
    /// Connections; each has one request in flight. Over stdio, processes [default: 64; over stdio 1]
    #[arg(
        short = 'n',
        long,
        visible_alias = "processes",
        value_name = "N",
        value_parser = at_most(CONNECTIONS_MAX)
    )]
    pub connections: Option<usize>,
    /// Legacy sessions on each connection, used in turn
    #[arg(
        long,
        value_name = "N",
        default_value = "1",
        value_parser = at_most(SESSIONS_PER_CONNECTION_MAX)
    )]
    pub sessions_per_connection: usize,
    /// Closed loop: the pause between an answer and the connection's next request
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "0ms", conflicts_with_all = ["rate", "ramp", "steps", "find_max"])]
    pub think_time: Duration,
    /// Open loop: so many requests a second by the clock, whether answers come or not
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub rate: Option<f64>,
    /// Open loop: from one rate to another over the duration, like 1000..50k
    #[arg(long, value_name = "FROM..TO", value_parser = ramp, conflicts_with = "rate")]
    pub ramp: Option<(f64, f64)>,
    /// Open loop: several rates, each for an equal part of the duration
    #[arg(long, value_name = "RATE,RATE…", value_parser = rate, value_delimiter = ',', num_args = 1.., conflicts_with_all = ["rate", "ramp"])]
    pub steps: Vec<f64>,
    /// Search for the highest rate whose p99 stays under --p99-bound without errors
    #[arg(long, conflicts_with_all = ["rate", "ramp", "steps", "count"])]
    pub find_max: bool,
    /// The bound of --find-max
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "5ms")]
    pub p99_bound: Duration,
    /// Open loop: drawn gaps, as of many independent clients, in place of equal ones
    #[arg(long)]
    pub poisson: bool,
    /// Open loop: how many requests may wait for a free connection; one more counts as the error `not sent`
    #[arg(long, value_name = "N", default_value = "10000", value_parser = at_most(10_000_000))]
    pub backlog_max: usize,
    /// How long to ask before anything is measured
    #[arg(short = 'w', long, value_name = "TIME", value_parser = duration, default_value = "1s")]
    pub warm_up: Duration,
    /// How long to measure; with --find-max, each probe
    #[arg(short = 'd', long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub duration: Duration,
    /// Stop after so many requests in place of a duration
    #[arg(short = 'c', long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// How long to wait for one answer
    #[arg(long, value_name = "TIME", value_parser = duration, default_value = "10s")]
    pub timeout: Duration,
    /// Threads that make load
    #[arg(short = 't', long, value_name = "N", default_value = "1", value_parser = at_most(THREADS_MAX))]
    pub threads: usize,
    /// Cores to bind the threads to, in turn, like 1,3
    #[arg(long, value_name = "CORE,CORE…", value_delimiter = ',')]
    pub pin: Vec<usize>,
    /// Where random draws begin
    #[arg(long, value_name = "N", default_value = "1")]
    pub seed: u64,
}

/// What is known of the one server of a run.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "The server")]
pub struct IdentityOptions {
    /// The server's process, to measure its processor time and memory
    #[arg(long, value_name = "PID")]
    pub server_pid: Option<u32>,
    /// What to call the server in tables
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

impl IdentityOptions {
    /// Puts it into a plan.
    #[must_use]
    pub fn identify(self, plan: Plan) -> Plan {
        Plan { server_pid: self.server_pid, name: self.name, ..plan }
    }
}

impl LoadOptions {
    /// The plan for that work on that server, of which nothing else is known.
    ///
    /// # Errors
    /// When flags do not go together; says which.
    pub fn plan(&self, target: Target, work: Work) -> Result<Plan, Fault> {
        let is_stdio = matches!(target.address, Address::Command(_));
        let connections = self.connections.unwrap_or(if is_stdio { 1 } else { 64 });
        if self.timeout.is_zero() {
            return Err(Fault::plan("--timeout must be longer than nothing"));
        }
        if self.duration.is_zero() {
            return Err(Fault::plan("--duration must be longer than nothing"));
        }
        Ok(Plan {
            name: None,
            target,
            work,
            load: Load {
                shape: self.shape(),
                connections,
                sessions_per_connection: self.sessions_per_connection,
                think_time: self.think_time,
            },
            warm_up: self.warm_up,
            stop: self.count.map_or(Stop::After(self.duration), Stop::Count),
            timeout: self.timeout,
            threads: self.threads.min(connections),
            pin: self.pin.clone(),
            seed: self.seed,
            server_pid: None,
            model: None,
            command_line: std::env::args().collect(),
        })
    }

    /// An open loop at that rate.
    #[must_use]
    pub fn open(&self, rate: Rate) -> Shape {
        Shape::Open(Arrivals { rate, poisson: self.poisson, backlog_max: self.backlog_max })
    }

    fn shape(&self) -> Shape {
        if self.find_max {
            let (poisson, backlog_max) = (self.poisson, self.backlog_max);
            return Shape::FindMax(FindMax { p99_bound: self.p99_bound, poisson, backlog_max });
        }
        let rate = match (self.rate, self.ramp, self.steps.is_empty()) {
            (Some(rate), ..) => Rate::Constant(rate),
            (None, Some((from, to)), _) => Rate::Ramp { from, to },
            (None, None, false) => Rate::Steps(self.steps.clone()),
            (None, None, true) => return Shape::Closed,
        };
        self.open(rate)
    }
}

fn revision(text: &str) -> Result<RevisionChoice, String> {
    if text == "auto" {
        Ok(RevisionChoice(None))
    } else {
        text.parse().map(|known| RevisionChoice(Some(known)))
    }
}

fn ramp(text: &str) -> Result<(f64, f64), String> {
    let (from, to) = text.split_once("..").ok_or("write FROM..TO, like 1000..50k")?;
    Ok((rate(from)?, rate(to)?))
}

fn at_most(max: usize) -> impl Fn(&str) -> Result<usize, String> + Clone {
    move |text| {
        let number = text.parse().ok().filter(|number| (1..=max).contains(number));
        number.ok_or_else(|| format!("write a number from 1 to {max}"))
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Flags {
        #[command(flatten)]
        target: TargetOptions,
        #[command(flatten)]
        load: LoadOptions,
    }

    fn plan(line: &str) -> Result<Plan, String> {
        let words = std::iter::once("x").chain(line.split_whitespace());
        let flags = Flags::try_parse_from(words).map_err(|error| error.to_string())?;
        let target = flags.target.target(Address::url("http://h").unwrap());
        flags.load.plan(target, Work::parse("echo").unwrap()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn the_flags_choose_the_shape() {
        let open = |rate| Shape::Open(Arrivals { rate, poisson: false, backlog_max: 10_000 });
        let rows = [
            ("", Shape::Closed),
            ("--rate 5k", open(Rate::Constant(5000.0))),
            ("--ramp 10..2k", open(Rate::Ramp { from: 10.0, to: 2000.0 })),
            ("--steps 10,20", open(Rate::Steps(vec![10.0, 20.0]))),
            (
                "--find-max --p99-bound 2ms --poisson --backlog-max 5",
                Shape::FindMax(FindMax {
                    p99_bound: Duration::from_millis(2),
                    poisson: true,
                    backlog_max: 5,
                }),
            ),
        ];
        for (line, shape) in rows {
            assert_eq!(plan(line).unwrap().load.shape, shape, "{line}");
        }
    }

    #[test]
    fn flags_that_do_not_go_together_are_refused() {
        for line in [
            "--rate 5 --ramp 1..2",
            "--rate 5 --think-time 1s",
            "--find-max --rate 5",
            "--count 5 --duration 1s",
            "--insecure --cacert x",
            "--timeout 0",
            "--duration 0",
            "--connections 0",
            "--rate 0",
            "--revision 2020-01-01",
        ] {
            assert!(plan(line).is_err(), "{line}");
        }
    }

    #[test]
    fn steps_and_ramps_have_a_rate_at_every_moment() {
        let steps = Rate::Steps(vec![1.0, 2.0, 3.0]);
        assert_eq!([0.0, 0.34, 0.99, 1.0, 2.0].map(|share| steps.after(share)), [1.0, 2.0, 3.0, 3.0, 3.0]);
        assert_eq!(Rate::Ramp { from: 10.0, to: 20.0 }.after(0.5), 15.0);
    }
}
