//! What the verbs about config files have in common: where the file is, and what the environment says.

use std::path::PathBuf;

use clap::CommandFactory as _;
use impresario_engine::{Limits, StartError};

use super::Cli;
use super::failure::Failure;
use crate::config::environment::Environment;
use crate::config::house::House;
use crate::config::problem::Problems;
use crate::config::{Config, Source};
use crate::spelling::unix_path;

/// Which config file is meant.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ConfigArg {
    /// A config file, or a directory whose *.toml files are read together, in the order of their names.
    #[arg(long, value_name = "PATH", env = "IMPRESARIO_CONFIG", global = true)]
    pub(crate) config: Option<PathBuf>,
}

impl ConfigArg {
    /// The file, which must be named.
    pub(crate) fn required(self) -> Result<PathBuf, Failure> {
        self.config.ok_or_else(|| Failure::usage("name the file with --config PATH (or IMPRESARIO_CONFIG)"))
    }
}

/// Where the running server's admin socket is.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct AdminArg {
    /// The admin socket of the running server; without this flag that which the config file names.
    #[arg(long, value_name = "unix:PATH", env = "IMPRESARIO_ADMIN", value_parser = unix_path, global = true)]
    pub(crate) admin: Option<PathBuf>,
}

impl AdminArg {
    /// The socket: as the flag says, else as the file says.
    pub(crate) fn find(self, config: Option<PathBuf>) -> Result<PathBuf, Failure> {
        if let Some(path) = self.admin {
            return Ok(path);
        }
        let how = "name the server's admin socket: --admin unix:PATH, or `admin` in [server] of the file of --config";
        let config = config.ok_or_else(|| Failure::usage(how))?;
        source(config).admin()?.ok_or_else(|| Failure::usage(how))
    }
}

/// A file with the environment around it.
pub(crate) fn source(path: PathBuf) -> Source {
    Source { path: Some(path), environment: environment(), ..Source::default() }
}

/// The environment, and which of its variables are flags.
pub(crate) fn environment() -> Environment {
    let command = Cli::command();
    let arguments = command.get_subcommands().flat_map(clap::Command::get_arguments);
    let variables = arguments.filter_map(|argument| argument.get_env()?.to_str().map(str::to_owned));
    // The keys themselves, which no flag may hold.
    Environment::of_process(variables.chain(["IMPRESARIO_STATE_KEY".to_owned()]))
}

/// The limits of a configuration.
pub(crate) fn limits(config: &Config) -> Result<Limits, Failure> {
    let mut limits = Limits::default();
    for setting in &config.limits {
        limits.set(setting.name, setting.value).map_err(anyhow::Error::new)?;
    }
    Ok(limits)
}

/// Why a runtime of these parts does not start.
pub(crate) fn not_started(house: &House, error: StartError) -> Failure {
    match error {
        StartError::Build(error) => Failure::Config(Problems::from(house.explain(&error))),
        other => anyhow::Error::new(other).context("start the runtime").into(),
    }
}
