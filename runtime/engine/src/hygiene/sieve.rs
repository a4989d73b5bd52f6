//! What happens to the characters of a text that do more than they show.

use std::borrow::Cow;
use std::fmt::Write as _;

use super::characters::{Class, can_be_joined, next_special};
use super::escapes::command_len;
use super::treatment::Treatment;

/// What happens to each class of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sieve {
    pub(super) escapes: Treatment,
    pub(super) control: Treatment,
    pub(super) bidi: Treatment,
    pub(super) invisible: Treatment,
}

impl Sieve {
    /// What nothing happens in.
    pub(super) fn is_open(self) -> bool {
        [self.escapes, self.control, self.bidi, self.invisible].iter().all(|one| *one == Treatment::Keep)
    }

    /// The text as it may go on; the same one when there is nothing to do.
    pub(super) fn sift(self, text: &str) -> Cow<'_, str> {
        let mut sifted: Option<String> = None;
        let mut at = 0;
        while let Some((found, character, class)) = next_special(text, at) {
            let after = found + character.len_utf8();
            if let Some(sifted) = &mut sifted {
                sifted.push_str(&text[at..found]);
            }
            let before = sifted.as_deref().unwrap_or(&text[..found]);
            let treatment = self.treatment(class, before);
            // Whoever is shown a text is not shown how its lines end.
            let ends_line = character == '\r' && text[after..].starts_with('\n');
            if treatment == Treatment::Keep || treatment == Treatment::Escape && ends_line {
                if let Some(sifted) = &mut sifted {
                    sifted.push(character);
                }
                at = after;
                continue;
            }
            let sifted = sifted.get_or_insert_with(|| with_room(text, found));
            if treatment == Treatment::Escape {
                // Writing to a string can't fail.
                write!(sifted, "{}", character.escape_unicode()).unwrap_or_default();
                at = after;
            } else if class == Class::Escape && self.escapes == Treatment::Strip {
                at = found + command_len(&text[found..]);
            } else {
                at = after;
            }
        }
        match sifted {
            Some(mut sifted) => {
                sifted.push_str(&text[at..]);
                Cow::Owned(sifted)
            }
            None => Cow::Borrowed(text),
        }
    }

    /// What happens to a character behind that text.
    fn treatment(self, class: Class, before: &str) -> Treatment {
        match class {
            Class::Plain => Treatment::Keep,
            Class::Escape if self.escapes != Treatment::Keep => self.escapes,
            Class::Escape | Class::Control => self.control,
            Class::Bidi => self.bidi,
            Class::Joiner if can_be_joined(before.chars().next_back()) => Treatment::Keep,
            Class::Joiner | Class::Invisible => self.invisible,
        }
    }
}

/// What stands in front of the first character that does not stay, with room for the rest.
fn with_room(text: &str, found: usize) -> String {
    let mut sifted = String::with_capacity(text.len());
    sifted.push_str(&text[..found]);
    sifted
}
