//! What was put into a configuration from outside, and must not come out of it again.

use std::fmt;

use impresario_tools::setting::Secret;

/// Values of variables and files, with what stands for each. Shows nothing of itself.
#[derive(Clone, Default)]
pub(crate) struct Veil(Vec<(Secret, String)>);

/// Shorter values are no secrets, and would be found in innocent words.
const CHARS_MIN: usize = 4;

impl Veil {
    /// Remembers a value and how it is written.
    pub(crate) fn add(&mut self, value: &str, written: &str) {
        if value.chars().count() >= CHARS_MIN && value != written {
            self.0.push((Secret::new(value), written.to_owned()));
            // The longest first: one value may be a part of another.
            self.0.sort_by_key(|(value, _)| std::cmp::Reverse(value.reveal().len()));
        }
    }

    /// The text with every value as it is written.
    pub(crate) fn over(&self, text: &str) -> String {
        let hide = |text: String, (value, written): &(Secret, String)| {
            if text.contains(value.reveal()) { text.replace(value.reveal(), written) } else { text }
        };
        self.0.iter().fold(text.to_owned(), hide)
    }
}

impl fmt::Debug for Veil {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Veil").field(&self.0.len()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_shown_as_it_is_written() {
        let mut veil = Veil::default();
        veil.add("hunter2", "${A}");
        veil.add("hunter2-and-more", "${B}");
        veil.add("abc", "${SHORT}");
        assert_eq!(veil.over("x hunter2-and-more y hunter2 abc"), "x ${B} y ${A} abc");
        assert!(!format!("{veil:?}").contains("hunter"));
    }
}
