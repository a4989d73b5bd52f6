//! Commands to a terminal: how long the one is that begins somewhere (ECMA-48, 5.4 and 5.6).

/// How many bytes of `text` the command takes that it begins with; at least its first character. `text` begins with
/// ESC or a control character of C1.
///
/// A string command (a title, a link) that is never ended takes its two first characters alone: what follows is
/// text that somebody wanted to be read.
pub(super) fn command_len(text: &str) -> usize {
    let mut characters = text.char_indices();
    let introducer = match characters.next() {
        // ESC and a character of its own stand for a C1 control character.
        Some((_, '\u{1b}')) => characters.next(),
        Some((_, character @ '\u{80}'..='\u{9f}')) => {
            let stands_for = char::from_u32(u32::from(character) - 0x40).unwrap_or(character);
            Some((character.len_utf8() - 1, stands_for))
        }
        Some((_, other)) => return other.len_utf8(),
        None => return 0,
    };
    let Some((at, introducer)) = introducer else { return text.len() };
    let begun = at + introducer.len_utf8();
    match introducer {
        '[' => begun + control_sequence_len(&text.as_bytes()[begun..]),
        ']' | 'P' | 'X' | '^' | '_' => begun + control_string_len(&text[begun..]).unwrap_or(0),
        ' '..='/' => at + short_sequence_len(&text.as_bytes()[at..]),
        '0'..='~' => begun,
        // Not a command at all: only what would have begun one goes.
        _ => at,
    }
}

/// Parameters, intermediates, and the one final byte if it is there.
fn control_sequence_len(bytes: &[u8]) -> usize {
    let parameters = bytes.iter().take_while(|byte| (0x30..=0x3f).contains(*byte)).count();
    parameters + short_sequence_len(&bytes[parameters..])
}

/// Intermediates, and the one final byte if it is there.
fn short_sequence_len(bytes: &[u8]) -> usize {
    let intermediates = bytes.iter().take_while(|byte| (0x20..=0x2f).contains(*byte)).count();
    intermediates + usize::from(bytes.get(intermediates).is_some_and(|last| (0x30..=0x7e).contains(last)))
}

/// Up to the end of the string, with it. Another command or a new line ends no string, but takes it back.
fn control_string_len(text: &str) -> Option<usize> {
    let (at, end) = text
        .char_indices()
        .find(|(_, character)| matches!(character, '\u{7}' | '\u{1b}' | '\n' | '\u{80}'..='\u{9f}'))?;
    match end {
        '\u{7}' | '\u{9c}' => Some(at + end.len_utf8()),
        '\u{1b}' if text[at + 1..].starts_with('\\') => Some(at + 2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_as_long_as_terminals_take_it() {
        let rows = [
            ("\u{1b}[31mred", "\u{1b}[31m"),
            ("\u{1b}[1;38;5;9mx", "\u{1b}[1;38;5;9m"),
            ("\u{1b}[?25lx", "\u{1b}[?25l"),
            ("\u{1b}[2 qx", "\u{1b}[2 q"),
            ("\u{9b}31mx", "\u{9b}31m"),
            ("\u{1b}]0;title\u{7}x", "\u{1b}]0;title\u{7}"),
            ("\u{1b}]8;;http://a\u{1b}\\link", "\u{1b}]8;;http://a\u{1b}\\"),
            ("\u{9d}0;title\u{9c}x", "\u{9d}0;title\u{9c}"),
            ("\u{1b}]0;never ended", "\u{1b}]"),
            ("\u{1b}]0;taken back\u{1b}[m", "\u{1b}]"),
            ("\u{1b}]0;line\nx\u{7}", "\u{1b}]"),
            ("\u{1b}Pq#0\u{1b}\\x", "\u{1b}Pq#0\u{1b}\\"),
            ("\u{1b}(Bx", "\u{1b}(B"),
            ("\u{1b}( ", "\u{1b}( "),
            ("\u{1b}cx", "\u{1b}c"),
            ("\u{1b}\u{1b}[m", "\u{1b}"),
            ("\u{1b}é", "\u{1b}"),
            ("\u{1b}\n", "\u{1b}"),
            ("\u{1b}[3\nx", "\u{1b}[3"),
            ("\u{1b}", "\u{1b}"),
            ("\u{85}x", "\u{85}"),
            ("\u{9c}x", "\u{9c}"),
        ];
        for (text, command) in rows {
            assert_eq!(&text[..command_len(text)], command, "{text:?}");
        }
    }
}
