//! Percent-encoding: what a URI's `%2F` stands for, and which characters a value needs encoded.
//!
//! URIs are read as bytes, since clients may encode any of them; only what decodes to UTF-8 becomes a value.

/// The byte that a percent-encoding at that place stands for.
pub(super) fn escaped_byte(bytes: &[u8], at: usize) -> Option<u8> {
    let [b'%', high, low] = *bytes.get(at..at + 3)? else { return None };
    let (high, low) = (char::from(high).to_digit(16)?, char::from(low).to_digit(16)?);
    u8::try_from(high << 4 | low).ok()
}

pub(super) fn has_valid_escapes(bytes: &[u8]) -> bool {
    let mut escapes = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    escapes.all(|(at, _)| escaped_byte(bytes, at).is_some())
}

/// The text that the bytes stand for, with the separator of an exploded list turned into a comma.
pub(super) fn decode(bytes: &[u8], separator: Option<u8>) -> Option<String> {
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let (byte, length) = match escaped_byte(bytes, at) {
            Some(escaped) => (escaped, 3),
            None if Some(*byte) == separator => (b',', 1),
            None => (*byte, 1),
        };
        decoded.push(byte);
        at += length;
    }
    String::from_utf8(decoded).ok()
}

pub(super) fn encode_into(uri: &mut String, text: &str, keeps_reserved: bool) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for (at, byte) in text.bytes().enumerate() {
        let is_reserved = b":/?#[]@!$&'()*+,;=".contains(&byte);
        let is_escape = byte == b'%' && escaped_byte(text.as_bytes(), at).is_some();
        if byte.is_ascii_alphanumeric()
            || b"-._~".contains(&byte)
            || (keeps_reserved && (is_reserved || is_escape))
        {
            uri.push(char::from(byte));
        } else {
            uri.push('%');
            uri.push(char::from(HEX[usize::from(byte >> 4)]));
            uri.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}
