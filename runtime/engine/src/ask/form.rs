//! Forms from Rust types: which types may be in one, and the schema that clients draw it from.

use impresario_protocol::client::{
    BooleanSchema, Choice, MultiSelectItems, MultiSelectSchema, NumberSchema, NumberType, PrimitiveSchema,
    RequestedSchema, SingleSelectSchema, StringFormat, StringSchema, TitledItems, TitledMultiSelectSchema,
    TitledSingleSelectSchema,
};
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::tool_result::schema_of;

/// A type whose fields a person can fill in: a struct with `#[derive(Form, Deserialize, JsonSchema)]`.
///
/// Its fields are texts, truths, numbers, choices (enums without data, with `#[derive(Form)]` too), lists of
/// choices, and `Option`s of these. Titles, descriptions, lengths, ranges and formats are those of `schemars`:
/// `#[schemars(title = "…", length(max = 64), email)]`; defaults those of serde.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no form",
    note = "a form is a struct with named fields and `#[derive(Form, Deserialize, JsonSchema)]`"
)]
pub trait Form: DeserializeOwned + JsonSchema {
    /// The form, as clients draw it.
    ///
    /// # Errors
    /// When its schema says something that no form can say.
    fn requested_schema() -> Result<RequestedSchema, FormProblem> {
        requested_schema(&schema_of::<Self>())
    }
}

/// A type that a field of a form may have.
#[diagnostic::on_unimplemented(
    message = "`{Self}` can't be a field of a form",
    label = "clients can't draw this",
    note = "a field is a text, a truth, a number, an enum without data and with `#[derive(Form)]`, a list of such enums, or an `Option` of these"
)]
pub trait FormField {}

/// A choice: an enum without data and with `#[derive(Form)]`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no choice",
    label = "a list in a form is a list of choices",
    note = "a choice is an enum without data and with `#[derive(Form, Deserialize, JsonSchema)]`"
)]
pub trait FormChoice: FormField {}

macro_rules! fields {
    ($($type:ty),+) => { $( impl FormField for $type {} )+ };
}

fields!(String, bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f32, f64);

impl<T: FormField> FormField for Option<T> {}
impl<T: FormChoice> FormField for Vec<T> {}

/// What a type's schema says that no form can say.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the field `{field}` {why}")]
pub struct FormProblem {
    /// Which field.
    pub field: String,
    /// What is wrong with it.
    pub why: String,
}

fn requested_schema(schema: &Value) -> Result<RequestedSchema, FormProblem> {
    let mut form = RequestedSchema::new();
    let Some(properties) = schema.get("properties").and_then(Value::as_object) else { return Ok(form) };
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    for (name, property) in properties {
        let problem = |why: String| FormProblem { field: name.clone(), why };
        let property = property.as_object().ok_or_else(|| problem("has no type".into()))?;
        let field = field(&without_null(property)).map_err(problem)?;
        form = if required.contains(&name.as_str()) {
            form.require(name.clone(), field)
        } else {
            form.field(name.clone(), field)
        };
    }
    Ok(form)
}

/// A schema that allows nothing beside what it is about: an `Option` may be left out, and is never null.
fn without_null(schema: &Map<String, Value>) -> Map<String, Value> {
    let mut schema = schema.clone();
    if let Some(Value::Array(alternatives)) = schema.get("anyOf") {
        let mut others = alternatives.iter().filter(|one| one["type"] != "null");
        if let (Some(Value::Object(only)), None) = (others.next(), others.next()) {
            let mut only = only.clone();
            schema.shift_remove("anyOf");
            only.extend(schema);
            schema = only;
        }
    }
    if let Some(Value::Array(types)) = schema.get("type") {
        let mut others = types.iter().filter(|one| *one != "null");
        if let (Some(only), None) = (others.next().cloned(), others.next()) {
            schema.insert("type".into(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if schema.get("default").is_some_and(Value::is_null) {
        schema.shift_remove("default");
    }
    schema
}

fn field(schema: &Map<String, Value>) -> Result<PrimitiveSchema, String> {
    let text = |name: &str| schema.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let count = |name: &str| schema.get(name).and_then(Value::as_u64);
    let number = |name: &str| match schema.get(name) {
        Some(Value::Number(number)) => Some(number.clone()),
        _ => None,
    };
    let (title, description) = (text("title"), text("description"));
    if let Some(choices) = choices(schema) {
        let default = text("default");
        return Ok(match titled(&choices) {
            Some(one_of) => {
                TitledSingleSelectSchema { title, description, one_of, default, ..Default::default() }.into()
            }
            None => {
                let r#enum = choices.into_iter().map(|(value, _)| value).collect();
                SingleSelectSchema { title, description, r#enum, default, ..Default::default() }.into()
            }
        });
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => {
            let default = schema.get("default").and_then(Value::as_bool);
            Ok(BooleanSchema { title, description, default, ..Default::default() }.into())
        }
        Some(kind @ ("integer" | "number")) => {
            let r#type = if kind == "integer" { NumberType::Integer } else { NumberType::Number };
            let (minimum, maximum, default) = (number("minimum"), number("maximum"), number("default"));
            Ok(NumberSchema { r#type, title, description, minimum, maximum, default }.into())
        }
        Some("string") => {
            let format = match schema.get("format") {
                None => None,
                Some(format) => Some(
                    serde_json::from_value::<StringFormat>(format.clone())
                        .map_err(|_| format!("has the format {format}, which forms do not have"))?,
                ),
            };
            let (min_length, max_length) = (count("minLength"), count("maxLength"));
            let default = text("default");
            Ok(StringSchema {
                title,
                description,
                min_length,
                max_length,
                format,
                default,
                ..Default::default()
            }
            .into())
        }
        Some("array") => several(schema),
        _ => Err("is neither a text, a truth, a number nor a choice".into()),
    }
}

fn several(schema: &Map<String, Value>) -> Result<PrimitiveSchema, String> {
    let text = |name: &str| schema.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
    let count = |name: &str| schema.get(name).and_then(Value::as_u64);
    let (title, description) = (text("title"), text("description"));
    let (min_items, max_items) = (count("minItems"), count("maxItems"));
    let default = schema.get("default").and_then(|default| serde_json::from_value(default.clone()).ok());
    let choices = schema.get("items").and_then(Value::as_object).and_then(choices);
    let choices = choices.ok_or("is a list of something else than choices")?;
    Ok(match titled(&choices) {
        Some(any_of) => {
            let items = TitledItems { any_of };
            TitledMultiSelectSchema {
                title,
                description,
                min_items,
                max_items,
                items,
                default,
                ..Default::default()
            }
            .into()
        }
        None => {
            let r#enum = choices.into_iter().map(|(value, _)| value).collect();
            let items = MultiSelectItems { r#enum, ..Default::default() };
            MultiSelectSchema {
                title,
                description,
                min_items,
                max_items,
                items,
                default,
                ..Default::default()
            }
            .into()
        }
    })
}

/// The values to choose from, each with its name for people if it has one.
fn choices(schema: &Map<String, Value>) -> Option<Vec<(String, Option<String>)>> {
    let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
    if let Some(Value::Array(values)) = schema.get("enum") {
        return values.iter().map(|value| Some((text(value)?, None))).collect();
    }
    let Some(Value::Array(alternatives)) = schema.get("oneOf") else { return None };
    let mut all = Vec::new();
    for alternative in alternatives {
        match alternative.get("const") {
            Some(value) => {
                let title = alternative.get("title").or_else(|| alternative.get("description"));
                all.push((text(value)?, title.and_then(text)));
            }
            None => all.extend(choices(alternative.as_object()?)?),
        }
    }
    Some(all)
}

/// The choices with names for people, when any has one; the others are named as they are.
fn titled(choices: &[(String, Option<String>)]) -> Option<Vec<Choice>> {
    let is_titled = choices.iter().any(|(_, title)| title.is_some());
    let choice = |(value, title): &(String, Option<String>)| {
        Choice::new(value.clone(), title.clone().unwrap_or_else(|| value.clone()))
    };
    is_titled.then(|| choices.iter().map(choice).collect())
}

#[cfg(test)]
mod tests;
