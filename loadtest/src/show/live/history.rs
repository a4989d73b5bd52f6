//! What the newest progress does not hold: how the last slices went.

use std::collections::VecDeque;

use crate::progress::{Phase, Progress};

/// Slices that are remembered.
const SLICES_MAX: usize = 240;

/// Rates and p99 of the last slices.
#[derive(Debug, Default)]
pub(super) struct History {
    slices: VecDeque<(f64, f64)>,
    last_at_s: Option<f64>,
}

impl History {
    /// Remembers the newest slice, if it is a new one. A measured part that begins anew forgets those of the last.
    pub(super) fn note(&mut self, progress: &Progress) {
        let Some(slice) = &progress.last_slice else {
            if progress.phase != Phase::Closing {
                *self = Self::default();
            }
            return;
        };
        if self.last_at_s == Some(slice.at_s) || slice.length_s <= 0.0 {
            return;
        }
        if self.last_at_s.is_some_and(|last| slice.at_s < last) {
            self.slices.clear();
        }
        self.last_at_s = Some(slice.at_s);
        if self.slices.len() == SLICES_MAX {
            self.slices.pop_front();
        }
        self.slices.push_back((slice.answers as f64 / slice.length_s, slice.p99_us));
    }

    pub(super) fn rates(&self) -> Vec<f64> {
        self.slices.iter().map(|(rate, _)| *rate).collect()
    }

    pub(super) fn p99(&self) -> Vec<f64> {
        self.slices.iter().map(|(_, p99)| *p99).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::invented;

    #[test]
    fn each_slice_is_remembered_once_and_not_for_ever() {
        let mut history = History::default();
        let mut progress = Progress { phase: Phase::Measuring, ..Progress::default() };
        let mut slice = invented::result("a", 1.0).slices.remove(0);
        for at in 0..1_000_u32 {
            slice.at_s = f64::from(at);
            progress.last_slice = Some(slice.clone());
            history.note(&progress);
            history.note(&progress);
        }
        assert_eq!(history.rates().len(), SLICES_MAX);
        slice.at_s = 0.0;
        progress.last_slice = Some(slice);
        history.note(&progress);
        assert_eq!(history.p99().len(), 1);
        progress.last_slice = None;
        history.note(&progress);
        assert!(history.rates().is_empty());
    }
}
