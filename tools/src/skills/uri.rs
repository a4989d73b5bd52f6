//! The URIs of skills, their files and their folders.

/// What each begins with.
pub(super) const SCHEME: &str = "skill://";

/// The URI of what stands at that path below the root, given as its names.
pub(super) fn uri_of(names: &[String]) -> String {
    let mut uri = String::from(SCHEME);
    for (place, name) in names.iter().enumerate() {
        if place > 0 {
            uri.push('/');
        }
        escape(name, &mut uri);
    }
    uri
}

/// Everything but RFC 3986's unreserved characters is escaped, so that every path has one URI and no other.
fn escape(name: &str, out: &mut String) {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    for byte in name.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => out.push(char::from(byte)),
            _ => out.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_has_one_uri() {
        let rows: [(&[&str], &str); 4] = [
            (&["refunds", "SKILL.md"], "skill://refunds/SKILL.md"),
            (&["team", "refunds", "a b.md"], "skill://team/refunds/a%20b.md"),
            (&["x", "50%?#é"], "skill://x/50%25%3F%23%C3%A9"),
            (&["x", "a\u{202e}b"], "skill://x/a%E2%80%AEb"),
        ];
        for (names, expected) in rows {
            let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
            assert_eq!(uri_of(&names), expected);
        }
    }
}
