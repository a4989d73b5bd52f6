//! What a token says: its claims, read strictly. A claim of the wrong type is no claim, and a name that stands twice
//! means nothing, because the next reader may take the other value.

use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// The claims of a token that was not verified by being read.
pub(crate) struct Claims(Map<String, Value>);

/// A claim that is there, but is not what it must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WrongType;

impl Claims {
    /// The text of that name, if it is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).and_then(Value::as_str)
    }

    /// A time in whole seconds. `null`, text, fractions and negative numbers are none (CVE-2026-25537).
    pub(crate) fn seconds(&self, name: &str) -> Result<Option<u64>, WrongType> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Number(number)) => number.as_u64().map(Some).ok_or(WrongType),
            Some(_) => Err(WrongType),
        }
    }

    /// One text, or a list of nothing but texts.
    pub(crate) fn texts(&self, name: &str) -> Result<Vec<&str>, WrongType> {
        match self.0.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(values)) => {
                values.iter().map(Value::as_str).collect::<Option<_>>().ok_or(WrongType)
            }
            Some(_) => Err(WrongType),
        }
    }

    /// The scopes: `scope`, parted by spaces, or else the list `scp`, which some issuers write as one text too.
    pub(crate) fn scopes(&self) -> Vec<&str> {
        let parted = |text| str::split(text, ' ').filter(|scope| !scope.is_empty());
        if let Some(text) = self.text("scope") {
            return parted(text).collect();
        }
        ["scope", "scp"]
            .iter()
            .flat_map(|name| self.texts(name).unwrap_or_default())
            .flat_map(parted)
            .collect()
    }

    /// Whether a claim has that value: as text, or as the number or boolean that is written so.
    pub(crate) fn is(&self, name: &str, wanted: &str) -> bool {
        match self.0.get(name) {
            Some(Value::String(text)) => text == wanted,
            Some(value @ (Value::Number(_) | Value::Bool(_))) => {
                let written = value.to_string();
                written == wanted
            }
            _ => false,
        }
    }
}

impl<'de> Deserialize<'de> for Claims {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Claims;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Claims, A::Error> {
                let mut claims = Map::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if claims.insert(name, value).is_some() {
                        return Err(A::Error::custom("a claim stands twice"));
                    }
                }
                Ok(Claims(claims))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claims(text: &str) -> Claims {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_time_is_a_whole_number_of_seconds_and_nothing_else() {
        assert_eq!(claims(r#"{"exp":1700000000}"#).seconds("exp"), Ok(Some(1_700_000_000)));
        assert_eq!(claims("{}").seconds("exp"), Ok(None));
        for wrong in [r#""1700000000""#, "1.7e9", "1700000000.0", "null", "[1]", "{}", "true", "-1", "1e400"]
        {
            let text = format!(r#"{{"exp":{wrong}}}"#);
            let read = serde_json::from_str::<Claims>(&text);
            assert!(read.map_or(true, |claims| claims.seconds("exp").is_err()), "{wrong}");
        }
    }

    #[test]
    fn scopes_come_as_text_or_as_list() {
        for text in [
            r#"{"scope":"a b"}"#,
            r#"{"scope":" a  b "}"#,
            r#"{"scope":["a","b"]}"#,
            r#"{"scp":["a","b"]}"#,
            r#"{"scp":"a b"}"#,
            r#"{"scope":"a b","scp":["c"]}"#,
        ] {
            assert_eq!(claims(text).scopes(), ["a", "b"], "{text}");
        }
        for text in ["{}", r#"{"scope":7}"#, r#"{"scp":["a",7]}"#, r#"{"scope":null}"#] {
            assert!(claims(text).scopes().is_empty(), "{text}");
        }
    }

    #[test]
    fn a_claim_that_stands_twice_is_refused() {
        assert!(serde_json::from_str::<Claims>(r#"{"sub":"a","sub":"b"}"#).is_err());
        assert!(serde_json::from_str::<Claims>("[]").is_err());
    }

    #[test]
    fn a_required_value_is_compared_as_it_is_written() {
        let claims = claims(r#"{"env":"prod","n":7,"b":true,"o":{}}"#);
        assert!(claims.is("env", "prod") && claims.is("n", "7") && claims.is("b", "true"));
        assert!(!claims.is("env", "Prod") && !claims.is("o", "{}") && !claims.is("none", ""));
    }
}
