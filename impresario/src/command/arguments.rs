//! A tool's arguments as a person writes them, `name=value`, turned into JSON by the tool's schema.

use std::path::Path;

use rmcp::model::JsonObject;
use serde_json::{Number, Value};

use super::schema::{self, Kind, Parameter};

/// Why arguments can't be sent.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArgumentError {
    #[error("`{0}` is no argument; write name=value, or name:=JSON")]
    NoValue(String),
    #[error("argument `{0}` is given twice")]
    Twice(String),
    #[error("argument `{name}` must be {expected}, not `{value}`")]
    WrongKind { name: String, expected: String, value: String },
    #[error("argument `{name}` is no JSON: {error}")]
    NoJson { name: String, error: serde_json::Error },
    #[error("can't read `{path}` for argument `{name}`: {error}")]
    NoFile { name: String, path: String, error: std::io::Error },
    #[error("--args must be a JSON object, such as '{{\"a\": 1}}'{}", .0.as_ref().map(|error| format!(": {error}")).unwrap_or_default())]
    NoObject(Option<serde_json::Error>),
}

/// Reads all arguments: those of `--args` first, then each word, which may replace one of those.
pub(crate) fn read(
    words: &[String],
    all: Option<&str>,
    schema: &JsonObject,
) -> Result<JsonObject, ArgumentError> {
    let parameters = schema::parameters(schema);
    let mut named = JsonObject::new();
    for word in words {
        let (name, value) = argument(word, &parameters)?;
        if named.contains_key(&name) {
            return Err(ArgumentError::Twice(name));
        }
        named.insert(name, value);
    }
    let mut arguments = all.map_or_else(|| Ok(JsonObject::new()), object)?;
    arguments.extend(named);
    Ok(arguments)
}

fn object(text: &str) -> Result<JsonObject, ArgumentError> {
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(ArgumentError::NoObject(None)),
        Err(error) => Err(ArgumentError::NoObject(Some(error))),
    }
}

/// Reads one word: `name=value`, `name:=JSON`, and `@path` for what is in a file in place of either.
fn argument(word: &str, parameters: &[Parameter<'_>]) -> Result<(String, Value), ArgumentError> {
    let parts = word.split_once('=').filter(|(name, _)| !name.trim_end_matches(':').is_empty());
    let (name, text) = parts.ok_or_else(|| ArgumentError::NoValue(word.to_owned()))?;
    let (name, is_json) = name.strip_suffix(':').map_or((name, false), |name| (name, true));
    let text = match text.strip_prefix('@') {
        Some(path) => file(name, path)?,
        None => text.to_owned(),
    };
    let value = if is_json {
        serde_json::from_str(&text).map_err(|error| ArgumentError::NoJson { name: name.to_owned(), error })?
    } else {
        match parameters.iter().find(|parameter| parameter.name == name) {
            Some(parameter) => by_schema(parameter, text)?,
            None => Value::String(text),
        }
    };
    Ok((name.to_owned(), value))
}

fn file(name: &str, path: &str) -> Result<String, ArgumentError> {
    let text = std::fs::read_to_string(Path::new(path));
    text.map_err(|error| ArgumentError::NoFile { name: name.to_owned(), path: path.to_owned(), error })
}

/// The value that the schema takes: JSON of a kind that it names, else text if it takes text.
fn by_schema(parameter: &Parameter<'_>, text: String) -> Result<Value, ArgumentError> {
    let kinds = parameter.kinds();
    let read = serde_json::from_str(&text).ok().or_else(|| short_number(&text));
    let takes_text = kinds.is_empty() || kinds.contains(&Kind::String);
    match read {
        Some(value)
            if kinds.is_empty() || kinds.iter().any(|kind| *kind != Kind::String && kind.has(&value)) =>
        {
            Ok(value)
        }
        _ if takes_text => Ok(Value::String(text)),
        _ => Err(wrong_kind(parameter, &kinds, text)),
    }
}

/// A number that people write and JSON does not have: `.5`, `+1`.
fn short_number(text: &str) -> Option<Value> {
    let number: f64 = text.strip_prefix('+').unwrap_or(text).parse().ok()?;
    Number::from_f64(number).map(Value::Number)
}

fn wrong_kind(parameter: &Parameter<'_>, kinds: &[Kind], value: String) -> ArgumentError {
    let words: Vec<_> = kinds.iter().map(|kind| expected(*kind)).collect();
    ArgumentError::WrongKind { name: parameter.name.to_owned(), expected: words.join(" or "), value }
}

fn expected(kind: Kind) -> &'static str {
    match kind {
        Kind::Null => "null",
        Kind::Boolean => "true or false",
        Kind::Integer => "a whole number",
        Kind::Number => "a number",
        Kind::String => "text",
        Kind::Array => "a JSON array",
        Kind::Object => "a JSON object",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read_words(words: &[&str], all: Option<&str>) -> Result<Value, String> {
        let schema = json!({
            "properties": {
                "n": { "type": "number" },
                "i": { "type": "integer" },
                "s": { "type": "string" },
                "b": { "type": "boolean" },
                "list": { "type": "array" },
                "object": { "type": "object" },
                "maybe": { "type": ["string", "null"] },
                "either": { "type": ["string", "integer"] },
                "maybe_number": { "anyOf": [{ "type": "number" }, { "type": "null" }] },
                "any": {},
            },
        });
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        let read = read(&words, all, schema.as_object().unwrap());
        read.map(Value::Object).map_err(|error| error.to_string())
    }

    #[test]
    fn a_value_is_read_by_the_schema_of_its_parameter() {
        let rows = [
            ("n=1.5", json!({ "n": 1.5 })),
            ("n=-2", json!({ "n": -2 })),
            ("n=.5", json!({ "n": 0.5 })),
            ("n=+3", json!({ "n": 3.0 })),
            ("i=18446744073709551615", json!({ "i": 18_446_744_073_709_551_615_u64 })),
            ("s=1", json!({ "s": "1" })),
            ("s=a=b", json!({ "s": "a=b" })),
            ("s=", json!({ "s": "" })),
            ("s=\"quoted\"", json!({ "s": "\"quoted\"" })),
            ("b=true", json!({ "b": true })),
            ("list=[1,2]", json!({ "list": [1, 2] })),
            ("object={\"x\":1}", json!({ "object": { "x": 1 } })),
            ("maybe=null", json!({ "maybe": null })),
            ("maybe=text", json!({ "maybe": "text" })),
            ("either=5", json!({ "either": 5 })),
            ("either=5.5", json!({ "either": "5.5" })),
            ("maybe_number=null", json!({ "maybe_number": null })),
            ("any=[1]", json!({ "any": [1] })),
            ("any=text", json!({ "any": "text" })),
            ("unknown=1", json!({ "unknown": "1" })),
            ("unknown:=1", json!({ "unknown": 1 })),
            ("s:=5", json!({ "s": 5 })),
        ];
        for (word, expected) in rows {
            assert_eq!(read_words(&[word], None).unwrap(), expected, "{word}");
        }
    }

    #[test]
    fn a_value_that_does_not_fit_says_what_would() {
        let rows = [
            ("n=two", "argument `n` must be a number, not `two`"),
            ("i=1.5", "argument `i` must be a whole number, not `1.5`"),
            ("b=yes", "argument `b` must be true or false, not `yes`"),
            ("list=1,2", "argument `list` must be a JSON array, not `1,2`"),
            ("maybe_number=x", "argument `maybe_number` must be a number or null, not `x`"),
            ("plain", "`plain` is no argument; write name=value, or name:=JSON"),
            ("=1", "`=1` is no argument; write name=value, or name:=JSON"),
            (":=1", "`:=1` is no argument; write name=value, or name:=JSON"),
            ("s:=x", "argument `s` is no JSON: expected value at line 1 column 1"),
        ];
        for (word, message) in rows {
            assert_eq!(read_words(&[word], None).unwrap_err(), message, "{word}");
        }
        assert_eq!(read_words(&["n=1", "n=2"], None).unwrap_err(), "argument `n` is given twice");
    }

    #[test]
    fn a_value_may_stand_in_a_file() {
        let path = std::env::temp_dir().join(format!("impresario-argument-{}", std::process::id()));
        std::fs::write(&path, "[1, 2]").unwrap();
        let at = path.display();
        assert_eq!(read_words(&[&format!("list=@{at}")], None).unwrap(), json!({ "list": [1, 2] }));
        assert_eq!(read_words(&[&format!("s=@{at}")], None).unwrap(), json!({ "s": "[1, 2]" }));
        assert_eq!(read_words(&[&format!("s:=@{at}")], None).unwrap(), json!({ "s": [1, 2] }));
        std::fs::remove_file(&path).unwrap();
        let error = read_words(&[&format!("s=@{at}")], None).unwrap_err();
        assert!(error.starts_with(&format!("can't read `{at}` for argument `s`: ")), "{error}");
    }

    #[test]
    fn words_replace_what_the_whole_object_says() {
        let read = read_words(&["n=2"], Some(r#"{"n": 1, "s": "x"}"#));
        assert_eq!(read.unwrap(), json!({ "n": 2, "s": "x" }));
        for text in ["[1]", "{", ""] {
            let error = read_words(&[], Some(text)).unwrap_err();
            assert!(error.starts_with("--args must be a JSON object"), "{error}");
        }
    }
}
