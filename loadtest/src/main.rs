//! The command `impresario-loadtest`: reads its arguments and runs what they name. Everything else is in the library.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use impresario_loadtest::command::{self, Cli};

fn main() -> ExitCode {
    let cli = Cli::from_arguments(std::env::args_os());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(command::run(cli));
            // A read of standard input that nobody ends (`record --command`) must not keep us here.
            runtime.shutdown_background();
            code
        }
        Err(error) => command::fail(&anyhow::Error::new(error).context("start a runtime")),
    }
}
