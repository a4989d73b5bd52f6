//! Plays a script of HTTP: each recorded connection asks in its own order and at its own times.
//!
//! A copy of the script keeps the order that the recording shows: a connection asks one thing after the other, and a
//! session's request waits for what had been answered before it. Beyond that nothing waits, so that `max` is as fast
//! as the recorded clients could have been.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use crate::parse::events::Events;
use crate::traffic::kind::{self, Kind};
use crate::traffic::redaction::SESSION_HEADER;
use crate::traffic::script::{Exchange, Outcome, Script};
use crate::traffic::speed::Speed;
use crate::traffic::tally::{Answer, Tally};
use crate::url::Url;

/// More of one body or event is not looked at.
const BODY_BYTES_MAX: usize = 64 << 20;

/// What plays.
#[derive(Debug)]
pub struct Player {
    /// What to play.
    pub script: Script,
    /// Where.
    pub target: Url,
    /// By which client.
    pub client: reqwest::Client,
    /// Headers for every request, in place of those that were redacted.
    pub headers: HeaderMap,
    /// How fast.
    pub speed: Speed,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// Where it is counted.
    pub tally: Mutex<Tally>,
    /// When the first loop began.
    pub started: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Stage {
    Waiting,
    Sent,
    Ended,
}

/// One client's worth of the script: its sessions are its own.
#[derive(Debug)]
struct Copy {
    player: Arc<Player>,
    began: Instant,
    stages: Vec<watch::Sender<Stage>>,
    /// The server's ids of the recording's sessions.
    sessions: Mutex<HashMap<String, HeaderValue>>,
    /// How many exchanges are still to end by themselves. At zero, streams that the client left are left.
    remaining: watch::Sender<usize>,
}

/// What went wrong with one exchange.
struct Trouble {
    kind: &'static str,
    example: String,
}

impl Trouble {
    fn new(kind: &'static str, example: impl Into<String>) -> Self {
        Self { kind, example: example.into() }
    }
}

impl Player {
    /// Plays the script once, in so many copies at a time.
    pub async fn play(self: &Arc<Self>, copies: usize) {
        let mut playing = JoinSet::new();
        for _ in 0..copies {
            let copy = Copy::new(Arc::clone(self));
            playing.spawn(copy.play());
        }
        playing.join_all().await;
    }

    fn tally<T>(&self, f: impl FnOnce(&mut Tally, Duration) -> T) -> T {
        f(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner), self.started.elapsed())
    }

    fn count_error(&self, label: &str, trouble: &Trouble) {
        self.tally(|tally, at| tally.error(label, at, trouble.kind, &trouble.example));
    }
}

impl Copy {
    fn new(player: Arc<Player>) -> Arc<Self> {
        let exchanges = &player.script.exchanges;
        let stages = exchanges.iter().map(|_| watch::Sender::new(Stage::Waiting)).collect();
        let remaining = exchanges.iter().filter(|exchange| !exchange.is_left).count();
        let (sessions, remaining) = (Mutex::default(), watch::Sender::new(remaining));
        Arc::new(Self { began: Instant::now(), stages, sessions, remaining, player })
    }

    async fn play(self: Arc<Self>) {
        for (name, revision) in &self.player.script.sessions_before {
            if let Err(trouble) = self.open_session(name, revision).await {
                self.player.count_error("initialize", &trouble);
            }
        }
        let mut playing = JoinSet::new();
        for connection in 0..self.player.script.connections.len() {
            let copy = Arc::clone(&self);
            playing.spawn(async move {
                for &place in &copy.player.script.connections[connection] {
                    copy.exchange(place).await;
                }
            });
        }
        playing.join_all().await;
    }

    async fn exchange(&self, place: usize) {
        let exchange = &self.player.script.exchanges[place];
        if let Some(before) = exchange.after_start {
            self.reached(before, Stage::Sent).await;
        }
        for before in &exchange.after_end {
            self.reached(*before, Stage::Ended).await;
        }
        if let Some(due) = self.due(exchange.start_us) {
            tokio::time::sleep_until(due).await;
        }
        let played = self.ask(place, exchange).await;
        self.stages[place].send_replace(Stage::Ended);
        if !exchange.is_left {
            self.remaining.send_modify(|remaining| *remaining -= 1);
        }
        if let Err(trouble) = played {
            self.player.count_error(&exchange.label, &trouble);
        }
    }

    /// When something that was recorded at that time is due, if the clock matters.
    fn due(&self, at_us: u64) -> Option<Instant> {
        match self.player.speed {
            Speed::Max => None,
            Speed::Times(factor) => Some(self.began + Duration::from_micros(at_us).div_f64(factor)),
        }
    }

    async fn reached(&self, place: usize, stage: Stage) {
        // The sender is ours: it outlives this.
        let _ = self.stages[place].subscribe().wait_for(|now| *now >= stage).await;
    }

    async fn ask(&self, place: usize, exchange: &Exchange) -> Result<(), Trouble> {
        let request = self.request(exchange)?;
        let begin = Instant::now();
        let deadline = begin + self.player.timeout;
        self.stages[place].send_replace(Stage::Sent);
        let sending = async {
            let sent = timeout_at(deadline, request.send()).await;
            sent.map_err(|_| Trouble::new("timed out", "no answer began in time"))?
                .map_err(|error| of_transport(&error))
        };
        if !exchange.is_left {
            let response = sending.await?;
            let reading = self.answer(exchange, response, begin);
            let late = |_| Trouble::new("timed out", "the answer did not end in time");
            return timeout_at(deadline, reading).await.map_err(late)?;
        }
        // What the client left is left again: with the recording's clock, or last of all; but not before what it had
        // seen of it.
        let Some(got) = exchange.got else {
            return tokio::select! {
                sent = sending => sent.map(drop),
                () = self.time_to_leave(exchange) => Ok(()),
            };
        };
        let response = sending.await?;
        compare_status(got, response.status().as_u16())?;
        self.keep_session(exchange, &response);
        tokio::select! {
            read = read(exchange, response, || {}) => read.map(drop),
            () = self.time_to_leave(exchange) => Ok(()),
        }
    }

    async fn time_to_leave(&self, exchange: &Exchange) {
        match self.due(exchange.end_us) {
            Some(due) => tokio::time::sleep_until(due).await,
            None => {
                let _ = self.remaining.subscribe().wait_for(|remaining| *remaining == 0).await;
            }
        }
    }

    fn request(&self, exchange: &Exchange) -> Result<reqwest::RequestBuilder, Trouble> {
        let player = &self.player;
        let url = match &exchange.path {
            None => player.target.to_string(),
            Some(path) => Url { path: path.clone(), ..player.target.clone() }.to_string(),
        };
        let mut headers = exchange.headers.clone();
        if let Some(name) = &exchange.session {
            let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            let missing = || Trouble::new("not sent", format!("{name} was not opened by the server"));
            headers.insert(SESSION_HEADER, sessions.get(name).ok_or_else(missing)?.clone());
        }
        headers.extend(player.headers.clone());
        Ok(player.client.request(exchange.method.clone(), url).headers(headers).body(exchange.body.clone()))
    }

    fn keep_session(&self, exchange: &Exchange, response: &reqwest::Response) {
        if let (Some(name), Some(id)) = (&exchange.opens, response.headers().get(SESSION_HEADER)) {
            let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
            sessions.insert(name.clone(), id.clone());
        }
    }

    async fn answer(
        &self,
        exchange: &Exchange,
        response: reqwest::Response,
        begin: Instant,
    ) -> Result<(), Trouble> {
        let status = response.status().as_u16();
        self.keep_session(exchange, &response);
        let mut latency = exchange.id.is_none().then(|| begin.elapsed());
        let answered = || {
            latency.get_or_insert_with(|| begin.elapsed());
        };
        let (kind, received_bytes) = read(exchange, response, answered).await?;
        if let Some(got) = exchange.got {
            compare_status(got, status)?;
            compare_kind(got, kind)?;
        }
        let answer = Answer {
            latency: latency.unwrap_or_else(|| begin.elapsed()),
            recorded: exchange.latency_us.map(Duration::from_micros),
            sent_bytes: exchange.body.len() as u64,
            received_bytes,
        };
        self.player.tally(|tally, at| tally.answer(&exchange.label, at, answer));
        Ok(())
    }

    /// Opens a session that had been open before the recording began.
    async fn open_session(&self, name: &str, revision: &str) -> Result<(), Trouble> {
        let initialize = format!(
            r#"{{"jsonrpc":"2.0","id":0,"method":"initialize","params":{{"protocolVersion":"{revision}","capabilities":{{}},"clientInfo":{{"name":"impresario-loadtest","version":"{}"}}}}}}"#,
            env!("CARGO_PKG_VERSION")
        );
        let response = self.post(initialize, None).await?;
        let id = response.headers().get(SESSION_HEADER).cloned();
        let status = response.status();
        let id =
            id.ok_or_else(|| Trouble::new("not sent", format!("initialize got {status} and no session")))?;
        // The whole answer, so that the connection can be used again.
        timeout(self.player.timeout, response.bytes())
            .await
            .map_err(|_| Trouble::new("timed out", "initialize"))?
            .map_err(|error| of_transport(&error))?;
        self.post(
            r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#.to_owned(),
            Some((&id, revision)),
        )
        .await?;
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), id);
        Ok(())
    }

    async fn post(
        &self,
        body: String,
        session: Option<(&HeaderValue, &str)>,
    ) -> Result<reqwest::Response, Trouble> {
        let player = &self.player;
        let mut request = player
            .client
            .post(player.target.to_string())
            .headers(player.headers.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .body(body);
        if let Some((id, revision)) = session {
            request = request.header(SESSION_HEADER, id).header("mcp-protocol-version", revision);
        }
        let sent = timeout(player.timeout, request.send()).await;
        sent.map_err(|_| Trouble::new("timed out", "opening a session"))?
            .map_err(|error| of_transport(&error))
    }
}

/// Reads an answer to its end, and says what it was and how long. `answered` is called once the message that answers
/// is there.
async fn read(
    exchange: &Exchange,
    mut response: reqwest::Response,
    mut answered: impl FnMut(),
) -> Result<(Kind, u64), Trouble> {
    let is_stream = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().to_ascii_lowercase().starts_with(b"text/event-stream"));
    let mut events = Events::new(BODY_BYTES_MAX);
    let mut whole = Vec::new();
    let mut kind = Kind::Nothing;
    let mut received_bytes = 0;
    while let Some(chunk) = response.chunk().await.map_err(|error| of_transport(&error))? {
        received_bytes += chunk.len() as u64;
        if !is_stream {
            let room = BODY_BYTES_MAX.saturating_sub(whole.len());
            whole.extend_from_slice(&chunk[..chunk.len().min(room)]);
            continue;
        }
        events.feed(&chunk, |event| {
            let found = match &exchange.id {
                Some(id) => kind::of_answer(id, &event.data),
                None => Some(kind::of_body(&event.data)),
            };
            if let Some(found) = found {
                kind = found;
                answered();
            }
        });
    }
    if !is_stream {
        answered();
        kind = kind::of_body(&whole);
    }
    Ok((kind, received_bytes))
}

/// Whether a status is of the class that was recorded.
fn compare_status(recorded: Outcome, status: u16) -> Result<(), Trouble> {
    if recorded.status / 100 == status / 100 {
        return Ok(());
    }
    Err(Trouble::new("another status", format!("status {status} in place of {}", recorded.status)))
}

/// Whether an answer is of the kind that was recorded. What could not be told then is not compared now.
fn compare_kind(recorded: Outcome, kind: Kind) -> Result<(), Trouble> {
    if recorded.kind == kind || recorded.kind == Kind::Other {
        return Ok(());
    }
    Err(Trouble::new("another kind", format!("{kind} in place of {}", recorded.kind)))
}

fn of_transport(error: &reqwest::Error) -> Trouble {
    let kind = if error.is_connect() { "not connected" } else { "broken off" };
    // Its own words say "error sending request"; the cause behind says why.
    let mut cause: &dyn std::error::Error = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    Trouble::new(kind, cause.to_string())
}
