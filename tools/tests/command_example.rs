//! The example of the pack `command`: each tool of it can be opened, and answers as a client is told to expect.

#![cfg(all(feature = "command", unix))]
#![allow(clippy::unwrap_used, reason = "a test may fail by panicking, in its helpers too")]
#![allow(dead_code, reason = "not every test needs all of the house")]

use std::collections::BTreeMap;

use house::{call, house_of};
use impresario_engine::{Runtime, ToolSpec};
use impresario_tools::command::{Command, Settings};
use impresario_tools::part::Opening;
use serde::Deserialize;
use serde_json::Value;

#[path = "house/command.rs"]
mod house;

#[derive(Deserialize)]
struct Example {
    packs: Packs,
}

#[derive(Deserialize)]
struct Packs {
    command: BTreeMap<String, Settings>,
}

/// The tool of a section, under the name that the house calls.
fn tool(settings: &Settings) -> ToolSpec {
    let opening = Opening { key: "packs.command.run".into(), directory: "/".into() };
    Command::open(settings, &opening).unwrap().tool()
}

#[test]
fn the_example_answers_as_it_says() {
    let example: Example = toml::from_str(include_str!("../../examples/command.toml")).unwrap();
    let expected: Value =
        serde_json::from_str(include_str!("../../conformance/examples/command.json")).unwrap();
    let sections = &example.packs.command;
    let listed: Vec<_> =
        expected["tools"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    assert_eq!(sections.keys().collect::<Vec<_>>(), listed);
    let houses: BTreeMap<&str, Runtime> =
        sections.iter().map(|(name, settings)| (name.as_str(), house_of(tool(settings)))).collect();
    for row in expected["calls"].as_array().unwrap() {
        let answer = call(&houses[row["tool"].as_str().unwrap()], &row["arguments"]);
        assert_eq!(answer["isError"] == true, row["is_error"] == true, "{row} {answer}");
        let text = answer["content"][0]["text"].as_str().unwrap();
        for part in row["contains"].as_array().unwrap() {
            assert!(text.contains(part.as_str().unwrap()), "{row} {text}");
        }
    }
}
