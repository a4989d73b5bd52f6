//! Mistakes of whoever builds a server are told at once, and name what is wrong.

use std::time::Duration;

use impresario_engine::{
    Builder, Limits, PoolConfig, PromptArgument, PromptSpec, ResourceContents, ResourceSpec, Runtime,
    TemplateSpec, ToolSpec,
};
use serde_json::{Value, json};

use crate::house::any;

fn named(name: &str) -> ToolSpec {
    with_schema(name, any())
}

fn with_schema(name: &str, schema: Value) -> ToolSpec {
    ToolSpec::from_context(name, schema, |_ctx| async { "ran" })
}

fn prompt(name: &str) -> PromptSpec {
    PromptSpec::new(name, |_, _| async { "filled" })
}

fn template(text: &str) -> TemplateSpec {
    TemplateSpec::new(text, "family", |_, _| async { "read" })
}

fn argument(name: &str) -> PromptArgument {
    PromptArgument { name: name.into(), ..PromptArgument::default() }
}

/// Builds, and expects a complaint that holds all of those words.
fn check(build: impl FnOnce(Builder) -> Builder, words: &[&str]) {
    let built = build(Runtime::builder().lanes(1)).start();
    let text = built.map(|_| words).expect_err("it can't be built").to_string();
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[test]
fn two_of_one_name_are_told_by_their_name() {
    let fixed = || ResourceSpec::fixed("fixed", ResourceContents::text("a:culprit", "text"));
    check(
        |builder| builder.tool(named("culprit")).tool(named("other")).tool(named("culprit")),
        &["tool `culprit`"],
    );
    check(|builder| builder.prompt(prompt("culprit")).prompt(prompt("culprit")), &["prompt `culprit`"]);
    check(|builder| builder.resource(fixed()).resource(fixed()), &["resource `a:culprit`"]);
    check(|builder| builder.resource(template("a:{x}")).resource(template("a:{x}")), &["template `a:{x}`"]);
    let pool = || PoolConfig::new("culprit", &Limits::default());
    check(|builder| builder.pool(pool()).pool(pool()), &["pool `culprit`"]);
}

#[test]
fn bad_names_and_uris_are_told() {
    for bad in ["", "with space", "line\nbreak", "ümlaut", "sla/sh", &"x".repeat(129)] {
        check(|builder| builder.tool(named(bad)), &["tool `", "name must be", "128"]);
        check(|builder| builder.prompt(prompt(bad)), &["prompt `", "name must be"]);
    }
    let fixed = |uri: &str| ResourceSpec::fixed("fixed", ResourceContents::text(uri, "text"));
    for bad in ["", "no-scheme", "://x", "1a:x"] {
        check(|builder| builder.resource(fixed(bad)), &["resource `", "scheme"]);
    }
    check(|builder| builder.resource(template("no-scheme/{x}")), &["`no-scheme/{x}`", "scheme"]);
}

#[test]
fn bad_schemas_are_told_by_the_tool_and_the_reason() {
    for (schema, words) in [
        (json!({ "type": "string" }), &["object"][..]),
        (json!({}), &["object"]),
        (json!({ "type": "object", "properties": { "x": { "type": "nonsense" } } }), &["input schema"]),
        (json!({ "type": "object", "properties": { "x": { "pattern": "(" } } }), &["input schema"]),
        (
            json!({ "type": "object", "properties": { "x": { "$ref": "http://example.com/s" } } }),
            &["example.com"],
        ),
        (json!({ "type": "object", "$schema": "http://example.com/dialect" }), &["example.com/dialect"]),
    ] {
        check(|builder| builder.tool(with_schema("culprit", schema)), &[&["tool `culprit`"], words].concat());
    }
    let output = named("culprit").output_schema(json!({ "type": "nonsense" }));
    check(|builder| builder.tool(output), &["tool `culprit`", "output schema"]);
}

#[test]
fn what_is_not_there_is_told_by_its_name() {
    check(
        |builder| builder.tool(named("culprit").pool("nowhere")),
        &["tool `culprit`", "`nowhere`", "default"],
    );
    let header = named("culprit").header("missing", "X");
    check(|builder| builder.tool(header), &["tool `culprit`", "`missing`"]);
    let completes = prompt("culprit").complete("missing", |_| Vec::new());
    check(|builder| builder.prompt(completes), &["prompt `culprit`", "`missing`"]);
    let completes = template("a:{x}").complete("missing", |_| Vec::new());
    check(|builder| builder.resource(completes), &["`a:{x}`", "`missing`"]);
    let twice = prompt("culprit").argument(argument("again")).argument(argument("again"));
    check(|builder| builder.prompt(twice), &["prompt `culprit`", "`again`"]);
}

#[test]
fn templates_that_can_not_be_read_or_told_apart_are_told() {
    for (text, word) in
        [("a:{x", "a:{x"), ("a:{x}{y}", "a:{x}{y}"), ("a:{}", "a:{}"), ("a:{x:99999}", "99999")]
    {
        check(|builder| builder.resource(template(text)), &["template", word]);
    }
}

#[test]
fn a_mistake_while_the_house_runs_changes_nothing() {
    let runtime = Runtime::builder().lanes(1).tool(named("there")).start().unwrap();
    assert!(runtime.add_tool(named("there")).unwrap_err().to_string().contains("`there`"));
    assert!(runtime.add_tool(named("bad name")).is_err());
    assert!(runtime.add_tool(named("lost").pool("nowhere").timeout(Duration::from_secs(1))).is_err());
    assert!(runtime.add_prompt(prompt("")).is_err());
    assert!(runtime.add_resource(template("a:{x")).is_err());
    let names: Vec<_> =
        runtime.shared().registry.snapshot().tool_definitions().into_iter().map(|tool| tool.name).collect();
    assert_eq!(names, ["there"]);
}
