//! A running program with everything it started: one process group that ends as one.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

use super::program::Program;
use super::settings::ProcessLimits;

/// A process group with the program at its head. Whoever drops it before it has ended kills all of it.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) child: Child,
    /// None once it has ended and nothing of it is left.
    id: Option<Pid>,
}

impl Group {
    /// Starts a program in a group of its own, without a shell, and with nothing of our environment.
    pub(super) fn start(
        program: &Program,
        argv: &[String],
        reads_stdin: bool,
        limits: &ProcessLimits,
    ) -> io::Result<Self> {
        let mut command = Command::new(&program.path);
        command.args(argv).env_clear().current_dir(&program.directory).process_group(0).kill_on_drop(true);
        command.envs(program.env.iter().map(|(name, value)| (name, value.reveal())));
        command.stdin(if reads_stdin { Stdio::piped() } else { Stdio::null() });
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = command.spawn()?;
        let id = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let group = Self { child, id };
        group.limit(limits)?;
        Ok(group)
    }

    /// Bounds what the program may use. It runs already: to bound it before it does would take code between fork
    /// and exec, which can't be written safely. What it starts later inherits the bounds.
    #[cfg(target_os = "linux")]
    fn limit(&self, limits: &ProcessLimits) -> io::Result<()> {
        use rustix::process::{Resource, Rlimit, prlimit};
        let cpu_s = limits.cpu.map(|cpu| cpu.0.as_secs().max(1));
        let bounds = [
            (Resource::Cpu, cpu_s),
            (Resource::As, limits.memory.map(|bytes| bytes.0)),
            (Resource::Nofile, limits.files),
            (Resource::Nproc, limits.processes),
            (Resource::Fsize, limits.file_size.map(|bytes| bytes.0)),
            // What it had in memory is nobody's to find.
            (Resource::Core, Some(0)),
        ];
        for (resource, bound) in bounds {
            if bound.is_none() {
                continue;
            }
            match prlimit(self.id, resource, Rlimit { current: bound, maximum: bound }) {
                // One that has ended already needs no bound.
                Ok(_) | Err(rustix::io::Errno::SRCH) => {}
                // The server's own is lower, and the program has that one.
                Err(rustix::io::Errno::PERM) => {
                    tracing::debug!(?resource, "a limit of a program is above that of the server");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    #[cfg(not(target_os = "linux"))]
    fn limit(&self, _limits: &ProcessLimits) -> io::Result<()> {
        Ok(())
    }

    /// Waits until the program has ended, then kills what it left behind.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped; the group still runs then.
    pub(super) async fn ended(&mut self) -> io::Result<ExitStatus> {
        let status = self.child.wait().await?;
        // The number is free now unless something of the group is left. Numbers are handed out in a circle, so
        // nobody else has it yet.
        self.signal(Signal::KILL);
        self.id = None;
        Ok(status)
    }

    /// Tells the group to end, and kills it when it has not after the grace.
    pub(super) async fn stop(&mut self, grace: Duration) -> io::Result<ExitStatus> {
        self.signal(Signal::TERM);
        if let Ok(ended) = tokio::time::timeout(grace, self.ended()).await {
            return ended;
        }
        self.signal(Signal::KILL);
        self.ended().await
    }

    fn signal(&self, signal: Signal) {
        if let Some(id) = self.id {
            // An error says that there is nobody left to be told.
            kill_process_group(id, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}
