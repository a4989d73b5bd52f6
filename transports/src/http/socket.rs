//! A socket that a slow peer can't hold for ever: time limits on idleness, on a request's head, and on writes.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::pulse::Pulse;
use super::wire::Wire;

/// A socket with its time limits.
pub(super) struct Socket {
    stream: Wire,
    pulse: Rc<Pulse>,
    /// Rings when the connection may be due. It is not set anew for each request: when it rings too early it
    /// is set to the time that then holds.
    alarm: Option<Pin<Box<Sleep>>>,
    /// Who is woken by the alarm.
    woken: Option<Waker>,
    stall_timeout: Duration,
    /// Runs while a write waits for the peer.
    stall_alarm: Option<Pin<Box<Sleep>>>,
    /// The connection's first bytes, which were looked at and are still to be read.
    first: First,
}

/// How every HTTP/2 connection begins (RFC 9113, 3.4).
const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// What came first on a connection, when it was looked at to tell whether it is HTTP/2.
#[derive(Default)]
struct First {
    /// Given back as soon as all of it was read.
    bytes: Vec<u8>,
    /// How much of it was read.
    read: usize,
}

impl Socket {
    pub(super) fn new(stream: Wire, pulse: Rc<Pulse>, stall_timeout: Duration) -> Self {
        Self {
            stream,
            pulse,
            alarm: None,
            woken: None,
            stall_timeout,
            stall_alarm: None,
            first: First::default(),
        }
    }

    /// Whether the connection begins as HTTP/2 does. What was looked at can still be read.
    ///
    /// # Errors
    /// When the connection fails, or the peer is quiet for longer than it may.
    pub(super) async fn begins_as_http2(&mut self) -> io::Result<bool> {
        while self.first.bytes.len() < PREFACE.len() {
            let read = poll_fn(|task| self.poll_first(task)).await?;
            let begun = self.first.bytes.len().min(PREFACE.len());
            if read == 0 || !PREFACE.starts_with(&self.first.bytes[..begun]) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Reads what is looked at, and says how much came.
    fn poll_first(&mut self, task: &mut Context<'_>) -> Poll<io::Result<usize>> {
        /// Nearly every first request fits, and hyper then finds it whole.
        const ROOM_BYTES: usize = 2 * 1024;
        let mut room = [0; ROOM_BYTES];
        let mut buffer = ReadBuf::new(&mut room);
        ready!(self.poll_stream(task, &mut buffer))?;
        self.first.bytes.extend_from_slice(buffer.filled());
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// Reads from the peer, who must not be quiet for longer than it may.
    fn poll_stream(&mut self, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = self.stream.poll_read(task, buffer);
        if read.is_ready() {
            let bytes = &buffer.filled()[before..];
            if !bytes.is_empty() {
                self.pulse.on_bytes(bytes);
            }
            return read;
        }
        if self.is_overdue(task) {
            return Poll::Ready(Err(timed_out(
                "the peer was quiet (keep_alive_timeout_ms, header_timeout_ms)",
            )));
        }
        Poll::Pending
    }

    /// Whether the peer has been quiet for longer than it may.
    fn is_overdue(&mut self, task: &mut Context<'_>) -> bool {
        loop {
            let Some(due) = self.pulse.due() else { return false };
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(due)));
            if alarm.deadline() > due {
                alarm.as_mut().reset(due);
            } else if !alarm.is_elapsed() && self.woken.as_ref().is_some_and(|it| it.will_wake(task.waker()))
            {
                // It was polled before, and wakes this task in time.
                return false;
            }
            self.woken = Some(task.waker().clone());
            if alarm.as_mut().poll(task).is_pending() {
                return false;
            }
            if due <= Instant::now() {
                return true;
            }
            alarm.as_mut().reset(due);
            self.woken = None;
        }
    }

    /// Passes a write on; one that has waited too long for the peer is an error, which ends the connection.
    fn guard_write<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        task: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall_alarm = None;
            return written;
        }
        let due = self.stall_timeout;
        let alarm = self.stall_alarm.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + due)));
        if alarm.as_mut().poll(task).is_ready() {
            return Poll::Ready(Err(timed_out("the peer takes nothing (sse_send_stall_ms)")));
        }
        Poll::Pending
    }
}

fn timed_out(text: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, text)
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let First { bytes, read } = &mut this.first;
        if *read < bytes.len() {
            let count = buffer.remaining().min(bytes.len() - *read);
            buffer.put_slice(&bytes[*read..*read + count]);
            *read += count;
            if *read == bytes.len() {
                this.first = First::default();
            }
            return Poll::Ready(Ok(()));
        }
        this.poll_stream(task, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.stream.poll_write(task, bytes);
        this.guard_write(written, task)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = this.stream.poll_write_vectored(task, slices);
        this.guard_write(written, task)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = this.stream.poll_flush(task);
        this.guard_write(flushed, task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let closed = this.stream.poll_shutdown(task);
        this.guard_write(closed, task)
    }
}
