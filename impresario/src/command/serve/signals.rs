//! The signals that ask the process to stop.

use std::fmt;
use std::io;

use tokio::signal::unix::{self, SignalKind};

/// A request to stop, from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopSignal {
    Interrupt,
    Terminate,
}

impl StopSignal {
    /// Ends the process now, with the code that shells give a process which the signal killed.
    pub(crate) fn end_process(self) -> ! {
        let code = match self {
            Self::Interrupt => 130,
            Self::Terminate => 143,
        };
        // At once: nothing is unwound or waited for.
        std::process::exit(code)
    }
}

impl fmt::Display for StopSignal {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::Interrupt => "SIGINT",
            Self::Terminate => "SIGTERM",
        })
    }
}

/// Both signals, which no longer end the process by themselves once they are watched.
#[derive(Debug)]
pub(crate) struct Signals {
    interrupt: unix::Signal,
    terminate: unix::Signal,
}

impl Signals {
    pub(crate) fn watch() -> io::Result<Self> {
        Ok(Self {
            interrupt: unix::signal(SignalKind::interrupt())?,
            terminate: unix::signal(SignalKind::terminate())?,
        })
    }

    /// The next one. Cancel safe: a signal that nobody awaited is there for the next call.
    pub(crate) async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
        }
    }
}
