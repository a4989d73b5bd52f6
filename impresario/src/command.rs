//! The command line: its verbs, what each is told, and how a verb's end becomes an exit code.
//!
//! A verb is a file of this module. Results go to standard output and everything else to standard error,
//! both through its `output`; nothing here prints in any other way.

mod admin;
mod announce;
mod arguments;
mod cache;
mod call;
mod catalogue;
mod check;
mod client;
mod completions;
mod config;
mod failure;
mod following;
mod inspect;
mod limits;
mod list;
mod logging;
mod output;
mod plan;
mod problems;
mod progress;
mod schema;
mod serve;
mod target;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::Failure;

pub use crate::spelling::{LimitSetting, Listen, SettingError};
pub use serve::{ServeOptions, TlsOptions, serve, serve_runtime, start};

const TOUR: &str = "\
A short tour:
  impresario                                  serve the demo packs on http://127.0.0.1:8000/mcp
  impresario serve --config impresario.toml   serve what a file describes
  impresario list http://127.0.0.1:8000       see what a server offers
  impresario call http://127.0.0.1:8000 add a=2 b=3
  impresario inspect --command 'impresario serve --stdio' --json

Without a verb, `serve` is meant: `impresario --stdio` is `impresario serve --stdio`.

Exit codes:
  0         done
  1         the server can't be reached, can't start, or answered with an error
  2         the command line is wrong; with `plan`: something would change
  3         the tool of `call` ran, and says that it failed
  130, 143  ended by a second SIGINT or SIGTERM";

/// Impresario hosts tools for agents over MCP, in every revision of the protocol.
#[derive(Debug, Parser)]
#[command(
    name = "impresario",
    version,
    override_usage = "impresario [VERB] [OPTIONS]",
    subcommand_help_heading = "Verbs",
    after_help = TOUR,
    max_term_width = 110
)]
pub struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    // Boxed, because it has by far the most flags.
    Serve(Box<serve::Serve>),
    Check(check::Check),
    Plan(plan::Plan),
    Config(config::Config),
    Cache(cache::Cache),
    List(list::List),
    Call(call::Call),
    Inspect(inspect::Inspect),
    Limits(limits::List),
    Completions(completions::Completions),
}

impl Cli {
    /// Reads the arguments, the program's own name first. Help, the version and mistakes are printed, and end
    /// the process.
    #[must_use]
    pub fn from_arguments(arguments: impl IntoIterator<Item = OsString>) -> Self {
        Self::parse_from(with_verb(arguments.into_iter().collect()))
    }
}

/// Runs the verb, says what went wrong if anything did, and has the exit code.
pub async fn run(cli: Cli) -> ExitCode {
    let (json, outcome) = match cli.verb {
        Verb::Serve(verb) => (false, Box::pin(verb.run()).await),
        Verb::Check(verb) => (verb.json, Box::pin(verb.run()).await),
        Verb::Plan(verb) => match (verb.json, Box::pin(verb.run()).await) {
            (_, Ok(code)) => return code,
            (json, Err(failure)) => (json, Err(failure)),
        },
        Verb::Config(verb) => (false, verb.run()),
        Verb::Cache(verb) => (verb.json, Box::pin(verb.run()).await),
        Verb::List(verb) => (verb.server.json, Box::pin(verb.run()).await),
        Verb::Call(verb) => (verb.server.json, Box::pin(verb.run()).await),
        Verb::Inspect(verb) => (verb.server.json, Box::pin(verb.run()).await),
        Verb::Limits(verb) => (false, verb.run()),
        Verb::Completions(verb) => (false, verb.run()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(json),
    }
}

/// Says what went wrong before there was a verb to run.
#[must_use]
pub fn fail(error: anyhow::Error) -> ExitCode {
    Failure::from(error).report(false)
}

/// Puts the verb `serve` before arguments that name no verb and ask for neither help nor the version.
fn with_verb(mut arguments: Vec<OsString>) -> Vec<OsString> {
    const ABOUT_ALL_VERBS: [&str; 4] = ["-h", "--help", "-V", "--version"];
    let serves = match arguments.get(1).map(|first| first.to_string_lossy()) {
        None => true,
        Some(first) => first.starts_with('-') && !ABOUT_ALL_VERBS.contains(&first.as_ref()),
    };
    if serves {
        let place = arguments.len().min(1);
        arguments.insert(place, "serve".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_fits_together() {
        Cli::command().debug_assert();
    }

    #[test]
    fn arguments_without_a_verb_are_those_of_serve() {
        let rows: [(&[&str], &[&str]); 6] = [
            (&["impresario"], &["impresario", "serve"]),
            (&["impresario", "--stdio"], &["impresario", "serve", "--stdio"]),
            (&["impresario", "--help"], &["impresario", "--help"]),
            (&["impresario", "-V"], &["impresario", "-V"]),
            (&["impresario", "limits", "--json"], &["impresario", "limits", "--json"]),
            (&["impresario", "sevre"], &["impresario", "sevre"]),
        ];
        for (given, meant) in rows {
            let given = given.iter().map(OsString::from).collect();
            assert_eq!(with_verb(given), meant.iter().map(OsString::from).collect::<Vec<_>>());
        }
    }

    #[test]
    fn every_verb_shows_examples() {
        for verb in Cli::command().get_subcommands() {
            let help = verb.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Examples:\n  impresario "), "{}", verb.get_name());
        }
    }
}
