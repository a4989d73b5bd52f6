//! One connection's rules: which revision the client speaks, what it may ask, what is in flight.
//!
//! The actor behind every connection, and the only place of the engine that may name an era. It never waits
//! for a tool: it submits a job, and the answer reaches the transport through the call.

use std::cell::OnceCell;
use std::rc::Rc;
use std::sync::Arc;

use impresario_codec::{Message, MessageKind};
use impresario_protocol::{Era, Limits, McpError, Revision};

use crate::actor::{Actor, Exit, Local, Untold};
use crate::call::{Call, CancelReason, Ending};
use crate::caller::Caller;
use crate::gate::Counter;
use crate::in_flight::InFlight;
use crate::lane_hub::LaneHub;
use crate::shared::Shared;
use crate::workers::Workers;

use era::Speaks;

pub use encode::error_reply;
pub use era::{meta_version, names_revision};
pub use exchange::{Exchange, Frame, change_frame};
pub use replay::{Playback, Played, Recorder, Replay, TapeKind};
pub use reply::{Reply, Verdict};
pub use state::SessionState;
pub use table::{Places, SessionTable};
pub(crate) use task_run::begin_again;
pub(crate) use warm_up::warm_up;

mod downgrade;
mod encode;
mod era;
mod exchange;
mod kept;
mod legacy;
mod modern;
mod object;
mod operation;
mod perform;
mod questions;
mod render;
mod replay;
mod replay_store;
mod reply;
mod run_tool;
mod shapes;
mod state;
mod table;
mod task_info;
mod task_outcome;
mod task_render;
mod task_run;
mod tasks;
mod warm_up;
mod wire_error;

/// What a session needs of the lane it lives on.
#[derive(Debug, Clone)]
pub struct Stage {
    /// What all lanes share.
    pub shared: Arc<Shared>,
    /// The sessions that clients name by an id.
    pub sessions: Arc<SessionTable>,
    /// Who is told of changes.
    pub hub: Arc<LaneHub>,
    /// This lane's workers.
    pub workers: Rc<Workers>,
}

/// How a message came in.
#[derive(Debug, Clone)]
pub enum Via {
    /// Over a connection that carries one client's messages in order and knows its handshake: stdio, or a
    /// client in this process that speaks JSON.
    Pipe,
    /// With an HTTP request.
    Http {
        /// The session it names, once it was found.
        session: Option<Arc<SessionState>>,
        /// The revision that its header names, when it is one of ours.
        header: Option<Revision>,
    },
    /// From a client in this process that needs no revision.
    InProcess,
}

/// What a connection carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectionKind {
    /// One client's messages in order: stdio, or a client in this process.
    Pipe,
    /// HTTP requests, of whichever clients share it.
    Http,
}

/// Everything a session can be told.
#[derive(Debug)]
pub enum SessionMsg {
    /// A request came in; its answer goes to the call.
    Request(Arc<Call>, Via),
    /// A notification, or an answer to something we asked, came in.
    Notification(Message, Via),
    /// The other side has gone, and with it the calls of this connection.
    Closed,
}

/// The actor of one connection.
#[derive(Debug)]
pub struct Session {
    stage: Rc<Stage>,
    caller: Caller,
    /// What the handshake settled, where the connection has one of its own. Its [`Connection`] reads it.
    state: Rc<OnceCell<Arc<SessionState>>>,
    /// A handshake belongs to the connection; on HTTP it opens a session that is found by its id.
    keeps_its_own_session: bool,
    /// Calls of a [`Via::Pipe`], by id. Its session, when there is one, lists them in the same table.
    in_flight: Arc<InFlight<Call>>,
    /// Calls of this connection.
    calls: Arc<Counter>,
    /// Requests of this connection that stay open and listen.
    listeners: Arc<Counter>,
}

impl Actor for Session {
    type Msg = SessionMsg;

    fn handle(&mut self, msg: SessionMsg, _me: &Local<Self>) -> Result<(), Exit> {
        match msg {
            SessionMsg::Request(call, via) => self.on_request(&call, &via),
            SessionMsg::Notification(message, via) => self.on_notification(&message, &via),
            SessionMsg::Closed => return Err(self.on_closed()),
        }
        Ok(())
    }
}

impl Session {
    /// The actor of a connection of that caller.
    #[must_use]
    pub fn new(stage: Rc<Stage>, caller: Caller, kind: ConnectionKind) -> Self {
        Self {
            stage,
            caller,
            state: Rc::default(),
            keeps_its_own_session: kind == ConnectionKind::Pipe,
            in_flight: Arc::default(),
            calls: Arc::default(),
            listeners: Arc::default(),
        }
    }

    fn on_request(&mut self, call: &Arc<Call>, via: &Via) {
        if let Err(error) = self.begin(call, via) {
            call.finish(if error.is_retryable() { Ending::Refused(error) } else { Ending::Failed(error) });
        }
    }

    /// Reads a request by the rules of its era, and performs it.
    fn begin(&mut self, call: &Arc<Call>, via: &Via) -> Result<(), McpError> {
        let speaks = self.speaks(call.message(), via);
        match speaks.revision().era() {
            Era::Legacy => self.begin_legacy(call, speaks),
            Era::Modern => self.begin_modern(call, &speaks, via),
        }
    }

    fn on_notification(&mut self, message: &Message, via: &Via) {
        let state = self.session_of(via).cloned();
        if let Some(state) = &state {
            state.touch();
        }
        if message.kind() == MessageKind::Response {
            if let Some(state) = &state {
                questions::on_answer(state.questions(), message);
            }
            return;
        }
        match message.method() {
            "notifications/initialized" => {
                if let Some(state) = &state {
                    state.set_initialized();
                }
            }
            "notifications/cancelled" => {
                let table = match via {
                    // One table for the whole connection, whichever eras its requests are of.
                    Via::Pipe | Via::InProcess => Some(&self.in_flight),
                    Via::Http { .. } => state.as_ref().map(|state| state.in_flight()),
                };
                let call = cancelled_id(message).zip(table).and_then(|(id, table)| table.get(&id));
                if let Some(call) = call {
                    call.cancel(CancelReason::Asked);
                }
            }
            // Whatever else a client tells us unasked is accepted and has no effect.
            _ => {}
        }
    }

    fn on_closed(&mut self) -> Exit {
        // On a pipe nobody can take these answers any more, whatever the era. On HTTP a session outlives its
        // connections, and what a connection has in flight is not listed here.
        for call in self.in_flight.all() {
            call.cancel(CancelReason::Disconnected);
        }
        Exit::PeerClosed
    }

    /// The session that a message belongs to, when it has one.
    fn session_of<'a>(&'a self, via: &'a Via) -> Option<&'a Arc<SessionState>> {
        match via {
            Via::Pipe => self.state.get(),
            Via::Http { session, .. } => session.as_ref(),
            Via::InProcess => None,
        }
    }

    fn limits(&self) -> &Limits {
        &self.stage.shared.limits
    }
}

/// The id that a cancellation names, if it is one.
fn cancelled_id(message: &Message) -> Option<impresario_protocol::Id> {
    let id = message.params()?.get("requestId")?;
    era::id_of(id)
}

/// A connection's session actor, and the way to ask it something.
#[derive(Debug, Clone)]
pub struct Connection {
    session: Local<Session>,
    state: Rc<OnceCell<Arc<SessionState>>>,
    stage: Rc<Stage>,
}

impl Connection {
    /// Puts the session actor of a new connection on this lane.
    #[must_use]
    pub fn open(stage: Rc<Stage>, caller: Caller, kind: ConnectionKind) -> Self {
        let mailbox_len_max = Limits::size(stage.shared.limits.session_mailbox_messages_max);
        let session = Session::new(Rc::clone(&stage), caller, kind);
        let state = Rc::clone(&session.state);
        Self { session: Local::start(session, mailbox_len_max), state, stage }
    }

    /// Puts another session actor on the same lane.
    #[must_use]
    pub fn open_beside(&self, caller: Caller, kind: ConnectionKind) -> Self {
        Self::open(Rc::clone(&self.stage), caller, kind)
    }

    /// What the session's lane offers.
    #[must_use]
    pub fn stage(&self) -> &Rc<Stage> {
        &self.stage
    }

    /// What the handshake settled, where the connection has one of its own.
    #[must_use]
    pub fn session_state(&self) -> Option<Arc<SessionState>> {
        self.state.get().cloned()
    }

    /// Asks something. Most tools have answered when this returns.
    #[must_use]
    pub fn request(&self, message: Message, via: Via) -> Exchange {
        let call = Call::begin(message, self.stage.shared.call_limits());
        match self.session.tell(SessionMsg::Request(Arc::clone(&call), via)) {
            Ok(()) if self.session.exit() == Some(Exit::Panicked) => {
                // A defect of ours costs this connection; whoever waits for this call is told at once.
                call.finish(Ending::Failed(McpError::internal()));
            }
            Ok(()) => {}
            Err(Untold::Full(_)) => {
                const RETRY_AFTER_MS: u64 = 1_000;
                let text = "this connection is busy (session_mailbox_messages_max); retry later";
                call.finish(Ending::Refused(McpError::overloaded(text, RETRY_AFTER_MS)));
            }
            Err(Untold::Ended(_)) => call.finish(Ending::Failed(McpError::internal())),
        }
        Exchange::new(call, Rc::clone(&self.stage))
    }

    /// Tells something that needs no answer: a notification, or the answer to a question of ours. One that finds the
    /// actor's mailbox full is dropped.
    pub fn notify(&self, message: Message, via: Via) {
        if self.session.tell(SessionMsg::Notification(message, via)).is_err() {
            tracing::warn!("a notification found its connection busy and was dropped");
        }
    }

    /// A handle for other threads.
    #[must_use]
    pub fn remote(&self) -> crate::actor::Remote<Session> {
        self.session.remote()
    }

    /// The other side has gone: its calls are cancelled where their era says so.
    pub fn close(&self) {
        // Refused only when the actor has ended already.
        drop(self.session.tell(SessionMsg::Closed));
    }
}
