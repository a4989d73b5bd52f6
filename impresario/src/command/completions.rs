//! The verb `completions`: a script with which a shell completes this command's verbs and flags.

use clap::CommandFactory;
use clap_complete::Shell;

use super::failure::Failure;
use super::{Cli, output};

const EXAMPLES: &str = "\
Examples:
  impresario completions bash > ~/.local/share/bash-completion/completions/impresario
  impresario completions zsh > ~/.zfunc/_impresario
  impresario completions fish > ~/.config/fish/completions/impresario.fish";

/// Print a script that completes verbs and flags in a shell.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Completions {
    /// The shell that reads the script.
    shell: Shell,
}

impl Completions {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let mut script = Vec::new();
        let mut command = Cli::command();
        let name = command.get_name().to_owned();
        clap_complete::generate(self.shell, &mut command, name, &mut script);
        Ok(output::print(&String::from_utf8_lossy(&script))?)
    }
}
