//! A client of HTTP/1.1 made of a socket and little else, so that it can send what no client would.

use std::net::SocketAddr;
use std::pin::pin;

use http::{HeaderMap, HeaderName, HeaderValue};
use memchr::memmem;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, ReadHalf, WriteHalf, split};
use tokio::net::TcpStream;

use super::answer::{Answer, is_endless};
use super::ask::Prepared;
use crate::secure::{Bytes, over};

/// One connection.
#[derive(Debug)]
pub(crate) struct Http1 {
    read: Reader,
    write: WriteHalf<Box<dyn Bytes>>,
    /// Whether another request may follow.
    pub(crate) is_alive: bool,
}

#[derive(Debug)]
struct Reader {
    socket: ReadHalf<Box<dyn Bytes>>,
    /// Received and not yet looked at.
    unread: Vec<u8>,
}

/// A response whose body has not been read.
struct Head {
    status: u16,
    headers: HeaderMap,
}

impl Http1 {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a fresh socket takes options");
        let (socket, write) = split(over(stream, &[]).await);
        Self { read: Reader { socket, unread: Vec::new() }, write, is_alive: true }
    }

    /// Sends a request and reads its answer.
    pub(crate) async fn exchange(&mut self, request: &Prepared) -> Result<Answer, String> {
        self.exchange_bytes(&written(request), request.method == "HEAD").await
    }

    /// Sends bytes and reads one answer. A server that answers before it has read everything may close.
    pub(crate) async fn exchange_bytes(&mut self, bytes: &[u8], is_head: bool) -> Result<Answer, String> {
        let mut sending = pin!(sent(&mut self.write, bytes));
        let mut reading = pin!(self.read.answer(is_head));
        let mut is_sent = false;
        let answer = loop {
            tokio::select! {
                sent = &mut sending, if !is_sent => {
                    // What the server does not take it may still have answered.
                    is_sent = true;
                    self.is_alive &= sent.is_ok();
                }
                answer = &mut reading => break answer,
            }
        };
        self.is_alive &= is_sent;
        let answer = answer.inspect_err(|_| self.is_alive = false)?;
        let closes = answer.is_endless
            || answer.header("connection").is_some_and(|value| value.eq_ignore_ascii_case("close"));
        self.is_alive &= !closes;
        Ok(answer)
    }

    /// Sends bytes without waiting for anything. What a server that has closed does not take is lost.
    pub(crate) async fn send_bytes(&mut self, bytes: &[u8]) {
        self.is_alive &= sent(&mut self.write, bytes).await.is_ok();
    }

    /// Reads one more answer.
    pub(crate) async fn next_answer(&mut self) -> Result<Answer, String> {
        self.read.answer(false).await
    }

    /// Sends a request that is answered with a stream, and reads its head. Without a stream, its status.
    pub(crate) async fn open_stream(mut self, request: &Prepared) -> Result<Events, u16> {
        self.send_bytes(&written(request)).await;
        let head = self.read.head().await.expect("an answer");
        let is_stream = head.headers.get("content-type").is_some_and(|media| media == "text/event-stream");
        if head.status == 200 && is_stream {
            Ok(Events { connection: self, text: Vec::new() })
        } else {
            Err(head.status)
        }
    }

    /// Reads until the server closes, and says how many bytes there still were.
    pub(crate) async fn read_to_end(&mut self) -> usize {
        while self.read.fill().await.is_ok() {}
        self.read.unread.len()
    }
}

/// Sends bytes to the last one; TLS holds back what the socket did not take.
async fn sent(write: &mut WriteHalf<Box<dyn Bytes>>, bytes: &[u8]) -> std::io::Result<()> {
    write.write_all(bytes).await?;
    write.flush().await
}

/// A stream of events that is open.
#[derive(Debug)]
pub(crate) struct Events {
    connection: Http1,
    /// Received, and no whole event yet.
    text: Vec<u8>,
}

impl Events {
    /// The next event that is no comment; none at the end of the stream.
    ///
    /// # Cancel safety
    /// Nothing is lost when the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Value> {
        let data = self.next_data().await?;
        Some(serde_json::from_slice(&data).expect("events hold JSON"))
    }

    /// What the next event holds, as it was written. An event that only carries an id is none.
    pub(crate) async fn next_data(&mut self) -> Option<Vec<u8>> {
        loop {
            while let Some(end) = memmem::find(&self.text, b"\n\n") {
                let event: Vec<u8> = self.text.drain(..end + 2).collect();
                let data = event.split(|byte| *byte == b'\n').find_map(|line| line.strip_prefix(b"data: "));
                if let Some(data) = data.filter(|data| !data.is_empty()) {
                    return Some(data.to_vec());
                }
            }
            let chunk = self.connection.read.chunk().await.expect("the stream is well-formed");
            if chunk.is_empty() {
                return None;
            }
            self.text.extend_from_slice(&chunk);
        }
    }
}

impl Reader {
    /// Receives some more.
    async fn fill(&mut self) -> Result<(), String> {
        match self.socket.read_buf(&mut self.unread).await {
            Ok(0) => Err("the connection was closed".into()),
            Ok(_) => Ok(()),
            Err(error) => Err(format!("the connection broke: {error}")),
        }
    }

    async fn until(&mut self, end: &[u8]) -> Result<Vec<u8>, String> {
        loop {
            if let Some(at) = memmem::find(&self.unread, end) {
                return Ok(self.unread.drain(..at + end.len()).collect());
            }
            self.fill().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> Result<Vec<u8>, String> {
        while self.unread.len() < length {
            self.fill().await?;
        }
        Ok(self.unread.drain(..length).collect())
    }

    async fn head(&mut self) -> Result<Head, String> {
        loop {
            let text = self.until(b"\r\n\r\n").await?;
            let text = std::str::from_utf8(&text).map_err(|_| "a head that is not UTF-8")?;
            let (first, rest) = text.split_once("\r\n").ok_or("no status line")?;
            let status: u16 = first
                .strip_prefix("HTTP/1.1 ")
                .or_else(|| first.strip_prefix("HTTP/1.0 "))
                .and_then(|rest| rest.get(..3))
                .and_then(|status| status.parse().ok())
                .ok_or_else(|| format!("no status line: {first:?}"))?;
            let mut headers = HeaderMap::new();
            for line in rest.split("\r\n").filter(|line| !line.is_empty()) {
                let (name, value) = line.split_once(':').ok_or_else(|| format!("no header: {line:?}"))?;
                let name: HeaderName = name.parse().map_err(|_| format!("no header name: {name:?}"))?;
                let value =
                    HeaderValue::from_str(value.trim()).map_err(|_| format!("no header value: {value:?}"))?;
                headers.append(name, value);
            }
            if status >= 200 {
                return Ok(Head { status, headers });
            }
        }
    }

    async fn answer(&mut self, is_head: bool) -> Result<Answer, String> {
        let Head { status, headers } = self.head().await?;
        if is_endless(&headers) {
            return Ok(Answer::endless(status, headers));
        }
        let has_no_body = is_head || status == 204 || status == 304;
        let length =
            headers.get("content-length").map(|value| value.to_str().unwrap_or("none").parse::<usize>());
        let body = match length {
            _ if has_no_body => Vec::new(),
            Some(length) => self.exactly(length.map_err(|_| "a Content-Length that is no number")?).await?,
            None if headers.contains_key("transfer-encoding") => {
                let mut body = Vec::new();
                loop {
                    let chunk = self.chunk().await?;
                    if chunk.is_empty() {
                        break body;
                    }
                    body.extend_from_slice(&chunk);
                }
            }
            None => return Err("a body without an end".into()),
        };
        Ok(Answer::over_http(status, headers, body))
    }

    /// The next chunk of a body; an empty one at its end.
    ///
    /// # Cancel safety
    /// A chunk is taken out only when all of it is there.
    async fn chunk(&mut self) -> Result<Vec<u8>, String> {
        loop {
            if let Some(end) = memmem::find(&self.unread, b"\r\n") {
                let size =
                    std::str::from_utf8(&self.unread[..end]).map_err(|_| "a chunk size that is not UTF-8")?;
                let size = usize::from_str_radix(size, 16).map_err(|_| format!("no chunk size: {size:?}"))?;
                let whole = end + 2 + size + 2;
                if self.unread.len() >= whole {
                    let chunk: Vec<u8> = self.unread.drain(..whole).collect();
                    return Ok(chunk[end + 2..end + 2 + size].to_vec());
                }
            }
            self.fill().await?;
        }
    }
}

/// A request as bytes.
pub(crate) fn written(request: &Prepared) -> Vec<u8> {
    let mut out = format!("{} {} HTTP/1.1\r\n", request.method, request.target).into_bytes();
    for (name, value) in &request.headers {
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b": ");
        out.extend_from_slice(value);
        out.extend_from_slice(b"\r\n");
    }
    if request.is_chunked {
        out.extend_from_slice(b"Transfer-Encoding: chunked\r\n\r\n");
        for chunk in request.body.chunks(64 * 1024) {
            out.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
            out.extend_from_slice(chunk);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"0\r\n\r\n");
        return out;
    }
    if request.method == "POST" || !request.body.is_empty() {
        out.extend_from_slice(format!("Content-Length: {}\r\n", request.body.len()).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&request.body);
    out
}
