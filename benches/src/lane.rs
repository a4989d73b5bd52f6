//! Work on a lane, timed there: what happens on one thread is not to be measured across two.

use std::rc::Rc;
use std::sync::mpsc::sync_channel;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use impresario_codec::{DecodeLimits, Message};
use impresario_engine::session::{Connection, ConnectionKind, Frame, Stage, Via};
use impresario_engine::{Caller, Runtime};

/// Runs something on the first lane and waits for what comes of it.
///
/// # Panics
/// When the lane has ended, or the work panics.
pub fn on_lane<T: Send + 'static>(
    runtime: &Runtime,
    work: impl FnOnce(&Rc<Stage>) -> T + Send + 'static,
) -> T {
    let (result_tx, result_rx) = sync_channel(1);
    let errand = move |stage: &Rc<Stage>| {
        let result = work(stage);
        result_tx.send(result).expect("the caller waits");
    };
    runtime.on_lane(0, errand).expect("the lane takes errands");
    result_rx.recv().expect("the errand does not panic")
}

/// A connection in the same thread that asks the same again and again, without a socket.
#[derive(Debug)]
pub struct Asker {
    connection: Connection,
    limits: DecodeLimits,
}

impl Asker {
    /// Opens a connection on this lane.
    #[must_use]
    pub fn open(stage: &Rc<Stage>) -> Self {
        let connection = Connection::open(Rc::clone(stage), Caller::default(), ConnectionKind::Pipe);
        Self { connection, limits: DecodeLimits::from(&*stage.shared.limits) }
    }

    /// Parses the request, has it answered, and gives the bytes of every frame that a transport would send.
    ///
    /// # Panics
    /// When the request is none, or its tool does not answer at once.
    #[must_use]
    pub fn ask(&self, request: &[u8]) -> usize {
        let message = Message::parse(request, &self.limits).expect("it is a request");
        let mut exchange = self.connection.request(message, Via::Pipe);
        let mut task = Context::from_waker(Waker::noop());
        let mut bytes = 0;
        loop {
            match exchange.poll_frame(&mut task) {
                Poll::Ready(Frame::Message(frame)) => bytes += frame.len(),
                Poll::Ready(Frame::Reply(reply)) => {
                    let (written, inset, _) = reply.into_parts();
                    return bytes + written.len() + inset.len();
                }
                Poll::Ready(Frame::Nothing) => panic!("the call was taken back"),
                Poll::Pending => panic!("the tool did not answer at once"),
            }
        }
    }
}

/// How long `rounds` of the same request take on the lane. The answer is looked at once, before.
///
/// # Panics
/// When the answer does not hold `expected_bytes` bytes at the least.
#[must_use]
pub fn time_requests(runtime: &Runtime, request: String, expected_bytes: usize, rounds: u64) -> Duration {
    on_lane(runtime, move |stage| {
        let asker = Asker::open(stage);
        let answered = asker.ask(request.as_bytes());
        assert!(answered >= expected_bytes, "an answer of {answered} bytes was too short");
        let started = Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(asker.ask(request.as_bytes()));
        }
        started.elapsed()
    })
}
