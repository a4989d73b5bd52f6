//! Query parameters and fields of forms, in the ways in which APIs write lists and objects.

use impresario_engine::JsonObject;
use serde_json::Value;

use super::template::{Json, encoded, plain};

/// A parameter with arguments in it.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    /// Encoded.
    pub(super) name: String,
    pub(super) value: Json,
    pub(super) style: Style,
}

/// How a list or an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// `a=1&a=2`; the members of an object as parameters of their own.
    Repeated,
    /// `a=1,2`, with what stands between, encoded; an object as names and values in turn.
    Joined(&'static str),
    /// `a[x]=1&a[y]=2`.
    Deep,
    /// As JSON text.
    Json,
}

impl Parameter {
    /// Adds it to a query, unless its argument was not given.
    pub(super) fn fill(&self, query: &mut String, arguments: &JsonObject) {
        let Some(value) = self.value.fill(arguments) else { return };
        match (self.style, &value) {
            (Style::Repeated | Style::Deep, Value::Array(items)) => {
                items.iter().for_each(|item| push(query, &self.name, item));
            }
            (Style::Repeated, Value::Object(members)) => {
                members.iter().for_each(|(name, value)| push(query, &encoded(name), value));
            }
            (Style::Deep, Value::Object(members)) => {
                for (name, value) in members {
                    push(query, &format!("{}%5B{}%5D", self.name, encoded(name)), value);
                }
            }
            (Style::Joined(between), Value::Array(items)) => {
                let items: Vec<String> = items.iter().filter_map(plain).map(|item| encoded(&item)).collect();
                push_pair(query, &self.name, &items.join(between));
            }
            (Style::Joined(between), Value::Object(members)) => {
                let pair = |(name, value): (&String, &Value)| {
                    Some([encoded(name), encoded(&plain(value)?)].join(between))
                };
                let pairs: Vec<String> = members.iter().filter_map(pair).collect();
                push_pair(query, &self.name, &pairs.join(between));
            }
            (_, value) => push(query, &self.name, value),
        }
    }
}

/// One name and one value; nothing for null.
fn push(query: &mut String, name: &str, value: &Value) {
    if let Some(text) = plain(value) {
        push_pair(query, name, &encoded(&text));
    }
}

/// Adds a name and a value that are encoded already.
pub(super) fn push_pair(query: &mut String, name: &str, value: &str) {
    if !query.is_empty() {
        query.push('&');
    }
    query.push_str(name);
    query.push('=');
    query.push_str(value);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_and_objects_are_written_as_the_style_says() {
        let arguments: JsonObject = serde_json::from_value(json!({
            "list": ["a&b", 2, null], "object": { "x y": "1=", "z": true }, "text": "ü+ ", "null": null,
        }))
        .unwrap();
        let filled = |style, template: &str| {
            let mut query = String::new();
            Parameter { name: "p".into(), value: Json::parse(&json!(template)).unwrap(), style }
                .fill(&mut query, &arguments);
            query
        };
        for (style, template, expected) in [
            (Style::Repeated, "{list}", "p=a%26b&p=2"),
            (Style::Repeated, "{object}", "x%20y=1%3D&z=true"),
            (Style::Repeated, "{text}", "p=%C3%BC%2B%20"),
            (Style::Repeated, "<{text}>", "p=%3C%C3%BC%2B%20%3E"),
            (Style::Repeated, "{null}", ""),
            (Style::Repeated, "{missing}", ""),
            (Style::Repeated, "a{missing}", ""),
            (Style::Joined(","), "{list}", "p=a%26b,2"),
            (Style::Joined("%7C"), "{list}", "p=a%26b%7C2"),
            (Style::Joined(","), "{object}", "p=x%20y,1%3D,z,true"),
            (Style::Deep, "{object}", "p%5Bx%20y%5D=1%3D&p%5Bz%5D=true"),
        ] {
            assert_eq!(filled(style, template), expected, "{style:?} {template}");
        }
    }
}
