//! The progress of a call, on standard error, for a person who waits.

use std::io::{self, IsTerminal};

use indicatif::{ProgressBar, ProgressStyle};
use rmcp::model::ProgressNotificationParam;

/// A bar on a terminal; elsewhere nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

/// The bar counts in thousandths, because progress may be any number.
const SCALE: f64 = 1_000.0;

impl Progress {
    /// For a person, if one is watching.
    pub(crate) fn watched() -> Self {
        let bar = io::stderr().is_terminal().then(|| ProgressBar::no_length().with_style(without_total()));
        Self { bar }
    }

    pub(crate) fn show(&self, note: &ProgressNotificationParam) {
        let Some(bar) = &self.bar else { return };
        if let Some(total) = note.total {
            bar.set_style(with_total());
            bar.set_length(scaled(total));
        }
        let count = note
            .total
            .map_or_else(|| note.progress.to_string(), |total| format!("{}/{total}", note.progress));
        let text =
            note.message.as_ref().map_or_else(|| count.clone(), |message| format!("{count} {message}"));
        bar.set_message(text);
        bar.set_position(scaled(note.progress));
        bar.tick();
    }

    /// Takes the bar away, so that the result stands alone.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a bar needs no more than that, and `as` saturates"
)]
fn scaled(progress: f64) -> u64 {
    (progress * SCALE) as u64
}

fn with_total() -> ProgressStyle {
    style("{bar:30.cyan} {msg}")
}

fn without_total() -> ProgressStyle {
    style("{spinner:.cyan} {msg}")
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates are constants of this file")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_styles_can_be_built() {
        with_total();
        without_total();
    }

    #[test]
    fn a_bar_takes_any_number() {
        assert_eq!(scaled(0.5), 500);
        assert_eq!(scaled(-1.0), 0);
        assert_eq!(scaled(f64::NAN), 0);
        assert_eq!(scaled(f64::INFINITY), u64::MAX);
    }
}
