//! The verb `config`: what a config file may hold.

use clap::Subcommand;

use super::failure::Failure;
use super::output;
use crate::config::schema::schema;

const EXAMPLES: &str = "\
Examples:
  impresario config schema > impresario.schema.json

An editor with Taplo (in VS Code: Even Better TOML) completes and checks a file whose first line is
  #:schema ./impresario.schema.json";

/// Tell what a config file may hold.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Config {
    #[command(subcommand)]
    about: About,
}

#[derive(Debug, Subcommand)]
enum About {
    /// Print the JSON Schema of a config file, for editors.
    Schema,
}

impl Config {
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self.about {
            About::Schema => Ok(output::print_json(&schema())?),
        }
    }
}
