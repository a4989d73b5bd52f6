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
}

impl Answer {
    /// An answer over HTTP: one JSON text, server-sent events, or something for people.
    pub(crate) fn over_http(status: u16, headers: HeaderMap, body: Vec<u8>) -> Self {
        let texts = match media_type(&headers) {
            "text/event-stream" => events(&body),
            _ if body.is_empty() => Vec::new(),
            _ => vec![body],
        };
        Self { status: Some(status), headers, texts }
    }

    /// Lines that came in place of an answer over HTTP.
    pub(crate) fn over_lines(texts: Vec<Vec<u8>>) -> Self {
        Self { status: None, headers: HeaderMap::new(), texts }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The one message that the answer is.
    pub(crate) fn message(&self) -> Result<Value, String> {
        let [text] = &self.texts[..] else { return Err(format!("{} messages instead of one", self.texts.len())) };
        if self.status.is_some() && !matches!(media_type(&self.headers), "application/json" | "text/event-stream") {
            return Err(format!("a JSON-RPC message as {:?}", media_type(&self.headers)));
        }
        serde_json::from_slice(text).map_err(|error| format!("no JSON: {error}"))
    }

    pub(crate) fn shown(&self) -> String {
        const SHOWN_CHARS_MAX: usize = 400;
        let texts: Vec<_> = self.texts.iter().map(|text| String::from_utf8_lossy(text).into_owned()).collect();
        let text: String = texts.join(" | ").chars().take(SHOWN_CHARS_MAX).collect();
        match self.status {
            Some(status) => format!("{status} {text}"),
            None => text,
        }
    }
}

fn media_type(headers: &HeaderMap) -> &str {
    let value = headers.get(http::header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    value.and_then(|value| value.split(';').next()).unwrap_or_default().trim()
}

/// The data of each event of a stream.
fn events(stream: &[u8]) -> Vec<Vec<u8>> {
    stream.split(|byte| *byte == b'\n').filter_map(|line| line.strip_prefix(b"data: ")).map(<[u8]>::to_vec).collect()
}
