//! The tree as serde reads it.
//!
//! A text of the environment, or one with `${…}` in it, is read as what is wanted: `PORT=8000` is a number where a
//! number is wanted, and text where text is.

use std::slice;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeSeed, Deserializer, IntoDeserializer as _, MapAccess, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

use super::super::node::{Entry, Node, Step, Text, Value};
use super::error::Error;

/// A node, as a value to read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'n>(pub(super) &'n Node);

impl<'n> Reader<'n> {
    fn text(self) -> Option<&'n Text> {
        match &self.0.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text, where it may mean a number or a truth value too.
    fn loose(self) -> Option<&'n str> {
        self.text().filter(|text| text.filled.is_some()).map(|text| text.meaning().trim())
    }

    fn visit<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Text(text) => visitor.visit_borrowed_str(text.meaning()),
            Value::Date(date) => visitor.visit_borrowed_str(date),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(yes) => visitor.visit_bool(*yes),
            Value::Array(nodes) => visitor.visit_seq(Elements { nodes: nodes.iter(), next: 0 }),
            Value::Table(table) => visitor.visit_map(Entries { entries: table.0.iter(), current: None }),
        }
    }

    fn visit_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error> {
        let of_environment = self.0.place.variable().and(self.loose());
        match of_environment {
            Some("true") => visitor.visit_bool(true),
            Some("false") => visitor.visit_bool(false),
            Some(text) => match (text.parse::<i64>(), text.parse::<f64>()) {
                (Ok(number), _) => visitor.visit_i64(number),
                (_, Ok(number)) if number.is_finite() => visitor.visit_f64(number),
                _ => self.visit(visitor),
            },
            None => self.visit(visitor),
        }
    }
}

/// What is read as a number if that is wanted.
macro_rules! numbers {
    ($($method:ident $parsed:ty, $visit:ident;)+) => { $(
        fn $method<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error> {
            match self.loose().and_then(|text| text.parse::<$parsed>().ok()) {
                Some(number) => visitor.$visit(number),
                None => self.visit(visitor),
            }
            .map_err(|error| error.of_node(self.0))
        }
    )+ };
}

impl<'n> Deserializer<'n> for Reader<'n> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error> {
        self.visit_any(visitor).map_err(|error| error.of_node(self.0))
    }

    numbers! {
        deserialize_bool bool, visit_bool;
        deserialize_i8 i64, visit_i64;
        deserialize_i16 i64, visit_i64;
        deserialize_i32 i64, visit_i64;
        deserialize_i64 i64, visit_i64;
        deserialize_u8 u64, visit_u64;
        deserialize_u16 u64, visit_u64;
        deserialize_u32 u64, visit_u64;
        deserialize_u64 u64, visit_u64;
        deserialize_f32 f64, visit_f64;
        deserialize_f64 f64, visit_f64;
    }

    fn deserialize_str<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.0.value {
            // Dates are refused here with the advice to quote them, unlike by whoever takes anything.
            Value::Date(_) => {
                Err(serde::de::Error::invalid_type(serde::de::Unexpected::Other("date"), &visitor))
            }
            _ => self.visit(visitor),
        }
        .map_err(|error: Error| error.of_node(self.0))
    }

    fn deserialize_string<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'n>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'n>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'n>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.0.value {
            Value::Text(text) => visitor.visit_enum(StrDeserializer::new(text.meaning())),
            Value::Table(table) => {
                let entries = Entries { entries: table.0.iter(), current: None };
                visitor.visit_enum(MapAccessDeserializer::new(entries))
            }
            _ => self.visit(visitor),
        }
        .map_err(|error| error.of_node(self.0))
    }

    forward_to_deserialize_any! {
        <V: Visitor<'n>>
        i128 u128 char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct ignored_any
    }
}

struct Elements<'n> {
    nodes: slice::Iter<'n, Node>,
    next: usize,
}

impl<'n> SeqAccess<'n> for Elements<'n> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'n>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(node) = self.nodes.next() else { return Ok(None) };
        let index = self.next;
        self.next += 1;
        let read = seed.deserialize(Reader(node));
        read.map(Some).map_err(|error| error.of_node(node).below(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.nodes.len())
    }
}

struct Entries<'n> {
    entries: slice::Iter<'n, Entry>,
    current: Option<&'n Entry>,
}

impl<'n> MapAccess<'n> for Entries<'n> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'n>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(entry) = self.entries.next() else { return Ok(None) };
        self.current = Some(entry);
        let key: StrDeserializer<'_, Error> = entry.key.as_str().into_deserializer();
        let read = seed.deserialize(key);
        read.map(Some).map_err(|error| error.of_key(&entry.key_place).below(Step::Key(entry.key.clone())))
    }

    fn next_value_seed<S: DeserializeSeed<'n>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let entry = self
            .current
            .take()
            .ok_or_else(|| serde::de::Error::custom("a value was asked for before its key"))?;
        let read = seed.deserialize(Reader(&entry.node));
        read.map_err(|error| error.of_node(&entry.node).below(Step::Key(entry.key.clone())))
    }
}
