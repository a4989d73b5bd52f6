//! The verb `cache`: what a running server's cache holds, and how to clear it.

use clap::Subcommand;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};
use impresario_engine::{CacheFigures, CacheStats};
use reqwest::Method;
use serde_json::Value;

use super::admin::{Admin, Answer};
use super::failure::Failure;
use super::following::{AdminArg, ConfigArg};
use super::output::{self, FAINT, harmless};

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
        if let Ok(stats) = serde_json::from_value(answer.clone()) {
            return Ok(output::print(&table(&stats))?);
        }
        let text = |member: &str| answer.get(member).map(Value::to_string).unwrap_or_default();
        let line = format!("cleared {}: {} answers\n", text("cleared").trim_matches('"'), text("entries"));
        Ok(output::print(&harmless(&line))?)
    }
}

/// A row for each tool that keeps its answers, and one for all of them.
fn table(stats: &CacheStats) -> String {
    if stats.tools.is_empty() {
        return "no tool keeps its answers; [tools.NAME.cache] in the config file makes one do so\n"
            .to_owned();
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(u16::try_from(output::width()).unwrap_or(u16::MAX));
    table.set_header([
        "TOOL",
        "HIT RATIO",
        "HITS",
        "STALE",
        "MISSES",
        "COALESCED",
        "EVICTED",
        "ANSWERS",
        "BYTES",
        "OLDEST",
        "TAGS",
    ]);
    for tool in &stats.tools {
        table.add_row(row(&harmless(&tool.tool), &tool.figures, &harmless(&tool.tags.join(", "))));
    }
    table.add_row(row("all, with those removed", &stats.total, ""));
    for column in 1..=8 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let most = stats.bytes_max;
    format!("{}\n{FAINT}all answers may take {most} bytes (cache_bytes_max){FAINT:#}\n", table.trim_fmt())
}

fn row(name: &str, figures: &CacheFigures, tags: &str) -> [String; 11] {
    let oldest = figures.oldest_age_ms.map_or_else(String::new, |ms| format!("{:.1} s", ms as f64 / 1_000.0));
    [
        name.to_owned(),
        format!("{:.1} %", figures.hit_ratio() * 100.0),
        figures.hits.to_string(),
        figures.stale_hits.to_string(),
        figures.misses.to_string(),
        figures.coalesced.to_string(),
        figures.evictions.to_string(),
        figures.entries.to_string(),
        figures.bytes.to_string(),
        oldest,
        tags.to_owned(),
    ]
}

/// A text as it may stand in a query.
fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}
