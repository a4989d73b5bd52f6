//! `record`: sits between clients and a server until it is stopped, and writes a recording.

use std::convert::Infallible;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;

use tokio::net::TcpListener;

use crate::fault::Fault;
use crate::traffic::client;
use crate::traffic::pipe;
use crate::traffic::proxy::Proxy;
use crate::traffic::recorder::{Bounds, Recorder, Summary};
use crate::traffic::recording::{Reason, Side, Transport};
use crate::traffic::redaction;
use crate::units::Bytes;
use crate::url::Url;

/// Record what real clients ask a server, to play it again later.
#[derive(Debug, Clone, clap::Args)]
#[command(group = clap::ArgGroup::new("server").required(true).args(["to", "command"]))]
pub struct RecordOptions {
    /// Write to this file: JSON lines, readable by you alone, without credentials; bodies are kept as they are
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Be a proxy in front of the server at this URL
    #[arg(long, value_name = "URL")]
    pub to: Option<Url>,
    /// Be a server on stdio: start this one and pass lines on, so that a client starts `record` in its place
    #[arg(long, value_name = "COMMAND")]
    pub command: Option<String>,
    /// Where clients connect to; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0", conflicts_with = "command")]
    pub listen: SocketAddr,
    /// Stop recording, not the traffic, when the file has this size
    #[arg(long, value_name = "SIZE", default_value = "1GiB")]
    pub file_bytes_max: Bytes,
    /// Cut what is longer than this off a recorded body or event
    #[arg(long, value_name = "SIZE", default_value = "16MiB")]
    pub body_bytes_max: Bytes,
    /// Replace the file if there is one
    #[arg(long)]
    pub force: bool,
}

impl RecordOptions {
    /// Records until Ctrl-C, or over stdio until client or server end.
    ///
    /// # Errors
    /// When nothing can be recorded: no such address, no such command, no such file.
    pub async fn run(&self) -> Result<Summary, Fault> {
        match (&self.to, &self.command) {
            (Some(target), _) => {
                let proxying = self.proxy(target).await?;
                say(&format!("recording what comes to {} on its way to {}", proxying.url, shown(target)));
                proxying.until(stopped()).await
            }
            (None, Some(command)) => self.between(command).await,
            (None, None) => Err(Fault::plan("name the server with --to URL or --command COMMAND")),
        }
    }

    /// Begins to listen. Clients can connect once this returns.
    ///
    /// # Errors
    /// When the address can't be bound or the file can't be made.
    pub async fn proxy(&self, target: &Url) -> Result<Proxying, Fault> {
        let client = client::build(None)?;
        let listener = TcpListener::bind(self.listen).await.map_err(Fault::machine("listen"))?;
        let address = listener.local_addr().map_err(Fault::machine("listen"))?;
        let recorder = self.recorder(Transport::Http, shown(target))?;
        let proxy = Proxy::new(target.clone(), client, Arc::clone(&recorder));
        let url = format!("http://{address}{}", target.path);
        Ok(Proxying { url, listener, proxy, recorder })
    }

    async fn between(&self, command: &str) -> Result<Summary, Fault> {
        let words = shell_words::split(command)
            .map_err(|error| Fault::plan(format!("the command `{command}` can't be split: {error}")))?;
        let [program, arguments @ ..] = &words[..] else {
            return Err(Fault::plan("--command is empty; write a program and its arguments"));
        };
        let mut child = tokio::process::Command::new(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| Fault::plan(format!("start `{program}`: {error}")))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(Fault::plan("the command has no standard input and output"));
        };
        // Arguments may be secrets.
        let recorder = self.recorder(Transport::Stdio, program.clone())?;
        let asking = pipe::pass(Arc::clone(&recorder), Side::Client, tokio::io::stdin(), input);
        let answering = pipe::pass(Arc::clone(&recorder), Side::Server, output, tokio::io::stdout());
        // The client's end closes the server's input; it is over when the server has said its last.
        let asking = async {
            let _ = asking.await;
            std::future::pending::<Infallible>().await
        };
        let reason = tokio::select! {
            _ = answering => Reason::Ended,
            () = stopped() => Reason::Stopped,
            never = asking => match never {},
        };
        if reason == Reason::Ended {
            // It has closed its output; that it also exits is its own affair, and waited for like a client would.
            let _ = tokio::time::timeout(EXIT_WAIT, child.wait()).await;
        }
        finish(&recorder, reason)
    }

    fn recorder(&self, transport: Transport, target: String) -> Result<Arc<Recorder>, Fault> {
        let body_bytes_max = usize::try_from(self.body_bytes_max.0).unwrap_or(usize::MAX);
        let bounds = Bounds { file_bytes_max: self.file_bytes_max.0, body_bytes_max };
        Recorder::create(&self.file, self.force, transport, target, bounds).map(Arc::new)
    }
}

/// How long a server on stdio may take to exit after it closed its output.
const EXIT_WAIT: std::time::Duration = std::time::Duration::from_secs(5);

/// A proxy that listens.
#[derive(Debug)]
pub struct Proxying {
    /// Where clients connect to.
    pub url: String,
    listener: TcpListener,
    proxy: Arc<Proxy>,
    recorder: Arc<Recorder>,
}

impl Proxying {
    /// Serves until something resolves, and closes the recording.
    ///
    /// # Errors
    /// When the listener or the disk fails.
    pub async fn until(self, stop: impl Future<Output = ()>) -> Result<Summary, Fault> {
        let failed = tokio::select! {
            Err(error) = self.proxy.serve(self.listener) => Some(error),
            () = stop => None,
        };
        let summary = finish(&self.recorder, Reason::Stopped)?;
        failed.map_or(Ok(summary), |error| Err(Fault::machine("accept a connection")(error)))
    }
}

fn finish(recorder: &Recorder, reason: Reason) -> Result<Summary, Fault> {
    let summary = recorder.close(reason).map_err(Fault::machine("write the recording"))?;
    if summary.is_full {
        say("the file was full before the end; raise --file-bytes-max to record more");
    }
    Ok(summary)
}

/// A URL without the values of its query.
fn shown(url: &Url) -> String {
    Url { path: redaction::path(&url.path), ..url.clone() }.to_string()
}

/// Ctrl-C, or the signal by which services are stopped.
async fn stopped() {
    #[cfg(unix)]
    if let Ok(mut terminate) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        }
        return;
    }
    let _ = tokio::signal::ctrl_c().await;
}

/// A line on standard error; standard output may be the client's.
fn say(line: &str) {
    // Nobody may be listening there, and the recording goes on.
    let _ = writeln!(io::stderr().lock(), "{line}");
}
