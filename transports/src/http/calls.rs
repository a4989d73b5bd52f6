//! Requests under way whose messages and answers take one stream, recorded whether anybody reads it or not.

use std::future::poll_fn;
use std::task::{Context, Poll};

use impresario_engine::session::{Exchange, Frame, Recorder};

/// Requests under way: one, or those of a batch.
#[derive(Debug)]
pub(super) struct Calls {
    open: Vec<Exchange>,
}

/// What is to be sent for one of them.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) message: Vec<u8>,
    pub(super) is_answer: bool,
}

enum News {
    Told(Told),
    /// A tool wants its client to come back later.
    CloseStream,
    /// All of them have ended.
    Over,
}

impl Calls {
    pub(super) fn new(open: Vec<Exchange>) -> Self {
        Self { open }
    }

    /// What is to be sent next; nothing once all have ended.
    pub(super) fn poll_next(&mut self, task: &mut Context<'_>) -> Poll<Option<Told>> {
        let mut at = 0;
        while let Some(exchange) = self.open.get_mut(at) {
            match exchange.poll_frame(task) {
                Poll::Pending => at += 1,
                Poll::Ready(Frame::Message(message)) => {
                    return Poll::Ready(Some(Told { message, is_answer: false }));
                }
                Poll::Ready(Frame::Reply(reply)) => {
                    drop(self.open.remove(at));
                    return Poll::Ready(Some(Told { message: reply.into_bytes(), is_answer: true }));
                }
                Poll::Ready(Frame::Nothing) => drop(self.open.remove(at)),
            }
        }
        if self.open.is_empty() { Poll::Ready(None) } else { Poll::Pending }
    }

    fn poll_news(&mut self, task: &mut Context<'_>) -> Poll<News> {
        match self.poll_next(task) {
            Poll::Ready(Some(told)) => Poll::Ready(News::Told(told)),
            Poll::Ready(None) => Poll::Ready(News::Over),
            Poll::Pending if self.open.iter().any(|exchange| exchange.call().takes_close_stream()) => {
                Poll::Ready(News::CloseStream)
            }
            Poll::Pending => Poll::Pending,
        }
    }

    /// Records everything that is sent for them, to their end. `polls` says whether their client comes back when its
    /// stream is closed.
    pub(super) async fn record(mut self, recorder: Recorder, polls: bool) {
        loop {
            poll_fn(|task| recorder.poll_room(task)).await;
            match poll_fn(|task| self.poll_news(task)).await {
                News::Told(Told { message, is_answer }) => recorder.push(message, is_answer),
                News::CloseStream if polls => recorder.dismiss_reader(),
                News::CloseStream => {}
                News::Over => return,
            }
        }
    }
}
