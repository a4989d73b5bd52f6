//! The scenarios: a file for each way of making load, and the table that says which work is done by which.

pub mod cache;
pub mod cancel_storm;
pub mod find_max;
pub mod idle;
pub mod noisy_neighbour;
pub mod reconnect_storm;
pub mod sessions;
pub mod slow_reader;
pub mod steady;
pub mod subscribe;

mod stage;

pub use stage::Stage;

use crate::fault::Fault;
use crate::plan::Plan;
use crate::progress::ProgressSender;
use crate::result::RunResult;
use crate::work::Work;

/// Carries out a plan by its work.
///
/// # Errors
/// When there is nothing to report.
pub async fn carry_out(plan: &Plan, progress: &ProgressSender) -> Result<RunResult, Fault> {
    match &plan.work {
        Work::Echo(_) | Work::Call(_) | Work::List(_) | Work::Payload(_) | Work::Mix(_) => {
            steady::run(Stage::open(plan, progress).await?).await
        }
        Work::Sessions(sessions) => sessions::run(Stage::open_legacy(plan, progress).await?, sessions).await,
        Work::Idle(idle) => {
            idle::run(Stage::open_legacy_unless(plan, progress, idle.streams).await?, idle).await
        }
        Work::SlowReader(slow) => slow_reader::run(Stage::open(plan, progress).await?, slow).await,
        Work::Cache(cache) => cache::run(Stage::open(plan, progress).await?, cache).await,
        Work::CancelStorm(storm) => cancel_storm::run(Stage::open(plan, progress).await?, storm).await,
        Work::ReconnectStorm(storm) => reconnect_storm::run(Stage::open(plan, progress).await?, storm).await,
        Work::Subscribe(subscribe) => subscribe::run(Stage::open(plan, progress).await?, subscribe).await,
        Work::NoisyNeighbour(noisy) => noisy_neighbour::run(Stage::open(plan, progress).await?, noisy).await,
    }
}
