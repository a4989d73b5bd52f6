//! What a call leaves with its client between two runs: sealed, so that only we can read or change it.
//!
//! XChaCha20-Poly1305 under a key of this process, or one that replicas share. What it is bound to (who asks,
//! for what, with which arguments) is authenticated with it, so a state that comes with another request opens
//! as little as one with a flipped bit. It holds no secret of ours: it is sealed because clients could else
//! put words into people's mouths.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{KeyInit as _, XChaCha20Poly1305, XNonce};
use impresario_codec::{Message, Node, NodeKind};
use impresario_protocol::client::{ElicitParams, InputRequest, InputResponse};
use impresario_protocol::{Limits, McpError};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::check;

/// The form of the sealed bytes; another one is refused.
const VERSION: u8 = 1;
const NONCE_BYTES: usize = 24;

/// Seals what calls leave with their clients, and opens it again.
pub struct Sealer {
    /// The first seals, all open: so a key can be replaced while states that it sealed are still around.
    keys: Vec<XChaCha20Poly1305>,
    bytes_max: usize,
    ttl_ms: u64,
}

impl fmt::Debug for Sealer {
    /// No keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealer").field("keys", &self.keys.len()).finish_non_exhaustive()
    }
}

/// What a sealed state is bound to: who asks, for what, with which arguments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bound(Vec<u8>);

impl Bound {
    /// What the state of this request is bound to.
    pub(crate) fn of(principal: Option<&str>, message: &Message) -> Self {
        let mut out = vec![VERSION];
        write_part(&mut out, principal.map(str::as_bytes));
        write_part(&mut out, Some(message.method().as_bytes()));
        for name in ["name", "uri"] {
            write_part(&mut out, message.param(name).and_then(Node::as_str).map(str::as_bytes));
        }
        match message.param("arguments") {
            Some(arguments) => write_node(&mut out, arguments),
            None => out.push(0),
        }
        Self(out)
    }
}

/// A part with its length before it, so that no two lists of parts look alike.
fn write_part(out: &mut Vec<u8>, part: Option<&[u8]>) {
    out.push(u8::from(part.is_some()));
    let part = part.unwrap_or_default();
    out.extend_from_slice(&(part.len() as u64).to_le_bytes());
    out.extend_from_slice(part);
}

/// A value in canonical form: members sorted by name. Depth is bounded by the decoder.
fn write_node(out: &mut Vec<u8>, node: Node<'_>) {
    out.push(1 + node.kind() as u8);
    match node.kind() {
        NodeKind::Null | NodeKind::Bool | NodeKind::Integer | NodeKind::Float => {
            let mut json = Vec::new();
            node.write_json(&mut json);
            write_part(out, Some(&json));
        }
        NodeKind::String => write_part(out, node.as_str().map(str::as_bytes)),
        NodeKind::Array => {
            out.extend_from_slice(&(node.len() as u64).to_le_bytes());
            node.elements().for_each(|element| write_node(out, element));
        }
        NodeKind::Object => {
            let mut members: Vec<_> = node.members().collect();
            members.sort_by_key(|(name, _)| *name);
            out.extend_from_slice(&(members.len() as u64).to_le_bytes());
            for (name, value) in members {
                write_part(out, Some(name.as_bytes()));
                write_node(out, value);
            }
        }
    }
}

/// What is kept of a call between two runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// How often the call has asked.
    pub(crate) rounds: u64,
    /// Keys the hashes that pin questions; random for each call, and known to nobody.
    pub(crate) pin_key: [u64; 2],
    /// What was asked and what was done, by the tool's keys.
    pub(crate) records: Vec<KeptRecord>,
}

/// What is kept under one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct KeptRecord {
    pub(crate) key: String,
    /// A hash of the question, so that its answer is given to no other one.
    pub(crate) pin: u64,
    pub(crate) state: KeptState,
}

/// What is known under one key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum KeptState {
    /// Asked, and what an answer is held against before anything runs; without it, later.
    Open(Option<Arc<InputRequest>>),
    /// Asked and answered.
    Answered(InputResponse),
    /// Done once.
    Done(Value),
}

/// What a request brings that was sent again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Resumed {
    /// What was kept, with the answers that it waited for. Nothing, when the request brings no state.
    pub(crate) kept: Option<Kept>,
    /// Answers whose questions are not known yet: they are held against them when they are asked.
    pub(crate) loose: Vec<(String, Value)>,
}

#[derive(Serialize, Deserialize)]
struct Dated {
    until_ms: u64,
    kept: Kept,
}

impl Sealer {
    /// Seals with the first key and opens with all; without keys, with a random one of this process.
    ///
    /// # Panics
    /// When the operating system gives no random bytes, which no runtime can do without.
    #[must_use]
    pub fn new(keys: &[[u8; 32]], limits: &Limits) -> Self {
        let mut random = [0_u8; 32];
        getrandom::fill(&mut random).expect("the operating system gives random bytes");
        let keys = if keys.is_empty() { std::slice::from_ref(&random) } else { keys };
        Self {
            keys: keys.iter().map(|key| XChaCha20Poly1305::new(key.into())).collect(),
            bytes_max: Limits::size(limits.request_state_bytes_max),
            ttl_ms: limits.request_state_ttl_ms,
        }
    }

    /// Seals what is kept of a call. What open questions are held against is left out when there is no room
    /// for it: then it is done when they are asked again.
    ///
    /// # Errors
    /// When there is more than may be kept.
    pub(crate) fn seal(&self, mut kept: Kept, bound: &Bound) -> Result<String, McpError> {
        let sealed = self.seal_at(now_ms(), &kept, bound)?;
        if sealed.len() <= self.bytes_max {
            return Ok(sealed);
        }
        for record in &mut kept.records {
            if let KeptState::Open(question) = &mut record.state {
                *question = None;
            }
        }
        let sealed = self.seal_at(now_ms(), &kept, bound)?;
        if sealed.len() <= self.bytes_max {
            return Ok(sealed);
        }
        let (bytes, max) = (sealed.len(), self.bytes_max);
        let text = format!(
            "answers and results of this call take {bytes} bytes as requestState, and {max} are allowed (request_state_bytes_max)"
        );
        Err(McpError::new(impresario_protocol::ErrorKind::Internal, text))
    }

    fn seal_at(&self, now_ms: u64, kept: &Kept, bound: &Bound) -> Result<String, McpError> {
        let dated = Dated { until_ms: now_ms.saturating_add(self.ttl_ms), kept: kept.clone() };
        let plain = serde_json::to_vec(&dated).map_err(|error| {
            tracing::error!(%error, "what a call keeps can't be written");
            McpError::internal()
        })?;
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|_no_random| McpError::internal())?;
        let payload = Payload { msg: &plain, aad: &bound.0 };
        let sealed = self.keys.first().and_then(|key| key.encrypt(&XNonce::from(nonce), payload).ok());
        let sealed = sealed.ok_or_else(McpError::internal)?;
        Ok(URL_SAFE_NO_PAD.encode([&[VERSION][..], &nonce, &sealed].concat()))
    }

    /// Opens what a client brought back.
    ///
    /// # Errors
    /// When it is not what we gave for this request, or too old.
    pub(crate) fn open(&self, state: &str, bound: &Bound) -> Result<Kept, McpError> {
        self.open_at(now_ms(), state, bound)
    }

    fn open_at(&self, now_ms: u64, state: &str, bound: &Bound) -> Result<Kept, McpError> {
        if state.len() > self.bytes_max {
            let max = self.bytes_max;
            let text = format!("requestState is longer than {max} bytes (request_state_bytes_max)");
            return Err(McpError::invalid_params(text));
        }
        let Dated { until_ms, kept } = self.unsealed(state, bound).ok_or_else(|| {
            McpError::invalid_params(
                "requestState is not what this server gave for this request; send the request without it",
            )
        })?;
        if now_ms >= until_ms {
            return Err(McpError::invalid_params(
                "requestState is too old (request_state_ttl_ms); send the request without it",
            ));
        }
        Ok(kept)
    }

    fn unsealed(&self, state: &str, bound: &Bound) -> Option<Dated> {
        let bytes = URL_SAFE_NO_PAD.decode(state).ok()?;
        let (&VERSION, rest) = bytes.split_first()? else { return None };
        let (nonce, sealed) = rest.split_first_chunk::<NONCE_BYTES>()?;
        let nonce = XNonce::from(*nonce);
        let open = |key: &XChaCha20Poly1305| key.decrypt(&nonce, Payload { msg: sealed, aad: &bound.0 }).ok();
        let plain = self.keys.iter().find_map(open)?;
        serde_json::from_slice(&plain).ok()
    }

    /// Whether a request brings a state that was given for it, for whoever tests that nobody can make one.
    #[must_use]
    pub fn knows(&self, principal: Option<&str>, message: &Message) -> bool {
        matches!(self.resume(principal, message), Ok(Some(resumed)) if resumed.kept.is_some())
    }

    /// What a request brings that was sent again; nothing, when it is a first one.
    ///
    /// # Errors
    /// When it is not what we gave, or an answer does not fit its question. Nothing was executed, and the same
    /// state may come again with a better answer.
    pub(crate) fn resume(
        &self,
        principal: Option<&str>,
        message: &Message,
    ) -> Result<Option<Box<Resumed>>, McpError> {
        let (state, responses) = (message.param("requestState"), message.param("inputResponses"));
        if state.is_none() && responses.is_none() {
            return Ok(None);
        }
        let wrong = |what: &str| McpError::invalid_params(format!("{}: params.{what}", message.method()));
        let mut loose = Vec::new();
        if let Some(responses) = responses {
            if !responses.is_object() {
                return Err(wrong("inputResponses must be an object"));
            }
            loose.extend(responses.members().map(|(key, answer)| (key.to_owned(), answer.to_value())));
        }
        let Some(state) = state else { return Ok(Some(Box::new(Resumed { kept: None, loose }))) };
        let state = state.as_str().ok_or_else(|| wrong("requestState must be a string"))?;
        let mut kept = self.open(state, &Bound::of(principal, message))?;
        for record in &mut kept.records {
            let KeptState::Open(Some(question)) = &record.state else { continue };
            let Some(place) = loose.iter().position(|(key, _)| *key == record.key) else { continue };
            let (key, answer) = loose.swap_remove(place);
            let answer = check(question, answer).map_err(|why| invalid_answer(&key, &why))?;
            record.state = KeptState::Answered(answer);
        }
        // Of the others only those that were asked are of interest.
        loose.retain(|(key, _)| {
            kept.records.iter().any(|record| record.key == *key && record.state == KeptState::Open(None))
        });
        Ok(Some(Box::new(Resumed { kept: Some(kept), loose })))
    }
}

/// An answer is not one to its question.
pub(crate) fn invalid_answer(key: &str, why: &str) -> McpError {
    let shown = impresario_protocol::error::Shown(key);
    McpError::invalid_params(format!("params.inputResponses: the answer to `{shown}` is not valid: {why}"))
}

/// What is enough of a question to hold an answer against it.
pub(crate) fn essence(question: &InputRequest) -> Arc<InputRequest> {
    Arc::new(match question {
        InputRequest::Elicit(elicit) => match &elicit.params {
            ElicitParams::Form(form) => InputRequest::form("", form.requested_schema.clone()),
            ElicitParams::Url(_) => InputRequest::url("", ""),
        },
        InputRequest::CreateMessage(_) => InputRequest::sample(Default::default()),
        InputRequest::ListRoots(_) => InputRequest::roots(),
    })
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
