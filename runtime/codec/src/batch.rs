//! JSON-RPC batches: one array of messages, cut into the bytes of each.
//!
//! Only the revision 2025-03-26 has them; whether a batch may come here and now is the session's business.

use impresario_protocol::McpError;

use crate::document::Document;

/// How deep a batch may be as a whole; the limit of each message is applied when that message is parsed.
const DEPTH_MAX: usize = 1024;

/// Whether the first byte that is not blank opens an array, as a JSON-RPC batch does.
#[must_use]
pub fn is_batch(bytes: &[u8]) -> bool {
    bytes.iter().find(|byte| !is_blank(**byte)) == Some(&b'[')
}

/// The messages of a batch as slices of `bytes`, each to be parsed on its own.
///
/// # Errors
/// With the kind `Parse` when `bytes` are no JSON text, and `InvalidRequest` when that is no array, an empty
/// one, or one of more than `messages_max`.
pub fn split_batch(bytes: &[u8], messages_max: usize) -> Result<Vec<&[u8]>, McpError> {
    // Parsed as a whole first: one mistake anywhere makes the batch no JSON, and then no message of it may run.
    let document = Document::parse(bytes, DEPTH_MAX)?;
    let root = document.root();
    if !root.is_array() {
        return Err(McpError::invalid_request("a batch must be an array of messages"));
    }
    if root.is_empty() {
        return Err(McpError::invalid_request("a batch must hold at least one message"));
    }
    if root.len() > messages_max {
        return Err(McpError::invalid_request(format!(
            "a batch must hold at most {messages_max} messages (batch_messages_max)"
        )));
    }
    Ok(elements(bytes, root.len()))
}

/// Cuts an array that is known to be well-formed at its own commas.
fn elements(bytes: &[u8], count: usize) -> Vec<&[u8]> {
    let mut elements = Vec::with_capacity(count);
    let mut depth = 0_usize;
    let mut start = 0;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let ends_element = match byte {
            b'"' => {
                at = end_of_string(bytes, at + 1);
                false
            }
            b'[' | b'{' => {
                depth += 1;
                if depth == 1 {
                    start = at + 1;
                }
                false
            }
            b']' | b'}' => {
                depth = depth.saturating_sub(1);
                depth == 0
            }
            b',' => depth == 1,
            _ => false,
        };
        if ends_element {
            elements.push(bytes[start..at].trim_ascii());
            start = at + 1;
        }
        at += 1;
    }
    elements
}

/// Where the quote stands that ends the string whose first character is at `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    while let Some(found) = memchr::memchr2(b'"', b'\\', bytes.get(at..).unwrap_or_default()) {
        at += found;
        if bytes[at] == b'"' {
            return at;
        }
        at += 2;
    }
    bytes.len()
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<&str> {
        split_batch(text.as_bytes(), 3)
            .unwrap()
            .into_iter()
            .map(|part| std::str::from_utf8(part).unwrap())
            .collect()
    }

    #[test]
    fn a_batch_begins_with_an_array() {
        for (text, expected) in [
            ("[", true),
            (" \t\r\n[", true),
            ("{", false),
            ("", false),
            (" ", false),
            ("\u{b}[", false),
            ("x[", false),
        ] {
            assert_eq!(is_batch(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn each_message_is_cut_out_as_it_was_written() {
        assert_eq!(split("[1]"), ["1"]);
        assert_eq!(split(" [ {\"a\" : [1,2]} , [] ,\n\"x\"\t] "), ["{\"a\" : [1,2]}", "[]", "\"x\""]);
        assert_eq!(split(r#"[{"a":"],["},"\"],[\\"]"#), [r#"{"a":"],["}"#, r#""\"],[\\""#]);
        assert_eq!(split(r#"["\\","\\\"",{"\"":{}}]"#), [r#""\\""#, r#""\\\"""#, r#"{"\"":{}}"#]);
    }

    #[test]
    fn what_is_no_batch_is_refused() {
        use impresario_protocol::ErrorKind::{InvalidRequest, Parse};
        for (text, expected) in [
            ("", Parse),
            ("[", Parse),
            ("[1", Parse),
            ("[1,]", Parse),
            ("[,1]", Parse),
            ("[1 2]", Parse),
            ("[1]]", Parse),
            ("[1][2]", Parse),
            ("[{]}", Parse),
            ("[{\"a\":}]", Parse),
            ("[\"]", Parse),
            ("[]", InvalidRequest),
            ("[ ]", InvalidRequest),
            ("{}", InvalidRequest),
            ("1", InvalidRequest),
            ("[1,2,3,4]", InvalidRequest),
        ] {
            assert_eq!(split_batch(text.as_bytes(), 3).unwrap_err().kind, expected, "{text}");
        }
        assert_eq!(split_batch("[".repeat(1_000_000).as_bytes(), 3).unwrap_err().kind, Parse);
    }
}
