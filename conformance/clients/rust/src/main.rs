//! The official Rust client, `rmcp`, asked the same questions as the Python and TypeScript ones.
//!
//! It stands outside of the workspace on purpose: nothing of Impresario may be linked in, or it would prove nothing.

mod asking;
mod checks;
mod connection;
mod person;
mod tasks;

use std::process::ExitCode;
use std::time::Duration;

use checks::{Check, Outcome};
use connection::{Connection, Target};
use person::Role;

const CHECK_TIMEOUT: Duration = Duration::from_secs(30);
/// As `Cargo.toml` pins it; the library does not tell.
const RMCP_VERSION: &str = "3.9.0";
const LEGACY: &str = "2025-11-25";
const MODERN: &str = "2026-07-28";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(target) = Target::parse(&arguments) else {
        eprintln!("usage: rmcp-client --http URL | --stdio 'COMMAND ARGUMENT…'");
        return ExitCode::from(2);
    };
    let sessions = [
        (LEGACY, Role::Plain, checks::ALL),
        (LEGACY, Role::Answering, asking::ALL),
        (MODERN, Role::Plain, checks::ALL),
        (MODERN, Role::Answering, asking::ALL),
        // The library has dropped the tasks of 2025-11-25.
        (MODERN, Role::WithTasks, tasks::ALL),
    ];
    let mut passed = 0;
    for (revision, role, checks) in sessions {
        if let Err(failure) = run(&target, revision, role, checks, &mut passed).await {
            println!("FAIL  {failure}");
            println!("{passed} passed, 1 failed");
            return ExitCode::FAILURE;
        }
    }
    println!("{passed} passed, 0 failed");
    ExitCode::SUCCESS
}

/// Connects in one era and runs every check in order; the first mismatch ends it.
async fn run(
    target: &Target,
    revision: &'static str,
    role: Role,
    checks: &[(&str, Check)],
    passed: &mut usize,
) -> Result<(), String> {
    let label = format!("rmcp {RMCP_VERSION} {} {revision}{}", target.transport(), role.title());
    let mut report = |name: &str, outcome: Outcome| {
        outcome.map_err(|reason| format!("{label}: {name}: {reason}"))?;
        *passed += 1;
        println!("ok    {label}: {name}");
        Ok::<(), String>(())
    };
    let connecting = format!("agrees_on_{revision}");
    let connection = match within(Connection::open(target, revision, role)).await {
        Ok(connection) => connection,
        Err(reason) => return report(&connecting, Err(reason)),
    };
    report(&connecting, connection.agreed_on(revision))?;
    for (name, check) in checks {
        if connection.is_modern() && *name == checks::LEGACY_ONLY {
            continue;
        }
        report(name, within(check(&connection)).await)?;
    }
    report("closes", within(connection.close()).await)
}

/// A server that never answers must end the run with a sentence, not hang it.
async fn within<T>(work: impl Future<Output = Result<T, String>>) -> Result<T, String> {
    let outcome = tokio::time::timeout(CHECK_TIMEOUT, work).await;
    outcome.unwrap_or_else(|_| Err(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())))
}
