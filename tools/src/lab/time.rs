//! Tools that take as long as they are told, unless the call is taken back.

use std::hint::black_box;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use impresario_engine::{Context, ToolError, tool};

/// Wait for that many milliseconds, then return.
/// Ends early when the call is cancelled.
#[tool(title = "Sleep", annotations(read_only, idempotent, open_world = false))]
pub async fn sleep(
    /// how long to wait, in milliseconds, at most ten minutes
    #[schemars(range(max = 600_000))]
    ms: u64,
    ctx: &Context,
) -> Result<String, ToolError> {
    wait(Duration::from_millis(ms), ctx).await?;
    Ok(format!("slept {ms} ms"))
}

/// Compute for that many milliseconds, with one core kept busy, then return.
/// Ends early when the call is cancelled.
#[tool(title = "Spin", blocking, annotations(read_only, idempotent, open_world = false))]
pub fn spin(
    /// how long to compute, in milliseconds, at most ten minutes
    #[schemars(range(max = 600_000))]
    ms: u64,
    ctx: &Context,
) -> Result<String, ToolError> {
    /// Far less than a millisecond of work, and far more than one look at the clock.
    const ROUNDS_PER_LOOK: u64 = 10_000;
    let end = Instant::now() + Duration::from_millis(ms);
    let mut number = 1_u64;
    while Instant::now() < end {
        if ctx.is_cancelled() {
            return Err(cancelled());
        }
        for round in 0..ROUNDS_PER_LOOK {
            number = black_box(number.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(round));
        }
    }
    Ok(format!("computed for {ms} ms"))
}

/// Report progress in equal steps, waiting after each of them, then return.
/// Ends early when the call is cancelled.
#[tool(title = "Progress", annotations(read_only, idempotent, open_world = false))]
pub async fn progress(
    /// how many steps to report
    #[schemars(range(min = 1, max = 10_000))]
    steps: u32,
    /// how long to wait after each step, in milliseconds, at most a minute
    #[schemars(range(max = 60_000))]
    ms: u64,
    ctx: &Context,
) -> Result<String, ToolError> {
    for step in 1..=steps {
        let message = format!("step {step} of {steps}");
        ctx.progress(f64::from(step), Some(f64::from(steps)), Some(&message));
        // After the last step too: some clients lose a message that comes together with the answer.
        wait(Duration::from_millis(ms), ctx).await?;
    }
    Ok(format!("{steps} steps done"))
}

/// Work in equal steps and say after each of them how far it is, then return.
/// Becomes a task where the client knows tasks; one that a crash interrupts begins again.
/// Ends early when it is cancelled.
#[tool(
    title = "Long task",
    task = "optional",
    task_ttl = "1h",
    restart,
    annotations(read_only, idempotent, open_world = false)
)]
pub async fn long_task(
    /// how many steps to take
    #[schemars(range(min = 1, max = 10_000))]
    steps: u32,
    /// how long each step takes, in milliseconds, at most a minute
    #[schemars(range(max = 60_000))]
    ms: u64,
    ctx: &Context,
) -> Result<String, ToolError> {
    for step in 1..=steps {
        wait(Duration::from_millis(ms), ctx).await?;
        let message = format!("step {step} of {steps}");
        ctx.progress(f64::from(step), Some(f64::from(steps)), Some(&message));
    }
    Ok(format!("{steps} steps taken"))
}

/// Wait for that many milliseconds, then return how often this tool and `kept_count` have run in this process.
/// The key changes nothing but which calls are equal.
#[tool(title = "Slow count", annotations(read_only, idempotent, open_world = false))]
pub async fn slow_count(
    /// tells calls apart
    key: u64,
    /// how long to wait, in milliseconds, at most a minute
    #[schemars(range(max = 60_000))]
    ms: u64,
    ctx: &Context,
) -> Result<u64, ToolError> {
    static RUNS: AtomicU64 = AtomicU64::new(0);
    wait(Duration::from_millis(ms), ctx).await?;
    // Which key it was decides nothing here; it does for whoever keeps the answer.
    let _ = key;
    Ok(RUNS.fetch_add(1, Ordering::Relaxed) + 1)
}

/// The same as `slow_count`, with a cache that keeps each answer for a second.
#[tool(
    title = "Kept count",
    cache(ttl = "1s", scope = "public"),
    annotations(read_only, idempotent, open_world = false)
)]
pub async fn kept_count(
    /// tells calls apart
    key: u64,
    /// how long to wait, in milliseconds, at most a minute
    #[schemars(range(max = 60_000))]
    ms: u64,
    ctx: &Context,
) -> Result<u64, ToolError> {
    slow_count(key, ms, ctx).await
}

/// Waits, unless the call is cancelled before.
async fn wait(duration: Duration, ctx: &Context) -> Result<(), ToolError> {
    tokio::select! {
        () = tokio::time::sleep(duration) => Ok(()),
        () = ctx.cancelled() => Err(cancelled()),
    }
}

fn cancelled() -> ToolError {
    ToolError::from("the call was cancelled before its time was over")
}
