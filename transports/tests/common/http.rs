//! A client of HTTP/1.1 that speaks to the socket itself, so that a test decides over every byte.

use std::io;
use std::net::SocketAddr;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpSocket, TcpStream};

use crate::messages::MODERN;
use crate::secure::{Bytes, over};
use crate::wait::within;

/// One connection. Closed when dropped.
#[derive(Debug)]
pub(crate) struct Http {
    stream: BufReader<Box<dyn Bytes>>,
    address: SocketAddr,
}

/// The head of an answer.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
}

/// An answer that was read whole.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    pub(crate) head: Head,
    pub(crate) body: String,
}

impl Head {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn is_stream(&self) -> bool {
        self.header("content-type") == Some("text/event-stream")
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// The last JSON-RPC message: the body, or what the last event of a stream carries.
    pub(crate) fn message(&self) -> Value {
        if self.head.is_stream() { self.events().pop().expect("the stream has events") } else { self.json() }
    }

    /// The messages that came, whether as a stream or whole; an empty body has none.
    pub(crate) fn events_or_none(&self) -> Vec<Value> {
        if self.head.is_stream() || self.body.is_empty() { self.events() } else { vec![self.json()] }
    }

    /// The messages of a stream's events.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.body.split("\n\n").filter_map(event).collect()
    }
}

/// The message of one event; nothing for a comment.
fn event(text: &str) -> Option<Value> {
    let data = text.lines().filter_map(|line| line.strip_prefix("data:")).map(str::trim).collect::<String>();
    (!data.is_empty()).then(|| serde_json::from_str(&data).expect("an event carries JSON"))
}

/// The head of a POST of that many bytes, without the empty line.
pub(crate) fn post_head(address: SocketAddr, length: usize, headers: &[(&str, &str)]) -> String {
    let mut head = format!(
        "POST /mcp HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         accept: application/json, text/event-stream\r\ncontent-length: {length}\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head
}

/// A whole POST of a message.
pub(crate) fn post_bytes(address: SocketAddr, message: &Value, headers: &[(&str, &str)]) -> Vec<u8> {
    let body = message.to_string();
    format!("{}\r\n{body}", post_head(address, body.len(), headers)).into_bytes()
}

/// The headers that mirror a modern message.
pub(crate) fn mirrored(message: &Value) -> Vec<(&'static str, String)> {
    let mut headers = vec![("mcp-protocol-version", MODERN.to_owned())];
    headers.push(("mcp-method", message["method"].as_str().unwrap_or_default().to_owned()));
    let params = &message["params"];
    let name = ["name", "uri", "taskId"].iter().find_map(|member| params[*member].as_str());
    headers.extend(name.map(|name| ("mcp-name", name.to_owned())));
    headers
}

/// A whole POST of a modern message, with the headers that mirror it.
pub(crate) fn modern_bytes(address: SocketAddr, message: &Value) -> Vec<u8> {
    let headers = mirrored(message);
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    post_bytes(address, message, &headers)
}

impl Http {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = within("connect", TcpStream::connect(address)).await.expect("the server listens");
        stream.set_nodelay(true).expect("the socket is open");
        Self { stream: BufReader::new(over(stream, &[]).await), address }
    }

    /// A connection that takes little before its reader reads.
    pub(crate) async fn connect_narrow(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().expect("there are sockets");
        socket.set_recv_buffer_size(4096).expect("a buffer can be small");
        let stream = within("connect", socket.connect(address)).await.expect("the server listens");
        Self { stream: BufReader::with_capacity(1024, over(stream, &[]).await), address }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.try_send(bytes).await.expect("the connection is open");
    }

    /// Sends what the other side may no longer want.
    pub(crate) async fn try_send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let sending = async {
            self.stream.write_all(bytes).await?;
            // TLS holds back what the socket did not take.
            self.stream.flush().await
        };
        within("send", sending).await
    }

    /// Posts a message and reads the answer.
    pub(crate) async fn post(&mut self, message: &Value, headers: &[(&str, &str)]) -> Answer {
        let bytes = post_bytes(self.address, message, headers);
        self.send(&bytes).await;
        self.answer().await
    }

    /// Posts a message to another path and reads the answer.
    pub(crate) async fn post_to(&mut self, target: &str, message: &Value) -> Answer {
        let bytes = post_bytes(self.address, message, &[]);
        let rest = bytes.strip_prefix(b"POST /mcp").expect("that is where posts go");
        self.send(&[b"POST ", target.as_bytes(), rest].concat()).await;
        self.answer().await
    }

    /// Posts a modern message with the headers that mirror it, and reads the answer.
    pub(crate) async fn modern(&mut self, message: &Value) -> Answer {
        self.send(&modern_bytes(self.address, message)).await;
        self.answer().await
    }

    /// Sends a request without a body and reads the head of the answer.
    pub(crate) async fn bare(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) -> Head {
        let mut request = format!("{method} {path} HTTP/1.1\r\nhost: {}\r\n", self.address);
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        request.push_str("\r\n");
        self.send(request.as_bytes()).await;
        self.head().await
    }

    /// A bare request whose whole answer is read.
    pub(crate) async fn get(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let head = self.bare("GET", path, headers).await;
        let body = self.body(&head).await;
        Answer { head, body }
    }

    /// Reads a whole answer; a stream to its end.
    pub(crate) async fn answer(&mut self) -> Answer {
        let head = self.head().await;
        let body = self.body(&head).await;
        Answer { head, body }
    }

    pub(crate) async fn head(&mut self) -> Head {
        self.try_head().await.expect("an answer comes")
    }

    pub(crate) async fn try_head(&mut self) -> io::Result<Head> {
        let first = self.line().await?;
        let status = first.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(format!("no status in {first:?}")))?;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            let Some((name, value)) = line.split_once(':') else { return Ok(Head { status, headers }) };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    pub(crate) async fn body(&mut self, head: &Head) -> String {
        self.try_body(head).await.expect("the answer is whole")
    }

    pub(crate) async fn try_body(&mut self, head: &Head) -> io::Result<String> {
        let mut body = Vec::new();
        if let Some(length) = head.header("content-length").and_then(|length| length.parse().ok()) {
            body.resize(length, 0);
            within("a body", self.stream.read_exact(&mut body)).await?;
        } else if head.header("transfer-encoding") == Some("chunked") {
            while let Some(chunk) = self.chunk().await? {
                body.extend_from_slice(&chunk);
            }
        }
        String::from_utf8(body).map_err(io::Error::other)
    }

    /// The next chunk of a stream; nothing at its end.
    pub(crate) async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let length = usize::from_str_radix(&self.line().await?, 16).map_err(io::Error::other)?;
        let mut chunk = vec![0; length + 2];
        within("a chunk", self.stream.read_exact(&mut chunk)).await?;
        chunk.truncate(length);
        Ok((length > 0).then_some(chunk))
    }

    /// The next message of a stream, comments left out; nothing at its end. Each event is a chunk of its own.
    pub(crate) async fn event(&mut self) -> Option<Value> {
        while let Some(chunk) = self.chunk().await.expect("the stream is whole") {
            let found = event(std::str::from_utf8(&chunk).expect("events are text"));
            if found.is_some() {
                return found;
            }
        }
        None
    }

    /// Waits until the other side has closed, and gives what came before that.
    pub(crate) async fn closed(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        // A reset is an end too.
        drop(within("the connection is closed", self.stream.read_to_end(&mut rest)).await);
        rest
    }

    /// Reads until what came is enough, or the other side has closed.
    pub(crate) async fn until_enough(&mut self, mut is_enough: impl FnMut(&[u8]) -> bool) -> Vec<u8> {
        let mut bytes = Vec::new();
        let reading = async {
            while !is_enough(&bytes) && self.stream.read_buf(&mut bytes).await.is_ok_and(|count| count > 0) {}
        };
        within("enough bytes", reading).await;
        bytes
    }

    async fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        if within("a line", self.stream.read_line(&mut line)).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }
}

/// A session of the handshake era, over as many connections as a test likes.
#[derive(Debug, Clone)]
pub(crate) struct LegacySession {
    pub(crate) id: String,
    pub(crate) revision: String,
}

impl LegacySession {
    /// Shakes hands over that connection.
    pub(crate) async fn open(http: &mut Http, revision: &str) -> Self {
        let answer = http.post(&crate::messages::initialize(0, revision), &[]).await;
        assert_eq!(answer.head.status, 200, "{answer:?}");
        let id = answer.head.header("mcp-session-id").expect("a session has an id").to_owned();
        let session = Self { id, revision: revision.to_owned() };
        let initialized = crate::messages::notification("notifications/initialized", serde_json::json!({}));
        assert_eq!(session.post(http, &initialized).await.head.status, 202);
        session
    }

    pub(crate) fn headers(&self) -> [(&str, &str); 2] {
        [("mcp-session-id", &self.id), ("mcp-protocol-version", &self.revision)]
    }

    pub(crate) async fn post(&self, http: &mut Http, message: &Value) -> Answer {
        http.post(message, &self.headers()).await
    }

    /// The bytes of a post in this session.
    pub(crate) fn bytes(&self, address: SocketAddr, message: &Value) -> Vec<u8> {
        post_bytes(address, message, &self.headers())
    }

    /// Opens the session's own stream on that connection.
    pub(crate) async fn stream(&self, http: &mut Http) -> Head {
        let [id, version] = self.headers();
        http.bare("GET", "/mcp", &[id, version, ("accept", "text/event-stream")]).await
    }

    /// Ends the session.
    pub(crate) async fn close(&self, http: &mut Http) -> u16 {
        http.bare("DELETE", "/mcp", &self.headers()).await.status
    }
}
