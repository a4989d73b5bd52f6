//! What a connection is doing between its requests: written by its service, read by its socket.
//!
//! A connection may be idle for a while, must send a request's head quickly once it has begun, and is left
//! alone while a request is answered. HTTP/2 frames come at any time, so there only the requests count.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use impresario_protocol::Limits;
use tokio::time::Instant;

use super::framing::{Head, HeadWatch};

/// How a connection's time is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of the next request has come since then.
    Idle(Instant),
    /// A part of the next request's head has come, the first of it then.
    Head(Instant),
    /// Requests are being answered.
    Busy,
}

/// One connection's pulse.
#[derive(Debug)]
pub(super) struct Pulse {
    phase: Cell<Phase>,
    /// Requests that are being answered, their streams included.
    answering: Cell<usize>,
    is_http2: Cell<bool>,
    /// Looks at the head that is coming in.
    head: RefCell<HeadWatch>,
    head_bytes_max: usize,
    /// The head that has just come could be understood in two ways.
    is_ambiguous: Cell<bool>,
    head_timeout: Duration,
    idle_timeout: Duration,
}

impl Pulse {
    /// The pulse of a connection that was just accepted.
    pub(super) fn new(limits: &Limits) -> Rc<Self> {
        Rc::new(Self {
            phase: Cell::new(Phase::Idle(Instant::now())),
            answering: Cell::new(0),
            is_http2: Cell::new(false),
            head: RefCell::default(),
            head_bytes_max: Limits::size(limits.header_bytes_max) + 2 * Limits::size(limits.uri_bytes_max),
            is_ambiguous: Cell::new(false),
            head_timeout: Duration::from_millis(limits.header_timeout_ms),
            idle_timeout: Duration::from_millis(limits.keep_alive_timeout_ms),
        })
    }

    /// Bytes have come from the peer.
    pub(super) fn on_bytes(&self, bytes: &[u8]) {
        /// How every HTTP/2 connection begins (RFC 9113, 3.4).
        const HTTP2_PREFACE: &[u8] = b"PRI ";
        if self.phase.get() == Phase::Busy || self.is_http2.get() {
            return;
        }
        if let Phase::Idle(_) = self.phase.get() {
            self.is_http2.set(bytes.starts_with(HTTP2_PREFACE));
            self.phase.set(Phase::Head(Instant::now()));
        }
        if !self.is_http2.get()
            && self.head.borrow_mut().on_bytes(bytes, self.head_bytes_max) == Head::Ambiguous
        {
            self.is_ambiguous.set(true);
        }
    }

    /// Whether the length of the request that has just come could be understood in two ways.
    pub(super) fn is_ambiguous(&self) -> bool {
        self.is_ambiguous.get()
    }

    /// A request's head has come. It counts as being answered until what is returned is dropped.
    pub(super) fn begin(self: &Rc<Self>) -> Answering {
        self.answering.set(self.answering.get() + 1);
        self.phase.set(Phase::Busy);
        Answering(Rc::clone(self))
    }

    /// When the connection is cut if nothing happens; never while a request is answered.
    pub(super) fn due(&self) -> Option<Instant> {
        match self.phase.get() {
            Phase::Idle(since) => Some(since + self.idle_timeout),
            Phase::Head(since) => Some(since + self.head_timeout),
            Phase::Busy => None,
        }
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
            self.0.phase.set(Phase::Idle(Instant::now()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn pulse() -> Rc<Pulse> {
        Pulse::new(&Limits { header_timeout_ms: 5_000, keep_alive_timeout_ms: 60_000, ..Limits::default() })
    }

    #[tokio::test(start_paused = true)]
    async fn a_quiet_connection_has_its_idle_time_and_a_head_its_own() {
        let pulse = pulse();
        let begun = Instant::now();
        assert_eq!(pulse.due(), Some(begun + 60 * SECOND));
        tokio::time::advance(SECOND).await;
        pulse.on_bytes(b"POST /m");
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
