//! The locks and counters of what several threads share: real ones, or ones whose every schedule can be tried.
//!
//! With the feature `model`, which only the models of this crate's own tests use, each of these is a point where
//! the explorer may let another thread go first. Nothing else here may differ between the two.

#[cfg(not(feature = "model"))]
pub(crate) use {
    parking_lot::Mutex,
    std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(feature = "model")]
pub(crate) use {
    modelled::Mutex,
    shuttle::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
};

#[cfg(feature = "model")]
mod modelled {
    use std::sync::PoisonError;

    use shuttle::sync::{Mutex as Explored, MutexGuard};

    /// The explorer's lock, in the words of the real one.
    #[derive(Debug, Default)]
    pub(crate) struct Mutex<T>(Explored<T>);

    impl<T> Mutex<T> {
        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
        }
    }
}
