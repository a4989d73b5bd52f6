//! What a tool's answers may hold.

use std::borrow::Cow;

use impresario_protocol::ToolResult;
use schemars::JsonSchema;
use serde::Deserialize;

use super::answer;
use super::sieve::Sieve;
use super::treatment::Treatment;

/// What a tool's answers may hold: text blocks, embedded texts, structured content, error texts.
///
/// ```
/// use impresario_engine::{OutputRule, Treatment};
///
/// let rule = OutputRule::clean().bidi(Treatment::Escape);
/// assert_eq!(rule.clean_text("\u{1b}[31mred\u{1b}[0m\r\n"), "red\n");
/// assert_eq!(rule.clean_text("user\u{202e}nimda"), r"user\u{202e}nimda");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OutputRule {
    /// Commands to a terminal, and control characters other than line feed and tab.
    pub escapes: Treatment,
    /// Characters that turn the direction of text around.
    pub bidi: Treatment,
    /// Characters that are not shown at all: zero-width ones, tags, and joiners where there is nothing to join.
    pub invisible: Treatment,
    /// How many bytes one answer may have, below `result_bytes_max`. Longer text is cut, and a note says so; an
    /// answer that can't be cut, such as structured content or a picture, becomes an error that says so.
    pub bytes_max: Option<u64>,
}

impl OutputRule {
    /// Answers go out as the tool gave them.
    pub const KEEP: Self =
        Self { escapes: Treatment::Keep, bidi: Treatment::Keep, invisible: Treatment::Keep, bytes_max: None };

    /// Nothing that does more than it shows goes out: for tools whose answers come from outside.
    #[must_use]
    pub const fn clean() -> Self {
        let strip = Treatment::Strip;
        Self { escapes: strip, bidi: strip, invisible: strip, bytes_max: None }
    }

    /// The same rule, but so for commands to a terminal and control characters.
    #[must_use]
    pub const fn escapes(mut self, treatment: Treatment) -> Self {
        self.escapes = treatment;
        self
    }

    /// The same rule, but so for characters that turn text around.
    #[must_use]
    pub const fn bidi(mut self, treatment: Treatment) -> Self {
        self.bidi = treatment;
        self
    }

    /// The same rule, but so for characters that are not shown.
    #[must_use]
    pub const fn invisible(mut self, treatment: Treatment) -> Self {
        self.invisible = treatment;
        self
    }

    /// The same rule, but answers have at most that many bytes.
    #[must_use]
    pub const fn bytes_max(mut self, bytes_max: u64) -> Self {
        self.bytes_max = Some(bytes_max);
        self
    }

    /// The text as it may go out, but for its length; the same one when there is nothing to do.
    #[must_use]
    pub fn clean_text<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let sieve = self.sieve();
        if sieve.is_open() { Cow::Borrowed(text) } else { sieve.sift(text) }
    }

    fn sieve(self) -> Sieve {
        Sieve { escapes: self.escapes, control: self.escapes, bidi: self.bidi, invisible: self.invisible }
    }

    /// Cleans an answer where it stands.
    pub(crate) fn clean_result(self, result: &mut ToolResult) {
        let sieve = self.sieve();
        if !sieve.is_open() {
            answer::clean(sieve, result);
        }
    }

    /// Cleans the message of an error where it stands.
    pub(crate) fn clean_message(self, message: &mut Cow<'static, str>) {
        if let Cow::Owned(cleaned) = self.clean_text(message) {
            *message = Cow::Owned(cleaned);
        }
    }

    /// Cuts an answer that is too long, or refuses it where it can't be cut.
    pub(crate) fn cap(self, tool: &str, result: &mut ToolResult, size_of: fn(&ToolResult) -> usize) {
        let Some(bytes_max) = self.bytes_max else { return };
        answer::cap(tool, result, usize::try_from(bytes_max).unwrap_or(usize::MAX), size_of);
    }
}
