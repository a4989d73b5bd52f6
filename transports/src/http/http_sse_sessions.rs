//! The open sessions of HTTP+SSE, by the ids in the URIs that their clients post to.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use dashmap::DashMap;
use http::Uri;
use impresario_codec::Message;
use impresario_engine::Caller;
use tokio::sync::mpsc;

/// The open sessions, by their ids.
#[derive(Debug, Default)]
pub(super) struct HttpSseSessions {
    by_id: DashMap<Arc<str>, Listed>,
}

/// How a session is reached from any lane.
#[derive(Debug, Clone)]
pub(super) struct Listed {
    pub(super) caller: Caller,
    pub(super) inbox: mpsc::Sender<Said>,
    /// Batches may be sent, by the revision that was negotiated.
    pub(super) allows_batches: Arc<AtomicBool>,
}

/// What a client has posted.
#[derive(Debug)]
pub(super) enum Said {
    Message(Message),
    /// The body of a batch.
    Batch(Vec<u8>),
}

impl HttpSseSessions {
    pub(super) fn insert(&self, id: Arc<str>, listed: Listed) {
        self.by_id.insert(id, listed);
    }

    pub(super) fn remove(&self, id: &str) {
        self.by_id.remove(id);
    }

    /// The session that a query names, if it is that caller's. Somebody else's looks as if there were none.
    pub(super) fn named(&self, uri: &Uri, caller: &Caller) -> Option<Listed> {
        let mut named = uri.query()?.split('&').filter_map(|pair| pair.strip_prefix("session="));
        let (Some(id), None) = (named.next(), named.next()) else { return None };
        let listed = self.by_id.get(id)?;
        (listed.caller.principal == caller.principal).then(|| listed.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_found_by_its_whole_id_and_by_its_caller_alone() {
        let sessions = HttpSseSessions::default();
        let principal = |name: &str| Caller { principal: Some(name.into()), ..Caller::default() };
        let (inbox, _) = mpsc::channel(1);
        let listed = Listed { caller: principal("ada"), inbox, allows_batches: Arc::default() };
        sessions.insert("abc".into(), listed);
        for (uri, name, is_found) in [
            ("/messages?session=abc", "ada", true),
            ("/messages?x=1&session=abc", "ada", true),
            ("/messages?session=abc", "bob", false),
            ("/messages?session=ab", "ada", false),
            ("/messages?session=abc&session=abc", "ada", false),
            ("/messages?session=", "ada", false),
            ("/messages", "ada", false),
        ] {
            let found = sessions.named(&uri.parse().unwrap(), &principal(name));
            assert_eq!(found.is_some(), is_found, "{uri} {name}");
        }
        sessions.remove("abc");
        assert!(sessions.named(&"/messages?session=abc".parse().unwrap(), &principal("ada")).is_none());
    }
}
