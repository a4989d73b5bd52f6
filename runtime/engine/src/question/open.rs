//! The questions of one session that wait for their answers, by the ids under which they were sent.
//!
//! The ids hold what nobody can guess, and each session has a table of its own: an answer that comes from
//! elsewhere, twice or too late finds nothing.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use impresario_protocol::Id;
use parking_lot::Mutex;

/// The open questions of a session. `C` is the call that asks.
#[derive(Debug)]
pub struct OpenQuestions<C> {
    /// Random, so that no id of ours is taken for one of another session's or of the client's own.
    prefix: String,
    next: AtomicU64,
    /// The call that asked, and its key.
    by_id: Mutex<HashMap<Id, (Arc<C>, String)>>,
}

impl<C> Default for OpenQuestions<C> {
    fn default() -> Self {
        let mut random = [0_u8; 12];
        getrandom::fill(&mut random).expect("the operating system gives random bytes");
        let prefix = format!("ask-{}-", URL_SAFE_NO_PAD.encode(random));
        Self { prefix, next: AtomicU64::new(1), by_id: Mutex::default() }
    }
}

impl<C> OpenQuestions<C> {
    /// Lists a question and gives it an id, unless `max` are open.
    pub(crate) fn enter(&self, call: &Arc<C>, key: &str, max: usize) -> Option<Id> {
        let mut by_id = self.by_id.lock();
        if by_id.len() >= max {
            return None;
        }
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let id = Id::from_text(&format!("{}{number}", self.prefix));
        by_id.insert(id.clone(), (Arc::clone(call), key.to_owned()));
        Some(id)
    }

    /// The question of that id, which is open no more.
    pub(crate) fn take(&self, id: &Id) -> Option<(Arc<C>, String)> {
        self.by_id.lock().remove(id)
    }

    /// How many are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.lock().len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_finds_its_question_once_and_in_its_own_session_alone() {
        let (one, other) = (OpenQuestions::default(), OpenQuestions::default());
        let call = Arc::new(());
        let id = one.enter(&call, "name", 1).unwrap();
        assert!(one.enter(&call, "age", 1).is_none(), "one is open already");
        let foreign = other.enter(&call, "name", 1).unwrap();
        assert_ne!(id, foreign);
        assert!(one.take(&foreign).is_none() && other.take(&id).is_none());
        assert_eq!(one.take(&id).unwrap().1, "name");
        assert!(one.take(&id).is_none());
        assert!(one.is_empty());
    }
}
