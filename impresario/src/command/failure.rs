//! How a verb that did not succeed ends: what is said, where, and with which exit code.

use std::io;
use std::process::ExitCode;

use rmcp::model::ErrorData;
use serde_json::json;

use super::{output, problems};
use crate::config::problem::Problems;

/// Why a verb did not succeed.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The command line can't be followed.
    Usage(String),
    /// The tool ran and said that it failed, which has been shown already.
    Tool,
    /// The server answered with an error of the protocol.
    Refused { server: String, error: Box<ErrorData> },
    /// A configuration that can't be followed.
    Config(Problems),
    /// What a running server finds wrong with a configuration.
    Refusals(serde_json::Value),
    /// Whoever read the results has gone, so nobody misses the rest.
    NoReader,
    /// Anything else: what failed, why, what to do.
    Other(anyhow::Error),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage(message.into())
    }

    /// Tells people on standard error in one line, and programs that asked for JSON on standard output.
    pub(crate) fn report(self, as_json: bool) -> ExitCode {
        let (code, message, told) = match self {
            Self::NoReader => return ExitCode::SUCCESS,
            Self::Tool => return ExitCode::from(3),
            Self::Usage(message) => {
                output::tell_error(&message);
                return ExitCode::from(2);
            }
            Self::Config(problems) => {
                problems::tell(&problems);
                let _told = as_json.then(|| output::print_json(&json!({ "problems": problems.to_json() })));
                return ExitCode::FAILURE;
            }
            Self::Refusals(refusals) => {
                problems::lines(&refusals).iter().for_each(|line| output::tell_error(line));
                let _told = as_json.then(|| output::print_json(&json!({ "problems": refusals })));
                return ExitCode::FAILURE;
            }
            Self::Refused { server, error } => {
                let message = format!("{server} answered with error {}: {}", error.code.0, error.message);
                (1, message, json!({ "error": error }))
            }
            Self::Other(error) => {
                let message = format!("{error:#}");
                let told = json!({ "error": { "message": message } });
                (1, message, told)
            }
        };
        output::tell_error(&message);
        // Standard output may be what failed; the exit code and the line above stand anyway.
        let _told = as_json.then(|| output::print_json(&told));
        ExitCode::from(code)
    }
}

impl From<Problems> for Failure {
    fn from(problems: Problems) -> Self {
        Self::Config(problems)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Other(error)
    }
}

/// The only input and output whose errors come as they are is that of the results.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::NoReader,
            _ => Self::Other(anyhow::Error::new(error).context("write the result")),
        }
    }
}
