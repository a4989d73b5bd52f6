//! Request bodies, read whole within limits of size, time and rate.

use std::future::poll_fn;
use std::ops::Deref;
use std::pin::{Pin, pin};
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use http_body_util::BodyExt as _;
use impresario_codec::Gathered;
use impresario_engine::Dialect;
use impresario_engine::session::error_reply;
use impresario_protocol::{ErrorKind, Limits, McpError};
use tokio::time::Instant;

use super::response::{self, Answer};

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BodyError {
    /// Larger than `body_bytes_max`.
    TooLarge,
    /// Slower than `body_timeout_ms` or `body_bytes_per_second_min`.
    TooSlow,
    /// The client broke off.
    Broken,
}

impl BodyError {
    /// What the client is told.
    pub(super) fn answer(self, limits: &Limits) -> Answer {
        match self {
            Self::TooLarge => {
                let text =
                    format!("the body is larger than {} bytes (body_bytes_max)", limits.body_bytes_max);
                let error = McpError::new(ErrorKind::InvalidRequest, text);
                let mut answer = response::json(error_reply(None, &error, Dialect::default()));
                answer.status = StatusCode::PAYLOAD_TOO_LARGE;
                answer
            }
            Self::TooSlow => {
                let text = "the body came too slowly (body_timeout_ms, body_bytes_per_second_min)";
                response::text(StatusCode::REQUEST_TIMEOUT, text)
            }
            Self::Broken => response::bare(StatusCode::BAD_REQUEST),
        }
    }
}

/// Before the rate of a body is looked at.
const RATE_GRACE: Duration = Duration::from_secs(5);

/// A body that was read.
#[derive(Debug)]
pub(super) enum Text {
    /// It came in one piece.
    Whole(Bytes),
    /// It came in several, which were put together here.
    Joined(Gathered),
}

impl Deref for Text {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Joined(gathered) => gathered,
        }
    }
}

impl Text {
    /// What was put together here and fulfils that, for somebody who parses it where it is. Nothing is left of it.
    pub(super) fn take_gathered(&mut self, fulfils: impl FnOnce(&[u8]) -> bool) -> Option<Gathered> {
        if !matches!(self, Self::Joined(gathered) if fulfils(gathered)) {
            return None;
        }
        match std::mem::replace(self, Self::Whole(Bytes::new())) {
            Self::Joined(gathered) => Some(gathered),
            Self::Whole(_) => None,
        }
    }

    /// The body, for somebody who passes it on.
    pub(super) fn into_bytes(self) -> Bytes {
        match self {
            Self::Whole(bytes) => bytes,
            Self::Joined(gathered) => gathered.into_vec().into(),
        }
    }
}

/// Reads a body. One that arrives in one piece, as nearly all do, is not copied.
pub(super) async fn read<B>(body: B, limits: &Limits) -> Result<Text, BodyError>
where
    B: Body<Data = Bytes>,
{
    let max = limits.body_bytes_max;
    if body.size_hint().lower() > max {
        return Err(BodyError::TooLarge);
    }
    let mut body = pin!(body);
    // Nearly always all of it is there already, and no clock is needed.
    let first = match poll_fn(|task| Poll::Ready(body.as_mut().poll_frame(task))).await {
        Poll::Ready(Some(Ok(frame))) => frame.into_data().unwrap_or_default(),
        Poll::Ready(Some(Err(_))) => return Err(BodyError::Broken),
        Poll::Ready(None) => return Ok(Text::Whole(Bytes::new())),
        Poll::Pending => Bytes::new(),
    };
    if first.len() as u64 > max {
        return Err(BodyError::TooLarge);
    }
    if !first.is_empty() && body.is_end_stream() {
        return Ok(Text::Whole(first));
    }
    let timeout = Duration::from_millis(limits.body_timeout_ms);
    // Boxed, because every connection has room for what is not.
    let collecting = Box::pin(collect(body, first, max, limits.body_bytes_per_second_min));
    Box::pin(tokio::time::timeout(timeout, collecting)).await.unwrap_or(Err(BodyError::TooSlow))
}

/// The `first` bytes of a body with what follows them.
async fn collect<B>(
    mut body: Pin<&mut B>,
    first: Bytes,
    bytes_max: u64,
    bytes_per_second_min: u64,
) -> Result<Text, BodyError>
where
    B: Body<Data = Bytes>,
{
    /// No more room than this is made for what a client has only announced.
    const ROOM_BYTES_MAX: u64 = 256 * 1024;
    let begun = Instant::now();
    let announced = body.size_hint().lower().min(ROOM_BYTES_MAX);
    let mut text = Gathered::with_room(first.len() + usize::try_from(announced).unwrap_or(0));
    text.push(&first);
    drop(first);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| BodyError::Broken)?.into_data() else { continue };
        text.push(&data);
        let length = text.len() as u64;
        if length > bytes_max {
            return Err(BodyError::TooLarge);
        }
        let elapsed = begun.elapsed();
        let due = bytes_per_second_min.saturating_mul(elapsed.as_secs());
        if elapsed > RATE_GRACE && length < due && !body.is_end_stream() {
            return Err(BodyError::TooSlow);
        }
    }
    Ok(Text::Joined(text))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::convert::Infallible;
    use std::task::Context;

    use http_body::Frame;
    use http_body_util::Full;
    use tokio::time::{Interval, interval};

    use super::*;

    /// A body that comes in pieces, one a second.
    struct Dribble(VecDeque<Bytes>, Interval);

    impl Body for Dribble {
        type Data = Bytes;
        type Error = Infallible;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            task: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
            std::task::ready!(self.1.poll_tick(task));
            Poll::Ready(self.0.pop_front().map(|bytes| Ok(Frame::data(bytes))))
        }
    }

    fn dribble(pieces: usize, bytes: usize) -> Dribble {
        let piece = Bytes::from(vec![b' '; bytes]);
        Dribble(vec![piece; pieces].into(), interval(Duration::from_secs(1)))
    }

    fn limits(body_bytes_max: u64) -> Limits {
        Limits { body_bytes_max, ..Limits::default() }
    }

    /// The length of a body that is read within that limit.
    async fn length(body: Dribble, bytes_max: u64) -> Result<usize, BodyError> {
        read(body, &limits(bytes_max)).await.map(|text| text.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_at_its_limit_is_read_and_one_above_is_not() {
        for (length, is_read) in [(0, true), (9, true), (10, true), (11, false)] {
            let whole = read(Full::new(Bytes::from(vec![b'x'; length])), &limits(10)).await;
            assert_eq!(
                whole.map(|bytes| bytes.len()),
                if is_read { Ok(length) } else { Err(BodyError::TooLarge) }
            );
        }
        assert_eq!(length(dribble(3, 4), 12).await, Ok(12));
        assert_eq!(length(dribble(3, 4), 11).await, Err(BodyError::TooLarge));
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_is_too_slow_is_given_up() {
        assert_eq!(length(dribble(20, 10), 1_000_000).await, Err(BodyError::TooSlow));
        assert_eq!(length(dribble(20, 2_000), 1_000_000).await, Ok(40_000));
        assert_eq!(length(dribble(40, 2_000), 1_000_000).await, Err(BodyError::TooSlow));
    }
}
