//! The verb `check`: whether a configuration can be served.

use impresario_engine::Runtime;
use serde_json::json;

use super::failure::Failure;
use super::following::{self, ConfigArg};
use super::output;
use crate::config::house::Next;

const EXAMPLES: &str = "\
Examples:
  impresario check --config impresario.toml
  impresario check --config /etc/impresario.d --open
  impresario check --config impresario.toml --json | jq '.problems[].message'";

/// Check a config file, and say everything that is wrong with it.
///
/// Exits with 0 if nothing is wrong, else with 1.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Check {
    #[command(flatten)]
    config: ConfigArg,
    /// Open what it names too: directories, databases, documents; and put together what they offer.
    #[arg(long)]
    open: bool,
    /// Print JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Check {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let config = following::source(self.config.required()?).load()?;
        let parts: Vec<_> = config.parts.iter().map(|part| part.key.clone()).collect();
        let mut tools = None;
        if self.open {
            let limits = following::limits(&config)?;
            let pools: Vec<_> = config.pools.iter().map(|(name, pool)| pool.sized(name, &limits)).collect();
            let Next { house, offer, .. } = Next::first(config).await?;
            tools = Some(offer.names().tools);
            // Whether everything can be offered is known to a runtime alone.
            let builder = Runtime::builder().limits(limits).offer(offer).lanes(1);
            let started = pools.into_iter().fold(builder, impresario_engine::Builder::pool).start();
            let runtime = started.map_err(|error| following::not_started(&house, error))?;
            runtime.shutdown().await;
        }
        if self.json {
            return Ok(output::print_json(&json!({ "problems": [], "parts": parts, "tools": tools }))?);
        }
        let tools = tools.map(|tools| format!(", {}", counted(tools.len(), "tool"))).unwrap_or_default();
        Ok(output::print(&format!("nothing is wrong: {}{tools}\n", counted(parts.len(), "part")))?)
    }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
