//! One client's messages and their answers, for transports on which both have a stream of their own: newline-delimited
//! JSON, and HTTP+SSE. Answers go out as they come, in any order.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use impresario_codec::{Message, MessageKind};
use impresario_engine::Dialect;
use impresario_engine::Shared;
use impresario_engine::gate::Counter;
use impresario_engine::session::{Connection, Exchange, Frame, Via, change_frame, error_reply};
use impresario_protocol::Limits;
use tokio::sync::Notify;

use crate::incoming;

/// Nobody takes what is sent any more.
#[derive(Debug)]
pub(crate) struct Gone;

/// Where everything goes that is sent in a conversation.
pub(crate) trait Out: Clone + 'static {
    /// Sends a message once there is room for it.
    async fn send(&self, message: Vec<u8>) -> Result<(), Gone>;

    /// Resolves when nobody takes what is sent any more.
    async fn closed(&self);
}

/// One client's messages and their answers.
#[derive(Debug)]
pub(crate) struct Conversation<O> {
    pub(crate) connection: Connection,
    pub(crate) out: O,
    /// Requests that have not been answered yet.
    unanswered: Arc<Counter>,
    unanswered_max: usize,
    /// One of them was answered, or the input is over.
    changed: Rc<Notify>,
    /// The input is over: whoever listens is told that nothing more will come.
    input_is_over: Rc<RefCell<bool>>,
    /// What a session is told unasked is being passed on.
    passes_changes_on: bool,
}

impl<O: Out> Conversation<O> {
    /// A conversation over a connection that carries one client's messages in order.
    pub(crate) fn new(connection: Connection, out: O) -> Self {
        /// Answers that may wait for room beside those of everything that can be under way.
        const WAITING_MAX: u64 = 64;
        let limits = &connection.stage().shared.limits;
        let under_way_max = limits.in_flight_per_session_max + limits.listeners_per_connection_max;
        Self {
            out,
            unanswered: Arc::default(),
            unanswered_max: Limits::size(under_way_max + WAITING_MAX),
            changed: Rc::default(),
            input_is_over: Rc::default(),
            passes_changes_on: false,
            connection,
        }
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.connection.stage().shared)
    }

    pub(crate) async fn on_message(&mut self, message: Message) {
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
        let at_once = std::future::poll_fn(|task| Poll::Ready(exchange.poll_frame(task))).await;
        match at_once {
            Poll::Ready(Frame::Reply(reply)) => return self.send(reply.into_bytes()).await,
            Poll::Ready(Frame::Nothing) => return,
            Poll::Ready(Frame::Message(message)) => self.send(message).await,
            Poll::Pending => {}
        }
        let Some(unanswered) = self.place().await else { return };
        let (out, changed) = (self.out.clone(), Rc::clone(&self.changed));
        let input_is_over = Rc::clone(&self.input_is_over);
        tokio::task::spawn_local(async move {
            pass_on(exchange, &out, &changed, &input_is_over).await;
            drop(unanswered);
            changed.notify_waiters();
        });
    }

    /// A place among those that are unanswered. A client that reads no answers is not asked for more questions.
    async fn place(&self) -> Option<impresario_engine::gate::Entry> {
        loop {
            let mut changed = std::pin::pin!(self.changed.notified());
            changed.as_mut().enable();
            if let Some(place) = self.unanswered.enter(self.unanswered_max) {
                return Some(place);
            }
            tokio::select! {
                () = changed => {}
                () = self.out.closed() => return None,
            }
        }
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
                if out.send(message).await.is_err() {
                    return;
                }
            }
        });
    }

    /// A batch, in the one revision that has them: all answers in one array.
    pub(crate) fn on_batch(&self, parts: &[&[u8]]) {
        let limits = &self.connection.stage().shared.limits;
        let mut answers: Vec<Vec<u8>> = Vec::new();
        let mut waiting = Vec::new();
        for part in parts {
            match incoming::part(part, limits) {
                Ok(message) if message.kind() == MessageKind::Request => {
                    waiting.push(self.connection.request(message, Via::Pipe));
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
                        Frame::Message(message) => drop(out.send(message).await),
                        Frame::Reply(reply) => break answers.push(reply.into_bytes()),
                        Frame::Nothing => break,
                    }
                }
            }
            if !answers.is_empty() {
                let mut array = answers.join(&b',');
                array.insert(0, b'[');
                array.push(b']');
                drop(out.send(array).await);
            }
            drop(unanswered);
            changed.notify_waiters();
        });
    }

    pub(crate) async fn send(&self, message: Vec<u8>) {
        // An error says that the output is broken, which ends the conversation elsewhere.
        drop(self.out.send(message).await);
    }

    /// The input is over: lets what runs finish, and ends the session.
    pub(crate) async fn end(self) {
        let shared = self.shared();
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
}

/// Sends what comes back for a request until its answer, or until the output breaks.
async fn pass_on<O: Out>(mut exchange: Exchange, out: &O, changed: &Notify, input_is_over: &RefCell<bool>) {
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
        if out.send(message).await.is_err() || is_last {
            return;
        }
    }
}
