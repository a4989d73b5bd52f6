//! The byte streams that HTTP is served on: TCP, or a Unix domain socket of this machine.

use std::io::{self, Read as _};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use impresario_engine::Caller;
use rustix::net::{RecvFlags, recv};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::unix;

/// Where connections come in.
#[derive(Debug)]
pub(super) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    /// The next connection, and whose it is.
    pub(super) async fn accept(&self) -> io::Result<(Stream, Caller)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, peer) = listener.accept().await?;
                Ok((Stream::Tcp(stream), Caller::from_address(peer.ip())))
            }
            Self::Unix(listener) => {
                let (stream, _) = listener.accept().await?;
                let caller = unix::caller(&stream);
                Ok((Stream::Unix(stream), caller))
            }
        }
    }
}

/// A connection's bytes.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Stream {
    /// Sends small answers at once.
    pub(super) fn set_nodelay(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nodelay(true),
            Self::Unix(_) => Ok(()),
        }
    }

    /// Whether the runtime has heard that the peer closed its side. It keeps that apart from the bytes before it.
    pub(super) fn is_read_closed(&self, task: &mut Context<'_>) -> bool {
        let ready = match self {
            Self::Tcp(stream) => pin!(stream.ready(Interest::READABLE)).poll(task),
            Self::Unix(stream) => pin!(stream.ready(Interest::READABLE)).poll(task),
        };
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_read_closed())
    }

    /// Makes the runtime forget what it has heard, and waits for something new.
    pub(super) fn poll_news(&self, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        let forget = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
        match self {
            Self::Tcp(stream) => {
                let _would_block = stream.try_io(Interest::READABLE, forget);
                stream.poll_read_ready(task)
            }
            Self::Unix(stream) => {
                let _would_block = stream.try_io(Interest::READABLE, forget);
                stream.poll_read_ready(task)
            }
        }
    }

    /// Takes what was received, whatever the runtime has heard of it.
    pub(super) fn read_now(&self, room: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => (&*SockRef::from(stream)).read(room),
            Self::Unix(stream) => (&*SockRef::from(stream)).read(room),
        }
    }

    /// Looks at what was received without taking it. Nothing is there when the peer has closed.
    pub(super) fn poll_peek(
        &self,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<usize>> {
        let stream = match self {
            Self::Tcp(stream) => return stream.poll_peek(task, buffer),
            Self::Unix(stream) => stream,
        };
        let room = buffer.initialize_unfilled();
        loop {
            ready!(stream.poll_read_ready(task))?;
            let peek = || Ok(recv(stream, &mut *room, RecvFlags::PEEK | RecvFlags::DONTWAIT)?.0);
            match stream.try_io(Interest::READABLE, peek) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                peeked => return Poll::Ready(peeked),
            }
        }
    }
}

/// Calls a method of whichever stream it is.
macro_rules! pinned {
    ($stream:expr, $it:ident => $call:expr) => {
        match $stream.get_mut() {
            Stream::Tcp(stream) => {
                let $it = Pin::new(stream);
                $call
            }
            Stream::Unix(stream) => {
                let $it = Pin::new(stream);
                $call
            }
        }
    };
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        pinned!(self, stream => stream.poll_read(task, buffer))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, task: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        pinned!(self, stream => stream.poll_write(task, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        pinned!(self, stream => stream.poll_write_vectored(task, slices))
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Self::Tcp(stream) => stream.is_write_vectored(),
            Self::Unix(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        pinned!(self, stream => stream.poll_flush(task))
    }

    fn poll_shutdown(self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<io::Result<()>> {
        pinned!(self, stream => stream.poll_shutdown(task))
    }
}
