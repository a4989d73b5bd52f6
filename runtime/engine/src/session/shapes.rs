//! The shapes of what a client says of itself, to check it without keeping anything of it.

use std::fmt;

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

/// The shape of [`impresario_protocol::Implementation`].
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "only whether it can be read matters")]
pub(super) struct ImplementationShape<'m> {
    name: &'m str,
    version: &'m str,
    title: Option<&'m str>,
    description: Option<&'m str>,
    website_url: Option<&'m str>,
    #[serde(default)]
    icons: Vec<impresario_protocol::Icon>,
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
                root.deserialize::<ImplementationShape<'_>>().is_ok(),
                root.deserialize::<Implementation>().is_ok(),
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
        check("{}");
        check(r#"{"name":"n"}"#);
        check(r#"{"name":"n","version":"v","icons":[{"src":"x"},{"src":1}]}"#);
        check(r#"{"name":"n","version":"v","icons":[{"src":"x","sizes":["1x1"],"theme":"dark"}]}"#);
    }
}
