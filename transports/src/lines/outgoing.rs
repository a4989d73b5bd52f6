//! Lines on their way out of a conversation, bounded by bytes. Whoever has one more waits for room; nothing is dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use impresario_protocol::Limits;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use crate::conversation::{Gone, Out};

/// Lines that wait to be written, however short they are.
const LINES_MAX: usize = 64;

/// The conversation's end.
#[derive(Debug, Clone)]
pub(crate) struct LineSender {
    lines: mpsc::Sender<Line>,
    room: Arc<Semaphore>,
    bytes_max: u32,
    waiting_bytes: Arc<AtomicUsize>,
}

/// The writer's end. Dropped, nobody writes any more.
#[derive(Debug)]
pub(crate) struct LineReceiver {
    lines: mpsc::Receiver<Line>,
    bytes_max: u32,
    waiting_bytes: Arc<AtomicUsize>,
}

/// One line, with the line feed that ends it. Its room is given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) bytes: Bytes,
    _room: OwnedSemaphorePermit,
}

/// Both ends, with room for `sse_out_bytes_max` bytes, or for one line that is longer.
pub(crate) fn outgoing(limits: &Limits) -> (LineSender, LineReceiver) {
    let bytes_max = u32::try_from(limits.sse_out_bytes_max).unwrap_or(u32::MAX >> 3);
    let room = Arc::new(Semaphore::new(bytes_max as usize));
    let (line_tx, line_rx) = mpsc::channel(LINES_MAX);
    let waiting_bytes = Arc::<AtomicUsize>::default();
    let sender = LineSender { lines: line_tx, room, bytes_max, waiting_bytes: Arc::clone(&waiting_bytes) };
    (sender, LineReceiver { lines: line_rx, bytes_max, waiting_bytes })
}

impl Out for LineSender {
    async fn send(&self, mut message: Vec<u8>) -> Result<(), Gone> {
        message.push(b'\n');
        let _waiting = Waiting::begin(&self.waiting_bytes, message.len());
        let needed = u32::try_from(message.len()).unwrap_or(u32::MAX).min(self.bytes_max);
        let room = tokio::select! {
            room = Arc::clone(&self.room).acquire_many_owned(needed) => room.map_err(|_| Gone)?,
            () = self.lines.closed() => return Err(Gone),
        };
        let line = Line { bytes: message.into(), _room: room };
        self.lines.send(line).await.map_err(|_| Gone)
    }

    async fn closed(&self) {
        self.lines.closed().await;
    }
}

impl LineReceiver {
    /// The next line; nothing at the end.
    pub(crate) async fn next(&mut self) -> Option<Line> {
        self.lines.recv().await
    }

    /// The next line, for a thread that may wait.
    pub(crate) fn blocking_next(&mut self) -> Option<Line> {
        self.lines.blocking_recv()
    }

    /// The next line, if it is there already.
    pub(crate) fn try_next(&mut self) -> Option<Line> {
        self.lines.try_recv().ok()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether more waits for room than there is room for.
    pub(crate) fn is_over(&self) -> bool {
        self.waiting_bytes.load(Ordering::Relaxed) > self.bytes_max as usize
    }
}

/// One who waits for room, with so many bytes.
struct Waiting<'s>(&'s AtomicUsize, usize);

impl<'s> Waiting<'s> {
    fn begin(waiting: &'s AtomicUsize, bytes: usize) -> Self {
        waiting.fetch_add(bytes, Ordering::Relaxed);
        Self(waiting, bytes)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::FutureExt as _;

    use super::*;

    #[tokio::test]
    async fn who_sends_waits_for_bytes_and_what_waits_is_counted() {
        let limits = Limits { sse_out_bytes_max: 10, ..Limits::default() };
        let (sender, mut receiver) = outgoing(&limits);
        let send = |text: &str| sender.send(text.as_bytes().to_vec());
        send("longer than all the room there is").now_or_never().expect("one line may be").unwrap();
        let mut second = pin!(send("1234"));
        assert!(second.as_mut().now_or_never().is_none() && !receiver.is_over());
        let mut third = pin!(send("123456"));
        assert!(third.as_mut().now_or_never().is_none());
        assert!(receiver.is_over(), "twelve bytes wait for the room of ten");
        assert_eq!(receiver.try_next().unwrap().bytes, "longer than all the room there is\n");
        second.now_or_never().expect("there is room").unwrap();
        assert!(third.as_mut().now_or_never().is_none() && !receiver.is_over());
        assert_eq!(receiver.try_next().unwrap().bytes, "1234\n");
        third.now_or_never().expect("there is room").unwrap();
        let mut left = pin!(send("123456"));
        assert!(left.as_mut().now_or_never().is_none());
        drop(receiver);
        assert!(left.await.is_err());
        sender.closed().await;
    }
}
