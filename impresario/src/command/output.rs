//! The only place that writes to standard output and standard error.
//!
//! Colour is for terminals, and never against `NO_COLOR`: whatever is written may carry styles, and they are
//! taken out where they don't belong.

use std::borrow::Cow;
use std::io::{self, IsTerminal, Write};

use anstyle::{AnsiColor, Style};
use serde::Serialize;

/// What stands over a group.
pub(crate) const HEADING: Style = Style::new().bold().underline();
/// The name of a thing.
pub(crate) const NAME: Style = AnsiColor::Cyan.on_default();
/// What is there for completeness.
pub(crate) const FAINT: Style = Style::new().dimmed();
const ERROR: Style = AnsiColor::Red.on_default().bold();

/// Writes a result for people to standard output.
pub(crate) fn print(text: &str) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Writes text that a server sent to standard output: to a terminal without what could steer it, to a file or
/// a pipe as it is. The last line gets an end if it has none.
pub(crate) fn print_text(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let shown = if out.is_terminal() { harmless(text) } else { text.into() };
    out.write_all(shown.as_bytes())?;
    if !shown.is_empty() && !shown.ends_with('\n') {
        out.write_all(b"\n")?;
    }
    out.flush()
}

/// Writes a result for programs to standard output: one JSON document, and a line break.
pub(crate) fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(value)?;
    text.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&text)?;
    out.flush()
}

/// Writes lines for people to standard error. If nobody can read it, nobody can be told that either.
pub(crate) fn tell(text: &str) {
    let _ = anstream::stderr().lock().write_all(text.as_bytes());
}

/// Says what went wrong.
pub(crate) fn tell_error(message: &str) {
    tell(&format!("{ERROR}error:{ERROR:#} {}\n", harmless(message.trim_end())));
}

/// Repeats a line that a server wrote to its standard error.
pub(crate) fn tell_of_server(line: &str) {
    tell(&format!("{FAINT}server:{FAINT:#} {}\n", harmless(line.trim_end())));
}

/// The text without control characters, so that no server can move somebody's cursor or rename their window.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\t');
    if text.contains(steers) { text.replace(steers, "\u{fffd}").into() } else { text.into() }
}

/// How many columns a line of standard output may have; a pipe has no margin.
pub(crate) fn width() -> usize {
    const MAX: usize = 120;
    const UNBOUNDED: usize = 10_000;
    if !io::stdout().is_terminal() {
        return UNBOUNDED;
    }
    terminal_size::terminal_size().map_or(80, |(width, _)| usize::from(width.0)).min(MAX)
}

/// `text` broken into lines that start at column `indent`, the first one after `lead`, which is `lead_len`
/// columns wide.
pub(crate) fn hanging(lead: &str, lead_len: usize, indent: usize, text: &str) -> String {
    let pad = " ".repeat(indent.saturating_sub(lead_len));
    let first = format!("{lead}{pad}");
    let rest = " ".repeat(indent);
    let width = width().max(indent + 20);
    let options = textwrap::Options::new(width).initial_indent(&first).subsequent_indent(&rest);
    let lines = textwrap::fill(text.trim(), options);
    format!("{}\n", lines.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_steer_a_terminal_is_taken_out() {
        assert_eq!(harmless("a\tb\nc ä"), "a\tb\nc ä");
        assert_eq!(harmless("\u{1b}[2Jx\u{7}\u{9b}y\r"), "\u{fffd}[2Jx\u{fffd}\u{fffd}y\u{fffd}");
    }

    #[test]
    fn text_hangs_beside_its_lead() {
        assert_eq!(hanging("  ab", 4, 8, "one\ntwo"), "  ab    one\n        two\n");
        assert_eq!(hanging("  ab", 4, 8, ""), "  ab\n");
    }
}
