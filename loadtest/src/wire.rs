//! How bytes go to a server and come back: a file for each transport, and for what they share.

pub mod deadline;
pub mod event_stream;
pub mod http;
pub mod http_sse;
pub mod stdio;
pub mod stream;
pub mod tls;

use std::time::Instant;

use crate::check::{Answer, Checker};
use crate::request::{Id, Request};
use crate::trouble::Trouble;

/// A connection to a server, over whichever transport.
#[derive(Debug)]
pub enum Wire {
    /// Streamable HTTP.
    Http(Box<http::Http>),
    /// HTTP+SSE.
    HttpSse(Box<http_sse::HttpSse>),
    /// A child process.
    Stdio(Box<stdio::Stdio>),
}

impl Wire {
    /// Sends a request and checks its answer; says how long the answer's body is.
    ///
    /// # Errors
    /// What is wrong, with the connection or with the answer.
    pub async fn ask(
        &mut self,
        request: &Request,
        id: Id,
        checker: &Checker,
        due: Instant,
    ) -> Result<usize, Trouble> {
        match self {
            Self::Http(http) => http.ask(request, id, checker, due).await,
            Self::HttpSse(http_sse) => http_sse.ask(request, id, checker, due).await,
            Self::Stdio(stdio) => stdio.ask(request, id, checker, due).await,
        }
    }

    /// Sends a request and waits for its answer, which [`Self::answer`] then shows.
    ///
    /// # Errors
    /// What is wrong with the connection.
    pub async fn exchange(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        match self {
            Self::Http(http) => http.exchange(bytes, due).await,
            Self::HttpSse(http_sse) => http_sse.exchange(bytes, due).await,
            Self::Stdio(stdio) => stdio.exchange(bytes, due).await,
        }
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// When it is not accepted.
    pub async fn tell(&mut self, bytes: &[u8], due: Instant) -> Result<(), Trouble> {
        match self {
            Self::Http(http) => {
                http.exchange(bytes, due).await?;
                let answer = http.answer();
                let is_accepted = (200..300).contains(&answer.status);
                is_accepted.then_some(()).ok_or_else(|| Trouble::status(answer.status, answer.body))
            }
            Self::HttpSse(http_sse) => http_sse.tell(bytes, due).await,
            Self::Stdio(stdio) => stdio.tell(bytes, due).await,
        }
    }

    /// The last answer.
    #[must_use]
    pub fn answer(&self) -> Answer<'_> {
        match self {
            Self::Http(http) => http.answer(),
            Self::HttpSse(http_sse) => http_sse.answer(),
            Self::Stdio(stdio) => stdio.answer(),
        }
    }

    /// Whether it can be used again behind the last answer.
    #[must_use]
    pub fn is_kept(&self) -> bool {
        match self {
            Self::Http(http) => http.is_kept(),
            Self::HttpSse(http_sse) => http_sse.is_kept(),
            Self::Stdio(_) => true,
        }
    }

    /// The server's process, where it is a child of ours.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        match self {
            Self::Stdio(stdio) => stdio.pid(),
            Self::Http(_) | Self::HttpSse(_) => None,
        }
    }
}
