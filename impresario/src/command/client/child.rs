//! A stdio server that a verb starts, and what it writes to standard error.
//!
//! Servers chat there while all is well, so it is kept back, and shown when something went wrong.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, PipeReader};
use std::process::Stdio;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context;
use rmcp::transport::TokioChildProcess;
use tokio::process::Command;

use super::super::output;
use super::reason;

/// The last lines that a server wrote.
#[derive(Debug)]
pub(crate) struct ServerLog {
    /// Shared with the thread that reads.
    lines: Arc<Mutex<VecDeque<String>>>,
    /// Closed by that thread when nothing more can come.
    ended: Receiver<()>,
}

/// Starts a server. Its standard error is ours if `show_log`, else it is kept.
pub(super) fn start(
    program: &str,
    arguments: &[String],
    show_log: bool,
) -> Result<(TokioChildProcess, Option<ServerLog>), anyhow::Error> {
    let mut command = Command::new(program);
    command.args(arguments).kill_on_drop(true);
    let builder = TokioChildProcess::builder(command);
    let started = |error: std::io::Error| reason::of_start(&error, program);
    if show_log {
        return Ok((builder.stderr(Stdio::inherit()).spawn().map_err(started)?.0, None));
    }
    let (reader, writer) = std::io::pipe().context("open a pipe")?;
    let (child, _) = builder.stderr(writer).spawn().map_err(started)?;
    Ok((child, Some(ServerLog::keep(reader).context("start a thread")?)))
}

impl ServerLog {
    fn keep(reader: PipeReader) -> std::io::Result<Self> {
        const LINES_MAX: usize = 40;
        let lines = Arc::<Mutex<VecDeque<String>>>::default();
        let (ended_tx, ended) = mpsc::sync_channel(0);
        let kept = Arc::clone(&lines);
        std::thread::Builder::new().name("server-log".into()).spawn(move || {
            let _closed_at_the_end = ended_tx;
            for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
                let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
                if kept.len() == LINES_MAX {
                    kept.pop_front();
                }
                kept.push_back(String::from_utf8_lossy(&line).into_owned());
            }
        })?;
        Ok(Self { lines, ended })
    }

    /// Shows what was kept. A server that has just ended gets a moment to be read to its last line.
    pub(crate) fn show(&self) {
        const MOMENT: Duration = Duration::from_millis(300);
        // Either way what there is can be shown.
        let _ = self.ended.recv_timeout(MOMENT);
        let lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().for_each(|line| output::tell_of_server(line));
    }
}
