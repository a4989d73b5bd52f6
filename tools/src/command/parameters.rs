//! The schema of what a tool takes, from the parameters of its section.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::settings::{Kind, Parameter};
use crate::part::PartError;

/// What elements are of which nothing is said.
static TEXT: Parameter = Parameter {
    kind: Kind::String,
    description: None,
    required: None,
    default: None,
    values: None,
    pattern: None,
    min_length: None,
    max_length: None,
    minimum: None,
    maximum: None,
    items: None,
    min_items: None,
    max_items: None,
    flag: None,
    allow_leading_dash: false,
};

impl Parameter {
    /// What the elements of a list are.
    pub(super) fn element(&self) -> &Self {
        self.items.as_deref().unwrap_or(&TEXT)
    }

    fn is_required(&self) -> bool {
        self.required.unwrap_or(self.default.is_none())
    }

    /// Whether what is said of it can hold together.
    fn check(&self) -> Result<(), &'static str> {
        let (is_text, is_list) = (self.kind == Kind::String, self.kind == Kind::Array);
        let is_number = matches!(self.kind, Kind::Integer | Kind::Number);
        let for_texts = self.pattern.is_some() || self.min_length.is_some() || self.max_length.is_some();
        if (for_texts || self.allow_leading_dash) && !is_text {
            return Err("pattern, minLength, maxLength and allow_leading_dash are for the type string");
        }
        if (self.minimum.is_some() || self.maximum.is_some()) && !is_number {
            return Err("minimum and maximum are for the types integer and number");
        }
        if (self.items.is_some() || self.min_items.is_some() || self.max_items.is_some()) && !is_list {
            return Err("items, minItems and maxItems are for the type array");
        }
        if self.flag.is_some() && self.kind != Kind::Boolean {
            return Err("flag is for the type boolean");
        }
        if self.default.is_some() && self.required == Some(true) {
            return Err("a parameter with a default need not be given; remove one of the two");
        }
        if is_list && matches!(self.element().kind, Kind::Array | Kind::Boolean) {
            return Err("the elements of a list are texts or numbers");
        }
        self.items.as_deref().map_or(Ok(()), Self::check)
    }

    fn schema(&self) -> Value {
        let kind = match self.kind {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Boolean => "boolean",
            Kind::Array => "array",
        };
        let members = [
            ("description", self.description.clone().map(Value::from)),
            ("enum", self.values.clone().map(Value::from)),
            ("pattern", self.pattern.as_deref().map(|pattern| whole(pattern).into())),
            ("minLength", self.min_length.map(Value::from)),
            ("maxLength", self.max_length.map(Value::from)),
            ("minimum", self.minimum.map(|limit| number(limit, self.kind))),
            ("maximum", self.maximum.map(|limit| number(limit, self.kind))),
            ("items", (self.kind == Kind::Array).then(|| self.element().schema())),
            ("minItems", self.min_items.map(Value::from)),
            ("maxItems", self.max_items.map(Value::from)),
            ("default", self.default.clone()),
        ];
        let mut schema = Map::from_iter([("type".to_owned(), json!(kind))]);
        schema.extend(members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        Value::Object(schema)
    }
}

/// The schema of a tool that takes these.
///
/// # Errors
/// When what is said of one can't hold together.
pub(super) fn schema(parameters: &BTreeMap<String, Parameter>) -> Result<Value, PartError> {
    for (name, parameter) in parameters {
        let key = format!("parameters.{name}");
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        if name.is_empty() || !name.bytes().all(plain) {
            return Err(PartError::at(key, "a parameter's name has letters, digits, _ and - alone"));
        }
        parameter.check().map_err(|problem| PartError::at(key, problem))?;
    }
    let properties: Map<_, _> =
        parameters.iter().map(|(name, parameter)| (name.clone(), parameter.schema())).collect();
    let required: Vec<_> =
        parameters.iter().filter(|(_, parameter)| parameter.is_required()).map(|(name, _)| name).collect();
    Ok(json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    }))
}

/// The pattern for the whole text: a part that matches proves nothing of the rest.
fn whole(pattern: &str) -> String {
    format!("^(?:{pattern})$")
}

/// A limit as people write it: a whole one without a fraction.
fn number(limit: f64, kind: Kind) -> Value {
    const WHOLE_MAX: f64 = 9_007_199_254_740_992.0;
    if kind == Kind::Integer && limit.fract() == 0.0 && limit.abs() <= WHOLE_MAX {
        return json!(limit as i64);
    }
    json!(limit)
}
