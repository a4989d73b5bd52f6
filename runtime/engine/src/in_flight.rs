//! What is in flight on one session or connection, by request id.
//!
//! Nothing in this house correlates by a bare id: every client counts from 0, so each session has a table
//! of its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use impresario_protocol::{ErrorKind, Id, McpError};

use crate::sync::Mutex;

/// A table of things in flight (calls), by the id under which the client can take them back.
#[derive(Debug)]
pub struct InFlight<T> {
    by_id: Mutex<HashMap<Id, Arc<T>>>,
}

impl<T> Default for InFlight<T> {
    fn default() -> Self {
        Self { by_id: Mutex::default() }
    }
}

impl<T> InFlight<T> {
    /// Enters something under its id.
    ///
    /// # Errors
    /// When that id is still in flight (basic, "Requests").
    pub fn enter(&self, id: &Id, item: &Arc<T>) -> Result<(), McpError> {
        match self.by_id.lock().entry(id.clone()) {
            Entry::Occupied(_) => Err(McpError::new(
                ErrorKind::DuplicateId,
                format!("request id {id} is still in flight; use an id that is not"),
            )),
            Entry::Vacant(place) => {
                place.insert(Arc::clone(item));
                Ok(())
            }
        }
    }

    /// What is in flight under that id.
    #[must_use]
    pub fn get(&self, id: &Id) -> Option<Arc<T>> {
        self.by_id.lock().get(id).cloned()
    }

    /// Everything that is in flight.
    #[must_use]
    pub fn all(&self) -> Vec<Arc<T>> {
        self.by_id.lock().values().cloned().collect()
    }

    /// What had that id has ended.
    pub(crate) fn forget(&self, id: &Id) {
        self.by_id.lock().remove(id);
    }

    /// How much is in flight.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.lock().len()
    }

    /// Whether nothing is in flight.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_in_flight_is_refused_until_it_has_ended() {
        let table = InFlight::default();
        let (id, item) = (Id::from(0_i64), Arc::new(()));
        table.enter(&id, &item).unwrap();
        assert_eq!(table.enter(&id, &item).unwrap_err().kind, ErrorKind::DuplicateId);
        table.enter(&Id::from_text("0"), &item).unwrap();
        table.forget(&id);
        table.enter(&id, &item).unwrap();
        assert_eq!(table.len(), 2);
    }
}
