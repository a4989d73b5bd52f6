//! The resources of the fixture: a text, a picture, one to subscribe to, and a family.

use impresario::{Builder, Json, ResourceContents, resource};
use serde_json::{Value, json};

use crate::RED_PIXEL_PNG;

/// Adds every resource.
pub(crate) fn install(builder: Builder) -> Builder {
    builder.resource(static_text).resource(static_binary).resource(watched_resource).resource(template)
}

/// A text that never changes.
#[resource(uri = "test://static-text", name = "static-text", mime_type = "text/plain", cache(ttl = "5m"))]
fn static_text() -> &'static str {
    "This is the content of the static text resource."
}

/// A picture that never changes.
#[resource(uri = "test://static-binary", name = "static-binary", mime_type = "image/png", cache(ttl = "5m"))]
fn static_binary() -> ResourceContents {
    ResourceContents::blob("test://static-binary", RED_PIXEL_PNG).with_mime_type("image/png")
}

/// A text that clients may subscribe to.
#[resource(uri = "test://watched-resource", name = "watched-resource", mime_type = "text/plain")]
fn watched_resource() -> &'static str {
    "Watched resource content"
}

/// The data of an id.
#[resource(uri = "test://template/{id}/data", mime_type = "application/json")]
fn template(id: &str) -> Json<Value> {
    Json(json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")}))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_data_names_its_id() {
        let expected = json!({"id": "123", "templateTest": true, "data": "Data for ID: 123"});
        assert_eq!(template("123"), Json(expected));
    }
}
