//! The file: an opening line, a line for each thing that happened, and a closing line.
//!
//! Unknown members are ignored, so that a later version may add some; what changes a meaning gets a new number.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

/// The version of the format that we write, and the newest that we read.
pub const FORMAT: u32 = 1;
/// A larger file is not read: it has to fit into memory.
pub const RECORDING_BYTES_MAX: u64 = 4 << 30;

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// Always [`FORMAT`] in what we write; that it is the first line's member tells a recording from other files.
    pub recording: u32,
    /// When it began, RFC 3339 in UTC.
    pub started_at: String,
    /// Who wrote it.
    pub generator: String,
    /// What was between client and server.
    pub transport: Transport,
    /// The server's URL, the values of its query redacted; over stdio the program's name, without its arguments.
    pub target: String,
}

/// What was between client and server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// HTTP: Streamable HTTP of either era, or HTTP+SSE.
    Http,
    /// Lines between a client and a process.
    Stdio,
}

/// Any other line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// Microseconds since the recording began. They never decrease from line to line.
    pub at_us: u64,
    /// Which connection of the client, from 1; always 1 over stdio, and 0 in the closing line.
    pub connection: u64,
    /// What happened.
    #[serde(flatten)]
    pub entry: Entry,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum Entry {
    /// A whole request came from the client.
    Request {
        /// Ties together what belongs to one request, from 1.
        exchange: u64,
        /// Of HTTP.
        method: String,
        /// Path and query, the query's values redacted.
        path: String,
        /// Those that matter, names in lower case.
        headers: BTreeMap<String, String>,
        /// What it carried.
        body: Body,
    },
    /// The head of the answer came from the server.
    Response {
        /// Of which request.
        exchange: u64,
        /// Of HTTP; 502 is also what the proxy itself answered for a server that it did not reach.
        status: u16,
        /// Those that matter, names in lower case.
        headers: BTreeMap<String, String>,
    },
    /// A message came from the server: a whole body, or one server-sent event of a body.
    Message {
        /// Of which request.
        exchange: u64,
        /// The type of a server-sent event, where it has one.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        event: String,
        /// The body, or the event's data.
        body: Body,
    },
    /// Nothing more comes of this exchange.
    End {
        /// Of which request.
        exchange: u64,
        /// How it ended.
        how: Ending,
    },
    /// A line over stdio.
    Said {
        /// By whom.
        by: Side,
        /// The line, without its end.
        body: Body,
    },
    /// The last line of every recording that was closed.
    Closed {
        /// Why it ends here.
        reason: Reason,
        /// How many lines are between the opening one and this.
        lines: u64,
    },
}

/// How an exchange ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    /// The server said all that it had to say.
    Complete,
    /// The client went away first.
    ClientLeft,
    /// The server went away first, or was never reached.
    ServerLeft,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The client.
    Client,
    /// The server.
    Server,
}

/// Why a recording ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// Whoever recorded stopped it.
    Stopped,
    /// Client or server ended (stdio).
    Ended,
    /// The file was as large as it may be; what came later is missing.
    Full,
}

/// Bytes of a message. Text stays text; what is not UTF-8 is in base64; a long one may be cut off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "WrittenBody", into = "WrittenBody")]
pub struct Body {
    /// What was kept.
    pub data: Vec<u8>,
    /// How many bytes there were.
    pub bytes: u64,
}

impl Body {
    /// A body of which nothing is missing.
    #[must_use]
    pub fn whole(data: Vec<u8>) -> Self {
        let bytes = data.len() as u64;
        Self { data, bytes }
    }

    /// At most so many bytes of a body.
    #[must_use]
    pub fn capped(data: &[u8], bytes_max: usize) -> Self {
        Self { data: data[..data.len().min(bytes_max)].to_vec(), bytes: data.len() as u64 }
    }

    /// Whether some of it is missing.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        (self.data.len() as u64) < self.bytes
    }
}

#[derive(Default, Serialize, Deserialize)]
struct WrittenBody {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    base64: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cut_from_bytes: Option<u64>,
}

impl From<Body> for WrittenBody {
    fn from(body: Body) -> Self {
        let cut_from_bytes = body.is_cut().then_some(body.bytes);
        match String::from_utf8(body.data) {
            Ok(text) => Self { text: Some(text), cut_from_bytes, ..Self::default() },
            Err(error) => {
                Self { base64: Some(BASE64.encode(error.as_bytes())), cut_from_bytes, ..Self::default() }
            }
        }
    }
}

impl TryFrom<WrittenBody> for Body {
    type Error = String;

    fn try_from(written: WrittenBody) -> Result<Self, String> {
        let data = match (written.text, written.base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(text)) => {
                BASE64.decode(text).map_err(|error| format!("base64 can't be read: {error}"))?
            }
            _ => return Err("a body has either `text` or `base64`".to_owned()),
        };
        let bytes = written.cut_from_bytes.unwrap_or(data.len() as u64);
        if bytes < data.len() as u64 {
            return Err("`cut_from_bytes` is less than what is there".to_owned());
        }
        Ok(Self { data, bytes })
    }
}

/// A recording that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// The first line.
    pub opening: Opening,
    /// All others but the closing one.
    pub lines: Vec<Line>,
}

/// Reads a recording.
///
/// # Errors
/// When there is no such file, or it is none, or of a newer version, or damaged; says in which line. With `is_partial`
/// a recording without its end is read as far as it goes.
pub fn read(path: &Path, is_partial: bool) -> Result<Recording, Fault> {
    let name = path.display();
    let length = path.metadata().map_err(|error| Fault::plan(format!("{name}: {error}")))?.len();
    if length > RECORDING_BYTES_MAX {
        return Err(Fault::plan(format!(
            "{name}: {length} bytes are more than the {RECORDING_BYTES_MAX} that fit"
        )));
    }
    let text = std::fs::read(path).map_err(|error| Fault::plan(format!("{name}: {error}")))?;
    parse(&text, is_partial).map_err(|reason| Fault::plan(format!("{name}: {reason}")))
}

/// Reads a recording's bytes; see [`read`].
///
/// # Errors
/// What is wrong, and in which line.
pub fn parse(text: &[u8], is_partial: bool) -> Result<Recording, String> {
    let cut = |line: usize| {
        format!("the recording is cut off in line {line}; to play what is there, pass --partial")
    };
    let mut rows = text.split_inclusive(|byte| *byte == b'\n').zip(1_usize..);
    let (first, _) = rows.next().ok_or("the file is empty, and no recording")?;
    let opening = opening(first)?;
    let mut lines: Vec<Line> = Vec::new();
    let mut last = 1;
    for (row, number) in rows {
        last = number;
        if row.last() != Some(&b'\n') {
            return if is_partial { Ok(Recording { opening, lines }) } else { Err(cut(number)) };
        }
        let line: Line = serde_json::from_slice(row)
            .map_err(|error| format!("line {number} is damaged: {}", without_place(&error)))?;
        if lines.last().is_some_and(|before| before.at_us > line.at_us) {
            return Err(format!("line {number} is damaged: its time lies before that of the line above"));
        }
        let Entry::Closed { lines: expected, .. } = line.entry else {
            lines.push(line);
            continue;
        };
        if expected != lines.len() as u64 {
            let found = lines.len();
            return Err(format!("lines are missing: {found} were found, and {expected} were written"));
        }
        if text.split_inclusive(|byte| *byte == b'\n').count() > number {
            return Err(format!("line {} stands behind the closing one", number + 1));
        }
        return Ok(Recording { opening, lines });
    }
    if is_partial { Ok(Recording { opening, lines }) } else { Err(cut(last + 1)) }
}

fn opening(row: &[u8]) -> Result<Opening, String> {
    #[derive(Deserialize)]
    struct Version {
        recording: u32,
    }
    let version: Version = serde_json::from_slice(row)
        .map_err(|_| "this is no recording: its first line has no member `recording`".to_owned())?;
    if version.recording == 0 || version.recording > FORMAT {
        let version = version.recording;
        return Err(format!(
            "the recording has format {version}, and this program reads up to {FORMAT}: update it"
        ));
    }
    serde_json::from_slice(row).map_err(|error| format!("line 1 is damaged: {}", without_place(&error)))
}

/// The error's words without serde's own place, which would be line 1 of a line.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.split(" at line ").next().map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests;
