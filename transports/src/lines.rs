//! Newline-delimited JSON over any pair of byte streams: what stdio speaks, and what pipes and sockets can.
//!
//! One connection carries one client's messages; answers go out as they come, in any order. At the end of
//! the input what runs is finished and answered, then the connection ends.

use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use impresario_codec::{Line, LineDecoder};
use impresario_engine::gate::Entry;
use impresario_engine::session::{Connection, ConnectionKind, Stage, error_reply};
use impresario_engine::{Caller, Dialect, Runtime};
use impresario_protocol::{Id, Limits, McpError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::accepting;
use crate::conversation::{Conversation, Out as _};
use crate::incoming::{self, Incoming};
use crate::unix::{self, SocketFile, UnixSocket};

pub(crate) use outgoing::{LineReceiver, LineSender, outgoing};

mod outgoing;

/// Chunks that were read and not yet looked at.
const IN_CHUNKS_MAX: usize = 4;
const CHUNK_BYTES: usize = 64 * 1024;

/// Serves a pair of byte streams until the input ends and everything is answered.
///
/// # Errors
/// When the runtime is busy or has shut down.
pub async fn serve<R, W>(runtime: &Runtime, input: R, output: W) -> io::Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (chunk_tx, chunk_rx) = mpsc::channel(IN_CHUNKS_MAX);
    let (out_tx, out_rx) = outgoing(&runtime.shared().limits);
    let ended = converse_on_lane(runtime, chunk_rx, out_tx)?;
    let written = carry(input, output, chunk_tx, out_rx, None).await;
    // An error says that the lane has ended, and the conversation with it.
    drop(ended.await);
    written
}

/// Carries bytes between a pair of streams and a conversation, until everything is written that there is to write.
/// With a `stall_timeout`, a reader that takes nothing for so long is an error; for an eighth of it, when more waits
/// than there is room for.
async fn carry<R, W>(
    mut input: R,
    mut output: W,
    chunks: mpsc::Sender<Bytes>,
    mut lines: LineReceiver,
    stall_timeout: Option<Duration>,
) -> io::Result<()>
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    let read = async {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(length @ 1..) = input.read(&mut chunk).await {
            if chunks.send(Bytes::copy_from_slice(&chunk[..length])).await.is_err() {
                break;
            }
        }
        drop(chunks);
        // The input is over; what is still to be written decides when the whole is.
        std::future::pending::<()>().await;
    };
    let write = async {
        while let Some(line) = lines.next().await {
            match stall_timeout {
                None => output.write_all(&line.bytes).await?,
                Some(timeout) => write_line(&mut output, &line.bytes, timeout, || lines.is_over()).await?,
            }
            drop(line);
            if lines.is_empty() {
                output.flush().await?;
            }
        }
        output.shutdown().await
    };
    tokio::select! {
        () = read => Ok(()),
        written = write => written,
    }
}

async fn write_line<W>(
    output: &mut W,
    line: &[u8],
    stall_timeout: Duration,
    is_over: impl Fn() -> bool,
) -> io::Result<()>
where
    W: AsyncWrite + Unpin,
{
    const LOOKS: u32 = 8;
    let (mut rest, mut looks) = (line, 0);
    while !rest.is_empty() {
        match tokio::time::timeout(stall_timeout / LOOKS, output.write(rest)).await {
            Ok(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => (rest, looks) = (&rest[written?..], 0),
            Err(_elapsed) if is_over() => {
                let text = "the peer takes nothing of what waits for it (sse_out_bytes_max)";
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            Err(_elapsed) => looks += 1,
        }
        if looks == LOOKS {
            let text = "the peer takes nothing (sse_send_stall_ms)";
            return Err(io::Error::new(io::ErrorKind::TimedOut, text));
        }
    }
    Ok(())
}

/// Has a conversation on a lane: chunks come in, lines go out. What is returned resolves at its end.
pub(crate) fn converse_on_lane(
    runtime: &Runtime,
    chunks: mpsc::Receiver<Bytes>,
    out: LineSender,
) -> io::Result<oneshot::Receiver<()>> {
    let (ended_tx, ended_rx) = oneshot::channel();
    let errand = move |stage: &Rc<Stage>| {
        let stage = stage.clone();
        tokio::task::spawn_local(async move {
            Reader::new(stage, Caller::default(), out).hold(chunks).await;
            // Nobody may be waiting for the end.
            ended_tx.send(()).ok();
        });
    };
    runtime.on_lane(runtime.next_lane(), errand).map_err(io::Error::other)?;
    Ok(ended_rx)
}

/// Listens at a Unix domain socket, on every lane. Each connection is a session of its own, as on stdio.
///
/// # Errors
/// When the socket can't be bound, somebody listens there, or the runtime has shut down.
pub fn serve_unix(runtime: &Runtime, socket: &UnixSocket) -> io::Result<()> {
    let (listener, file) = socket.listen(runtime.shared().limits.backlog_connections_max)?;
    let file = Arc::new(file);
    for lane in 0..runtime.lanes() {
        let (listener, file) = (listener.try_clone()?, Arc::clone(&file));
        let listen = move |stage: &Rc<Stage>| match UnixListener::from_std(listener) {
            Ok(listener) => {
                tokio::task::spawn_local(accept(listener, stage.clone(), file));
            }
            Err(error) => tracing::error!(lane, %error, "a lane can't listen"),
        };
        runtime.on_lane(lane, listen).map_err(io::Error::other)?;
    }
    Ok(())
}

/// Accepts connections until the house closes. The socket's file goes with the last lane that listens.
async fn accept(listener: UnixListener, stage: Rc<Stage>, _file: Arc<SocketFile>) {
    let accept = async || Ok(listener.accept().await?.0);
    let serve = |stream, place| hold_connection(stream, stage.clone(), place);
    accepting::until_closing(&stage, accept, serve).await;
}

async fn hold_connection(stream: UnixStream, stage: Rc<Stage>, _place: Entry) {
    let (chunk_tx, chunk_rx) = mpsc::channel(IN_CHUNKS_MAX);
    let (out_tx, out_rx) = outgoing(&stage.shared.limits);
    let stall_timeout = Duration::from_millis(stage.shared.limits.sse_send_stall_ms);
    let caller = unix::caller(&stream);
    let (input, output) = tokio::io::split(stream);
    let held = Reader::new(stage, caller, out_tx).hold(chunk_rx);
    let carried = carry(input, output, chunk_tx, out_rx, Some(stall_timeout));
    let ((), carried) = tokio::join!(held, carried);
    match carried {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::TimedOut => {
            tracing::warn!(%error, "a connection is cut");
        }
        Err(error) => tracing::info!(%error, "a connection ended early"),
    }
}

/// Reads a client's lines and has its conversation.
struct Reader {
    conversation: Conversation<LineSender>,
    complaints: Complaints,
}

impl Reader {
    fn new(stage: Rc<Stage>, caller: Caller, out: LineSender) -> Self {
        let connection = Connection::open(stage, caller, ConnectionKind::Pipe);
        Self { conversation: Conversation::new(connection, out), complaints: Complaints::default() }
    }

    /// Reads until the input ends, the output breaks, or the house closes; then lets what runs finish.
    async fn hold(mut self, mut chunks: mpsc::Receiver<Bytes>) {
        let shared = self.conversation.shared();
        let mut lines = LineDecoder::new(Limits::size(shared.limits.line_bytes_max));
        loop {
            let chunk = tokio::select! {
                chunk = chunks.recv() => chunk,
                () = self.conversation.out.closed() => break,
                () = shared.closing.begun() => break,
            };
            let Some(chunk) = chunk else { break };
            let mut unread = &*chunk;
            while let Some(line) = lines.next_line(&mut unread) {
                self.on_line(line, &shared.limits).await;
            }
        }
        self.conversation.end().await;
    }

    async fn on_line(&mut self, line: Line<'_>, limits: &Limits) {
        let Line::Text(text) = line else {
            let text = format!("a line is longer than {} bytes (line_bytes_max)", limits.line_bytes_max);
            return self.complain(None, &McpError::invalid_request(text)).await;
        };
        let state = self.conversation.connection.session_state();
        let allows_batches = || Ok(state.is_some_and(|state| state.allows_batches()));
        match incoming::read(text, limits, allows_batches) {
            Ok(Incoming::Message(message)) => self.conversation.on_message(message).await,
            Ok(Incoming::Batch(parts)) => self.conversation.on_batch(&parts),
            Err(refused) => self.complain(refused.id.as_ref(), &refused.error).await,
        }
    }

    /// Tells the client that a line could not be read, at a limited rate: two sides that answer each other's
    /// complaints must not storm.
    async fn complain(&mut self, id: Option<&Id>, error: &McpError) {
        if id.is_some() || self.complaints.allow() {
            self.conversation.send(error_reply(id, error, Dialect::default()).into_bytes()).await;
        }
    }
}

/// At most ten complaints in any second.
#[derive(Debug, Default)]
struct Complaints {
    recent: VecDeque<Instant>,
}

impl Complaints {
    fn allow(&mut self) -> bool {
        const PER_SECOND_MAX: usize = 10;
        let now = Instant::now();
        while self.recent.front().is_some_and(|at| now.duration_since(*at) >= Duration::from_secs(1)) {
            self.recent.pop_front();
        }
        let allowed = self.recent.len() < PER_SECOND_MAX;
        if allowed {
            self.recent.push_back(now);
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_nothing_is_cut_and_sooner_when_much_waits() {
        let stall = Duration::from_secs(80);
        for (is_over, after_s, limit) in [(false, 80, "sse_send_stall_ms"), (true, 10, "sse_out_bytes_max")] {
            let begun = Instant::now();
            // What a pipe takes before anybody reads.
            let (mut output, _unread) = tokio::io::duplex(4);
            let error = write_line(&mut output, b"12345678", stall, || is_over).await.unwrap_err();
            assert!(error.to_string().contains(limit), "{error}");
            assert_eq!(begun.elapsed().as_secs(), after_s);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_takes_a_little_now_and_then_is_not_cut() {
        let (mut output, mut read) = tokio::io::duplex(1);
        let slowly = async {
            let mut byte = [0];
            for _ in 0..8 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                read.read_exact(&mut byte).await.unwrap();
            }
        };
        let (written, ()) =
            tokio::join!(write_line(&mut output, b"12345678", Duration::from_secs(80), || true), slowly);
        written.unwrap();
    }
}
