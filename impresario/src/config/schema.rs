//! The JSON Schema of a config file, for editors that complete and check it while it is written.

use impresario_engine::Limits;
use impresario_protocol::LimitInfo;
use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::overlay::Overlay;
use super::packs::{PACKS, Pack, Shape};
use super::settings::{Cache, Pool, Server};

/// The schema of a file. Draft 7, which editors of TOML read.
pub(crate) fn schema() -> Value {
    let mut generator = SchemaSettings::draft07().into_generator();
    let section = |description: &str, mut schema: Value| {
        schema["description"] = description.into();
        schema
    };
    let named = |generator: &mut SchemaGenerator, schema: fn(&mut SchemaGenerator) -> schemars::Schema| json!({ "type": "object", "additionalProperties": schema(generator) });
    let packs: Map<_, _> =
        PACKS.iter().map(|pack| (pack.name.to_owned(), of_pack(pack, &mut generator))).collect();
    let properties = json!({
        "server": generator.subschema_for::<Server>(),
        "limits": section("Every limit of the runtime; `impresario limits` lists them.", limits()),
        "pools": section(
            "Pools of workers and threads that tools can have for themselves.",
            named(&mut generator, SchemaGenerator::subschema_for::<Pool>),
        ),
        "cache": generator.subschema_for::<Cache>(),
        "packs": {
            "description": "What is offered.",
            "type": "object",
            "properties": packs,
            "additionalProperties": false,
        },
        "tools": section(
            "What is changed about single tools, by their names.",
            named(&mut generator, SchemaGenerator::subschema_for::<Overlay>),
        ),
    });
    let mut schema = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Impresario",
        "description": "A config file of `impresario serve --config`.",
        "type": "object",
        "properties": properties,
        "additionalProperties": false,
        "definitions": generator.take_definitions(true),
    });
    allow_references(&mut schema);
    schema
}

fn of_pack(pack: &Pack, generator: &mut SchemaGenerator) -> Value {
    let section = (pack.schema)(generator);
    match pack.shape {
        Shape::One => section.into(),
        Shape::Named => json!({ "type": "object", "additionalProperties": section }),
    }
}

fn limits() -> Value {
    let limit = |info: &LimitInfo| {
        let schema = json!({
            "description": format!("{} Counted in {}; {} by default.", info.meaning, info.unit, info.default),
            "anyOf": [
                { "type": "integer", "minimum": info.min, "maximum": info.max },
                { "type": "string", "pattern": "^[0-9]+ ?[A-Za-z]*$" },
            ],
        });
        (info.name.to_owned(), schema)
    };
    let properties: Map<_, _> = Limits::TABLE.iter().map(limit).collect();
    json!({ "type": "object", "properties": properties, "additionalProperties": false })
}

/// Wherever something else than any text is asked for, a text with `${…}` will do too.
fn allow_references(schema: &mut Value) {
    match schema {
        Value::Array(all) => return all.iter_mut().for_each(allow_references),
        Value::Object(_) => {}
        _ => return,
    }
    for keyword in ["properties", "patternProperties", "definitions"] {
        if let Some(Value::Object(all)) = schema.get_mut(keyword) {
            all.values_mut().for_each(allow_references);
        }
    }
    for keyword in ["additionalProperties", "items", "anyOf", "oneOf", "allOf"] {
        // Choices that are widened as a whole need no widening inside.
        if let Some(inner) = schema.get_mut(keyword)
            && !(keyword == "oneOf" && are_words(inner))
        {
            allow_references(inner);
        }
    }
    if asks_for_more(schema) {
        widen(schema);
    }
}

/// Whether a schema asks for something that a text with `${…}` would not be.
fn asks_for_more(schema: &Value) -> bool {
    let has_type = |word: &str| match &schema["type"] {
        Value::String(one) => one == word,
        Value::Array(all) => all.iter().any(|one| one == word),
        _ => false,
    };
    let is_narrow =
        ["pattern", "enum", "const", "format", "minLength"].iter().any(|word| schema.get(word).is_some());
    ["integer", "number", "boolean"].into_iter().any(has_type)
        || (has_type("string") && is_narrow)
        || schema.get("oneOf").is_some_and(are_words)
}

fn are_words(choices: &Value) -> bool {
    let choices = choices.as_array().map_or(&[][..], Vec::as_slice);
    !choices.is_empty() && choices.iter().all(|choice| choice["type"] == "string")
}

fn widen(schema: &mut Value) {
    let Some(mut inner) = schema.as_object().cloned() else { return };
    let mut outer = Map::new();
    for about in ["title", "description", "default"] {
        if let Some(said) = inner.shift_remove(about) {
            outer.insert(about.to_owned(), said);
        }
    }
    outer.insert("anyOf".to_owned(), json!([inner, { "type": "string", "pattern": "\\$\\{" }]));
    *schema = Value::Object(outer);
}
