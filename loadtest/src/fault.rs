//! Why a run could not be made, or not to its end.
//!
//! What a server answers wrongly in the middle of a run is no fault: it is counted (`trouble.rs`) and the run goes on.

use std::io;

/// The exit code of a program that was interrupted.
pub const INTERRUPTED: u8 = 130;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// What was asked for makes no sense, or not for this server; says what to change.
    #[error("{0}")]
    Plan(String),
    /// The server was asked, and what was to be measured does not work.
    #[error("{0}")]
    Failed(String),
    /// The user ended it before there was anything to show.
    #[error("interrupted before {0}")]
    Interrupted(&'static str),
    /// The server can't be reached, or does not speak MCP.
    #[error("{address}: {reason}")]
    Server {
        /// The URL or the command.
        address: String,
        /// What went wrong.
        reason: String,
    },
    /// This machine refuses something that the load needs.
    #[error("{what}: {error}")]
    Machine {
        /// What was tried, verb and object.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
}

impl Fault {
    /// A fault of what was asked for.
    pub fn plan(text: impl Into<String>) -> Self {
        Self::Plan(text.into())
    }

    /// A fault of what was measured.
    pub fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    /// The exit code of a program that ends with it: 2 where the command line has to change, 1 where the server does.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Plan(_) => 2,
            Self::Interrupted(_) => INTERRUPTED,
            Self::Failed(_) | Self::Server { .. } | Self::Machine { .. } => 1,
        }
    }

    /// A function that makes a fault of the machine out of what the system said.
    pub fn machine(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Machine { what, error }
    }
}
