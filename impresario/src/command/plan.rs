//! The verb `plan`: what a config file would change about a running server.

use std::fmt::Write as _;
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use reqwest::Method;
use serde_json::json;

use super::admin::{Admin, Answer};
use super::failure::Failure;
use super::following::{AdminArg, ConfigArg, source};
use super::output::{self, HEADING, harmless};
use crate::config::difference::Changes;
use crate::config::place::SourceFile;

const EXAMPLES: &str = "\
Examples:
  impresario plan --config impresario.toml
  impresario plan --config next.toml --admin unix:/run/impresario/admin.sock
  impresario plan --config impresario.toml --json | jq '.needs_restart'

Exit codes:
  0  nothing would change
  1  the file is wrong, or the server can't be reached
  2  something would change (or the command line is wrong)";

const ADDED: Style = AnsiColor::Green.on_default();
const CHANGED: Style = AnsiColor::Yellow.on_default();
const REMOVED: Style = AnsiColor::Red.on_default();

/// Show what a config file would change about a running server.
///
/// The server reads the file with its own environment, and opens what is new or different to know what it offers.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Plan {
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    admin: AdminArg,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Plan {
    pub(crate) async fn run(self) -> Result<ExitCode, Failure> {
        let path = self.config.required()?;
        let mut files = source(path.clone()).files()?;
        for SourceFile { path, .. } in &mut files {
            *path = std::path::absolute(&*path).unwrap_or_else(|_| path.clone());
        }
        let admin = Admin::at(self.admin.find(Some(path))?)?;
        let answer = admin.ask(Method::POST, "/plan", Some(&json!({ "files": files }))).await?;
        let changes = match answer {
            Answer::Json(mut answer) => answer["changes"].take(),
            Answer::Problems(problems) => return Err(Failure::Refusals(problems)),
        };
        let changes: Changes = serde_json::from_value(changes)
            .map_err(|error| anyhow::anyhow!("the server's answer is not understood: {error}"))?;
        if self.json {
            output::print_json(&changes)?;
        } else {
            output::print(&shown(&changes))?;
        }
        Ok(ExitCode::from(if changes.is_empty() { 0 } else { 2 }))
    }
}

fn shown(changes: &Changes) -> String {
    if changes.is_empty() {
        return "nothing would change\n".to_owned();
    }
    let mut text = String::new();
    for (what, names) in changes.lists() {
        if names.is_empty() {
            continue;
        }
        let _ = writeln!(text, "{HEADING}{what}{HEADING:#}");
        let lists =
            [("+", ADDED, &names.added), ("~", CHANGED, &names.changed), ("-", REMOVED, &names.removed)];
        for (sign, style, list) in lists {
            for name in list {
                let _ = writeln!(text, "  {style}{sign} {}{style:#}", harmless(name));
            }
        }
    }
    if !changes.needs_restart.is_empty() {
        let _ = writeln!(text, "{HEADING}needs a restart{HEADING:#}");
        for key in &changes.needs_restart {
            let _ = writeln!(text, "  {CHANGED}! {}{CHANGED:#}", harmless(key));
        }
    }
    text
}
