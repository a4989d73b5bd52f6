//! Suggestions for the arguments of prompts and the variables of templates.

use std::sync::Arc;

use crate::template::Variables;

/// Makes suggestions. It must be quick: it runs on the lane.
pub(crate) type Complete = Arc<dyn Fn(CompletionRequest) -> Vec<String> + Send + Sync>;

/// What a person has typed so far.
#[derive(Debug, Clone, Default)]
pub struct CompletionRequest {
    /// The argument's text so far.
    pub value: String,
    /// The arguments that are already settled.
    pub settled: Variables,
}

impl CompletionRequest {
    /// Those of `candidates` that start with what was typed, in their order.
    pub fn among<'a>(&self, candidates: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let typed = &self.value;
        candidates
            .into_iter()
            .filter(|candidate| candidate.starts_with(typed))
            .map(ToOwned::to_owned)
            .collect()
    }
}
