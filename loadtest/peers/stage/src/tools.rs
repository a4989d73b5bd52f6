//! The tools that every peer offers, read from the one file they share, and what the tools do.

use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;
use serde_json::{Map, Value};

/// The file's text; the peers in Python and TypeScript read the same one.
const FILE: &str = include_str!("../../tools-23.json");

static DEFINITIONS: LazyLock<Vec<Definition>> = LazyLock::new(|| {
    serde_json::from_str(FILE).expect("tools-23.json is built in, and check.sh reads it too")
});

/// What a client is told of one tool.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What the model reads.
    pub description: String,
    /// JSON Schema of its arguments.
    pub input_schema: Map<String, Value>,
}

/// What this process offers, once it was asked how many.
static OFFERED: OnceLock<Vec<Definition>> = OnceLock::new();

/// The first tools of the file, of which echo and add come first, and then copies of the others under other names. A
/// process has one number of tools: the first that is asked for.
pub fn definitions(count: u16) -> &'static [Definition] {
    OFFERED.get_or_init(|| (0..usize::from(count)).map(definition).collect())
}

fn definition(place: usize) -> Definition {
    // Nobody needs a second echo or add.
    let original = if place < DEFINITIONS.len() { place } else { 2 + place % (DEFINITIONS.len() - 2) };
    let mut definition = DEFINITIONS[original].clone();
    if place != original {
        definition.name = format!("{}_{place}", definition.name);
    }
    definition
}

/// What a tool answers. Only echo and add do anything: the others are there to be listed.
pub fn answer(name: &str, mut arguments: Map<String, Value>) -> Result<String, String> {
    match name {
        "echo" => match arguments.remove("message") {
            Some(Value::String(message)) => Ok(message),
            _ => Err("message: pass a string".into()),
        },
        "add" => match (number(&arguments, "a"), number(&arguments, "b")) {
            (Some(a), Some(b)) => Ok((a + b).to_string()),
            _ => Err("a and b: pass two numbers".into()),
        },
        _ if OFFERED.get().is_some_and(|offered| offered.iter().any(|tool| tool.name == name)) => {
            Ok(format!("{name} is done"))
        }
        _ => Err(format!("there is no tool {name}")),
    }
}

fn number(arguments: &Map<String, Value>, name: &str) -> Option<f64> {
    arguments.get(name).and_then(Value::as_f64)
}
