//! What a connection is doing between its requests: written by its service, read by its socket.
//!
//! A connection may be idle for a while, must send a request's head quickly once it has begun, and is left
//! alone while a request is answered. HTTP/2 frames come at any time, so there only the requests count.

use std::cell::{Cell, RefCell};
use std::rc::{Rc, Weak};
use std::task::{Context, Waker};
use std::time::Duration;

use impresario_protocol::Limits;
use tokio::time::Instant;

use super::framing::HeadWatch;

/// How a connection's time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of the next request has come since then. The time is taken when somebody first waits: most
    /// requests come whole, and nobody waits for the rest of them.
    Idle(Option<Instant>),
    /// A part of the next request's head has come, the first of it then.
    Head(Option<Instant>),
    /// Requests are being answered.
    Busy,
}

/// One connection's pulse.
#[derive(Debug)]
pub(super) struct Pulse {
    phase: Cell<Phase>,
    /// Requests that are being answered, their streams included.
    answering: Cell<usize>,
    /// Follows the bytes from request to request.
    heads: RefCell<HeadWatch>,
    /// How many requests have come.
    requests: Cell<u64>,
    head_timeout: Duration,
    idle_timeout: Duration,
    /// The connection is to be cut.
    is_cut: Cell<bool>,
    /// Who is told that the connection is to be cut.
    driver: RefCell<Option<Waker>>,
}

impl Pulse {
    /// The pulse of a connection that was just accepted.
    pub(super) fn new(limits: &Limits, head_bytes_max: usize) -> Rc<Self> {
        Rc::new(Self {
            phase: Cell::new(Phase::Idle(None)),
            answering: Cell::new(0),
            heads: RefCell::new(HeadWatch::new(head_bytes_max)),
            requests: Cell::new(0),
            head_timeout: Duration::from_millis(limits.header_timeout_ms),
            idle_timeout: Duration::from_millis(limits.keep_alive_timeout_ms),
            is_cut: Cell::new(false),
            driver: RefCell::new(None),
        })
    }

    /// Bytes have come from the peer.
    pub(super) fn on_bytes(&self, bytes: &[u8]) {
        let mut heads = self.heads.borrow_mut();
        heads.on_bytes(bytes);
        if let Phase::Idle(_) = self.phase.get()
            && (!heads.is_http2() || self.requests.get() == 0)
        {
            self.phase.set(Phase::Head(None));
        }
    }

    /// Whether the length of the request that was begun last could be understood in two ways.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.heads.borrow().is_ambiguous(self.requests.get())
    }

    /// A request's head has come. It counts as being answered until what is returned is dropped.
    pub(super) fn begin(self: &Rc<Self>) -> Answering {
        self.requests.set(self.requests.get() + 1);
        self.answering.set(self.answering.get() + 1);
        self.phase.set(Phase::Busy);
        Answering(Rc::clone(self))
    }

    /// Whether requests are being answered.
    pub(super) fn is_busy(&self) -> bool {
        self.answering.get() > 0
    }

    /// Whether the connection is to be cut. Whoever asks is woken when it is.
    pub(super) fn is_cut(&self, task: &Context<'_>) -> bool {
        if !self.is_cut.get()
            && !self.driver.borrow().as_ref().is_some_and(|driver| driver.will_wake(task.waker()))
        {
            *self.driver.borrow_mut() = Some(task.waker().clone());
        }
        self.is_cut.get()
    }

    fn cut(&self) {
        if self.is_cut.replace(true) {
            return;
        }
        tracing::warn!("a client takes nothing of an answer, and its connection is cut (sse_send_stall_ms)");
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// Cuts the connection when a reader takes nothing of a body for `stall_timeout`. On HTTP/1 the socket
    /// notices that; on HTTP/2 one stream can stand still while others, and pings, go on.
    pub(super) async fn watch(self: Rc<Self>, body: Weak<Progress>, stall_timeout: Duration) {
        while let Some(progress) = body.upgrade() {
            if progress.waiting_since.get().is_some_and(|since| since.elapsed() >= stall_timeout) {
                return self.cut();
            }
            drop(progress);
            tokio::time::sleep(stall_timeout / 4).await;
        }
    }

    /// When the connection is cut if nothing happens; never while a request is answered.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.phase.get() {
            Phase::Idle(since) => {
                let since = since.unwrap_or_else(Instant::now);
                self.phase.set(Phase::Idle(Some(since)));
                Some(since + self.idle_timeout)
            }
            Phase::Head(since) => {
                let since = since.unwrap_or_else(Instant::now);
                self.phase.set(Phase::Head(Some(since)));
                Some(since + self.head_timeout)
            }
            Phase::Busy => None,
        }
    }
}

/// How a reader takes a body.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// It was given something then, and has not come for more.
    waiting_since: Cell<Option<Instant>>,
}

impl Progress {
    /// The reader came for more, and was given something or not.
    pub(super) fn on_poll(&self, was_given: bool) {
        self.waiting_since.set(was_given.then(Instant::now));
    }
}

/// One request that is being answered.
#[derive(Debug)]
pub(super) struct Answering(Rc<Pulse>);

impl Drop for Answering {
    fn drop(&mut self) {
        let left = self.0.answering.get() - 1;
        self.0.answering.set(left);
        if left == 0 {
            self.0.phase.set(Phase::Idle(None));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pulse() -> Rc<Pulse> {
        let limits = Limits { header_timeout_ms: 5_000, keep_alive_timeout_ms: 60_000, ..Limits::default() };
        Pulse::new(&limits, 1_000)
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_connection_has_its_idle_time_and_a_head_its_own() {
        let pulse = pulse();
        let begun = Instant::now();
        assert_eq!(pulse.due(), Some(begun + 60 * SECOND));
        tokio::time::advance(SECOND).await;
        pulse.on_bytes(b"POST /m");
        assert_eq!(pulse.due(), Some(begun + 6 * SECOND));
        tokio::time::advance(SECOND).await;
        pulse.on_bytes(b"c");
        assert_eq!(pulse.due(), Some(begun + 6 * SECOND), "further bytes give no more time");
        let answering = pulse.begin();
        pulse.on_bytes(b"the next request");
        assert_eq!(pulse.due(), None);
        drop(answering);
        assert_eq!(pulse.due(), Some(begun + 62 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_cuts_the_connection_once_and_one_that_takes_something_does_not() {
        for (comes_every_s, is_cut) in [(7, true), (3, false)] {
            let (pulse, body) = (pulse(), Rc::<Progress>::default());
            body.on_poll(true);
            let read = async {
                loop {
                    tokio::time::sleep(comes_every_s * SECOND).await;
                    body.on_poll(true);
                }
            };
            let watches =
                [pulse.clone(), pulse.clone()].map(|pulse| pulse.watch(Rc::downgrade(&body), 4 * SECOND));
            let watched = futures_util::future::join_all(watches);
            let found = tokio::select! {
                _ = watched => true,
                () = read => unreachable!("it never ends"),
                () = tokio::time::sleep(60 * SECOND) => false,
            };
            assert_eq!((found, pulse.is_cut(&Context::from_waker(Waker::noop()))), (is_cut, is_cut));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn on_http2_only_requests_count() {
        let pulse = pulse();
        pulse.on_bytes(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert_eq!(pulse.due(), Some(Instant::now() + 5 * SECOND), "a preface alone is a head");
        let (first, second) = (pulse.begin(), pulse.begin());
        drop(first);
        assert_eq!(pulse.due(), None);
        drop(second);
        pulse.on_bytes(b"a ping");
        assert_eq!(pulse.due(), Some(Instant::now() + 60 * SECOND));
    }
}
