//! A path as a client writes it, taken apart into names before anything is looked up.
//!
//! What could be read in two ways is refused rather than guessed: `..`, backslashes, percent-encoded separators, and
//! characters that nobody sees. Nothing here touches the disk.

use super::problem::FileError;

/// A path, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Written<'p> {
    /// From the top of the file system.
    Absolute(Vec<&'p str>),
    /// From a root.
    Relative(Vec<&'p str>),
}

/// Takes a path apart. `.` and doubled slashes say nothing and go.
///
/// # Errors
/// When it could lead elsewhere than it seems to.
pub(super) fn read(path: &str, bytes_max: usize) -> Result<Written<'_>, FileError> {
    if path.len() > bytes_max {
        let text = format!("the path is longer than {bytes_max} bytes (path_bytes_max): pass a shorter one");
        return Err(FileError::invalid(text));
    }
    if path.is_empty() {
        return Err(FileError::invalid("the path is empty: pass \".\" for the root, or a path below it"));
    }
    if path.starts_with("file:") {
        return Err(FileError::invalid("that is a URI: pass the path alone, without file:// and escapes"));
    }
    check_characters(path)?;
    let names: Vec<_> = path.split('/').filter(|name| !matches!(*name, "" | ".")).collect();
    for name in &names {
        check_name(name)?;
    }
    Ok(if path.starts_with('/') { Written::Absolute(names) } else { Written::Relative(names) })
}

/// Whether a path could name a file of that name: listings leave out what nobody could ask for.
pub(super) fn can_be_written(name: &str) -> bool {
    check_characters(name).is_ok() && check_name(name).is_ok()
}

fn check_characters(path: &str) -> Result<(), FileError> {
    match path.chars().find(|character| is_unseen(*character)) {
        Some(character) => Err(FileError::invalid(format!(
            "the path holds U+{:04X}, a character that is not seen: write the path without it",
            u32::from(character)
        ))),
        None => Ok(()),
    }
}

fn check_name(name: &str) -> Result<(), FileError> {
    let problem = match () {
        () if name == ".." => "the path holds \"..\": write it from its root on, without it",
        () if name.contains('\\') => "the path holds a backslash: write / between names",
        () if holds_escape(name) => "the path is percent-encoded: write the characters themselves",
        () => return Ok(()),
    };
    Err(FileError::invalid(problem))
}

/// Whether it holds an escape of a character that would mean something in a path: NUL, `.`, `/` or `\`.
fn holds_escape(name: &str) -> bool {
    let bytes = name.as_bytes();
    let is_one = |escape: &[u8]| {
        matches!(escape[1..], [b'0', b'0'] | [b'2', b'e' | b'E' | b'f' | b'F'] | [b'5', b'c' | b'C'])
    };
    bytes.windows(3).any(|window| window[0] == b'%' && is_one(window))
}

/// Control characters, and what turns the direction of text, joins it, or has no width.
fn is_unseen(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart_into_names() {
        let rows: [(&str, Written<'_>); 7] = [
            ("a/b", Written::Relative(vec!["a", "b"])),
            ("./a//b/.", Written::Relative(vec!["a", "b"])),
            (".", Written::Relative(vec![])),
            ("/", Written::Absolute(vec![])),
            ("/srv/a b/é.txt/", Written::Absolute(vec!["srv", "a b", "é.txt"])),
            ("...", Written::Relative(vec!["..."])),
            ("100%/50%25", Written::Relative(vec!["100%", "50%25"])),
        ];
        for (path, expected) in rows {
            assert_eq!(read(path, 4_096).unwrap(), expected, "{path}");
        }
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        let long = "x".repeat(4_097);
        let rows = [
            ("", "empty"),
            ("..", "\"..\""),
            ("../../etc/passwd", "\"..\""),
            ("a/../../x", "\"..\""),
            ("/srv/../etc", "\"..\""),
            ("%2e%2e/x", "percent-encoded"),
            ("%2E./x", "percent-encoded"),
            ("a%2fb", "percent-encoded"),
            ("a%5Cb", "percent-encoded"),
            ("a%00", "percent-encoded"),
            ("..\\..\\x", "backslash"),
            ("C:\\x", "backslash"),
            ("a\0b", "U+0000"),
            ("a\nb", "U+000A"),
            ("a\u{9b}b", "U+009B"),
            ("a\u{202e}b", "U+202E"),
            ("a\u{200b}b", "U+200B"),
            ("\u{feff}a", "U+FEFF"),
            ("file:///etc/passwd", "URI"),
            (&long, "longer than 4096 bytes"),
        ];
        for (path, expected) in rows {
            let said = read(path, 4_096).unwrap_err().to_string();
            assert!(said.contains(expected), "{path:?}: {said}");
        }
    }
}
