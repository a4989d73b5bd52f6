//! What texts may hold on their way in and out: lengths, patterns, and characters that do more than they show.
//!
//! A [`TextRule`] is declared for one argument of a tool. What it refuses is told to the model in words that it can
//! act on; what it strips never reaches the tool. An [`OutputRule`] holds for a tool's answers: terminal escapes go,
//! characters that hide or turn text around are kept, stripped or shown, and long texts are cut with a note.
//!
//! A text in which nothing is to be done is looked at once, sixteen bytes at a time, and neither copied nor moved.
//! Nothing here backtracks: patterns run in linear time, and so does every scan, whatever the text.

mod answer;
mod arguments;
mod characters;
mod escapes;
mod output_rule;
mod sieve;
mod text_rule;
mod treatment;

pub(crate) use arguments::{ArgumentRules, RulesError, Screened};
pub use output_rule::OutputRule;
pub use text_rule::{Mark, TextCheck, TextRule, TextRuleError};
pub use treatment::Treatment;

#[cfg(test)]
mod served;
#[cfg(test)]
mod tests;
