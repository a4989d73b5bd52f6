//! A socket that a slow peer can't hold for ever: time limits on a request's head and on writes.

use std::cell::Cell;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

/// Where a connection is between two requests. Written by the service, read by the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// Nothing of the next request has come.
    Idle,
    /// A part of the next request's head has come.
    Head(Instant),
    /// A request is being answered.
    Busy,
    /// HTTP/2, where requests overlap and hyper looks after the connection.
    Exempt,
}

/// The phase, shared between a connection's socket and its service.
pub(super) type SharedPhase = Rc<Cell<Phase>>;

/// A TCP socket with its time limits.
pub(super) struct Socket {
    stream: TcpStream,
    phase: SharedPhase,
    head_timeout: Duration,
    /// Runs while a part of a head has come; made when it is first needed.
    head_timer: Option<Pin<Box<Sleep>>>,
    stall_timeout: Duration,
    /// Runs while a write waits for the peer.
    stall_timer: Option<Pin<Box<Sleep>>>,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, phase: SharedPhase, head_timeout: Duration, stall_timeout: Duration) -> Self {
        Self { stream, phase, head_timeout, head_timer: None, stall_timeout, stall_timer: None }
    }

    /// Whether a head that has begun has taken too long.
    fn is_head_late(&mut self, task: &mut Context<'_>) -> bool {
        let Phase::Head(since) = self.phase.get() else {
            self.head_timer = None;
            return false;
        };
        let due = since + self.head_timeout;
        let timer = self.head_timer.get_or_insert_with(|| Box::pin(sleep_until(due)));
        timer.as_mut().poll(task).is_ready()
    }

    /// Passes a write on; one that has waited too long for the peer is an error, which ends the connection.
    fn guard_write<T>(&mut self, written: Poll<io::Result<T>>, task: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall_timer = None;
            return written;
        }
        let stall_timeout = self.stall_timeout;
        let timer = self.stall_timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + stall_timeout)));
        if timer.as_mut().poll(task).is_ready() {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer takes nothing (sse_send_stall_ms)")));
        }
        Poll::Pending
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        /// How every HTTP/2 connection begins (RFC 9113, 3.4).
        const HTTP2_PREFACE: &[u8] = b"PRI ";
        let this = self.get_mut();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(task, buffer);
        if read.is_ready() {
            let bytes = &buffer.filled()[before..];
            if this.phase.get() == Phase::Idle && !bytes.is_empty() {
                let is_http2 = bytes.starts_with(HTTP2_PREFACE);
                this.phase.set(if is_http2 { Phase::Exempt } else { Phase::Head(Instant::now()) });
            }
            return read;
        }
        if this.is_head_late(task) {
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "a request's head came too slowly")));
        }
        Poll::Pending
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(task, bytes);
        this.guard_write(written, task)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(task, slices);
        this.guard_write(written, task)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let flushed = Pin::new(&mut this.stream).poll_flush(task);
        this.guard_write(flushed, task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let closed = Pin::new(&mut this.stream).poll_shutdown(task);
        this.guard_write(closed, task)
    }
}
