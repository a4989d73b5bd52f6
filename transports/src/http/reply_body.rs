//! The body of an answer: whole, or a stream of events.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use impresario_codec::Buffer;

use super::pulse::{Answering, Progress};
use super::streams::EventStream;

/// The body of an answer.
#[derive(Debug, Default)]
pub(super) struct ReplyBody {
    content: Content,
    /// Says that the connection is in use, as long as the body is.
    answering: Option<Answering>,
    /// Tells a watcher whether the reader takes what is there for it.
    progress: Option<Rc<Progress>>,
}

#[derive(Debug, Default)]
enum Content {
    #[default]
    Nothing,
    /// All of it is there, and goes out at once.
    Whole(Chunk),
    /// All of it is there, and goes out in pieces.
    Long(Bytes),
    /// Server-sent events, as they come.
    Events(Box<EventStream>),
}

/// A whole body above this is handed over in pieces of so much, so that a reader that takes nothing is noticed.
const PIECE_BYTES: usize = 256 * 1024;

impl ReplyBody {
    /// A body that is there from the start.
    pub(super) fn whole(chunk: Chunk) -> Self {
        let content = match chunk.remaining() {
            0 => Content::Nothing,
            1..=PIECE_BYTES => Content::Whole(chunk),
            _ => Content::Long(chunk.into_bytes()),
        };
        Self { content, ..Self::default() }
    }

    /// A body of those bytes.
    pub(super) fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self::whole(Chunk::from(bytes.into()))
    }

    /// Events, as they come.
    pub(super) fn events(stream: EventStream) -> Self {
        Self { content: Content::Events(Box::new(stream)), ..Self::default() }
    }

    /// The bytes of a body that does not stream.
    pub(super) fn into_bytes(self) -> Option<Bytes> {
        match self.content {
            Content::Whole(chunk) => Some(chunk.into_bytes()),
            Content::Long(bytes) => Some(bytes),
            Content::Nothing | Content::Events(_) => None,
        }
    }

    /// Keeps the connection from being taken for idle as long as this is sent.
    pub(super) fn keep(&mut self, answering: Answering) {
        self.answering = Some(answering);
    }

    /// What tells whether the reader takes what is there for it, for bodies that take several pieces.
    pub(super) fn progress(&mut self) -> Option<&Rc<Progress>> {
        let is_long = match &self.content {
            Content::Nothing | Content::Whole(_) => false,
            Content::Long(_) | Content::Events(_) => true,
        };
        is_long.then(|| &*self.progress.get_or_insert_default())
    }

    fn poll_chunk(&mut self, task: &mut Context<'_>) -> Poll<Option<Chunk>> {
        match &mut self.content {
            Content::Nothing => Poll::Ready(None),
            Content::Whole(chunk) => {
                let chunk = std::mem::take(chunk);
                self.content = Content::Nothing;
                Poll::Ready(Some(chunk))
            }
            Content::Long(bytes) => {
                let piece = bytes.split_to(bytes.len().min(PIECE_BYTES));
                if bytes.is_empty() {
                    self.content = Content::Nothing;
                }
                Poll::Ready(Some(piece.into()))
            }
            Content::Events(events) => events.poll_bytes(task).map(|bytes| bytes.map(Chunk::from)),
        }
    }
}

impl Body for ReplyBody {
    type Data = Chunk;
    type Error = std::convert::Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Chunk>, Self::Error>>> {
        let this = self.get_mut();
        let chunk = this.poll_chunk(task);
        if let Some(progress) = &this.progress {
            progress.on_poll(matches!(chunk, Poll::Ready(Some(_))));
        }
        chunk.map(|chunk| chunk.map(|chunk| Ok(Frame::data(chunk))))
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.content, Content::Nothing)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Nothing => SizeHint::with_exact(0),
            Content::Whole(chunk) => SizeHint::with_exact(chunk.remaining() as u64),
            Content::Long(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Events(_) => SizeHint::default(),
        }
    }
}

/// Bytes on their way out: what was written for this answer, and what stands within it and was not copied.
#[derive(Debug, Default)]
pub(super) struct Chunk {
    /// Goes back to its pool when it was sent.
    written: Buffer,
    /// How much of it was sent.
    at: usize,
    inset: Bytes,
    /// Where in what was written the inset stands.
    inset_at: usize,
}

impl Chunk {
    pub(super) fn new(written: Buffer, inset: Bytes, inset_at: usize) -> Self {
        Self { written, at: 0, inset, inset_at }
    }

    /// What is left of it in one piece.
    pub(super) fn into_bytes(mut self) -> Bytes {
        match (self.at, self.inset.is_empty()) {
            (0, true) => self.written.into_vec().into(),
            (at, false) if at == self.written.len() => self.inset,
            _ => self.copy_to_bytes(self.remaining()),
        }
    }

    /// What is left of it in order: written before the inset, the inset, written behind it.
    fn parts(&self) -> [&[u8]; 3] {
        let split = self.inset_at.max(self.at);
        [&self.written[self.at..split], &self.inset, &self.written[split..]]
    }
}

impl From<Bytes> for Chunk {
    fn from(inset: Bytes) -> Self {
        Self { inset, ..Self::default() }
    }
}

impl Buf for Chunk {
    fn remaining(&self) -> usize {
        self.written.len() - self.at + self.inset.len()
    }

    fn chunk(&self) -> &[u8] {
        self.parts().into_iter().find(|part| !part.is_empty()).unwrap_or_default()
    }

    fn advance(&mut self, count: usize) {
        let before = count.min(self.inset_at.saturating_sub(self.at));
        let within = (count - before).min(self.inset.len());
        self.inset.advance(within);
        self.at += count - within;
    }

    fn chunks_vectored<'a>(&'a self, slices: &mut [std::io::IoSlice<'a>]) -> usize {
        let parts = self.parts().into_iter().filter(|part| !part.is_empty());
        let filled = slices.iter_mut().zip(parts).map(|(slice, part)| *slice = std::io::IoSlice::new(part));
        filled.count()
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt as _;

    use super::*;

    fn buffer(bytes: &[u8]) -> Buffer {
        let mut buffer = Buffer::with_room(bytes.len());
        buffer.extend_from_slice(bytes);
        buffer
    }

    #[test]
    fn a_chunk_is_read_across_its_parts_in_steps_of_any_size() {
        for inset_at in 0..=3 {
            for step in 1..=8 {
                let mut chunk = Chunk::new(buffer(b"abc"), Bytes::from_static(b"DEFG"), inset_at);
                let mut read = Vec::new();
                while chunk.has_remaining() {
                    let mut slices = [std::io::IoSlice::new(&[]); 4];
                    let filled = chunk.chunks_vectored(&mut slices);
                    let vectored: usize = slices[..filled].iter().map(|slice| slice.len()).sum();
                    assert_eq!(vectored, chunk.remaining());
                    let count = step.min(chunk.remaining());
                    let mut piece = vec![0; count];
                    chunk.copy_to_slice(&mut piece);
                    read.extend(piece);
                }
                let mut expected = b"abc".to_vec();
                expected.splice(inset_at..inset_at, *b"DEFG");
                assert_eq!(read, expected, "at {inset_at}, step {step}");
            }
        }
    }

    #[tokio::test]
    async fn a_body_has_its_size_from_the_start_and_all_its_bytes() {
        for (written, inset) in
            [(0, 0), (3, 0), (0, 3), (5, 7), (PIECE_BYTES, 0), (PIECE_BYTES, 1), (2 * PIECE_BYTES + 1, 0)]
        {
            let (first, inset) = (vec![b'a'; written], Bytes::from(vec![b'b'; inset]));
            let expected = [&first[..], &inset[..]].concat();
            let body = ReplyBody::whole(Chunk::new(buffer(&first), inset, written));
            assert_eq!(body.size_hint().exact(), Some(expected.len() as u64));
            let bytes = body.collect().await.unwrap().to_bytes();
            assert!(bytes[..] == expected[..], "{written}");
        }
    }
}
