//! The standard workloads: what is sent, and what must come back.

use std::net::SocketAddr;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::client::Client;

/// How long the message of W4 is.
pub const LARGE_BYTES: usize = 100_000;

/// The revision of the modern era that the workloads speak.
const MODERN: &str = "2026-07-28";
/// The last revision of the era before.
const LEGACY: &str = "2025-11-25";

/// A request that is sent again and again over one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// W1: `echo` of a short message.
    Echo,
    /// W2: `add` of two numbers.
    Add,
    /// W3: `tools/list` of 23 tools.
    List,
    /// W4: `echo` of 100 KB in which nothing must be escaped.
    LargeEcho,
    /// The same with quotes and line breaks, as text has them.
    EscapedEcho,
    /// W1 in a session of the handshake era.
    LegacyEcho,
    /// W1 with a cache in front of the tool, which has the answer.
    CachedEcho,
}

impl Workload {
    /// All of them, in the order of the tables.
    pub const ALL: [Self; 7] = [
        Self::Echo,
        Self::Add,
        Self::List,
        Self::LargeEcho,
        Self::EscapedEcho,
        Self::LegacyEcho,
        Self::CachedEcho,
    ];

    /// The name on the command line and in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Echo => "w1-echo",
            Self::Add => "w2-add",
            Self::List => "w3-list",
            Self::LargeEcho => "w4-large",
            Self::EscapedEcho => "w4-escaped",
            Self::LegacyEcho => "w1-legacy",
            Self::CachedEcho => "w1-cached",
        }
    }

    /// The workload of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|workload| workload.name() == name)
    }

    /// The JSON-RPC request.
    #[must_use]
    pub fn body(self) -> String {
        let (method, mut params) = match self {
            Self::Echo | Self::LegacyEcho => call("echo", &json!({ "message": "hello" })),
            Self::CachedEcho => call("kept_echo", &json!({ "message": "hello" })),
            Self::Add => call("add", &json!({ "a": 2, "b": 3 })),
            Self::LargeEcho => call("echo", &json!({ "message": plain_text(LARGE_BYTES) })),
            Self::EscapedEcho => call("echo", &json!({ "message": quoted_text(LARGE_BYTES) })),
            Self::List => ("tools/list", json!({})),
        };
        if self != Self::LegacyEcho {
            params["_meta"] = json!({
                "io.modelcontextprotocol/protocolVersion": MODERN,
                "io.modelcontextprotocol/clientInfo": { "name": "any", "version": "1" },
                "io.modelcontextprotocol/clientCapabilities": {}
            });
        }
        json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string()
    }

    /// What the answer must hold.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Echo | Self::LegacyEcho | Self::CachedEcho => r#""text":"hello""#,
            Self::Add => r#""text":"5""#,
            Self::List => r#""name":"kept_echo""#,
            Self::LargeEcho => "said no, and went on. The end",
            Self::EscapedEcho => r#"said \"no\" and went on.\nThe end"#,
        }
    }

    /// The whole HTTP request; opens a session first where the workload needs one.
    ///
    /// # Errors
    /// When the handshake fails.
    pub fn request(self, address: SocketAddr) -> anyhow::Result<Vec<u8>> {
        let body = self.body();
        if self == Self::LegacyEcho {
            let session = open_session(address).context("open a session")?;
            let headers = format!("MCP-Protocol-Version: {LEGACY}\r\nMcp-Session-Id: {session}\r\n");
            return Ok(post(address, &headers, &body));
        }
        let headers = match self {
            Self::List => "Mcp-Method: tools/list\r\n".to_owned(),
            Self::Add => named_call("add"),
            Self::CachedEcho => named_call("kept_echo"),
            Self::Echo | Self::LargeEcho | Self::EscapedEcho | Self::LegacyEcho => named_call("echo"),
        };
        Ok(post(address, &format!("MCP-Protocol-Version: {MODERN}\r\n{headers}"), &body))
    }
}

fn call(tool: &str, arguments: &Value) -> (&'static str, Value) {
    ("tools/call", json!({ "name": tool, "arguments": arguments }))
}

fn named_call(tool: &str) -> String {
    format!("Mcp-Method: tools/call\r\nMcp-Name: {tool}\r\n")
}

/// A text of that many bytes in which nothing must be escaped.
#[must_use]
pub fn plain_text(bytes: usize) -> String {
    text(
        "The second of the three readers took the long road through the valley, said no, and went on. ",
        bytes,
    )
}

/// A text of that many bytes in which three bytes of each line must be escaped.
#[must_use]
pub fn quoted_text(bytes: usize) -> String {
    text(
        "The second of the three readers took the long road through the valley, said \"no\" and went on.\n",
        bytes,
    )
}

fn text(line: &str, bytes: usize) -> String {
    let mut text = line.repeat(bytes / line.len() - 1);
    text.push_str("The end");
    text.extend(std::iter::repeat_n('.', bytes - text.len()));
    text
}

/// A POST with that body, as load generators send it.
fn post(address: SocketAddr, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!(
        "POST /mcp HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/json\r\n\
         Accept: application/json, text/event-stream\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// Shakes hands, and gives the id of the session that it opened.
fn open_session(address: SocketAddr) -> anyhow::Result<String> {
    let mut client = Client::connect(address)?;
    let hello = json!({
        "jsonrpc": "2.0", "id": 0, "method": "initialize", "params": {
            "protocolVersion": LEGACY,
            "clientInfo": { "name": "benches", "version": "1" },
            "capabilities": {}
        }
    });
    let answer = client.ask(&post(address, "", &hello.to_string()))?;
    let session = answer.header("mcp-session-id").context("the handshake opened no session")?.to_owned();
    let ready = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    let headers = format!("MCP-Protocol-Version: {LEGACY}\r\nMcp-Session-Id: {session}\r\n");
    client.ask(&post(address, &headers, &ready.to_string()))?;
    Ok(session)
}
