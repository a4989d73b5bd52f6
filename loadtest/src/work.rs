//! What a server is asked, as words: `echo`, `call add a=1 b=2`, `payload 100KB`.
//!
//! The same structs read the subcommands of the command line and [`Work::parse`], so there is one grammar.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser as _;

use crate::fault::Fault;
use crate::units::{Bytes, duration, header};

/// What a server is asked.
#[derive(Debug, Clone, PartialEq, clap::Subcommand)]
pub enum Work {
    /// Call the tool `echo` with a short message
    Echo(Echo),
    /// Call a tool
    Call(Call),
    /// Ask for the list of tools
    List(List),
    /// Call the tool `echo` with a message of a given size
    Payload(Payload),
    /// Several kinds of work, by weight, from a file
    Mix(Mix),
    /// Open sessions, use them and close them
    Sessions(Sessions),
    /// Open many sessions or streams and leave them idle: what does each cost?
    Idle(Idle),
    /// Some clients ask for big answers and read them slowly: do the others suffer?
    SlowReader(SlowReader),
    /// Call a tool with keys of which some are asked for more often
    Cache(Cache),
    /// Take calls back while they run
    CancelStorm(CancelStorm),
    /// Connect, ask, disconnect, again and again
    ReconnectStorm(ReconnectStorm),
    /// Many listeners hear of one change: how fast, and do all of them?
    Subscribe(Subscribe),
    /// One tenant floods the server: does another one notice?
    NoisyNeighbour(NoisyNeighbour),
}

/// Call the tool `echo` with a short message.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Echo {
    /// What to have echoed
    #[arg(long, value_name = "TEXT", default_value = "hello")]
    pub message: String,
}

/// Call a tool.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Call {
    /// The tool's name
    #[arg(value_name = "TOOL")]
    pub tool: String,
    /// Its arguments: name=value typed by the tool's schema, or name:=JSON
    #[arg(value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,
}

/// Ask for the list of tools.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct List {}

/// Call the tool `echo` with a message of a given size.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Payload {
    /// Bytes of the message, like 100KB or 1MiB
    #[arg(value_name = "SIZE")]
    pub size: Bytes,
}

/// Several kinds of work, by weight.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Mix {
    /// A TOML file of `[[work]]` tables, each with `do` (the words of a work) and `weight`
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Open sessions, use them and close them.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Sessions {
    /// How many pings each session is used for before it is closed
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub pings: u32,
}

/// Open many sessions or streams and leave them idle.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Idle {
    /// How many
    #[arg(id = "idle_count", value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub count: u32,
    /// Open event streams, one connection each, in place of sessions that share a few connections
    #[arg(long)]
    pub streams: bool,
}

/// Some clients read slowly.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct SlowReader {
    /// How many clients read slowly
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub readers: u32,
    /// How big the answers are that they ask for
    #[arg(long, value_name = "SIZE", default_value = "1MB")]
    pub size: Bytes,
    /// How fast each of them reads, a second
    #[arg(long, value_name = "SIZE", default_value = "256KB")]
    pub speed: Bytes,
}

/// Call a tool with keys of which some are asked for more often.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct Cache {
    /// The tool
    #[arg(value_name = "TOOL")]
    pub tool: String,
    /// Its other arguments
    #[arg(value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,
    /// The argument that differs from call to call: a number from 1 to --keys
    #[arg(long, value_name = "NAME", default_value = "key")]
    pub key: String,
    /// How many keys there are
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub keys: u32,
    /// How uneven they are asked for: key K with the weight 1/K^S (Zipf); 0 asks for all alike
    #[arg(long, value_name = "S", default_value_t = 1.0)]
    pub skew: f64,
    /// A call that says how often the tool has run so far, itself included, like 'slow_count key=0 ms=0'
    #[arg(long, value_name = "CALL")]
    pub runs: Option<String>,
}

/// Take calls back while they run.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct CancelStorm {
    /// A tool that takes longer than the wait before it is cancelled
    #[arg(value_name = "TOOL")]
    pub tool: String,
    /// Its arguments
    #[arg(value_name = "NAME=VALUE")]
    pub arguments: Vec<String>,
    /// How long each call may run
    #[arg(long, value_name = "TIME", default_value = "5ms", value_parser = duration)]
    pub after: Duration,
}

/// Connect, ask, disconnect.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct ReconnectStorm {
    /// How many requests each connection is used for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    pub requests: u32,
}

/// Many listeners hear of one change.
#[derive(Debug, Clone, PartialEq, Eq, clap::Args)]
pub struct Subscribe {
    /// What makes the server send a notification: a tool and its arguments, like 'touch uri=note://1'
    #[arg(long, value_name = "CALL")]
    pub trigger: String,
    /// The resource to subscribe to; without it, changes of the lists of tools, prompts and resources
    #[arg(long, value_name = "URI")]
    pub resource: Option<String>,
    /// How many listen
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    pub listeners: u32,
    /// The pause between two triggers
    #[arg(long, value_name = "TIME", default_value = "100ms", value_parser = duration)]
    pub every: Duration,
}

/// One tenant floods the server.
#[derive(Debug, Clone, PartialEq, clap::Args)]
pub struct NoisyNeighbour {
    /// Requests a second of the quiet tenant
    #[arg(long, value_name = "N", default_value_t = 200.0)]
    pub quiet_rate: f64,
    /// A header of the quiet tenant alone, like 'Authorization: Bearer …'
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    pub quiet_header: Option<(String, String)>,
    /// A header of the flooding tenant alone
    #[arg(long, value_name = "NAME: VALUE", value_parser = header)]
    pub flood_header: Option<(String, String)>,
}

#[derive(clap::Parser)]
#[command(no_binary_name = true, disable_help_flag = true, disable_help_subcommand = true)]
struct Words {
    #[command(subcommand)]
    work: Work,
}

impl Work {
    /// Reads work from words, split as a shell would.
    ///
    /// # Errors
    /// When it is none, or not all of it.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let words = shell_words::split(text)
            .map_err(|error| Fault::plan(format!("the work `{text}` can't be split: {error}")))?;
        let parsed = Words::try_parse_from(words).map_err(|error| {
            let reason = error.to_string();
            let reason = reason.lines().next().unwrap_or_default().trim_start_matches("error: ");
            Fault::plan(format!("`{text}` is no work: {reason}"))
        })?;
        Ok(parsed.work)
    }
}

impl fmt::Display for Work {
    /// The words that [`Work::parse`] reads.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = match self {
            Self::Echo(echo) if echo.message == "hello" => vec!["echo".into()],
            Self::Echo(echo) => vec!["echo".into(), format!("--message={}", echo.message)],
            Self::Call(call) => called("call", &call.tool, &call.arguments),
            Self::List(_) => vec!["list".into()],
            Self::Payload(payload) => vec!["payload".into(), payload.size.to_string()],
            Self::Mix(mix) => vec!["mix".into(), mix.file.display().to_string()],
            Self::Sessions(sessions) => vec!["sessions".into(), format!("--pings={}", sessions.pings)],
            Self::Idle(idle) => {
                let streams = idle.streams.then(|| "--streams".into());
                ["idle".into(), idle.count.to_string()].into_iter().chain(streams).collect()
            }
            Self::SlowReader(slow) => vec![
                "slow-reader".into(),
                format!("--readers={}", slow.readers),
                format!("--size={}", slow.size),
                format!("--speed={}", slow.speed),
            ],
            Self::Cache(cache) => {
                let mut words = called("cache", &cache.tool, &cache.arguments);
                words.push(format!("--key={}", cache.key));
                words.push(format!("--keys={}", cache.keys));
                words.push(format!("--skew={}", cache.skew));
                words.extend(cache.runs.iter().map(|runs| format!("--runs={runs}")));
                words
            }
            Self::CancelStorm(storm) => {
                let mut words = called("cancel-storm", &storm.tool, &storm.arguments);
                words.push(format!("--after={}ms", storm.after.as_secs_f64() * 1e3));
                words
            }
            Self::ReconnectStorm(storm) => {
                vec!["reconnect-storm".into(), format!("--requests={}", storm.requests)]
            }
            Self::Subscribe(subscribe) => {
                let mut words = vec!["subscribe".into(), format!("--trigger={}", subscribe.trigger)];
                words.extend(subscribe.resource.iter().map(|uri| format!("--resource={uri}")));
                words.push(format!("--listeners={}", subscribe.listeners));
                words.push(format!("--every={}ms", subscribe.every.as_secs_f64() * 1e3));
                words
            }
            // The headers are left out: what names a tenant is nobody else's business.
            Self::NoisyNeighbour(noisy) => {
                vec!["noisy-neighbour".into(), format!("--quiet-rate={}", noisy.quiet_rate)]
            }
        };
        let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
        out.write_str(&quoted.join(" "))
    }
}

/// A word as a shell takes it. What needs no quotes gets none, `a=1` included.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_=./:,@+%".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        shell_words::quote(word).into_owned()
    }
}

fn called(verb: &str, tool: &str, arguments: &[String]) -> Vec<String> {
    [verb, tool].into_iter().map(str::to_owned).chain(arguments.iter().cloned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_is_read_as_it_is_written() {
        let rows = [
            "echo",
            "echo '--message=two words'",
            "call add a=1 b=2",
            "call say 'text=a b'",
            "list",
            "payload 100KB",
            "payload 1MiB",
            "mix mix.toml",
            "sessions --pings=3",
            "idle 1000",
            "idle 50 --streams",
            "slow-reader --readers=4 --size=1MB --speed=64KB",
            "cache count ms=5 --key=key --keys=100 --skew=0.8 '--runs=count key=0'",
            "cancel-storm sleep ms=100 --after=5ms",
            "reconnect-storm --requests=2",
            "subscribe '--trigger=touch uri=a://b' --resource=a://b --listeners=10 --every=100ms",
            "noisy-neighbour --quiet-rate=200",
        ];
        for text in rows {
            assert_eq!(Work::parse(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_work_says_why() {
        for text in ["", "dance", "call", "payload", "payload big", "idle 0", "echo 'x", "list more"] {
            let fault = Work::parse(text).expect_err(text).to_string();
            assert!(!fault.contains('\n') && fault.len() > 10, "{fault}");
        }
    }
}
