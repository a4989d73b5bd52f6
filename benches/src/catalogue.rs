//! The tools that the benches serve.

use std::time::Duration;

use impresario_engine::{Builder, CachePolicy, CacheScope, Context, ToolAnnotations, ToolSpec, tool};
use impresario_tools::{calc, lab};
use serde_json::{Value, json};

/// How many tools the house of the standard workloads offers.
pub const TOOLS: usize = 23;

/// A builder with the standard tools: those of both demo packs, one that keeps its answers, one that tells its
/// progress, and as many from the catalogue as make [`TOOLS`].
#[must_use]
pub fn standard(builder: Builder) -> Builder {
    let builder = lab::install(calc::install(builder)).tool(kept_echo()).tool(told);
    builder.tools((0..TOOLS - 16).map(entry))
}

/// Return the message unchanged, and keep the answer.
#[tool(name = "kept_echo", annotations(read_only, idempotent, open_world = false))]
fn echo_to_keep(
    /// the text to return
    message: &str,
) -> String {
    message.to_owned()
}

/// `echo` once more, with a cache in front.
#[must_use]
pub fn kept_echo() -> ToolSpec {
    use impresario_engine::IntoTool as _;
    let policy = CachePolicy::ttl(Duration::from_secs(3_600)).scope(CacheScope::Public);
    echo_to_keep.into_tool().cache(policy)
}

/// Tell that many steps of progress, then answer.
#[tool(annotations(read_only, idempotent, open_world = false))]
fn told(
    /// how many steps there are
    steps: u32,
    ctx: &Context,
) -> u32 {
    for step in 0..steps {
        ctx.progress(f64::from(step), Some(f64::from(steps)), None);
    }
    steps
}

/// The tool of that number out of a catalogue without end: what a server for an office might offer, with
/// descriptions and schemas as long as people write them.
#[must_use]
pub fn entry(number: usize) -> ToolSpec {
    let subject = subject_of(number);
    let annotations = ToolAnnotations {
        title: Some(format!("Search {subject}")),
        read_only_hint: Some(true),
        idempotent_hint: Some(true),
        ..ToolAnnotations::default()
    };
    ToolSpec::from_context(entry_name(number), search_schema(subject), |_ctx| async {
        "none"
    })
    .description(format!(
        "Search the {subject} by text, state and date. Returns at most `limit` of them, the newest first, \
             each with its id, its title and the day of its last change."
    ))
    .annotations(annotations)
}

/// Its name.
#[must_use]
pub fn entry_name(number: usize) -> String {
    format!("search_{}_{number}", subject_of(number))
}

fn subject_of(number: usize) -> &'static str {
    const SUBJECTS: [&str; 7] =
        ["orders", "customers", "invoices", "tickets", "products", "visits", "contracts"];
    SUBJECTS[number % SUBJECTS.len()]
}

/// A schema with the keywords that schemas of tools are made of.
#[must_use]
pub fn search_schema(subject: &str) -> Value {
    json!({
        "type": "object",
        "properties": {
            "query": { "type": "string", "description": format!("words that the {subject} must hold"), "minLength": 1, "maxLength": 200 },
            "state": { "type": "string", "description": "only those in this state", "enum": ["open", "closed", "waiting", "all"] },
            "limit": { "type": "integer", "description": "how many at the most", "minimum": 1, "maximum": 100 },
            "since": { "type": "string", "description": "only those changed on this day or later, as YYYY-MM-DD", "pattern": "^\\d{4}-\\d{2}-\\d{2}$" },
            "tags": { "type": "array", "description": "labels that all must have", "items": { "type": "string", "maxLength": 40 }, "maxItems": 10 },
            "page": {
                "type": "object",
                "properties": { "after": { "type": "string" }, "backwards": { "type": "boolean" } },
                "additionalProperties": false
            }
        },
        "required": ["query"],
        "additionalProperties": false
    })
}

/// Arguments that [`search_schema`] takes, with every member.
#[must_use]
pub fn search_arguments() -> Value {
    json!({
        "query": "late delivery",
        "state": "open",
        "limit": 20,
        "since": "2026-01-31",
        "tags": ["north", "priority", "second reminder"],
        "page": { "after": "b2Zmc2V0OjIw", "backwards": false }
    })
}
