//! One run of a server under callgrind, and the client that drives it from this process.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};

use super::Subject;
use crate::Client;

/// A server that does not come to rest within so long hangs.
const PATIENCE: Duration = Duration::from_secs(60);

/// Counts the instructions of a server, from its start to its end, with that many requests in between.
pub(super) fn count(subject: Subject, requests: u64) -> anyhow::Result<u64> {
    let file =
        std::env::temp_dir().join(format!("callgrind-{}-{requests}-{}", subject.name(), std::process::id()));
    run(subject, requests, &file, &[])?;
    let total = total(&file)?;
    std::fs::remove_file(&file)?;
    Ok(total)
}

/// Runs a server under callgrind with that many requests, and leaves callgrind's file there: for
/// `callgrind_annotate` and KCachegrind. Nothing is recorded but what belongs to serving a request.
///
/// # Errors
/// As [`super::per_request`].
pub fn profile(subject: Subject, requests: u64, file: &Path) -> anyhow::Result<()> {
    run(subject, requests, file, &["--dump-instr=no", "--separate-callers=0"])
}

fn run(subject: Subject, requests: u64, file: &Path, options: &[&str]) -> anyhow::Result<()> {
    let server = Server::start(subject, file, options)?;
    server.feed(subject, requests)?;
    server.stop()
}

/// callgrind counts `rep movsb`, by which glibc copies long blocks on some processors, as one instruction for
/// each byte. With this, glibc copies by vectors.
const NO_REP_MOVSB: &str = "glibc.cpu.hwcaps=-ERMS,-FSRM";

/// A server process under callgrind.
struct Server {
    child: Child,
    address: SocketAddr,
}

impl Server {
    fn start(subject: Subject, file: &Path, options: &[&str]) -> anyhow::Result<Self> {
        let program = std::env::current_exe()?;
        let mut command = Command::new("valgrind");
        command.args(["--quiet", "--tool=callgrind"]).args(options);
        command.arg(format!("--callgrind-out-file={}", file.display())).arg(program).arg("serve");
        if let Subject::Bare { .. } = subject {
            command.arg(subject.reply_bytes()?.to_string());
        }
        // The size of the environment moves the stack, so it is the same everywhere.
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("GLIBC_TUNABLES", NO_REP_MOVSB);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().context("run valgrind; is it installed?")?;
        let stdout = child.stdout.take().context("take the server's output")?;
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line)?;
        let address = line.trim().parse().with_context(|| format!("the server said {line:?}"))?;
        Ok(Self { child, address })
    }

    /// Asks again and again over one connection, each time when the server has come to rest.
    fn feed(&self, subject: Subject, requests: u64) -> anyhow::Result<()> {
        let request = subject.workload().request(self.address)?;
        let mut client = Client::connect(self.address)?;
        for _ in 0..requests {
            self.wait_for_rest()?;
            let answer = client.ask(&request)?;
            ensure!(answer.holds(subject.expected()), "{} got a wrong answer", subject.name());
        }
        self.wait_for_rest()
    }

    /// Waits until every thread of the server sleeps. A request that came earlier would be found without the
    /// wait that the next one needs, and how often that happens depends on the machine.
    fn wait_for_rest(&self) -> anyhow::Result<()> {
        let started = Instant::now();
        while !self.is_at_rest()? {
            ensure!(started.elapsed() < PATIENCE, "the server does not come to rest");
            std::thread::yield_now();
        }
        Ok(())
    }

    fn is_at_rest(&self) -> anyhow::Result<bool> {
        let threads = PathBuf::from(format!("/proc/{}/task", self.child.id()));
        for thread in std::fs::read_dir(threads)? {
            let stat = std::fs::read_to_string(thread?.path().join("stat"))?;
            // `pid (name) state …`, and the name may hold anything.
            let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
            if state != Some('S') {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The end of its input tells the server to end.
    fn stop(mut self) -> anyhow::Result<()> {
        drop(self.child.stdin.take());
        let status = self.child.wait()?;
        ensure!(status.success(), "the server ended with {status}");
        Ok(())
    }
}

impl Drop for Server {
    /// After a failure nobody else would end it.
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            drop(self.child.kill());
            drop(self.child.wait());
        }
    }
}

/// The total that callgrind wrote.
fn total(file: &Path) -> anyhow::Result<u64> {
    let text = std::fs::read_to_string(file).with_context(|| format!("read {}", file.display()))?;
    for line in text.lines() {
        if let Some(total) = line.strip_prefix("summary: ").or_else(|| line.strip_prefix("totals: ")) {
            return total.trim().parse().context("read callgrind's total");
        }
    }
    bail!("{} has no total", file.display())
}
