//! A recording as a script: what is to be asked, when, after what, and which kind of answer it got.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde_json::Value;

use crate::traffic::kind::{self, Kind};
use crate::traffic::recording::{Ending, Entry, Recording};
use crate::traffic::redaction::{REDACTED, SESSION_HEADER};
use crate::url::Url;

/// What there is to play of a recording of HTTP.
#[derive(Debug, Default)]
pub struct Script {
    /// In the order in which they began.
    pub exchanges: Vec<Exchange>,
    /// The exchanges of each connection, in order.
    pub connections: Vec<Vec<usize>>,
    /// Sessions that were open before the recording began, with the revision that they speak.
    pub sessions_before: BTreeMap<String, String>,
    /// From the first line to the last.
    pub length_us: u64,
}

/// One request and what it got.
#[derive(Debug)]
pub struct Exchange {
    /// Since the recording began.
    pub start_us: u64,
    /// When its last byte was seen.
    pub end_us: u64,
    /// Whether the client went away before the end, as it does from a stream that it needs no longer.
    pub is_left: bool,
    /// Of HTTP.
    pub method: Method,
    /// Path at the server, none for the server's own URL.
    pub path: Option<String>,
    /// Those to send, without the session.
    pub headers: HeaderMap,
    /// The recording's name of the session that it belongs to.
    pub session: Option<String>,
    /// The name of the session that it opened.
    pub opens: Option<String>,
    /// What to send.
    pub body: Bytes,
    /// What to call it in tables.
    pub label: String,
    /// The request's id, if it was one that gets an answer.
    pub id: Option<Value>,
    /// What it got, if that is known.
    pub got: Option<Outcome>,
    /// How long that took.
    pub latency_us: Option<u64>,
    /// Exchanges that were over before this one began, and that it may need.
    pub after_end: Vec<usize>,
    /// The exchange of the same session that began before this one.
    pub after_start: Option<usize>,
}

/// What an exchange got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    /// Of HTTP.
    pub status: u16,
    /// What the answer was.
    pub kind: Kind,
}

impl Script {
    /// Makes a script of a recording of HTTP. With `is_partial`, what can't be played is left out.
    ///
    /// # Errors
    /// What can't be played, and why.
    pub fn new(recording: &Recording, is_partial: bool) -> Result<Self, String> {
        let mut reader = Reader::new(recording, is_partial);
        for (line, number) in recording.lines.iter().zip(2_usize..) {
            reader
                .read(line.at_us, line.connection, &line.entry)
                .map_err(|reason| format!("line {number}: {reason}"))?;
        }
        Ok(reader.finish())
    }
}

struct Reader {
    script: Script,
    is_partial: bool,
    own_path: String,
    /// The place of each exchange in the script, while it goes on.
    open: HashMap<u64, usize>,
    connections: HashMap<u64, usize>,
    sessions: HashMap<String, Session>,
}

/// What was seen of a session so far.
#[derive(Default)]
struct Session {
    last_started: Option<usize>,
    ended_since: Vec<usize>,
}

impl Reader {
    fn new(recording: &Recording, is_partial: bool) -> Self {
        let own_path =
            recording.opening.target.parse::<Url>().map_or_else(|_| "/mcp".to_owned(), |url| url.path);
        let script =
            Script { length_us: recording.lines.last().map_or(0, |line| line.at_us), ..Script::default() };
        let own_path = without_query(&own_path).to_owned();
        let (open, connections, sessions) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { script, is_partial, own_path, open, connections, sessions }
    }

    fn read(&mut self, at_us: u64, connection: u64, entry: &Entry) -> Result<(), String> {
        match entry {
            Entry::Request { exchange, method, path, headers, body } => {
                if body.is_cut() {
                    let reason = "the request was cut when it was recorded; raise --body-bytes-max there, or pass --partial here";
                    return if self.is_partial { Ok(()) } else { Err(reason.into()) };
                }
                let exchange_read = self.request(at_us, method, path, headers, &body.data)?;
                self.begin(*exchange, connection, exchange_read)
            }
            Entry::Response { exchange, status, headers } => {
                if let Some(place) = self.open.get(exchange).copied() {
                    self.response(place, at_us, *status, headers);
                }
                Ok(())
            }
            Entry::Message { exchange, event, body } => {
                if event == "endpoint" {
                    return Err("HTTP+SSE of 2024-11-05 can be recorded, and not played".into());
                }
                if let Some(place) = self.open.get(exchange).copied() {
                    self.script.exchanges[place].message(at_us, body.is_cut(), &body.data);
                }
                Ok(())
            }
            Entry::End { exchange, how } => {
                if let Some(place) = self.open.remove(exchange) {
                    self.end(place, at_us, *how);
                }
                Ok(())
            }
            Entry::Said { .. } => Err("a line of stdio in a recording of HTTP".into()),
            Entry::Closed { .. } => Ok(()),
        }
    }

    fn request(
        &self,
        start_us: u64,
        method: &str,
        path: &str,
        headers: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Result<Exchange, String> {
        let method: Method = method.parse().map_err(|_| format!("`{method}` is no method"))?;
        let path = without_query(path);
        let asked = kind::asked(body);
        let is_post = method == Method::POST;
        let path_label = || format!("{method} {path}");
        let label = if is_post { asked.label } else { path_label() };
        Ok(Exchange {
            start_us,
            end_us: self.script.length_us,
            is_left: true,
            path: (path != self.own_path).then(|| path.to_owned()),
            headers: sendable(headers)?,
            session: headers.get(SESSION_HEADER).filter(|name| *name != REDACTED).cloned(),
            opens: None,
            body: Bytes::copy_from_slice(body),
            label,
            id: asked.id.filter(|_| is_post),
            got: None,
            latency_us: None,
            after_end: Vec::new(),
            after_start: None,
            method,
        })
    }

    fn begin(&mut self, number: u64, connection: u64, mut exchange: Exchange) -> Result<(), String> {
        let place = self.script.exchanges.len();
        if let Some(name) = &exchange.session {
            if !self.sessions.contains_key(name) {
                let revision = exchange.headers.get("mcp-protocol-version");
                let revision = revision.and_then(|value| value.to_str().ok()).unwrap_or("2025-03-26");
                self.script.sessions_before.insert(name.clone(), revision.to_owned());
            }
            let session = self.sessions.entry(name.clone()).or_default();
            exchange.after_end = std::mem::take(&mut session.ended_since);
            exchange.after_start = session.last_started.replace(place);
        }
        let count = self.connections.len();
        let connection = *self.connections.entry(connection).or_insert(count);
        if connection == self.script.connections.len() {
            self.script.connections.push(Vec::new());
        }
        self.script.connections[connection].push(place);
        self.script.exchanges.push(exchange);
        match self.open.insert(number, place) {
            None => Ok(()),
            Some(_) => Err(format!("exchange {number} begins twice")),
        }
    }

    fn response(&mut self, place: usize, at_us: u64, status: u16, headers: &BTreeMap<String, String>) {
        let exchange = &mut self.script.exchanges[place];
        exchange.got = Some(Outcome { status, kind: Kind::Nothing });
        if exchange.id.is_none() {
            exchange.latency_us = Some(at_us - exchange.start_us);
        }
        let opened = headers.get(SESSION_HEADER).filter(|name| *name != REDACTED);
        if let Some(name) =
            opened.filter(|name| exchange.session.is_none() && !self.sessions.contains_key(*name))
        {
            exchange.opens = Some(name.clone());
            self.sessions.insert(name.clone(), Session::default());
        }
    }

    fn end(&mut self, place: usize, at_us: u64, how: Ending) {
        let exchange = &mut self.script.exchanges[place];
        exchange.end_us = at_us;
        exchange.is_left = how == Ending::ClientLeft;
        if how == Ending::ServerLeft {
            // Nobody wants that to happen again.
            exchange.got = None;
        }
        // A stream that the client leaves is no condition of anything: it may well be left last.
        let name = exchange.opens.as_ref().or(exchange.session.as_ref());
        if let Some(session) =
            name.and_then(|name| self.sessions.get_mut(name)).filter(|_| how != Ending::ClientLeft)
        {
            session.ended_since.push(place);
        }
    }

    fn finish(mut self) -> Script {
        // What was asked and never answered was left with the recording's end.
        for place in self.open.into_values() {
            self.script.exchanges[place].end_us = self.script.length_us;
        }
        self.script
    }
}

impl Exchange {
    fn message(&mut self, at_us: u64, is_cut: bool, data: &[u8]) {
        let Some(got) = &mut self.got else { return };
        let found = match &self.id {
            // Of what was cut off the kind is not known, and not compared.
            _ if is_cut => Some(Kind::Other),
            Some(id) => kind::of_answer(id, data)
                .or_else(|| (kind::of_body(data) == Kind::Error).then_some(Kind::Error)),
            None => Some(kind::of_body(data)),
        };
        if let Some(found) = found
            && self.latency_us.is_none_or(|_| self.id.is_none())
        {
            got.kind = found;
            self.latency_us = Some(at_us - self.start_us);
        }
    }
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or(path)
}

/// The recorded headers as they are sent again: without what was redacted, and without what names a moment of the
/// recorded session.
fn sendable(headers: &BTreeMap<String, String>) -> Result<HeaderMap, String> {
    let mut sent = HeaderMap::new();
    for (name, value) in headers {
        if name == SESSION_HEADER || name == "last-event-id" || value.contains(REDACTED) {
            continue;
        }
        let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is no header"))?;
        let value: HeaderValue = value.parse().map_err(|_| format!("the value of {name} can't be sent"))?;
        sent.insert(name, value);
    }
    Ok(sent)
}
