//! A server that we start, bind to cores, wait for, and end, whatever happens to us.
//!
//! It gets a process group of its own, because a command like `npx server` does its work in a child, and that group is
//! what is ended: asked first (SIGTERM), then not asked (SIGKILL). What it writes is drained, so that it never blocks
//! on a full pipe, and the last lines are kept for when it does not start.

mod affinity;
mod tail;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group, test_kill_process_group};
use tokio::net::TcpStream;
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

pub use self::affinity::allowed_cores;
use self::tail::Tail;

/// Between two looks at whether a server answers, or has ended.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// What stands for the port in a server's command.
const PORT: &str = "{port}";

/// How to start a server.
#[derive(Debug, Clone)]
pub struct Launch {
    /// What it is called in messages.
    pub name: String,
    /// The program and its arguments; `{port}` in them becomes a free port.
    pub command: Vec<String>,
    /// The path of its endpoint, like `/mcp`.
    pub path: String,
    /// The cores it may use; none means all.
    pub cores: Vec<usize>,
    /// How long it may take until it answers.
    pub start_timeout: Duration,
    /// How long it may take to end when asked.
    pub stop_timeout: Duration,
}

/// Why a server was not started.
#[derive(Debug, thiserror::Error)]
pub enum LaunchError {
    /// Its program could not be run.
    #[error("start {name} with `{command}`: {source}")]
    Spawn {
        /// What the server is called.
        name: String,
        /// Its command.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// It ended before it answered.
    #[error("{name} ended with {status} before it answered{said}")]
    Ended {
        /// What the server is called.
        name: String,
        /// How it ended.
        status: String,
        /// The last lines it wrote.
        said: String,
    },
    /// It did not answer in time.
    #[error(
        "{name} did not answer on port {port} within {seconds} s: put {{port}} into its command where it listens{said}"
    )]
    Silent {
        /// What the server is called.
        name: String,
        /// Where it was expected.
        port: u16,
        /// How long it was waited for.
        seconds: f64,
        /// The last lines it wrote.
        said: String,
    },
    /// The system gave no port or no pipe.
    #[error("prepare the start of {name}: {source}")]
    Prepare {
        /// What the server is called.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A server that runs. Dropped, it is killed with all that it started.
#[derive(Debug)]
pub struct Server {
    /// Its leader; dropping it alone would leave what it started.
    child: Child,
    group: Pid,
    port: u16,
    url: String,
    stop_timeout: Duration,
}

impl Server {
    /// Starts a server and waits until it takes connections.
    ///
    /// # Errors
    /// If it can't be started, ends at once, or does not answer in time; nothing of it is left then.
    ///
    /// # Cancel safety
    /// Dropping the future kills what was started.
    pub async fn start(launch: &Launch) -> Result<Self, LaunchError> {
        let name = launch.name.clone();
        let prepare = |source| LaunchError::Prepare { name: name.clone(), source };
        let port = free_port().map_err(prepare)?;
        let (tail, writer) = Tail::new().map_err(prepare)?;
        let command: Vec<String> =
            launch.command.iter().map(|word| word.replace(PORT, &port.to_string())).collect();
        let spawn = |source| LaunchError::Spawn { name: name.clone(), command: command.join(" "), source };
        let (program, arguments) =
            command.split_first().ok_or_else(|| spawn(io::ErrorKind::InvalidInput.into()))?;
        let mut prepared = Command::new(program);
        prepared.args(arguments).env("PORT", port.to_string()).stdin(Stdio::null()).kill_on_drop(true);
        prepared.stdout(writer.try_clone().map_err(prepare)?).stderr(writer).process_group(0);
        let child = affinity::with_cores(&launch.cores, || prepared.spawn()).map_err(spawn)?;
        // The command holds our ends of the pipe, and the tail would never see its end.
        drop(prepared);
        let pid = child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        let group = pid.ok_or_else(|| spawn(io::Error::other("it has no process id")))?;
        let url = format!("http://127.0.0.1:{port}{}", launch.path);
        let mut server = Self { child, group, port, url, stop_timeout: launch.stop_timeout };
        server.wait_until_it_answers(launch, &tail).await?;
        Ok(server)
    }

    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process, the leader of its group.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.group.as_raw_pid().unsigned_abs()
    }

    /// Asks it to end, and ends it if it does not.
    pub async fn stop(mut self) {
        let _ = kill_process_group(self.group, Signal::TERM);
        let ended = async {
            let _ = self.child.wait().await;
            while test_kill_process_group(self.group).is_ok() {
                sleep(LOOK_EVERY).await;
            }
        };
        if timeout(self.stop_timeout, ended).await.is_err() {
            let _ = kill_process_group(self.group, Signal::KILL);
            let _ = self.child.wait().await;
        }
    }

    async fn wait_until_it_answers(&mut self, launch: &Launch, tail: &Tail) -> Result<(), LaunchError> {
        let deadline = Instant::now() + launch.start_timeout;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        loop {
            let connected = timeout(launch.start_timeout, TcpStream::connect(address)).await;
            let name = launch.name.clone();
            // First whether it lives: if another process took the port, that one would answer.
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(LaunchError::Ended {
                    name,
                    status: status.to_string(),
                    said: tail.last_words().await,
                });
            }
            if matches!(connected, Ok(Ok(_))) {
                return Ok(());
            }
            if Instant::now() >= deadline {
                let seconds = launch.start_timeout.as_secs_f64();
                return Err(LaunchError::Silent {
                    name,
                    port: self.port,
                    seconds,
                    said: tail.words_so_far(),
                });
            }
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = kill_process_group(self.group, Signal::KILL);
        // Collected here if it is gone already, else by the runtime, which was told to kill on drop.
        let _ = self.child.try_wait();
    }
}

/// A port that is free now. Another process may take it before the server does; then the server says so and ends.
fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

#[cfg(test)]
mod tests;
