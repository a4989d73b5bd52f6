//! Which schemas are taken, which values match them, and what is said about those that don't.

use serde_json::{Map, json};

use super::*;

const LIMITS: SchemaLimits = SchemaLimits { depth_max: 32, nodes_max: 1_000 };

fn compiled(schema: &Value) -> Schema {
    Schema::compile(schema, &LIMITS).unwrap_or_else(|error| panic!("{schema}: {error}"))
}

/// The violations of `text`, which must be the same for the tape and for the tree.
fn violations(schema: &Value, text: &str) -> Vec<Violation> {
    let schema = compiled(schema);
    let document = Document::parse(text.as_bytes(), 128).unwrap();
    let on_tape = schema.check(document.root()).err().unwrap_or_default();
    let on_value = schema.check_value(&document.root().to_value()).err().unwrap_or_default();
    assert_eq!(on_tape, on_value, "{text}");
    on_tape
}

/// Checks the first violation, or that there is none when `expected` is empty.
#[track_caller]
fn check(schema: &Value, text: &str, expected: &str) {
    let found = violations(schema, text);
    assert_eq!(found.first().map(Violation::to_string).unwrap_or_default(), expected, "{schema} {text}");
}

#[test]
fn a_violation_names_the_field_the_rule_and_the_type() {
    check(&json!({"type": "object"}), "{}", "");
    check(&json!({"type": "object"}), "[]", "the value must be an object, got an empty array");
    check(&json!({"properties": {"a": {"type": "integer"}}}), r#"{"a":1}"#, "");
    check(&json!({"properties": {"a": {"type": "integer"}}}), r#"{"a":1.0}"#, "");
    let integer = json!({"properties": {"a": {"type": "integer"}}});
    check(&integer, r#"{"a":1.5}"#, "`a` must be an integer, got the number 1.5");
    check(&integer, r#"{"a":"secret"}"#, "`a` must be an integer, got the string \"secret\"");
    check(&integer, r#"{"a":null}"#, "`a` must be an integer, got null");
    check(
        &json!({"properties": {"a": {"type": ["string", "null"]}}}),
        r#"{"a":true}"#,
        "`a` must be null or a string, got the boolean true",
    );
    let nested = json!({"properties": {"data": {"items": {"required": ["id"], "properties": {"id": {"type": "string"}}}}}});
    check(&nested, r#"{"data":[{"id":"1"},{"id":2}]}"#, "`data[1].id` must be a string, got the integer 2");
    check(&nested, r#"{"data":[{}]}"#, "`data[0].id` is required, but missing");
    check(&json!({"required": ["a"]}), "{}", "`a` is required, but missing");
    let range = json!({"properties": {"filter": {"properties": {"minValue": {"minimum": 3, "exclusiveMaximum": 5, "multipleOf": 2}}}}});
    check(&range, r#"{"filter":{"minValue":4}}"#, "");
    check(&range, r#"{"filter":{"minValue":2}}"#, "`filter.minValue` must be at least 3, got 2");
    check(&range, r#"{"filter":{"minValue":6}}"#, "`filter.minValue` must be less than 5, got 6");
    check(&range, r#"{"filter":{"minValue":3}}"#, "`filter.minValue` must be a multiple of 2, got 3");
    check(&json!({"maxLength": 2}), r#""ééé""#, "the value must have at most 2 characters, got 3");
    let height = json!({"properties": {"height_m": {"exclusiveMinimum": 0}}});
    check(&height, r#"{"height_m":-1.8}"#, "`height_m` must be greater than 0, got -1.8");
    check(&json!({"minItems": 1}), "[]", "the value must have at least 1 element, got 0");
    check(&json!({"uniqueItems": true}), "[1,2,1.0]", "the value must not have the same element twice");
    check(&json!({"enum": ["a", 1, null, [1], {"b": 2}]}), r#"{"b":2.0}"#, "");
    check(&json!({"enum": ["a", 1, [1]]}), "[1.0]", "");
    check(&json!({"enum": ["a", 1]}), r#""b""#, r#"the value must be one of "a", 1, got "b""#);
    check(&json!({"const": true}), "false", "the value must be true, got false");
    check(
        &json!({"pattern": "^[a-z]+$"}),
        r#""A""#,
        "the value must match the pattern `^[a-z]+$`, got \"A\"",
    );
    check(
        &json!({"properties": {"a": {}}, "additionalProperties": false}),
        r#"{"a":1,"b":1,"c\n":1}"#,
        "the value must not have `b`, `c\\n`; there is no such member",
    );
    check(
        &json!({"anyOf": [{"type": "string"}, {"required": ["x"]}]}),
        "{}",
        "the value must have one of the allowed forms: the value must be a string, or `x` is required, but missing, got an empty object",
    );
    check(&json!(false), "1", "the value is not allowed");
    check(&json!(true), "1", "");
    check(
        &json!({"propertyNames": {"maxLength": 1}}),
        r#"{"ab":1}"#,
        "the value has a member whose name is not allowed: it must have at most 1 character",
    );
    check(&json!({"dependentRequired": {"a": ["b"]}}), r#"{"a":1}"#, "`b` is required, but missing");
    check(
        &json!({"unevaluatedProperties": false}),
        r#"{"a":1}"#,
        "the value must not have `a`; there is no such member",
    );
    check(
        &json!({"prefixItems": [{"type": "string"}], "items": false}),
        r#"["a",1]"#,
        "`[1]` is not allowed",
    );
}

#[test]
fn what_was_found_is_short_and_shows_all_that_it_does() {
    let email = json!({"pattern": "^[a-z]+$"});
    let rule = "the value must match the pattern `^[a-z]+$`, got";
    check(
        &email,
        r#""a\u001b[31m\u202e\u200b\n\"""#,
        &format!(r#"{rule} "a\u{{1b}}[31m\u{{202e}}\u{{200b}}\n\"""#),
    );
    let long = format!("\"{}\"", "é1".repeat(1_000));
    check(&email, &long, &format!("{rule} \"{}…\"", "é1".repeat(32)));
    let number = json!({"type": "number"});
    check(&number, "[1]", "the value must be a number, got an array of 1 element");
    check(&number, "[1,2]", "the value must be a number, got an array of 2 elements");
    check(&number, r#"{"a":1}"#, "the value must be a number, got an object of 1 member");
    check(&json!({"type": "null"}), "-7", "the value must be null, got the integer -7");
    check(&json!({"minProperties": 2}), r#"{"a":1}"#, "the value must have at least 2 members, got 1");
    // A log is told the rule alone.
    assert_eq!(Violation::join_rules(&violations(&number, r#""secret""#)), "the value must be a number");
}

#[test]
fn at_most_eight_violations_are_told_and_their_length_is_bounded() {
    let schema = json!({"items": {"type": "string"}});
    let found = violations(&schema, &format!("[{}1]", "1,".repeat(100)));
    assert_eq!(found.len(), VIOLATIONS_MAX);
    assert_eq!(found[7].path, "[7]");
    assert!(Violation::join(&found).starts_with("`[0]` must be a string, got the integer 1; `[1]` must"));

    let name = "n".repeat(10_000);
    let found = violations(
        &json!({"additionalProperties": {"const": "c".repeat(10_000)}}),
        &format!(r#"{{"{name}":"x"}}"#),
    );
    assert!(found[0].message.len() < 400, "{}", found[0].message);
}

#[test]
fn a_member_twice_is_refused_wherever_it_stands() {
    let schema = compiled(&json!({"properties": {"path": {"pattern": "^ok$"}}}));
    let checked = |text: &str| {
        let document = Document::parse(text.as_bytes(), 64).unwrap();
        schema.check(document.root()).err().map(|violations| violations[0].to_string())
    };
    assert_eq!(checked(r#"{"path":"ok"}"#), None);
    let twice = Some("`path` must not be written twice in one object".to_owned());
    assert_eq!(checked(r#"{"path":"ok","path":"../x"}"#), twice);
    assert_eq!(checked(r#"{"a":[{"b":1,"path":"ok","path":"ok"}]}"#), twice);
    assert_eq!(checked(r#"{"a":{"x":1},"b":{"x":1}}"#), None);
    let many = |last: &str| {
        format!("{{{}\"{last}\":1}}", (0..100).map(|at| format!("\"k{at}\":1,")).collect::<String>())
    };
    assert_eq!(checked(&many("k100")), None);
    assert_eq!(checked(&many("k7")), Some("`k7` must not be written twice in one object".to_owned()));
}

#[test]
fn each_dialect_has_its_own_rules_and_2020_12_is_the_default() {
    check(&json!({"prefixItems": [{"type": "string"}]}), "[1]", "`[0]` must be a string, got the integer 1");
    for (dialect, written_as_integer) in [
        ("http://json-schema.org/draft-04/schema#", true),
        ("http://json-schema.org/draft-06/schema#", false),
        ("http://json-schema.org/draft-07/schema#", false),
        ("https://json-schema.org/draft/2019-09/schema", false),
        ("https://json-schema.org/draft/2020-12/schema", false),
    ] {
        let is_draft_4 = json!({"$schema": dialect, "type": "integer"});
        assert_eq!(violations(&is_draft_4, "1.0").is_empty(), !written_as_integer, "{dialect}");
        assert!(violations(&is_draft_4, "1").is_empty(), "{dialect}");
        assert!(!violations(&is_draft_4, "1.5").is_empty(), "{dialect}");
    }
    check(
        &json!({"$schema": "http://json-schema.org/draft-07/schema#", "items": [{"type": "string"}]}),
        "[1]",
        "`[0]` must be a string, got the integer 1",
    );
    check(
        &json!({"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 5, "exclusiveMaximum": true}),
        "5",
        "the value must be less than 5, got 5",
    );
}

#[track_caller]
fn check_refused(schema: &Value, expected: &str) {
    let error = Schema::compile(schema, &LIMITS).expect_err("must be refused").to_string();
    assert!(error.contains(expected), "{schema}: {error}");
}

#[test]
fn what_can_not_be_a_schema_is_refused_and_says_why() {
    check_refused(&json!({"type": "strin"}), "not a valid schema: `type` must have one of the allowed forms");
    check_refused(&json!({"type": 1}), "not a valid schema");
    check_refused(
        &json!({"properties": 1}),
        "not a valid schema: `properties` must be an object, got the integer 1",
    );
    check_refused(&json!({"minLength": -1}), "not a valid schema: `minLength` must be at least 0, got -1");
    check_refused(&json!(1), "not a valid schema");
    check_refused(&json!("x"), "not a valid schema");
    check_refused(
        &json!({"required": "a"}),
        "not a valid schema: `required` must be an array, got the string \"a\"",
    );
    check_refused(&json!({"pattern": "("}), "not a valid schema");
    // Neither can be matched in linear time.
    check_refused(&json!({"pattern": "(?=a)b"}), "not a valid schema");
    check_refused(&json!({"pattern": r"(a)\1"}), "not a valid schema");
    check_refused(&json!({"pattern": "(((a{1000}){1000}){1000})"}), "not a valid schema");
    check_refused(&json!({"$ref": "#/$defs/none"}), "not a valid schema");
    check_refused(
        &json!({"$schema": "https://example.com/own"}),
        "dialect `https://example.com/own` is not supported",
    );
    check_refused(&json!({"$schema": "http://json-schema.org/draft-03/schema#"}), "is not supported");
    check_refused(
        &json!({"properties": {"a": {"$id": "https://example.com/a", "$schema": "urn:x"}}}),
        "dialect `urn:x`",
    );
}

#[test]
fn nothing_outside_of_the_schema_is_ever_fetched() {
    for reference in [
        "https://example.com/schema.json",
        "http://127.0.0.1:1/x",
        "file:///etc/passwd",
        "other.json",
        "/etc/passwd",
        "https://example.com/schema.json#/$defs/a",
        "ftp://example.com/x",
        "urn:uuid:1",
    ] {
        check_refused(
            &json!({"properties": {"a": {"$ref": reference}}}),
            "which is not inside of it; nothing is ever fetched",
        );
        check_refused(
            &json!({"$dynamicRef": reference}),
            "which is not inside of it; nothing is ever fetched",
        );
    }
    check_refused(
        &json!({"$id": "https://example.com/a.json", "$ref": "b.json"}),
        "which is not inside of it",
    );
    let inside = json!({"$id": "https://example.com/a.json", "$ref": "b.json", "$defs": {"b": {"$id": "b.json", "type": "string"}}});
    check(&inside, "1", "the value must be a string, got the integer 1");
    check(
        &json!({"$ref": "#/$defs/a", "$defs": {"a": {"$anchor": "x", "type": "string"}}}),
        "1",
        "the value must be a string, got the integer 1",
    );
    check(
        &json!({"$ref": "#x", "$defs": {"a": {"$anchor": "x", "type": "string"}}}),
        "1",
        "the value must be a string, got the integer 1",
    );
}

#[test]
fn depth_and_count_of_subschemas_are_limited() {
    let nested = |levels: usize| {
        (1..levels).fold(json!({"type": "string"}), |inner, _| json!({"properties": {"a": inner}}))
    };
    compiled(&nested(32));
    check_refused(&nested(33), "nested deeper than 32 levels");
    check_refused(&nested(100), "nested deeper than 32 levels");
    let deep_data = (0..40).fold(json!(1), |inner, _| json!([inner]));
    check_refused(&json!({"const": deep_data}), "nested deeper than 32 levels");
    check_refused(&json!({"unknown": deep_data}), "nested deeper than 32 levels");

    let wide = |count: usize| json!({"anyOf": (0..count).map(|at| json!({"const": at})).collect::<Vec<_>>()});
    compiled(&wide(999));
    check_refused(&wide(1_000), "more than 1000 subschemas");
    // Data is no schema, however much there is of it.
    compiled(&json!({"enum": (0..5_000).map(|at| json!({"properties": at})).collect::<Vec<_>>()}));
}

#[test]
fn a_schema_without_constraints_takes_any_object_and_nothing_else() {
    for schema in [
        json!({"type": "object"}),
        json!({"type": "object", "properties": {}, "additionalProperties": true, "required": [], "title": "t"}),
        json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "properties": {}}),
    ] {
        assert!(compiled(&schema).open, "{schema}");
        assert!(violations(&schema, r#"{"a":{"b":[1]}}"#).is_empty());
        assert!(!violations(&schema, "[]").is_empty());
    }
    for schema in [
        json!({"type": "object", "additionalProperties": false}),
        json!({"type": "object", "properties": {"a": {}}}),
        json!({"type": ["object", "null"]}),
        json!({"type": "object", "minProperties": 1}),
        json!({"type": "object", "$ref": "#/$defs/a", "$defs": {"a": true}}),
    ] {
        assert!(!compiled(&schema).open, "{schema}");
    }
}

/// `levels` arrays or objects inside each other, around `core`.
fn nested(open: &str, core: &str, close: &str, levels: usize) -> String {
    format!("{}{core}{}", open.repeat(levels), close.repeat(levels))
}

#[test]
fn a_schema_that_refers_to_itself_comes_to_an_end() {
    check(&json!({"$ref": "#"}), "1", "");
    check(&json!({"anyOf": [{"$ref": "#"}, {"type": "string"}]}), r#""a""#, "");
    let list =
        json!({"type": "object", "properties": {"next": {"$ref": "#"}}, "additionalProperties": false});
    check(&list, &nested("{\"next\":", "{}", "}", 60), "");
    let found = violations(&list, &nested("{\"next\":", "1", "}", 3));
    assert_eq!(found[0].to_string(), "`next.next.next` must be an object, got the integer 1");
}

#[test]
fn what_a_recursive_schema_finds_is_told_in_bounded_time() {
    // Each level can be read in three ways: without a bound, the reasons would be 3^60.
    let ways: Vec<_> =
        (0..3).map(|at| json!({"type": "array", "items": {"$ref": "#"}, "maxItems": 10 + at})).collect();
    for keyword in ["anyOf", "oneOf"] {
        let schema = json!({keyword: ways.clone()});
        let found = violations(&schema, &nested("[", "1", "]", 60));
        assert!(!found.is_empty() && found.len() <= VIOLATIONS_MAX);
    }
    let dynamic = json!({
        "$dynamicAnchor": "node",
        "anyOf": (0..3).map(|at| json!({"type": "array", "items": {"$dynamicRef": "#node"}, "maxItems": 10 + at})).collect::<Vec<_>>(),
    });
    assert!(!violations(&dynamic, &nested("[", "1", "]", 60)).is_empty());
}

#[test]
fn a_hostile_size_takes_linear_time() {
    let names: Vec<_> = (0..14).map(|at| format!("p{at}")).collect();
    let properties: Map<String, Value> =
        names.iter().map(|name| (name.clone(), json!({"type": "integer"}))).collect();
    let schema = json!({"type": "object", "properties": properties, "required": names, "additionalProperties": {"type": "integer"}});
    let mut text = String::from("{");
    for at in 0..300_000 {
        text.push_str(&format!("\"{at:x}\":1,"));
    }
    for name in &names {
        text.push_str(&format!("\"{name}\":1,"));
    }
    text.pop();
    text.push('}');
    check(&schema, &text, "");

    // Each of these names stands at the far end.
    let many: Vec<_> = (0..900).map(|at| format!("{:x}", 299_999 - at)).collect();
    check(&json!({"required": many}), &text, "");
    let with_absent: Vec<_> = many.into_iter().chain(["absent".to_owned()]).collect();
    check(&json!({"required": with_absent}), &text, "`absent` is required, but missing");

    let numbers = format!("[{}1]", "1,".repeat(1_000_000));
    check(&json!({"items": {"type": "string"}}), &numbers, "`[0]` must be a string, got the integer 1");
    check(&json!({"uniqueItems": true}), &numbers, "the value must not have the same element twice");
}
