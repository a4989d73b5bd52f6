//! The forms that a person fills in: an object of plain fields (client/elicitation, "Requested Schema").
//!
//! A small part of JSON Schema, so that every client can draw it: no fields inside fields, no references.

use serde::de::{MapAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Number;

use crate::literal::literals;

literals! {
    /// The type of a form.
    ObjectType = "object";
    /// The type of a field for text, or for one of several texts.
    StringType = "string";
    /// The type of a field for yes or no.
    BooleanType = "boolean";
    /// The type of a field for several of several texts.
    ArrayType = "array";
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

macro_rules! fields {
    ($( $schema:ident is $kind:ident; )+) => { $(
        impl $schema {
            /// A field with that name for people.
            pub fn titled(title: impl Into<String>) -> Self {
                Self { title: Some(title.into()), ..Self::default() }
            }

            /// The same field with a word on what belongs into it.
            #[must_use]
            pub fn described(self, description: impl Into<String>) -> Self {
                Self { description: Some(description.into()), ..self }
            }
        }

        impl From<$schema> for PrimitiveSchema {
            fn from(schema: $schema) -> Self {
                Self::$kind(schema)
            }
        }
    )+ };
}

fields! {
    BooleanSchema is Boolean;
    NumberSchema is Number;
    TitledSingleSelectSchema is TitledSingleSelect;
    SingleSelectSchema is SingleSelect;
    TitledMultiSelectSchema is TitledMultiSelect;
    MultiSelectSchema is MultiSelect;
    StringSchema is String;
}

/// A field for text.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StringSchema {
    /// The field's type.
    pub r#type: StringType,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What belongs into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many characters it must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_length: Option<u64>,
    /// How many characters it may have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_length: Option<u64>,
    /// What the text must look like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub format: Option<StringFormat>,
    /// What stands in it at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// What a text must look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StringFormat {
    /// An address for mail.
    Email,
    /// A URI.
    Uri,
    /// A day.
    Date,
    /// A day and a time.
    DateTime,
}

/// A field for a number. Numbers are kept as they were written, so that `18` does not become `18.0`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct NumberSchema {
    /// The field's type: any number, or whole ones.
    pub r#type: NumberType,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What belongs into it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The least it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Number>,
    /// The most it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum: Option<Number>,
    /// What stands in it at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Number>,
}

/// Which numbers a field takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NumberType {
    /// Any.
    #[default]
    Number,
    /// Whole ones.
    Integer,
}

/// A field for yes or no.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BooleanSchema {
    /// The field's type.
    pub r#type: BooleanType,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What it decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<bool>,
}

/// A value to choose, and its name for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// The value.
    pub r#const: String,
    /// Its name for people.
    pub title: String,
}

impl Choice {
    /// A value with a name for people.
    pub fn new(value: impl Into<String>, title: impl Into<String>) -> Self {
        Self { r#const: value.into(), title: title.into() }
    }
}

/// A field for one of several texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SingleSelectSchema {
    /// The field's type.
    pub r#type: StringType,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What there is to choose.
    pub r#enum: Vec<String>,
    /// Names for people, in the same order: an older way to say what [`TitledSingleSelectSchema`] says, and
    /// the only one that clients of its time read.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enum_names: Vec<String>,
    /// What is chosen at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// A field for one of several texts that have names for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TitledSingleSelectSchema {
    /// The field's type.
    pub r#type: StringType,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What there is to choose.
    pub one_of: Vec<Choice>,
    /// What is chosen at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
}

/// A field for any of several texts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MultiSelectSchema {
    /// The field's type.
    pub r#type: ArrayType,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many must be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u64>,
    /// How many may be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// What there is to choose.
    pub items: MultiSelectItems,
    /// What is chosen at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Vec<String>>,
}

/// What there is to choose in a [`MultiSelectSchema`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MultiSelectItems {
    /// The type of each.
    pub r#type: StringType,
    /// The values.
    pub r#enum: Vec<String>,
}

/// A field for any of several texts that have names for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TitledMultiSelectSchema {
    /// The field's type.
    pub r#type: ArrayType,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What is to be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many must be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_items: Option<u64>,
    /// How many may be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_items: Option<u64>,
    /// What there is to choose.
    pub items: TitledItems,
    /// What is chosen at first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Vec<String>>,
}

/// What there is to choose in a [`TitledMultiSelectSchema`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TitledItems {
    /// The values and their names.
    pub any_of: Vec<Choice>,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

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
            .field("colours", TitledMultiSelectSchema { items: TitledItems { any_of: choices }, ..Default::default() })
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
        for odd in [json!({ "type": "object" }), json!({ "type": "array", "items": {} }), json!({}), json!([])] {
            assert!(serde_json::from_value::<PrimitiveSchema>(odd.clone()).is_err(), "{odd}");
        }
    }
}
