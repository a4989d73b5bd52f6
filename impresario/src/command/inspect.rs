//! The verb `inspect`: who a server is, what it can do, and what its tools take.

use rmcp::model::{ServerPeerInfo, Tool};
use serde::Serialize;
use serde_json::Value;

use super::catalogue::{Catalogue, heading, reflowed, section};
use super::client::Client;
use super::failure::Failure;
use super::output::{self, FAINT, NAME, harmless};
use super::progress::Progress;
use super::schema::{self, Parameter};
use super::target::{ServerArgs, TargetArg};

const EXAMPLES: &str = "\
Examples:
  impresario inspect http://127.0.0.1:8000/mcp
  impresario inspect localhost:8000 --json | jq '.tools[] | select(.name == \"add\").inputSchema'
  impresario inspect --command 'uvx mcp-server-time'";

/// Show a server's identity, revision, capabilities, and everything it offers, with the tools' schemas.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {
    #[command(flatten)]
    target: TargetArg,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
}

/// Everything there is to know of a server, as `--json` has it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Inspection {
    target: String,
    transport: &'static str,
    #[serde(flatten)]
    server: ServerPeerInfo,
    #[serde(flatten)]
    catalogue: Catalogue,
}

impl Inspect {
    pub(crate) async fn run(self) -> Result<(), Failure> {
        let target = self.target.read(&self.server)?;
        let client = Client::open(target, &self.server, Progress::default()).await?;
        let server = client.server();
        let (target, transport) = (client.target().to_string(), client.target().transport());
        let catalogue = client.catalogue().await;
        let catalogue = client.close(catalogue).await?;
        let inspection = Inspection { target, transport, server, catalogue };
        if self.server.json {
            return Ok(output::print_json(&inspection)?);
        }
        Ok(output::print(&inspection.shown())?)
    }
}

impl Inspection {
    fn shown(&self) -> String {
        let catalogue = &self.catalogue;
        let sections = [
            self.identity(),
            tools(&catalogue.tools),
            section("Resources", &catalogue.resource_rows()),
            section("Resource templates", &catalogue.template_rows()),
            section("Prompts", &catalogue.prompt_rows()),
        ];
        format!("{}\n", sections.concat().trim_end())
    }

    fn identity(&self) -> String {
        let server = &self.server;
        let name = server.server_info.as_ref().map_or_else(
            || "a server that gives no name".to_owned(),
            |info| format!("{} {}", info.title.as_deref().unwrap_or(&info.name), info.version),
        );
        let capabilities = serde_json::to_value(&server.capabilities).unwrap_or_default();
        let rows = [
            ("target", format!("{} ({})", self.target, self.transport)),
            ("revision", server.protocol_version.to_string()),
            ("capabilities", capability_words(&capabilities)),
            ("instructions", server.instructions.clone().unwrap_or_default()),
        ];
        let mut lines = heading(&harmless(&name));
        for (label, text) in rows.iter().filter(|(_, text)| !text.is_empty()) {
            let lead = format!("  {FAINT}{label}{FAINT:#}");
            lines.push_str(&output::hanging(&lead, label.len() + 2, 16, &harmless(text)));
        }
        lines.push('\n');
        lines
    }
}

/// Capabilities in a sentence: `tools (listChanged), prompts`.
fn capability_words(capabilities: &Value) -> String {
    let each = capabilities.as_object().into_iter().flatten().map(|(name, details)| {
        let on = details.as_object().into_iter().flatten().filter(|(_, value)| **value != Value::Bool(false));
        let on: Vec<_> = on.map(|(detail, _)| detail.as_str()).collect();
        if on.is_empty() { name.clone() } else { format!("{name} ({})", on.join(", ")) }
    });
    let words: Vec<_> = each.collect();
    if words.is_empty() { "none".to_owned() } else { words.join(", ") }
}

/// Every tool with its description, its parameters and what it returns.
fn tools(tools: &[Tool]) -> String {
    const INDENT: usize = 6;
    if tools.is_empty() {
        return String::new();
    }
    let mut lines = heading("Tools");
    for tool in tools {
        lines.push_str(&format!("  {NAME}{}{NAME:#}\n", harmless(&tool.name)));
        if let Some(description) = tool.description.as_deref().or(tool.title.as_deref()) {
            lines.push_str(&output::hanging("", 0, INDENT, &reflowed(&harmless(description))));
        }
        lines.push_str(&parameters(tool));
    }
    lines.push('\n');
    lines
}

fn parameters(tool: &Tool) -> String {
    let taken = schema::parameters(&tool.input_schema);
    let returned = tool.output_schema.as_deref().map(schema::parameters).unwrap_or_default();
    let mut lines = columns(&taken, "", |parameter| match parameter.default() {
        Some(default) => format!("(default {default}) "),
        None if parameter.is_required() => String::new(),
        None => "(optional) ".to_owned(),
    });
    lines.push_str(&columns(&returned, "→ ", |_| String::new()));
    lines
}

/// A line for each parameter: its name, its type, what it is for.
fn columns(parameters: &[Parameter<'_>], mark: &str, note: impl Fn(&Parameter<'_>) -> String) -> String {
    const TYPE_COLUMNS_MAX: usize = 40;
    let width = |text: &str| textwrap::core::display_width(text);
    let rows: Vec<_> = parameters
        .iter()
        .map(|parameter| {
            let name = format!("{mark}{}", harmless(parameter.name));
            let purpose = format!("{}{}", note(parameter), parameter.description().unwrap_or_default());
            (name, harmless(&parameter.label()).into_owned(), harmless(&purpose).into_owned())
        })
        .collect();
    let names = rows.iter().map(|(name, ..)| width(name)).max().unwrap_or(0);
    let types = rows.iter().map(|(_, label, _)| width(label).min(TYPE_COLUMNS_MAX)).max().unwrap_or(0);
    let mut lines = String::new();
    for (name, label, purpose) in &rows {
        let name_pad = " ".repeat(names - width(name));
        let lead = format!("      {name}{name_pad}  {FAINT}{label}{FAINT:#}  ");
        let lead_len = 6 + names + 2 + width(label) + 2;
        lines.push_str(&output::hanging(&lead, lead_len, 6 + names + 2 + types + 2, purpose));
    }
    lines
}
