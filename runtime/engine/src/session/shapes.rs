//! The shapes of what a client says of itself, to check it without keeping anything of it.

use std::fmt;

use impresario_codec::Node;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The shape of [`impresario_protocol::ClientCapabilities`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only whether it can be read matters")]
pub(super) struct CapabilitiesShape {
    roots: Option<AnyObject>,
    sampling: Option<AnyObject>,
    elicitation: Option<AnyObject>,
    tasks: Option<AnyObject>,
    extensions: Option<AnyObject>,
    experimental: Option<AnyObject>,
}

/// Whether a value has the shape of an [`impresario_protocol::Implementation`]. It goes with every request, so it
/// is looked at without a visitor.
pub(super) fn is_implementation(value: Node<'_>) -> bool {
    const REQUIRED: u8 = 0b11;
    let mut seen = 0_u8;
    let is_sound = |(member, value): (&str, Node<'_>)| {
        let is_text = value.as_str().is_some();
        let (bit, is_sound) = match member {
            "name" => (1, is_text),
            "version" => (1 << 1, is_text),
            "title" => (1 << 2, is_text || value.is_null()),
            "description" => (1 << 3, is_text || value.is_null()),
            "websiteUrl" => (1 << 4, is_text || value.is_null()),
            "icons" => (1 << 5, value.deserialize::<Vec<impresario_protocol::Icon>>().is_ok()),
            _ => (0, true),
        };
        let is_first = seen & bit == 0;
        seen |= bit;
        is_sound && is_first
    };
    value.is_object() && value.members().all(is_sound) && seen & REQUIRED == REQUIRED
}

/// An object, whatever is in it.
#[derive(Debug)]
pub(super) struct AnyObject;

impl<'de> Deserialize<'de> for AnyObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = AnyObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<AnyObject, A::Error> {
                while members.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(AnyObject)
            }
        }

        deserializer.deserialize_map(Members)
    }
}

#[cfg(test)]
mod tests {
    use impresario_codec::Document;
    use impresario_protocol::{ClientCapabilities, Implementation};

    use super::*;

    /// What the shape takes the type takes, and the other way round.
    #[test]
    fn a_shape_takes_exactly_what_its_type_takes() {
        let check = |json: &str| {
            let document = Document::parse(json.as_bytes(), 16).unwrap();
            let root = document.root();
            assert_eq!(
                root.deserialize::<CapabilitiesShape>().is_ok(),
                root.deserialize::<ClientCapabilities>().is_ok(),
                "as capabilities: {json}"
            );
            assert_eq!(
                is_implementation(root),
                root.is_object() && root.deserialize::<Implementation>().is_ok(),
                "as implementation: {json}"
            );
        };
        let values =
            ["null", "{}", r#"{"a":[1,{"b":null}]}"#, "[]", "[{}]", "true", "1", r#""text""#, r#""\u0041""#];
        let members = [
            "roots",
            "sampling",
            "elicitation",
            "tasks",
            "extensions",
            "experimental",
            "unknown",
            "title",
            "description",
            "websiteUrl",
            "icons",
            "name",
            "version",
        ];
        for member in members {
            for value in values {
                check(&format!(r#"{{"{member}":{value}}}"#));
                check(&format!(r#"{{"name":"n","version":"v","{member}":{value}}}"#));
            }
        }
        for member in members {
            check(&format!(r#"{{"name":"n","version":"v","{member}":"a","{member}":"a"}}"#));
        }
        check("{}");
        check(r#"{"name":"n"}"#);
        check(r#"{"name":"n","version":"v","icons":[{"src":"x"},{"src":1}]}"#);
        check(r#"{"name":"n","version":"v","icons":[{"src":"x","sizes":["1x1"],"theme":"dark"}]}"#);
    }
}
