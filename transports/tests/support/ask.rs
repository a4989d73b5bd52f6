//! What is sent, written down once for every carrier and era.
//!
//! `$id` and `$meta` in a body stand for the request's id and for the `"_meta":{…}` member that its era asks
//! for; `$session` in a header's value for the session. Headers that the era asks for are filled in from the
//! body, and a row then changes what it is about.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;
use serde_json::Value;

use super::era::Era;

/// One input.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) body: Vec<u8>,
    pub(crate) edits: Vec<Edit>,
    /// Sent in chunks, so that its length is not told beforehand.
    pub(crate) is_chunked: bool,
    /// What it is called in a failure, when its text would not tell.
    pub(crate) label: Option<&'static str>,
}

/// A change to the headers that a sound request would have.
#[derive(Debug, Clone)]
pub(crate) enum Edit {
    Set(String, Vec<u8>),
    Add(String, Vec<u8>),
    Without(String),
}

/// What an [`Ask`] is filled in with.
#[derive(Debug, Clone)]
pub(crate) struct Seat {
    pub(crate) era: Era,
    pub(crate) session: Option<String>,
    pub(crate) host: String,
}

/// A request as it goes out.
#[derive(Debug, Clone)]
pub(crate) struct Prepared {
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
    pub(crate) is_chunked: bool,
}

/// A POST of that body.
pub(crate) fn post(body: impl AsRef<[u8]>) -> Ask {
    Ask { body: body.as_ref().to_vec(), ..ask("POST", "/mcp") }
}

/// A request without a body.
pub(crate) fn ask(method: &'static str, target: impl Into<String>) -> Ask {
    Ask { method, target: target.into(), body: Vec::new(), edits: Vec::new(), is_chunked: false, label: None }
}

/// A call of a tool with those arguments.
pub(crate) fn call(tool: &str, arguments: &str) -> String {
    format!(
        r#"{{"jsonrpc":"2.0","id":$id,"method":"tools/call","params":{{"name":"{tool}","arguments":{arguments},$meta}}}}"#
    )
}

/// A request with those params; `params` ends where `_meta` follows, so it is empty or ends with a comma.
pub(crate) fn request(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":$id,"method":"{method}","params":{{{params}$meta}}}}"#)
}

/// A call of the counting tool: sound, and seen when it runs.
pub(crate) fn count() -> Ask {
    post(call("count", "{}"))
}

impl Ask {
    /// With that header, in place of the one that a sound request would have.
    pub(crate) fn set(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.edits.push(Edit::Set(name.into(), value.as_ref().to_vec()));
        self
    }

    /// With one more header line of that name.
    pub(crate) fn add(mut self, name: impl Into<String>, value: impl AsRef<[u8]>) -> Self {
        self.edits.push(Edit::Add(name.into(), value.as_ref().to_vec()));
        self
    }

    pub(crate) fn without(mut self, name: impl Into<String>) -> Self {
        self.edits.push(Edit::Without(name.into()));
        self
    }

    pub(crate) fn chunked(mut self) -> Self {
        self.is_chunked = true;
        self
    }

    pub(crate) fn labelled(mut self, label: &'static str) -> Self {
        self.label = Some(label);
        self
    }

    /// What tells this input from others in a failure.
    pub(crate) fn shown(&self) -> String {
        const SHOWN_CHARS_MAX: usize = 160;
        let target: String = self.target.chars().take(SHOWN_CHARS_MAX).collect();
        let body: String = String::from_utf8_lossy(&self.body).chars().take(SHOWN_CHARS_MAX).collect();
        let edits: Vec<_> = self.edits.iter().map(Edit::shown).collect();
        let label = self.label.unwrap_or_default();
        format!("{label} {} {target} {edits:?} {body:?}", self.method)
    }

    /// Fills in a seat's era, session and host, and the request's id.
    pub(crate) fn prepare(&self, seat: &Seat, id: &str) -> Prepared {
        let meta = seat.era.meta();
        let body = substitute(&substitute(&self.body, "$meta", &meta), "$id", id);
        let mut headers = sound_headers(self.method, seat, &body);
        let session = seat.session.as_deref().unwrap_or("none");
        for edit in &self.edits {
            let forget = |headers: &mut Vec<(String, Vec<u8>)>, wanted: &str| {
                headers.retain(|(name, _)| !name.eq_ignore_ascii_case(wanted));
            };
            match edit {
                Edit::Add(name, value) => {
                    headers.push((name.clone(), substitute(value, "$session", session)))
                }
                Edit::Without(name) => forget(&mut headers, name),
                Edit::Set(name, value) => {
                    forget(&mut headers, name);
                    headers.push((name.clone(), substitute(value, "$session", session)));
                }
            }
        }
        Prepared {
            method: self.method,
            target: self.target.clone(),
            headers,
            body,
            is_chunked: self.is_chunked,
        }
    }
}

impl Edit {
    fn shown(&self) -> String {
        const SHOWN_CHARS_MAX: usize = 60;
        let text =
            |value: &[u8]| value.escape_ascii().to_string().chars().take(SHOWN_CHARS_MAX).collect::<String>();
        match self {
            Self::Set(name, value) => format!("{name}: {}", text(value)),
            Self::Add(name, value) => format!("+{name}: {}", text(value)),
            Self::Without(name) => format!("-{name}"),
        }
    }
}

/// The headers of a request that has nothing wrong with it.
fn sound_headers(method: &str, seat: &Seat, body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut headers: Vec<(String, Vec<u8>)> = Vec::new();
    let mut push = |name: &str, value: &str| headers.push((name.into(), value.into()));
    push("Host", &seat.host);
    match method {
        "POST" => {
            push("Content-Type", "application/json");
            push("Accept", "application/json, text/event-stream");
        }
        "GET" => push("Accept", "text/event-stream"),
        _ => {}
    }
    if seat.era.names_itself_in_a_header() {
        push("MCP-Protocol-Version", seat.era.0);
    }
    if let Some(session) = &seat.session {
        push("Mcp-Session-Id", session);
    }
    if seat.era.is_modern() && method == "POST" {
        let (method, name) = mirrored(body);
        push("Mcp-Method", &method);
        if let Some(name) = name {
            push("Mcp-Name", &header_text(&name));
        }
    }
    headers
}

/// What a body's headers repeat of it. What can't be read has the headers of a sound call.
fn mirrored(body: &[u8]) -> (String, Option<String>) {
    let Ok(message) = serde_json::from_slice::<Value>(body) else {
        return ("tools/call".into(), Some("count".into()));
    };
    let method = message["method"].as_str().unwrap_or("tools/call").to_owned();
    let source = match method.as_str() {
        "tools/call" | "prompts/get" => "name",
        "resources/read" => "uri",
        "tasks/get" | "tasks/update" | "tasks/cancel" => "taskId",
        _ => return (method, None),
    };
    let name = message["params"][source].as_str().map(ToOwned::to_owned);
    (method, name)
}

/// A value in the form that headers have for it: plain, or in base64 when it can't stand in a header.
pub(crate) fn header_text(value: &str) -> String {
    let is_plain = value.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) && value.trim() == value;
    let is_marked = value.starts_with("=?base64?") && value.ends_with("?=");
    if is_plain && !is_marked { value.into() } else { format!("=?base64?{}?=", STANDARD.encode(value)) }
}

fn substitute(text: &[u8], name: &str, value: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + value.len());
    let mut rest = text;
    while let Some(at) = memmem::find(rest, name.as_bytes()) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(value.as_bytes());
        rest = &rest[at + name.len()..];
    }
    out.extend_from_slice(rest);
    out
}
