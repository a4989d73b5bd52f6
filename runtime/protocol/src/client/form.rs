//! The forms that a person fills in: an object of plain fields (client/elicitation, "Requested Schema").
//!
//! A small part of JSON Schema, so that every client can draw it: no fields inside fields, no references.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::fields::{
    BooleanSchema, MultiSelectSchema, NumberSchema, SingleSelectSchema, StringSchema,
    TitledMultiSelectSchema, TitledSingleSelectSchema,
};
use crate::literal::literals;

literals! {
    /// The type of a form.
    ObjectType = "object";
}

/// A form.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RequestedSchema {
    /// The dialect of JSON Schema, when it is not the default one.
    #[serde(rename = "$schema", default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The schema's type.
    pub r#type: ObjectType,
    /// The fields, in the order in which they are shown.
    pub properties: Fields,
    /// The names of those that must be filled in.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub required: Vec<String>,
}

impl RequestedSchema {
    /// A form without fields.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more field, which may be left empty.
    #[must_use]
    pub fn field(mut self, name: impl Into<String>, schema: impl Into<PrimitiveSchema>) -> Self {
        self.properties.0.push((name.into(), schema.into()));
        self
    }

    /// One more field, which must be filled in.
    #[must_use]
    pub fn require(mut self, name: impl Into<String>, schema: impl Into<PrimitiveSchema>) -> Self {
        let name = name.into();
        self.required.push(name.clone());
        self.field(name, schema)
    }
}

/// The fields of a form by their names. They keep their order, because a person sees it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields(pub Vec<(String, PrimitiveSchema)>);

impl Fields {
    /// The field of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&PrimitiveSchema> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, schema)| schema)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, schema) in &self.0 {
            map.serialize_entry(name, schema)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object of fields")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Fields::default();
                while let Some(field) = map.next_entry()? {
                    fields.0.push(field);
                }
                Ok(fields)
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}

/// One field of a form.
///
/// The kinds are told apart by their members, the ones that have most of their own first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum PrimitiveSchema {
    /// Yes or no.
    Boolean(BooleanSchema),
    /// A number.
    Number(NumberSchema),
    /// One of several, each with a name for people.
    TitledSingleSelect(TitledSingleSelectSchema),
    /// One of several.
    SingleSelect(SingleSelectSchema),
    /// Any of several, each with a name for people.
    TitledMultiSelect(TitledMultiSelectSchema),
    /// Any of several.
    MultiSelect(MultiSelectSchema),
    /// Text.
    String(StringSchema),
}

macro_rules! kinds {
    ($( $kind:ident: $schema:ident; )+) => { $(
        impl From<$schema> for PrimitiveSchema {
            fn from(schema: $schema) -> Self {
                Self::$kind(schema)
            }
        }
    )+ };
}

kinds! {
    Boolean: BooleanSchema;
    Number: NumberSchema;
    TitledSingleSelect: TitledSingleSelectSchema;
    SingleSelect: SingleSelectSchema;
    TitledMultiSelect: TitledMultiSelectSchema;
    MultiSelect: MultiSelectSchema;
    String: StringSchema;
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fields::{Choice, NumberType, TitledItems};
    use super::*;

    #[test]
    fn fields_keep_their_order_and_their_kind() {
        let choices = vec![Choice::new("r", "Red")];
        let form = RequestedSchema::new()
            .require("zip", StringSchema::titled("ZIP").described("five digits"))
            .field("age", NumberSchema { r#type: NumberType::Integer, ..NumberSchema::default() })
            .field("agree", BooleanSchema::default())
            .field("one", SingleSelectSchema { r#enum: vec!["a".into()], ..SingleSelectSchema::default() })
            .field("colour", TitledSingleSelectSchema { one_of: choices.clone(), ..Default::default() })
            .field(
                "colours",
                TitledMultiSelectSchema { items: TitledItems { any_of: choices }, ..Default::default() },
            )
            .field("any", MultiSelectSchema::titled("Any"));
        let text = serde_json::to_string(&form).unwrap();
        let read: RequestedSchema = serde_json::from_str(&text).unwrap();
        assert_eq!(read, form);
        assert_eq!(read.required, ["zip"]);
        let names: Vec<_> = read.properties.0.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["zip", "age", "agree", "one", "colour", "colours", "any"]);
        assert!(matches!(read.properties.get("zip"), Some(PrimitiveSchema::String(_))));
    }

    #[test]
    fn a_schema_of_another_kind_is_no_field() {
        for odd in
            [json!({ "type": "object" }), json!({ "type": "array", "items": {} }), json!({}), json!([])]
        {
            assert!(serde_json::from_value::<PrimitiveSchema>(odd.clone()).is_err(), "{odd}");
        }
    }
}
