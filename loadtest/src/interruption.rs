//! Somebody wants this program to end: by Ctrl-C, by SIGTERM as `timeout` and CI send it, or by closing the terminal.
//!
//! Whoever measures listens, so that a run that is ended early still shows what it found.

use std::io;

/// Ends when that happens.
///
/// # Errors
/// If the system doesn't let us listen.
pub fn interrupted() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hang_up.recv() => {}
        }
    })
}

/// The same for a run: where the system doesn't let us listen, the system ends the program by itself.
pub async fn asked_to_end() {
    match interrupted() {
        Ok(interruption) => interruption.await,
        Err(_) => std::future::pending().await,
    }
}
