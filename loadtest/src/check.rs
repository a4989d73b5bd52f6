//! Is this the right answer? Checked in full once, and then byte by byte against one that was.
//!
//! A full check parses JSON. Servers answer the same question with the same bytes but for the id, the date and the
//! session, so an answer that equals a checked one everywhere else is as good as checked: that is what lets one core
//! check every one of more than 100,000 answers a second. Any other difference leads to the full check.

use std::cell::RefCell;
use std::ops::Range;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::parse::events::Events;
use crate::parse::head::Content;
use crate::request::{ID_DIGITS, Id};
use crate::trouble::{Trouble, excerpt};

/// How often a checker learns a new form of the answer before it takes the answers to be always different.
const LEARNED_MAX: u32 = 16;
/// The length of a date as HTTP writes it.
const DATE_BYTES: usize = 29;

/// What a right answer has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expectation {
    /// A result, whatever is in it.
    Result,
    /// The result of a tool that did not fail.
    ToolResult,
    /// The result of a tool whose first text is this.
    ToolText(String),
    /// A list with at least one element under this name.
    List(&'static str),
}

/// An answer as it came in.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status; 200 where there is none.
    pub status: u16,
    /// What the body is.
    pub content: &'a Content,
    /// The session that the server assigned with it.
    pub session: Option<&'a [u8]>,
    /// The body.
    pub body: &'a [u8],
    /// Everything as it came in, head included; empty if it must not be learned.
    pub raw: &'a [u8],
}

/// Checks the answers to one kind of request.
#[derive(Debug)]
pub struct Checker {
    expectation: Expectation,
    learned: RefCell<Learned>,
}

impl Checker {
    /// A checker that has seen no answer yet.
    #[must_use]
    pub fn new(expectation: Expectation) -> Self {
        Self { expectation, learned: RefCell::new(Learned::default()) }
    }

    /// If the bytes are an answer known to be right, but for id, date and session: how long its body is.
    #[must_use]
    pub fn knows(&self, raw: &[u8], id: Id, session: Option<&[u8]>) -> Option<usize> {
        let learned = self.learned.borrow();
        learned.equals(raw, id, session).then_some(learned.body_bytes)
    }

    /// Checks an answer in full, and learns it if it is right.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self, answer: &Answer<'_>, id: Id, session: Option<&[u8]>) -> Result<(), Trouble> {
        let result = result(answer, id)?;
        self.expectation.check(result.get())?;
        self.learned.borrow_mut().learn(answer, id, session);
        Ok(())
    }
}

/// The result in an answer to that id.
///
/// # Errors
/// When there is none: what there is instead.
pub fn result<'a>(answer: &Answer<'a>, id: Id) -> Result<Box<RawValue>, Trouble> {
    if answer.status != 200 {
        return Err(Trouble::status(answer.status, answer.body));
    }
    match answer.content {
        Content::Json => message_result(answer.body, id)?.ok_or(Trouble::NoAnswer),
        Content::Events => {
            let (mut events, mut at) = (Events::default(), 0);
            while at < answer.body.len() {
                let (event, taken) = events.take(&answer.body[at..]);
                at += taken;
                // An event without data only says where a client could resume.
                let Some(event) = event.filter(|event| !event.data.is_empty()) else { continue };
                if let Some(result) = message_result(&event.data, id)? {
                    return Ok(result);
                }
            }
            Err(Trouble::NoAnswer)
        }
        Content::Other(kind) => Err(Trouble::ContentType(kind.clone())),
    }
}

#[derive(Deserialize)]
struct Message {
    jsonrpc: Option<String>,
    id: Option<Value>,
    method: Option<String>,
    result: Option<Box<RawValue>>,
    error: Option<RpcError>,
}

#[derive(Deserialize)]
struct RpcError {
    code: i64,
    #[serde(default)]
    message: String,
}

/// The result in one message; none if the message is no answer but a notification or the server's own request.
fn message_result(bytes: &[u8], id: Id) -> Result<Option<Box<RawValue>>, Trouble> {
    let message: Message = serde_json::from_slice(bytes)
        .map_err(|error| Trouble::BadMessage(format!("{error}: {}", excerpt(bytes))))?;
    if message.jsonrpc.as_deref() != Some("2.0") {
        return Err(Trouble::BadMessage(format!("no jsonrpc 2.0: {}", excerpt(bytes))));
    }
    if message.method.is_some() {
        return Ok(None);
    }
    if let Some(error) = message.error {
        return Err(Trouble::Rpc(error.code, error.message));
    }
    let is_ours = message.id.as_ref().is_some_and(|value| id.is(value));
    match message.result {
        Some(_) if !is_ours => {
            let got = message.id.map_or_else(|| "none".to_owned(), |value| value.to_string());
            Err(Trouble::WrongId(format!("{got} instead of {}", id.as_str())))
        }
        Some(result) => Ok(Some(result)),
        None => Err(Trouble::BadMessage(format!("neither result nor error: {}", excerpt(bytes)))),
    }
}

/// Whether a line of stdio, or an event, is an answer rather than a notification or a request of the server's.
#[must_use]
pub fn is_answer(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Kind {
        method: Option<serde::de::IgnoredAny>,
    }
    serde_json::from_slice::<Kind>(bytes).map_or(true, |kind| kind.method.is_none())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolResult {
    #[serde(default)]
    is_error: bool,
    content: Option<Vec<Block>>,
}

#[derive(Deserialize)]
struct Block {
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Completeness {
    result_type: Option<String>,
}

impl Expectation {
    fn check(&self, result: &str) -> Result<(), Trouble> {
        let bad = |error: serde_json::Error| {
            Trouble::BadMessage(format!("{error}: {}", excerpt(result.as_bytes())))
        };
        let completeness: Completeness = serde_json::from_str(result).map_err(bad)?;
        if let Some(kind) = completeness.result_type.filter(|kind| kind != "complete") {
            return Err(Trouble::Unfinished(kind));
        }
        match self {
            Self::Result => Ok(()),
            Self::ToolResult => tool_result(result).map(drop),
            Self::ToolText(expected) => {
                let text = tool_result(result)?;
                if &text == expected {
                    return Ok(());
                }
                let (got, expected) = (excerpt(text.as_bytes()), excerpt(expected.as_bytes()));
                Err(Trouble::WrongContent(format!("`{got}` instead of `{expected}`")))
            }
            Self::List(name) => {
                let value: Value = serde_json::from_str(result).map_err(bad)?;
                match value.get(name).and_then(Value::as_array) {
                    Some(list) if !list.is_empty() => Ok(()),
                    Some(_) => Err(Trouble::WrongContent(format!("no {name}"))),
                    None => {
                        Err(Trouble::BadMessage(format!("no list of {name}: {}", excerpt(result.as_bytes()))))
                    }
                }
            }
        }
    }
}

/// The first text of a tool's result; empty if it has none.
///
/// # Errors
/// When it is no tool's result, or that of a tool that failed.
pub fn tool_result(result: &str) -> Result<String, Trouble> {
    let bad =
        |error: serde_json::Error| Trouble::BadMessage(format!("{error}: {}", excerpt(result.as_bytes())));
    let read: ToolResult = serde_json::from_str(result).map_err(bad)?;
    let text = read.content.as_ref().and_then(|blocks| blocks.iter().find_map(|block| block.text.clone()));
    if read.is_error {
        return Err(Trouble::ToolError(excerpt(text.unwrap_or_default().as_bytes())));
    }
    match read.content {
        Some(_) => Ok(text.unwrap_or_default()),
        None => Err(Trouble::BadMessage(format!(
            "a tool's result without content: {}",
            excerpt(result.as_bytes())
        ))),
    }
}

/// The bytes of an answer that was right, and where others may differ from it.
#[derive(Debug, Default)]
struct Learned {
    raw: Vec<u8>,
    body_bytes: usize,
    /// In order, without overlaps.
    holes: Vec<(Range<usize>, Hole)>,
    times: u32,
}

/// What may stand at a place that differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hole {
    /// The digits of the request's id.
    Id,
    /// Any date.
    Date,
    /// The request's session.
    Session,
}

impl Learned {
    fn learn(&mut self, answer: &Answer<'_>, id: Id, session: Option<&[u8]>) {
        let raw = answer.raw;
        if self.times >= LEARNED_MAX || raw.is_empty() {
            return;
        }
        self.times += 1;
        self.body_bytes = answer.body.len();
        self.raw.clear();
        self.raw.extend_from_slice(raw);
        self.holes.clear();
        let found: Vec<usize> = memchr::memmem::find_iter(raw, &id.0).collect();
        // Digits that stand there twice may be content: then every answer is checked in full.
        let &[at] = found.as_slice() else {
            self.raw.clear();
            return;
        };
        self.holes.push((at..at + ID_DIGITS, Hole::Id));
        self.holes.extend(header_value(&raw[..at], b"date", DATE_BYTES).map(|place| (place, Hole::Date)));
        if let Some(session) = session {
            let place = header_value(&raw[..at], b"mcp-session-id", session.len());
            let place = place.filter(|place| &raw[place.clone()] == session);
            self.holes.extend(place.map(|place| (place, Hole::Session)));
        }
        self.holes.sort_by_key(|(place, _)| place.start);
    }

    fn equals(&self, raw: &[u8], id: Id, session: Option<&[u8]>) -> bool {
        if raw.len() != self.raw.len() || raw.is_empty() {
            return false;
        }
        let mut from = 0;
        for (place, hole) in &self.holes {
            let there = &raw[place.clone()];
            let fits = match hole {
                Hole::Id => there == id.0,
                Hole::Date => true,
                Hole::Session => session == Some(there),
            };
            if !fits || raw[from..place.start] != self.raw[from..place.start] {
                return false;
            }
            from = place.end;
        }
        raw[from..] == self.raw[from..]
    }
}

/// Where the value of a header with that length stands, in the head at the start of the bytes.
fn header_value(bytes: &[u8], name: &[u8], length: usize) -> Option<Range<usize>> {
    let end = memchr::memmem::find(bytes, b"\r\n\r\n")?;
    let mut at = 0;
    while at < end {
        let line_end = memchr::memmem::find(&bytes[at..=end + 1], b"\r\n").map_or(end, |found| at + found);
        let line = &bytes[at..line_end];
        if let Some((found, rest)) = line.split_at_checked(name.len())
            && found.eq_ignore_ascii_case(name)
            && let Some(value) = rest.strip_prefix(b": ")
            && value.len() == length
        {
            return Some(line_end - length..line_end);
        }
        at = line_end + 2;
    }
    None
}

#[cfg(test)]
mod tests;
