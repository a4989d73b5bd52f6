//! What came back, whatever carried it.

use http::HeaderMap;
use serde_json::Value;

/// An answer: over HTTP with a status and headers, over lines with messages alone.
#[derive(Debug)]
pub(crate) struct Answer {
    /// None on lines.
    pub(crate) status: Option<u16>,
    pub(crate) headers: HeaderMap,
    /// The messages as they were written; the whole body where it holds none.
    pub(crate) texts: Vec<Vec<u8>>,
    /// It is a stream that goes on, of which nothing was read.
    pub(crate) is_endless: bool,
}

impl Answer {
    /// An answer over HTTP: one JSON text, or something for people.
    pub(crate) fn over_http(status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        let texts = if body.is_empty() { Vec::new() } else { vec![body] };
        Self { status: Some(status), headers, texts, is_endless: false }
    }

    /// A stream that goes on until one side closes it.
    pub(crate) fn endless(status: u16, headers: HeaderMap) -> Self {
        Self { status: Some(status), headers, texts: Vec::new(), is_endless: true }
    }

    /// Lines that came in place of an answer over HTTP.
    pub(crate) fn over_lines(texts: Vec<Vec<u8>>) -> Self {
        Self { status: None, headers: HeaderMap::new(), texts, is_endless: false }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The one message that the answer is.
    pub(crate) fn message(&self) -> Result<Value, String> {
        let [text] = &self.texts[..] else {
            return Err(format!("{} messages instead of one", self.texts.len()));
        };
        if self.status.is_some() && media_type(&self.headers) != "application/json" {
            return Err(format!("a JSON-RPC message as {:?}", media_type(&self.headers)));
        }
        serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))
    }

    pub(crate) fn shown(&self) -> String {
        const SHOWN_CHARS_MAX: usize = 400;
        let texts: Vec<_> =
            self.texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        let text: String = texts.join(" | ").chars().take(SHOWN_CHARS_MAX).collect();
        match self.status {
            Some(status) => format!("{status} {text}"),
            None => text,
        }
    }
}

/// Whether an answer with those headers is a stream of events. A call of this table that answers with one would
/// be a surprise of its own; streams that are meant to be are read elsewhere.
pub(crate) fn is_endless(headers: &HeaderMap) -> bool {
    media_type(headers) == "text/event-stream"
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).unwrap_or_default().trim()
}
