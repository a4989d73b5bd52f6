//! The verb `limits`.

use comfy_table::{ContentArrangement, Table, presets};
use impresario_protocol::{LimitInfo, Limits};
use serde_json::{Value, json};

use super::failure::Failure;
use super::output;
use crate::spelling::short;

const EXAMPLES: &str = "\
Examples:
  impresario limits
  impresario limits --json
  impresario serve --limit body_bytes_max=1MiB --limit call_timeout_ms=10s --limit in_flight_max=512";

/// List every limit: its name, default, unit and meaning.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct List {
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

impl List {
    pub(crate) fn run(self) -> Result<(), Failure> {
        if self.json {
            let rows: Vec<Value> = Limits::TABLE.iter().map(to_json).collect();
            return Ok(output::print_json(&rows)?);
        }
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(output::width()).unwrap_or(u16::MAX));
        table.set_header(["LIMIT", "DEFAULT", "UNIT", "MEANING"]);
        for info in Limits::TABLE {
            let default = short(info.default, info.unit);
            table.add_row([info.name, default.as_str(), info.unit, info.meaning]);
        }
        for column in table.column_iter_mut() {
            column.set_padding((0, 2));
        }
        Ok(output::print(&format!("{}\n", table.trim_fmt()))?)
    }
}

fn to_json(info: &LimitInfo) -> Value {
    let LimitInfo { name, unit, default, min, max, meaning } = *info;
    json!({ "name": name, "unit": unit, "default": default, "min": min, "max": max, "meaning": meaning })
}
