//! One client: a connection, the sessions on it, and the requests it sends, rendered once.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::check::{self, Checker, Expectation};
use crate::dialect::{Ask, Carriage, Dialect};
use crate::parse::head::Content;
use crate::request::{Id, Request};
use crate::trouble::Trouble;
use crate::wire::Wire;
use crate::wire::event_stream::EventStream;
use crate::wire::http::Http;
use crate::wire::http_sse::HttpSse;
use crate::wire::stdio::Stdio;
use crate::wire::stream::Endpoint;
use crate::wire::tls;

/// What all clients of one kind share.
#[derive(Debug, Clone)]
pub struct Setup {
    /// How to get to the server.
    pub route: Route,
    /// How to write for it.
    pub dialect: Dialect,
    /// What to ask.
    pub items: Vec<Item>,
    /// Sessions on each connection, where the server assigns any.
    pub sessions_per_connection: usize,
    /// How long to wait for anything.
    pub timeout: Duration,
    /// The size of a connection's receive buffer in the kernel; usually the system's choice.
    pub receive_buffer_bytes: Option<u32>,
}

/// How to get to a server.
#[derive(Debug, Clone)]
pub enum Route {
    /// Streamable HTTP.
    Http(Endpoint),
    /// HTTP+SSE.
    HttpSse(Endpoint),
    /// Starting it.
    Command(Vec<String>),
}

/// One kind of request, and what is right for an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// What it is called in the result.
    pub name: String,
    /// The request.
    pub ask: Ask,
    /// The right answer.
    pub expectation: Expectation,
    /// How often it is asked, against the others.
    pub weight: f64,
}

/// How a stream of events is opened.
#[derive(Debug, Clone)]
pub enum Opening {
    /// By a GET, for what a legacy session has to say.
    Get,
    /// By a request.
    Ask(Ask),
}

/// What a right answer moved over the wire.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Moved {
    /// Bytes of the request's message.
    pub sent: usize,
    /// Bytes of the answer's body.
    pub received: usize,
}

/// A client.
#[derive(Debug)]
pub struct Client {
    setup: Arc<Setup>,
    /// The setup's, with the path of this connection.
    dialect: Dialect,
    /// Shared by the clients of a thread, so that what one has learned all know.
    checkers: Rc<[Checker]>,
    /// The address of this machine to connect from; usually the system's choice.
    from: Option<IpAddr>,
    wire: Option<Wire>,
    /// Rendered for this connection: the path of HTTP+SSE is its own.
    requests: Vec<Request>,
    sessions: Vec<String>,
    turn: usize,
    id: Id,
    introduction: Option<Value>,
}

impl Client {
    /// A client that is not connected yet.
    #[must_use]
    pub fn new(setup: Arc<Setup>, checkers: Rc<[Checker]>) -> Self {
        Self {
            dialect: setup.dialect.clone(),
            setup,
            checkers,
            from: None,
            wire: None,
            requests: Vec::new(),
            sessions: Vec::new(),
            turn: 0,
            id: Id::FIRST,
            introduction: None,
        }
    }

    /// One checker for each item.
    #[must_use]
    pub fn checkers(setup: &Setup) -> Rc<[Checker]> {
        setup.items.iter().map(|item| Checker::new(item.expectation.clone())).collect()
    }

    /// Connects from that address of this machine.
    #[must_use]
    pub fn from(mut self, address: Option<IpAddr>) -> Self {
        self.from = address;
        self
    }

    /// Connects, and opens the sessions of a revision that has them.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn connect(&mut self) -> Result<(), Trouble> {
        self.disconnect();
        let setup = Arc::clone(&self.setup);
        self.open(&setup).await?;
        let is_legacy = !setup.dialect.revision.is_modern();
        if is_legacy {
            let shares_connection = matches!(setup.route, Route::Http(_));
            let sessions = if shares_connection { setup.sessions_per_connection } else { 1 };
            for _ in 0..sessions {
                match self.open_session().await? {
                    Some(session) => self.sessions.push(session),
                    None => break,
                }
            }
        }
        self.render(!self.sessions.is_empty());
        if let [session] = self.sessions.as_slice() {
            self.requests.iter_mut().for_each(|request| request.set_session(session));
        }
        Ok(())
    }

    /// Whether there is a connection.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.wire.is_some()
    }

    /// Drops the connection. Sessions live on at the server until they expire.
    pub fn disconnect(&mut self) {
        self.wire = None;
        self.sessions.clear();
    }

    /// Asks for an item and checks the answer. Connects first if need be.
    ///
    /// # Errors
    /// What is wrong with the answer, or why there is none.
    pub async fn ask(&mut self, item: usize, now: Instant) -> Result<Moved, Trouble> {
        if self.wire.is_none() {
            self.connect().await?;
        }
        let Some(wire) = &mut self.wire else { return Err(Trouble::NoAnswer) };
        let request = &mut self.requests[item];
        self.id.advance();
        request.set_id(self.id);
        if self.sessions.len() > 1 {
            self.turn = (self.turn + 1) % self.sessions.len();
            request.set_session(&self.sessions[self.turn]);
        }
        let due = now + self.setup.timeout;
        let outcome = wire.ask(request, self.id, &self.checkers[item], due).await;
        let sent = request.body_bytes();
        let is_usable =
            wire.is_kept() && outcome.as_ref().err().is_none_or(Trouble::leaves_connection_usable);
        // A session that the server forgot is opened anew with its connection.
        let is_forgotten = !self.sessions.is_empty() && matches!(outcome, Err(Trouble::Status(404, _)));
        if !is_usable || is_forgotten {
            self.disconnect();
        }
        outcome.map(|received| Moved { sent, received })
    }

    /// Asks anything, and gives the result.
    ///
    /// # Errors
    /// What is wrong with the answer, or why there is none.
    pub async fn converse(&mut self, ask: &Ask) -> Result<Box<RawValue>, Trouble> {
        if self.wire.is_none() {
            self.connect().await?;
        }
        let setup = Arc::clone(&self.setup);
        let mut request = self.dialect.request(ask, !self.sessions.is_empty());
        if let Some(session) = self.sessions.first() {
            request.set_session(session);
        }
        self.id.advance();
        request.set_id(self.id);
        let Some(wire) = &mut self.wire else { return Err(Trouble::NoAnswer) };
        let exchanged = wire.exchange(request.bytes(), Instant::now() + setup.timeout).await;
        let result = exchanged.and_then(|()| check::result(&wire.answer(), self.id));
        if !wire.is_kept() || result.as_ref().err().is_some_and(|trouble| !trouble.leaves_connection_usable())
        {
            self.disconnect();
        }
        result
    }

    /// Opens one more session on this connection.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn add_session(&mut self) -> Result<(), Trouble> {
        let session = self.open_session().await?.ok_or(Trouble::NoAnswer)?;
        self.sessions.push(session);
        Ok(())
    }

    /// The sessions on this connection.
    #[must_use]
    pub fn sessions(&self) -> &[String] {
        &self.sessions
    }

    /// What the server said of itself when the last session was opened.
    #[must_use]
    pub fn introduction(&self) -> Option<&Value> {
        self.introduction.as_ref()
    }

    /// The server's process, where it is a child of ours.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.wire.as_ref().and_then(Wire::pid)
    }

    /// Drops the connection, and keeps its sessions for the next.
    pub fn hang_up(&mut self) {
        self.wire = None;
    }

    /// Drops the connection and opens another one, for the same sessions.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn reconnect(&mut self) -> Result<(), Trouble> {
        if self.sessions.is_empty() && !self.setup.dialect.revision.is_modern() {
            return self.connect().await;
        }
        let sessions = std::mem::take(&mut self.sessions);
        let setup = Arc::clone(&self.setup);
        self.disconnect();
        self.open(&setup).await?;
        if self.requests.is_empty() {
            self.render(false);
        }
        self.sessions = sessions;
        Ok(())
    }

    /// Begins a call, gives it so long, and takes it back: by leaving, where a revision says so, or by a notification
    /// over a second connection. Ends with a connection that is ready for the next.
    ///
    /// # Errors
    /// When the call was answered before, or something else went wrong.
    pub async fn cancel(&mut self, item: usize, after: Duration) -> Result<Moved, Trouble> {
        if self.wire.is_none() {
            self.reconnect().await?;
        }
        let begun = tokio::time::timeout(after, self.ask(item, Instant::now())).await;
        match begun {
            Ok(Ok(_)) => return Err(Trouble::AnsweredEarly),
            Ok(Err(trouble)) => return Err(trouble),
            Err(_) => {}
        }
        let called = self.wire.take();
        let sessions = std::mem::take(&mut self.sessions);
        let is_legacy = !sessions.is_empty();
        self.open(&Arc::clone(&self.setup)).await?;
        self.sessions = sessions;
        if is_legacy {
            let id: Value = self.id.as_str().parse::<u64>().map(Value::from).unwrap_or_default();
            let cancelled = Ask::new("notifications/cancelled", json!({ "requestId": id }));
            let mut cancelled = self.dialect.notification(&cancelled, true);
            cancelled.set_session(&self.sessions[self.turn.min(self.sessions.len() - 1)]);
            let due = Instant::now() + self.setup.timeout;
            self.wire.as_mut().ok_or(Trouble::NoAnswer)?.tell(cancelled.bytes(), due).await?;
        }
        drop(called);
        Ok(Moved { sent: self.requests[item].body_bytes(), received: 0 })
    }

    /// Asks for an item, and reads the answer at so many bytes a second.
    ///
    /// # Errors
    /// What is wrong with the answer, or why there is none.
    pub async fn ask_slowly(&mut self, item: usize, speed: u64) -> Result<Moved, Trouble> {
        if self.wire.is_none() {
            self.connect().await?;
        }
        self.id.advance();
        let request = &mut self.requests[item];
        request.set_id(self.id);
        let sent = request.body_bytes();
        let Some(Wire::Http(http)) = &mut self.wire else {
            return Err(Trouble::Connect("only Streamable HTTP can be read slowly".to_owned()));
        };
        let read = http.ask_slowly(request, self.id, &self.checkers[item], speed, self.setup.timeout).await;
        if read.is_err() || !http.is_kept() {
            self.disconnect();
        }
        read.map(|received| Moved { sent, received })
    }

    /// Opens a stream of events with that request, on this connection, which is used up by it.
    ///
    /// # Errors
    /// When the server offers no stream.
    pub async fn listen(mut self, opening: &Opening) -> Result<EventStream, Trouble> {
        if self.wire.is_none() {
            self.connect().await?;
        }
        let mut request = match opening {
            Opening::Get => self.dialect.bare("GET", !self.sessions.is_empty()),
            Opening::Ask(ask) => self.dialect.request(ask, !self.sessions.is_empty()),
        };
        if let Some(session) = self.sessions.first() {
            request.set_session(session);
        }
        let mut http = match (self.wire, opening) {
            (Some(Wire::Http(http)), _) => http,
            // Its one stream is open already, and carries everything.
            (Some(Wire::HttpSse(http_sse)), Opening::Get) => return Ok(http_sse.into_events()),
            (None | Some(Wire::HttpSse(_) | Wire::Stdio(_)), _) => {
                return Err(Trouble::Connect("only HTTP has streams of events".to_owned()));
            }
        };
        http.begin(request.bytes(), Instant::now() + self.setup.timeout).await?;
        let answer = http.answer();
        match (answer.status, answer.content) {
            (200, Content::Events) => Ok(http.into_events()),
            (200, content) => Err(Trouble::ContentType(format!("{content:?}"))),
            (status, _) => Err(Trouble::status(status, answer.body)),
        }
    }

    /// Ends the sessions and the connection.
    ///
    /// # Errors
    /// When the server refuses to end one. Servers need not be able to: 405 is fine.
    pub async fn close(&mut self) -> Result<(), Trouble> {
        let mut ended = Ok(());
        if let (Some(Wire::Http(http)), false) = (&mut self.wire, self.sessions.is_empty()) {
            let mut delete = self.setup.dialect.bare("DELETE", true);
            for session in &self.sessions {
                delete.set_session(session);
                if let Err(trouble) = http.exchange(delete.bytes(), Instant::now() + self.setup.timeout).await
                {
                    ended = Err(trouble);
                    break;
                }
                let answer = http.answer();
                if !matches!(answer.status, 200..=299 | 404 | 405) {
                    ended = Err(Trouble::status(answer.status, answer.body));
                }
                if !http.is_kept() {
                    break;
                }
            }
        }
        self.disconnect();
        ended
    }

    /// Writes the requests for this connection.
    fn render(&mut self, has_sessions: bool) {
        let items = self.setup.items.iter();
        self.requests = items.map(|item| self.dialect.request(&item.ask, has_sessions)).collect();
    }

    /// Opens the connection.
    async fn open(&mut self, setup: &Setup) -> Result<(), Trouble> {
        let due = Instant::now() + setup.timeout;
        let wire = match &setup.route {
            Route::Http(endpoint) => Wire::Http(Box::new(self.dial(endpoint).await?)),
            Route::HttpSse(endpoint) => {
                let (events, posts) = (self.dial(endpoint).await?, self.dial(endpoint).await?);
                let get = setup.dialect.bare("GET", false);
                let (http_sse, reference) = HttpSse::open(events, posts, get.bytes(), due).await?;
                self.dialect = setup.dialect.clone();
                if let Carriage::Http(url, _) = &mut self.dialect.carriage {
                    *url = url.join(&reference).map_err(Trouble::BadMessage)?;
                }
                Wire::HttpSse(Box::new(http_sse))
            }
            Route::Command(command) => Wire::Stdio(Box::new(Stdio::start(command)?)),
        };
        self.wire = Some(wire);
        Ok(())
    }

    async fn dial(&self, endpoint: &Endpoint) -> Result<Http, Trouble> {
        let opened = tokio::time::timeout(
            self.setup.timeout,
            endpoint.open(self.from, self.setup.receive_buffer_bytes),
        )
        .await;
        let stream = opened.map_err(|_| Trouble::Connect("not accepted in time".to_owned()))?;
        Ok(Http::new(stream.map_err(|error| Trouble::Connect(tls::advice(&error)))?))
    }

    /// Shakes hands; gives the session's id, if the server assigned one.
    async fn open_session(&mut self) -> Result<Option<String>, Trouble> {
        let due = Instant::now() + self.setup.timeout;
        let wire = self.wire.as_mut().ok_or(Trouble::NoAnswer)?;
        self.id.advance();
        let mut initialize = self.dialect.initialize();
        initialize.set_id(self.id);
        wire.exchange(initialize.bytes(), due).await?;
        let answer = wire.answer();
        let result = check::result(&answer, self.id)?;
        let introduction: Value =
            serde_json::from_str(result.get()).map_err(|error| Trouble::BadMessage(error.to_string()))?;
        let session = answer.session.map(|session| String::from_utf8_lossy(session).into_owned());
        self.introduction = Some(introduction);
        let initialized = Ask::new("notifications/initialized", json!({}));
        let mut initialized = self.dialect.notification(&initialized, session.is_some());
        if let Some(session) = &session {
            initialized.set_session(session);
        }
        wire.tell(initialized.bytes(), due).await?;
        Ok(session)
    }
}
