//! May this caller do this, now? Counts what is in flight and who listens, for the process and for each session.
//!
//! A refusal is seen by the caller at once and nothing has been executed. Permits give themselves back.

use std::sync::Arc;

use impresario_protocol::{Limits, McpError};

use crate::sync::{AtomicUsize, Ordering};

/// What a caller should wait after a refusal before it tries again.
const RETRY_AFTER_MS: u64 = 1_000;

/// Admission to the process.
#[derive(Debug)]
pub struct Gate {
    calls: Arc<Counter>,
    calls_max: usize,
    per_session_max: usize,
    listeners: Arc<Counter>,
    listeners_max: usize,
    listeners_per_connection_max: usize,
}

impl Gate {
    /// A gate with the limits' bounds.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self {
            calls: Arc::default(),
            calls_max: Limits::size(limits.in_flight_max),
            per_session_max: Limits::size(limits.in_flight_per_session_max),
            listeners: Arc::default(),
            listeners_max: Limits::size(limits.listeners_max),
            listeners_per_connection_max: Limits::size(limits.listeners_per_connection_max),
        }
    }

    /// Lets one call in, or says why not.
    ///
    /// # Errors
    /// Overloaded, when the process or the session has as many calls in flight as it may.
    pub fn admit(&self, session: &Arc<Counter>) -> Result<Permit, McpError> {
        let (process_max, session_max) = (self.calls_max, self.per_session_max);
        let refused = |whose, limit, max| refused(whose, &format!("{max} calls in flight"), limit);
        let Some(process) = self.calls.enter(process_max) else {
            return Err(refused("the server", "in_flight_max", process_max));
        };
        let Some(session) = session.enter(session_max) else {
            return Err(refused("this session", "in_flight_per_session_max", session_max));
        };
        Ok(Permit { _process: process, _session: session })
    }

    /// Lets one more listen, or says why not. Who listens takes no place of a call.
    ///
    /// # Errors
    /// Overloaded, when as many listen already, in the process or on the connection, as may.
    pub fn admit_listener(&self, connection: &Arc<Counter>) -> Result<Permit, McpError> {
        let (process_max, connection_max) = (self.listeners_max, self.listeners_per_connection_max);
        let refused = |whose, limit, max| refused(whose, &format!("{max} listeners"), limit);
        let Some(process) = self.listeners.enter(process_max) else {
            return Err(refused("the server", "listeners_max", process_max));
        };
        let Some(connection) = connection.enter(connection_max) else {
            return Err(refused("this connection", "listeners_per_connection_max", connection_max));
        };
        Ok(Permit { _process: process, _session: connection })
    }

    /// How many calls are in flight in the process.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.get()
    }
}

fn refused(whose: &str, has: &str, limit: &str) -> McpError {
    let message = format!("{whose} has {has}, which is its limit ({limit}); retry later");
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

/// The right to have one call in flight, or to listen; given back when dropped.
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
        let gate = Gate::new(&Limits { in_flight_max: 3, in_flight_per_session_max: 2, ..Limits::default() });
        let (one, other) = (Arc::<Counter>::default(), Arc::<Counter>::default());
        let first = gate.admit(&one).unwrap();
        let _second = gate.admit(&one).unwrap();
        let refusal = gate.admit(&one).unwrap_err();
        assert!(refusal.message.contains("in_flight_per_session_max"), "{refusal}");
        assert_eq!(gate.calls(), 2);
        let _third = gate.admit(&other).unwrap();
        let refusal = gate.admit(&other).unwrap_err();
        assert!(refusal.message.contains("in_flight_max"), "{refusal}");
        drop(first);
        assert!(gate.admit(&other).is_ok());
        assert_eq!((one.get(), other.get(), gate.calls()), (1, 1, 2));
    }

    #[test]
    fn who_listens_has_bounds_of_its_own() {
        let limits = Limits {
            listeners_max: 3,
            listeners_per_connection_max: 2,
            in_flight_max: 1,
            ..Limits::default()
        };
        let gate = Gate::new(&limits);
        let (one, other) = (Arc::<Counter>::default(), Arc::<Counter>::default());
        let _listening = [gate.admit_listener(&one).unwrap(), gate.admit_listener(&one).unwrap()];
        let refusal = gate.admit_listener(&one).unwrap_err();
        assert!(refusal.message.contains("listeners_per_connection_max"), "{refusal}");
        let _listens = gate.admit_listener(&other).unwrap();
        let refusal = gate.admit_listener(&other).unwrap_err();
        assert!(refusal.message.contains("listeners_max"), "{refusal}");
        assert!(gate.admit(&one).is_ok());
    }
}
