//! Requests of the handshake era, 2024-11-05 to 2025-11-25.

use std::sync::Arc;

use impresario_codec::Node;
use impresario_protocol::{ClientCapabilities, Implementation, McpError, Operation, Outcome, Revision};
use serde::Deserialize;

use super::era::{Speaks, progress_token};
use super::operation::{self, Params};
use super::table::all_lists;
use super::{Session, SessionState, questions, render, tasks};
use crate::call::{Call, ClientSource, Ending, Facts};
use crate::caller::ClientFacts;
use crate::dialect::Dialect;
use crate::question::Asks;

impl Session {
    /// Reads a request by the rules of its session, and performs it.
    pub(super) fn begin_legacy(&mut self, call: &Arc<Call>, speaks: Speaks) -> Result<(), McpError> {
        let dialect = Dialect(speaks.revision());
        let Speaks::Legacy(session) = speaks else { return Err(McpError::internal()) };
        let method = call.message().method();
        if method == "initialize" {
            return self.initialize(call, session.as_ref());
        }
        let Some(session) = session else {
            call.accept(Facts { dialect, caller: self.caller.clone(), ..Facts::default() });
            // A ping may come before the handshake (2025-11-25, basic/lifecycle).
            if method == "ping" {
                call.finish(Ending::Answered(Outcome::Done));
                return Ok(());
            }
            return Err(McpError::invalid_request(
                "send initialize first: this connection has no session yet",
            ));
        };
        session.touch();
        session.set_initialized();
        let facts = Facts {
            dialect,
            caller: session.caller().clone(),
            client: ClientSource::Said(session.client().clone()),
            progress_token: progress_token(call.message()).ok().flatten(),
            log_level: Some(session.log_level()),
            asks: Asks::InSession(Arc::clone(session.questions())),
            ..Facts::default()
        };
        call.accept(facts);
        if call.message().params().is_some_and(|params| !params.is_object()) {
            return Err(McpError::invalid_params(format!("{method}: params must be an object")));
        }
        if method == operation::COMPLETE && !self.completes() {
            return Err(McpError::method_not_found(method));
        }
        let operation = operation_of(call)?;
        match operation {
            Operation::SetLogLevel(level) => {
                session.set_log_level(level);
                call.finish(Ending::Answered(Outcome::Done));
                Ok(())
            }
            Operation::Subscribe { uri } => self.subscribe(call, &session, uri),
            Operation::Unsubscribe { uri } => {
                session.subscriber().unwatch(uri);
                call.finish(Ending::Answered(Outcome::Done));
                Ok(())
            }
            operation => self.perform(call, &operation, session.calls(), Some(session.in_flight())),
        }
    }

    /// The handshake: settles the revision and opens the session (2025-11-25, basic/lifecycle).
    fn initialize(&mut self, call: &Arc<Call>, session: Option<&Arc<SessionState>>) -> Result<(), McpError> {
        let message = call.message();
        let mut facts = Facts { caller: self.caller.clone(), ..Facts::default() };
        let read = read_handshake(message.params());
        let revision = read.as_ref().map_or(Revision::LATEST_LEGACY, |(revision, _)| *revision);
        facts.dialect = Dialect(revision);
        let opened = read.and_then(|(revision, client)| self.open_session(revision, client, session));
        match opened {
            Ok(state) => {
                facts.client = ClientSource::Said(state.client().clone());
                facts.opened_session = Some(Arc::clone(state.id()));
                call.accept(facts);
                let shared = &self.stage.shared;
                call.finish(Ending::Rendered(render::description(shared, Dialect(revision))));
                Ok(())
            }
            Err(error) => {
                call.accept(facts);
                Err(error)
            }
        }
    }

    fn open_session(
        &mut self,
        revision: Revision,
        client: ClientFacts,
        session: Option<&Arc<SessionState>>,
    ) -> Result<Arc<SessionState>, McpError> {
        if self.stage.shared.closing.has_begun() {
            return Err(McpError::shutting_down());
        }
        let caller = self.caller.clone();
        if self.keeps_its_own_session {
            let subscriber = self.stage.shared.hub.subscribe(all_lists());
            let state = Arc::new(SessionState::new(
                "".into(),
                revision,
                caller,
                client,
                subscriber,
                Arc::clone(&self.in_flight),
            ));
            if session.is_some() || self.state.set(Arc::clone(&state)).is_err() {
                return Err(McpError::invalid_request("this connection is initialized already"));
            }
            return Ok(state);
        }
        self.stage.sessions.open(revision, caller, client)
    }

    fn subscribe(&self, call: &Arc<Call>, session: &SessionState, uri: &str) -> Result<(), McpError> {
        self.check_uri(uri)?;
        let snapshot = self.stage.shared.registry.snapshot();
        if snapshot.resource(uri).is_none() && snapshot.template_for(uri).is_none() {
            return Err(McpError::resource_not_found(uri));
        }
        session.subscriber().watch(uri, self.limits())?;
        call.finish(Ending::Answered(Outcome::Done));
        Ok(())
    }
}

fn operation_of(call: &Call) -> Result<Operation<'_, Node<'_>>, McpError> {
    let message = call.message();
    if let Some(operation) = operation::shared(message) {
        return operation;
    }
    let params = Params::of(message);
    match message.method() {
        "ping" => Ok(Operation::Ping),
        "logging/setLevel" => params.log_level().map(Operation::SetLogLevel),
        "resources/subscribe" => params.text("uri").map(|uri| Operation::Subscribe { uri }),
        "resources/unsubscribe" => params.text("uri").map(|uri| Operation::Unsubscribe { uri }),
        method => tasks::operation_of(message)
            .filter(|_| tasks::is_method(method, call.facts().dialect.0))
            .unwrap_or(Ok(Operation::Extend { method })),
    }
}

/// The revision to speak and what the client said of itself. To a version we do not know we answer with our
/// latest of this era (2025-11-25, basic/lifecycle, "Version Negotiation").
fn read_handshake(params: Option<Node<'_>>) -> Result<(Revision, ClientFacts), McpError> {
    let member = |name: &str| params.and_then(|params| params.get(name));
    let missing = |name: &str, what: &str| {
        McpError::invalid_params(format!("initialize: params.{name} must be {what}"))
    };
    let version = member("protocolVersion").and_then(Node::as_str);
    let version = version.ok_or_else(|| missing("protocolVersion", "a string such as `2025-11-25`"))?;
    let revision = Revision::parse(version).filter(|revision| *revision <= Revision::LATEST_LEGACY);
    let client = params.and_then(|params| object::<Implementation>(params, "clientInfo"));
    let Some(Ok(client)) = client else {
        return Err(missing("clientInfo", "an object with `name` and `version`"));
    };
    let capabilities = params.and_then(|params| object::<ClientCapabilities>(params, "capabilities"));
    let Some(Ok(capabilities)) = capabilities else { return Err(missing("capabilities", "an object")) };
    let revision = revision.unwrap_or(Revision::LATEST_LEGACY);
    Ok((revision, questions::client_facts(client, capabilities, revision)))
}

/// A member that is an object of that type. serde would also take an array for a struct.
pub(super) fn object<'m, T: Deserialize<'m>>(of: Node<'m>, member: &str) -> Option<Result<T, NotAnObject>> {
    let value = of.get(member)?;
    let read = value.is_object().then(|| value.deserialize().ok()).flatten();
    Some(read.ok_or(NotAnObject))
}

/// A member is there, but it is no object of the type that it should be.
#[derive(Debug)]
pub(super) struct NotAnObject;
