//! One call: a program started, listened to, and ended, whatever becomes of whoever asked for it.
//!
//! Programs live on a thread of their pack, not on a lane: to start one takes the operating system a moment, and one
//! that was told to end has time for it although its call is gone. The call only waits for the answer. When it no
//! longer does, because it was taken back, ran out of time, or the server closes, the program is stopped.

use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::pin::pin;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use impresario_engine::{Context, OutputRule, ToolError, ToolResult};
use serde_json::{Map, Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::argv::Template;
use super::capture::Capture;
use super::process::Group;
use super::program::Program;
use super::settings::{Lines, ProcessLimits, Settings};

/// How long what a program wrote is waited for once it has ended: something it started may still hold the pipe.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// A tool that is open: shared by all of its calls.
#[derive(Debug)]
pub(super) struct Shop {
    /// Where its programs live. Taken only when the shop is closed.
    thread: Option<Runtime>,
    places: Arc<Semaphore>,
    wait: Duration,
    at_once: u32,
    job: Arc<Job>,
}

/// What every run of it has in common.
#[derive(Debug)]
struct Job {
    program: Program,
    template: Template,
    stdin: Option<String>,
    timeout: Duration,
    kill_grace: Duration,
    stdout_max: u64,
    stderr_max: u64,
    success: Vec<i32>,
    progress: Lines,
    limits: ProcessLimits,
}

/// How a run ended.
enum End {
    Exited(ExitStatus),
    TimedOut(ExitStatus),
    /// Nobody waits for it any more.
    Abandoned,
}

impl Shop {
    /// Opens a tool.
    pub(super) fn open(settings: &Settings, program: Program, template: Template) -> io::Result<Self> {
        let thread =
            Builder::new_multi_thread().worker_threads(1).thread_name("command").enable_all().build()?;
        let job = Job {
            program,
            template,
            stdin: settings.stdin.clone(),
            timeout: settings.timeout.0,
            kill_grace: settings.kill_grace.0,
            stdout_max: settings.stdout_max.0,
            stderr_max: settings.stderr_max.0,
            success: settings.success.clone(),
            progress: settings.progress,
            limits: settings.limits.clone(),
        };
        Ok(Self {
            thread: Some(thread),
            places: Arc::new(Semaphore::new(settings.at_once as usize)),
            wait: settings.wait.0,
            at_once: settings.at_once,
            job: Arc::new(job),
        })
    }

    /// Runs the program for a call.
    ///
    /// # Cancel safety
    /// The program is stopped when the future is dropped.
    pub(super) async fn run(&self, ctx: Context) -> Result<ToolResult, ToolError> {
        let Value::Object(mut arguments) = ctx.arguments_value() else {
            return Err(ToolError::from("the arguments must be an object"));
        };
        let stdin = self.job.stdin.as_ref().map(|name| match arguments.remove(name) {
            Some(Value::String(text)) => text,
            _ => String::new(),
        });
        let argv = self.job.template.fill(&arguments)?;
        let place = self.place().await?;
        let (answer_tx, answer_rx) = oneshot::channel();
        let Some(thread) = &self.thread else { return Err(ToolError::from("the server is shutting down")) };
        let job = Arc::clone(&self.job);
        thread.spawn(async move { job.run(argv, stdin, ctx, place, answer_tx).await });
        // It is dropped unanswered only when the server goes down.
        answer_rx.await.unwrap_or_else(|_| Err(ToolError::from("the server is shutting down")))
    }

    /// A place among those that run at once.
    async fn place(&self) -> Result<OwnedSemaphorePermit, ToolError> {
        let place = Arc::clone(&self.places).acquire_owned();
        match tokio::time::timeout(self.wait, place).await {
            Ok(Ok(place)) => Ok(place),
            _ => {
                let at_once = self.at_once;
                Err(ToolError::new(format!("{at_once} of these run already (at_once); call again later")))
            }
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Every program that is left is killed when its task is dropped. Nobody may be kept waiting here: this may
        // be a lane.
        if let Some(thread) = self.thread.take() {
            thread.shutdown_background();
        }
    }
}

impl Job {
    /// Runs the program, and holds its place until nothing of it is left.
    async fn run(
        &self,
        argv: Vec<String>,
        stdin: Option<String>,
        ctx: Context,
        place: OwnedSemaphorePermit,
        mut answer_tx: oneshot::Sender<Result<ToolResult, ToolError>>,
    ) {
        let (mut out, mut err) = (Capture::head(self.stdout_max), Capture::tail(self.stderr_max));
        let ended = match Group::start(&self.program, &argv, stdin.is_some(), &self.limits) {
            Ok(group) => self.attend(group, stdin, &ctx, (&mut out, &mut err), answer_tx.closed()).await,
            Err(error) => Err(error),
        };
        drop(place);
        let answer = match ended {
            Ok(End::Exited(status)) => Ok(self.result(status, out, err, false)),
            Ok(End::TimedOut(status)) => Ok(self.result(status, out, err, true)),
            Ok(End::Abandoned) => return,
            Err(error) => {
                tracing::error!(program = %self.program.path.display(), %error, "a program can't be run");
                Err(ToolError::new(format!("the program can't be run: {}", error.kind())))
            }
        };
        // Refused when nobody waits any more.
        drop(answer_tx.send(answer));
    }

    /// Feeds the program, listens to it, and stays until it has ended.
    async fn attend(
        &self,
        mut group: Group,
        stdin: Option<String>,
        ctx: &Context,
        (out, err): (&mut Capture, &mut Capture),
        abandoned: impl Future<Output = ()>,
    ) -> io::Result<End> {
        let (stdout, stderr) = (group.child.stdout.take(), group.child.stderr.take());
        let fed = feed(group.child.stdin.take(), stdin);
        let mut lines = 0.0;
        let mut tell = |line: &str| {
            lines += 1.0;
            ctx.progress(lines, None, Some(&OutputRule::clean().clean_text(line)));
        };
        let streams = async {
            match self.progress {
                Lines::Stdout => tokio::join!(fed, out.read(stdout, &mut tell), err.read(stderr, |_| {})),
                Lines::Stderr => tokio::join!(fed, out.read(stdout, |_| {}), err.read(stderr, &mut tell)),
                Lines::None => tokio::join!(fed, out.read(stdout, |_| {}), err.read(stderr, |_| {})),
            }
        };
        let (mut streams, mut abandoned) = (pin!(streams), pin!(abandoned));
        let mut alarm = pin!(tokio::time::sleep(self.timeout));
        let mut is_drained = false;
        let end = loop {
            tokio::select! {
                status = group.ended() => break End::Exited(status?),
                _ = &mut streams, if !is_drained => is_drained = true,
                () = &mut alarm => break End::TimedOut(group.stop(self.kill_grace).await?),
                () = &mut abandoned => {
                    group.stop(self.kill_grace).await?;
                    return Ok(End::Abandoned);
                }
            }
        };
        if !is_drained {
            // Whatever holds the pipe now has left the group; it is not waited for.
            tokio::time::timeout(DRAIN_TIMEOUT, streams).await.ok();
        }
        Ok(end)
    }

    fn result(&self, status: ExitStatus, out: Capture, err: Capture, timed_out: bool) -> ToolResult {
        let is_success = !timed_out && status.code().is_some_and(|code| self.success.contains(&code));
        let mut result = Map::new();
        result.insert("exit_code".into(), json!(status.code()));
        result.insert("signal".into(), json!(status.signal()));
        result.insert("timed_out".into(), json!(timed_out));
        result.insert("truncated".into(), json!(out.is_cut() || err.is_cut()));
        result.insert("stdout_bytes".into(), json!(out.bytes));
        result.insert("stderr_bytes".into(), json!(err.bytes));
        result.insert("stdout".into(), json!(out.into_text()));
        result.insert("stderr".into(), json!(err.into_text()));
        ToolResult { is_error: !is_success, ..ToolResult::structured(Value::Object(result)) }
    }
}

/// The schema of what a run answers.
pub(super) fn output_schema() -> Value {
    let described = |kind: Value, text: &str| json!({ "type": kind, "description": text });
    json!({
        "type": "object",
        "properties": {
            "exit_code": described(json!(["integer", "null"]), "null when a signal has ended it"),
            "signal": described(json!(["integer", "null"]), "the signal that has ended it"),
            "timed_out": described(json!("boolean"), "it ran too long and was ended"),
            "truncated": described(json!("boolean"), "there was more than is shown: the end of stdout or the beginning of stderr is missing"),
            "stdout_bytes": described(json!("integer"), "how much it wrote to standard output"),
            "stderr_bytes": described(json!("integer"), "how much it wrote to standard error"),
            "stdout": described(json!("string"), "what it wrote to standard output"),
            "stderr": described(json!("string"), "what it wrote to standard error"),
        },
        "required": ["exit_code", "timed_out", "truncated", "stdout", "stderr"],
    })
}

/// Writes what the program reads, and closes its standard input.
async fn feed(stdin: Option<tokio::process::ChildStdin>, text: Option<String>) {
    if let (Some(mut stdin), Some(text)) = (stdin, text) {
        // A program need not read all of it.
        stdin.write_all(text.as_bytes()).await.ok();
    }
}
