//! A client of HTTP+SSE: a stream, and posts beside it whose answers come on the stream.

use std::net::SocketAddr;

use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use super::answer::Answer;
use super::ask::{Prepared, Seat, ask, post};
use super::era::{Era, INITIALIZED};
use super::http1::{Events, Http1};

/// One session.
#[derive(Debug)]
pub(crate) struct HttpSse {
    events: Events,
    posts: Http1,
    address: SocketAddr,
    endpoint: String,
}

impl HttpSse {
    /// A session with the handshake behind.
    pub(crate) async fn enter(address: SocketAddr, era: Era) -> Self {
        let seat = Seat { era, session: None, host: address.to_string() };
        let opened = Http1::connect(address).await.open_stream(&ask("GET", "/sse").prepare(&seat, "")).await;
        let mut events = opened.expect("a stream");
        let endpoint = String::from_utf8(events.next_data().await.expect("an endpoint")).expect("a URI");
        let posts = Http1::connect(address).await;
        let mut session = Self { events, posts, address, endpoint };
        let opened = session.exchange(&post(era.initialize()).prepare(&seat, ""), true).await;
        let opened: Value = opened.expect("an answer").message().expect("a result");
        assert_eq!(opened["result"]["protocolVersion"], era.0);
        let told = session.exchange(&post(INITIALIZED).prepare(&seat, ""), false).await;
        assert_eq!(told.expect("an answer").status, Some(202));
        session
    }

    /// Posts, and waits for what comes on the stream where something must. It counts as an answer to the post.
    pub(crate) async fn exchange(
        &mut self,
        request: &Prepared,
        wants_message: bool,
    ) -> Result<Answer, String> {
        if !self.posts.is_alive {
            self.posts = Http1::connect(self.address).await;
        }
        let request = Prepared { target: self.endpoint.clone(), ..request.clone() };
        let answer = self.posts.exchange(&request).await?;
        if answer.status != Some(202) || !wants_message {
            return Ok(answer);
        }
        let message = self.events.next_data().await.ok_or("the stream ended")?;
        let mut headers = HeaderMap::new();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        Ok(Answer::over_http(200, headers, message))
    }

    /// Whether the posts' connection is open; the session does not depend on it.
    pub(crate) fn is_alive(&self) -> bool {
        self.posts.is_alive
    }
}
