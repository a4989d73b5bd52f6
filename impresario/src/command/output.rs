//! The only place that writes to standard output and standard error.
//!
//! Colour is for terminals, and never against `NO_COLOR`: whatever is written may carry styles, and they are
//! taken out where they don't belong.

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
    tell(&format!("{ERROR}error:{ERROR:#} {message}\n"));
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

/// `text` in a style.
pub(crate) fn styled(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

/// `text` broken into lines that start at column `indent`, the first one after `lead`, which is `lead_len`
/// columns wide.
pub(crate) fn hanging(lead: &str, lead_len: usize, indent: usize, text: &str) -> String {
    let pad = " ".repeat(indent.saturating_sub(lead_len));
    let first = format!("{lead}{pad}");
    let rest = " ".repeat(indent);
    let width = width().max(indent + 20);
    let options = textwrap::Options::new(width).initial_indent(&first).subsequent_indent(&rest);
    let mut lines = textwrap::fill(text.trim(), options);
    lines.push('\n');
    lines
}
