//! A response that stays open: server-sent events, read one at a time, kept nowhere.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Instant;

use tokio::io::{AsyncRead, ReadBuf};

use super::deadline::Deadline;
use super::stream::Stream;
use crate::parse::chunked::Chunked;
use crate::parse::events::{Event, Events};
use crate::parse::head::Framing;
use crate::trouble::Trouble;

/// Small, because there may be tens of thousands of idle streams.
const BUFFER_BYTES: usize = 2 * 1024;

/// A stream of events.
#[derive(Debug)]
pub struct EventStream {
    stream: Stream,
    framing: Framing,
    /// How many bytes of the body have come.
    received: usize,
    chunked: Chunked,
    events: Events,
    /// Bounded by what one buffer of bytes can hold.
    ready: VecDeque<Event>,
    is_over: bool,
    deadline: Deadline,
}

impl EventStream {
    /// Goes on behind a response's head, with what of the body has come already.
    pub(super) fn new(stream: Stream, framing: Framing, begun: &[u8]) -> Self {
        let mut events = Self {
            stream,
            framing,
            received: 0,
            chunked: Chunked::default(),
            events: Events::default(),
            ready: VecDeque::new(),
            is_over: false,
            deadline: Deadline::default(),
        };
        events.is_over = events.take(begun).is_err();
        events
    }

    /// The next event; none when the stream has ended.
    ///
    /// # Errors
    /// What is wrong with the connection; [`Trouble::Timeout`] when nothing came until `due`.
    pub async fn next(&mut self, due: Instant) -> Result<Option<Event>, Trouble> {
        self.deadline.set(due);
        let mut buffer = [0; BUFFER_BYTES];
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Ok(Some(event));
            }
            if self.is_over {
                return Ok(None);
            }
            let (stream, deadline) = (&mut self.stream, &mut self.deadline);
            let mut into = ReadBuf::new(&mut buffer);
            let read = poll_fn(|ctx| match Pin::new(&mut *stream).poll_read(ctx, &mut into) {
                Poll::Ready(read) => Poll::Ready(read.map_err(|error| Trouble::closed(&error))),
                Poll::Pending => deadline.poll(ctx).map(|()| Err(Trouble::Timeout)),
            });
            read.await?;
            let length = into.filled().len();
            if length == 0 {
                let is_regular = self.framing == Framing::UntilClose;
                self.is_over = true;
                return if is_regular {
                    Ok(None)
                } else {
                    Err(Trouble::Closed("the stream was cut off".to_owned()))
                };
            }
            self.take(&buffer[..length])?;
        }
    }

    fn take(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        let mut unchunked = Vec::new();
        let body = match self.framing {
            Framing::Chunked => {
                let taken = self.chunked.take(bytes, &mut unchunked);
                taken.map_err(|error| Trouble::BadHttp(error.to_string()))?;
                self.is_over = self.chunked.is_done();
                unchunked.as_slice()
            }
            Framing::Length(length) => {
                self.received += bytes.len();
                self.is_over = self.received >= length;
                bytes
            }
            Framing::UntilClose => bytes,
        };
        let mut at = 0;
        while at < body.len() {
            let (event, taken) = self.events.take(&body[at..]);
            at += taken;
            self.ready.extend(event);
        }
        Ok(())
    }
}
