//! A connection's bytes as HTTP sees them, in the clear or under TLS, and whether the peer is still there.
//!
//! Departure shows on the socket itself, below TLS: what tells it there is the end of the stream, which needs no key.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_rustls::server::TlsStream;

use super::stream::Stream;

/// The bytes, shared by whoever reads and writes them and whoever watches whether the peer is still there.
#[derive(Clone)]
pub(super) struct Wire(Rc<RefCell<Line>>);

/// An enum, so that nothing is called through a table for each read.
pub(super) enum Line {
    Plain(Raw),
    Tls(Box<TlsStream<Raw>>),
}

impl Line {
    /// What the operating system has of it.
    fn raw(&self) -> &Raw {
        match self {
            Self::Plain(raw) => raw,
            Self::Tls(stream) => stream.get_ref().0,
        }
    }
}

impl Wire {
    pub(super) fn new(line: Line) -> Self {
        Self(Rc::new(RefCell::new(line)))
    }

    /// Whether the peer has closed its side, and be it after a request that is still unread. Whoever asks is woken
    /// when it does.
    pub(super) fn is_closed(&self, task: &mut Context<'_>) -> bool {
        self.0.borrow().raw().is_closed(task)
    }

    pub(super) fn poll_read(&self, task: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut *self.0.borrow_mut() {
            Line::Plain(raw) => Pin::new(raw).poll_read(task, buffer),
            Line::Tls(stream) => Pin::new(stream).poll_read(task, buffer),
        }
    }

    /// Says goodbye to a peer that speaks TLS, however the connection ended, so that it can tell an end from a cut.
    /// What the socket does not take at once is not waited for.
    pub(super) async fn close(&self) {
        poll_fn(|task| {
            if let Line::Tls(stream) = &mut *self.0.borrow_mut() {
                let _ = Pin::new(stream).poll_shutdown(task);
            }
            Poll::Ready(())
        })
        .await;
    }
}

/// Calls a method of whichever line it is.
macro_rules! pinned {
    ($wire:expr, $it:ident => $call:expr) => {
        match &mut *$wire.0.borrow_mut() {
            Line::Plain(raw) => {
                let $it = Pin::new(&mut raw.stream);
                $call
            }
            Line::Tls(stream) => {
                let $it = Pin::new(stream);
                $call
            }
        }
    };
}

/// As `AsyncWrite`, for whoever holds one of several handles.
impl Wire {
    pub(super) fn poll_write(&self, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        pinned!(self, stream => stream.poll_write(task, bytes))
    }

    pub(super) fn poll_write_vectored(
        &self,
        task: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        pinned!(self, stream => stream.poll_write_vectored(task, slices))
    }

    pub(super) fn is_write_vectored(&self) -> bool {
        match &*self.0.borrow() {
            Line::Plain(raw) => raw.stream.is_write_vectored(),
            Line::Tls(stream) => stream.is_write_vectored(),
        }
    }

    pub(super) fn poll_flush(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        pinned!(self, stream => stream.poll_flush(task))
    }

    pub(super) fn poll_shutdown(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        pinned!(self, stream => stream.poll_shutdown(task))
    }
}

/// A socket whose peer is watched.
#[derive(Debug)]
pub(super) struct Raw {
    stream: Stream,
    /// The runtime was made to forget that there are bytes to be read; it tells only of what comes after them.
    has_unread: Cell<bool>,
}

impl Raw {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, has_unread: Cell::new(false) }
    }

    /// Waits until the peer has sent something, or left. What the runtime takes for readable may be empty.
    pub(super) async fn begins(&self) -> io::Result<()> {
        let mut room = [0; 1];
        poll_fn(|task| self.stream.poll_peek(task, &mut ReadBuf::new(&mut room))).await.map(drop)
    }

    fn is_closed(&self, task: &mut Context<'_>) -> bool {
        let mut room = [0; 1];
        let mut buffer = ReadBuf::new(&mut room);
        match self.stream.poll_peek(task, &mut buffer) {
            Poll::Ready(Ok(0) | Err(_)) => true,
            Poll::Ready(Ok(_)) => self.stream.is_read_closed(task) || self.looks_past_bytes(task),
            Poll::Pending => false,
        }
    }

    /// Whether the peer closed its side in this very moment. As long as the runtime knows of bytes it wakes nobody
    /// for the end behind them, so it is made to forget them: from here on `poll_read` looks for them by itself.
    fn looks_past_bytes(&self, task: &mut Context<'_>) -> bool {
        self.has_unread.set(true);
        match self.stream.poll_news(task) {
            Poll::Pending => false,
            // Something came since. What it is shows with the next look.
            Poll::Ready(ready) => {
                task.waker().wake_by_ref();
                ready.is_err()
            }
        }
    }
}

impl AsyncRead for Raw {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.has_unread.get() {
            let room = buffer.initialize_unfilled();
            let size = room.len();
            match this.stream.read_now(room) {
                Ok(count) => {
                    // What fills less than the room is all that there was.
                    this.has_unread.set(count == size);
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => this.has_unread.set(false),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Pin::new(&mut this.stream).poll_read(task, buffer)
    }
}

/// Written as the socket is; TLS writes through this.
impl AsyncWrite for Raw {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write(task, bytes)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().stream).poll_write_vectored(task, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(task)
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_shutdown(task)
    }
}
