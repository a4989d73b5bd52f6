//! The forms of types, as clients see them.

use serde::Deserialize;
use serde_json::json;

use super::*;

/// How urgent it is
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Urgency {
    NotAtAll,
    VeryMuch,
}

impl FormField for Urgency {}
impl FormChoice for Urgency {}

#[derive(Debug, Deserialize, JsonSchema)]
enum Size {
    /// A small one
    #[serde(rename = "s")]
    Small,
    #[serde(rename = "l")]
    #[schemars(title = "A large one", description = "it is really large")]
    Large,
    Huge,
}

fn thirty() -> u8 {
    30
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema is looked at")]
struct Everything {
    /// What you are called
    #[schemars(title = "Name", length(min = 3, max = 50))]
    name: String,
    #[schemars(email)]
    mail: String,
    #[schemars(url)]
    page: Option<String>,
    #[schemars(extend("format" = "date"))]
    birthday: Option<String>,
    #[schemars(extend("format" = "date-time"))]
    #[serde(default)]
    at: Option<String>,
    #[serde(default = "thirty")]
    #[schemars(range(min = 18, max = 99))]
    age: u8,
    #[schemars(range(min = 0.5))]
    weight: f64,
    agree: bool,
    #[serde(default)]
    newsletter: bool,
    urgency: Urgency,
    size: Option<Size>,
    #[schemars(length(min = 1, max = 2))]
    sizes: Vec<Size>,
    urgencies: Option<Vec<Urgency>>,
}

impl Form for Everything {}

#[test]
fn a_form_says_of_each_field_what_its_type_says() {
    let form = serde_json::to_value(Everything::requested_schema().unwrap()).unwrap();
    let sizes = json!([
        { "const": "Huge", "title": "Huge" },
        { "const": "s", "title": "A small one" },
        { "const": "l", "title": "A large one" },
    ]);
    let expected = json!({
        "type": "object",
        "properties": {
            "name": { "type": "string", "title": "Name", "description": "What you are called", "minLength": 3, "maxLength": 50 },
            "mail": { "type": "string", "format": "email" },
            "page": { "type": "string", "format": "uri" },
            "birthday": { "type": "string", "format": "date" },
            "at": { "type": "string", "format": "date-time" },
            "age": { "type": "integer", "minimum": 18, "maximum": 99, "default": 30 },
            "weight": { "type": "number", "minimum": 0.5 },
            "agree": { "type": "boolean" },
            "newsletter": { "type": "boolean", "default": false },
            "urgency": { "type": "string", "description": "How urgent it is", "enum": ["not-at-all", "very-much"] },
            "size": { "type": "string", "oneOf": sizes },
            "sizes": { "type": "array", "minItems": 1, "maxItems": 2, "items": { "anyOf": sizes } },
            "urgencies": { "type": "array", "items": { "type": "string", "enum": ["not-at-all", "very-much"] } },
        },
        "required": ["name", "mail", "weight", "agree", "urgency", "sizes"],
    });
    for (name, field) in expected["properties"].as_object().unwrap() {
        assert_eq!(form["properties"][name], *field, "{name}");
    }
    assert_eq!(form, expected);
}

#[test]
fn what_no_form_can_say_is_named() {
    let problem = |property: Value| {
        let schema = json!({ "type": "object", "properties": { "odd": property } });
        requested_schema(&schema).unwrap_err().to_string()
    };
    assert_eq!(
        problem(json!({ "type": "object" })),
        "the field `odd` is neither a text, a truth, a number nor a choice"
    );
    assert_eq!(
        problem(json!({ "type": "string", "format": "uuid" })),
        "the field `odd` has the format \"uuid\", which forms do not have"
    );
    assert_eq!(
        problem(json!({ "type": "array", "items": { "type": "string" } })),
        "the field `odd` is a list of something else than choices"
    );
    assert_eq!(problem(json!(true)), "the field `odd` has no type");
}

#[test]
fn a_form_without_fields_is_one() {
    assert_eq!(requested_schema(&json!({ "type": "object" })).unwrap(), RequestedSchema::new());
}
