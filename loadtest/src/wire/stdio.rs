//! A server on standard input and output: a child process, a message a line.

use std::process::Stdio as Pipe;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use std::future::{Future as _, poll_fn};
use std::ops::Range;
use std::pin::Pin;
use std::task::Poll;

use super::deadline::Deadline;
use super::http_sse::message;
use crate::check::{Answer, Checker, is_answer};
use crate::parse::response::RESPONSE_BYTES_MAX;
use crate::request::{Id, Request};
use crate::trouble::Trouble;

const BUFFER_BYTES: usize = 16 * 1024;

/// A child process and what it said last. Dropping it kills the child.
#[derive(Debug)]
pub struct Stdio {
    child: Child,
    stdin: ChildStdin,
    stdout: ChildStdout,
    buffer: Vec<u8>,
    /// What was received and not yet read as a line.
    unread: Range<usize>,
    /// The last answer.
    last: Range<usize>,
    deadline: Deadline,
}

impl Stdio {
    /// Starts the child.
    ///
    /// # Errors
    /// When it can't be started.
    ///
    /// # Panics
    /// When the command is empty.
    pub fn start(command: &[String]) -> Result<Self, Trouble> {
        let (program, arguments) = command.split_first().expect("a plan's command is not empty");
        let connect = |error: std::io::Error| Trouble::Connect(format!("start {program}: {error}"));
        let mut child = Command::new(program)
            .args(arguments)
            .stdin(Pipe::piped())
            .stdout(Pipe::piped())
            .stderr(Pipe::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(connect)?;
        let stdin = child.stdin.take().expect("its standard input is a pipe");
        let stdout = child.stdout.take().expect("its standard output is a pipe");
        let buffer = vec![0; BUFFER_BYTES];
        Ok(Self { child, stdin, stdout, buffer, unread: 0..0, last: 0..0, deadline: Deadline::default() })
    }

    /// Its process, while it lives.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Sends a message that has no answer.
    ///
    /// # Errors
    /// When the child does not read it.
    pub async fn tell(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        self.deadline.set(due);
        let (stdin, deadline) = (&mut self.stdin, &mut self.deadline);
        let mut write = std::pin::pin!(stdin.write_all(bytes));
        poll_fn(|ctx| match write.as_mut().poll(ctx) {
            Poll::Ready(written) => Poll::Ready(written.map_err(|error| Trouble::closed(&error))),
            Poll::Pending => deadline.poll(ctx).map(|()| Err(Trouble::Timeout)),
        })
        .await
    }

    /// Sends a request and waits for an answer, which [`Self::answer`] then shows.
    ///
    /// # Errors
    /// When the child is gone, or says nothing.
    pub async fn exchange(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        self.tell(bytes, due).await?;
        loop {
            self.last = self.line().await?;
            if !self.last.is_empty() && is_answer(&self.buffer[self.last.clone()]) {
                return Ok(());
            }
        }
    }

    /// Sends a request and checks its answer; says how long the answer is.
    ///
    /// # Errors
    /// What is wrong, with the child or with the answer.
    pub async fn ask(
        &mut self,
        request: &Request,
        id: Id,
        checker: &Checker,
        due: Instant,
    ) -> Result<usize, Trouble> {
        self.tell(request.bytes(), due).await?;
        loop {
            self.last = self.line().await?;
            let line = &self.buffer[self.last.clone()];
            if let Some(length) = checker.knows(line, id, None) {
                return Ok(length);
            }
            if !line.is_empty() && is_answer(line) {
                checker.check(&message(line), id, None)?;
                return Ok(line.len());
            }
        }
    }

    /// The last answer.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        message(&self.buffer[self.last.clone()])
    }

    /// Where the next line stands in the buffer, without its end.
    async fn line(&mut self) -> Result<Range<usize>, Trouble> {
        let mut seen = self.unread.start;
        loop {
            if let Some(found) = memchr::memchr(b'\n', &self.buffer[seen..self.unread.end]) {
                let (start, end) = (self.unread.start, seen + found);
                self.unread.start = end + 1;
                let end = if end > start && self.buffer[end - 1] == b'\r' { end - 1 } else { end };
                return Ok(start..end);
            }
            // Everything is moved to the buffer's front before more is read, so that it only grows with its lines.
            self.buffer.copy_within(self.unread.clone(), 0);
            self.unread = 0..self.unread.len();
            seen = self.unread.end;
            if seen == self.buffer.len() {
                if seen >= RESPONSE_BYTES_MAX {
                    return Err(Trouble::BadHttp("the line is too long".to_owned()));
                }
                self.buffer.resize(seen * 2, 0);
            }
            let mut into = ReadBuf::new(&mut self.buffer[seen..]);
            let (stdout, deadline) = (&mut self.stdout, &mut self.deadline);
            let read = poll_fn(|ctx| match Pin::new(&mut *stdout).poll_read(ctx, &mut into) {
                Poll::Ready(read) => Poll::Ready(read.map_err(|error| Trouble::closed(&error))),
                Poll::Pending => deadline.poll(ctx).map(|()| Err(Trouble::Timeout)),
            });
            read.await?;
            let length = into.filled().len();
            if length == 0 {
                let advice = "the server ended; run its command by itself to see why";
                return Err(Trouble::Closed(advice.to_owned()));
            }
            self.unread.end += length;
        }
    }
}
