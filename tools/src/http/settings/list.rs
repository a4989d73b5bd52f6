//! A list that an environment variable can hold too.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};

/// Names or addresses: a list, or one text with commas, so that `"${ALLOWED:-}"` can be any number of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct List(pub Vec<String>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged, expecting = "a list of texts, or one text with commas")]
        enum Written {
            Text(String),
            Items(Vec<String>),
        }
        let items = match Written::deserialize(deserializer)? {
            Written::Text(text) => text.split(',').map(str::to_owned).collect(),
            Written::Items(items) => items,
        };
        let items = items.iter().map(|item| item.trim().to_owned());
        Ok(Self(items.filter(|item| !item.is_empty()).collect()))
    }
}

impl JsonSchema for List {
    fn schema_name() -> Cow<'static, str> {
        "List".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A list of texts, or one text with commas.",
            "anyOf": [{ "type": "array", "items": { "type": "string" } }, { "type": "string" }],
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_list_is_read_from_either_form() {
        for (written, items) in [
            (json!([]), vec![]),
            (json!(""), vec![]),
            (json!(["a", " b "]), vec!["a", "b"]),
            (json!("a, b,"), vec!["a", "b"]),
        ] {
            assert_eq!(serde_json::from_value::<List>(written).unwrap().0, items);
        }
        assert!(serde_json::from_value::<List>(json!(1)).unwrap_err().to_string().contains("with commas"));
    }
}
