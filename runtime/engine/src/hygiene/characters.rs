//! Which characters do more than they show, and where in a text the first of them stands.

/// What a character does besides being shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// Nothing.
    Plain,
    /// It may begin a command to a terminal: ESC, and every control character of C1.
    Escape,
    /// Another control character: C0 without line feed and tab, and DEL.
    Control,
    /// It turns the direction of text around.
    Bidi,
    /// It is not shown at all.
    Invisible,
    /// It is not shown, and joins or varies the visible character in front of it.
    Joiner,
}

/// What that character does.
pub(super) fn class(character: char) -> Class {
    match character {
        '\n' | '\t' | ' '..='~' => Class::Plain,
        '\u{1b}' | '\u{80}'..='\u{9f}' => Class::Escape,
        '\0'..='\u{1f}' | '\u{7f}' => Class::Control,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            Class::Bidi
        }
        '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' => Class::Joiner,
        '\u{ad}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => Class::Invisible,
        _ => Class::Plain,
    }
}

/// Whether a joiner does its work behind that character: one behind each visible character that can be joined or
/// varied. Emoji and several scripts need them; a row of them, or one in plain English, only hides something.
pub(super) fn can_be_joined(previous: Option<char>) -> bool {
    match previous {
        Some('0'..='9' | '#' | '*') => true,
        Some(previous) => !previous.is_ascii() && class(previous) == Class::Plain,
        None => false,
    }
}

/// How many bytes are looked at together.
const BLOCK: usize = 64;

/// Whether a character of more than plain ASCII, or a control character, begins with this byte or has it.
fn is_not_plain(byte: u8) -> bool {
    // What is below the blank wraps around to the top.
    (byte.wrapping_sub(b' ') > b'~' - b' ') & (byte != b'\n') & (byte != b'\t')
}

/// Whether a character that is not plain can begin with this byte.
fn can_begin_special(byte: u8) -> bool {
    let is_control = ((byte < b' ') & (byte != b'\n') & (byte != b'\t')) | (byte == 0x7f);
    // U+0080 to U+00AD, U+034F, U+061C, U+1xxx, U+2xxx, U+3xxx, U+Fxxx, U+1xxxx, U+Exxxx.
    let begins = (byte == 0xc2)
        | (byte == 0xcd)
        | (byte == 0xd8)
        | (byte == 0xe1)
        | (byte == 0xe2)
        | (byte == 0xe3)
        | (byte == 0xef)
        | (byte == 0xf0)
        | (byte == 0xf3);
    is_control | begins
}

/// The first character from that place on that is not plain, and where it stands.
pub(super) fn next_special(text: &str, from: usize) -> Option<(usize, char, Class)> {
    let mut at = from;
    for block in text.as_bytes().get(from..)?.chunks(BLOCK) {
        // Without a way out in between, so that vectors can do it.
        if block.iter().fold(false, |any, byte| any | is_not_plain(*byte))
            && block.iter().fold(false, |any, byte| any | can_begin_special(*byte))
            && let Some(found) = special_within(text, at, at + block.len())
        {
            return Some(found);
        }
        at += block.len();
    }
    None
}

/// The first of them that begins at `from` or later, and before `end`.
fn special_within(text: &str, from: usize, end: usize) -> Option<(usize, char, Class)> {
    let bytes = text.as_bytes();
    (from..end).filter(|at| can_begin_special(bytes[*at])).find_map(|at| {
        let character = text[at..].chars().next()?;
        let class = class(character);
        (class != Class::Plain).then_some((at, character, class))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_special_character_is_found_and_no_other() {
        for character in ('\0'..=char::MAX).filter(|character| class(*character) != Class::Plain) {
            let text = format!("{}{character}", "x".repeat(70));
            assert_eq!(next_special(&text, 3), Some((70, character, class(character))), "{character:?}");
        }
        let plain: String = ('\0'..=char::MAX).filter(|one| class(*one) == Class::Plain).collect();
        assert_eq!(next_special(&plain, 0), None);
    }

    #[test]
    fn what_unicode_calls_ignorable_is_special() {
        let ignorable = regex::Regex::new(r"^\p{Default_Ignorable_Code_Point}$").unwrap();
        for character in '\0'..=char::MAX {
            let is_ignorable = ignorable.is_match(character.encode_utf8(&mut [0; 4]));
            assert!(!is_ignorable || class(character) != Class::Plain, "{character:?}");
        }
        let control = ('\0'..=char::MAX).filter(|character| character.is_control());
        for character in control.filter(|character| !matches!(character, '\n' | '\t')) {
            assert!(matches!(class(character), Class::Control | Class::Escape), "{character:?}");
        }
    }
}
