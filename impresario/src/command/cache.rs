//! The verb `cache`: what a running server's cache holds, and how to clear it.

use clap::Subcommand;
use reqwest::Method;
use serde_json::Value;

use super::admin::{Admin, Answer};
use super::failure::Failure;
use super::following::{AdminArg, ConfigArg};
use super::output::{self, harmless};

const EXAMPLES: &str = "\
Examples:
  impresario cache --config impresario.toml
  impresario cache clear --admin unix:/run/impresario/admin.sock
  impresario cache clear --tool forecast --config impresario.toml
  impresario cache show --json --config impresario.toml";

/// Show or clear the cache of a running server.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Cache {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    config: ConfigArg,
    #[command(flatten)]
    admin: AdminArg,
    /// Print JSON.
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what the cache holds (without an action, this is meant).
    Show,
    /// Forget kept answers: all of them, those of a tool, or those with a tag.
    Clear(What),
}

#[derive(Debug, clap::Args)]
struct What {
    /// Only those of that tool.
    #[arg(long, value_name = "NAME", conflicts_with = "tag")]
    tool: Option<String>,
    /// Only those with that tag.
    #[arg(long, value_name = "TAG")]
    tag: Option<String>,
}

impl Cache {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let admin = Admin::at(self.admin.find(self.config.config)?)?;
        let (method, route) = match self.action {
            None | Some(Action::Show) => (Method::GET, "/cache".to_owned()),
            Some(Action::Clear(What { tool: Some(tool), .. })) => {
                (Method::DELETE, format!("/cache?tool={}", escaped(&tool)))
            }
            Some(Action::Clear(What { tag: Some(tag), .. })) => {
                (Method::DELETE, format!("/cache?tag={}", escaped(&tag)))
            }
            Some(Action::Clear(_)) => (Method::DELETE, "/cache".to_owned()),
        };
        let (Answer::Json(answer) | Answer::Problems(answer)) = admin.ask(method, &route, None).await?;
        if self.json {
            return Ok(output::print_json(&answer)?);
        }
        Ok(output::print(&shown(&answer, 0))?)
    }
}

/// Whatever the server tells, a line for each figure.
fn shown(value: &Value, indent: usize) -> String {
    let pad = "  ".repeat(indent);
    let members = value.as_object().into_iter().flatten();
    members
        .map(|(name, value)| match value {
            Value::Object(_) => format!("{pad}{}\n{}", harmless(name), shown(value, indent + 1)),
            Value::String(text) => format!("{pad}{}: {}\n", harmless(name), harmless(text)),
            other => format!("{pad}{}: {other}\n", harmless(name)),
        })
        .collect()
}

/// A text as it may stand in a query.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
