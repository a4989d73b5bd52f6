//! Errors, alone and as answers.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::JsonRpc;
use crate::{ClientCapabilities, Id};

/// An error, with details of the type `D`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ErrorObject<D = Value> {
    /// What kind of error.
    pub code: i64,
    /// What is wrong, in a sentence.
    pub message: String,
    /// Details for machines.
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    pub data: Option<D>,
}

/// The default of an optional member, for any type.
fn none<D>() -> Option<D> {
    None
}

/// The answer to a request that failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(bound(deserialize = "D: Deserialize<'de>"))]
pub struct ErrorResponse<D = Value> {
    /// The envelope's version.
    pub jsonrpc: JsonRpc,
    /// The request's id; left out when it could not be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Id>,
    /// What went wrong.
    pub error: ErrorObject<D>,
}

/// Details of an error about a revision that the server does not speak.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnsupportedRevision {
    /// The revisions that it speaks.
    pub supported: Vec<String>,
    /// The one that was asked for.
    pub requested: String,
}

/// Details of an error about a client that can't do what a call needs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct MissingCapability {
    /// What it would have to declare.
    pub required_capabilities: ClientCapabilities,
}

/// The headers of a request say something else than its body.
pub type HeaderMismatchError = ErrorResponse;
/// The server does not speak the revision that was asked for.
pub type UnsupportedProtocolVersionError = ErrorResponse<UnsupportedRevision>;
/// The client has not declared what the call needs.
pub type MissingRequiredClientCapabilityError = ErrorResponse<MissingCapability>;
