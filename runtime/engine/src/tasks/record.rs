//! A task as it is stored: three lines of JSON. What it is, what was asked, what came of it.
//!
//! Lines, because the second and the third are written elsewhere and go in and out as they are.

use bytes::Bytes;
use impresario_codec::write_serialized;
use impresario_protocol::{ClientCapabilities, ErrorKind, Implementation, McpError, TaskStatus, ToolResult};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::store::StoreError;
use crate::question::Kept;

/// Raised when a record of today can't be read by yesterday's program.
const VERSION: u32 = 1;

/// The first line.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Head {
    version: u32,
    pub(super) tool: String,
    /// The principal that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) owner: Option<String>,
    pub(super) status: TaskStatus,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) message: Option<String>,
    pub(super) created_ms: u64,
    pub(super) updated_ms: u64,
    pub(super) ttl_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) client: Option<Implementation>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) capabilities: Option<ClientCapabilities>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<StoredError>,
    /// What it has asked and done, with the answers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) kept: Option<Kept>,
}

/// An error of the protocol.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct StoredError {
    kind: ErrorKind,
    message: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    data: Option<Box<Value>>,
}

impl From<&McpError> for StoredError {
    fn from(error: &McpError) -> Self {
        Self { kind: error.kind, message: error.message.clone().into_owned(), data: error.data.clone() }
    }
}

impl From<StoredError> for McpError {
    fn from(stored: StoredError) -> Self {
        let mut error = Self::new(stored.kind, stored.message);
        error.data = stored.data;
        error
    }
}

impl Head {
    /// What every record says of its task.
    pub(super) fn new(tool: String, owner: Option<String>, status: TaskStatus) -> Self {
        Self {
            version: VERSION,
            tool,
            owner,
            status,
            message: None,
            created_ms: 0,
            updated_ms: 0,
            ttl_ms: 0,
            client: None,
            capabilities: None,
            error: None,
            kept: None,
        }
    }
}

/// A record in its three parts.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) head: Head,
    /// The parameters of the call; empty once the task has ended.
    pub(super) request: Bytes,
    pub(super) result: Option<ToolResult>,
}

/// Writes a record.
pub(super) fn write(head: &Head, request: &[u8], result: Option<&ToolResult>) -> Result<Bytes, StoreError> {
    let unwritable = |error| StoreError::new(format!("a task can't be written as JSON: {error}"));
    let mut out = Vec::with_capacity(256 + request.len());
    write_serialized(&mut out, head).map_err(unwritable)?;
    out.push(b'\n');
    out.extend_from_slice(request);
    out.push(b'\n');
    if let Some(result) = result {
        write_serialized(&mut out, result).map_err(unwritable)?;
    }
    Ok(out.into())
}

/// Reads a record.
///
/// # Errors
/// When it is none of ours.
pub(super) fn read(id: &str, record: &[u8]) -> Result<Record, StoreError> {
    let unreadable = |what: &str| {
        StoreError::new(format!(
            "the record of task {id} can't be read ({what}); remove the store, or restore it"
        ))
    };
    let mut lines = record.splitn(3, |byte| *byte == b'\n');
    let (Some(head), Some(request), Some(result)) = (lines.next(), lines.next(), lines.next()) else {
        return Err(unreadable("it has too few lines"));
    };
    let head: Head = serde_json::from_slice(head).map_err(|error| unreadable(&error.to_string()))?;
    if head.version != VERSION {
        return Err(unreadable(&format!(
            "its version is {}, and this program knows {VERSION}",
            head.version
        )));
    }
    let result = match result {
        [] => None,
        result => Some(serde_json::from_slice(result).map_err(|error| unreadable(&error.to_string()))?),
    };
    Ok(Record { head, request: Bytes::copy_from_slice(request), result })
}
