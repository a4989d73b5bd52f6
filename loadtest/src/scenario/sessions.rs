//! Opens sessions, uses them, closes them: what does a session cost?

use super::Stage;
use crate::fault::Fault;
use crate::load::group::Step;
use crate::result::RunResult;
use crate::summary::figure;
use crate::work::Sessions;

/// Each connection opens a session, pings, and ends it, again and again.
///
/// # Errors
/// When the server assigns no sessions, or nobody can connect.
pub async fn run(stage: Stage<'_>, sessions: &Sessions) -> Result<RunResult, Fault> {
    stage.needs_sessions("sessions")?;
    let group = stage.group(vec![stage.cheapest()], Step::Session { pings: sessions.pings })?;
    let measured = stage.measure(vec![group], vec!["sessions".to_owned()]).await?;
    let (all, each) = (measured.all(), stage.plan.load.sessions_per_connection as f64);
    let count = all.answers() as f64 * each;
    let mut figures = vec![figure("sessions opened", measured.rate_per_s(&all) * each, "1/s")];
    if let Some(server) = &measured.server
        && count > 0.0
    {
        let cpu_us = (server.user_cpu_s + server.system_cpu_s) * 1e6 / count;
        figures.push(figure("server CPU for each session, opened, used and closed", cpu_us, "us"));
    }
    Ok(stage.result(measured, figures))
}
