//! What waits to be sent on the one stream of an HTTP+SSE session, bounded by bytes.
//!
//! Nothing is dropped: whoever has something to send waits for room. A reader that takes too little for too long is
//! cut, which ends its session; the more waits for it, the sooner.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::event::event;
use crate::conversation::{Gone, Out};

/// The sending end. Clones send to the same reader.
#[derive(Debug, Clone)]
pub(super) struct Outbox(Rc<State>);

/// The reader's end. Dropped, nobody reads any more.
#[derive(Debug)]
pub(super) struct Outlet(Rc<State>);

#[derive(Debug, Default)]
struct State {
    events: RefCell<VecDeque<Bytes>>,
    bytes: Cell<usize>,
    bytes_max: usize,
    /// Bytes that the reader has taken so far.
    taken: Cell<usize>,
    /// Who waits for room.
    waiting: Cell<usize>,
    /// What they hold meanwhile.
    waiting_bytes: Cell<usize>,
    /// The reader, while it waits for an event.
    reader: RefCell<Option<Waker>>,
    /// Nothing more will be sent.
    is_finished: Cell<bool>,
    is_left: Cell<bool>,
    /// The reader took something, or has left.
    room: Notify,
    /// Somebody has begun to wait for room.
    full: Notify,
}

/// Both ends, with room for so many bytes, or for one event that is longer.
pub(super) fn outbox(bytes_max: usize) -> (Outbox, Outlet) {
    let state = Rc::new(State { bytes_max, ..State::default() });
    (Outbox(Rc::clone(&state)), Outlet(state))
}

impl Outbox {
    /// Sends an event once there is room.
    pub(super) async fn send_event(&self, event: Bytes) -> Result<(), Gone> {
        let state = &self.0;
        loop {
            let mut room = std::pin::pin!(state.room.notified());
            room.as_mut().enable();
            if state.is_left.get() || state.is_finished.get() {
                return Err(Gone);
            }
            let bytes = state.bytes.get();
            if bytes == 0 || bytes + event.len() <= state.bytes_max {
                state.bytes.set(bytes + event.len());
                state.events.borrow_mut().push_back(event);
                state.wake_reader();
                return Ok(());
            }
            let _waiting = Waiting::begin(state, event.len());
            state.full.notify_one();
            room.await;
        }
    }

    /// Resolves when somebody has waited for room for so long, and the reader took less than there is room for. Once
    /// more waits than there is room for, an eighth of both is what the reader gets: no slower, but judged sooner.
    pub(super) async fn stalled(&self, window: Duration) {
        const SOONER: u32 = 8;
        let state = &self.0;
        loop {
            state.full.notified().await;
            let (mut since, mut taken) = (Instant::now(), state.taken.get());
            while state.waiting.get() > 0 {
                let is_over = state.waiting_bytes.get() > state.bytes_max;
                let share = if is_over { SOONER } else { 1 };
                tokio::select! {
                    () = sleep_until(since + window / share) => {}
                    () = state.full.notified() => continue,
                }
                let least = (state.bytes_max / share as usize).max(1);
                if state.waiting.get() > 0 && state.taken.get() - taken < least {
                    return;
                }
                (since, taken) = (Instant::now(), state.taken.get());
            }
        }
    }

    /// Bytes that nobody has taken, and those that wait for room.
    pub(super) fn bytes(&self) -> usize {
        self.0.bytes.get() + self.0.waiting_bytes.get()
    }

    /// Ends the stream once everything was taken.
    pub(super) fn finish(&self) {
        self.0.is_finished.set(true);
        self.0.room.notify_waiters();
        self.0.wake_reader();
    }

    /// Ends the stream now, whatever is unsent.
    pub(super) fn cut(&self) {
        self.0.events.borrow_mut().clear();
        self.finish();
    }
}

impl Out for Outbox {
    async fn send(&self, message: Vec<u8>) -> Result<(), Gone> {
        self.send_event(event(&message)).await
    }

    async fn closed(&self) {
        loop {
            let mut changed = std::pin::pin!(self.0.room.notified());
            changed.as_mut().enable();
            if self.0.is_left.get() || self.0.is_finished.get() {
                return;
            }
            changed.await;
        }
    }
}

/// One who waits for room.
struct Waiting<'s>(&'s State, usize);

impl<'s> Waiting<'s> {
    fn begin(state: &'s State, bytes: usize) -> Self {
        state.waiting.set(state.waiting.get() + 1);
        state.waiting_bytes.set(state.waiting_bytes.get() + bytes);
        Self(state, bytes)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.set(self.0.waiting.get() - 1);
        self.0.waiting_bytes.set(self.0.waiting_bytes.get() - self.1);
    }
}

impl State {
    fn wake_reader(&self) {
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
    }
}

impl Outlet {
    /// The next event; nothing at the end.
    pub(super) fn poll_next(&self, task: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let state = &self.0;
        let next = state.events.borrow_mut().pop_front();
        if let Some(event) = next {
            state.bytes.set(state.bytes.get() - event.len());
            state.taken.set(state.taken.get() + event.len());
            state.room.notify_waiters();
            return Poll::Ready(Some(event));
        }
        if state.is_finished.get() {
            return Poll::Ready(None);
        }
        *state.reader.borrow_mut() = Some(task.waker().clone());
        Poll::Pending
    }
}

impl Drop for Outlet {
    fn drop(&mut self) {
        self.0.is_left.set(true);
        self.0.room.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn take(outlet: &Outlet) -> Option<Bytes> {
        match outlet.poll_next(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(event) => event,
            Poll::Pending => None,
        }
    }

    async fn is_sent(outbox: &Outbox, event: &'static [u8]) -> bool {
        let sent = tokio::time::timeout(SECOND, outbox.send_event(Bytes::from_static(event))).await;
        sent.is_ok_and(|sent| sent.is_ok())
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_waits_for_room_and_nothing_is_dropped() {
        let (outbox, outlet) = outbox(10);
        assert!(is_sent(&outbox, b"longer than the room").await, "one event may be");
        assert!(!is_sent(&outbox, b"a").await);
        assert!(take(&outlet).is_some());
        assert!(is_sent(&outbox, b"12345").await);
        assert!(is_sent(&outbox, b"67890").await);
        assert!(!is_sent(&outbox, b"a").await);
        outbox.finish();
        assert!(!is_sent(&outbox, b"a").await);
        assert_eq!((take(&outlet).unwrap(), take(&outlet).unwrap()), ("12345".into(), "67890".into()));
        assert_eq!((take(&outlet), outbox.bytes()), (None, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_too_little_for_too_long_is_stalled_and_one_that_takes_enough_is_not() {
        for (per_second, is_stalled) in [(0, true), (1, true), (2, false)] {
            let (outbox, outlet) = outbox(10);
            let fill = async {
                loop {
                    outbox.send_event(Bytes::from_static(b"12345")).await.unwrap();
                }
            };
            let read = async {
                loop {
                    tokio::time::sleep(5 * SECOND).await;
                    for _ in 0..per_second {
                        take(&outlet);
                    }
                }
            };
            // In windows of nine seconds the reader comes at least once, and takes five bytes each time, or ten.
            let stalled = async {
                tokio::select! {
                    () = outbox.stalled(9 * SECOND) => true,
                    () = tokio::time::sleep(600 * SECOND) => false,
                }
            };
            let found = tokio::select! {
                found = stalled => found,
                () = fill => unreachable!("it never ends"),
                () = read => unreachable!("it never ends"),
            };
            assert_eq!(found, is_stalled, "{per_second}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_lets_more_wait_than_there_is_room_for_is_judged_sooner_by_the_same_measure() {
        // So many wait with five bytes each, where there is room for sixteen; and so many bytes are taken in a second.
        // Two bytes in ten seconds are as many as sixteen in eighty.
        for (waiting, per_second, stalled_after_s) in [(3, 0, Some(80)), (4, 0, Some(10)), (4, 1, None)] {
            let (outbox, outlet) = outbox(16);
            let begun = Instant::now();
            let fill = futures_util::future::join_all((0..waiting).map(|_| async {
                loop {
                    outbox.send_event(Bytes::from_static(b"12345")).await.unwrap();
                }
            }));
            let read = async {
                let mut taken = 0;
                loop {
                    tokio::time::sleep(SECOND).await;
                    while taken + 5 <= per_second * begun.elapsed().as_secs() {
                        taken += take(&outlet).map_or(5, |event| event.len() as u64);
                    }
                }
            };
            let stalled = tokio::select! {
                () = outbox.stalled(80 * SECOND) => Some(begun.elapsed().as_secs()),
                () = tokio::time::sleep(600 * SECOND) => None,
                _ = fill => unreachable!("it never ends"),
                () = read => unreachable!("it never ends"),
            };
            assert_eq!(stalled, stalled_after_s, "{waiting} {per_second}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_leaves_lets_nobody_wait() {
        let (outbox, outlet) = outbox(1);
        assert!(is_sent(&outbox, b"1").await);
        let (waits, leaves) =
            tokio::join!(outbox.send_event(Bytes::from_static(b"2")), async { drop(outlet) });
        assert!(waits.is_err());
        outbox.closed().await;
        assert_eq!(leaves, ());
    }
}
