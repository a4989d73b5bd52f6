//! Writes messages for a server: in the words of its revision, and with what its transport puts around them.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use crate::request::{Id, Request};
use crate::revision::Revision;
use crate::url::Url;

/// Stands for a session until a real one is written in.
const NO_SESSION: &str = "";

/// What is asked, in words that every revision has.
#[derive(Debug, Clone, PartialEq)]
pub struct Ask {
    /// The method.
    pub method: String,
    /// Its parameters, without metadata.
    pub params: Map<String, Value>,
    /// What `Mcp-Name` says: the tool's name, the resource's address.
    pub name: Option<String>,
    /// `Mcp-Param-…` headers, by the tool's schema.
    pub parameter_headers: Vec<(String, String)>,
}

impl Ask {
    /// A method with parameters.
    ///
    /// # Panics
    /// Never with an object for parameters.
    #[must_use]
    pub fn new(method: &str, params: Value) -> Self {
        let params = match params {
            Value::Object(params) => params,
            _ => Map::new(),
        };
        Self { method: method.to_owned(), params, name: None, parameter_headers: Vec::new() }
    }

    /// A call of a tool.
    #[must_use]
    pub fn call(tool: &str, arguments: &Map<String, Value>) -> Self {
        let mut ask = Self::new("tools/call", json!({ "name": tool, "arguments": arguments }));
        ask.name = Some(tool.to_owned());
        ask
    }
}

/// What is put around a message.
#[derive(Debug, Clone)]
pub enum Carriage {
    /// HTTP, to that URL, with those headers beside ours.
    Http(Url, Vec<(String, String)>),
    /// A line.
    Line,
}

/// How to write for one server.
#[derive(Debug, Clone)]
pub struct Dialect {
    /// The revision.
    pub revision: Revision,
    /// The transport.
    pub carriage: Carriage,
}

impl Dialect {
    /// A request, with a place for a session if there are any.
    #[must_use]
    pub fn request(&self, ask: &Ask, has_session: bool) -> Request {
        let mut params = ask.params.clone();
        if self.revision.is_modern() {
            params.insert("_meta".to_owned(), metadata(self.revision));
        }
        let start = r#"{"jsonrpc":"2.0","id":"#;
        let params = if params.is_empty() && ask.method == "ping" {
            String::new()
        } else {
            format!(r#","params":{}"#, Value::Object(params))
        };
        let body = format!("{start}{}{}{params}}}", Id::FIRST.as_str(), method(&ask.method));
        self.carried(ask, body, has_session, Some(start.len()))
    }

    /// A notification.
    #[must_use]
    pub fn notification(&self, ask: &Ask, has_session: bool) -> Request {
        let params = if ask.params.is_empty() {
            String::new()
        } else {
            format!(r#","params":{}"#, Value::Object(ask.params.clone()))
        };
        self.carried(ask, format!(r#"{{"jsonrpc":"2.0"{}{params}}}"#, method(&ask.method)), has_session, None)
    }

    /// `initialize`, which begins a legacy session and so has none.
    #[must_use]
    pub fn initialize(&self) -> Request {
        let params = json!({
            "protocolVersion": self.revision.as_str(),
            "capabilities": {},
            "clientInfo": client_info(),
        });
        self.request(&Ask::new("initialize", params), false)
    }

    /// A GET for events, or a DELETE of a session: HTTP without a body.
    #[must_use]
    pub fn bare(&self, verb: &str, has_session: bool) -> Request {
        let Carriage::Http(url, headers) = &self.carriage else {
            return Request::new(Vec::new(), None, None, 0);
        };
        let mut head = format!("{verb} {} HTTP/1.1\r\nHost: {}\r\n", url.path, url.authority());
        if verb == "GET" {
            head += "Accept: text/event-stream\r\n";
        }
        let session = self.finish_head(&mut head, headers, has_session);
        let length = head.len();
        Request::new(head.into_bytes(), None, session, length)
    }

    fn carried(&self, ask: &Ask, body: String, has_session: bool, id: Option<usize>) -> Request {
        let Carriage::Http(url, headers) = &self.carriage else {
            return Request::new((body + "\n").into_bytes(), id, None, 0);
        };
        let mut head = format!(
            "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\n\
             Accept: application/json, text/event-stream\r\nContent-Length: {}\r\n",
            url.path,
            url.authority(),
            body.len()
        );
        if self.revision.is_modern() {
            let _ = write!(head, "Mcp-Method: {}\r\n", ask.method);
            let name = ask.name.iter().map(|name| ("Mcp-Name", name));
            let parameters = ask.parameter_headers.iter().map(|(name, value)| (name.as_str(), value));
            for (name, value) in name.chain(parameters) {
                let _ = write!(head, "{name}: {}\r\n", header_value(value));
            }
        }
        let is_first = ask.method == "initialize";
        let session = self.finish_head_for(&mut head, headers, has_session, is_first);
        let body_at = head.len();
        Request::new((head + &body).into_bytes(), id.map(|at| at + body_at), session, body_at)
    }

    fn finish_head(&self, head: &mut String, headers: &[(String, String)], has_session: bool) -> Place {
        self.finish_head_for(head, headers, has_session, false)
    }

    /// Adds what every request has, and the empty line.
    fn finish_head_for(
        &self,
        head: &mut String,
        headers: &[(String, String)],
        has_session: bool,
        is_first: bool,
    ) -> Place {
        if self.revision.has_version_header() && !is_first {
            let _ = write!(head, "MCP-Protocol-Version: {}\r\n", self.revision);
        }
        for (name, value) in headers {
            let _ = write!(head, "{name}: {value}\r\n");
        }
        let session = has_session.then(|| {
            *head += "Mcp-Session-Id: ";
            let at = head.len();
            *head += NO_SESSION;
            *head += "\r\n";
            at..at + NO_SESSION.len()
        });
        *head += "\r\n";
        session
    }
}

type Place = Option<std::ops::Range<usize>>;

fn method(name: &str) -> String {
    format!(r#","method":{}"#, Value::from(name))
}

fn client_info() -> Value {
    json!({ "name": "impresario-loadtest", "version": env!("CARGO_PKG_VERSION") })
}

fn metadata(revision: Revision) -> Value {
    json!({
        "io.modelcontextprotocol/protocolVersion": revision.as_str(),
        "io.modelcontextprotocol/clientInfo": client_info(),
        "io.modelcontextprotocol/clientCapabilities": {},
    })
}

/// A value as a header carries it: in base64 with the revision's marks around it when it is not plain ASCII.
fn header_value(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| (b' '..=b'~').contains(&byte))
        && value.trim() == value
        && !value.is_empty()
        && !value.starts_with("=?base64?");
    if is_plain { value.to_owned() } else { format!("=?base64?{}?=", STANDARD.encode(value)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect(revision: Revision) -> Dialect {
        let headers = vec![("Authorization".to_owned(), "Bearer x".to_owned())];
        Dialect { revision, carriage: Carriage::Http("http://h:1/mcp".parse().unwrap(), headers) }
    }

    fn text(request: &Request) -> &str {
        std::str::from_utf8(request.bytes()).unwrap()
    }

    #[test]
    fn a_modern_request_carries_everything_itself() {
        let mut request = dialect(Revision::V2026_07_28).request(&Ask::call("ütf", &Map::new()), false);
        let mut id = Id::FIRST;
        id.advance();
        request.set_id(id);
        let text = text(&request);
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        for line in [
            "POST /mcp HTTP/1.1",
            "Host: h:1",
            "MCP-Protocol-Version: 2026-07-28",
            "Mcp-Method: tools/call",
            "Mcp-Name: =?base64?w7x0Zg==?=",
            "Authorization: Bearer x",
            &format!("Content-Length: {}", body.len()),
        ] {
            assert!(head.lines().any(|found| found == line), "{line} is not in {head}");
        }
        let body: Value = serde_json::from_str(body).unwrap();
        assert_eq!((&body["id"], &body["params"]["name"]), (&100_000_001.into(), &"ütf".into()));
        assert_eq!(body["params"]["_meta"]["io.modelcontextprotocol/protocolVersion"], "2026-07-28");
    }

    #[test]
    fn a_legacy_request_names_session_and_revision() {
        let mut request = dialect(Revision::V2025_06_18).request(&Ask::new("ping", json!({})), true);
        request.set_session("s-1");
        let text = text(&request);
        assert!(
            text.contains("\r\nMcp-Session-Id: s-1\r\n")
                && text.contains("\r\nMCP-Protocol-Version: 2025-06-18\r\n")
        );
        assert!(
            text.ends_with(r#"{"jsonrpc":"2.0","id":100000000,"method":"ping"}"#)
                && !text.contains("Mcp-Method")
        );
        assert!(!text_of_initialize(Revision::V2025_06_18).contains("MCP-Protocol-Version"));
    }

    fn text_of_initialize(revision: Revision) -> String {
        text(&dialect(revision).initialize()).to_owned()
    }

    #[test]
    fn over_stdio_a_message_is_a_line() {
        let dialect = Dialect { revision: Revision::V2024_11_05, carriage: Carriage::Line };
        let mut request = dialect.request(&Ask::new("tools/list", json!({})), true);
        request.set_session("ignored");
        assert_eq!(
            text(&request),
            "{\"jsonrpc\":\"2.0\",\"id\":100000000,\"method\":\"tools/list\",\"params\":{}}\n"
        );
        let note = dialect.notification(&Ask::new("notifications/initialized", json!({})), false);
        assert_eq!(text(&note), "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}\n");
    }

    #[test]
    fn values_that_no_header_can_have_are_encoded() {
        for (value, expected) in
            [("add", "add"), ("", "=?base64??="), (" a", "=?base64?IGE=?="), ("a\nb", "=?base64?YQpi?=")]
        {
            assert_eq!(header_value(value), expected);
        }
    }
}
