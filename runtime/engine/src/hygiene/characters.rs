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

/// 1 for a byte that is more than plain ASCII. Numbers and no ways out, so that vectors can do it.
fn is_not_plain(byte: u8) -> u8 {
    // One further, DEL and everything above it is negative, and what is below the blank still is below it.
    let is_outside = byte.wrapping_add(1).cast_signed() < b'!'.cast_signed();
    u8::from(is_outside) & u8::from(byte != b'\n') & u8::from(byte != b'\t')
}

/// 1 for a byte with which a character may begin that is not plain.
fn may_begin_special(byte: u8) -> u8 {
    let is_control = is_not_plain(byte) & u8::from(byte < 0x80);
    LEADS.iter().fold(is_control, |any, lead| any | u8::from(byte == *lead))
}

/// How characters begin that are not plain: U+0080 to U+00AD, U+034F, U+061C, U+1…, U+2…, U+3…, U+F…, U+1…., U+E….
const LEADS: [u8; 9] = [0xc2, 0xcd, 0xd8, 0xe1, 0xe2, 0xe3, 0xef, 0xf0, 0xf3];

/// The same, byte by byte.
const MAY_BEGIN_SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = byte != b'\n' as usize && byte != b'\t' as usize;
        byte += 1;
    }
    table[0x7f] = true;
    let mut lead = 0;
    while lead < LEADS.len() {
        table[LEADS[lead] as usize] = true;
        lead += 1;
    }
    table
};

/// Whether a byte that may begin a special character and the one behind it do; most of them do not.
fn begins_special(lead: u8, next: u8) -> bool {
    match lead {
        0xc2 => next < 0xa0 || next == 0xad,
        0xcd => next == 0x8f,
        0xd8 => next == 0x9c,
        0xe1 => matches!(next, 0x85 | 0x9e | 0xa0),
        0xe2 => matches!(next, 0x80 | 0x81),
        0xe3 => next == 0x85,
        0xef => matches!(next, 0xb8 | 0xbb | 0xbe | 0xbf),
        0xf0 => matches!(next, 0x9b | 0x9d),
        0xf3 => next == 0xa0,
        _ => true,
    }
}

/// The first character from that place on that is not plain, and where it stands.
pub(super) fn next_special(text: &str, from: usize) -> Option<(usize, char, Class)> {
    let (blocks, rest) = text.as_bytes().get(from..)?.as_chunks::<BLOCK>();
    let mut at = from;
    for block in blocks {
        if block.iter().fold(0, |any, byte| any | is_not_plain(*byte)) != 0
            && block.iter().fold(0, |any, byte| any | may_begin_special(*byte)) != 0
            && let Some(found) = special_within(text, at, at + BLOCK)
        {
            return Some(found);
        }
        at += BLOCK;
    }
    special_within(text, at, at + rest.len())
}

/// The first of them that begins at `from` or later, and before `end`.
fn special_within(text: &str, from: usize, end: usize) -> Option<(usize, char, Class)> {
    let bytes = text.as_bytes();
    for (at, byte) in (from..end).zip(bytes.get(from..end)?) {
        if !MAY_BEGIN_SPECIAL[usize::from(*byte)]
            || !begins_special(*byte, bytes.get(at + 1).copied().unwrap_or_default())
        {
            continue;
        }
        let character = text[at..].chars().next()?;
        let class = class(character);
        if class != Class::Plain {
            return Some((at, character, class));
        }
    }
    None
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
