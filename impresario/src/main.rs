//! The command `impresario`: reads its arguments, and runs the verb that they name.
//!
//! Everything else is in the library's `command` module. The tokio runtime here carries little: the lanes of
//! a served runtime are threads of their own.
#![forbid(unsafe_code)]

use std::process::ExitCode;
use std::time::Duration;

use impresario::command::{self, Cli};

/// What is left of a verb when it is done (a blocking read, a child that is being reaped) may take so long.
const FAREWELL: Duration = Duration::from_millis(200);

fn main() -> ExitCode {
    let cli = Cli::from_arguments(std::env::args_os());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("impresario")
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => {
            let code = runtime.block_on(command::run(cli));
            runtime.shutdown_timeout(FAREWELL);
            code
        }
        Err(error) => command::fail(anyhow::Error::new(error).context("start a thread")),
    }
}
