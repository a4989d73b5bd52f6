//! Connections that wait for work, up to a bound.
//!
//! A connection is given back by whoever has finished with it, and only then. Whatever else happens to its holder (its
//! call is cancelled, its time is over, it panics) the connection is dropped, and with it the statement that it ran:
//! so nobody meets the rest of somebody else's answer, and no transaction stays open.

use std::ops::{Deref, DerefMut};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};

/// Connections to one database.
#[derive(Debug)]
pub(super) struct Pool<C> {
    idle: Mutex<Vec<C>>,
    /// One place for every connection that is out.
    places: Semaphore,
}

/// A connection that is out. Dropped, it is closed.
#[derive(Debug)]
pub(super) struct Lease<'p, C> {
    connection: Option<C>,
    pool: &'p Pool<C>,
    _place: SemaphorePermit<'p>,
}

impl<C> Pool<C> {
    /// A pool of so many connections at most; none yet.
    pub(super) fn new(connections_max: usize) -> Self {
        Self { idle: Mutex::default(), places: Semaphore::new(connections_max) }
    }

    /// A connection: one that was used before, else a new one. Whoever comes too late waits for a place.
    pub(super) async fn lease<E>(
        &self,
        connect: impl AsyncFnOnce() -> Result<C, E>,
    ) -> Result<(Lease<'_, C>, Origin), E> {
        let place = self.places.acquire().await.expect("the semaphore is never closed");
        let idle = self.idle().pop();
        let (connection, origin) = match idle {
            Some(connection) => (connection, Origin::Kept),
            None => (connect().await?, Origin::New),
        };
        Ok((Lease { connection: Some(connection), pool: self, _place: place }, origin))
    }

    /// Nothing is ever left half done under this lock.
    fn idle(&self) -> MutexGuard<'_, Vec<C>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a connection was made just now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// It was.
    New,
    /// It has waited since its last use, and its other end may be gone.
    Kept,
}

impl<C> Lease<'_, C> {
    /// Another connection in place of this one, which is closed.
    pub(super) fn replace(&mut self, connection: C) {
        self.connection = Some(connection);
    }

    /// Keeps the connection for the next one who asks.
    pub(super) fn give_back(mut self) {
        if let Some(connection) = self.connection.take() {
            self.pool.idle().push(connection);
        }
    }
}

impl<C> Deref for Lease<'_, C> {
    type Target = C;

    fn deref(&self) -> &C {
        self.connection.as_ref().expect("only giving it back takes it away")
    }
}

impl<C> DerefMut for Lease<'_, C> {
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect("only giving it back takes it away")
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    async fn numbered(pool: &Pool<u32>, number: u32) -> (Lease<'_, u32>, Origin) {
        pool.lease(async || Ok::<_, Infallible>(number)).await.unwrap()
    }

    #[tokio::test]
    async fn what_is_given_back_is_kept_and_what_is_dropped_is_not() {
        let pool = Pool::new(1);
        let (lease, origin) = numbered(&pool, 1).await;
        assert_eq!((*lease, origin), (1, Origin::New));
        lease.give_back();
        let (lease, origin) = numbered(&pool, 2).await;
        assert_eq!((*lease, origin), (1, Origin::Kept));
        drop(lease);
        let (lease, origin) = numbered(&pool, 3).await;
        assert_eq!((*lease, origin), (3, Origin::New));
    }

    #[tokio::test]
    async fn a_full_pool_makes_wait_and_a_failure_frees_the_place() {
        let pool = Pool::<u32>::new(1);
        pool.lease(async || Err("no route")).await.unwrap_err();
        let (lease, _) = numbered(&pool, 1).await;
        let mut second = std::pin::pin!(numbered(&pool, 2));
        assert!(
            std::future::poll_fn(|cx| std::task::Poll::Ready(second.as_mut().poll(cx).is_pending())).await
        );
        drop(lease);
        assert_eq!(*second.await.0, 2);
    }
}
