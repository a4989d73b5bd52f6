//! Calls that do what another one asks for: one run for several callers, and a run that may yet become a task.

use std::sync::{Arc, OnceLock};

use super::{Call, Facts, Source};
use crate::question::Asks;

/// Why a call that stands for several asks nobody.
const CACHED: &str = "a tool with a cache can't ask its client: its answer is given to others too; \
                      take its cache away, or ask in a tool without one";

impl Call {
    /// A call that does what another one asks for, and goes on when that one is taken back. What it tells
    /// its client is for whoever reads it to pass on.
    #[must_use]
    pub(crate) fn on_behalf_of(other: &Arc<Self>) -> Self {
        let Facts { dialect, caller, client, progress_token, log_level, is_in_process, .. } = other.facts();
        let facts = Facts {
            dialect: *dialect,
            caller: caller.clone(),
            client: client.clone(),
            progress_token: progress_token.clone(),
            log_level: *log_level,
            is_in_process: *is_in_process,
            asks: Asks::Never(CACHED),
            ..Facts::default()
        };
        Self::from_source(Source::Call(Arc::clone(other)), OnceLock::from(facts), other.limits)
    }

    /// A call that asks for the same as another one, of which nobody hears before it ends.
    #[must_use]
    pub(crate) fn unheard(other: &Arc<Self>) -> Self {
        let mut call = Self::on_behalf_of(other);
        if let Some(facts) = call.facts.get_mut() {
            (facts.progress_token, facts.log_level) = (None, None);
        }
        call
    }

    /// A call that does what another one asks for until it has to ask, ends, or wants to go on as a task.
    #[must_use]
    pub(crate) fn before_task(other: &Arc<Self>) -> Self {
        let mut call = Self::on_behalf_of(other);
        if let (Some(facts), Asks::ByRetry(resumed)) = (call.facts.get_mut(), &other.facts().asks) {
            (facts.asks, facts.may_begin_task) = (Asks::ByRetry(resumed.clone()), true);
        }
        call
    }

    /// The tool wants to go on as a task. Says whether it can.
    pub(crate) fn begin_task(&self) -> bool {
        if !self.facts().may_begin_task {
            return false;
        }
        let mut state = self.state.lock();
        state.begins_task = true;
        let reader = state.reader.take();
        drop(state);
        if let Some(reader) = reader {
            reader.wake();
        }
        true
    }

    /// Whether the tool wants to go on as a task.
    pub(crate) fn begins_task(&self) -> bool {
        self.state.lock().begins_task
    }

    /// Gives its permit to a call that goes on when this one is taken back.
    pub(crate) fn pass_permit_to(&self, other: &Self) {
        let permit = self.state.lock().permit.take();
        other.state.lock().permit = permit;
    }
}
