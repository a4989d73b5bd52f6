//! One HTTP/1.1 connection: a request out, its response in. This is the path that sets how much load one core makes.
//!
//! One write and, for an answer that fits the buffer, one read; no task, no allocation, no parsing of what is known.

use std::future::{Future as _, poll_fn};
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWriteExt as _, ReadBuf};

use super::deadline::Deadline;
use super::event_stream::EventStream;
use super::stream::Stream;
use crate::check::{Answer, Checker};
use crate::parse::head::Framing;
use crate::parse::response::{RESPONSE_BYTES_MAX, Response};
use crate::request::{Id, Request};
use crate::trouble::Trouble;

/// The buffer that a connection begins with; it grows with the answers.
const BUFFER_BYTES: usize = 8 * 1024;
/// A buffer that grew beyond this is given back when its answer is done with.
const BUFFER_KEPT_BYTES: usize = 4 * 1024 * 1024;

/// How often a slow reader reads.
const SLOW_READS_PER_S: u64 = 20;

/// A connection, with the answer it received last.
#[derive(Debug)]
pub struct Http {
    stream: Stream,
    buffer: Vec<u8>,
    filled: usize,
    response: Response,
    deadline: Deadline,
}

impl Http {
    /// Over that stream.
    #[must_use]
    pub fn new(stream: Stream) -> Self {
        Self {
            stream,
            buffer: vec![0; BUFFER_BYTES],
            filled: 0,
            response: Response::default(),
            deadline: Deadline::default(),
        }
    }

    /// Sends a request and checks its answer; says how many bytes the answer's body had.
    ///
    /// # Errors
    /// What is wrong, with the connection or with the answer.
    pub async fn ask(
        &mut self,
        request: &Request,
        id: Id,
        checker: &Checker,
        due: Instant,
    ) -> Result<usize, Trouble> {
        let sent = self.send(request.bytes(), due).await;
        loop {
            let read = self.read_some().await;
            if let Ok(1..) = read
                && let Some(body) = checker.knows(&self.buffer[..self.filled], id, request.session())
            {
                return Ok(body);
            }
            if self.advance(read, &sent)? {
                break;
            }
        }
        let answer = self.answer();
        checker.check(&answer, id, request.session())?;
        Ok(answer.body.len())
    }

    /// Sends a request and waits for all of its response, which [`Self::answer`] then shows.
    ///
    /// # Errors
    /// What is wrong with the connection.
    pub async fn exchange(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        let sent = self.send(bytes, due).await;
        loop {
            let read = self.read_some().await;
            if self.advance(read, &sent)? {
                return Ok(());
            }
        }
    }

    /// Sends a request and waits for its response's head, to go on with [`Self::into_events`].
    ///
    /// # Errors
    /// What is wrong with the connection.
    pub async fn begin(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        let sent = self.send(bytes, due).await;
        while self.response.head().is_none() {
            let read = self.read_some().await;
            self.advance(read, &sent)?;
        }
        Ok(())
    }

    /// Sends a request and reads its answer at so many bytes a second; waits `timeout` for each piece of it.
    ///
    /// # Errors
    /// What is wrong, with the connection or with the answer.
    pub async fn ask_slowly(
        &mut self,
        request: &Request,
        id: Id,
        checker: &Checker,
        speed: u64,
        timeout: Duration,
    ) -> Result<usize, Trouble> {
        let sent = self.send(request.bytes(), Instant::now() + timeout).await;
        let piece = usize::try_from(speed / SLOW_READS_PER_S).unwrap_or(usize::MAX).max(1);
        loop {
            self.deadline.set(Instant::now() + timeout);
            let read = self.read_at_most(piece).await;
            if self.advance(read, &sent)? {
                break;
            }
            tokio::time::sleep(Duration::from_secs(1) / SLOW_READS_PER_S as u32).await;
        }
        let answer = self.answer();
        checker.check(&answer, id, request.session())?;
        Ok(answer.body.len())
    }

    /// What came in response to the last request.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        let bytes = &self.buffer[..self.filled];
        let head = self.response.head();
        Answer {
            status: head.map_or(0, |head| head.status),
            content: self.response.content(),
            session: head.and_then(|head| head.session.clone()).map(|place| &bytes[place]),
            body: self.response.body(bytes),
            // A response behind which the connection ends must not be known again without looking at its head.
            raw: if self.is_kept() { bytes } else { &[] },
        }
    }

    /// Whether the server keeps the connection open behind the last response.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.response.head().is_none_or(|head| head.is_kept)
    }

    /// Sends bytes, and forgets the last response.
    ///
    /// # Errors
    /// When the connection doesn't take them.
    pub async fn send(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        self.filled = 0;
        self.response.reset();
        if self.buffer.len() > BUFFER_KEPT_BYTES {
            self.buffer = vec![0; BUFFER_BYTES];
        }
        self.deadline.set(due);
        let (stream, deadline) = (&mut self.stream, &mut self.deadline);
        let mut write = std::pin::pin!(async {
            stream.write_all(bytes).await?;
            stream.flush().await
        });
        poll_fn(|ctx| match write.as_mut().poll(ctx) {
            Poll::Ready(written) => Poll::Ready(written.map_err(|error| Trouble::closed(&error))),
            Poll::Pending => deadline.poll(ctx).map(|()| Err(Trouble::Timeout)),
        })
        .await
    }

    /// Reads once into the buffer, growing it if it is full.
    async fn read_some(&mut self) -> Result<usize, Trouble> {
        self.read_at_most(usize::MAX).await
    }

    async fn read_at_most(&mut self, most: usize) -> Result<usize, Trouble> {
        if self.filled == self.buffer.len() {
            if self.filled >= RESPONSE_BYTES_MAX {
                return Err(Trouble::BadHttp("the answer is too long".to_owned()));
            }
            self.buffer.resize(self.filled * 2, 0);
        }
        let end = self.filled.saturating_add(most).min(self.buffer.len());
        let mut into = ReadBuf::new(&mut self.buffer[self.filled..end]);
        let (stream, deadline) = (&mut self.stream, &mut self.deadline);
        let read = poll_fn(|ctx| match Pin::new(&mut *stream).poll_read(ctx, &mut into) {
            Poll::Ready(read) => Poll::Ready(read.map_err(|error| Trouble::closed(&error))),
            Poll::Pending => {
                ready!(deadline.poll(ctx));
                Poll::Ready(Err(Trouble::Timeout))
            }
        })
        .await;
        read?;
        let length = into.filled().len();
        self.filled += length;
        Ok(length)
    }

    /// Looks at what was read: whether the response is whole. A request that could not be sent all of it may still
    /// have been answered, with a refusal.
    fn advance(&mut self, read: Result<usize, Trouble>, sent: &Result<(), Trouble>) -> Result<bool, Trouble> {
        let bytes = &self.buffer[..self.filled];
        let is_whole = match read {
            Ok(0) => {
                if self.response.end_of_stream(bytes) {
                    return Ok(true);
                }
                let how = if self.filled == 0 { "nothing of it came" } else { "it was cut off" };
                return Err(sent.clone().err().unwrap_or_else(|| Trouble::Closed(how.to_owned())));
            }
            Ok(_) => self.response.advance(bytes).map_err(|error| Trouble::BadHttp(error.to_string()))?,
            Err(trouble) => return Err(sent.clone().err().unwrap_or(trouble)),
        };
        match self.response.end() {
            Some(end) if is_whole && end < self.filled => {
                Err(Trouble::BadHttp("more bytes than the answer has".to_owned()))
            }
            _ => Ok(is_whole),
        }
    }

    /// Goes on as a stream of events: what the body of the last response is.
    #[must_use]
    pub fn into_events(self) -> EventStream {
        let head_end = self.response.head().map_or(0, |head| head.length);
        let framing = self.response.head().map_or(Framing::UntilClose, |head| head.framing);
        EventStream::new(self.stream, framing, &self.buffer[head_end.min(self.filled)..self.filled])
    }
}
