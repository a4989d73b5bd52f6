//! Logs, which go to standard error and nowhere else: standard output belongs to results and to stdio.

use std::io::{self, IsTerminal};

use tracing_subscriber::EnvFilter;

/// Starts logging by `chosen`, else by `RUST_LOG`, else by `otherwise`. Where the program logs already, it
/// goes on doing so.
pub(crate) fn start(chosen: Option<&str>, otherwise: &str) {
    let from_environment = std::env::var(EnvFilter::DEFAULT_ENV).ok().filter(|text| !text.is_empty());
    let directives = chosen.or(from_environment.as_deref()).unwrap_or(otherwise);
    let coloured =
        io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let _already_logging = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(directives))
        .with_writer(io::stderr)
        .with_ansi(coloured)
        .try_init();
}
