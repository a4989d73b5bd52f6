//! What one textual argument may hold.

use std::borrow::Cow;

use regex::{Regex, RegexBuilder};
use schemars::JsonSchema;
use serde::Deserialize;

use super::characters::{Class, can_be_joined, next_special};
use super::escapes::command_len;
use super::sieve::Sieve;
use super::treatment::Treatment;

/// How large one compiled pattern may be.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;
/// How many characters of a pattern are shown.
const PATTERN_CHARS_SHOWN_MAX: usize = 160;
/// How many characters of a refused text are shown.
const TEXT_CHARS_SHOWN_MAX: usize = 64;

/// What becomes of a text with characters that do more than they show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// They stay.
    #[default]
    Allow,
    /// The call is refused, with a text that says what to change.
    Reject,
    /// They are taken out before the tool sees them.
    Strip,
}

/// What one textual argument may hold. What is stripped goes first; lengths and the pattern hold for the rest.
///
/// ```
/// use impresario_engine::{Mark, TextRule};
///
/// let rule = TextRule::default().max_chars(12).pattern("[a-z ]*").bidi(Mark::Strip).compile().unwrap();
/// assert_eq!(rule.apply("user\u{202e} name").unwrap(), "user name");
/// assert_eq!(rule.apply("USER").unwrap_err(), r#"must match the pattern `[a-z ]*`, got "USER""#);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct TextRule {
    /// The most characters it may have.
    pub max_chars: Option<u64>,
    /// The least characters it must have.
    pub min_chars: Option<u64>,
    /// A regular expression that the whole text must match. It runs in linear time: no look-around, no
    /// back-references.
    pub pattern: Option<String>,
    /// Control characters other than line feed and tab.
    pub control: Mark,
    /// Characters that turn the direction of text around.
    pub bidi: Mark,
    /// Characters that are not shown at all: zero-width ones, tags, and joiners where there is nothing to join.
    pub invisible: Mark,
    /// Commands to a terminal: colours, titles, links, moves of the cursor.
    pub ansi: Mark,
}

impl TextRule {
    /// Refuses every character that does more than it shows.
    #[must_use]
    pub fn strict() -> Self {
        let reject = Mark::Reject;
        Self { control: reject, bidi: reject, invisible: reject, ansi: reject, ..Self::default() }
    }

    /// Takes every character out that does more than it shows.
    #[must_use]
    pub fn clean() -> Self {
        let strip = Mark::Strip;
        Self { control: strip, bidi: strip, invisible: strip, ansi: strip, ..Self::default() }
    }

    /// The same rule, with at most that many characters.
    #[must_use]
    pub fn max_chars(self, chars: u64) -> Self {
        Self { max_chars: Some(chars), ..self }
    }

    /// The same rule, with at least that many characters.
    #[must_use]
    pub fn min_chars(self, chars: u64) -> Self {
        Self { min_chars: Some(chars), ..self }
    }

    /// The same rule, with a pattern that the whole text must match.
    #[must_use]
    pub fn pattern(self, pattern: impl Into<String>) -> Self {
        Self { pattern: Some(pattern.into()), ..self }
    }

    /// The same rule, but so for control characters.
    #[must_use]
    pub fn control(self, control: Mark) -> Self {
        Self { control, ..self }
    }

    /// The same rule, but so for characters that turn text around.
    #[must_use]
    pub fn bidi(self, bidi: Mark) -> Self {
        Self { bidi, ..self }
    }

    /// The same rule, but so for characters that are not shown.
    #[must_use]
    pub fn invisible(self, invisible: Mark) -> Self {
        Self { invisible, ..self }
    }

    /// The same rule, but so for commands to a terminal.
    #[must_use]
    pub fn ansi(self, ansi: Mark) -> Self {
        Self { ansi, ..self }
    }

    /// The rule, ready to be applied.
    ///
    /// # Errors
    /// When the pattern is none, is too large, or can't run in linear time; when no text could ever be long enough.
    pub fn compile(&self) -> Result<TextCheck, TextRuleError> {
        if let (Some(least), Some(most)) = (self.min_chars, self.max_chars)
            && least > most
        {
            return Err(TextRuleError::Lengths { least, most });
        }
        let compile = |pattern: &String| {
            let bounded = |pattern: &str| {
                let mut builder = RegexBuilder::new(pattern);
                builder.size_limit(PATTERN_BYTES_MAX).dfa_size_limit(PATTERN_BYTES_MAX).build()
            };
            // By itself first: its brackets must be its own.
            let whole = bounded(pattern).and_then(|_| bounded(&format!(r"\A(?:{pattern})\z")));
            whole.map_err(|error| TextRuleError::pattern(pattern, &error))
        };
        let pattern = self.pattern.as_ref().map(compile).transpose()?;
        Ok(TextCheck { rule: self.clone(), pattern })
    }
}

/// Why a rule is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextRuleError {
    /// The pattern can't be used.
    #[error("the pattern `{pattern}` can't be used: {reason}")]
    Pattern {
        /// The pattern.
        pattern: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The least is more than the most.
    #[error("min_chars ({least}) is more than max_chars ({most})")]
    Lengths {
        /// The least number of characters.
        least: u64,
        /// The most.
        most: u64,
    },
}

impl TextRuleError {
    fn pattern(pattern: &str, error: &regex::Error) -> Self {
        let reason = match error {
            regex::Error::CompiledTooBig(bytes) => format!("it needs more than {bytes} bytes"),
            // The last line says what; those above it repeat the pattern.
            other => other.to_string().lines().last().unwrap_or_default().trim().to_owned(),
        };
        Self::Pattern { pattern: shortened(pattern, PATTERN_CHARS_SHOWN_MAX), reason }
    }
}

/// A [`TextRule`], ready to be applied.
#[derive(Debug, Clone)]
pub struct TextCheck {
    rule: TextRule,
    pattern: Option<Regex>,
}

impl TextCheck {
    /// The text as the tool may see it; the same one when there is nothing to strip.
    ///
    /// # Errors
    /// The rule that it breaks, as the rest of a sentence that begins with the argument.
    pub fn apply<'t>(&self, text: &'t str) -> Result<Cow<'t, str>, String> {
        if let Some((name, character, place)) = self.first_rejected(text) {
            let code = u32::from(character);
            return Err(format!("must not hold {name}, got U+{code:04X} at character {place}"));
        }
        let sieve = self.sieve();
        let kept = if sieve.is_open() { Cow::Borrowed(text) } else { sieve.sift(text) };
        self.check_length(&kept)?;
        match &self.pattern {
            Some(pattern) if !pattern.is_match(&kept) => {
                let pattern =
                    shortened(self.rule.pattern.as_deref().unwrap_or_default(), PATTERN_CHARS_SHOWN_MAX);
                Err(format!("must match the pattern `{pattern}`, got {}", shown(&kept)))
            }
            _ => Ok(kept),
        }
    }

    fn check_length(&self, text: &str) -> Result<(), String> {
        let TextRule { min_chars, max_chars, .. } = self.rule;
        if min_chars.is_none() && max_chars.is_none() {
            return Ok(());
        }
        // A text of few bytes has few characters; most need not be counted.
        let bytes = text.len() as u64;
        let chars = || text.chars().count() as u64;
        match (min_chars, max_chars) {
            (_, Some(most)) if bytes > most && chars() > most => {
                Err(format!("must have at most {most} characters, got {}", chars()))
            }
            (Some(least), _) if bytes < least.saturating_mul(4) && chars() < least => {
                Err(format!("must have at least {least} characters, got {}", chars()))
            }
            _ => Ok(()),
        }
    }

    /// The first character that the rule refuses: what it is called, itself, and the how manyth it is.
    fn first_rejected(&self, text: &str) -> Option<(&'static str, char, usize)> {
        let TextRule { control, bidi, invisible, ansi, .. } = self.rule;
        if ![control, bidi, invisible, ansi].contains(&Mark::Reject) {
            return None;
        }
        // Where the last command ended that will be stripped, and what will stand in front of that place then.
        let mut gap = (0, None);
        let mut at = 0;
        while let Some((found, character, class)) = next_special(text, at) {
            let before = if gap.0 == found { gap.1 } else { text[..found].chars().next_back() };
            let (mark, name) = match class {
                Class::Escape if ansi != Mark::Allow => (ansi, "commands to a terminal"),
                Class::Escape | Class::Control => (control, "control characters"),
                Class::Bidi => (bidi, "characters that turn text around"),
                Class::Joiner if can_be_joined(before) => (Mark::Allow, ""),
                Class::Joiner | Class::Invisible => (invisible, "invisible characters"),
                Class::Plain => (Mark::Allow, ""),
            };
            if mark == Mark::Reject {
                return Some((name, character, text[..found].chars().count() + 1));
            }
            if class == Class::Escape && ansi == Mark::Strip {
                // What goes with a command is nobody's to refuse.
                at = found + command_len(&text[found..]);
                gap = (at, before);
            } else {
                at = found + character.len_utf8();
            }
        }
        None
    }

    fn sieve(&self) -> Sieve {
        let treatment = |mark| if mark == Mark::Strip { Treatment::Strip } else { Treatment::Keep };
        Sieve {
            escapes: treatment(self.rule.ansi),
            control: treatment(self.rule.control),
            bidi: treatment(self.rule.bidi),
            invisible: treatment(self.rule.invisible),
        }
    }
}

/// A refused text in quotes. Rust's debug form writes out whatever does more than it shows.
fn shown(text: &str) -> String {
    format!("{:?}", shortened(text, TEXT_CHARS_SHOWN_MAX))
}

fn shortened(text: &str, chars_max: usize) -> String {
    let mut characters = text.chars();
    let shown: String = characters.by_ref().take(chars_max).collect();
    if characters.next().is_some() { format!("{shown}…") } else { shown }
}
