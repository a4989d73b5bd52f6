//! The command as a child of a test: run to its end, or spoken to while it runs. Nothing here waits by the
//! clock: what a test waits for is a line, or the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStderr, ChildStdout, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_impresario");

/// The command, with nothing of the caller's environment that it would heed.
pub(crate) fn impresario(arguments: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    let ours = std::env::vars_os()
        .map(|(name, _)| name)
        .filter(|name| name.to_string_lossy().starts_with("IMPRESARIO_"));
    for name in ours {
        command.env_remove(name);
    }
    command.env_remove("RUST_LOG").env_remove("RUST_BACKTRACE").args(arguments).stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    impresario(arguments).output().unwrap()
}

/// What a finished command wrote, and its exit code.
pub(crate) fn text(output: &Output) -> (String, String, Option<i32>) {
    let read = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (read(&output.stdout), read(&output.stderr), output.status.code())
}

pub(crate) fn printed_json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("standard output is one JSON document")
}

/// A server on a free port, stopped when the test is over.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) stderr: BufReader<ChildStderr>,
    pub(crate) url: String,
}

impl Server {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let http: &[&str] = if arguments.contains(&"--http") { &[] } else { &["--http", "127.0.0.1:0"] };
        Self::with(impresario(&[&["serve"], http].concat()).args(arguments))
    }

    pub(crate) fn with(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let url = url_announced(&mut stderr);
        Self { child, stderr, url }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// Waits for the end, and has the exit code and what came on standard output and standard error.
    pub(crate) fn ended(mut self) -> (Option<i32>, String, String) {
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        self.stderr.read_to_string(&mut err).unwrap();
        (self.child.wait().unwrap().code(), out, err)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already, as the test wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn url_announced(stderr: &mut impl BufRead) -> String {
    let mut seen = String::new();
    loop {
        let start = seen.len();
        assert_ne!(stderr.read_line(&mut seen).unwrap(), 0, "the server ended: {seen}");
        if let Some(url) = seen[start..].trim_end().strip_prefix("listening on ") {
            return url.to_owned();
        }
    }
}

/// Reads lines until one has that text.
pub(crate) fn await_line(lines: &mut impl BufRead, part: &str) {
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "ended without a line with `{part}`");
    }
}

/// A server on standard input and output, spoken to by hand in the handshake's era.
pub(crate) struct Talk {
    pub(crate) child: Child,
    pub(crate) stdout: BufReader<ChildStdout>,
    pub(crate) stderr: BufReader<ChildStderr>,
}

impl Talk {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = impresario(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::with(command)
    }

    /// A server whose parent is a shell that we started, and not we.
    pub(crate) fn start_in_a_wrapper(arguments: &str) -> Self {
        let mut command = Command::new("sh");
        // The shell stays, because something is left for it to do.
        command.args(["-c", &format!("\"$0\" {arguments}; true"), BINARY]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self::with(command)
    }

    fn with(mut command: Command) -> Self {
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let stderr = BufReader::new(child.stderr.take().unwrap());
        Self { child, stdout, stderr }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn say(&mut self, message: &Value) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{message}").unwrap();
    }

    pub(crate) fn hear(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).expect("every line is a message")
    }

    pub(crate) fn shake_hands(&mut self) {
        let client = json!({ "name": "test", "version": "0" });
        let params = json!({ "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": client });
        self.say(&json!({ "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": params }));
        assert_eq!(self.hear()["result"]["protocolVersion"], "2025-11-25");
        self.say(&json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }));
    }

    /// What is still to come on standard output, and the exit code.
    pub(crate) fn ended(mut self) -> (Vec<Value>, Option<i32>) {
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        let messages = rest.lines().map(|line| serde_json::from_str(line).expect("every line is a message"));
        (messages.collect(), self.child.wait().unwrap().code())
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
