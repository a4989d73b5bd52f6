//! Values to JSON text, appended to a buffer of the caller.

use memchr::memchr2;
use serde::Serialize;
use simd_json::{Node as TapeNode, StaticNode};

use crate::node::Node;

/// How many bytes are looked at one by one before blocks are: short strings end there, and so does a string that
/// is mostly escapes.
const NEAR: usize = 32;
/// How many bytes are looked at in one block, with vector instructions.
const BLOCK: usize = 256;

/// Whether a byte must be escaped.
const ESCAPED: [bool; 256] = {
    let mut escaped = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        escaped[byte] = true;
        byte += 1;
    }
    escaped[b'"' as usize] = true;
    escaped[b'\\' as usize] = true;
    escaped
};

/// Appends `text` as a JSON string, with its quotes.
pub fn write_str(out: &mut Vec<u8>, text: &str) {
    out.reserve(text.len() + 2);
    out.push(b'"');
    let mut rest = text.as_bytes();
    loop {
        let (clean, after) = rest.split_at(clean_prefix(rest));
        out.extend_from_slice(clean);
        let Some((byte, after)) = after.split_first() else { break };
        write_escape(out, *byte);
        rest = after;
    }
    out.push(b'"');
}

/// Whether a text stands in JSON as it is: nothing in it must be escaped.
#[must_use]
pub fn is_plain(text: &str) -> bool {
    clean_prefix(text.as_bytes()) == text.len()
}

/// How many of the first bytes can be copied as they are.
fn clean_prefix(bytes: &[u8]) -> usize {
    let (near, far) = bytes.split_at(bytes.len().min(NEAR));
    if let Some(found) = first_escaped(near) {
        return found;
    }
    let mut clean = near.len();
    for block in far.chunks(BLOCK) {
        let upto = memchr2(b'"', b'\\', block).unwrap_or(block.len());
        // The smallest of them, without a way out in between: that is what vectors can do.
        let has_control = block[..upto].iter().fold(u8::MAX, |least, byte| least.min(*byte)) < 0x20;
        if has_control {
            return clean + first_escaped(block).unwrap_or(upto);
        }
        clean += upto;
        if upto < block.len() {
            return clean;
        }
    }
    clean
}

fn first_escaped(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| ESCAPED[usize::from(*byte)])
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Appends `value` as JSON.
///
/// # Errors
/// When the value can't be JSON, such as a map whose keys are no strings. What was written of it is removed.
pub fn write_serialized<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    value: &T,
) -> Result<(), serde_json::Error> {
    let start = out.len();
    let written = serde_json::to_writer(&mut *out, value);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

impl Node<'_> {
    /// Appends the value as JSON, without blanks. Strings are escaped anew, numbers keep their value.
    pub fn write_json(self, out: &mut Vec<u8>) {
        match self.head() {
            TapeNode::String(text) => write_str(out, text),
            TapeNode::Static(scalar) => write_scalar(out, scalar),
            TapeNode::Array { .. } => {
                out.push(b'[');
                for (at, element) in self.elements().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    element.write_json(out);
                }
                out.push(b']');
            }
            TapeNode::Object { .. } => {
                out.push(b'{');
                for (at, (name, value)) in self.members().enumerate() {
                    if at > 0 {
                        out.push(b',');
                    }
                    write_str(out, name);
                    out.push(b':');
                    value.write_json(out);
                }
                out.push(b'}');
            }
        }
    }
}

fn write_scalar(out: &mut Vec<u8>, scalar: StaticNode) {
    const INFALLIBLE: &str = "a number can be written to memory";
    match scalar {
        StaticNode::Null => out.extend_from_slice(b"null"),
        StaticNode::Bool(true) => out.extend_from_slice(b"true"),
        StaticNode::Bool(false) => out.extend_from_slice(b"false"),
        // The parser keeps what has no sign as unsigned, so this zero was written with one.
        StaticNode::I64(0) => out.extend_from_slice(b"-0"),
        StaticNode::I64(number) => write_serialized(out, &number).expect(INFALLIBLE),
        StaticNode::U64(number) => write_serialized(out, &number).expect(INFALLIBLE),
        StaticNode::F64(number) => write_serialized(out, &number).expect(INFALLIBLE),
    }
}

#[cfg(test)]
mod tests {
    use crate::document::Document;

    use super::*;

    #[test]
    fn a_value_is_written_without_blanks_and_keeps_its_numbers() {
        let check = |text: &str, expected: &str| {
            let document = Document::parse(text.as_bytes(), 64).unwrap();
            let mut out = Vec::new();
            document.root().write_json(&mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        };
        check(
            r#" { "a" : [ 1 , -2, true, false, null ] , "b" : {} , "a" : "x" } "#,
            r#"{"a":[1,-2,true,false,null],"b":{},"a":"x"}"#,
        );
        check("-0", "-0");
        check(
            "[0,18446744073709551615,-9223372036854775808]",
            "[0,18446744073709551615,-9223372036854775808]",
        );
        check("[1.0,1e2,-0.0,0.1]", "[1.0,100.0,-0.0,0.1]");
        check(r#""\u0041\/\u00e9\u0000\u001f\"\\\b\f\n\r\t""#, r#""A/é\u0000\u001f\"\\\b\f\n\r\t""#);
        check("[]", "[]");
        check("[[],{}]", "[[],{}]");
    }

    #[test]
    fn an_escape_is_found_at_any_place() {
        for length in (0..80).chain(250..330).chain(540..550) {
            for at in (0..length).chain([length]) {
                let mut text = "x".repeat(length);
                text.insert(at, '"');
                let mut out = Vec::new();
                write_str(&mut out, &text);
                assert_eq!(String::from_utf8(out).unwrap(), serde_json::to_string(&text).unwrap());
                assert!(!is_plain(&text) && is_plain(&text[..at]));
            }
        }
    }

    #[test]
    fn what_can_not_be_written_leaves_no_half() {
        let mut out = b"{}".to_vec();
        let keys_are_no_strings = std::collections::BTreeMap::from([(vec![1], 2)]);
        assert!(write_serialized(&mut out, &keys_are_no_strings).is_err());
        assert_eq!(out, b"{}");
        write_serialized(&mut out, "a").unwrap();
        assert_eq!(out, b"{}\"a\"");
    }
}
