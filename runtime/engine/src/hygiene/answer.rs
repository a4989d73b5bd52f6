//! A tool's answer under an output rule: its texts cleaned where they stand, and what is too long cut.

use std::borrow::Cow;

use impresario_protocol::content::ResourceBody;
use impresario_protocol::{Content, ToolResult};
use serde_json::Value;

use super::sieve::Sieve;

/// Cuts the text of an answer that has more bytes; one that is not text alone becomes an error.
pub(super) fn cap(tool: &str, result: &mut ToolResult, bytes_max: usize, size_of: fn(&ToolResult) -> usize) {
    let is_text = |content: &Content| matches!(content, Content::Text { .. });
    if result.structured_content.is_none() && result.content.iter().all(is_text) {
        cut_texts(result, bytes_max);
    } else if size_of(result) > bytes_max {
        let text = format!("the result of {tool} is larger than {bytes_max} bytes (bytes_max); ask for less");
        *result = ToolResult::error(text);
    }
}

/// Keeps the first bytes of all text together, and says what is not there.
fn cut_texts(result: &mut ToolResult, bytes_max: usize) {
    let whole: usize = result.content.iter().filter_map(Content::as_text).map(str::len).sum();
    if whole <= bytes_max {
        return;
    }
    let (mut shown, mut left) = (0, bytes_max);
    result.content.retain_mut(|content| {
        let Content::Text { text, .. } = content else { return true };
        let whole_text = text.len();
        text.truncate(text.floor_char_boundary(left));
        shown += text.len();
        // Nothing is shown behind a gap.
        left = if text.len() < whole_text { 0 } else { left - whole_text };
        !text.is_empty() || whole_text == 0
    });
    let note = format!("[cut: these are the first {shown} of {whole} bytes (bytes_max); ask for less]");
    result.content.push(Content::text(note));
}

/// Cleans every text of an answer.
pub(super) fn clean(sieve: Sieve, result: &mut ToolResult) {
    // Where the text is the structured content once more, it stays that.
    if let Some(structured) = result.structured_content.as_mut().filter(|value| is_dirty(sieve, value)) {
        let before = structured.to_string();
        clean_value(sieve, structured);
        for content in &mut result.content {
            if let Content::Text { text, .. } = content
                && *text == before
            {
                *text = structured.to_string();
            }
        }
    }
    for content in &mut result.content {
        clean_content(sieve, content);
    }
}

fn clean_content(sieve: Sieve, content: &mut Content) {
    match content {
        Content::Text { text, .. } => clean_string(sieve, text),
        Content::Resource { resource, .. } => {
            if let ResourceBody::Text { text } = &mut resource.body {
                clean_string(sieve, text);
            }
        }
        Content::ResourceLink(link) => {
            clean_string(sieve, &mut link.name);
            let shown = link.title.iter_mut().chain(&mut link.description);
            shown.for_each(|text| clean_string(sieve, text));
        }
        Content::Image { .. } | Content::Audio { .. } => {}
    }
}

fn clean_string(sieve: Sieve, text: &mut String) {
    if let Cow::Owned(cleaned) = sieve.sift(text) {
        *text = cleaned;
    }
}

/// Whether anything of the value does not go out as it is.
fn is_dirty(sieve: Sieve, value: &Value) -> bool {
    let is_dirty_text = |text: &str| matches!(sieve.sift(text), Cow::Owned(_));
    match value {
        Value::String(text) => is_dirty_text(text),
        Value::Array(items) => items.iter().any(|item| is_dirty(sieve, item)),
        Value::Object(members) => {
            members.iter().any(|(name, value)| is_dirty_text(name) || is_dirty(sieve, value))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// Cleans texts and names. Of two names that become one the later stays.
fn clean_value(sieve: Sieve, value: &mut Value) {
    match value {
        Value::String(text) => clean_string(sieve, text),
        Value::Array(items) => items.iter_mut().for_each(|item| clean_value(sieve, item)),
        Value::Object(members) => {
            let cleaned = std::mem::take(members).into_iter().map(|(name, mut value)| {
                clean_value(sieve, &mut value);
                (sieve.sift(&name).into_owned(), value)
            });
            *members = cleaned.collect();
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
