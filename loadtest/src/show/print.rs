//! Standard output and standard error: the result goes to the one, everything else to the other.
//!
//! Colour is for terminals, and never against `NO_COLOR`: whatever is written may carry styles, and they are taken
//! out where they don't belong.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// What stands over a group.
pub(crate) const HEADING: Style = Style::new().bold();
/// What is there for completeness.
pub(crate) const FAINT: Style = Style::new().dimmed();
/// What is well.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default();
/// What is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();
/// What a reader should know before believing a figure.
pub(crate) const CAUTION: Style = AnsiColor::Yellow.on_default().bold();
/// The name of a thing.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();

/// How many columns a line has where no terminal says so.
const COLUMNS_DEFAULT: usize = 100;

/// Writes a result for people to standard output.
///
/// # Errors
/// If standard output cannot be written.
pub fn result(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes a result for programs to standard output: one JSON document, and a line break.
///
/// # Errors
/// If standard output cannot be written.
pub fn json(value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    out.flush()
}

/// Writes lines for people to standard error. If nobody can read it, nobody can be told that either.
pub fn tell(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Says on standard error what a reader should know before believing a figure.
pub fn caution(message: &str) {
    tell(&format!("{CAUTION}warning:{CAUTION:#} {}\n", harmless(message)));
}

/// Says on standard error what was done.
pub fn note(message: &str) {
    tell(&format!("{FAINT}{}{FAINT:#}\n", harmless(message)));
}

/// The text without control characters, so that no server can move somebody's cursor or rename their window.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(steers) { text.replace(steers, "\u{fffd}").into() } else { text.into() }
}

/// The text in one line and without control characters.
pub(crate) fn one_line(text: &str) -> String {
    harmless(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// How many columns a line of standard output should have.
#[must_use]
pub fn width() -> usize {
    const MIN: usize = 60;
    const MAX: usize = 120;
    if !io::stdout().is_terminal() {
        return COLUMNS_DEFAULT;
    }
    terminal_size::terminal_size().map_or(COLUMNS_DEFAULT, |(width, _)| usize::from(width.0)).clamp(MIN, MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_taken_out() {
        assert_eq!(harmless("a\tb\nc ä"), "a\tb\nc ä");
        assert_eq!(one_line("\u{1b}[2Jx\n  y\r"), "\u{fffd}[2Jx y\u{fffd}");
    }
}
