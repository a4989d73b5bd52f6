//! One request and everything that is sent back for it, as a transport sees it: frames of bytes.

use std::future::poll_fn;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use impresario_protocol::{Era, Id, Notification, method};

use super::encode;
use super::reply::Reply;
use super::{Stage, task_render};
use crate::call::{Call, CallEvent, CancelReason, Ending};
use crate::dialect::Dialect;
use crate::hub::{Change, Subscriber, Told};

/// What is to be sent next.
#[derive(Debug)]
pub enum Frame {
    /// A message before the answer: a notification, or a question to the client. More follows.
    Message(Vec<u8>),
    /// The answer; nothing follows.
    Reply(Reply),
    /// Nothing: the call was taken back, and nothing may be sent for it any more.
    Nothing,
}

/// A request under way. Dropping it before its end says that the client has left.
#[derive(Debug)]
pub struct Exchange {
    /// `None` only while it is being dropped.
    call: Option<Arc<Call>>,
    stage: Rc<Stage>,
    /// A listener was told what it will hear of.
    is_acknowledged: bool,
    has_ended: bool,
}

impl Exchange {
    pub(super) fn new(call: Arc<Call>, stage: Rc<Stage>) -> Self {
        Self { call: Some(call), stage, is_acknowledged: false, has_ended: false }
    }

    /// The call itself.
    ///
    /// # Panics
    /// Never: the call is there until the exchange is dropped.
    #[must_use]
    pub fn call(&self) -> &Arc<Call> {
        self.call.as_ref().expect("it is taken out only when the exchange is dropped")
    }

    /// The era that the call is spoken in.
    #[must_use]
    pub fn era(&self) -> Era {
        self.call().facts().dialect.0.era()
    }

    /// Whether the request stays open and listens for changes.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        self.call().facts().listener.is_some() && !self.call().is_ended()
    }

    /// Gives back what a request that listens needs no more: all of it but its id, if nobody else holds the call.
    pub fn settle(&mut self) {
        if self.is_listening()
            && let Some(call) = self.call.as_mut().and_then(Arc::get_mut)
        {
            call.forget_parts();
        }
    }

    /// Ends a request that listens, as the house does when it closes: with a completion result.
    pub fn end_listening(&self) {
        if let Some(listener) = &self.call().facts().listener {
            listener.close();
        }
    }

    /// The next frame, when there is one.
    pub fn poll_frame(&mut self, task: &mut TaskContext<'_>) -> Poll<Frame> {
        if let Some(listener) = self.call().facts().listener.clone()
            && let Poll::Ready(frame) = self.poll_listener(&listener, task)
        {
            return Poll::Ready(frame);
        }
        match self.call().poll_event(task) {
            Poll::Ready(CallEvent::Notification(told)) => {
                Poll::Ready(Frame::Message(encode::notification(&told, None, self.call().facts().dialect)))
            }
            Poll::Ready(CallEvent::Told(told)) => {
                Poll::Ready(Frame::Message(encode::told(&told, self.call().facts().dialect, self.task_id())))
            }
            Poll::Ready(CallEvent::Ended(ending)) => {
                self.has_ended = true;
                let reply = encode::reply(self.call(), ending, &self.stage.shared.identity);
                Poll::Ready(reply.map_or(Frame::Nothing, Frame::Reply))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Waits for the next frame.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub async fn next_frame(&mut self) -> Frame {
        poll_fn(|task| self.poll_frame(task)).await
    }

    /// The task that the call waits for, when it waits for one: what it asks belongs to that task.
    fn task_id(&self) -> Option<&str> {
        let message = self.call().message();
        message.param("taskId").filter(|_| message.method() == method::TaskResult::WORD)?.as_str()
    }

    /// The next task that a listener has not been told of. One that is gone is told of no more.
    fn poll_watch(&self, call: &Call, id: &Id, task: &mut TaskContext<'_>) -> Poll<Frame> {
        let (Some(watch), tasks) = (&call.facts().watch, &self.stage.shared.tasks) else {
            return Poll::Pending;
        };
        loop {
            let Poll::Ready(changed) = watch.poll_changed(task) else { return Poll::Pending };
            if let Some(changed) = tasks.get(&changed) {
                let message = task_render::changed(&tasks.view(&changed), id, call.facts().dialect);
                return Poll::Ready(Frame::Message(message));
            }
        }
    }

    fn poll_listener(&mut self, listener: &Subscriber, task: &mut TaskContext<'_>) -> Poll<Frame> {
        let call = Arc::clone(self.call());
        let Some(id) = call.id().filter(|_| !call.is_ended()) else { return Poll::Pending };
        if !std::mem::replace(&mut self.is_acknowledged, true) {
            let tasks = call.facts().watch.as_ref().map(|watch| watch.ids());
            return Poll::Ready(Frame::Message(encode::acknowledged(id, &listener.filter(), tasks)));
        }
        if let Poll::Ready(frame) = self.poll_watch(&call, id, task) {
            return Poll::Ready(frame);
        }
        match listener.poll_told(task) {
            Poll::Ready(Told::List(kind)) => {
                let told = Notification::ListChanged(kind);
                Poll::Ready(Frame::Message(encode::notification(&told, Some(id), call.facts().dialect)))
            }
            Poll::Ready(Told::Resource(topic)) => {
                Poll::Ready(Frame::Message(encode::resource_updated(&topic, id)))
            }
            Poll::Ready(Told::Closed) => {
                let reply = encode::listening_ended(id, call.facts().dialect, &self.stage.shared.identity);
                self.has_ended = true;
                call.finish(Ending::Cancelled);
                Poll::Ready(Frame::Reply(reply))
            }
            Poll::Pending => Poll::Pending,
        }
    }
}

impl Drop for Exchange {
    /// A client that leaves takes its request back in the modern era (2026-07-28, streamable-http,
    /// "Cancellation"), and does not in the legacy era (2025-11-25, basic/transports, "Sending Messages").
    fn drop(&mut self) {
        if !self.has_ended && self.era() == Era::Modern {
            self.call().cancel(CancelReason::Disconnected);
        }
        if let Some(call) = self.call.take() {
            Call::put_back(call);
        }
    }
}

/// What a session's own stream is told: changes that it asked for.
#[must_use]
pub fn change_frame(change: Change) -> Option<Vec<u8>> {
    match change {
        // A change looks the same in every revision.
        Change::Notification(told) => Some(encode::notification(&told, None, Dialect::default())),
        Change::Closed => None,
    }
}
