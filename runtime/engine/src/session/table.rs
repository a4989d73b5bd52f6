//! The sessions that clients of HTTP name by an id.
//!
//! A session ends when its client says so, when nobody has used it for a while, when it is too old, or when
//! there is no room and it has been idle longest. What ends leaves nothing behind.

use std::net::IpAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use dashmap::DashMap;
use impresario_protocol::{ErrorKind, Limits, ListenFilter, McpError, Revision};

use super::SessionState;
use super::replay::Replay;
use super::replay_store::ReplayStore;
use crate::call::CancelReason;
use crate::caller::{Caller, ClientFacts};
use crate::gate::{Counter, Entry};
use crate::hub::Hub;

/// Sessions by id.
#[derive(Debug)]
pub struct SessionTable {
    by_id: DashMap<Arc<str>, Listed, ahash::RandomState>,
    /// How many sessions each caller has; an entry without sessions is removed by the sweep.
    per_client: DashMap<Client, Arc<Counter>, ahash::RandomState>,
    open: Arc<Counter>,
    hub: Arc<Hub>,
    limits: Arc<Limits>,
    replay: Arc<ReplayStore>,
}

/// A session's places in the table, given back when dropped.
#[derive(Debug)]
pub struct Places {
    _own: Entry,
    _all: Entry,
}

#[derive(Debug)]
struct Listed {
    state: Arc<SessionState>,
    /// Given back with it.
    _places: Places,
}

/// Who is counted as one: a principal, or while nobody is authenticated an address.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Client {
    Principal(Arc<str>),
    Address(Option<IpAddr>),
}

impl From<&Caller> for Client {
    fn from(caller: &Caller) -> Self {
        match &caller.principal {
            Some(principal) => Self::Principal(Arc::clone(principal)),
            None => Self::Address(caller.address),
        }
    }
}

impl SessionTable {
    /// An empty table with the limits' bounds.
    #[must_use]
    pub fn new(hub: Arc<Hub>, limits: Arc<Limits>) -> Self {
        let replay = ReplayStore::new(&limits);
        Self {
            by_id: DashMap::default(),
            per_client: DashMap::default(),
            open: Arc::default(),
            hub,
            limits,
            replay,
        }
    }

    /// Opens a session.
    ///
    /// # Errors
    /// Overloaded, when the caller has as many as it may, or there is no room and none is idle.
    pub fn open(
        &self,
        revision: Revision,
        caller: Caller,
        client: ClientFacts,
    ) -> Result<Arc<SessionState>, McpError> {
        let places = self.enter(&caller)?;
        let subscriber = self.hub.subscribe(all_lists());
        let state =
            Arc::new(SessionState::new(new_id(), revision, caller, client, subscriber, Arc::default()));
        self.by_id.insert(Arc::clone(state.id()), Listed { state: Arc::clone(&state), _places: places });
        Ok(state)
    }

    /// Takes the places of one more session, for one that is kept elsewhere: it ends with its connection.
    ///
    /// # Errors
    /// As [`Self::open`].
    pub fn enter(&self, caller: &Caller) -> Result<Places, McpError> {
        let per_client_max = Limits::size(self.limits.sessions_per_client_max);
        // Entered while the map's entry is held: a sweep in between would take an empty counter away.
        let own = self.per_client.entry(Client::from(caller)).or_default().enter(per_client_max);
        let Some(own) = own else {
            return Err(refusal("you have", "sessions_per_client_max", per_client_max));
        };
        let max = Limits::size(self.limits.sessions_max);
        let all = self.open.enter(max).or_else(|| {
            self.evict_idle();
            self.open.enter(max)
        });
        let Some(all) = all else { return Err(refusal("there are", "sessions_max", max)) };
        Ok(Places { _own: own, _all: all })
    }

    /// What a session's streams can replay.
    #[must_use]
    pub fn replay(&self, state: &SessionState) -> Arc<Replay> {
        Arc::clone(state.replay(&self.replay, &self.limits))
    }

    /// Bytes that all sessions keep for replay.
    #[must_use]
    pub fn replay_bytes(&self) -> usize {
        self.replay.bytes()
    }

    /// The session of that id, if it is that caller's.
    ///
    /// # Errors
    /// When there is none, or it belongs to somebody else: the two look alike.
    pub fn find(&self, id: &str, caller: &Caller) -> Result<Arc<SessionState>, McpError> {
        match self.by_id.get(id) {
            Some(listed) if listed.state.caller().principal == caller.principal => {
                Ok(Arc::clone(&listed.state))
            }
            _ => Err(McpError::new(
                ErrorKind::SessionNotFound,
                "session not found; send initialize to open one",
            )),
        }
    }

    /// Ends the session of that id, if it is that caller's.
    ///
    /// # Errors
    /// As [`Self::find`].
    pub fn close(&self, id: &str, caller: &Caller) -> Result<(), McpError> {
        let state = self.find(id, caller)?;
        self.remove(&state);
        Ok(())
    }

    /// How many sessions are open.
    #[must_use]
    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    /// Whether none is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }

    /// Ends the sessions whose time is over. Called now and then.
    pub fn sweep(&self) {
        let limits = &self.limits;
        let is_over = |state: &SessionState| {
            state.age_ms() >= limits.session_lifetime_max_ms
                || state.is_idle() && state.unused_ms() >= limits.session_idle_timeout_ms
                || state.is_idle()
                    && !state.is_initialized()
                    && state.age_ms() >= limits.initialized_timeout_ms
        };
        let over: Vec<_> = self
            .by_id
            .iter()
            .filter(|listed| is_over(&listed.state))
            .map(|listed| Arc::clone(&listed.state))
            .collect();
        for state in over {
            tracing::debug!(age_ms = state.age_ms(), "a session's time is over");
            self.remove(&state);
        }
        for listed in &self.by_id {
            if let Some(replay) = listed.state.kept_replay() {
                replay.expire();
            }
        }
        self.per_client.retain(|_, sessions| sessions.get() > 0);
    }

    /// Makes room: ends the sessions that have been idle longest, if any are idle; a hundredth of all at once,
    /// so that a full table is not searched for every newcomer.
    fn evict_idle(&self) {
        let listed = self.by_id.iter().filter(|listed| listed.state.is_idle());
        let mut idle: Vec<_> =
            listed.map(|listed| (listed.state.unused_ms(), Arc::clone(&listed.state))).collect();
        idle.sort_unstable_by_key(|(unused_ms, _)| std::cmp::Reverse(*unused_ms));
        idle.truncate((self.by_id.len() / 100).max(1));
        tracing::info!(sessions = idle.len(), "the table is full: the longest idle sessions end");
        idle.iter().for_each(|(_, state)| self.remove(state));
    }

    fn remove(&self, state: &SessionState) {
        self.by_id.remove(state.id());
        for call in state.in_flight().all() {
            call.cancel(CancelReason::Disconnected);
        }
        if let Some(replay) = state.kept_replay() {
            replay.close();
        }
        state.subscriber().close();
    }
}

/// Clients of the handshake era hear of every list without asking.
pub(super) fn all_lists() -> ListenFilter {
    ListenFilter { tools: true, prompts: true, resources: true, uris: Vec::new() }
}

fn refusal(whose: &str, limit: &str, max: usize) -> McpError {
    const RETRY_AFTER_MS: u64 = 5_000;
    let text = format!("{whose} {max} sessions, which is the limit ({limit}); end one or retry later");
    McpError::overloaded(text, RETRY_AFTER_MS)
}

/// 192 random bits from the operating system, in letters, digits, `-` and `_`.
fn new_id() -> Arc<str> {
    let mut random = [0_u8; 24];
    getrandom::fill(&mut random).expect("the operating system gives random bytes");
    URL_SAFE_NO_PAD.encode(random).into()
}

impl SessionTable {
    /// An id for a session that is kept elsewhere, as hard to guess as any.
    #[must_use]
    pub fn new_id() -> Arc<str> {
        new_id()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::time::Duration;

    use super::*;

    fn table(change: impl FnOnce(&mut Limits)) -> SessionTable {
        let mut limits = Limits::default();
        change(&mut limits);
        SessionTable::new(Arc::new(Hub::default()), Arc::new(limits))
    }

    fn open(table: &SessionTable, principal: &str) -> Result<Arc<SessionState>, McpError> {
        let caller = Caller { principal: Some(principal.into()), ..Caller::default() };
        table.open(Revision::V2025_11_25, caller, ClientFacts::default())
    }

    #[test]
    fn ids_are_long_random_and_safe_in_a_header() {
        let ids: HashSet<_> = (0..10_000).map(|_| new_id()).collect();
        assert_eq!(ids.len(), 10_000);
        assert!(ids.iter().all(|id| id.len() == 32 && id.bytes().all(|byte| (0x21..=0x7e).contains(&byte))));
    }

    #[tokio::test(start_paused = true)]
    async fn another_callers_session_looks_as_if_there_were_none() {
        let table = table(|_| ());
        let state = open(&table, "ada").unwrap();
        let (ada, bob) =
            (state.caller().clone(), Caller { principal: Some("bob".into()), ..Caller::default() });
        assert!(table.find(state.id(), &ada).is_ok());
        let [foreign, unknown] =
            [table.find(state.id(), &bob), table.find("x", &bob)].map(Result::unwrap_err);
        assert_eq!((foreign.kind, foreign.message), (unknown.kind, unknown.message));
        assert!(table.close(state.id(), &bob).is_err());
        assert!(table.close(state.id(), &ada).is_ok());
        assert!(table.is_empty() && table.hub.len() == 1, "the test itself still holds the state");
        drop(state);
        assert!(table.hub.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn one_caller_has_a_bound_and_so_has_the_table() {
        let table = table(|limits| {
            limits.sessions_max = 3;
            limits.sessions_per_client_max = 2;
        });
        let first = open(&table, "ada").unwrap();
        tokio::time::advance(Duration::from_secs(1)).await;
        let second = open(&table, "ada").unwrap();
        assert!(open(&table, "ada").unwrap_err().message.contains("sessions_per_client_max"));
        tokio::time::advance(Duration::from_secs(1)).await;
        open(&table, "bob").unwrap();
        first.touch();
        // Full: the longest idle one makes room, and that is not the one that was just used.
        open(&table, "bob").unwrap();
        assert!(table.find(first.id(), first.caller()).is_ok());
        assert!(table.find(second.id(), second.caller()).is_err());
        // Nothing is idle any more: refused.
        let streams: Vec<_> = table.by_id.iter().map(|listed| listed.state.open_stream(4)).collect();
        assert!(open(&table, "eve").unwrap_err().message.contains("sessions_max"));
        assert_eq!(streams.len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_idle_too_old_or_never_initialized_ends() {
        let table = table(|_| ());
        let minutes = |minutes: u64| Duration::from_secs(60 * minutes);
        let half_open = open(&table, "ada").unwrap();
        let idle = open(&table, "ada").unwrap();
        let streaming = open(&table, "ada").unwrap();
        idle.set_initialized();
        streaming.set_initialized();
        let _stream = streaming.open_stream(4).unwrap();
        tokio::time::advance(minutes(2)).await;
        table.sweep();
        assert!(table.find(half_open.id(), half_open.caller()).is_err());
        tokio::time::advance(minutes(29)).await;
        table.sweep();
        assert!(table.find(idle.id(), idle.caller()).is_err());
        assert!(table.find(streaming.id(), streaming.caller()).is_ok());
        tokio::time::advance(minutes(24 * 60)).await;
        table.sweep();
        assert!(table.is_empty() && table.per_client.is_empty());
    }
}
