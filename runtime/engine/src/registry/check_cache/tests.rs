//! What is refused when a tool with a cache is registered, and in which words.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cache::{CachePolicy, CacheSharing};
use crate::hub::Hub;
use crate::registry::Registry;
use crate::tool::ToolSpec;

/// What is said to that policy of a tool with arguments `city`, `options.units` and anything in `labels`.
fn refusal(policy: CachePolicy) -> Option<String> {
    let schema = json!({
        "type": "object",
        "properties": {
            "city": { "type": "string" },
            "options": { "type": "object", "properties": { "units": { "type": "string" } } },
            "labels": { "type": "object", "properties": {}, "additionalProperties": true },
            "places": { "type": "array" },
        },
        "required": ["city"],
    });
    let registry =
        Registry::new(Hub::default().into(), Default::default(), vec!["default".into()], Default::default());
    let spec = ToolSpec::from_context("t", schema, |_ctx| async { "x" }).cache(policy);
    registry.add_tool(spec).err().map(|error| error.misuse.to_string())
}

fn policy() -> CachePolicy {
    CachePolicy::ttl(Duration::from_secs(60))
}

#[test]
fn key_fields_are_arguments_that_the_tool_has() {
    for good in [
        "city",
        "/city",
        "options.units",
        "/options/units",
        "options",
        "labels.any",
        "places.0",
        "/places/0/x",
    ] {
        assert_eq!(refusal(policy().key_fields([good])), None, "{good}");
    }
    for (bad, there_are) in [
        ("town", "city, options, labels, places"),
        ("options.unit", "units"),
        ("/options/Units", "units"),
        ("", "city, options, labels, places"),
        ("options..units", "city, options, labels, places"),
        ("/", "city, options, labels, places"),
    ] {
        let expected = format!("its cache's key field `{bad}` is no argument of it; there are: {there_are}");
        assert_eq!(refusal(policy().key_fields(["city", bad])), Some(expected));
    }
}

#[test]
fn only_answers_for_everybody_are_warmed_up_and_with_arguments_that_fit() {
    let warm = |sharing, arguments: Value| {
        refusal(policy().sharing(sharing).warm([json!({"city": "Oslo"}), arguments]))
    };
    assert_eq!(warm(CacheSharing::Public, json!({"city": "Rome"})), None);
    for sharing in [CacheSharing::Private, CacheSharing::Tenant] {
        let said = warm(sharing, json!({"city": "Rome"})).unwrap();
        assert!(said.contains("share it as `Public`"), "{said}");
    }
    for bad in [json!({"city": 5}), json!({}), json!("Rome")] {
        let said = warm(CacheSharing::Public, bad).unwrap();
        assert!(said.starts_with("its cache can't be warmed up: arguments 2 of its list: "), "{said}");
    }
}
