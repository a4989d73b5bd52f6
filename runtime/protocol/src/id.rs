//! A JSON-RPC request id, kept as the bytes the client wrote, so that it is echoed unchanged.

use std::fmt;

use serde::de::Visitor;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A request id: a string or an integer, never null (JSON-RPC 2.0, section 4; MCP basic, "Requests").
///
/// Two ids are equal when their JSON text is equal: `1` and `"1"` are different ids.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(Repr);

#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Repr {
    Signed(i64),
    Unsigned(u64),
    /// Raw JSON text: a string with its quotes and escapes as written.
    Raw(Box<str>),
}

impl Id {
    /// An id from the raw JSON text of a string or an integer. The caller has checked that it is one.
    #[must_use]
    pub fn from_raw_json(text: &str) -> Self {
        match text.parse::<i64>() {
            Ok(number) if number.to_string() == text => Self(Repr::Signed(number)),
            _ => Self(Repr::Raw(text.into())),
        }
    }

    /// An id that is the string `text`; it is escaped as JSON here.
    #[must_use]
    pub fn from_text(text: &str) -> Self {
        Self(Repr::Raw(serde_json::Value::from(text).to_string().into()))
    }

    /// The integer, when the id is one that fits 64 bits.
    #[must_use]
    pub fn as_i64(&self) -> Option<i64> {
        match &self.0 {
            Repr::Signed(number) => Some(*number),
            Repr::Unsigned(number) => i64::try_from(*number).ok(),
            Repr::Raw(_) => None,
        }
    }

    /// Appends the id as JSON, byte for byte as the client wrote it.
    pub fn write_json(&self, out: &mut Vec<u8>) {
        match &self.0 {
            Repr::Signed(number) => write_integer(*number, out),
            Repr::Unsigned(number) => out.extend_from_slice(number.to_string().as_bytes()),
            Repr::Raw(text) => out.extend_from_slice(text.as_bytes()),
        }
    }
}

/// Appends a decimal integer without a heap allocation.
fn write_integer(number: i64, out: &mut Vec<u8>) {
    if number < 0 {
        out.push(b'-');
    }
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number.unsigned_abs();
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

impl Serialize for Id {
    /// As the number or the text that it is. Only [`Id::write_json`] repeats it byte for byte.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Repr::Signed(number) => serializer.serialize_i64(*number),
            Repr::Unsigned(number) => serializer.serialize_u64(*number),
            Repr::Raw(text) => {
                let value: serde_json::Value =
                    serde_json::from_str(text).map_err(serde::ser::Error::custom)?;
                value.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyId;

        impl Visitor<'_> for AnyId {
            type Value = Id;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }

            fn visit_i64<E>(self, number: i64) -> Result<Id, E> {
                Ok(Id::from(number))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Id, E> {
                Ok(Id::from(number))
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Id, E> {
                Ok(Id::from_text(text))
            }
        }

        deserializer.deserialize_any(AnyId)
    }
}

impl From<i64> for Id {
    fn from(number: i64) -> Self {
        Self(Repr::Signed(number))
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        i64::try_from(number).map_or(Self(Repr::Unsigned(number)), Self::from)
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Repr::Signed(number) => write!(f, "{number}"),
            Repr::Unsigned(number) => write!(f, "{number}"),
            Repr::Raw(text) => f.write_str(text),
        }
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn echoed(id: &Id) -> String {
        let mut out = Vec::new();
        id.write_json(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn an_id_is_echoed_as_it_was_written() {
        for raw in ["0", "1", "-7", "9007199254740993", "-9223372036854775808", r#""a""#, r#""\u0041\/""#] {
            assert_eq!(echoed(&Id::from_raw_json(raw)), raw);
        }
        assert_eq!(echoed(&Id::from(u64::MAX)), "18446744073709551615");
        assert_eq!(echoed(&Id::from_text("a\"b")), r#""a\"b""#);
    }

    #[test]
    fn an_id_is_a_text_or_an_integer_in_any_format_that_serde_knows() {
        for json in ["0", "-7", "18446744073709551615", r#""a""#, r#""\"\\""#, r#""1""#] {
            let id: Id = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&id).unwrap(), json);
        }
        assert_eq!(serde_json::to_string(&Id::from_raw_json(r#""\u0041""#)).unwrap(), r#""A""#);
        for odd in ["null", "1.5", "true", "[]", "{}"] {
            assert!(serde_json::from_str::<Id>(odd).is_err(), "{odd}");
        }
    }

    #[test]
    fn a_number_and_its_text_are_different_ids() {
        assert_ne!(Id::from(1_i64), Id::from_raw_json(r#""1""#));
        assert_eq!(Id::from(1_i64), Id::from_raw_json("1"));
    }
}
