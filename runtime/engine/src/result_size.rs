//! What a tool's result weighs: the measure of caches and of the limits of results.

use impresario_protocol::content::ResourceBody;
use impresario_protocol::notification::size_of_value;
use impresario_protocol::{Content, ToolResult};

/// About how many bytes a result takes on the wire and in memory.
pub(crate) fn size_of_result(result: &ToolResult) -> usize {
    const BLOCK_OVERHEAD: usize = 64;
    let block = |content: &Content| match content {
        Content::Text { text, .. } => text.len(),
        Content::Image { data, .. } | Content::Audio { data, .. } => data.len(),
        Content::ResourceLink(link) => link.uri.len() + link.description.as_deref().map_or(0, str::len),
        Content::Resource { resource, .. } => match &resource.body {
            ResourceBody::Text { text } => text.len(),
            ResourceBody::Blob { blob } => blob.len(),
        },
    };
    let content: usize = result.content.iter().map(|content| block(content) + BLOCK_OVERHEAD).sum();
    content + result.structured_content.as_ref().map_or(0, size_of_value)
}
