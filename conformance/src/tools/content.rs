//! One tool for each kind of content, and one that fails.

use impresario::{Content, ResourceContents, ToolError, tool};

use crate::{RED_PIXEL_PNG, SILENCE_WAV};

/// Returns a simple text.
#[tool]
pub(crate) fn test_simple_text() -> &'static str {
    "This is a simple text response for testing."
}

/// Returns a picture.
#[tool]
pub(crate) fn test_image_content() -> Content {
    Content::image(RED_PIXEL_PNG, "image/png")
}

/// Returns a sound.
#[tool]
pub(crate) fn test_audio_content() -> Content {
    Content::audio(SILENCE_WAV, "audio/wav")
}

/// Returns a resource inside its result.
#[tool]
pub(crate) fn test_embedded_resource() -> Content {
    let text = "This is an embedded resource content.";
    Content::resource(ResourceContents::text("test://embedded-resource", text))
}

/// Returns a text, a picture and a resource.
#[tool]
pub(crate) fn test_multiple_content_types() -> Vec<Content> {
    let resource = ResourceContents::text("test://mixed-content-resource", r#"{"test":"data","value":123}"#);
    vec![
        Content::text("Multiple content types test:"),
        Content::image(RED_PIXEL_PNG, "image/png"),
        Content::resource(resource.with_mime_type("application/json")),
    ]
}

/// Always fails, to show how a failure is told.
#[tool]
pub(crate) fn test_error_handling() -> Result<String, ToolError> {
    Err(ToolError::from("This tool intentionally returns an error for testing"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mixed_content_has_one_of_each_kind() {
        let content = test_multiple_content_types();
        assert!(matches!(
            content[..],
            [Content::Text { .. }, Content::Image { .. }, Content::Resource { .. }]
        ));
    }

    #[test]
    fn a_failure_says_that_it_is_meant() {
        assert!(test_error_handling().unwrap_err().to_string().contains("intentionally"));
    }
}
