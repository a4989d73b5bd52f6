//! The `file://` URIs of what stands below the roots.

/// What each begins with.
pub(super) const SCHEME: &str = "file://";

/// The URI of an absolute path, with everything escaped that RFC 3986 does not call unreserved.
pub(super) fn of_path(path: &str) -> String {
    escaped(path, |byte| matches!(byte, b'-' | b'.' | b'_' | b'~' | b'/'))
}

/// Every spelling in which a client is likely to have asked for that path: ours, and that of the URL standard, which
/// leaves more characters as they are. Whoever subscribed to either is told.
pub(super) fn spellings(path: &str) -> Vec<String> {
    let ours = of_path(path);
    let theirs = escaped(path, |byte| byte.is_ascii_punctuation() && !b"\"#%<>?`{}\\^|".contains(&byte));
    if theirs == ours { vec![ours] } else { vec![ours, theirs] }
}

fn escaped(path: &str, stays: impl Fn(u8) -> bool) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut uri = String::from(SCHEME);
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || stays(byte) {
            uri.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from(HEX[usize::from(half)]);
            uri.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_spelt_as_clients_spell_it() {
        let rows: [(&str, &[&str]); 4] = [
            ("/srv/a.txt", &["file:///srv/a.txt"]),
            ("/srv/a b", &["file:///srv/a%20b"]),
            ("/srv/50%#é", &["file:///srv/50%25%23%C3%A9"]),
            ("/srv/a+(b)@c", &["file:///srv/a%2B%28b%29%40c", "file:///srv/a+(b)@c"]),
        ];
        for (path, expected) in rows {
            assert_eq!(spellings(path), expected, "{path}");
        }
    }
}
