//! One timer for all the requests of a connection, one after the other.
//!
//! To set and clear a timer for each request costs more than the request's parsing. This one is set again only when it
//! fires before the moment that it should have fired at.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Instant;

use tokio::time::Sleep;

/// A moment that can be moved at no cost.
#[derive(Debug)]
pub struct Deadline {
    due: Instant,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Default for Deadline {
    fn default() -> Self {
        Self { due: Instant::now(), timer: None }
    }
}

impl Deadline {
    /// Moves it.
    pub fn set(&mut self, due: Instant) {
        self.due = due;
    }

    /// Ready once the moment has passed.
    pub fn poll(&mut self, ctx: &mut Context<'_>) -> Poll<()> {
        let due = self.due.into();
        let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
        // A timer that stands later than the moment, as after a long timeout, would miss it.
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        while timer.as_mut().poll(ctx).is_ready() {
            if timer.deadline() >= due {
                return Poll::Ready(());
            }
            timer.as_mut().reset(due);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_fires_at_the_moment_set_last() {
        let start = tokio::time::Instant::now();
        let mut deadline = Deadline::default();
        for (seconds, moved) in [(1, 3), (5, 4), (6, 6)] {
            let begin = tokio::time::Instant::now();
            deadline.set((begin + Duration::from_secs(seconds)).into_std());
            assert!(poll_fn(|ctx| Poll::Ready(deadline.poll(ctx))).await.is_pending());
            deadline.set((begin + Duration::from_secs(moved)).into_std());
            poll_fn(|ctx| deadline.poll(ctx)).await;
            assert_eq!(begin.elapsed().as_secs(), moved);
        }
        assert_eq!(start.elapsed().as_secs(), 13);
    }
}
