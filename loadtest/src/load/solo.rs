//! One thread for scenarios that are no loop of requests: those that hold many things open.

use std::future::Future;

use tokio::sync::oneshot;

use super::lane;
use crate::fault::Fault;

/// Runs a future on a thread of its own, bound to that core if one is named.
///
/// # Errors
/// When the machine refuses the thread, or what the future says.
pub async fn on_own_thread<T, F>(
    core: Option<usize>,
    make: impl FnOnce() -> F + Send + 'static,
) -> Result<T, Fault>
where
    T: Send + 'static,
    F: Future<Output = Result<T, Fault>> + 'static,
{
    let (tx, rx) = oneshot::channel();
    let work = move || {
        if let Some(core) = core {
            lane::bind(core)?;
        }
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build_local(tokio::runtime::LocalOptions::default())
            .map_err(Fault::machine("start a runtime"))?;
        runtime.block_on(make())
    };
    std::thread::Builder::new()
        .name("load-0".to_owned())
        .spawn(move || {
            // Whoever no longer waits wants no answer.
            let _ = tx.send(work());
        })
        .map_err(Fault::machine("start a thread"))?;
    rx.await.map_err(|_| Fault::failed("the thread of the generator ended early"))?
}

/// Raises the bound of open files as far as the system allows, and says how far that is.
#[cfg(unix)]
#[must_use]
pub fn raise_open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, maximum: limit.maximum };
    if setrlimit(Resource::Nofile, raised).is_ok() { limit.maximum } else { limit.current }
        .unwrap_or(u64::MAX)
}

/// Nobody tells here.
#[cfg(not(unix))]
#[must_use]
pub fn raise_open_files() -> u64 {
    u64::MAX
}

/// Refuses more connections than the system lets a process have.
///
/// # Errors
/// When there are too many.
pub fn needs_open_files(count: usize) -> Result<(), Fault> {
    /// For everything that is no connection.
    const SPARE: u64 = 64;
    let most = raise_open_files();
    if count as u64 + SPARE <= most {
        return Ok(());
    }
    Err(Fault::plan(format!(
        "{count} connections need as many open files; this system allows {most}: raise ulimit -n"
    )))
}
