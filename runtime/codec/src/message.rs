//! One JSON-RPC message, checked in shape only: what it asks, and whether it may ask that now, is decided above.
//!
//! Every rule that needs no knowledge of a method or a revision is here, so that no later layer sees a message
//! that two readers could understand differently.

use std::fmt;

use impresario_protocol::{Id, Limits, McpError};
use simd_json::{Node as TapeNode, StaticNode};

use crate::document::Document;
use crate::gathered::Gathered;
use crate::node::{Node, NodeIndex};
use crate::raw::{self, Ends, Original};

/// The limits of one decode, out of [`Limits`].
#[derive(Clone, Copy, Debug)]
pub struct DecodeLimits {
    /// How many arrays and objects may stand inside each other.
    pub depth_max: usize,
    /// How long an id may be as it is written, the quotes of a string not counted.
    pub id_bytes_max: usize,
    /// How long a method's name may be.
    pub method_bytes_max: usize,
}

impl From<&Limits> for DecodeLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            depth_max: Limits::size(limits.json_depth_max),
            id_bytes_max: Limits::size(limits.id_bytes_max),
            method_bytes_max: Limits::size(limits.method_bytes_max),
        }
    }
}

/// What a message is, by the members it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// A method and an id: it wants an answer.
    Request,
    /// A method and no id: it never gets an answer.
    Notification,
    /// A result or an error: the answer to a request of ours.
    Response,
}

/// Why bytes are no message.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct DecodeError {
    /// What is wrong.
    pub error: McpError,
    /// The request's id, when it could be read and was valid, so that the answer can carry it.
    pub id: Option<Id>,
}

impl DecodeError {
    fn without_id(error: McpError) -> Self {
        Self { error, id: None }
    }
}

/// One JSON-RPC message, with the document that its parts are views of.
pub struct Message {
    document: Document,
    id: Option<Id>,
    kind: MessageKind,
    /// Where the method's name stands; the root for a response, which has none.
    method: NodeIndex,
    /// What the message carries: the params of a call, the result or the error of a response.
    body: Option<NodeIndex>,
    /// Whether the body of a response is its error.
    failed: bool,
    /// Where in the params of a call the members stand that are asked for most.
    places: Places,
}

/// Where some members of the params stand; at the root, which is none of them, those that are missing.
#[derive(Clone, Copy)]
struct Places {
    name: NodeIndex,
    arguments: NodeIndex,
    meta: NodeIndex,
    task: NodeIndex,
}

impl Places {
    const NONE: Self = Self {
        name: NodeIndex::ROOT,
        arguments: NodeIndex::ROOT,
        meta: NodeIndex::ROOT,
        task: NodeIndex::ROOT,
    };
}

impl Message {
    /// No message at all: what stands where one was, once it is done.
    #[must_use]
    pub fn vacant() -> Self {
        Self {
            document: Document::vacant(),
            id: None,
            kind: MessageKind::Response,
            method: NodeIndex::ROOT,
            body: None,
            failed: false,
            places: Places::NONE,
        }
    }

    /// The same message without its parts: what is left is its id. Its buffers go back to their pool.
    #[must_use]
    pub fn into_id_alone(self) -> Self {
        Self { id: self.id, ..Self::vacant() }
    }

    /// Reads one message.
    ///
    /// # Errors
    /// With the kind `Parse` when `bytes` are no JSON text within the limits, and `InvalidRequest` when it is
    /// no JSON-RPC 2.0 message.
    pub fn parse(bytes: &[u8], limits: &DecodeLimits) -> Result<Self, DecodeError> {
        let document = Document::parse(bytes, limits.depth_max).map_err(DecodeError::without_id)?;
        Self::of_document(document, Original::whole(bytes), limits)
    }

    /// Reads one message where it was gathered. For large ones: it spares a copy of all of it, and takes one of both
    /// ends instead.
    ///
    /// # Errors
    /// As [`Message::parse`].
    pub fn parse_in_place(gathered: Gathered, limits: &DecodeLimits) -> Result<Self, DecodeError> {
        let ends = Ends::of(&gathered);
        let document =
            Document::parse_in_place(gathered, limits.depth_max).map_err(DecodeError::without_id)?;
        Self::of_document(document, ends.original(), limits)
    }

    fn of_document(
        document: Document,
        original: Original<'_>,
        limits: &DecodeLimits,
    ) -> Result<Self, DecodeError> {
        let envelope = Envelope::read(document.root()).map_err(DecodeError::without_id)?;
        let id = envelope.id(&document, original, limits).map_err(DecodeError::without_id)?;
        match envelope.check(id.as_ref(), limits) {
            Ok(Shape { kind, method, body, failed, places }) => {
                Ok(Self { document, id, kind, method, body, failed, places })
            }
            Err(complaint) => {
                // The id of what looks like a response is one of ours; an error with it would be taken for the
                // answer to the client's own request of that number.
                let id = if envelope.is_answer() { None } else { id };
                Err(DecodeError { error: McpError::invalid_request(complaint), id })
            }
        }
    }

    /// What the message is.
    #[must_use]
    pub fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The id of a request or a response; a response that is an error may have none.
    #[must_use]
    pub fn id(&self) -> Option<&Id> {
        self.id.as_ref()
    }

    /// The method's name; empty for a response.
    #[must_use]
    pub fn method(&self) -> &str {
        // The root is an object, so a response finds no text here.
        self.document.node(self.method).as_str().unwrap_or_default()
    }

    /// The params as they were written; they may be anything.
    #[must_use]
    pub fn params(&self) -> Option<Node<'_>> {
        self.body_if(self.kind != MessageKind::Response)
    }

    /// A member of the params. `name`, `arguments` and `_meta` are found without a search.
    #[must_use]
    #[inline]
    pub fn param(&self, name: &str) -> Option<Node<'_>> {
        let place = match name {
            "name" => self.places.name,
            "arguments" => self.places.arguments,
            "_meta" => self.places.meta,
            "task" => self.places.task,
            _ => return self.params()?.get(name),
        };
        (place != NodeIndex::ROOT).then(|| self.document.node(place))
    }

    /// The member of the params that asks for a task, found without a search.
    #[must_use]
    #[inline]
    pub fn task(&self) -> Option<Node<'_>> {
        (self.places.task != NodeIndex::ROOT).then(|| self.document.node(self.places.task))
    }

    /// The result of a response that has one.
    #[must_use]
    pub fn result(&self) -> Option<Node<'_>> {
        self.body_if(self.kind == MessageKind::Response && !self.failed)
    }

    /// The error of a response that has one.
    #[must_use]
    pub fn error(&self) -> Option<Node<'_>> {
        self.body_if(self.failed)
    }

    /// The whole message as a document.
    #[must_use]
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// The value at that index, which must come from a node of this message.
    #[must_use]
    pub fn node(&self, at: NodeIndex) -> Node<'_> {
        self.document.node(at)
    }

    fn body_if(&self, wanted: bool) -> Option<Node<'_>> {
        self.body.filter(|_| wanted).map(|at| self.document.node(at))
    }
}

impl fmt::Debug for Message {
    /// No contents: what clients send does not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("kind", &self.kind)
            .field("id", &self.id)
            .field("method", &self.method())
            .finish_non_exhaustive()
    }
}

/// What [`Envelope::check`] makes of the members.
struct Shape {
    kind: MessageKind,
    method: NodeIndex,
    body: Option<NodeIndex>,
    failed: bool,
    places: Places,
}

/// The members of a message that JSON-RPC knows, as they were written.
#[derive(Default)]
struct Envelope<'d> {
    jsonrpc: Option<Node<'d>>,
    id: Option<Node<'d>>,
    method: Option<Node<'d>>,
    params: Option<Node<'d>>,
    result: Option<Node<'d>>,
    error: Option<Node<'d>>,
    /// Whether any of them but the id was written twice.
    repeated: bool,
}

impl<'d> Envelope<'d> {
    fn read(root: Node<'d>) -> Result<Self, McpError> {
        if !root.is_object() {
            return Err(McpError::invalid_request("a message must be a JSON object"));
        }
        let mut envelope = Self::default();
        for (name, value) in root.members() {
            let member = match name {
                "jsonrpc" => &mut envelope.jsonrpc,
                "id" if envelope.id.is_some() => {
                    return Err(McpError::invalid_request("the member `id` must not be written twice"));
                }
                "id" => &mut envelope.id,
                "method" => &mut envelope.method,
                "params" => &mut envelope.params,
                "result" => &mut envelope.result,
                "error" => &mut envelope.error,
                _ => continue,
            };
            envelope.repeated |= member.replace(value).is_some();
        }
        Ok(envelope)
    }

    /// Whether this can only be meant as the answer to a request of ours.
    fn is_answer(&self) -> bool {
        self.method.is_none() && (self.result.is_some() || self.error.is_some())
    }

    fn id(
        &self,
        document: &Document,
        original: Original<'_>,
        limits: &DecodeLimits,
    ) -> Result<Option<Id>, McpError> {
        let Some(id) = self.id else { return Ok(None) };
        match id.head() {
            TapeNode::Static(StaticNode::U64(number)) => Ok(Some(Id::from(number))),
            // Only a zero that was written with a sign is signed here, and it is echoed with it.
            TapeNode::Static(StaticNode::I64(0)) => Ok(Some(Id::from_raw_json("-0"))),
            TapeNode::Static(StaticNode::I64(number)) => Ok(Some(Id::from(number))),
            TapeNode::String(text) => text_id(document, original, text, limits).map(Some),
            // JSON-RPC 2.0, section 5: an error whose request could not be told apart has a null id.
            TapeNode::Static(StaticNode::Null) if self.method.is_none() && self.error.is_some() => Ok(None),
            TapeNode::Static(_) | TapeNode::Array { .. } | TapeNode::Object { .. } => {
                Err(McpError::invalid_request("the `id` must be a string or an integer of at most 64 bits"))
            }
        }
    }

    /// What kind of message it is, or one sentence on why it is none.
    fn check(&self, id: Option<&Id>, limits: &DecodeLimits) -> Result<Shape, String> {
        if self.repeated {
            return Err("no member of a message may be written twice".to_owned());
        }
        if self.jsonrpc.and_then(Node::as_str) != Some("2.0") {
            return Err("the member `jsonrpc` must be \"2.0\"".to_owned());
        }
        match (self.method, self.result, self.error) {
            (Some(method), None, None) => self.call(method, id, limits),
            (None, Some(result), None) if id.is_some() => Ok(Shape::response(result, false)),
            (None, None, Some(error)) => Ok(Shape::response(error, true)),
            (None, Some(_), None) => Err("a message with a `result` must have an `id`".to_owned()),
            (None, Some(_), Some(_)) => Err("a message must not have both `result` and `error`".to_owned()),
            (Some(_), _, _) => Err("a message with a `method` must not have `result` or `error`".to_owned()),
            (None, None, None) => Err("a message must have a `method`, a `result` or an `error`".to_owned()),
        }
    }

    fn call(&self, method: Node<'d>, id: Option<&Id>, limits: &DecodeLimits) -> Result<Shape, String> {
        let Some(name) = method.as_str() else { return Err("the `method` must be a string".to_owned()) };
        if name.len() > limits.method_bytes_max {
            return Err(format!(
                "the `method` must not be longer than {} bytes (method_bytes_max)",
                limits.method_bytes_max
            ));
        }
        let places = self.params.map_or(Ok(Places::NONE), places_of);
        let places =
            places.map_err(|name| format!("the member `{name}` of `params` must not be written twice"))?;
        let kind = if id.is_some() { MessageKind::Request } else { MessageKind::Notification };
        Ok(Shape { kind, method: method.index(), body: self.params.map(Node::index), failed: false, places })
    }
}

impl Shape {
    fn response(body: Node<'_>, failed: bool) -> Self {
        let (method, body) = (NodeIndex::ROOT, Some(body.index()));
        Self { kind: MessageKind::Response, method, body, failed, places: Places::NONE }
    }
}

fn text_id(
    document: &Document,
    original: Original<'_>,
    text: &str,
    limits: &DecodeLimits,
) -> Result<Id, McpError> {
    const QUOTES: usize = 2;
    // Unescaping never makes a string longer, so this spares the scan of what is far too long.
    if text.len() <= limits.id_bytes_max {
        let written = raw::string_as_written(document, original, text);
        if written.len() <= limits.id_bytes_max.saturating_add(QUOTES) {
            return Ok(Id::from_raw_json(&written));
        }
    }
    Err(McpError::invalid_request(format!(
        "the `id` must not be longer than {} bytes (id_bytes_max)",
        limits.id_bytes_max
    )))
}

/// Where the members of the params stand.
///
/// # Errors
/// The name of one that decides what is done and was written twice: a proxy in front of us may have read the
/// other one.
fn places_of(params: Node<'_>) -> Result<Places, &str> {
    let mut places = Places::NONE;
    let mut seen = 0_u16;
    for (name, value) in params.members() {
        let bit = match name {
            "name" => {
                places.name = value.index();
                1
            }
            "arguments" => {
                places.arguments = value.index();
                1 << 1
            }
            "_meta" => {
                places.meta = value.index();
                1 << 2
            }
            "task" => {
                places.task = value.index();
                1 << 9
            }
            "taskId" => 1 << 10,
            "uri" => 1 << 3,
            "cursor" => 1 << 4,
            "requestState" => 1 << 5,
            "inputResponses" => 1 << 6,
            "ref" => 1 << 7,
            "argument" => 1 << 8,
            _ => 0,
        };
        if seen & bit != 0 {
            return Err(name);
        }
        seen |= bit;
    }
    Ok(places)
}

#[cfg(test)]
mod tests;
