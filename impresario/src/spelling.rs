//! How people write addresses, permissions, limits and filters: the same on the command line as in a config file.

pub(crate) use limit::short;
pub use limit::{LimitSetting, SettingError};
pub use listen::Listen;
pub(crate) use listen::{lanes, mode, unix_path};

mod limit;
mod listen;

/// Checks a filter of the log.
pub(crate) fn log_filter(text: &str) -> Result<String, String> {
    let read = tracing_subscriber::EnvFilter::try_new(text);
    read.map(|_| text.to_owned()).map_err(|error| error.to_string())
}
