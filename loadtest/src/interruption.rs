//! Somebody wants this program to end: by Ctrl-C, by SIGTERM as `timeout` and CI send it, or by closing the terminal.
//!
//! Whoever measures listens, so that a run that is ended early still shows what it found. A signal is remembered: one
//! that comes while nobody listens, as between two probes of a search, must not be lost.

use std::io;
use std::sync::OnceLock;

use tokio::sync::watch;

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

/// Ends when that happens, or at once if it has happened since somebody asked first. Where the system doesn't let us
/// listen, the system ends the program by itself.
pub async fn asked_to_end() {
    /// True once somebody asked; shared by all who listen, and written by the one thread that hears signals.
    static ASKED: OnceLock<watch::Receiver<bool>> = OnceLock::new();
    let mut asked = ASKED.get_or_init(listen).clone();
    if asked.wait_for(|asked| *asked).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn listen() -> watch::Receiver<bool> {
    let (tell, asked) = watch::channel(false);
    let hear = move || {
        let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else { return };
        runtime.block_on(async {
            if let Ok(interruption) = interrupted() {
                interruption.await;
                tell.send_replace(true);
            }
        });
    };
    // Without the thread nobody is told, and the system ends the program.
    let _ = std::thread::Builder::new().name("signals".to_owned()).spawn(hear);
    asked
}
