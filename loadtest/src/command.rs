//! The command line: a subcommand for each scenario, with the flags of `options.rs` and the words of `work.rs`.
//!
//! The result goes to standard output, everything else to standard error. The exit code is 0 when all is well, 1 when
//! what was measured failed or got worse, 2 when the command line makes no sense, 130 when the run was interrupted.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

use crate::baseline::Check;
use crate::compare::Compare;
use crate::compare::grow::Grow;
use crate::fault::{Fault, INTERRUPTED};
use crate::options::{IdentityOptions, LoadOptions, TargetOptions};
use crate::plan::{Address, Plan};
use crate::progress::{self, ProgressSender};
use crate::report::Report;
use crate::result::RunResult;
use crate::run;
use crate::show::live::Live;
use crate::show::{html, print, table, units};
use crate::traffic::record::RecordOptions;
use crate::traffic::replay::ReplayOptions;
use crate::work::{
    Cache, Call, CancelStorm, Echo, Idle, List, Mix, NoisyNeighbour, Payload, ReconnectStorm, Sessions,
    SlowReader, Subscribe, Work,
};
use crate::{load, output, process};

const EXAMPLES: &str = "\
Examples:
  impresario-loadtest echo http://127.0.0.1:8000/mcp
  impresario-loadtest echo http://127.0.0.1:8000/mcp --rate 20k --duration 30s
  impresario-loadtest call http://127.0.0.1:8000/mcp add a=1 b=2 --revision 2025-11-25
  impresario-loadtest list --command 'impresario serve --stdio' --processes 2
  impresario-loadtest echo http://127.0.0.1:8000/mcp --find-max --p99-bound 2ms
  impresario-loadtest idle http://127.0.0.1:8000/mcp 100000 --server-pid 4711
  impresario-loadtest record calls.jsonl --to http://127.0.0.1:8000/mcp
  impresario-loadtest replay calls.jsonl http://127.0.0.1:8000/mcp --speed max
  impresario-loadtest compare

Exit codes: 0 all is well, 1 what was measured failed or got worse, 2 the command line has to change, 130 interrupted.";

/// Stands in the target's place when the server is started by --command.
const NO_TARGET: &str = "-";

/// Make load on any MCP server, check every answer, and measure.
#[derive(Debug, Parser)]
#[command(name = "impresario-loadtest", version, after_help = EXAMPLES, max_term_width = 110)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

/// What can be done.
#[derive(Debug, clap::Subcommand)]
enum Verb {
    /// Call the tool `echo` with a short message
    Echo(Scenario<Echo>),
    /// Call a tool
    Call(Scenario<Call>),
    /// Ask for the list of tools
    List(Scenario<List>),
    /// Call the tool `echo` with a message of a given size
    Payload(Scenario<Payload>),
    /// Several kinds of work, by weight, from a file
    Mix(Scenario<Mix>),
    /// Open sessions, use them and close them: what does one cost?
    Sessions(Scenario<Sessions>),
    /// Open many sessions or streams and leave them idle: what does each cost?
    Idle(Scenario<Idle>),
    /// Some clients ask for big answers and read them slowly: do the others suffer?
    SlowReader(Scenario<SlowReader>),
    /// Call a tool with keys of which some are asked for more often: how often does it run?
    Cache(Scenario<Cache>),
    /// Take calls back while they run: do the others suffer?
    CancelStorm(Scenario<CancelStorm>),
    /// Connect, ask, disconnect, again and again
    ReconnectStorm(Scenario<ReconnectStorm>),
    /// Many listeners hear of one change: how fast, and do all of them?
    Subscribe(Scenario<Subscribe>),
    /// One tenant floods the server: does another one notice?
    NoisyNeighbour(Scenario<NoisyNeighbour>),
    /// Play recorded traffic to a server: everything is asked again, and the answers have to be of the same kind
    Replay(Box<Replay>),
    /// Record what real clients ask a server, to play it again later
    Record(RecordOptions),
    /// Compare servers on the same work, in turns, with confidence intervals
    Compare(Box<Compare>),
    /// Measure how processor time and memory grow with connections, payload, tools or sessions
    Grow(Box<Grow>),
    /// Hold a server against an earlier result, and fail if it is worse
    Check(Check),
    /// Make a page or a table of results that were saved with --json
    Report(Report),
}

/// A scenario's arguments: where, what, how.
#[derive(Debug, clap::Args)]
struct Scenario<W: clap::Args> {
    /// The server's URL; without a path, /mcp is meant. Left away with --command
    #[arg(value_name = "TARGET")]
    target: String,
    #[command(flatten)]
    work: W,
    /// Start this command line as a server on standard input and output, once for each of --processes
    #[arg(long, value_name = "COMMAND", help_heading = "The server")]
    command: Option<String>,
    #[command(flatten)]
    server: TargetOptions,
    #[command(flatten)]
    identity: IdentityOptions,
    #[command(flatten)]
    load: LoadOptions,
    #[command(flatten)]
    result: ResultOptions,
}

/// A replay's arguments.
#[derive(Debug, clap::Args)]
struct Replay {
    #[command(flatten)]
    replay: ReplayOptions,
    #[command(flatten)]
    result: ResultOptions,
}

/// What becomes of the result.
#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "The result")]
struct ResultOptions {
    /// Print the result as JSON
    #[arg(long)]
    json: bool,
    /// Write a report to this file
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Exit with 1 when there are more errors than this
    #[arg(long, value_name = "N", default_value_t = 0)]
    errors_max: u64,
}

impl Cli {
    /// Reads the command line. A target's place is filled where `--command` names the server, so that what follows
    /// keeps its own place.
    pub fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self::parse_from(with_target(arguments.into_iter().collect()))
    }
}

fn with_target(mut arguments: Vec<OsString>) -> Vec<OsString> {
    let names_command =
        |argument: &OsString| argument == "--command" || argument.to_string_lossy().starts_with("--command=");
    // These two take either, and know which.
    let has_target = arguments.get(1).is_some_and(|verb| verb != "record" && verb != "replay");
    let is_url = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        argument.starts_with("http://") || argument.starts_with("https://")
    };
    // Where both stand, the URL stays the target, and is refused beside the command.
    let has_url = arguments.get(2).is_some_and(is_url);
    if has_target && arguments.len() > 2 && !has_url && arguments.iter().any(names_command) {
        arguments.insert(2, NO_TARGET.into());
    }
    arguments
}

/// Does what the command line says.
pub async fn run(cli: Cli) -> ExitCode {
    let planned = match cli.verb {
        Verb::Echo(scenario) => scenario.plan(Work::Echo),
        Verb::Call(scenario) => scenario.plan(Work::Call),
        Verb::List(scenario) => scenario.plan(Work::List),
        Verb::Payload(scenario) => scenario.plan(Work::Payload),
        Verb::Mix(scenario) => scenario.plan(Work::Mix),
        Verb::Sessions(scenario) => scenario.plan(Work::Sessions),
        Verb::Idle(scenario) => scenario.plan(Work::Idle),
        Verb::SlowReader(scenario) => scenario.plan(Work::SlowReader),
        Verb::Cache(scenario) => scenario.plan(Work::Cache),
        Verb::CancelStorm(scenario) => scenario.plan(Work::CancelStorm),
        Verb::ReconnectStorm(scenario) => scenario.plan(Work::ReconnectStorm),
        Verb::Subscribe(scenario) => scenario.plan(Work::Subscribe),
        Verb::NoisyNeighbour(scenario) => scenario.plan(Work::NoisyNeighbour),
        Verb::Replay(replay) => return ended(replayed(*replay).await),
        Verb::Record(record) => return ended(recorded(&record).await),
        Verb::Compare(compare) => return ended(compare.run().await),
        Verb::Grow(grow) => return ended(grow.run().await),
        Verb::Check(check) => return ended(check.run().await),
        Verb::Report(report) => return ended(report.run()),
    };
    ended(measured(planned).await)
}

async fn measured(planned: Result<(Plan, ResultOptions), Fault>) -> Result<ExitCode, Fault> {
    let (plan, options) = planned?;
    output::try_out(options.html.as_deref())?;
    process::must_exist(plan.server_pid)?;
    if let Some(core) = plan.pin.first() {
        load::bind(*core)?;
    }
    let server = plan.name.clone().unwrap_or_else(|| plan.target.address.to_string());
    let title = format!("{} on {server}", plan.work);
    let result = watched(&title, async |progress| run::run(&plan, progress).await).await?;
    judged(&result, &options)
}

async fn replayed(Replay { replay, result: options }: Replay) -> Result<ExitCode, Fault> {
    output::try_out(options.html.as_deref())?;
    let title = format!("replay of {}", replay.file.display());
    let result = watched(&title, async |progress| replay.run(progress).await).await?;
    judged(&result, &options)
}

async fn recorded(record: &RecordOptions) -> Result<ExitCode, Fault> {
    let summary = record.run().await?;
    let lines = units::count(summary.lines);
    print::note(&format!("{lines} lines recorded in {}", record.file.display()));
    Ok(ExitCode::SUCCESS)
}

/// Shows a run while it runs.
async fn watched(
    title: &str,
    run: impl AsyncFnOnce(&ProgressSender) -> Result<RunResult, Fault>,
) -> Result<RunResult, Fault> {
    let (progress, newest) = progress::channel();
    let live = Live::start(title, newest);
    let result = run(&progress).await;
    drop(live);
    result
}

/// Shows a result, and says whether it is a good one.
fn judged(result: &RunResult, options: &ResultOptions) -> Result<ExitCode, Fault> {
    show(result, options)?;
    let errors: u64 =
        result.series.first().map_or(0, |all| all.errors.values().map(|count| count.count).sum());
    Ok(match errors <= options.errors_max {
        _ if result.interrupted => ExitCode::from(INTERRUPTED),
        true => ExitCode::SUCCESS,
        false => ExitCode::from(1),
    })
}

fn ended(outcome: Result<ExitCode, Fault>) -> ExitCode {
    outcome.unwrap_or_else(|fault| {
        let code = fault.exit_code();
        fail(&fault.into());
        ExitCode::from(code)
    })
}

/// Says what went wrong, on standard error.
pub fn fail(error: &anyhow::Error) -> ExitCode {
    // A closed standard error leaves nobody to tell.
    let _ = writeln!(std::io::stderr(), "impresario-loadtest: {error:#}");
    ExitCode::from(1)
}

impl<W: clap::Args> Scenario<W> {
    fn plan(self, work: impl FnOnce(W) -> Work) -> Result<(Plan, ResultOptions), Fault> {
        let address = match &self.command {
            Some(_) if self.target != NO_TARGET => {
                return Err(Fault::plan("name one server: a URL or a --command, not both"));
            }
            Some(line) => Address::command(line)?,
            None => Address::url(&self.target)?,
        };
        let plan = self.load.plan(self.server.target(address), work(self.work))?;
        Ok((self.identity.identify(plan), self.result))
    }
}

/// The one place that shows a result.
fn show(result: &RunResult, options: &ResultOptions) -> Result<(), Fault> {
    let shown = if options.json {
        print::json(result)
    } else {
        print::result(&table::render(result, print::width()))
    };
    shown.map_err(Fault::machine("write to standard output"))?;
    let Some(path) = &options.html else { return Ok(()) };
    let page = html::results(vec![result.clone()], None).expect("one result makes a page");
    output::write(path, "report", &page)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_command_takes_the_place_of_the_target() {
        for line in ["x call --command a add a=1", "x call add a=1 --command=a", "x call http://h add a=1"] {
            let words = line.split(' ').map(OsString::from).collect();
            let Ok(Cli { verb: Verb::Call(scenario) }) = Cli::try_parse_from(with_target(words)) else {
                panic!("{line}");
            };
            assert_eq!((scenario.work.tool.as_str(), scenario.work.arguments.len()), ("add", 1), "{line}");
        }
    }

    #[test]
    fn traffic_has_a_command_or_a_url() {
        for line in [
            "x replay a.jsonl http://h/mcp --json",
            "x replay a.jsonl --command a --html b",
            "x record a.jsonl --command a",
            "x record a.jsonl --to http://h/mcp",
        ] {
            let words = line.split(' ').map(OsString::from).collect();
            let Ok(Cli { verb }) = Cli::try_parse_from(with_target(words)) else { panic!("{line}") };
            let file = match &verb {
                Verb::Replay(replay) => &replay.replay.file,
                Verb::Record(record) => &record.file,
                other => panic!("{line}: {other:?}"),
            };
            assert_eq!(file.to_str(), Some("a.jsonl"), "{line}");
        }
    }

    #[test]
    fn too_few_words_are_refused() {
        for line in [
            "x echo",
            "x payload http://h",
            "x call --command a",
            "x dance http://h",
            "x replay a.jsonl",
            "x record a.jsonl",
            "x replay a.jsonl http://h --command a",
        ] {
            let words = line.split(' ').map(OsString::from).collect();
            assert!(Cli::try_parse_from(with_target(words)).is_err(), "{line}");
        }
    }
}
