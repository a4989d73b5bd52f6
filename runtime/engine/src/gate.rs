//! May this caller do this, now? Counts what is in flight, for the process and for each session.
//!
//! A refusal is seen by the caller at once and nothing has been executed. Permits give themselves back.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use impresario_protocol::{Limits, McpError};

/// What a caller should wait after a refusal before it tries again.
const RETRY_AFTER_MS: u64 = 1_000;

/// Admission to the process.
#[derive(Debug)]
pub struct Gate {
    calls: Arc<Counter>,
    calls_max: usize,
}

impl Gate {
    /// A gate with the limits' bounds.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { calls: Arc::default(), calls_max: Limits::size(limits.in_flight_max) }
    }

    /// Lets one call in, or says why not.
    ///
    /// # Errors
    /// Overloaded, when the process or the session has as many calls in flight as it may.
    pub fn admit(&self, session: &Arc<Counter>, session_max: usize) -> Result<Permit, McpError> {
        let Some(process) = self.calls.enter(self.calls_max) else {
            return Err(refused("the server", "in_flight_max", self.calls_max));
        };
        let Some(session) = session.enter(session_max) else {
            return Err(refused("this session", "in_flight_per_session_max", session_max));
        };
        Ok(Permit { _process: process, _session: session })
    }

    /// How many calls are in flight in the process.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.get()
    }
}

fn refused(whose: &str, limit: &str, max: usize) -> McpError {
    let message = format!("{whose} has {max} calls in flight, which is its limit ({limit}); retry later");
    McpError::overloaded(message, RETRY_AFTER_MS)
}

/// How many of something there are.
#[derive(Debug, Default)]
pub struct Counter(AtomicUsize);

impl Counter {
    /// One more, unless there are `max` already. It is one less again when the entry is dropped.
    #[must_use]
    pub fn enter(self: &Arc<Self>, max: usize) -> Option<Entry> {
        if self.0.fetch_add(1, Ordering::AcqRel) >= max {
            self.0.fetch_sub(1, Ordering::AcqRel);
            return None;
        }
        Some(Entry(Arc::clone(self)))
    }

    /// How many there are.
    #[must_use]
    pub fn get(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// One of a [`Counter`]'s.
#[derive(Debug)]
pub struct Entry(Arc<Counter>);

impl Drop for Entry {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::AcqRel);
    }
}

/// The right to have one call in flight; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    _process: Entry,
    _session: Entry,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_and_the_session_each_have_a_bound_and_permits_give_themselves_back() {
        let gate = Gate::new(&Limits { in_flight_max: 3, ..Limits::default() });
        let (one, other) = (Arc::<Counter>::default(), Arc::<Counter>::default());
        let first = gate.admit(&one, 2).unwrap();
        let _second = gate.admit(&one, 2).unwrap();
        let refusal = gate.admit(&one, 2).unwrap_err();
        assert!(refusal.message.contains("in_flight_per_session_max"), "{refusal}");
        assert_eq!(gate.calls(), 2);
        let _third = gate.admit(&other, 2).unwrap();
        let refusal = gate.admit(&other, 2).unwrap_err();
        assert!(refusal.message.contains("in_flight_max"), "{refusal}");
        drop(first);
        assert!(gate.admit(&other, 2).is_ok());
        assert_eq!((one.get(), other.get(), gate.calls()), (1, 1, 2));
    }
}
