//! Carries a plan out and says what was found.

use crate::fault::Fault;
use crate::load;
use crate::plan::Plan;
use crate::progress::ProgressSender;
use crate::result::RunResult;
use crate::scenario;

/// Carries a plan out. Ends early, with what was found so far, when the run is interrupted by Ctrl-C.
///
/// # Errors
/// When there is nothing to report: the server can't be reached, or the plan does not suit it.
pub async fn run(plan: &Plan, progress: &ProgressSender) -> Result<RunResult, Fault> {
    load::solo::needs_open_files(plan.load.connections)?;
    scenario::carry_out(plan, progress).await
}
