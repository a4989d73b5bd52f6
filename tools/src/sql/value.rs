//! Values on their way in and out: JSON on one side, what the engines bind and return on the other.
//!
//! What JSON can't say exactly is text: whole numbers that a double can't hold, decimal numbers of PostgreSQL, dates
//! and times (ISO 8601), bytes (base64).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Number, Value};

/// The largest whole number up to which a double holds all of them.
const EXACT_MAX: i64 = (1 << 53) - 1;

/// A value that is bound to a placeholder. It is never part of a statement's text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument {
    /// NULL.
    Null,
    /// True or false.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Any other number.
    Real(f64),
    /// Text.
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Argument {
    /// A value for a column or a parameter of that type, as the engine names it.
    ///
    /// # Errors
    /// What the value should be instead.
    pub(super) fn new(value: &Value, type_name: &str) -> Result<Self, String> {
        let kind = type_name.to_ascii_lowercase();
        Ok(match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Boolean(*value),
            Value::Number(number) => Self::from_number(number),
            Value::String(text) if kind == "bytea" || kind.contains("blob") => {
                Self::Blob(STANDARD.decode(text).map_err(|_| "must be bytes as base64 text")?)
            }
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) if kind.ends_with("[]") => Self::Text(array_literal(items)),
            Value::Array(_) | Value::Object(_) => Self::Text(value.to_string()),
        })
    }

    fn from_number(number: &Number) -> Self {
        match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Self::Integer(number),
            // Beyond 64 bits with a sign: as it was written, for columns that hold such numbers.
            (None, _) if number.is_u64() => Self::Text(number.to_string()),
            (None, Some(number)) => Self::Real(number),
            (None, None) => Self::Text(number.to_string()),
        }
    }

    /// As PostgreSQL's text input of the type reads it.
    pub(super) fn into_text(self) -> Option<String> {
        Some(match self {
            Self::Null => return None,
            Self::Boolean(value) => value.to_string(),
            Self::Integer(number) => number.to_string(),
            Self::Real(number) => number.to_string(),
            Self::Text(text) => text,
            Self::Blob(bytes) => {
                let digits: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                format!("\\x{digits}")
            }
        })
    }
}

/// `{…}` as PostgreSQL reads arrays.
fn array_literal(items: &[Value]) -> String {
    let items: Vec<_> = items
        .iter()
        .map(|item| match item {
            Value::Null => "NULL".into(),
            Value::Array(items) => array_literal(items),
            Value::String(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Value::Bool(_) | Value::Number(_) => item.to_string(),
            Value::Object(_) => {
                format!("\"{}\"", item.to_string().replace('\\', "\\\\").replace('"', "\\\""))
            }
        })
        .collect();
    format!("{{{}}}", items.join(","))
}

/// A whole number, as text where a double can't hold it.
pub(super) fn integer(number: i64) -> Value {
    if (-EXACT_MAX..=EXACT_MAX).contains(&number) { number.into() } else { number.to_string().into() }
}

/// A number, as text where JSON has none.
pub(super) fn real(number: f64) -> Value {
    Number::from_f64(number).map_or_else(|| number.to_string().into(), Value::Number)
}

/// Bytes.
pub(super) fn blob(bytes: &[u8]) -> Value {
    STANDARD.encode(bytes).into()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_become_what_their_column_takes() {
        let rows = [
            (json!(null), "int8", Argument::Null),
            (json!(true), "bool", Argument::Boolean(true)),
            (json!(7), "int8", Argument::Integer(7)),
            (json!(18_446_744_073_709_551_615_u64), "numeric", Argument::Text("18446744073709551615".into())),
            (json!(0.1), "numeric", Argument::Real(0.1)),
            (json!("x"), "TEXT", Argument::Text("x".into())),
            (json!("eA=="), "BLOB", Argument::Blob(b"x".to_vec())),
            (json!("eA=="), "bytea", Argument::Blob(b"x".to_vec())),
            (json!([1, null, "a\"b"]), "text[]", Argument::Text(r#"{1,NULL,"a\"b"}"#.into())),
            (json!([1, 2]), "jsonb", Argument::Text("[1,2]".into())),
            (json!({"a": 1}), "", Argument::Text(r#"{"a":1}"#.into())),
        ];
        for (value, type_name, expected) in rows {
            assert_eq!(Argument::new(&value, type_name).unwrap(), expected, "{value} {type_name}");
        }
        Argument::new(&json!("no base64"), "blob").unwrap_err();
    }

    #[test]
    fn numbers_that_a_double_would_bend_are_text() {
        assert_eq!(integer(9_007_199_254_740_991), json!(9_007_199_254_740_991_i64));
        assert_eq!(integer(9_007_199_254_740_992), json!("9007199254740992"));
        assert_eq!(integer(i64::MIN), json!("-9223372036854775808"));
        assert_eq!(real(f64::INFINITY), json!("inf"));
        assert_eq!(real(0.1), json!(0.1));
    }

    #[test]
    fn bytes_are_written_as_postgres_reads_them() {
        assert_eq!(Argument::Blob(vec![0, 255]).into_text().unwrap(), r"\x00ff");
        assert_eq!(Argument::Real(1e21).into_text().unwrap(), "1000000000000000000000");
    }
}
