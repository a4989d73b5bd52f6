//! The body of an answer, as far as it may go: neither too large, nor too slow.

use bytes::{Bytes, BytesMut};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};

/// Where a body's pieces come from.
pub(crate) trait Pieces {
    /// The next piece, or nothing after the last. Dropping the future loses nothing.
    async fn next(&mut self) -> Result<Option<Bytes>, reqwest::Error>;
}

impl Pieces for reqwest::Response {
    async fn next(&mut self) -> Result<Option<Bytes>, reqwest::Error> {
        self.chunk().await
    }
}

/// What a body may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    /// Its size.
    pub(crate) bytes_max: u64,
    /// How fast it has to come, measured over `measured_for`.
    pub(crate) bytes_per_second_min: u64,
    pub(crate) measured_for: Duration,
}

/// Why a body was not read to its end.
#[derive(Debug)]
pub(crate) enum BodyError {
    TooLarge,
    TooSlow,
    Broken(reqwest::Error),
}

/// Reads a body, whether its length was told beforehand (which may be a lie), or not.
pub(crate) async fn read(
    pieces: &mut impl Pieces,
    told_bytes: Option<u64>,
    bounds: Bounds,
) -> Result<Bytes, BodyError> {
    if told_bytes.is_some_and(|bytes| bytes > bounds.bytes_max) {
        return Err(BodyError::TooLarge);
    }
    let mut body = BytesMut::new();
    let mut pace = Pace::new(bounds);
    loop {
        match timeout_at(pace.until, pieces.next()).await {
            Ok(Ok(Some(piece))) => {
                pace.bytes += piece.len() as u64;
                if (body.len() + piece.len()) as u64 > bounds.bytes_max {
                    return Err(BodyError::TooLarge);
                }
                body.extend_from_slice(&piece);
            }
            Ok(Ok(None)) => return Ok(body.freeze()),
            Ok(Err(error)) => return Err(BodyError::Broken(error)),
            Err(_elapsed) => pace.next(bounds)?,
        }
    }
}

/// How much came since when.
struct Pace {
    until: Instant,
    bytes: u64,
}

impl Pace {
    fn new(bounds: Bounds) -> Self {
        Self { until: Instant::now() + bounds.measured_for, bytes: 0 }
    }

    /// Begins anew, if enough came until now.
    fn next(&mut self, bounds: Bounds) -> Result<(), BodyError> {
        let wanted = bounds.measured_for.as_secs_f64() * bounds.bytes_per_second_min as f64;
        if (self.bytes as f64) < wanted {
            return Err(BodyError::TooSlow);
        }
        *self = Self::new(bounds);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// So many pieces of one size, one after each pause.
    struct Drip {
        pieces: usize,
        piece_bytes: usize,
        pause: Duration,
        /// When the next one falls: a future that was dropped is not a pause that begins again.
        falls: Instant,
    }

    impl Pieces for Drip {
        async fn next(&mut self) -> Result<Option<Bytes>, reqwest::Error> {
            tokio::time::sleep_until(self.falls).await;
            self.falls += self.pause;
            self.pieces = match self.pieces.checked_sub(1) {
                Some(left) => left,
                None => return Ok(None),
            };
            Ok(Some(Bytes::from(vec![b'a'; self.piece_bytes])))
        }
    }

    async fn drip(pieces: usize, piece_bytes: usize, pause_ms: u64) -> Result<usize, BodyError> {
        let pause = Duration::from_millis(pause_ms);
        let bounds =
            Bounds { bytes_max: 10_000, bytes_per_second_min: 100, measured_for: Duration::from_secs(5) };
        let mut drip = Drip { pieces, piece_bytes, pause, falls: Instant::now() };
        read(&mut drip, None, bounds).await.map(|body| body.len())
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_of_one_byte_a_second_is_ended_after_the_first_measure() {
        let began = Instant::now();
        assert!(matches!(drip(usize::MAX, 1, 1_000).await, Err(BodyError::TooSlow)));
        assert_eq!(began.elapsed().as_secs(), 5);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_slows_down_is_ended_too() {
        assert!(matches!(drip(usize::MAX, 200, 3_000).await, Err(BodyError::TooSlow)));
    }

    #[tokio::test(start_paused = true)]
    async fn a_steady_body_may_take_longer_than_a_measure() {
        assert_eq!(drip(90, 100, 500).await.unwrap(), 9_000);
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_without_end_is_cut_where_it_is_too_large() {
        assert!(matches!(drip(usize::MAX, 4_000, 0).await, Err(BodyError::TooLarge)));
        assert_eq!(drip(2, 5_000, 0).await.unwrap(), 10_000);
    }
}
