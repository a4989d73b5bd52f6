//! How settings are written in a config file: lengths of time, sizes, and secrets.
//!
//! A crate of its own, because whoever reads settings needs these words and not each other: the packs, who may call,
//! and the command.
//!
//! ```
//! use impresario_settings::Span;
//!
//! assert_eq!(Span::parse("5m").expect("a length of time").0.as_secs(), 300);
//! ```
#![forbid(unsafe_code)]

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A length of time: text with a unit, such as `"250ms"`, `"10s"`, `"5m"`, `"2h"`, `"1d"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

/// A size in bytes: a number, or text with a unit, such as `"64KiB"`, `"10MiB"`, `"1GiB"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// A text that is never shown: neither in messages nor in logs, and wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// A secret.
    #[must_use]
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// The text itself, for the one place that needs it.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Span {
    /// Reads a length of time.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        const UNITS: &[(&str, u64)] =
            &[("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
        number_with_unit(text, UNITS).map(|ms| Self(Duration::from_millis(ms))).ok_or_else(|| {
            r#"a length of time with a unit, such as "250ms", "10s", "5m", "2h" or "1d""#.into()
        })
    }
}

impl Bytes {
    /// Reads a size.
    ///
    /// # Errors
    /// What to write instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        const UNITS: &[(&str, u64)] =
            &[("", 1), ("B", 1), ("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30), ("TiB", 1 << 40)];
        number_with_unit(text, UNITS)
            .map(Self)
            .ok_or_else(|| r#"a number of bytes, or text with a unit, such as "64KiB" or "10MiB""#.into())
    }
}

/// A whole number and a unit, in the smallest unit.
fn number_with_unit(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, unit) = text.split_at(digits);
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start())?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(|wanted| D::Error::invalid_value(Unexpected::Str(&text), &wanted.as_str()))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl Visitor<'_> for Read {
            type Value = Bytes;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(r#"a number of bytes, or text with a unit, such as "64KiB" or "10MiB""#)
            }

            fn visit_u64<E: Error>(self, bytes: u64) -> Result<Bytes, E> {
                Ok(Bytes(bytes))
            }

            fn visit_i64<E: Error>(self, bytes: i64) -> Result<Bytes, E> {
                u64::try_from(bytes)
                    .map(Bytes)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(bytes), &self))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
                Bytes::parse(text).map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
            }
        }
        deserializer.deserialize_any(Read)
    }
}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text of a value of the wrong type must not stand in the error: it could be the secret.
        String::deserialize(deserializer).map(Self::new).map_err(|_| D::Error::custom("must be text"))
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A length of time with a unit: \"250ms\", \"10s\", \"5m\", \"2h\", \"1d\".",
            "type": "string",
            "pattern": "^[0-9]+ ?(ms|s|m|h|d)$",
        })
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> Cow<'static, str> {
        "Bytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A number of bytes, or text with a unit: \"64KiB\", \"10MiB\", \"1GiB\".",
            "anyOf": [
                { "type": "integer", "minimum": 0 },
                { "type": "string", "pattern": "^[0-9]+ ?(B|KiB|MiB|GiB|TiB)?$" },
            ],
        })
    }
}

impl JsonSchema for Secret {
    fn schema_name() -> Cow<'static, str> {
        "Secret".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "A secret: write it as \"${NAME}\" (an environment variable) or \"${file:PATH}\".",
            "type": "string",
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn times_and_sizes_are_read_with_their_units_or_refused() {
        let span = |value: Value| serde_json::from_value::<Span>(value).map(|span| span.0.as_millis());
        for (text, ms) in
            [("250ms", 250), ("10s", 10_000), ("5 m", 300_000), ("2h", 7_200_000), ("1d", 86_400_000)]
        {
            assert_eq!(span(json!(text)).unwrap(), ms, "{text}");
        }
        for wrong in
            [json!("10"), json!("s"), json!("-1s"), json!("1.5s"), json!("99999999999999999999d"), json!(10)]
        {
            assert!(span(wrong.clone()).is_err(), "{wrong}");
        }
        let bytes = |value: Value| serde_json::from_value::<Bytes>(value).map(|bytes| bytes.0);
        for (value, size) in
            [(json!(7), 7), (json!("7"), 7), (json!("64KiB"), 65_536), (json!("1 MiB"), 1 << 20)]
        {
            assert_eq!(bytes(value.clone()).unwrap(), size, "{value}");
        }
        for wrong in [json!("1kb"), json!(-1), json!(1.5), json!("1 PiB"), json!("99999999TiB")] {
            assert!(bytes(wrong.clone()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_secret_is_in_no_message() {
        let secret: Secret = serde_json::from_value(json!("hunter2")).unwrap();
        assert_eq!(secret.reveal(), "hunter2");
        assert!(!format!("{secret:?}").contains("hunter2"));
        let wrong = serde_json::from_value::<Secret>(json!(4711)).unwrap_err();
        assert!(!wrong.to_string().contains("4711"), "{wrong}");
    }
}
