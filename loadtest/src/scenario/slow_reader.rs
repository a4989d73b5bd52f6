//! Some clients ask for big answers and read them slowly: do they hold others up, and how much memory do they cost?

use std::sync::Arc;
use std::time::Duration;

use super::Stage;
use crate::client::Setup;
use crate::fault::Fault;
use crate::items::items;
use crate::load::group::{Group, Pace, Step};
use crate::load::slices::percentile_us;
use crate::plan::Stop;
use crate::result::RunResult;
use crate::show::{print, units};
use crate::summary::figure;
use crate::work::{Payload, SlowReader, Work};

/// The kernel must not read quickly what the client reads slowly.
const RECEIVE_BUFFER_BYTES: u32 = 8 * 1024;

/// The plan's connections ask for something cheap, beside the slow ones.
///
/// # Errors
/// When the server has no echo, or nobody can connect.
pub async fn run(mut stage: Stage<'_>, slow: &SlowReader) -> Result<RunResult, Fault> {
    stage.needs_streamable_http("slow-reader")?;
    let big = items(&Work::Payload(Payload { size: slow.size }), &mut stage.found).await?;
    let healthy = stage.cheapest();
    let series = vec!["healthy".to_owned(), "slow".to_owned()];
    let asking = stage.group(vec![healthy], Step::Ask)?;
    let setup = Setup { receive_buffer_bytes: Some(RECEIVE_BUFFER_BYTES), ..(*stage.setup(big)).clone() };
    let reading = Group {
        setup: Arc::new(setup),
        clients: usize::try_from(slow.readers).unwrap_or(usize::MAX),
        step: Step::SlowRead { speed: slow.speed.0 },
        pace: Pace::Closed { think_time: Duration::ZERO },
        first_series: 1,
    };
    if let (Stop::After(duration), true) = (stage.plan.stop, slow.speed.0 > 0) {
        let needed_s = slow.size.0 as f64 / slow.speed.0 as f64;
        if needed_s > duration.as_secs_f64() {
            let needed = units::clock(needed_s);
            print::caution(&format!(
                "a slow reader needs {needed} for one answer: with a shorter --duration none may be counted"
            ));
        }
    }
    let measured = stage.measure(vec![asking, reading], series).await?;
    let p99_us = measured.series.first().map_or(0.0, |(_, healthy)| percentile_us(&healthy.latencies, 0.99));
    let mut figures = vec![figure("p99 of the healthy clients", p99_us, "us")];
    if let Some(server) = &measured.server {
        figures.push(figure("peak memory of the server", server.rss_peak_bytes as f64, "bytes"));
    }
    Ok(stage.result(measured, figures))
}
