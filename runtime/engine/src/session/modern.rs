//! Requests that carry their own metadata, 2026-07-28 and later.

use std::sync::Arc;

use impresario_codec::{Message, Node};
use impresario_protocol::{
    ClientCapabilities, Era, ErrorKind, Implementation, Limits, LogLevel, McpError, Operation, Revision,
};
use serde_json::json;

use super::era::{META_CLIENT_CAPABILITIES, META_CLIENT_INFO, META_VERSION, Meta, progress_token, token_of};
use super::legacy::object;
use super::operation::{self, Params, bad_log_level};
use super::shapes::{CapabilitiesShape, is_implementation};
use super::{Session, Speaks, Via, render, tasks};
use crate::call::{Call, ClientSource, Ending, Facts};
use crate::caller::ClientFacts;
use crate::dialect::Dialect;
use crate::question::Asks;

impl Session {
    /// Reads a request by its own metadata, and performs it. The order of the checks is that of the errors:
    /// version, method, metadata, parameters.
    pub(super) fn begin_modern(
        &mut self,
        call: &Arc<Call>,
        speaks: &Speaks,
        via: &Via,
    ) -> Result<(), McpError> {
        let mut facts =
            Facts { dialect: Dialect(speaks.revision()), caller: self.caller.clone(), ..Facts::default() };
        let checked = match via {
            // A client in this process is trusted to be of this revision; it carries what it likes.
            Via::InProcess => read_in_process(call, || self.completes(), &mut facts),
            Via::Pipe | Via::Http { .. } => {
                read_metadata(call, self.limits(), |method| self.offers(method), &mut facts)
            }
        };
        let checked = checked.and_then(|operation| {
            facts.asks = self.asks_of(call, &operation)?;
            Ok(operation)
        });
        let listener = match &checked {
            Ok(Operation::Listen(filter)) => Some(self.stage.shared.hub.subscribe(filter.clone())),
            _ => None,
        };
        let watch = match &listener {
            Some(_) => tasks::watched(&self.stage, call, &facts),
            None => Ok(None),
        };
        facts.listener = listener;
        facts.watch = watch.as_ref().ok().cloned().flatten();
        call.accept(facts);
        watch?;
        let in_flight = match via {
            Via::Pipe | Via::InProcess => Some(&self.in_flight),
            // On HTTP each request has a stream of its own, so two of one id do no harm.
            Via::Http { .. } => None,
        };
        match checked? {
            Operation::Discover => {
                call.finish(Ending::Rendered(render::description(
                    &self.stage.shared,
                    Dialect(speaks.revision()),
                )));
                Ok(())
            }
            Operation::Listen(_) => self.listen(call, in_flight),
            operation => self.perform(call, &operation, &self.calls, in_flight),
        }
    }
}

impl Session {
    /// How a call may ask, with what it brings when it was sent again (basic/patterns/mrtr). Requests that can't
    /// ask may carry what they like.
    fn asks_of(&self, call: &Call, operation: &Operation<'_, Node<'_>>) -> Result<Asks<Call>, McpError> {
        /// `name` or `uri`, `arguments` and `_meta`: what a first request has.
        const MEMBERS: usize = 3;
        let can_ask = matches!(
            operation,
            Operation::CallTool { .. } | Operation::ReadResource { .. } | Operation::GetPrompt { .. }
        );
        if !can_ask {
            return Ok(Asks::default());
        }
        let message = call.message();
        let is_first = message.params().is_some_and(|params| {
            params.len() == MEMBERS
                && message.param("arguments").is_some()
                && message.param("_meta").is_some()
        });
        if is_first {
            return Ok(Asks::ByRetry(None));
        }
        let principal = self.caller.principal.as_deref();
        Ok(Asks::ByRetry(self.stage.shared.sealer.resume(principal, message)?))
    }
}

/// The operation of a request, once everything it must carry was found.
fn read_metadata<'m>(
    call: &'m Call,
    limits: &Limits,
    offers: impl FnOnce(&str) -> bool,
    facts: &mut Facts,
) -> Result<Operation<'m, Node<'m>>, McpError> {
    let message = call.message();
    let node = message.param("_meta").filter(|meta| meta.is_object());
    let meta = node.map(Meta::of).unwrap_or_default();
    if let Some(version) = meta.version {
        check_version(version)?;
    }
    if !is_method(message.method()) && !offers(message.method()) {
        return Err(McpError::method_not_found(message.method()));
    }
    let missing = |what: &str| McpError::new(ErrorKind::MissingMetadata, format!("params._meta {what}"));
    let Some(node) = node else { return Err(missing("is missing; every request must carry it")) };
    check_size(node, message.document().text_len(), limits)?;
    if meta.version.is_none() {
        return Err(missing("must have `io.modelcontextprotocol/protocolVersion`"));
    }
    check_client(&meta).map_err(missing)?;
    facts.client = ClientSource::Request(client_of);
    facts.progress_token = meta.progress_token.map_or(Ok(None), token_of)?;
    if let Some(level) = meta.log_level {
        let known = level.as_str().and_then(LogLevel::parse);
        facts.log_level = Some(known.ok_or_else(|| bad_log_level("_meta logLevel"))?);
    }
    operation_of(call, limits)
}

fn read_in_process<'m>(
    call: &'m Call,
    completes: impl FnOnce() -> bool,
    facts: &mut Facts,
) -> Result<Operation<'m, Node<'m>>, McpError> {
    if call.message().method() == operation::COMPLETE && !completes() {
        return Err(McpError::method_not_found(operation::COMPLETE));
    }
    facts.progress_token = progress_token(call.message())?;
    facts.client = ClientSource::Request(client_of);
    facts.log_level = Some(LogLevel::Debug);
    facts.is_in_process = true;
    operation_of(call, &Limits::default())
}

fn check_version(version: Node<'_>) -> Result<(), McpError> {
    let Some(version) = version.as_str() else {
        return Err(McpError::new(
            ErrorKind::MissingMetadata,
            format!("_meta `{META_VERSION}` must be a string"),
        ));
    };
    if Revision::parse(version).is_some_and(|revision| revision.era() == Era::Modern) {
        return Ok(());
    }
    let supported: Vec<_> = Revision::ALL.iter().map(|revision| revision.as_str()).collect();
    let error = McpError::new(ErrorKind::UnsupportedRevision, "unsupported protocol version");
    Err(error.with_data(json!({ "supported": supported, "requested": version })))
}

/// What a client says of itself goes with every request, and hardly anybody looks at it: it is checked in
/// place, and read when somebody asks.
fn check_client(meta: &Meta<'_>) -> Result<(), &'static str> {
    let capabilities = meta.client_capabilities.filter(|capabilities| capabilities.is_object());
    if !capabilities.is_some_and(|said| said.is_empty() || said.deserialize::<CapabilitiesShape>().is_ok()) {
        return Err("must have `io.modelcontextprotocol/clientCapabilities`, an object");
    }
    if !meta.client_info.is_none_or(is_implementation) {
        return Err(
            "has an `io.modelcontextprotocol/clientInfo` that is no object with `name` and `version`",
        );
    }
    Ok(())
}

/// What the client of a checked request says of itself.
fn client_of(message: &Message) -> ClientFacts {
    let Some(meta) = message.param("_meta") else {
        return ClientFacts::default();
    };
    let implementation = object::<Implementation>(meta, META_CLIENT_INFO).and_then(Result::ok);
    let capabilities = object::<ClientCapabilities>(meta, META_CLIENT_CAPABILITIES).and_then(Result::ok);
    ClientFacts::new(implementation, capabilities.unwrap_or_default())
}

/// Metadata is bounded in members, depth and bytes.
fn check_size(meta: Node<'_>, message_bytes: usize, limits: &Limits) -> Result<(), McpError> {
    let too_large =
        |limit: &str, max: u64| McpError::invalid_params(format!("_meta exceeds {max} ({limit})"));
    if meta.len() > Limits::size(limits.meta_keys_max) {
        return Err(too_large("meta_keys_max", limits.meta_keys_max));
    }
    if !meta.is_at_most_deep(Limits::size(limits.meta_depth_max)) {
        return Err(too_large("meta_depth_max", limits.meta_depth_max));
    }
    // Nearly every message is smaller than its metadata may be.
    let bytes_max = Limits::size(limits.meta_bytes_max);
    if message_bytes > bytes_max && bytes_of(meta) > bytes_max {
        return Err(too_large("meta_bytes_max", limits.meta_bytes_max));
    }
    Ok(())
}

/// How many bytes a value takes as JSON.
fn bytes_of(node: Node<'_>) -> usize {
    let mut json = Vec::new();
    node.write_json(&mut json);
    json.len()
}

/// The methods that every server of this revision has.
fn is_method(method: &str) -> bool {
    matches!(
        method,
        "server/discover"
            | "subscriptions/listen"
            | "tools/list"
            | "tools/call"
            | "resources/list"
            | "resources/templates/list"
            | "resources/read"
            | "prompts/list"
            | "prompts/get"
            | "tasks/get"
            | "tasks/update"
            | "tasks/cancel"
    )
}

fn operation_of<'m>(call: &'m Call, limits: &Limits) -> Result<Operation<'m, Node<'m>>, McpError> {
    let message = call.message();
    match message.method() {
        "server/discover" => Ok(Operation::Discover),
        "subscriptions/listen" => Params::of(message).listen(limits).map(Operation::Listen),
        method => operation::shared(message)
            .or_else(|| tasks::operation_of(message))
            .unwrap_or(Ok(Operation::Extend { method })),
    }
}
