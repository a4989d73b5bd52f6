//! HTTP+SSE of 2024-11-05: a GET whose events are the answers, and POSTs to the endpoint that its first event names.

use std::time::Instant;

use super::event_stream::EventStream;
use super::http::Http;
use crate::check::{Answer, Checker, is_answer};
use crate::parse::events::Event;
use crate::parse::head::Content;
use crate::request::{Id, Request};
use crate::trouble::Trouble;

/// Both connections of one client.
#[derive(Debug)]
pub struct HttpSse {
    events: EventStream,
    posts: Http,
    /// The last answer.
    last: Event,
}

impl HttpSse {
    /// Opens the stream with that GET, and reads the endpoint's path or URL from its first event.
    ///
    /// # Errors
    /// When the server offers no such stream.
    pub async fn open(
        mut stream: Http,
        posts: Http,
        get: &[u8],
        due: Instant,
    ) -> Result<(Self, String), Trouble> {
        stream.begin(get, due).await?;
        let answer = stream.answer();
        if answer.status != 200 {
            return Err(Trouble::status(answer.status, answer.body));
        }
        if *answer.content != Content::Events {
            return Err(Trouble::ContentType(format!("{:?}", answer.content)));
        }
        let mut events = stream.into_events();
        let first = events.next(due).await?.ok_or(Trouble::NoAnswer)?;
        if first.kind != "endpoint" {
            return Err(Trouble::BadMessage(format!(
                "the first event is `{}` instead of `endpoint`",
                first.kind
            )));
        }
        let endpoint = String::from_utf8_lossy(&first.data).trim().to_owned();
        Ok((Self { events, posts, last: Event::default() }, endpoint))
    }

    /// Posts a message that has no answer.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn tell(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        self.posts.exchange(bytes, due).await?;
        let answer = self.posts.answer();
        match answer.status {
            200..=299 => Ok(()),
            status => Err(Trouble::status(status, answer.body)),
        }
    }

    /// Posts a request and waits for the event that answers it, which [`Self::answer`] then shows.
    ///
    /// # Errors
    /// What is wrong with either connection.
    pub async fn exchange(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        self.tell(bytes, due).await?;
        loop {
            let event = self.events.next(due).await?;
            let event = event.ok_or_else(|| Trouble::Closed("the stream of events ended".to_owned()))?;
            if is_answer(&event.data) {
                self.last = event;
                return Ok(());
            }
        }
    }

    /// Sends a request and checks its answer; says how long the answer is.
    ///
    /// # Errors
    /// What is wrong, with a connection or with the answer.
    pub async fn ask(
        &mut self,
        request: &Request,
        id: Id,
        checker: &Checker,
        due: Instant,
    ) -> Result<usize, Trouble> {
        self.exchange(request.bytes(), due).await?;
        if let Some(length) = checker.knows(&self.last.data, id, None) {
            return Ok(length);
        }
        checker.check(&self.answer(), id, None)?;
        Ok(self.last.data.len())
    }

    /// The last answer.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        message(&self.last.data)
    }

    /// Goes on as the stream alone: what the server says of itself comes there.
    #[must_use]
    pub fn into_events(self) -> EventStream {
        self.events
    }

    /// Whether the server keeps the connection for POSTs open.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        self.posts.is_kept()
    }
}

/// An answer that is a message alone, without anything of HTTP around it.
#[must_use]
pub fn message(bytes: &[u8]) -> Answer<'_> {
    Answer { status: 200, content: &Content::Json, session: None, body: bytes, raw: bytes }
}
