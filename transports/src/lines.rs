//! Newline-delimited JSON over any pair of byte streams: what stdio speaks, and what pipes and sockets can.
//!
//! One connection carries one client's messages; answers go out as they come, in any order. At the end of
//! the input what runs is finished and answered, then the connection ends.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use impresario_codec::{Line, LineDecoder, Message, MessageKind};
use impresario_engine::gate::Counter;
use impresario_engine::session::{
    Connection, ConnectionKind, Exchange, Frame, Stage, Via, change_frame, error_reply,
};
use impresario_engine::{Caller, Dialect, Runtime};
use impresario_protocol::{Id, Limits, McpError};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::Instant;

use crate::incoming::{self, Incoming};

/// Messages that wait to be written; then whoever wants to send waits.
const OUT_MESSAGES_MAX: usize = 64;
/// Chunks that were read and not yet looked at.
const IN_CHUNKS_MAX: usize = 4;
const CHUNK_BYTES: usize = 64 * 1024;

/// Serves a pair of byte streams until the input ends and everything is answered.
///
/// # Errors
/// When the runtime is busy or has shut down.
pub async fn serve<R, W>(runtime: &Runtime, mut input: R, mut output: W) -> io::Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let (chunk_tx, chunk_rx) = mpsc::channel(IN_CHUNKS_MAX);
    let (out_tx, mut out_rx) = mpsc::channel::<Bytes>(OUT_MESSAGES_MAX);
    let ended = converse_on_lane(runtime, chunk_rx, out_tx)?;
    let read = async {
        let mut chunk = vec![0; CHUNK_BYTES];
        while let Ok(length @ 1..) = input.read(&mut chunk).await {
            if chunk_tx.send(Bytes::copy_from_slice(&chunk[..length])).await.is_err() {
                break;
            }
        }
        drop(chunk_tx);
        // The input is over; what is still to be written decides when the whole is.
        std::future::pending::<()>().await;
    };
    let write = async {
        while let Some(line) = out_rx.recv().await {
            output.write_all(&line).await?;
            if out_rx.is_empty() {
                output.flush().await?;
            }
        }
        output.shutdown().await
    };
    let written = tokio::select! {
        () = read => Ok(()),
        written = write => written,
    };
    // An error says that the lane has ended, and the conversation with it.
    drop(ended.await);
    written
}

/// Has a conversation on a lane: chunks come in, lines go out. What is returned resolves at its end.
pub(crate) fn converse_on_lane(
    runtime: &Runtime,
    chunks: mpsc::Receiver<Bytes>,
    out: mpsc::Sender<Bytes>,
) -> io::Result<oneshot::Receiver<()>> {
    let (ended_tx, ended_rx) = oneshot::channel();
    let errand = move |stage: &Rc<Stage>| {
        let stage = stage.clone();
        tokio::task::spawn_local(async move {
            Conversation::new(stage, out).hold(chunks).await;
            // Nobody may be waiting for the end.
            ended_tx.send(()).ok();
        });
    };
    runtime.on_lane(runtime.next_lane(), errand).map_err(io::Error::other)?;
    Ok(ended_rx)
}

/// One client's messages and their answers.
struct Conversation {
    stage: Rc<Stage>,
    connection: Connection,
    out: mpsc::Sender<Bytes>,
    /// Requests that have not been answered yet.
    unanswered: Arc<Counter>,
    /// One of them was answered, or the input is over.
    changed: Rc<Notify>,
    /// The input is over: whoever listens is told that nothing more will come.
    input_is_over: Rc<RefCell<bool>>,
    complaints: Complaints,
    /// What a session is told unasked is being passed on.
    passes_changes_on: bool,
}

impl Conversation {
    fn new(stage: Rc<Stage>, out: mpsc::Sender<Bytes>) -> Self {
        let connection = Connection::open(stage.clone(), Caller::default(), ConnectionKind::Pipe);
        Self {
            stage,
            connection,
            out,
            unanswered: Arc::default(),
            changed: Rc::default(),
            input_is_over: Rc::default(),
            complaints: Complaints::default(),
            passes_changes_on: false,
        }
    }

    /// Reads until the input ends, the output breaks, or the house closes; then lets what runs finish.
    async fn hold(mut self, mut chunks: mpsc::Receiver<Bytes>) {
        let shared = Arc::clone(&self.stage.shared);
        let mut lines = LineDecoder::new(Limits::size(shared.limits.line_bytes_max));
        loop {
            let chunk = tokio::select! {
                chunk = chunks.recv() => chunk,
                () = self.out.closed() => break,
                () = shared.closing.begun() => break,
            };
            let Some(chunk) = chunk else { break };
            let mut unread = &*chunk;
            while let Some(line) = lines.next_line(&mut unread) {
                self.on_line(line).await;
            }
        }
        *self.input_is_over.borrow_mut() = true;
        self.changed.notify_waiters();
        // When the house closes it is the house that says when the window is over: then what still runs is
        // answered with an error, which takes a moment.
        let window_is_over = async {
            if !shared.closing.has_begun() {
                let window = Duration::from_millis(shared.limits.drain_timeout_ms);
                tokio::select! {
                    () = tokio::time::sleep(window) => return,
                    () = shared.closing.begun() => {}
                }
            }
            shared.closing.over().await;
            self.last_answers().await;
        };
        tokio::select! {
            () = self.all_answered() => {}
            () = self.out.closed() => {}
            () = window_is_over => {}
        }
        self.connection.close();
        // The task that passes changes on holds the output open, and ends when nothing more will come.
        if let Some(state) = self.connection.session_state() {
            state.subscriber().close();
        }
    }

    async fn all_answered(&self) {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if self.unanswered.get() == 0 {
                return;
            }
            changed.await;
        }
    }

    /// After the drain window everything that still ran is answered with an error; that takes a moment.
    async fn last_answers(&self) {
        const MOMENT: Duration = Duration::from_millis(500);
        // Whether all made it or not, the conversation is over now.
        drop(tokio::time::timeout(MOMENT, self.all_answered()).await);
    }

    async fn on_line(&mut self, line: Line<'_>) {
        let limits = Arc::clone(&self.stage.shared.limits);
        let Line::Text(text) = line else {
            let text = format!("a line is longer than {} bytes (line_bytes_max)", limits.line_bytes_max);
            return self.complain(None, &McpError::invalid_request(text)).await;
        };
        let state = self.connection.session_state();
        let allows_batches = || Ok(state.is_some_and(|state| state.allows_batches()));
        match incoming::read(text, &limits, allows_batches) {
            Ok(Incoming::Message(message)) => self.on_message(message).await,
            Ok(Incoming::Batch(parts)) => self.on_batch(&parts),
            Err(refused) => self.complain(refused.id.as_ref(), &refused.error).await,
        }
    }

    async fn on_message(&mut self, message: Message) {
        match message.kind() {
            MessageKind::Request => {
                let opens_session = message.method() == "initialize";
                let exchange = self.connection.request(message, Via::Pipe);
                self.answer(exchange).await;
                if opens_session {
                    self.pass_changes_on();
                }
            }
            MessageKind::Notification | MessageKind::Response => self.connection.notify(message, Via::Pipe),
        }
    }

    /// Answers now if that is possible, else as soon as it is.
    async fn answer(&self, mut exchange: Exchange) {
        let Some(unanswered) = self.unanswered.enter(usize::MAX) else { return };
        let at_once = std::future::poll_fn(|task| Poll::Ready(exchange.poll_frame(task))).await;
        match at_once {
            Poll::Ready(Frame::Reply(reply)) => return self.send(reply.into_bytes()).await,
            Poll::Ready(Frame::Nothing) => return,
            Poll::Ready(Frame::Message(message)) => self.send(message).await,
            Poll::Pending => {}
        }
        let (out, changed) = (self.out.clone(), Rc::clone(&self.changed));
        let input_is_over = Rc::clone(&self.input_is_over);
        tokio::task::spawn_local(async move {
            pass_on(exchange, &out, &changed, &input_is_over).await;
            drop(unanswered);
            changed.notify_waiters();
        });
    }

    /// From the handshake on, the session is told of changes unasked.
    fn pass_changes_on(&mut self) {
        let Some(state) = self.connection.session_state() else { return };
        if std::mem::replace(&mut self.passes_changes_on, true) {
            return;
        }
        let out = self.out.clone();
        tokio::task::spawn_local(async move {
            loop {
                let change = tokio::select! {
                    change = state.subscriber().next_change() => change,
                    () = out.closed() => return,
                };
                let Some(message) = change_frame(change) else { return };
                if out.send(line_of(message)).await.is_err() {
                    return;
                }
            }
        });
    }

    /// A batch, in the one revision that has them: all answers in one array, on one line.
    fn on_batch(&self, parts: &[&[u8]]) {
        let mut answers: Vec<Vec<u8>> = Vec::new();
        let mut waiting = VecDeque::new();
        for part in parts {
            match incoming::part(part, &self.stage.shared.limits) {
                Ok(message) if message.kind() == MessageKind::Request => {
                    waiting.push_back(self.connection.request(message, Via::Pipe));
                }
                Ok(message) => self.connection.notify(message, Via::Pipe),
                Err(refused) => {
                    answers.push(
                        error_reply(refused.id.as_ref(), &refused.error, Dialect::default()).into_bytes(),
                    );
                }
            }
        }
        let Some(unanswered) = self.unanswered.enter(usize::MAX) else { return };
        let (out, changed) = (self.out.clone(), Rc::clone(&self.changed));
        tokio::task::spawn_local(async move {
            for mut exchange in waiting {
                loop {
                    match exchange.next_frame().await {
                        Frame::Message(message) => drop(out.send(line_of(message)).await),
                        Frame::Reply(reply) => break answers.push(reply.into_bytes()),
                        Frame::Nothing => break,
                    }
                }
            }
            if !answers.is_empty() {
                let mut line = answers.join(&b',');
                line.insert(0, b'[');
                line.push(b']');
                drop(out.send(line_of(line)).await);
            }
            drop(unanswered);
            changed.notify_waiters();
        });
    }

    /// Tells the client that a line could not be read, at a limited rate: two sides that answer each other's
    /// complaints must not storm.
    async fn complain(&mut self, id: Option<&Id>, error: &McpError) {
        if id.is_some() || self.complaints.allow() {
            self.send(error_reply(id, error, Dialect::default()).into_bytes()).await;
        }
    }

    async fn send(&self, message: Vec<u8>) {
        // An error says that the output is broken, which ends the conversation elsewhere.
        drop(self.out.send(line_of(message)).await);
    }
}

/// Sends what comes back for a request until its answer, or until the output breaks.
async fn pass_on(
    mut exchange: Exchange,
    out: &mpsc::Sender<Bytes>,
    changed: &Notify,
    input_is_over: &RefCell<bool>,
) {
    loop {
        let mut over = std::pin::pin!(changed.notified());
        over.as_mut().enable();
        if exchange.is_listening() && *input_is_over.borrow() {
            exchange.end_listening();
        }
        let frame = tokio::select! {
            frame = exchange.next_frame() => frame,
            () = out.closed() => return,
            () = over, if exchange.is_listening() => continue,
        };
        let (message, is_last) = match frame {
            Frame::Message(message) => (message, false),
            Frame::Reply(reply) => (reply.into_bytes(), true),
            Frame::Nothing => return,
        };
        if out.send(line_of(message)).await.is_err() || is_last {
            return;
        }
    }
}

fn line_of(mut message: Vec<u8>) -> Bytes {
    message.push(b'\n');
    Bytes::from(message)
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
