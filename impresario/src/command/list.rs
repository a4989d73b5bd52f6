//! The verb `list`: what a server offers, by name.

use super::catalogue::{Catalogue, section};
use super::client::Client;
use super::failure::Failure;
use super::output;
use super::progress::Progress;
use super::target::{ServerArgs, TargetArg};

const EXAMPLES: &str = "\
Examples:
  impresario list http://127.0.0.1:8000/mcp
  impresario list localhost:8000 --json | jq -r '.tools[].name'
  impresario list --command 'uvx mcp-server-time'
  impresario list https://example.com/mcp --header 'Authorization=Bearer …'";

/// List the tools, resources and prompts that a server offers.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    #[command(flatten)]
    target: TargetArg,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

impl List {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let target = self.target.read(&self.server)?;
        let client = Client::open(target, &self.server, Progress::default()).await?;
        let catalogue = client.catalogue().await;
        let catalogue = client.close(catalogue).await?;
        if self.server.json {
            return Ok(output::print_json(&catalogue)?);
        }
        Ok(output::print(&shown(&catalogue))?)
    }
}

fn shown(catalogue: &Catalogue) -> String {
    let sections = [
        section("Tools", &catalogue.tool_rows()),
        section("Resources", &catalogue.resource_rows()),
        section("Resource templates", &catalogue.template_rows()),
        section("Prompts", &catalogue.prompt_rows()),
    ];
    let shown = sections.concat();
    if shown.is_empty() {
        "the server offers nothing\n".to_owned()
    } else {
        format!("{}\n", shown.trim_end())
    }
}
