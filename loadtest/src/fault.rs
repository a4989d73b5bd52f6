//! Why a run could not be made, or not to its end.
//!
//! What a server answers wrongly in the middle of a run is no fault: it is counted (`trouble.rs`) and the run goes on.

use std::io;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// What was asked for makes no sense, or not for this server; says what to change.
    #[error("{0}")]
    Plan(String),
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

    /// A function that makes a fault of the machine out of what the system said.
    pub fn machine(what: &'static str) -> impl FnOnce(io::Error) -> Self {
        move |error| Self::Machine { what, error }
    }
}
