//! One kept-alive connection, on a blocking socket, that allocates nothing once it is open.
//!
//! Where a client shares the process with what is measured, its own allocations would be counted too.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context as _, ensure};

/// The longest answer that is read: more than any workload's.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;
/// A server that says nothing for so long is stuck.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection to a server.
#[derive(Debug)]
pub struct Client {
    stream: TcpStream,
    buffer: Box<[u8]>,
}

/// An answer, as it stands in the client's buffer.
#[derive(Debug)]
pub struct Answer<'c> {
    head: &'c str,
    /// What follows the head.
    pub body: &'c [u8],
}

impl Client {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, buffer: vec![0; ANSWER_BYTES_MAX].into() })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection breaks, or the answer is no success of a known length.
    pub fn ask(&mut self, request: &[u8]) -> anyhow::Result<Answer<'_>> {
        self.stream.write_all(request)?;
        let mut filled = 0;
        let (head_len, answer_len) = loop {
            filled += self.read_more(filled)?;
            if let Some(lengths) = lengths(&self.buffer[..filled])? {
                break lengths;
            }
        };
        ensure!(
            answer_len <= self.buffer.len(),
            "an answer of {answer_len} bytes is too long for this client"
        );
        while filled < answer_len {
            filled += self.read_more(filled)?;
        }
        ensure!(filled == answer_len, "{} bytes follow the answer", filled - answer_len);
        let (head, body) = self.buffer[..filled].split_at(head_len);
        Ok(Answer { head: std::str::from_utf8(head)?, body })
    }

    fn read_more(&mut self, filled: usize) -> anyhow::Result<usize> {
        let count = self.stream.read(&mut self.buffer[filled..])?;
        ensure!(count > 0, "the server closed the connection");
        Ok(count)
    }
}

impl Answer<'_> {
    /// The value of a header; `name` in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.head, name)
    }

    /// Whether the body holds that text.
    #[must_use]
    pub fn holds(&self, text: &str) -> bool {
        self.body.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// How long the head and the whole answer are, once the head is complete.
fn lengths(bytes: &[u8]) -> anyhow::Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&bytes[..end])?;
    let is_success = head.starts_with("HTTP/1.1 200 ") || head.starts_with("HTTP/1.1 202 ");
    ensure!(is_success, "the server refused: {}", String::from_utf8_lossy(bytes));
    let body_len: usize = match header(head, "content-length") {
        Some(length) => length.parse().context("read the length of an answer")?,
        None => 0,
    };
    Ok(Some((end + 4, end + 4 + body_len)))
}

fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let fields = head.lines().skip(1).filter_map(|line| line.split_once(':'));
    fields.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).next()
}
